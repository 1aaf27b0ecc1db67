//! Hashes of passwords, passwords made from a master password, and AES. All but AES take long by design.

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use rand_chacha::rand_core::RngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::encoding::decode_base64;
use super::random::generator;
use super::{Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::types::Type;

pub(super) static FUNCS: &[Func] = &[
    Func::new("bcrypt", &[S], |context, args| text(bcrypt(context, args.bytes(0)?)?)).nondeterministic(),
    Func::new("htpasswd", &[S, S], htpasswd).nondeterministic(),
    Func::new("derivePassword", &[Type::Uint32, S, S, S, S], derive_password),
    Func::new("encryptAES", &[S, S], encrypt_aes).nondeterministic(),
    Func::new("decryptAES", &[S, S], decrypt_aes),
];

const COST: u32 = 10;

// What a hash costs, see `Limits::work`.
const BCRYPT: u32 = 100;
const SCRYPT: u32 = 400;

/// What is too long gives the text of Go's error as its result.
fn bcrypt(context: &mut Context<'_>, password: &[u8]) -> Result<Vec<u8>, FuncError> {
    if password.len() > 72 {
        return Ok(b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_vec());
    }
    context.work(BCRYPT)?;
    let mut salt = [0; 16];
    generator(context)?.fill_bytes(&mut salt);
    let hash = bcrypt::hash_with_salt(password, COST, salt).map_err(|_| FuncError::Failed("bcrypt failed"))?;
    Ok(hash.format_for_version(bcrypt::Version::TwoA).into_bytes())
}

fn htpasswd(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let user = args.bytes(0)?;
    if user.contains(&b':') {
        return text([b"invalid username: ", user].concat());
    }
    let hash = bcrypt(context, args.bytes(1)?)?;
    text([user, b":", &hash].concat())
}

/// The forms that the Master Password algorithm gives its passwords: a letter for each class of characters.
fn forms(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// `derivePassword counter kind password user site`: the Master Password algorithm, version 2 and earlier. Holds 32 MiB
/// while it runs.
fn derive_password(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    const PURPOSE: &[u8] = b"com.lyndir.masterpassword";
    let failed = |_| FuncError::Failed("no password can be derived");
    let (counter, kind, password) = (args.uint32(0)?, args.bytes(1)?, args.bytes(2)?);
    let (user, site) = (args.bytes(3)?, args.bytes(4)?);
    let Some(forms) = forms(kind) else {
        return text([b"cannot find password template ", kind].concat());
    };
    context.work(SCRYPT)?;
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [PURPOSE, &length(user), user].concat();
    let mut key = Zeroizing::new([0; 64]);
    let cost = scrypt::Params::new(15, 8, 2, 64).map_err(|_| FuncError::Signature)?;
    scrypt::scrypt(password, &salt, &cost, key.as_mut())
        .map_err(|_| FuncError::Failed("no password can be derived"))?;
    let mut seed = <Hmac<Sha256> as Mac>::new_from_slice(key.as_ref()).map_err(failed)?;
    seed.update(&[PURPOSE, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = seed.finalize().into_bytes();
    let (first, seed) = seed.split_first().ok_or(FuncError::Signature)?;
    let form = forms
        .get(usize::from(*first) % forms.len())
        .copied()
        .unwrap_or_default();
    let letter = |(class, byte): (u8, &u8)| {
        let letters = characters(class);
        letters
            .get(usize::from(*byte) % letters.len())
            .copied()
            .unwrap_or_default()
    };
    text(form.bytes().zip(seed).map(letter).collect::<Vec<u8>>())
}

const BLOCK: usize = 16;

/// The first 32 bytes of the password, filled up with zeros.
fn aes_key(password: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    for (place, byte) in key.iter_mut().zip(password) {
        *place = *byte;
    }
    key
}

/// AES-256-CBC: a random first block, then the padded text, in base64. (CBC does not show changes: this is for
/// templates that must feed another program.)
fn encrypt_aes(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let plain = args.bytes(1)?;
    if plain.is_empty() {
        return text("");
    }
    context.allocate(plain.len().saturating_mul(2))?;
    context.steps(8 + plain.len() as u64 / 16)?;
    let mut first = [0; BLOCK];
    generator(context)?.fill_bytes(&mut first);
    let cipher = cbc::Encryptor::<Aes256>::new((&*aes_key(args.bytes(0)?)).into(), &first.into());
    let sealed = cipher.encrypt_padded_vec_mut::<Pkcs7>(plain);
    text(STANDARD.encode([first.as_slice(), &sealed].concat()))
}

/// The last byte says how much is cut off, as in the original, which does not look at the padding.
fn decrypt_aes(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let failed = FuncError::Failed("no ciphertext of AES");
    let encoded = args.bytes(1)?;
    if encoded.is_empty() {
        return text("");
    }
    context.steps(8 + encoded.len() as u64 / 16)?;
    let sealed = decode_base64(encoded).ok_or(failed)?;
    let (first, sealed) = sealed.split_first_chunk::<BLOCK>().ok_or(failed)?;
    if sealed.is_empty() || sealed.len() % BLOCK != 0 {
        return Err(failed);
    }
    let cipher = cbc::Decryptor::<Aes256>::new((&*aes_key(args.bytes(0)?)).into(), first.into());
    let mut plain = Zeroizing::new(sealed.to_vec());
    cipher.decrypt_padded_mut::<NoPadding>(&mut plain).map_err(|_| failed)?;
    let padding = usize::from(plain.last().copied().unwrap_or_default());
    let kept = plain.len().checked_sub(padding).ok_or(failed)?;
    text(plain.get(..kept).unwrap_or_default())
}
