//! What is wrong with one SealedSecret by itself.

mod formats;
mod keys;
mod sizes;

use crds::{SealedSecret, SecretTemplate, names};
use manifest::{Document, Nulls, Place, escaped};
use sealing::binding::{Binding, Scope};
use sealing::merge::check_item_name;
use sealing::render;
use sealing::secret::SecretError;
use sealing::unseal::sealed_secret;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::rule::Rule;
use super::{Finding, Source, without_place};
use crate::names::{fault_of_name, fault_of_namespace};
use crate::placeholder::placeholder_of;
use crate::repository::Found;
pub(super) use formats::BoundValue;

type Annotations = BTreeMap<String, String>;

/// What is known of a SealedSecret that could be read.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) file: Arc<Found>,
    /// Where the object begins.
    pub(super) place: Place,
    /// Where its name stands.
    pub(super) name_place: Place,
    pub(super) name: String,
    /// Empty when it names none.
    pub(super) namespace: String,
    pub(super) scope: Scope,
    /// Name and namespace that it was sealed for: its template keeps them, and its own are changed more easily.
    pub(super) sealed_name: String,
    pub(super) sealed_namespace: String,
    /// Its values of format v2.
    pub(super) bound: Vec<BoundValue>,
}

impl Sealed {
    /// Judges `document`, a SealedSecret by its kind; `None` when it cannot be read as one.
    pub(super) fn judge(source: &Source, document: &Document, findings: &mut Vec<Finding>) -> Option<Self> {
        let object = Object {
            source,
            document,
            found: findings,
        };
        object.judge()
    }

    /// What the ciphertexts are bound to if the object is called so. `None` where a name is missing.
    pub(super) fn binding(&self, name: &str, namespace: &str) -> Option<Binding> {
        Binding::new(self.scope, namespace, name).ok()
    }
}

struct Object<'a> {
    source: &'a Source,
    document: &'a Document,
    found: &'a mut Vec<Finding>,
}

