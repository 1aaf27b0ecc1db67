//! One request to the API server.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Answers are an object, a certificate or nothing; a larger one is not read.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// A request, to be sent as often as the server asks for it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: &'static str,
    pub(super) body: Vec<u8>,
    /// Bytes of an answer that are read.
    pub(super) largest: usize,
}

impl Request {
    pub(super) fn get(path: String, accept: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            accept,
            body: Vec::new(),
            largest: LARGEST,
        }
    }
}

/// A name as one segment of a path.
pub(super) fn path_segment(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(name, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(path_segment("sealed-secrets"), "sealed-secrets");
        assert_eq!(path_segment("../secrets?x#y"), "..%2Fsecrets%3Fx%23y");
    }
}
