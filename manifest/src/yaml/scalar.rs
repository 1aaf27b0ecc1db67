//! Scalars and tags: what was typed → a value and its mark.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};
use zeroize::Zeroizing;

use super::super::error::{DocumentError, Place};
use super::super::resolve::{Scalar, resolve};
use super::super::source_map::Turned;

/// The name of a tag of YAML's own, such as `str`.
pub(super) fn core_tag(tag: &Tag) -> Option<std::borrow::Cow<'_, str>> {
    tag.suffix_in_namespace("tag:yaml.org,2002:")
}

/// A tag that only says: not a plain scalar.
fn is_unspecific(tag: &Tag) -> bool {
    let (handle, suffix) = tag.parts();
    format!("{handle}{suffix}") == "!"
}

pub(super) fn known_tag(tag: Option<&Tag>, wanted: &str, place: Place) -> Result<(), DocumentError> {
    let known = tag.is_none_or(|tag| is_unspecific(tag) || core_tag(tag).is_some_and(|name| name == wanted));
    if known {
        Ok(())
    } else {
        Err(DocumentError::Tag { place })
    }
}

pub(super) fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    place: Place,
) -> Result<(Value, Option<Turned>), DocumentError> {
    let as_text = || Ok((Value::String(text.to_owned()), None));
    let meaning = match tag {
        None if style == ScalarStyle::Plain => resolve(text),
        None => return as_text(),
        Some(tag) if is_unspecific(tag) => return as_text(),
        Some(tag) => match (core_tag(tag).as_deref(), resolve(text)) {
            (Some("str" | "timestamp"), _) => return as_text(),
            (Some("binary"), _) => return binary(text, place).map(|text| (Value::String(text), None)),
            (Some("null"), Scalar::Null) => Scalar::Null,
            (Some("bool"), Scalar::Bool(truth)) => Scalar::Bool(truth),
            (Some("int"), number @ (Scalar::Int(_) | Scalar::Uint(_))) => number,
            (Some("float"), number @ (Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_))) => number,
            _ => return Err(DocumentError::Tag { place }),
        },
    };
    let value = match meaning {
        Scalar::Text => return as_text(),
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => Value::Bool(truth),
        Scalar::Int(number) => Value::from(number),
        Scalar::Uint(number) => Value::from(number),
        Scalar::Float(number) => Value::Number(json_number(number).ok_or(DocumentError::NotFinite { place })?),
    };
    Ok((value, Turned::of(&meaning, text)))
}

/// A float as Go writes it in JSON: without a fraction when it is whole, so that it still fits an integer's field.
fn json_number(number: f64) -> Option<Number> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole and below 2^53, so the cast is exact"
    )]
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

/// `!!binary`: base64 of text, line breaks allowed. Go reads it as the decoded text.
fn binary(text: &str, place: Place) -> Result<String, DocumentError> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|b| !b.is_ascii_whitespace()).collect());
    let bytes = STANDARD
        .decode(digits.as_slice())
        .map_err(|_| DocumentError::Tag { place })?;
    String::from_utf8(bytes).map_err(|_| DocumentError::Tag { place })
}
