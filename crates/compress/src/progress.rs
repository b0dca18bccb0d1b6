//! What a merge or a quantisation tells while it runs and when it is done. Nothing is printed here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use units::Bytes;

/// What happens, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Inputs were opened and checked; `tensors` will be written.
    Opened {
        /// How many.
        tensors: usize,
    },
    /// One was written.
    Written {
        /// Its Hugging Face name.
        tensor: &'a str,
        /// The format it was written in.
        format: &'a str,
    },
    /// All are written; the output is being brought to the disk.
    Finishing,
}

/// Is told how it goes on.
pub trait Observer {
    /// Something happened.
    fn event(&self, _event: Event<'_>) {}
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The format that was asked for: `f16`, `q8_0`, `q4_k`, `w4a16`, `w8a16`.
    pub format: String,
    /// Number of tensors by the format they were really written in.
    pub tensors: BTreeMap<String, u64>,
    /// Tensors that could not take the asked format: name -> the one used.
    pub fallbacks: BTreeMap<String, String>,
    /// Size of the weights on disk.
    pub weight_bytes: Bytes,
}
