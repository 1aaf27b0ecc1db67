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
        assert_eq!((run.code, run.stdout.contains("AgA")), (1, false), "{line}");
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
