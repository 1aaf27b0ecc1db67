//! The format, against others: vectors, hostile bytes, an independent second implementation, certificates.

mod certificates;
mod common;
mod documents;
mod example;
mod hostile;
mod oracle;
mod vectors;
