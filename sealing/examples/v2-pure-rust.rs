//! `v2`, without a C compiler and without private keys.

#[path = "v2.rs"]
mod program;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::main()
}
