//! The layering test: which crate may depend on which, checked by every `cargo test`.
//!
//! ARCHITECTURE.md draws the picture; this holds what must be absent from it.

mod kubeseal;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

/// Every member, and the members that it may depend on (in any way: also for its tests and build scripts).
const ALLOWED: &[(&str, &[&str])] = &[
    ("crds", &[]),
    ("gotmpl", &[]),
    ("manifest", &[]),
    ("sealing", &["crds", "gotmpl", "manifest"]),
    ("connection", &[]),
    ("controller", &["connection", "crds", "manifest", "sealing"]),
    ("kubeseal-rs", &["connection", "crds", "manifest", "sealing"]),
    ("page", &["manifest", "sealing"]),
    // The black box reaches the product through its binaries, its API objects and its ports.
    ("harness", &["crds"]),
    // As any other program would use it.
    ("gotmpl-tools", &["gotmpl"]),
    ("xtask", &["crds", "gotmpl-tools", "harness"]),
];

/// The crates without I/O, with the features of each of their forms.
const PURE: &[(&str, &[&str])] = &[
    ("crds", &[]),
    ("gotmpl", &[]),
    ("manifest", &[]),
    ("sealing", &[]),
    ("sealing", &["--no-default-features", "--features", "pure-rust"]),
];

/// The members that the product is made of.
pub(crate) const PRODUCT: [&str; 8] = [
    "crds",
    "gotmpl",
    "manifest",
    "sealing",
    "connection",
    "controller",
    "kubeseal-rs",
    "page",
];

/// Runtimes, network stacks and clients: a pure crate must not reach them, not even through another crate.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "h2",
    "hyper",
    "hyper-util",
    "kube",
    "kube-client",
    "kube-runtime",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tonic",
    "tower",
    "tower-http",
    "ureq",
];

/// How the backends of the cryptography are named in source text.
const BACKENDS: &[&str] = &[
    "aws_lc_rs",
    "aes_gcm",
    "hkdf::",
    "hpke::",
    "ml_kem::",
    "rsa::",
    "shake::",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

/// Names of all packages that are linked into `package` or run to build it, but for its tests' own.
fn reachable(package: &str, features: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--package", package])
        .args(features)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// Rust files of a member that end up in its product: not those of its `tests` folder.
pub(crate) fn sources(member: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![member.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|stem| stem == "tests") {
                // A test module in a file or folder of its own.
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "{} has no sources", member.display());
    files
}

/// The lines of a file that are neither comments nor its test module (which, here, always ends a file), numbered from 1.
fn product_lines(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let opens_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(opens_tests).unwrap_or(lines.len());
    let numbered = (1..)
        .zip(&lines[..end])
        .filter(|(_, line)| !line.trim_start().starts_with("//"));
    numbered.map(|(number, line)| (number, (*line).to_owned())).collect()
}

/// `file:line` of every product line of `members` that holds one of `words`, but for those files that `home` accepts.
fn strays(members: &[PathBuf], words: &[&str], home: impl Fn(&str) -> bool) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    for file in members.iter().flat_map(|member| sources(member)) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        if home(&name) {
            continue;
        }
        let lines = product_lines(&file).into_iter();
        let hits = lines.filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        found.extend(hits.map(|(number, line)| format!("{name}:{number}: {}", line.trim())));
    }
    found
}

fn members(metadata: &Metadata) -> Vec<PathBuf> {
    let folder = |package: &cargo_metadata::Package| package.manifest_path.parent().unwrap().as_std_path().to_owned();
    metadata.packages.iter().map(folder).collect()
}

#[test]
fn members_know_only_the_members_they_may() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let metadata = workspace();
    let names: BTreeSet<_> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let drawn: BTreeSet<_> = allowed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        names, drawn,
        "list the dependencies of a new crate in ALLOWED and in ARCHITECTURE.md"
    );
    for package in &metadata.packages {
        let known = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let wrong: Vec<_> = known
            .filter(|name| names.contains(*name) && !allowed[package.name.as_str()].contains(name))
            .collect();
        assert!(wrong.is_empty(), "{} must not depend on {wrong:?}", package.name);
    }
}

#[test]
fn pure_rooms_reach_no_runtime_no_network_and_no_cluster() {
    for (package, features) in PURE {
        let reached = reachable(package, features);
        assert!(reached.len() > 3, "cargo tree said nothing of {package}: {reached:?}");
        let impure: Vec<_> = reached.iter().filter(|name| IMPURE.contains(&name.as_str())).collect();
        assert!(impure.is_empty(), "{package} {features:?} reaches {impure:?}");
    }
}

#[test]
fn pure_rust_needs_no_c_compiler_and_the_default_does() {
    let compiles_c = |package: &str, features: &[&str]| {
        let reached = reachable(package, features);
        ["cc", "cmake", "aws-lc-sys", "ring"]
            .iter()
            .any(|name| reached.contains(*name))
    };
    for (package, feature) in [("sealing", "pure-rust"), ("kubeseal-rs", "seal")] {
        assert!(
            !compiles_c(package, &["--no-default-features", "--features", feature]),
            "{package}"
        );
        assert!(compiles_c(package, &[]), "the check above would find nothing");
    }
}

