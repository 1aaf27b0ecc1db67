//! Patches of SealedSecrets, which kustomizations name: they are no objects, but may hold sealed values.

use crate::items::CERT;
use crate::program::Folder;

const KEYS: &str = "--recovery-private-key test-only.key";
const PATCH: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n";

fn folder(list: &str) -> Folder {
    let folder = Folder::with_keys();
    folder.git_init();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {p: v}\n";
    folder.put("app/db.yaml", &folder.run(&format!("{CERT} -o yaml"), secret).ok());
    folder.put("app/patches/labels.yaml", &format!("{PATCH}  labels: {{a: b}}\n"));
    folder.put("app/patches/delete.yaml", &format!("$patch: delete\n{PATCH}"));
    folder.put("app/kustomization.yaml", &format!("resources: [db.yaml]\n{list}"));
    folder
}

#[test]
fn what_a_kustomization_names_as_a_patch_is_no_object() {
    for list in [
        "patches:\n- path: patches/labels.yaml\n- path: ./patches/delete.yaml\n",
        "patchesStrategicMerge: [patches/labels.yaml, patches/delete.yaml]\n",
        "patchesJson6902:\n- {path: patches/labels.yaml}\n- {path: patches/delete.yaml}\n",
    ] {
        let folder = folder(list);
        let lint = folder.run("lint --strict app", "");
        assert_eq!((lint.code, lint.stderr.as_str()), (0, ""), "{}", lint.stdout);
        let told = folder.run(&format!("unseal {KEYS} app"), "").ok();
        assert_eq!(told.matches("kind: Secret").count(), 1);
        let told = folder
            .run(&format!("reseal {KEYS} --cert test-only-other.crt app"), "")
            .ok();
        assert!(told.contains("1 file"), "{told}");
        // Its own words say what a file is that is not a patch.
        folder.put("app/kustomization.yaml", "resources: [db.yaml]\n");
        assert_ne!(folder.run("lint --strict app", "").code, 0);
    }
}

#[test]
fn sealed_values_in_a_patch_are_reached_or_named() {
    let folder =
        folder("patches:\n- path: patches/value.yaml\n- path: patches/labels.yaml\n- path: patches/delete.yaml\n");
    let raw = |name: &str| {
        folder
            .run(&format!("{CERT} --raw --name {name} --namespace shop"), "new")
            .ok()
    };
    folder.put(
        "app/patches/value.yaml",
        &format!("{PATCH}spec:\n  encryptedData:\n    p: {}\n", raw("db")),
    );
    let lint = folder.run("lint app", "");
    assert!(lint.stdout.contains("app/patches/value.yaml:8:"), "{}", lint.stdout);
    let check = format!("reseal --check {KEYS},test-only-other.key --cert test-only-other.crt app");
    let run = folder.run(&check, "");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("app/patches/value.yaml"), "{}", run.stdout);
    folder.run(&check.replace(" --check", ""), "").ok();
    folder.run(&check, "").ok();
    folder.put(
        "app/patches/value.yaml",
        &format!("{PATCH}spec:\n  encryptedData:\n    p: {}\n", raw("other")),
    );
    let run = folder.run(&check, "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr
            .contains("error: app/patches/value.yaml, line 8: a sealed value"),
        "{}",
        run.told
    );
}
