//! The format, against others: vectors, hostile bytes, an independent second implementation, certificates.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected has to stop, and the second implementation draws its own randomness"
)]

mod certificates;
mod common;
mod documents;
mod example;
mod hostile;
mod merge;
mod oracle;
mod reseal;
mod v2;
mod vectors;
