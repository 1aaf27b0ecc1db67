//! The result of a run, normalized so that two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::differences::Difference;
use harness::implementation::Implementation;
use harness::output::{Captured, run_with_input};
use serde_json::{Value, json};

/// Exit code, stdout, stderr and every file that was made, changed or removed, by its name.
pub(crate) struct Outcome(BTreeMap<String, String>);

/// Shown for what is not there.
const NOTHING: &str = "—";
/// Ciphertexts are longer than any other word.
const SHORTEST_CIPHERTEXT: usize = 340;

impl Outcome {
    /// `folder` is where the program ran, `before` what was there when it began.
    pub(crate) fn of(ended: &Captured, folder: &Path, before: &Path, server: &str) -> Result<Outcome> {
        let place = folder.display().to_string();
        let stderr = ended.stderr.replace(&place, "FOLDER").replace(server, "SERVER");
        let mut parts = BTreeMap::from([
            ("exit".to_owned(), ended.code().to_string()),
            ("stdout".to_owned(), shape(&ended.bytes, before)?),
            ("stderr".to_owned(), class(&stderr)),
        ]);
        let listing = |folder: &Path| -> Result<BTreeMap<String, (String, Vec<u8>)>> {
            let mut all = BTreeMap::new();
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let metadata = entry.path().symlink_metadata()?;
                let kind = if metadata.is_symlink() {
                    "symlink".to_owned()
                } else {
                    format!("{:03o}", metadata.permissions().mode() & 0o777)
                };
                let name = entry.file_name().to_string_lossy().into_owned();
                all.insert(name, (kind, fs::read(entry.path()).unwrap_or_default()));
            }
            Ok(all)
        };
        let (old, new) = (listing(before)?, listing(folder)?);
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            if old.get(name) == new.get(name) {
                continue;
            }
            // Temporary files begin with a dot and have random names.
            let shown = if name.starts_with('.') {
                "a temporary file"
            } else {
                name
            };
            let what = match new.get(name) {
                None => "removed".to_owned(),
                Some((kind, bytes)) => format!("{kind} {}", shape(bytes, before)?),
            };
            parts.insert(shown.to_owned(), what);
        }
        Ok(Outcome(parts))
    }

    /// The differences between the outcomes of one line.
    pub(crate) fn differences(&self, ours: &Outcome, line: &str) -> BTreeSet<Difference> {
        if self.part("exit") != ours.part("exit") {
            // Where one of them fails, everything else differs too and adds nothing.
            return BTreeSet::from([Difference {
                object: line.to_owned(),
                what: "end".to_owned(),
                reference: self.end(),
                ours: ours.end(),
            }]);
        }
        let mut found = BTreeSet::new();
        for what in self.0.keys().chain(ours.0.keys()).collect::<BTreeSet<_>>() {
            let (theirs, mine) = (self.0.get(what), ours.0.get(what));
            if theirs == mine {
                continue;
            }
            let (theirs, mine) = brief(theirs, mine);
            found.insert(Difference {
                object: line.to_owned(),
                what: what.clone(),
                reference: theirs,
                ours: mine,
            });
        }
        found
    }
}

impl Outcome {
    fn part(&self, name: &str) -> &str {
        self.0.get(name).map_or(NOTHING, String::as_str)
    }

    /// The exit code, and the message where there is one.
    fn end(&self) -> String {
        match self.part("stderr") {
            NOTHING => format!("exit {}", self.part("exit")),
            message => short(Some(&format!("exit {}, {message}", self.part("exit")))),
        }
    }
}

/// The first line in which two texts differ, short enough for a table.
fn brief(theirs: Option<&String>, mine: Option<&String>) -> (String, String) {
    let (Some(theirs), Some(mine)) = (theirs, mine) else {
        let first = |text: Option<&String>| short(text.and_then(|text| text.lines().next()));
        return (first(theirs), first(mine));
    };
    let mut lines = (theirs.lines(), mine.lines());
    loop {
        match (lines.0.next(), lines.1.next()) {
            (Some(left), Some(right)) if left == right => {}
            (None, None) => return ("the same lines".to_owned(), "other line ends".to_owned()),
            (left, right) => return (short(left), short(right)),
        }
    }
}

fn short(line: Option<&str>) -> String {
    // A backtick would end the cell's code.
    let Some(line) = line.map(|line| line.trim().replace('`', "'")) else {
        return NOTHING.to_owned();
    };
    let kept: String = line.chars().take(100).collect();
    if kept.len() < line.len() {
        format!("{kept}…")
    } else {
        kept
    }
}

/// Parts of messages that scripts look for: a message with one of them is of that class, whatever stands around it.
const KNOWN: &[&str] = &[
    "Could not read file specified with --secret-file",
    "no key could decrypt secret (",
    "secret.data is empty in input Secret",
    "missing metadata.name in input Secret",
    "secret must declare a namespace",
    "namespace mismatch: ",
    "--from-file requires --raw",
    "must provide only one --from-file",
    "must provide the --name flag with --raw and --scope strict",
    "unsupported output format: ",
    "illegal base64 data at input byte ",
    "expired certificate on March 4, 2021",
    "data does not contain any valid RSA or ECDSA certificates",
    "expected RSA public key but found ",
    "cannot get sealed secret service: ",
    "cannot fetch certificate: ",
    "cannot validate sealed secret: ",
    "unable to decrypt sealed secret: ",
    "cannot re-encrypt secret: ",
    "cannot fetch \"SERVER",
    "invalid configuration: ",
    "no such file or directory",
];

