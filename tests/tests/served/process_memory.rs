//! The controller's memory after unsealing, read through `/proc`, as root.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use serde_json::json;

use crate::fixture::Lab;

/// The prefix of every value of this test, and of nothing else.
const CANARY: &str = "memory-canary-";

/// Every byte that the process may write: heap, stacks, data.
fn memory(pid: u32) -> Result<Vec<Vec<u8>>> {
    let mut maps = String::new();
    File::open(format!("/proc/{pid}/maps"))?.read_to_string(&mut maps)?;
    let file = File::open(format!("/proc/{pid}/mem"))?;
    let mut all = Vec::new();
    for line in maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")))
    {
        let (from, to) = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'))
            .context("a range")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut bytes = vec![0; usize::try_from(to - from)?];
        // A region may have gone meanwhile.
        if file.read_exact_at(&mut bytes, from).is_ok() {
            all.push(bytes);
        }
    }
    ensure!(!all.is_empty(), "nothing could be read");
    Ok(all)
}

fn count(memory: &[Vec<u8>], wanted: &[u8]) -> usize {
    memory
        .iter()
        .map(|region| memmem::find_iter(region, wanted).count())
        .sum()
}

/// The integers of an `RSAPrivateKey` (PKCS #1): version, n, e, d, p, q, …
fn integers(der: &[u8]) -> Result<Vec<&[u8]>> {
    fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
        let (_tag, rest) = der.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        };
        rest.split_at_checked(length)
    }
    let (mut inner, _) = element(der).context("a sequence")?;
    let mut found = Vec::new();
    while let Some((integer, rest)) = element(inner) {
        found.push(integer.strip_prefix(&[0]).unwrap_or(integer));
        inner = rest;
    }
    ensure!(found.len() == 9, "{} integers", found.len());
    Ok(found)
}

#[test]
fn memory_holds_no_plaintext_and_no_key_but_the_backends() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048", "--hybrid=publish"])?;
    for number in 0..50 {
        let value = format!("{CANARY}{number}-{}", "x".repeat(40));
        lab.unseal("default", &format!("object-{number}"), &json!({"a": value}))?;
    }
    let keys = lab.cluster.key_secrets()?;
    let base64_of_pem = keys["items"][0]["data"]["tls.key"]
        .as_str()
        .context("a key")?
        .to_owned();
    let base64_of_seed = keys["items"][0]["data"]["hybrid.seed"]
        .as_str()
        .context("a seed")?
        .to_owned();
    let seed = STANDARD.decode(&base64_of_seed)?;
    let pem = String::from_utf8(STANDARD.decode(&base64_of_pem)?)?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(&body)?;
    let numbers = integers(&der)?;
    let (p, q) = (numbers[4], numbers[5]);
    let reversed = |number: &[u8]| number.iter().rev().copied().collect::<Vec<u8>>();

    let memory = memory(lab.controller.pid()?)?;
    // A line from the middle of the PEM, and of its base64 in the Secret.
    let line = pem.lines().nth(8).context("a line")?;
    let middle = &base64_of_pem[400..460];
    let found = [
        ("a value", count(&memory, CANARY.as_bytes())),
        (
            "a value in base64",
            count(&memory, STANDARD.encode(&CANARY[..12]).as_bytes()),
        ),
        ("the key in PEM", count(&memory, line.as_bytes())),
        ("the key in base64", count(&memory, middle.as_bytes())),
        ("the hybrid key's seed", count(&memory, &seed)),
        ("the seed in base64", count(&memory, base64_of_seed.as_bytes())),
        ("p as DER has it", count(&memory, p)),
        ("q as DER has it", count(&memory, q)),
    ];
    println!("{found:?}");
    // AWS-LC holds the primes as its own numbers: in the key, and in what makes the next operation fast.
    let own = [count(&memory, &reversed(p)), count(&memory, &reversed(q))];
    println!("the primes as AWS-LC holds them: {own:?}");
    ensure!(
        own.iter().all(|count| (1..=2).contains(count)),
        "the search is blind, or there are more copies: {own:?}"
    );
    ensure!(found.iter().all(|(_, count)| *count == 0), "{found:?}");
    Ok(())
}

#[test]
fn memory_cannot_be_dumped() -> Result<()> {
    let lab = Lab::start(&[])?;
    let pid = lab.controller.pid()?;
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .context("a limit")?;
    ensure!(
        core.split_whitespace().nth(4) == Some("0") && core.split_whitespace().nth(5) == Some("0"),
        "{core}"
    );
    Ok(())
}
