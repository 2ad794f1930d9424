//! How a struct keeps the fields it does not name: a reader that puts them aside on the way in, and
//! a writer that adds them again on the way out.

use std::fmt;

use serde::de::{Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{Impossible, SerializeMap, SerializeStruct, Serializer};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Value;

use super::Extra;

/// Implements `Serialize` and `Deserialize` for a struct whose fields are derived with
/// `#[serde(remote = "Name")]` and whose `extra: Extra` field keeps every field that the
/// struct does not name. See the [module](crate::json) for an example.
#[macro_export]
macro_rules! keep_extra {
    ($type:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut extra = $crate::json::Extra::new();
                // The inherent function that `remote` derives, not this one.
                let mut value =
                    $type::deserialize($crate::json::KeepingReader::new(from, &mut extra))?;
                value.extra = extra;
                Ok(value)
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, $crate::json::KeepingWriter::new(to, &self.extra))
            }
        }
    };
}

/// Reads a struct and puts the fields it does not name aside. Used by [`keep_extra!`](crate::keep_extra).
#[derive(Debug)]
pub struct KeepingReader<'a, D> {
    inner: D,
    extra: &'a mut Extra,
}

impl<'a, D> KeepingReader<'a, D> {
    /// Wraps `inner`; unknown fields are added to `extra`.
    pub fn new(inner: D, extra: &'a mut Extra) -> Self {
        Self { inner, extra }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for KeepingReader<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(KeepingVisitor { inner: visitor, fields, extra: self.extra })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct KeepingVisitor<'a, V> {
    inner: V,
    fields: &'static [&'static str],
    extra: &'a mut Extra,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for KeepingVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(KeepingFields { inner: map, fields: self.fields, extra: self.extra })
    }
}

struct KeepingFields<'a, A> {
    inner: A,
    fields: &'static [&'static str],
    extra: &'a mut Extra,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KeepingFields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.inner.next_key::<String>()? {
            if self.fields.contains(&key.as_str()) {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            let value = self.inner.next_value::<Value>()?;
            if self.extra.insert(key.clone(), value).is_some() {
                return Err(serde::de::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

/// Writes a struct and then the fields that were put aside. Used by [`keep_extra!`](crate::keep_extra).
#[derive(Debug)]
pub struct KeepingWriter<'a, S> {
    inner: S,
    extra: &'a Extra,
}

impl<'a, S> KeepingWriter<'a, S> {
    /// Wraps `inner`; the fields of `extra` follow those of the struct.
    pub fn new(inner: S, extra: &'a Extra) -> Self {
        Self { inner, extra }
    }
}

/// The fields of a struct on their way to an object that goes on with extra ones.
#[derive(Debug)]
pub struct KeepingObject<'a, M> {
    map: M,
    extra: &'a Extra,
}

impl<M: SerializeMap> SerializeStruct for KeepingObject<'_, M> {
    type Ok = M::Ok;
    type Error = M::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        self.map.serialize_entry(key, value)
    }

    fn end(mut self) -> Result<M::Ok, M::Error> {
        for (key, value) in self.extra {
            self.map.serialize_entry(key, value)?;
        }
        self.map.end()
    }
}

/// Every shape but a struct is refused: `keep_extra!` is for structs with named fields.
macro_rules! refuse {
    ($($name:ident($($argument:ty),*);)*) => {
        $(fn $name(self, $(_: $argument),*) -> Result<Self::Ok, Self::Error> {
            Err(only_structs())
        })*
    };
}

fn only_structs<E: serde::ser::Error>() -> E {
    E::custom("unknown fields can be kept by a struct with named fields only")
}

impl<'a, S: Serializer> Serializer for KeepingWriter<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = KeepingObject<'a, S::SerializeMap>;
    type SerializeStructVariant = Impossible<S::Ok, S::Error>;

    fn serialize_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let map = self.inner.serialize_map(Some(len + self.extra.len()))?;
        Ok(KeepingObject { map, extra: self.extra })
    }

    refuse! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32);
        serialize_i64(i64); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
        serialize_u64(u64); serialize_f32(f32); serialize_f64(f64); serialize_char(char);
        serialize_str(&str); serialize_bytes(&[u8]); serialize_none(); serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Err(only_structs())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Err(only_structs())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Err(only_structs())
    }
}
