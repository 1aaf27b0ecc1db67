//! The harness of the black-box tests: real control planes, the real reference, the real binaries.

pub mod output;
pub mod peers;