#[test]
fn the_shells_do_reach_a_cluster() {
    // The test above would prove nothing if cargo tree left such packages out.
    for shell in ["controller", "kubeseal-rs"] {
        let reached = reachable(shell, &[]);
        assert!(
            reached.contains("tokio") && reached.contains("kube-client"),
            "{shell}: {reached:?}"
        );
    }
}

#[test]
fn members_inherit_edition_version_and_lints() {
    let metadata = workspace();
    for member in members(&metadata) {
        let manifest = std::fs::read_to_string(member.join("Cargo.toml")).unwrap();
        for wanted in [
            "edition.workspace = true",
            "rust-version.workspace = true",
            "[lints]\nworkspace = true",
        ] {
            assert!(
                manifest.contains(wanted),
                "{}/Cargo.toml lacks: {wanted}",
                member.display()
            );
        }
    }
}

#[test]
fn pure_rooms_ban_the_same_calls_and_keep_the_workspace_s_settings() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let bans = read("sealing/clippy.toml");
    assert_eq!(bans, read("crds/clippy.toml"));
    assert_eq!(bans, read("gotmpl/clippy.toml"));
    assert_eq!(bans, read("manifest/clippy.toml"));
    assert!(bans.contains("std::time::SystemTime::now") && bans.contains("std::fs::read"));
    for setting in read("clippy.toml").lines() {
        assert!(
            bans.lines().any(|line| line == setting),
            "sealing/clippy.toml lacks: {setting}"
        );
    }
}

#[test]
fn one_folder_names_the_cryptography() {
    let found = strays(&[root().join("sealing")], BACKENDS, |name| {
        name.starts_with("sealing/src/primitives")
    });
    assert!(
        found.is_empty(),
        "only sealing/src/primitives names a backend:\n{}",
        found.join("\n")
    );
}

#[test]
fn one_file_names_what_expands_a_seed() {
    let found = strays(&[root().join("sealing")], &["ml_kem::", "sha3::"], |name| {
        ["expand_seed.rs", "rust_xwing.rs"]
            .iter()
            .any(|file| name == format!("sealing/src/primitives/{file}"))
            || name.starts_with("sealing/src/primitives/pure_rust")
    });
    assert!(
        found.is_empty(),
        "private keys are AWS-LC's, but for the expansion of a seed:\n{}",
        found.join("\n")
    );
    let words = [
        "DecapsulationKey",
        "RsaPrivateKey",
        "fn open",
        "fn decrypt",
        "fn unwrap_key",
    ];
    let private = strays(&[root().join("sealing")], &words, |name| {
        !name.contains("/pure_rust") && !name.ends_with("/rust_xwing.rs")
    });
    assert!(
        private.is_empty(),
        "pure Rust holds no private key:\n{}",
        private.join("\n")
    );
}

#[test]
fn the_shells_hold_no_cryptography_of_their_own() {
    let backends = ["aes-gcm", "aws-lc-rs", "ml-kem", "rcgen", "rsa", "sha2", "sha3"];
    let metadata = workspace();
    for shell in ["controller", "kubeseal-rs"] {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == shell)
            .unwrap();
        let known = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let own: Vec<_> = known.filter(|name| backends.contains(name)).collect();
        assert!(
            own.is_empty(),
            "{shell} depends on {own:?}: keys and ciphertexts are sealing's"
        );
    }
}

#[test]
fn wire_names_have_one_home() {
    // The black box and xtask write the names out: they see the product from outside, as another program would.
    let product = PRODUCT.map(|member| root().join(member));
    let words = ["sealedsecrets.bitnami.com/", "sealed-secrets-rs/"];
    let found = strays(&product, &words, |name| name == "crds/src/names.rs");
    assert!(
        found.is_empty(),
        "annotations and labels belong to crds/src/names.rs:\n{}",
        found.join("\n")
    );
    assert!(
        !strays(&product, &words, |_| false).is_empty(),
        "not even crds/src/names.rs was read"
    );
}

#[test]
fn no_state_is_global() {
    // Tables that never change may be.
    const CHANGES: &[&str] = &["mut ", "Mutex", "RwLock", "Atomic", "OnceLock", "Cell<"];
    let mut tables = 0;
    for file in PRODUCT.iter().flat_map(|member| sources(&root().join(member))) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            !["mod", "utils", "helpers"].contains(&stem),
            "{} says nothing",
            file.display()
        );
        for (number, line) in product_lines(&file) {
            let item = line
                .trim_start()
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ");
            tables += usize::from(item.starts_with("static "));
            let changes = item.starts_with("static ") && CHANGES.iter().any(|word| item.contains(word));
            assert!(
                !changes && !item.starts_with("thread_local!"),
                "{}:{number}: {item}",
                file.display()
            );
        }
    }
    assert!(tables > 0, "no table was seen either");
}
