//! The server's tokenizer, as far as prompt lengths need it: tokens of a prompt with its chat template, and words that are one token each.

use std::{cell::Cell, path::Path};

use anyhow::{Context, bail};
use load::prompts::{Counter, WORDS};
use text::{ChatTemplate, Message, RenderOptions, Tokenizer};

use super::args::Endpoint;

/// Words taken from a vocabulary: so many prompts differ in their first token.
const MOST_WORDS: usize = 8192;
/// With fewer the built-in words are better, whatever they cost.
const FEWEST_WORDS: usize = 64;

/// A tokenizer with its chat template.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    endpoint: Endpoint,
    words: Vec<String>,
    /// What the server counts beside our count: a system prompt of its own, another date.
    pub(super) beside: Cell<i64>,
}

impl Tokens {
    /// Opens a model folder, or the `tokenizer.json` in it.
    pub(super) fn open(path: &Path, endpoint: Endpoint) -> anyhow::Result<Self> {
        let folder = match path.file_name() {
            Some(name) if path.is_file() && name == "tokenizer.json" => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            },
            _ if path.is_dir() => path,
            _ => bail!("{} is no tokenizer: give a model folder or its tokenizer.json", path.display()),
        };
        let tokenizer = Tokenizer::from_folder(folder)?;
        let template = if endpoint == Endpoint::Chat { ChatTemplate::from_folder(folder)? } else { None };
        let words = words(&tokenizer).with_context(|| format!("looking for words in {}", path.display()))?;
        Ok(Self { tokenizer, template, endpoint, words, beside: Cell::new(0) })
    }

    /// Words to make prompts of.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether a chat template that is not known here may add tokens.
    pub(super) fn lacks_template(&self) -> bool {
        self.endpoint == Endpoint::Chat && self.template.is_none()
    }

    fn counted(&self, prompt: &str) -> text::Result<usize> {
        let ids = match &self.template {
            Some(template) => {
                let options = RenderOptions { add_generation_prompt: true, ..RenderOptions::default() };
                self.tokenizer.encode(&template.render(&[Message::new("user", prompt)], &options)?, false)?
            }
            None => self.tokenizer.encode(prompt, true)?,
        };
        Ok(ids.len())
    }
}

impl Counter for Tokens {
    fn tokens(&self, prompt: &str) -> Result<u32, String> {
        let counted = self.counted(prompt).map_err(|error| error.to_string())?;
        u32::try_from(counted as i64 + self.beside.get()).map_err(|_| format!("{counted} tokens are no prompt"))
    }
}

/// Words that are one token wherever they stand.
fn words(tokenizer: &Tokenizer) -> text::Result<Vec<String>> {
    let plain = |id: u32| {
        let bytes = tokenizer.token_bytes(id)?;
        let word = bytes.strip_prefix(b" ")?;
        ((3..=10).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase)).then(|| String::from_utf8(word.to_vec()).ok()).flatten()
    };
    let mut words = Vec::new();
    for word in (0..tokenizer.vocabulary_size() as u32).filter_map(plain) {
        if tokenizer.encode(&word, false)?.len() == 1 && tokenizer.encode(&format!("{word} {word}"), false)?.len() == 2 {
            words.push(word);
        }
        if words.len() == MOST_WORDS {
            break;
        }
    }
    Ok(if words.len() < FEWEST_WORDS { WORDS.map(str::to_owned).to_vec() } else { words })
}
