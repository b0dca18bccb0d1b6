//! Tokenizers and chat templates: text to token ids and back, without tensors.
