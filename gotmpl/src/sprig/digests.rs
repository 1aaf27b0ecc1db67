//! Checksums, in hexadecimal (adler32: decimal).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func};

pub(super) static FUNCS: &[Func] = &[
    Func::new("sha1sum", &[S], sum::<Sha1>),
    Func::new("sha256sum", &[S], sum::<Sha256>),
    Func::new("sha512sum", &[S], sum::<Sha512>),
    Func::new("adler32sum", &[S], |_, args| {
        text(adler2::adler32_slice(args.bytes(0)?).to_string())
    }),
];

fn sum<D: Digest>(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let whole = args.bytes(0)?;
    // Some 300 MB a second, and at least one block.
    context.steps(2 + whole.len() as u64 / 32)?;
    text(hexadecimal(&D::digest(whole)))
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let digit = |number: u8| number + if number < 10 { b'0' } else { b'a' - 10 };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
