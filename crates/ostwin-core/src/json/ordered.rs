//! A small map that keeps the order of its file and refuses a key that is written twice.
//!
//! States and signals are few, their order has a meaning (a decision takes the first signal whose
//! guard holds), and a repeated one would silently hide the other in an ordinary map. A registry
//! that people keep under version control is rewritten in the order they gave it.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{SignalName, StateName};

/// What may be a key of an [`Ordered`] map, and how an error calls it.
pub trait OrderedKey: fmt::Display + AsRef<str> + Eq {
    /// The kind of thing the key names: "state", "signal".
    const KIND: &'static str;
}

impl OrderedKey for String {
    const KIND: &'static str = "entry";
}

impl OrderedKey for StateName {
    const KIND: &'static str = "state";
}

impl OrderedKey for SignalName {
    const KIND: &'static str = "signal";
}

/// A map in file order, for a handful of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered<K, V>(Vec<(K, V)>);

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: OrderedKey, V> Ordered<K, V> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(known, _)| known.as_ref() == key).map(|(_, value)| value)
    }

    /// Sets `key` to `value`: in place if it is there, else at the end.
    pub fn insert(&mut self, key: K, value: V) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

impl<K, V> Ordered<K, V> {
    /// Every entry, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.0.iter().map(|(key, _)| key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: OrderedKey, V> FromIterator<(K, V)> for Ordered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K, V> Deserialize<'de> for Ordered<K, V>
where
    K: OrderedKey + Deserialize<'de>,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OrderedVisitor(PhantomData))
    }
}

struct OrderedVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for OrderedVisitor<K, V>
where
    K: OrderedKey + Deserialize<'de>,
    V: Deserialize<'de>,
{
    type Value = Ordered<K, V>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an object with one entry per {}", K::KIND)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut ordered = Ordered::default();
        while let Some(key) = map.next_key::<K>()? {
            // The JSON reader finds its "at line .. column .." again at the end of the text.
            let value = map
                .next_value::<V>()
                .map_err(|error| A::Error::custom(format_args!("{} `{key}`: {error}", K::KIND)))?;
            if ordered.contains_key(key.as_ref()) {
                return Err(A::Error::custom(format_args!("{} `{key}` is here twice", K::KIND)));
            }
            ordered.insert(key, value);
        }
        Ok(ordered)
    }
}

impl<K: JsonSchema, V: JsonSchema> JsonSchema for Ordered<K, V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("MapOf{}", V::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": generator.subschema_for::<K>(),
            "additionalProperties": generator.subschema_for::<V>()
        })
    }
}
