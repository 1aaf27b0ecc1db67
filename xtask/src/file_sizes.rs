//! No Rust file has more than 400 lines of code. (For functions clippy holds the limit: `too_many_lines`.)

use std::path::{Path, PathBuf};

use crate::layering::root;

/// Lines of code that a file may have.
const LIMIT: usize = 400;

/// The Rust files below a folder, without hidden folders and build output.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                let is_output = name == "target" || name == "node_modules";
                if !is_output && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// Lines that are neither blank nor comments.
fn lines_of_code(text: &str) -> usize {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// The files below a folder that exceed the limit.
fn too_long(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(folder) {
        let lines = lines_of_code(&std::fs::read_to_string(&file).unwrap());
        if lines > LIMIT {
            let name = file.strip_prefix(folder).unwrap().display();
            found.push(format!("{name}: {lines} lines"));
        }
    }
    found.sort();
    found
}

#[test]
fn files_are_short() {
    let root = root();
    assert!(rust_files(&root).len() > 500, "hardly any file was read");
    let found = too_long(&root);
    assert!(
        found.is_empty(),
        "split by topic what has more than {LIMIT} lines of code:\n{}",
        found.join("\n")
    );
}

#[test]
fn long_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("src/a.rs", "f();\n".repeat(LIMIT + 1));
    write("src/b.rs", "f();\n\n    // why\n/// what\n".repeat(LIMIT));
    for elsewhere in ["target/c.rs", "fuzz/target/d.rs", ".git/e.rs", "src/f.txt"] {
        write(elsewhere, "f();\n".repeat(LIMIT + 1));
    }
    assert_eq!(too_long(folder.path()), ["src/a.rs: 401 lines"]);
}
