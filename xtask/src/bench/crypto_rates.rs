//! The bound: what the machine's cores can do in RSA, measured through the same backend in the same run.
//!
//! This crate does not know `sealing` (`layering`); the meter is a bench of that crate, and its line of JSON is read.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::release;

/// Operations a second on all cores (and on one), with the key size of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Public-key operations (OAEP encryption): one for each item that is sealed.
    pub(crate) public: f64,
    /// The same on one core.
    pub(crate) public_one: f64,
    /// Private-key operations (OAEP decryption): one for each item that is opened.
    pub(crate) private: f64,
    /// The same on one core.
    pub(crate) private_one: f64,
    /// Openings of a short value of format v2, on one core.
    pub(crate) hybrid_one: f64,
    /// Characters of the base64 of a short value: in format v1, and in v2 for 1, 2, 4 and 16 recipients.
    pub(crate) sizes: [u64; 5],
}

impl Rates {
    /// Measures for about two seconds each.
    ///
    /// # Errors
    /// The meter cannot be built, or does not say what is expected.
    pub(crate) fn measure(bits: u32) -> Result<Rates> {
        let output = release::cargo(&[
            "bench",
            "-q",
            "-p",
            "sealing",
            "--bench",
            "rate",
            "--",
            &bits.to_string(),
        ])?
        .stderr(std::process::Stdio::inherit())
        .output()?;
        ensure!(output.status.success(), "the rate meter ended with {}", output.status);
        let line: Value = serde_json::from_slice(&output.stdout).context("the rate meter prints one line of JSON")?;
        let number = |name: &str| {
            let found = line.get(name).and_then(Value::as_f64);
            found.with_context(|| format!("the rate meter did not measure {name}"))
        };
        let sizes = line.get("sizes").and_then(Value::as_array).into_iter().flatten();
        let sizes: Vec<u64> = sizes.filter_map(Value::as_u64).collect();
        Ok(Rates {
            sizes: sizes.try_into().ok().context("the rate meter tells five sizes")?,
            public: number("public")?,
            public_one: number("public_one")?,
            private: number("private")?,
            private_one: number("private_one")?,
            hybrid_one: number("hybrid_one")?,
        })
    }
}
