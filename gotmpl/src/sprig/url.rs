//! `urlParse` and `urlJoin`, by the rules of Go's `net/url`, which are not those of browsers (the `url` crate's).

mod escape;

use std::net::Ipv6Addr;

use memchr::{memchr, memrchr};

use super::{MAP, Outcome, S, by_runes, text};
use crate::context::{Context, STRING};
use crate::function::{Args, Func, FuncError};
use crate::types::{Kind, Type};
use crate::value::{Map, Value};

use escape::{Part, escape, unescape};

pub(super) static FUNCS: &[Func] = &[
    Func::new("urlParse", &[S], url_parse),
    Func::new("urlJoin", &[MAP], url_join),
];

const INVALID: FuncError = FuncError::Failed("no URL");

/// A URL in its parts, without escapes but for the query, which stays as it is.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    /// User, and the password where there is one.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

fn cut_at(whole: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(mark, whole).and_then(|place| whole.split_at_checked(place)) {
        Some((before, [_, after @ ..])) => (before, Some(after)),
        _ => (whole, None),
    }
}

impl Url {
    fn parse(whole: &[u8]) -> Result<Url, FuncError> {
        let (before, fragment) = cut_at(whole, b'#');
        let mut url = Url::parse_without_fragment(before)?;
        if let Some(fragment) = fragment {
            url.fragment = unescape(fragment, Part::Fragment).ok_or(INVALID)?;
        }
        Ok(url)
    }

    fn parse_without_fragment(whole: &[u8]) -> Result<Url, FuncError> {
        let mut url = Url::default();
        if whole.iter().any(u8::is_ascii_control) {
            return Err(INVALID);
        }
        if whole == b"*" {
            url.path = whole.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(whole)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = cut_at(rest, b'?');
        url.query = query.unwrap_or_default().to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            // `a:b` could be taken for a scheme that it has not.
            if cut_at(rest, b'/').0.contains(&b':') {
                return Err(INVALID);
            }
        }
        let mut path = rest;
        let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if let Some(after) = rest.strip_prefix(b"//").filter(|_| has_authority) {
            let end = memchr(b'/', after).unwrap_or(after.len());
            let (authority, after) = after.split_at_checked(end).ok_or(INVALID)?;
            url.authority(authority)?;
            path = after;
        }
        url.path = unescape(path, Part::Path).ok_or(INVALID)?;
        Ok(url)
    }

    fn authority(&mut self, authority: &[u8]) -> Result<(), FuncError> {
        let at = memrchr(b'@', authority);
        let host = at.map_or(authority, |at| authority.get(at + 1..).unwrap_or_default());
        self.host = parse_host(&self.scheme, host)?;
        if let Some(user) = at.and_then(|at| authority.get(..at)) {
            self.user = Some(parse_user(user)?);
        }
        Ok(())
    }

    fn hostname(&self) -> &[u8] {
        let colon = memrchr(b':', &self.host).filter(|colon| is_port(self.host.get(*colon..).unwrap_or_default()));
        let name = self.host.get(..colon.unwrap_or(self.host.len())).unwrap_or_default();
        match name {
            [b'[', inner @ .., b']'] => inner,
            other => other,
        }
    }

    fn userinfo(&self) -> Vec<u8> {
        let Some((user, password)) = &self.user else {
            return Vec::new();
        };
        let mut out = escape(user, Part::User);
        if let Some(password) = password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.add_place(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }

    fn add_place(&self, out: &mut Vec<u8>) {
        let has_host = !self.host.is_empty() || self.user.is_some();
        if has_host || (!self.scheme.is_empty() && !self.path.is_empty()) {
            out.extend_from_slice(b"//");
        }
        if self.user.is_some() {
            out.extend(self.userinfo());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" {
            b"*".to_vec()
        } else {
            escape(&self.path, Part::Path)
        };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() && cut_at(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// The scheme, empty when there is none, and what follows it.
fn scheme(whole: &[u8]) -> Result<(&[u8], &[u8]), FuncError> {
    for (place, byte) in whole.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if place > 0 => {}
            b':' if place == 0 => return Err(INVALID),
            b':' => {
                let (scheme, rest) = whole.split_at_checked(place).ok_or(INVALID)?;
                return Ok((scheme, rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok((b"", whole))
}

/// Nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, FuncError> {
    match memrchr(b'[', host) {
        Some(0) => parse_ip_literal(host),
        Some(_) => Err(INVALID),
        None => {
            // Lists of hosts, as databases write them, have several colons.
            let strict = scheme == b"http" || scheme == b"https";
            let colon = if strict {
                memchr(b':', host)
            } else {
                memrchr(b':', host)
            };
            if !is_port(colon.and_then(|colon| host.get(colon..)).unwrap_or_default()) {
                return Err(INVALID);
            }
            unescape(host, Part::Host).ok_or(INVALID)
        }
    }
}

/// `[fe80::1%25en0]:80`.
fn parse_ip_literal(host: &[u8]) -> Result<Vec<u8>, FuncError> {
    let close = memrchr(b']', host).ok_or(INVALID)?;
    let port = host.get(close + 1..).unwrap_or_default();
    if !is_port(port) {
        return Err(INVALID);
    }
    let name = host.get(1..close).unwrap_or_default();
    let zone = memchr::memmem::find(name, b"%25").unwrap_or(name.len());
    let (address, zone) = name.split_at_checked(zone).ok_or(INVALID)?;
    let address = unescape(address, Part::Host).ok_or(INVALID)?;
    let zone = unescape(zone, Part::Zone).ok_or(INVALID)?;
    let parsed = std::str::from_utf8(&address)
        .ok()
        .and_then(|address| address.parse::<Ipv6Addr>().ok());
    if parsed.is_none() || zone == b"%" {
        return Err(INVALID);
    }
    Ok([b"[", address.as_slice(), &zone, b"]", port].concat())
}

fn parse_user(user: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), FuncError> {
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !user.iter().all(valid) {
        return Err(INVALID);
    }
    let (name, password) = cut_at(user, b':');
    let plain = |part| unescape(part, Part::User).ok_or(INVALID);
    Ok((plain(name)?, password.map(plain).transpose()?))
}

fn url_parse(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let whole = by_runes(context, args, 0, 16)?;
    // Each byte is in at most three of the parts.
    context.allocate(whole.len().saturating_mul(3))?;
    let url = Url::parse(whole)?;
    context.steps(8)?;
    context.allocate_map(8)?;
    context.allocate(16 * STRING)?;
    let map = Map::new(&Type::Any);
    for (name, part) in [
        ("scheme", url.scheme.as_slice()),
        ("host", &url.host),
        ("hostname", url.hostname()),
        ("path", &url.path),
        ("query", &url.query),
        ("opaque", &url.opaque),
        ("fragment", &url.fragment),
        ("userinfo", &url.userinfo()),
    ] {
        let _fresh = map.insert(name, Value::string(part));
    }
    Ok(Value::Map(map))
}

fn url_join(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let map = args.map(0)?;
    context.steps(8)?;
    let mut part = |name: &str| match map.get(name.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::String(part)) => {
            context.allocate(part.len().saturating_mul(3))?;
            context.steps(part.len() as u64 / 16)?;
            Ok(part.to_vec())
        }
        Some(other) => Err(match other.kind() {
            Kind::Invalid => FuncError::Failed("a part of the URL is nil"),
            _ => FuncError::Failed("a part of the URL is no string"),
        }),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        url.user = Url::parse(&[b"proto://", userinfo.as_slice(), b"@host"].concat())?.user;
    }
    text(url.to_bytes())
}
