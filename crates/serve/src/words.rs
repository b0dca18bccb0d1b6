//! A model's words: its tokenizer and its chat template, as the embedded engine puts them together, without its weights.

use std::path::Path;

use model::gguf::{self, Array, Value};
use text::{ChatTemplate, GgufVocabulary, Message, MetadataValue, RenderOptions, Result, Tokenizer};

/// Tokenizer and chat template of a model.
pub struct Words {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: ChatTemplate,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

impl Words {
    /// Of a model folder or a GGUF file; where it has no template, the plain one that adaptation uses too.
    ///
    /// # Errors
    /// No tokenizer, or one that cannot be read; a template that cannot be understood.
    pub fn of(path: &Path) -> Result<Self> {
        let (tokenizer, template) = if path.is_dir() {
            (Tokenizer::from_folder(path)?, ChatTemplate::from_folder(path)?)
        } else {
            // A file that cannot be opened as GGUF is reported by the decoder, which opens it too.
            let metadata = gguf::File::open(path).map(|file| file.metadata().clone()).unwrap_or_default();
            let vocabulary = GgufVocabulary::read(|key| metadata.get(key).and_then(plain))?;
            (Tokenizer::from_gguf(&vocabulary)?, ChatTemplate::from_gguf(&vocabulary)?)
        };
        let template = template.map_or_else(|| ChatTemplate::plain(&tokenizer), Ok)?;
        Ok(Self { tokenizer, template })
    }

    /// Both, for who does more with them than put prompts.
    pub fn into_parts(self) -> (Tokenizer, ChatTemplate) {
        (self.tokenizer, self.template)
    }

    /// The prompt that a conversation (role and content of each message) becomes: the text up to where the answer begins.
    ///
    /// # Errors
    /// A template that refuses the conversation.
    pub fn prompt<'a>(&self, messages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<String> {
        let messages: Vec<Message> = messages.into_iter().map(|(role, content)| Message::new(role, content)).collect();
        self.template.render(&messages, &RenderOptions { add_generation_prompt: true, ..RenderOptions::default() })
    }

    /// How many tokens a prompt has.
    ///
    /// # Errors
    /// Text that the tokenizer cannot take.
    pub fn tokens(&self, prompt: &str) -> Result<usize> {
        Ok(self.tokenizer.encode(prompt, false)?.len())
    }
}

/// A metadata value of the kinds that a tokenizer needs.
fn plain(value: &Value) -> Option<MetadataValue> {
    Some(match value {
        Value::String(text) => MetadataValue::String(text.clone()),
        Value::U32(number) => MetadataValue::U32(*number),
        Value::I32(number) => MetadataValue::U32(u32::try_from(*number).ok()?),
        Value::Bool(flag) => MetadataValue::Bool(*flag),
        Value::Array(Array::String(texts)) => MetadataValue::Strings(texts.clone()),
        Value::Array(Array::I32(numbers)) => MetadataValue::I32s(numbers.clone()),
        Value::Array(Array::F32(numbers)) => MetadataValue::F32s(numbers.clone()),
        _ => return None,
    })
}
