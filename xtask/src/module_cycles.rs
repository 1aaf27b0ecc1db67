//! No two modules of a crate depend on each other, so that each can be read after those that it uses.
//!
//! A module and its submodules count as one: a submodule that uses its parent's names makes no cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{ItemMod, UseTree};

use crate::layering::{PRODUCT, root, sources};

/// The modules that do depend on each other, by member. The list may become shorter, not longer.
const KNOWN: &[(&str, &[&str])] = &[
    // A time has its methods, and they give times. A value may be an object, whose methods are functions of values.
    (
        "gotmpl",
        &[
            "function",
            "sprig::dates::format",
            "sprig::dates::methods",
            "sprig::dates::time",
            "value",
            "value::object",
        ],
    ),
    // The verbs have a verb that prints the manual of all verbs.
    ("kubeseal-rs", &["commands::help", "commands::manual", "commands::verb"]),
    // An envelope names keys, and a key's Secret is made with its certificate, which holds the other half.
    ("sealing", &["cert", "v2", "v2::envelope", "v2::key", "v2::key_secret"]),
];

type Name = Vec<String>;

/// The modules of a member that are files, with their items; a crate's root has no name.
fn modules(member: &Path) -> BTreeMap<Name, syn::File> {
    let module = |path: PathBuf| {
        let below = path.strip_prefix(member.join("src")).unwrap().with_extension("");
        let parts = below.iter().map(|part| part.to_str().unwrap().to_owned());
        let name = parts.filter(|part| !["main", "lib"].contains(&part.as_str())).collect();
        (name, syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap())
    };
    sources(member).into_iter().map(module).collect()
}

/// Collects the modules that one module names.
struct Names<'a> {
    module: &'a Name,
    known: BTreeSet<&'a Name>,
    found: BTreeSet<&'a Name>,
}

impl<'a> Names<'a> {
    /// Takes a path in which another module may be named.
    fn path(&mut self, path: &[String]) {
        let mut parts = path.iter().map(String::as_str).peekable();
        let mut at = match parts.peek() {
            Some(&"crate") => {
                parts.next();
                Name::new()
            }
            _ => self.module.clone(),
        };
        while let Some(step @ ("super" | "self")) = parts.peek().copied() {
            parts.next();
            if step == "super" {
                at.pop();
            }
        }
        at.extend(parts.map(str::to_owned));
        // The longest beginning that is a module; what follows is an item of it.
        let named = (0..=at.len())
            .rev()
            .find_map(|length| self.known.get(&at[..length].to_vec()).copied());
        if let Some(named) = named.filter(|named| !self.module.starts_with(named)) {
            self.found.insert(named);
        }
    }

    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.path(&with(&name.ident)),
            UseTree::Rename(name) => self.path(&with(&name.ident)),
            UseTree::Glob(_) => self.path(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_of_tests(&item.attrs) {
            self.tree(&[], &item.tree);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts
            .first()
            .is_some_and(|first| ["crate", "super", "self"].contains(&first.as_str()))
        {
            self.path(&parts);
        }
        visit::visit_path(self, path);
    }
}

/// The modules that each module names.
fn dependencies(modules: &BTreeMap<Name, syn::File>) -> BTreeMap<&Name, BTreeSet<&Name>> {
    let found = modules.iter().map(|(module, file)| {
        let mut names = Names {
            module,
            known: modules.keys().collect(),
            found: BTreeSet::new(),
        };
        names.visit_file(file);
        (module, names.found)
    });
    found.collect()
}

/// The modules that depend on themselves by way of others.
fn in_cycles<'a>(dependencies: &BTreeMap<&'a Name, BTreeSet<&'a Name>>) -> BTreeSet<String> {
    let reaches_itself = |start: &Name| {
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<&Name> = dependencies[start].iter().copied().collect();
        while let Some(next) = ahead.pop() {
            if next == start {
                return true;
            }
            if seen.insert(next) {
                ahead.extend(&dependencies[next]);
            }
        }
        false
    };
    let found = dependencies.keys().filter(|start| reaches_itself(start));
    found.map(|name| name.join("::")).collect()
}

#[test]
fn modules_form_no_cycles() {
    let mut seen = 0;
    for member in PRODUCT {
        let modules = modules(&root().join(member));
        let dependencies = dependencies(&modules);
        seen += dependencies.values().map(BTreeSet::len).sum::<usize>();
        let known = KNOWN.iter().find(|(known, _)| *known == member);
        let known = known.map_or(&[][..], |(_, modules)| modules);
        let known: BTreeSet<_> = known.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(in_cycles(&dependencies), known, "{member}");
    }
    assert!(seen > 300, "{seen} dependencies");
}

#[test]
fn cycles_are_found() {
    let file = |text: &str| syn::parse_file(text).unwrap();
    let name = |text: &str| text.split("::").map(str::to_owned).collect::<Name>();
    let modules = BTreeMap::from([
        (name("a"), file("use crate::{b::One, c};")),
        (name("b"), file("fn f() { super::d::e::g(); }")),
        (name("c"), file("#[cfg(test)] mod tests { use crate::a; }")),
        (name("d"), file("mod e;")),
        (name("d::e"), file("use super::super::a::Two; use super::Three;")),
    ]);
    let found = in_cycles(&dependencies(&modules));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b", "d::e"]);
}
