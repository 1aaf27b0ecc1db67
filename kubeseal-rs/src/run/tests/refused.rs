//! Flags that do not go together.

use super::*;

fn refused(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(decide(line).unwrap_err().to_string(), *expected, "{line}");
    }
}

#[test]
fn flags_without_a_verb() {
    refused(&[
        (
            "--merge-into x.yaml -w y.yaml",
            "--merge-into writes the file that it names, so it takes no --sealed-secret-file",
        ),
        ("--merge-into x.yaml -o xml", "unsupported output format: xml"),
        ("--re-encrypt -o xml", "unsupported output format: xml"),
        (
            "--cert c.pem seal x.yaml",
            "unexpected argument: only verbs take arguments, and the verb comes first",
        ),
        (
            "secret.yaml",
            "unexpected argument: only verbs take arguments, and the verb comes first",
        ),
        (
            "--raw true",
            "unexpected argument: only verbs take arguments, and the verb comes first",
        ),
        ("--from-file x", "--from-file requires --raw"),
        ("--recovery-unseal --from-file x", "--from-file requires --raw"),
        ("--item a", "--item requires --raw"),
        ("--validate --item a", "--item requires --raw"),
        ("--raw --name n -f x", "--secret-file is not read with --raw"),
        (
            "--raw --name n --from-file a,b",
            "must provide only one --from-file when encrypting a single item with --raw",
        ),
        (
            "--raw --name n --from-file a --from-file b",
            "must provide only one --from-file when encrypting a single item with --raw",
        ),
        ("--raw", "must provide the --name flag with --raw and --scope strict"),
        (
            "--validate -w out",
            "--validate writes nothing, so it takes no --sealed-secret-file",
        ),
        ("-o xml", "unsupported output format: xml"),
        ("--recovery-unseal -o xml", "unsupported output format: xml"),
        (
            "--cert ftp://x/y",
            "unsupported protocol scheme \"ftp\" in --cert (a file, or a http, https or file URL is expected)",
        ),
        (
            "--cert file://host/y",
            "--cert: a file URL must have the form file:///absolute/path",
        ),
        ("--cert http://[", "--cert is not a URL: invalid IPv6 address"),
    ]);
}

#[test]
fn flags_of_verbs() {
    refused(&[
        (
            "seal x --check --delete-clear",
            "--check writes nothing, so it takes no --delete-clear",
        ),
        (
            "seal x --check --force",
            "--check writes nothing, so it takes no --force",
        ),
        ("seal x -o yaml", "unsupported report: yaml"),
        ("reseal x --check", "--check and --diff require --recovery-private-key"),
        (
            "reseal x --cert c",
            "--cert needs --recovery-private-key: the controller seals with its own newest certificate",
        ),
        (
            "reseal x --for-cluster c",
            "--for-cluster needs --recovery-private-key: the controller seals with its own newest certificate",
        ),
        ("unseal x", "kubeseal unseal needs --recovery-private-key"),
        (
            "unseal x --recovery-private-key k --raw --out d",
            "--raw writes to stdout, so it takes no --beside and no --out",
        ),
        (
            "unseal x y --recovery-private-key k --raw",
            "--raw opens one value, so it takes one PATH",
        ),
        (
            "unseal x --recovery-private-key k --raw -n shop",
            "--raw with --scope strict needs --name",
        ),
        (
            "unseal x --recovery-private-key k --raw --scope namespace-wide",
            "--raw with --scope namespace-wide needs --namespace",
        ),
        (
            "unseal x --recovery-private-key k --scope strict",
            "--scope is for --raw: a SealedSecret says it itself",
        ),
        (
            "unseal x --recovery-private-key k --beside --out d",
            "--beside and --out both say where the clear files go",
        ),
    ]);
}
