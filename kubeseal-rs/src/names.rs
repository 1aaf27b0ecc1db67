//! Which names the API server takes.

/// What stands for a value that is filled in before the API server sees the name (Flux's `postBuild`, `envsubst`; kustomize).
const PLACEHOLDERS: [&str; 2] = ["${", "$("];

fn has_placeholder(name: &str) -> bool {
    PLACEHOLDERS.iter().any(|start| name.contains(start))
}

/// Why no object can be called so: its name must be a DNS subdomain (RFC 1123, as `IsDNS1123Subdomain` of Kubernetes).
pub(crate) fn fault_of_name(name: &str) -> Option<&'static str> {
    let fits = name.len() <= 253 && name.split('.').all(is_label);
    (!fits && !has_placeholder(name)).then_some(
        "is no name of an object: at most 253 lower-case letters, digits, '-' and '.', each part beginning and ending with \
         a letter or digit",
    )
}

/// Why no namespace can be called so: its name must be a DNS label (RFC 1123, as `IsDNS1123Label` of Kubernetes).
pub(crate) fn fault_of_namespace(name: &str) -> Option<&'static str> {
    let fits = name.len() <= 63 && is_label(name);
    (!fits && !has_placeholder(name)).then_some(
        "is no name of a namespace: at most 63 lower-case letters, digits and '-', beginning and ending with a letter or \
         digit",
    )
}

fn is_label(text: &str) -> bool {
    let fits = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    ends.into_iter().all(|end| end.is_some_and(fits)) && text.bytes().all(|sign| fits(sign) || sign == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_api_server_takes() {
        for name in ["db", "a.b", "0", "a-b.c-d", &"a".repeat(253), "${env}-db", "$(ENV)-db"] {
            assert_eq!(fault_of_name(name), None, "{name}");
        }
        for name in [
            "DB_x",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "a b",
            "é",
            &"a".repeat(254),
        ] {
            assert!(fault_of_name(name).is_some(), "{name}");
        }
        for name in ["shop", "a-b", "0", &"a".repeat(63), "${NAMESPACE}"] {
            assert_eq!(fault_of_namespace(name), None, "{name}");
        }
        for name in ["a.b", "Shop", "a-", &"a".repeat(64)] {
            assert!(fault_of_namespace(name).is_some(), "{name}");
        }
    }
}
