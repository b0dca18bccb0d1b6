//! What the scheduler needs of a model: sequences that take token ids and give logits. Not the model itself: that is `model`'s.

mod decoder;

pub(crate) use decoder::load;

use text::{ChatTemplate, Tokenizer};
use units::Bytes;

/// Why a model could not take a step; shown to the client whose request it was.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A loaded model. It stays on the thread that loaded it.
pub trait Backend {
    /// A fresh sequence with room for `capacity` tokens, prompt and answer together.
    ///
    /// # Errors
    /// The KV cache cannot be allocated.
    fn open(&self, capacity: usize) -> Result<Box<dyn Sequence>, Failure>;
}

/// One sequence with its own KV cache. Its logits depend on its own ids alone, never on other sequences.
pub trait Sequence {
    /// Appends `ids` (not empty) and gives the logits after the last one, `[vocab]`.
    ///
    /// # Errors
    /// The arithmetic failed; the sequence is not used again.
    fn step(&mut self, ids: &[u32]) -> Result<Vec<f32>, Failure>;

    /// Bytes allocated for its KV cache.
    fn kv_bytes(&self) -> Bytes;
}

/// A model that is ready to serve, and what the server must know of it.
pub struct Loaded {
    /// The weights.
    pub backend: Box<dyn Backend>,
    /// Its tokenizer; the ids that it calls ends are those that end an answer.
    pub tokenizer: Tokenizer,
    /// Its chat template.
    pub template: ChatTemplate,
    /// The name requests must carry.
    pub name: String,
    /// Logical bytes held for weights.
    pub weights: Bytes,
    /// Longest prompt plus answer, in tokens.
    pub context_length: usize,
    /// Token ids are below this.
    pub vocabulary: usize,
}
