//! Places where the OpenAPI schema of the reference's CRD differs from what the Rust type alone would give.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(crate) fn encrypted_data(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// `encryptedData` must be there in the API server, though a file without it can be read; and see [`no_defaults`].
pub(crate) fn spec(schema: &mut Schema) {
    no_defaults(schema);
    schema.insert("required".to_owned(), serde_json::json!(["encryptedData"]));
}

/// What Rust fills in while reading must not be written into the objects by the API server: a status that says
/// `conditions: []` reads as a failure to Flux's health check.
pub(crate) fn no_defaults(schema: &mut Schema) {
    let properties = schema
        .get_mut("properties")
        .and_then(|properties| properties.as_object_mut());
    for property in properties.into_iter().flat_map(|properties| properties.values_mut()) {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
}

pub(crate) fn byte_string(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "byte", "nullable": true})
}

pub(crate) fn date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "nullable": true})
}

/// Values are nullable, so that `null` survives the API server (the reference's CRD loses it).
pub(crate) fn template_data(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "additionalProperties": {"type": "string", "nullable": true},
    })
}

pub(crate) fn template_metadata(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "name": {"type": "string", "description": "Name of the Secret. Whatever stands here, it is the SealedSecret's."},
            "namespace": {"type": "string", "description": "Namespace of the Secret. Whatever stands here, it is the SealedSecret's."},
            "labels": {
                "type": "object", "nullable": true, "additionalProperties": {"type": "string"},
                "description": "Labels of the Secret.",
            },
            "annotations": {
                "type": "object", "nullable": true, "additionalProperties": {"type": "string"},
                "description": "Annotations of the Secret.",
            },
            "finalizers": {
                "type": "array", "nullable": true, "items": {"type": "string"},
                "description": "Left out of the Secret, as they could keep it from being deleted.",
            },
        },
    })
}
