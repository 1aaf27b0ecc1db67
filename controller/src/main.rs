//! The Sealed Secrets controller: turns SealedSecrets into Secrets and publishes the sealing certificate.

mod annotation;
mod args;
mod backoff;
mod cert_configmap;
mod contact;
mod core_dump;
mod error;
mod events;
mod fair_semaphore;
mod index;
mod keys;
mod lease;
mod logging;
mod metrics;
mod object_ref;
mod open_files;
mod pass_limit;
mod queue;
mod reconcile;
mod relist;
mod request;
mod resync;
mod runtime;
mod served;
mod server;
mod settings;
mod slices;
mod start;
mod strip_status;
mod tried;
mod watch;

/// Overwrites every piece of memory that is given back: the buffers of parsers and connections hold secrets too.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    core_dump::forbid();
    start::start()
}
