//! Lists of objects: their items are separate documents.

use serde_json::Value;

use super::error::{DocumentError, Node, Place};
use super::found::{Found, Others};
use super::source_map::{Children, Mark, Placed};
use super::{Document, Format, wipe};

/// The lists that are expanded, with the kind of items without one: the API server omits it in the items of a typed
/// list, `kubectl get -o yaml` does not.
const LISTS: [(&str, Option<&str>); 3] = [
    ("List", None),
    ("SecretList", Some("Secret")),
    ("SealedSecretList", Some("SealedSecret")),
];

/// Passes the object, or the items of the list, to `take`.
///
/// # Errors
/// [`DocumentError::NotAnObject`] for a document or an item that is something else; [`DocumentError::Field`] when
/// `items` is not a list.
pub(super) fn expand(found: Found, others: Others, take: &mut dyn FnMut(Document)) -> Result<(), DocumentError> {
    let Found {
        index,
        format,
        mut placed,
        broken,
        mut broken_items,
    } = found;
    let Some(item_kind) = list_of(&placed.value) else {
        let holds_none = others == Others::Passed && holds_no_object_of_ours(&placed.value);
        let spot = placed.mark.spot;
        let document = match object(index, format, None, placed) {
            Err(error) if holds_none => {
                let placed = Placed::only_kind(spot, String::new());
                Document::new(index, format, None, placed).broken(Some(error))
            }
            document => document?.broken(broken),
        };
        take(document);
        return Ok(());
    };
    let api_version = placed.value.get("apiVersion").cloned();
    let place = Place::new(index, placed.mark.spot_of(&["items"]));
    let items = placed.value.get_mut("items").map(Value::take).unwrap_or_default();
    let marks = match placed.mark.children {
        Children::Entries(mut entries) => entries.remove("items").map(|entry| entry.value),
        Children::None | Children::Items(_) => None,
    };
    let (items, marks) = match (items, marks.map(|mark| mark.children)) {
        (Value::Null, _) => return Ok(()),
        (Value::Array(items), Some(Children::Items(marks))) => (items, marks),
        (other, _) => {
            wipe(other);
            let reason = "a list of objects is wanted here".to_owned();
            return Err(DocumentError::Field {
                place,
                field: "items".to_owned(),
                reason,
            });
        }
    };
    for (position, (mut value, mark)) in items.into_iter().zip(marks).enumerate() {
        if let Some((kind, error)) = broken_items.remove(&position) {
            let placed = Placed::only_kind(mark.spot, kind);
            take(Document::new(index, format, Some(position + 1), placed).broken(Some(error)));
            continue;
        }
        if let (Some(kind), Value::Object(entries)) = (item_kind, &mut value) {
            entries.entry("kind").or_insert_with(|| Value::String(kind.to_owned()));
            if let Some(version) = &api_version {
                entries.entry("apiVersion").or_insert_with(|| version.clone());
            }
        }
        take(object(index, format, Some(position + 1), Placed { value, mark })?);
    }
    Ok(())
}

/// Whether a value that is not an object is irrelevant for every reader; a list may contain relevant objects.
fn holds_no_object_of_ours(value: &Value) -> bool {
    let may_be = |item: &Value| {
        let kind = item.get("kind").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.ends_with("List") || ["Secret", "SealedSecret"].contains(&kind))
    };
    value.as_array().is_none_or(|items| !items.iter().any(may_be))
}

/// `Some` for a list that is expanded, with the kind of items without one. Go programs that marshal a typed list write
/// it without a kind.
fn list_of(value: &Value) -> Option<Option<&'static str>> {
    let Some(kind) = value.get("kind") else {
        return value.get("items").filter(|items| items.is_array()).map(|_| None);
    };
    let kind = kind.as_str()?;
    LISTS.iter().find(|(list, _)| *list == kind).map(|(_, item)| *item)
}

fn object(index: usize, format: Format, item: Option<usize>, placed: Placed) -> Result<Document, DocumentError> {
    let found = match &placed.value {
        Value::Object(_) => return Ok(Document::new(index, format, item, placed)),
        Value::Array(_) => Node::List,
        _ => Node::Scalar,
    };
    let Placed {
        value,
        mark: Mark { spot, .. },
    } = placed;
    wipe(value);
    Err(DocumentError::NotAnObject {
        place: Place {
            item,
            ..Place::new(index, spot)
        },
        found,
    })
}