impl Object<'_> {
    fn judge(mut self) -> Option<Sealed> {
        let sealed = match sealed_secret(self.document) {
            Ok(sealed) => sealed,
            Err(error) => {
                self.not_one(&error);
                return None;
            }
        };
        self.unknown_fields();
        let outer = self.annotations(&["metadata", "annotations"])?;
        let inner = self.annotations(&["spec", "template", "metadata", "annotations"])?;
        self.items(&sealed);
        self.sizes(&sealed);
        self.scopes(&outer, &inner, sealed.spec.template.is_some());
        self.copies(&outer, &["metadata", "annotations"]);
        self.copies(&inner, &["spec", "template", "metadata", "annotations"]);
        self.hint(&outer);
        let scope = Scope::from_annotations(Some(&outer));
        let text = |path: &str| self.text(path).unwrap_or_default();
        let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
        let or = |sealed: String, own: &str| if sealed.is_empty() { own.to_owned() } else { sealed };
        self.names(&name, &namespace);
        self.placeholders(scope, &name, &namespace);
        Some(Sealed {
            file: Arc::clone(&self.source.file),
            place: self.document.place(),
            name_place: self.document.place_of(&["metadata", "name"]),
            sealed_name: or(self.text("/spec/template/metadata/name").unwrap_or_default(), &name),
            sealed_namespace: or(
                self.text("/spec/template/metadata/namespace").unwrap_or_default(),
                &namespace,
            ),
            name,
            namespace,
            scope,
            bound: self.bound_values(&sealed),
        })
    }

    fn text(&self, pointer: &str) -> Option<String> {
        Some(self.document.value.pointer(pointer)?.as_str()?.to_owned())
    }

    fn at(&self, rule: Rule, path: &[&str], message: impl Into<String>) -> Finding {
        self.source.finding(rule, Some(self.document.place_of(path)), message)
    }

    fn find(&mut self, rule: Rule, path: &[&str], message: impl Into<String>) {
        self.found.push(self.at(rule, path, message));
    }

    fn find_and_fix(&mut self, rule: Rule, path: &[&str], message: impl Into<String>, fix: impl Into<String>) {
        self.found.push(self.at(rule, path, message).fix(fix));
    }

    fn not_one(&mut self, error: &SecretError) {
        let (place, message) = match error {
            SecretError::Document(error) => (error.place(), without_place(error)),
            SecretError::OtherKind { place, .. } => {
                let found = self.text("/apiVersion").unwrap_or_default();
                let message = format!("apiVersion is {:?}; it must be {}", escaped(&found), names::API_VERSION);
                (Some(*place), message)
            }
            other => (Some(self.document.place()), other.to_string()),
        };
        self.found.push(self.source.finding(Rule::Structure, place, message));
    }

    fn names(&mut self, name: &str, namespace: &str) {
        const AGAIN: &str = "change it; what its scope binds to the name must be sealed again for the new one";
        if name.is_empty() {
            self.find(Rule::Structure, &["metadata"], "metadata.name is missing");
        } else if let Some(fault) = fault_of_name(name) {
            let message = format!("{:?} {fault}", escaped(name));
            self.find_and_fix(Rule::Structure, &["metadata", "name"], message, AGAIN);
        }
        if let Some(fault) = fault_of_namespace(namespace).filter(|_| !namespace.is_empty()) {
            let message = format!("{:?} {fault}", escaped(namespace));
            self.find_and_fix(Rule::Structure, &["metadata", "namespace"], message, AGAIN);
        }
    }

    /// Whether it opens depends on what fills them in; one with `{{` is not a name at all, which has a finding already.
    fn placeholders(&mut self, scope: Scope, name: &str, namespace: &str) {
        let Some((field, text)) = placeholder_of(scope, name, namespace).filter(|(_, text)| !text.contains("{{"))
        else {
            return;
        };
        let message = format!(
            "the {field} {:?} is filled in later, and the values are bound to it: they open only under the {field} that they were \
             sealed for",
            escaped(&text)
        );
        let fix = format!(
            "seal for the {field} that it is filled in with (kubeseal --{field}), or bind the values to none: --scope cluster-wide"
        );
        self.find_and_fix(Rule::PlaceholderName, &["metadata", field], message, fix);
    }

    /// No Secret can have such an item.
    fn item_name(&mut self, path: &[&str], item: &str, fix: impl Into<String>) {
        if check_item_name(item).is_err() {
            let message = format!(
                "{:?} cannot be the name of an item: at most 253 letters, digits, '-', '_' and '.', not beginning with '..'",
                escaped(item)
            );
            self.find_and_fix(Rule::Structure, &[path, &[item]].concat(), message, fix);
        }
    }

    fn unknown_fields(&mut self) {
        let known: [(&[&str], &[&str]); 4] = [
            (&[], &["apiVersion", "kind", "metadata", "spec", "status"]),
            (&["metadata"], names::METADATA_FIELDS),
            (&["spec"], &["template", "data", "encryptedData"]),
            (&["spec", "template"], &["metadata", "type", "immutable", "data"]),
        ];
        for (path, fields) in known {
            let pointer: String = path.iter().flat_map(|step| ["/", step]).collect();
            let there = self.document.value.pointer(&pointer).and_then(Value::as_object);
            let unknown = there.into_iter().flat_map(|there| there.keys());
            for field in unknown
                .filter(|field| !fields.contains(&field.as_str()))
                .cloned()
                .collect::<Vec<_>>()
            {
                let message = format!(
                    "there is no field {:?} here (only {})",
                    escaped(&field),
                    fields.join(", ")
                );
                self.find(Rule::UnknownField, &[path, &[field.as_str()]].concat(), message);
            }
        }
    }

    /// The annotations at `path`; `None` when YAML would change one of them.
    fn annotations(&mut self, path: &[&str]) -> Option<Annotations> {
        match self.document.string_map(path, Nulls::Refuse) {
            Ok(map) => Some(map),
            Err(error) => {
                self.found.push(
                    self.source
                        .finding(Rule::Structure, error.place(), without_place(&error)),
                );
                None
            }
        }
    }

    fn items(&mut self, sealed: &SealedSecret) {
        let spec = &sealed.spec;
        if spec.data.is_some() {
            let message =
                "spec.data is the format of version 0.6 and before, which controllers refuse unless told otherwise";
            self.find_and_fix(
                Rule::DeprecatedData,
                &["spec", "data"],
                message,
                format!("kubeseal reseal {}", self.source.file.word()),
            );
            if !spec.encrypted_data.is_empty() {
                let message = "spec.data and spec.encryptedData exclude each other";
                self.find(Rule::Structure, &["spec", "data"], message);
            }
        }
        let templates = spec.template.as_ref().and_then(|template| template.data.as_ref());
        if spec.data.is_none() && spec.encrypted_data.is_empty() && templates.is_none_or(|data| data.is_empty()) {
            self.find(
                Rule::Empty,
                &["spec", "encryptedData"],
                "there is no item in spec.encryptedData",
            );
        }
        for (item, text) in &spec.encrypted_data {
            let fix = format!("kubeseal rename {} ITEM NEW-NAME", self.source.file.word());
            self.item_name(&["spec", "encryptedData"], item, fix);
            self.ciphertext(item, text);
        }
        self.formats(sealed);
        if let Some(template) = &spec.template {
            for item in template.data.iter().flat_map(|items| items.keys()) {
                self.item_name(&["spec", "template", "data"], item, "give it another name");
            }
            self.templates(template);
            // What is in spec.data cannot be known.
            if spec.data.is_none() {
                self.missing_items(template, &spec.encrypted_data);
            }
        }
    }

    fn missing_items(&mut self, template: &SecretTemplate, items: &BTreeMap<String, String>) {
        let items: Vec<_> = items.keys().map(String::as_str).collect();
        for (item, fields) in render::missing(template, &items) {
            let path = ["spec", "template", "data", item.as_str()];
            let fields: Vec<_> = fields.iter().map(|field| escaped(field)).collect();
            let message = format!("item {}: there is no item {}", escaped(&item), fields.join(", "));
            let fix = format!(
                "a missing item gives \"<no value>\": correct the name, or seal the item (kubeseal set {} ITEM)",
                self.source.file.word()
            );
            self.find_and_fix(Rule::MissingItem, &path, message, fix);
        }
    }

    fn templates(&mut self, template: &SecretTemplate) {
        for (item, error) in render::check(template) {
            let path = ["spec", "template", "data", item.as_str()];
            self.find(Rule::Template, &path, format!("item {}: {error}", escaped(&item)));
        }
        for (item, functions) in render::nondeterministic(template) {
            let path = ["spec", "template", "data", item.as_str()];
            let message = format!(
                "item {}: {} differs from one rendering to the next: the value changes whenever the object does, and a \
                 controller may refuse it (--deny-nondeterministic-templates)",
                escaped(&item),
                functions.join(", ")
            );
            self.find(Rule::NondeterministicTemplate, &path, message);
        }
    }

    fn scopes(&mut self, outer: &Annotations, inner: &Annotations, has_template: bool) {
        for scope in [names::ANNOTATION_CLUSTER_WIDE, names::ANNOTATION_NAMESPACE_WIDE] {
            if let Some(value) = outer
                .get(scope)
                .filter(|value| !["true", "false"].contains(&value.as_str()))
            {
                let message = format!("{scope} is {:?}: only \"true\" has an effect", escaped(value));
                self.find(Rule::ScopeValue, &["metadata", "annotations", scope], message);
            }
        }
        let (own, template) = (
            Scope::from_annotations(Some(outer)),
            Scope::from_annotations(Some(inner)),
        );
        if own == template {
            return;
        }
        match (own.annotation(), template.annotation()) {
            (Some(annotation), None) => {
                let message = format!("the object says {own}, its template says nothing: was it sealed {own}?");
                let path = ["metadata", "annotations", annotation];
                if has_template {
                    self.find_and_fix(Rule::ScopeOneSided, &path, message, format!(
                        "if it was, add {annotation}: \"true\" to spec.template.metadata.annotations too; else remove it"
                    ));
                }
            }
            (_, Some(annotation)) => {
                let path = ["spec", "template", "metadata", "annotations", annotation];
                let message = format!(
                    "the template says {template}, the object itself {own}; only the object's own annotations count, so \
                     what was sealed {template} does not open"
                );
                self.find_and_fix(
                    Rule::ScopeMismatch,
                    &path,
                    message,
                    format!("add {annotation}: \"true\" to metadata.annotations"),
                );
            }
            (None, None) => {}
        }
    }

    fn copies(&mut self, annotations: &Annotations, path: &[&str]) {
        let is_template = path.contains(&"template");
        for (annotation, copy) in annotations {
            // That of a SealedSecret holds ciphertexts only; that of a Secret holds its values, also compressed.
            let is_compressed = is_template && copy.starts_with("H4sI");
            let holds_clear = copy.contains("\"Secret\"") || copy.contains("stringData") || is_compressed;
            if names::is_last_applied(annotation) && holds_clear {
                let path = [path, &[annotation.as_str()]].concat();
                let message = "this annotation holds the Secret in clear";
                self.find_and_fix(
                    Rule::PlaintextCopy,
                    &path,
                    message,
                    "remove it; if it was committed, its values are known: change them".to_owned(),
                );
            }
        }
    }
}
