//! How many RSA operations this machine does in a second, through the same backend as the library, and how many values of format
//! v2 the library opens: the bound of everything that seals and opens. Prints one line of JSON; `cargo xtask bench` reads it.
//!
//! `cargo bench -p sealing --bench rate -- [BITS [SECONDS]]`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a bench has a clock, threads and a voice, and whatever fails here has failed"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use sealing::SystemRandom;
use sealing::binding::Binding;
use sealing::v2;

/// The longest value that has the smallest size in format v2.
const SHORT: [u8; 31] = [7; 31];

/// Characters of the base64 of a short value: in format v1 with an RSA key of so many bytes, and in v2 for 1, 2, 4 and 16
/// recipients.
fn sizes(rsa: usize) -> Vec<usize> {
    let keys = (1..=16).map(|number| v2::Seed::from_bytes(&[number; v2::SEED]).unwrap());
    let keys: Vec<_> = keys.map(|seed| v2::PrivateKey::from_seed(&seed).unwrap()).collect();
    let context = v2::Context::new(&Binding::ClusterWide, "password").unwrap();
    let of_v2 = [1, 2, 4, 16].map(|count| {
        let recipients: Vec<_> = keys.iter().take(count).map(v2::PrivateKey::public).collect();
        v2::seal(&SHORT, &context, &recipients, &mut SystemRandom::default())
            .unwrap()
            .len()
    });
    // The length of the RSA block, that, and the value with its tag.
    let of_v1 = 2 + rsa + SHORT.len() + 16;
    [of_v1]
        .into_iter()
        .chain(of_v2)
        .map(|bytes| bytes.div_ceil(3) * 4)
        .collect()
}

/// As long as a session key.
const SESSION_KEY: [u8; 32] = [7; 32];

/// Operations a second of `threads` threads that do nothing else for `time`.
fn rate(threads: usize, time: Duration, operation: &(dyn Fn() + Sync)) -> f64 {
    let done = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < time {
                    operation();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn main() {
    // Cargo adds `--bench` to what is typed.
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let bits = numbers.next().unwrap_or(4096);
    let time = Duration::from_secs(numbers.next().unwrap_or(2));
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        8192 => KeySize::Rsa8192,
        _ => KeySize::Rsa4096,
    };
    let private = PrivateDecryptingKey::generate(size).unwrap();
    let public = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public
        .encrypt(&OAEP_SHA256_MGF1SHA256, &SESSION_KEY, &mut wrapped, Some(b"label"))
        .unwrap();

    let seal = || {
        let mut out = vec![0; public.ciphertext_size()];
        public
            .encrypt(&OAEP_SHA256_MGF1SHA256, &SESSION_KEY, &mut out, Some(b"label"))
            .unwrap();
    };
    let open = || {
        let mut out = vec![0; private.min_output_size()];
        private
            .decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut out, Some(b"label"))
            .unwrap();
    };
    let key = v2::PrivateKey::from_seed(&v2::Seed::from_bytes(&[7; v2::SEED]).unwrap()).unwrap();
    let context = v2::Context::new(&Binding::ClusterWide, "password").unwrap();
    let sealed = v2::seal(b"hunter2", &context, &[key.public()], &mut SystemRandom::default()).unwrap();
    let open_hybrid = || {
        let envelope = v2::Envelope::parse(&sealed).unwrap();
        v2::open(&envelope, &context, std::iter::once(&key), || true).unwrap();
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{{\"bits\":{bits},\"threads\":{threads},\"public\":{:.1},\"public_one\":{:.1},\"private\":{:.1},\"private_one\":{:.1},\"hybrid_one\":{:.1},\"sizes\":{:?}}}",
        rate(threads, time, &seal),
        rate(1, time, &seal),
        rate(threads, time, &open),
        rate(1, time, &open),
        rate(1, time, &open_hybrid),
        sizes(public.ciphertext_size()),
    );
}
