//! Objects as the API server gives them, each read by itself: whatever one of them holds, the others of its list are read.
//!
//! The API server stores what its own types take, and these take more than ours: a time at the end of the year 9999, or
//! JSON that is nested 10,000 levels deep. Whoever may write one object must not make a whole list unreadable by it.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::Resource;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// Nesting below this depth is skipped: no type here is nested as deep, and a parser may give up on deep nesting.
const DEEPEST: usize = 32;
/// Depth at which managers and times of `managedFields` stand. The fields themselves are deeper, large, and never used.
const MANAGERS_DEPTH: usize = 2;
/// A deletion time that cannot be read: the object is being deleted all the same.
const LATEST_TIME: &str = "9999-12-30T00:00:00Z";

/// An object of a list, of a watch or of an answer. Any JSON object can be deserialized into it.
#[derive(Debug, Clone)]
pub enum Lenient<K> {
    /// The object. Fields of its metadata and of its status that its type does not take are left out.
    Object(K),
    /// Its type does not take what it holds elsewhere.
    Unreadable(Box<Unreadable>),
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Path of the field that cannot be read (`spec.template.type`). The value is not told: it may be a ciphertext.
    pub field: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field {} has a value of another type", self.field)
    }
}

impl std::error::Error for Unreadable {}

impl<K> Lenient<K> {
    /// The object.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn into_result(self) -> Result<K, Box<Unreadable>> {
        match self {
            Self::Object(object) => Ok(object),
            Self::Unreadable(unreadable) => Err(unreadable),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Lenient<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(dt: &()) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn metadata_api() -> bool {
        K::metadata_api()
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Object(object) => object.meta(),
            Self::Unreadable(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Object(object) => object.meta_mut(),
            Self::Unreadable(unreadable) => &mut unreadable.metadata,
        }
    }
}

impl<'de, K: Resource<DynamicType = ()> + DeserializeOwned> Deserialize<'de> for Lenient<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let tree = Tree {
            depth: DEEPEST,
            place: Place::Object,
        };
        let mut object = tree.deserialize(from)?;
        let kind = K::kind(&());
        Ok(match read(&mut object, &kind) {
            Ok(object) => Self::Object(object),
            Err(field) => Self::Unreadable(Box::new(Unreadable {
                // Fields that cannot be read are left out of it, so that this does not fail.
                metadata: read(&mut object, &kind)
                    .map_or_else(|_| ObjectMeta::default(), |only: OnlyMetadata| only.metadata),
                field,
            })),
        })
    }
}

#[derive(Deserialize)]
struct OnlyMetadata {
    #[serde(default)]
    metadata: ObjectMeta,
}

/// Reads an object, leaving out what may be left out. The error is the path of a field that may not.
fn read<T: DeserializeOwned>(object: &mut Value, kind: &str) -> Result<T, String> {
    loop {
        match serde_path_to_error::deserialize(&*object) {
            Ok(read) => return Ok(read),
            // Each turn leaves a field out, so there is an end.
            Err(error) => leave_out(object, error.path(), kind).ok_or_else(|| error.path().to_string())?,
        }
    }
}

/// Leaves out the field at `path`, if nothing depends on it: of metadata and status whole fields, of a Lease the times.
fn leave_out(object: &mut Value, path: &Path, kind: &str) -> Option<()> {
    let mut keys = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    let (top, field) = (keys.next()?, keys.next());
    match (top, field) {
        ("metadata" | "status", None) => object.as_object_mut()?.remove(top).map(drop),
        ("metadata", Some(field @ "deletionTimestamp")) => {
            let time = object.get_mut(top)?.get_mut(field)?;
            (time != LATEST_TIME).then(|| *time = LATEST_TIME.into())
        }
        ("metadata" | "status", Some(field)) => object.get_mut(top)?.as_object_mut()?.remove(field).map(drop),
        ("spec", Some(field @ ("acquireTime" | "renewTime"))) if kind == "Lease" => {
            object.get_mut(top)?.as_object_mut()?.remove(field).map(drop)
        }
        _ => None,
    }
}

/// Reads any JSON, but for what is nested too deep.
#[derive(Clone, Copy)]
struct Tree {
    depth: usize,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Object,
    Metadata,
    Elsewhere,
}

impl Tree {
    fn below(self, key: &str) -> Self {
        let (depth, place) = match (self.place, key) {
            (Place::Object, "metadata") => (self.depth - 1, Place::Metadata),
            (Place::Metadata, "managedFields") => (MANAGERS_DEPTH, Place::Elsewhere),
            _ => (self.depth - 1, Place::Elsewhere),
        };
        Self { depth, place }
    }
}

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        if self.depth == 0 {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(""))? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        if self.depth == 0 {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.below(&key))?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
