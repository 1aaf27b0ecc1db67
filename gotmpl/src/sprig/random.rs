//! Random text, numbers, UUIDs and orders, from the rendering's own source.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use zeroize::Zeroizing;

use super::runes::{push, runes};
use super::{I, Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Call, Func, FuncError};
use crate::value::Value;

pub(super) static FUNCS: &[Func] = &[
    Func::new("randAlpha", &[I], RAND_ALPHA).nondeterministic(),
    Func::new("randAlphaNum", &[I], RAND_ALPHA_NUM).nondeterministic(),
    Func::new("randNumeric", &[I], RAND_NUMERIC).nondeterministic(),
    Func::new("randAscii", &[I], RAND_ASCII).nondeterministic(),
    Func::new("randBytes", &[I], rand_bytes).nondeterministic(),
    Func::new("randInt", &[I, I], rand_int).nondeterministic(),
    Func::new("uuidv4", &[], uuidv4).nondeterministic(),
    Func::new("shuffle", &[S], shuffle).nondeterministic(),
];

const RAND_ALPHA: Call = |context, args| chosen(context, args, |byte| byte.is_ascii_alphabetic());
const RAND_ALPHA_NUM: Call = |context, args| chosen(context, args, |byte| byte.is_ascii_alphanumeric());
const RAND_NUMERIC: Call = |context, args| chosen(context, args, |byte| byte.is_ascii_digit());
const RAND_ASCII: Call = |context, args| chosen(context, args, |byte| (b' '..=b'~').contains(byte));

/// A generator seeded with 256 bits of the rendering's source.
pub(super) fn generator(context: &mut Context<'_>) -> Result<ChaCha20Rng, FuncError> {
    let mut seed = Zeroizing::new([0; 32]);
    if !context.random().fill(seed.as_mut()) {
        return Err(FuncError::Failed("no random bytes"));
    }
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// A number below `bound` (which is not 0), each as likely as the others.
fn below(generator: &mut ChaCha20Rng, bound: u64) -> u64 {
    let unfair = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = generator.next_u64();
        if drawn < unfair {
            return drawn % bound;
        }
    }
}

/// So many characters of those that `belongs` takes; none for a negative count.
fn chosen(context: &mut Context<'_>, args: Args<'_>, belongs: fn(&u8) -> bool) -> Outcome {
    let count = usize::try_from(args.int(0)?).unwrap_or(0);
    context.allocate(count)?;
    context.steps(count as u64 / 8)?;
    let letters: Vec<u8> = (0..=127).filter(belongs).collect();
    let mut generator = generator(context)?;
    let draw = |_| {
        let place = usize::try_from(below(&mut generator, letters.len() as u64)).unwrap_or(0);
        letters.get(place).copied().unwrap_or_default()
    };
    text((0..count).map(draw).collect::<Vec<u8>>())
}

fn rand_bytes(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let count = usize::try_from(args.int(0)?).map_err(|_| FuncError::Failed("negative count"))?;
    context.allocate(count.saturating_mul(2))?;
    context.steps(count as u64 / 64)?;
    let mut bytes = Zeroizing::new(vec![0; count]);
    generator(context)?.fill_bytes(&mut bytes);
    text(STANDARD.encode(bytes.as_slice()))
}

/// From the first number on, below the second.
fn rand_int(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let (min, max) = (args.int(0)?, args.int(1)?);
    let width = max
        .checked_sub(min)
        .and_then(|width| u64::try_from(width).ok())
        .filter(|width| *width > 0);
    let width = width.ok_or(FuncError::Failed("no number lies between the bounds"))?;
    let drawn = below(&mut generator(context)?, width);
    Ok(Value::Int(min.wrapping_add_unsigned(drawn)))
}

fn uuidv4(context: &mut Context<'_>, _: Args<'_>) -> Outcome {
    let mut bytes = [0; 16];
    generator(context)?.fill_bytes(&mut bytes);
    text(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

fn shuffle(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let whole = args.bytes(0)?;
    context.allocate(whole.len().saturating_mul(4))?;
    context.steps(whole.len() as u64 / 8)?;
    let mut chars: Vec<char> = runes(whole).map(|rune| rune.char).collect();
    let mut generator = generator(context)?;
    for last in (1..chars.len()).rev() {
        let other = usize::try_from(below(&mut generator, last as u64 + 1)).unwrap_or(0);
        chars.swap(last, other);
    }
    let mut out = Vec::with_capacity(chars.len());
    for char in chars {
        push(&mut out, char);
    }
    text(out)
}
