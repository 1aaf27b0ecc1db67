//! The format, against others: vectors, hostile bytes, an independent second implementation, certificates.

mod certificates;
mod common;
mod hostile;
mod oracle;
mod vectors;
