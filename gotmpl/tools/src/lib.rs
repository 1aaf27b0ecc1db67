//! What gotmpl is held against: Go's own engine with sprig's functions, asked about committed templates and about random ones.
//!
//! `cargo xtask vectors templates` and `cargo xtask fuzz templates` call it.

pub mod fuzz;
pub mod oracle;
pub mod vectors;