/// Of a message: nothing, the known part that it has, or else its first line.
fn class(stderr: &str) -> String {
    let first = stderr.lines().next().unwrap_or_default();
    if first.is_empty() {
        return NOTHING.to_owned();
    }
    let known = KNOWN.iter().find(|part| stderr.contains(*part));
    match known {
        Some(part) if first.starts_with("error: ") => format!("error: {}", part.trim_end()),
        _ if stderr.contains("goroutine 1 [running]") => "a panic".to_owned(),
        // The program's own name is its path.
        _ if first.starts_with("Usage of ") => "Usage of …".to_owned(),
        _ => first.to_owned(),
    }
}

/// A text with every ciphertext replaced by what the reference opens it to.
fn shape(bytes: &[u8], files: &Path) -> Result<String> {
    let text = String::from_utf8_lossy(bytes);
    if text.is_empty() {
        return Ok(NOTHING.to_owned());
    }
    if text.contains("--recovery-private-key") && text.contains("--fetch-cert") {
        return Ok("the help".to_owned());
    }
    if is_ciphertext(text.trim_end()) {
        let end = if text.ends_with('\n') { " and a line break" } else { "" };
        return Ok(format!("raw: {}{end}", bare(text.trim_end(), files)?));
    }
    let mut shaped = String::new();
    for document in documents(&text) {
        if document.contains("encryptedData") {
            shaped.push_str(&opened(document, files)?);
        } else {
            shaped.push_str(document);
        }
    }
    Ok(shaped)
}

fn is_ciphertext(word: &str) -> bool {
    word.len() >= SHORTEST_CIPHERTEXT && STANDARD.decode(word).is_ok()
}

/// The objects of an output, each with its `---` or its closing brace and line break.
fn documents(text: &str) -> Vec<&str> {
    if text.starts_with('{') {
        return text.split_inclusive("\n}\n").collect();
    }
    let mut starts: Vec<usize> = text.match_indices("---\n").map(|(at, _)| at).collect();
    starts.retain(|at| *at == 0 || text.get(at - 1..*at) == Some("\n"));
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    let parts = starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end));
    parts.collect()
}

/// The document with `<clear text>` in place of each ciphertext.
fn opened(document: &str, files: &Path) -> Result<String> {
    let secret = recover(document, files)?;
    let mut shaped = String::new();
    for line in document.split_inclusive('\n') {
        let word = line.rsplit(' ').next().unwrap_or_default().trim_end();
        let word = word.trim_end_matches(',').trim_matches('"');
        if !is_ciphertext(word) {
            shaped.push_str(line);
            continue;
        }
        let item = line
            .trim_start()
            .rsplit_once(": ")
            .map_or("", |(item, _)| item)
            .trim_matches(['"', '\'']);
        let clear = match &secret {
            Some(secret) => format!("<{}>", text_of(secret.pointer("/data").and_then(|data| data.get(item)))),
            None => "<does not open>".to_owned(),
        };
        shaped.push_str(&line.replace(word, &clear));
    }
    Ok(shaped)
}

/// The value of an item in clear, as text that shows every byte.
fn text_of(value: Option<&Value>) -> String {
    let bytes = value
        .and_then(Value::as_str)
        .map(|text| STANDARD.decode(text).unwrap_or_default());
    bytes.unwrap_or_default().escape_ascii().to_string()
}

/// Opens one document with the reference; `None` when it does not open.
fn recover(document: &str, files: &Path) -> Result<Option<Value>> {
    let mut command = Command::new(Implementation::Reference.programs()?.kubeseal);
    command
        .args(["--recovery-unseal", "--recovery-private-key", "key.pem"])
        .current_dir(files)
        .env_clear();
    let opened = run_with_input(&mut command, document.as_bytes())?;
    Ok(if opened.status.success() {
        Some(opened.json()?)
    } else {
        None
    })
}

/// The binding of a bare ciphertext, and its plaintext.
fn bare(ciphertext: &str, files: &Path) -> Result<String> {
    let bindings = [
        ("strict, shop/db", "shop", "db", "none"),
        ("strict, from-a/db", "from-a", "db", "none"),
        (
            "namespace-wide, shop",
            "shop",
            "any",
            "sealedsecrets.bitnami.com/namespace-wide",
        ),
        ("cluster-wide", "any", "any", "sealedsecrets.bitnami.com/cluster-wide"),
    ];
    for (binding, namespace, name, annotation) in bindings {
        let object = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": namespace, "annotations": {annotation: "true"}},
            "spec": {"encryptedData": {"p": ciphertext}},
        });
        if let Some(secret) = recover(&object.to_string(), files)? {
            return Ok(format!("{binding}: <{}>", text_of(secret.pointer("/data/p"))));
        }
    }
    Ok("opens nowhere".to_owned())
}
