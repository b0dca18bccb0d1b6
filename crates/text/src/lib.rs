//! Text to token ids and back, and conversations to prompts: tokenizers from Hugging Face folders and from GGUF metadata,
//! streaming decode, chat templates, pairs of texts. No tensors, no model, no network.

mod conversation;
mod error;
mod files;
mod folder;
pub mod gguf;
mod pair;
mod pieces;
mod pre;
mod sound;
mod stream;
mod synthetic;
mod template;
mod tokenizer;

pub use conversation::{Conversation, encode_conversation};
pub use error::{Error, Result};
pub use files::{TOKENIZER_FILES, copy_tokenizer_files};
pub use gguf::{GgufVocabulary, MetadataValue};
pub use pair::{Pair, PairTokenizer, Tokens, Truncation};
pub use stream::DecodeStream;
pub use template::{ChatTemplate, Message, RenderOptions};
pub use tokenizer::Tokenizer;
