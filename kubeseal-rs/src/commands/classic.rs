//! The modes without a verb, which are the reference's.

pub(crate) mod fetch_cert;
pub(crate) mod merge_into;
pub(crate) mod raw;
pub(crate) mod re_encrypt;
pub(crate) mod recovery_unseal;
pub(crate) mod seal;
pub(crate) mod validate;
