//! kubeseal-rs
fn main() {}
