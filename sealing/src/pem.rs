//! PEM text ↔ blocks (RFC 7468), over the `pem` crate; UTF-16 is read too.

use zeroize::Zeroizing;

/// One block: its tag (`CERTIFICATE`, `RSA PRIVATE KEY` …) and its DER bytes, wiped on drop.
pub(crate) struct Block {
    pub(crate) tag: String,
    pub(crate) has_headers: bool,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// All blocks of `text` in order; text around them is skipped. `None` when a block is broken.
pub(crate) fn blocks(text: &[u8]) -> Option<Vec<Block>> {
    let parsed = ::pem::parse_many(utf8(text).as_slice()).ok()?;
    Some(
        parsed
            .into_iter()
            .map(|block| Block {
                tag: block.tag().to_owned(),
                has_headers: block.headers().iter().next().is_some(),
                der: Zeroizing::new(block.into_contents()),
            })
            .collect(),
    )
}

/// The text in UTF-8 without a byte-order mark. Bytes that are not text are returned unchanged.
pub(crate) fn utf8(text: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match manifest::decode(text) {
        Ok(text) => text.as_bytes().to_vec(),
        Err(_) => text.to_vec(),
    })
}

/// Writes one block with LF line ends and 64 characters a line, as Go's `encoding/pem` does.
pub(crate) fn encode(tag: &str, der: &[u8]) -> Zeroizing<String> {
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    Zeroizing::new(::pem::encode_config(&::pem::Pem::new(tag, der), config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_text_is_the_same_text() {
        let text = "before\r\n-----BEGIN X-----\r\nAQID\r\n-----END X-----\r\n";
        let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
        };
        let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked,
            utf16([0xFF, 0xFE], u16::to_le_bytes),
            utf16([0xFE, 0xFF], u16::to_be_bytes),
        ] {
            assert_eq!(*utf8(&bytes), text.as_bytes());
            let blocks = blocks(&bytes).unwrap();
            assert_eq!((blocks.len(), blocks[0].der.as_slice()), (1, [1, 2, 3].as_slice()));
        }
        assert_eq!(*utf8(&[0x30, 0x82, 0x00]), [0x30, 0x82, 0x00], "DER");
    }
}
