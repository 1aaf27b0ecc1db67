//! The order in which Go writes the fields of an object as JSON: that of its types, and maps by letters. People read
//! diffs of these files, so the order is part of the output.

use crds::names;
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;

/// What a map is, by the field that holds it.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Object,
    Metadata,
    OwnerReference,
    Spec,
    Template,
    /// Names chosen by people.
    Map,
}

impl Shape {
    /// The fields that come first, in their order; all others follow by letters.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Shape::Object => &[
                "kind",
                "apiVersion",
                "metadata",
                "spec",
                "immutable",
                "data",
                "stringData",
                "type",
            ],
            Shape::Metadata => names::METADATA_FIELDS,
            Shape::OwnerReference => &["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"],
            Shape::Spec => &["template", "data", "encryptedData"],
            Shape::Template => &["metadata", "type", "immutable", "data"],
            Shape::Map => &[],
        }
    }

    /// What the map under `field` is.
    fn under(self, field: &str) -> Shape {
        match (self, field) {
            (Shape::Object | Shape::Template, "metadata") => Shape::Metadata,
            (Shape::Object, "spec") => Shape::Spec,
            (Shape::Spec, "template") => Shape::Template,
            (Shape::Metadata, "ownerReferences") => Shape::OwnerReference,
            _ => Shape::Map,
        }
    }
}

/// A value that serialises its fields in Go's order; nothing is added and nothing left out.
pub(crate) struct GoOrder<'a> {
    value: &'a Value,
    shape: Shape,
}

impl<'a> GoOrder<'a> {
    /// A Secret or a SealedSecret.
    pub(crate) fn object(value: &'a Value) -> Self {
        Self {
            value,
            shape: Shape::Object,
        }
    }
}

impl Serialize for GoOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shape = self.shape;
        match self.value {
            Value::Object(entries) => {
                let first = shape.fields();
                let known = first.iter().filter_map(|field| entries.get_key_value(*field));
                let others = entries.iter().filter(|(field, _)| !first.contains(&field.as_str()));
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (field, value) in known.chain(others) {
                    let shape = shape.under(field);
                    map.serialize_entry(field, &GoOrder { value, shape })?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&GoOrder { value, shape })?;
                }
                list.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_go_and_none_is_lost() {
        let value = json!({
            "apiVersion": "v1", "kind": "K", "zeta": 1, "alpha": 2,
            "spec": {"encryptedData": {"b": "", "a": ""}, "template": {"data": {}, "metadata": {"labels": {}, "name": "n"}}},
            "metadata": {
                "ownerReferences": [{"uid": "", "name": "n", "kind": "K"}],
                "annotations": {"name": "", "kind": "", "apiVersion": ""}, "labels": {}, "namespace": "x", "name": "n",
            },
        });
        let expected = concat!(
            r#"{"kind":"K","apiVersion":"v1","metadata":{"name":"n","namespace":"x","labels":{},"#,
            r#""annotations":{"apiVersion":"","kind":"","name":""},"#,
            r#""ownerReferences":[{"kind":"K","name":"n","uid":""}]},"#,
            r#""spec":{"template":{"metadata":{"name":"n","labels":{}},"data":{}},"encryptedData":{"a":"","b":""}},"#,
            r#""alpha":2,"zeta":1}"#,
        );
        assert_eq!(serde_json::to_string(&GoOrder::object(&value)).unwrap(), expected);
    }
}
