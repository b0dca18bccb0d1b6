//! The key-value pairs of a GGUF file as plain values.

use std::collections::BTreeMap;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Type 0.
    U8(u8),
    /// Type 1.
    I8(i8),
    /// Type 2.
    U16(u16),
    /// Type 3.
    I16(i16),
    /// Type 4.
    U32(u32),
    /// Type 5.
    I32(i32),
    /// Type 6.
    F32(f32),
    /// Type 7.
    Bool(bool),
    /// Type 8.
    String(String),
    /// Type 9.
    Array(Array),
    /// Type 10.
    U64(u64),
    /// Type 11.
    I64(i64),
    /// Type 12.
    F64(f64),
}

/// Values of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Of [`Value::U8`].
    U8(Vec<u8>),
    /// Of [`Value::I8`].
    I8(Vec<i8>),
    /// Of [`Value::U16`].
    U16(Vec<u16>),
    /// Of [`Value::I16`].
    I16(Vec<i16>),
    /// Of [`Value::U32`].
    U32(Vec<u32>),
    /// Of [`Value::I32`].
    I32(Vec<i32>),
    /// Of [`Value::F32`].
    F32(Vec<f32>),
    /// Of [`Value::Bool`].
    Bool(Vec<bool>),
    /// Of [`Value::String`].
    String(Vec<String>),
    /// Of [`Value::Array`].
    Array(Vec<Array>),
    /// Of [`Value::U64`].
    U64(Vec<u64>),
    /// Of [`Value::I64`].
    I64(Vec<i64>),
    /// Of [`Value::F64`].
    F64(Vec<f64>),
}

/// All pairs of a file, sorted by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pairs: BTreeMap<String, Value>,
}

impl Metadata {
    /// No pairs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a pair, and gives the value it replaces.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) -> Option<Value> {
        self.pairs.insert(key.into(), value)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs.get(key)
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a key when it is a string.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key when it is a whole number, of any width, that fits.
    pub fn get_u64(&self, key: &str) -> Option<u64> {
        match *self.get(key)? {
            Value::U8(v) => Some(v.into()),
            Value::U16(v) => Some(v.into()),
            Value::U32(v) => Some(v.into()),
            Value::U64(v) => Some(v),
            Value::I8(v) => u64::try_from(v).ok(),
            Value::I16(v) => u64::try_from(v).ok(),
            Value::I32(v) => u64::try_from(v).ok(),
            Value::I64(v) => u64::try_from(v).ok(),
            _ => None,
        }
    }

    /// As [`Metadata::get_u64`], when it fits 32 bits.
    pub fn get_u32(&self, key: &str) -> Option<u32> {
        self.get_u64(key)?.try_into().ok()
    }

    /// The value of a key when it is a float of 32 bits, or of 64 and then rounded.
    pub fn get_f32(&self, key: &str) -> Option<f32> {
        match *self.get(key)? {
            Value::F32(v) => Some(v),
            Value::F64(v) => Some(v as f32),
            _ => None,
        }
    }

    /// The value of a key when it is true or false.
    pub fn get_bool(&self, key: &str) -> Option<bool> {
        match *self.get(key)? {
            Value::Bool(v) => Some(v),
            _ => None,
        }
    }

    /// The value of a key when it is an array.
    pub fn get_array(&self, key: &str) -> Option<&Array> {
        match self.get(key)? {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The value of a key when it is an array of strings: `tokenizer.ggml.tokens`, `tokenizer.ggml.merges`.
    pub fn get_strings(&self, key: &str) -> Option<&[String]> {
        match self.get_array(key)? {
            Array::String(v) => Some(v),
            _ => None,
        }
    }

    /// The value of a key when it is an array of 32-bit floats: `tokenizer.ggml.scores`.
    pub fn get_f32s(&self, key: &str) -> Option<&[f32]> {
        match self.get_array(key)? {
            Array::F32(v) => Some(v),
            _ => None,
        }
    }

    /// The value of a key when it is an array of 32-bit integers: `tokenizer.ggml.token_type`.
    pub fn get_i32s(&self, key: &str) -> Option<&[i32]> {
        match self.get_array(key)? {
            Array::I32(v) => Some(v),
            _ => None,
        }
    }
}
