//! No Secret holds more than 1 MiB: what would be one is refused while it is still in clear.

use crate::items::CERT;
use crate::program::Folder;

const MIB: usize = 1 << 20;

fn secret(items: &[(&str, usize)]) -> String {
    let mut text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n".to_owned();
    for (item, length) in items {
        text += &format!("  {item}: \"{}\"\n", "x".repeat(*length));
    }
    text
}

#[test]
fn values_that_no_secret_can_hold_are_not_sealed() {
    let folder = Folder::with_keys();
    folder.put("half.yaml", &secret(&[("a", MIB / 2)]));
    folder.put(
        "half.sealed.yaml",
        &folder.run(&format!("{CERT} -o yaml -f half.yaml"), "").ok(),
    );
    folder.put("more.yaml", &secret(&[("b", MIB / 2 + 1)]));
    folder.put("both.yaml", &secret(&[("a", MIB / 2), ("b", MIB / 2 + 1)]));
    folder.put("value", &"x".repeat(MIB / 2 + 1));
    let before = folder.listing();
    for line in [
        format!("{CERT} -f both.yaml"),
        format!("seal {CERT} both.yaml"),
        format!("{CERT} --merge-into half.sealed.yaml -f more.yaml"),
        format!("set {CERT} half.sealed.yaml b --from-file value"),
    ] {
        let run = folder.run(&line, "");
        assert_eq!((run.code, run.stdout.contains("AQ")), (1, false), "{line}");
        assert!(
            run.stderr
                .contains("1048577 bytes together, and Kubernetes allows 1048576 in a Secret\nhint: "),
            "{line}: {}",
            run.stderr
        );
    }
    assert_eq!(folder.listing(), before);
    // In place of the value that is there, it fits.
    folder
        .run(&format!("set {CERT} half.sealed.yaml a --from-file value"), "")
        .ok();
    folder.put("all.yaml", &secret(&[("a", MIB - 1), ("b", 1)]));
    let sealed = folder.run(&format!("{CERT} -f all.yaml"), "").ok();
    folder.put("all.json", &sealed);
    let lint = folder.run("lint all.json", "");
    assert!(
        lint.code == 0 && lint.stdout.contains("warning[apply-size]"),
        "{}",
        lint.stdout
    );
}

#[test]
fn a_bare_value_that_no_secret_can_hold_is_not_sealed() {
    let folder = Folder::with_keys();
    folder.put("value", &"x".repeat(MIB + 1));
    let raw = format!("--raw {CERT} --name db -n shop --from-file value");
    let run = folder.run(&raw, "");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let expected = "error: value: the value has 1048577 bytes, and Kubernetes allows 1048576 in a Secret\nhint: ";
    assert!(run.stderr.starts_with(expected), "{}", run.stderr);
    folder.put("value", &"x".repeat(MIB));
    assert!(folder.run(&raw, "").ok().starts_with("AQ"));
}

#[test]
fn secrets_that_are_merged_into_one_count_together() {
    let folder = Folder::with_keys();
    let into = folder.run(&format!("{CERT} -o yaml"), &secret(&[("a", 1)])).ok();
    folder.put("into.yaml", &into);
    let both = |length| format!("{}---\n{}", secret(&[("b", MIB / 2)]), secret(&[("c", length)]));
    let merge = format!("{CERT} --merge-into into.yaml");
    let run = folder.run(&merge, &both(MIB / 2));
    let expected = "error: stdin, document 2, line 7: the Secret's values would have 1048577 bytes together";
    assert!(run.code == 1 && run.stderr.starts_with(expected), "{}", run.stderr);
    assert_eq!(folder.text("into.yaml"), into);
    folder.run(&merge, &both(MIB / 2 - 1)).ok();
}

#[test]
fn seal_says_what_kubectl_apply_does_not_take() {
    let folder = Folder::with_keys();
    folder.put("large.yaml", &secret(&[("a", 200 << 10)]));
    for result in ["sealed", "sealed"] {
        let told = folder.run(&format!("seal {CERT} large.yaml"), "").ok();
        let start = format!(
            "{result} large.yaml → large.sealed.yaml\n  warning: document 1, line 2: kubectl apply keeps a copy of the object"
        );
        assert!(told.starts_with(&start), "{told}");
        assert!(told.contains("what helps: kubectl apply --server-side"), "{told}");
        folder.put("large.yaml", &secret(&[("a", 200 << 10), ("b", 1)]));
    }
    folder.put("fits.yaml", &secret(&[("a", 150 << 10)]));
    assert!(
        !folder
            .run(&format!("seal {CERT} fits.yaml"), "")
            .ok()
            .contains("warning")
    );
    // Scripts see nothing on stderr.
    folder.put(
        "merged.yaml",
        &folder.run(&format!("{CERT} -o yaml -f large.yaml"), "").ok(),
    );
    folder.run(&format!("set {CERT} merged.yaml c"), "x").ok();
}
