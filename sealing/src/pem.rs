//! PEM text ↔ blocks (RFC 7468), over the `pem` crate.

use zeroize::Zeroizing;

/// One block: its tag (`CERTIFICATE`, `RSA PRIVATE KEY` …) and its DER bytes, wiped on drop.
pub(crate) struct Block {
    pub(crate) tag: String,
    pub(crate) has_headers: bool,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// All blocks of `text` in order; text around them is passed over. `None` when a block is broken.
pub(crate) fn blocks(text: &[u8]) -> Option<Vec<Block>> {
    let parsed = ::pem::parse_many(text).ok()?;
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

/// Writes one block with LF line ends and 64 characters a line, as Go's `encoding/pem` does.
pub(crate) fn encode(tag: &str, der: &[u8]) -> Zeroizing<String> {
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    Zeroizing::new(::pem::encode_config(&::pem::Pem::new(tag, der), config))
}
