//! Objects from the API server, each read by itself: one that cannot be read does not affect the others of its list.
//!
//! The API server stores more than our types accept: a time at the end of the year 9999, or JSON that is nested 10,000
//! levels deep. The author of one object must not be able to make a whole list unreadable.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::Resource;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::names;

/// Nesting below this depth is skipped: no type here is nested as deep, and a parser may fail on deep nesting.
const DEEPEST: usize = 32;
/// Depth of managers and times in `managedFields`. The fields themselves are deeper, large, and never used.
const MANAGERS_DEPTH: usize = 2;
/// Most values in one object. A value of two bytes takes 50 times as much memory, and an object may hold 700,000 of them.
const MOST_VALUES: usize = 32 * 1024;
/// The same for SealedSecrets, which are kept. A value takes 150 bytes; of the shortest ciphertexts an object of the largest
/// size holds 4,200.
const MOST_VALUES_OF_SEALED: usize = 5_000;
/// Longest path of a field in [`Fault::Type`], in bytes: the author of the object chooses its keys.
const LONGEST_PATH: usize = 256;
/// Stands for a deletion time that cannot be read: the object is still being deleted.
const LATEST_TIME: &str = "9999-12-30T00:00:00Z";

/// An object of a list, a watch or a response. Any JSON object can be deserialized into it.
#[derive(Debug, Clone)]
pub enum Lenient<K> {
    /// The object, without the fields of metadata and status that do not fit its type.
    Object(K),
    /// Another field does not fit its type.
    Unreadable(Box<Unreadable>),
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Why.
    pub fault: Fault,
}

/// Why an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Path of a field whose value has another type (`spec.template.type`). The value is not named: it may be a ciphertext.
    Type(String),
    /// It has more values than this.
    TooManyValues(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(field) => write!(f, "the field {field} has a value of another type"),
            Self::TooManyValues(most) => write!(f, "the object holds more than {most} values"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
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
        let kind = K::kind(&());
        let most = if kind == names::KIND {
            MOST_VALUES_OF_SEALED
        } else {
            MOST_VALUES
        };
        let values_left = Cell::new(most);
        let tree = Tree {
            depth: DEEPEST,
            place: Place::Object,
            only_metadata: K::metadata_api(),
            values_left: &values_left,
        };
        let mut object = tree.deserialize(from)?;
        let whole = match values_left.get() {
            0 => Err(Fault::TooManyValues(most)),
            _ => read(&mut object, &kind).map_err(Fault::Type),
        };
        Ok(match whole {
            Ok(object) => Self::Object(object),
            Err(fault) => Self::Unreadable(Box::new(Unreadable {
                // Fields that cannot be read are removed before, so this does not fail.
                metadata: read(&mut object, &kind)
                    .map_or_else(|_| ObjectMeta::default(), |only: OnlyMetadata| only.metadata),
                fault,
            })),
        })
    }
}

#[derive(Deserialize)]
struct OnlyMetadata {
    #[serde(default)]
    metadata: ObjectMeta,
}

/// Reads an object, dropping fields that may be dropped. The error is the path of one that may not.
fn read<T: DeserializeOwned>(object: &mut Value, kind: &str) -> Result<T, String> {
    loop {
        match serde_path_to_error::deserialize(&*object) {
            Ok(read) => return Ok(read),
            // Each turn drops a field, so the loop ends.
            Err(error) => leave_out(object, error.path(), kind).ok_or_else(|| shortened(error.path()))?,
        }
    }
}

fn shortened(path: &Path) -> String {
    let mut path = path.to_string();
    path.truncate(path.floor_char_boundary(LONGEST_PATH));
    path
}

/// Drops the field at `path`, if nothing depends on it: whole fields of metadata and status, and the times of a Lease.
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

/// Reads any JSON, except nesting that is too deep, and values beyond the limit.
#[derive(Clone, Copy)]
struct Tree<'b> {
    depth: usize,
    place: Place,
    /// Lists of metadata cover all Secrets. Of their labels and annotations only this project's are used.
    only_metadata: bool,
    values_left: &'b Cell<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Object,
    Metadata,
    /// Labels and annotations.
    Marks,
    Elsewhere,
}

impl Tree<'_> {
    fn below(self, key: &str) -> Self {
        let (depth, place) = match (self.place, key) {
            (Place::Object, "metadata") => (self.depth - 1, Place::Metadata),
            (Place::Metadata, "managedFields") => (MANAGERS_DEPTH, Place::Elsewhere),
            (Place::Metadata, "labels" | "annotations") => (self.depth - 1, Place::Marks),
            _ => (self.depth - 1, Place::Elsewhere),
        };
        Self { depth, place, ..self }
    }

    /// Whether one more value is read. The fields of the object and of its metadata always are: they identify it.
    fn takes_one(self) -> bool {
        let is_counted = matches!(self.place, Place::Marks | Place::Elsewhere);
        let left = self.values_left.get();
        if is_counted {
            self.values_left.set(left.saturating_sub(1));
        }
        !is_counted || left > 1
    }

    /// Whether the value under this key is used.
    fn uses(self, key: &str) -> bool {
        !(self.only_metadata && self.place == Place::Marks) || names::is_own_mark(key)
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
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
        while self.takes_one() {
            match items.next_element_seed(self.below(""))? {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        if self.depth == 0 {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.uses(&key) && self.takes_one() {
                let value = entries.next_value_seed(self.below(&key))?;
                object.insert(key, value);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
