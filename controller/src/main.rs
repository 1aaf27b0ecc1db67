//! The Sealed Secrets controller: turns SealedSecrets into Secrets and publishes the sealing certificate.

mod annotation;
mod args;
mod backoff;
mod buckets;
mod cert_configmap;
mod cli;
mod contact;
mod core_dump;
mod digest;
mod error;
mod events;
mod fair_order;
mod fair_semaphore;
mod index;
mod keys;
mod lanes;
mod lease;
mod logging;
mod metrics;
mod object_ref;
mod open_files;
mod printable;
mod queue;
mod reconcile;
mod relist;
mod request;
mod resync;
mod runtime;
mod served;
mod server;
mod settings;
mod shrink;
mod slices;
mod strip_status;
mod unseal_diagnostics;
mod watch;

/// Overwrites every piece of memory that is given back: the buffers of parsers and connections hold secrets too.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Counts what is in use.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<peak_alloc::PeakAlloc> = zeroizing_alloc::ZeroAlloc(peak_alloc::PeakAlloc);

fn main() -> std::process::ExitCode {
    core_dump::forbid();
    cli::run()
}
