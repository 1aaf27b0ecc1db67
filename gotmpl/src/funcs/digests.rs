//! Checksums, in hexadecimal (adler32: decimal).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Outcome, S, text};
use crate::context::Context;
use crate::func::{Args, Func};

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
    // Some 300 MB a second.
    context.steps(whole.len() as u64 / 32)?;
    let sum = D::digest(whole);
    text(sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
