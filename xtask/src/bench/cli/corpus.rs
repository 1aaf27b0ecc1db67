//! The input: Secrets as people write them.

/// A Secret with one item.
pub(super) fn secret(number: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: database-{number}\n  namespace: shop\n  labels:\n    app: \
         shop\ntype: Opaque\nstringData:\n  password: correct-horse-battery-staple-{number}\n"
    )
}

/// So many Secrets with one item each, as a YAML stream.
pub(super) fn secrets(count: usize) -> String {
    (0..count).map(secret).collect()
}
