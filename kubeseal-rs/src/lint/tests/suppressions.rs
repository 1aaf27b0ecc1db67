//! Comments and flags that allow a finding.

use super::*;

#[test]
fn comments_and_flags_allow_a_finding() {
    let cut = sealed_with(4096).replace("AgA", "AgA%");
    let with = |above: &str, beside: &str| {
        sound().replace(
            &format!("    password: {}", sealed_with(4096)),
            &format!("{above}    password: {cut}{beside}"),
        )
    };
    assert_eq!(in_file(&with("", "")), ["f:12:5 base64"]);
    for (above, beside) in [
        ("", " # kubeseal: allow base64"),
        ("    # kubeseal: allow base64\n", ""),
        (
            "    # kubeseal: allow ciphertext, base64 because of a reason\n    # more\n",
            "",
        ),
        ("# kubeseal: allow-file base64\n", ""),
    ] {
        assert_eq!(in_file(&with(above, beside)), [""; 0], "{above}{beside}");
    }
    assert_eq!(
        in_file(&with("    # kubeseal: allow ciphertext base64\n", "")),
        ["f:13:5 base64"]
    );
    assert_eq!(
        in_file(&with("    # kubeseal: allow base65\n", "")),
        ["f:12:5 unknown-rule", "f:13:5 base64"]
    );
    let text = with("", "\n---\n# kubeseal: allow base64\n");
    assert_eq!(in_file(&text), ["f:12:5 base64"], "too late");
    assert!(
        judge(&[source("f", &with("", ""))], &[Rule::Base64], &|_| true)
            .findings
            .is_empty()
    );
}
