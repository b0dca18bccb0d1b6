//! Chat templates: a conversation to the text the model was taught. Jinja as `transformers` sets it up, from
//! `chat_template.jinja`, `tokenizer_config.json` or GGUF metadata. Not the ids: those are the tokenizer's.

mod functions;
mod source;

use std::path::Path;
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::folder::{TokenName, TokenizerConfig, read_json};
use crate::{GgufVocabulary, Tokenizer};

/// Template instructions one rendering may take. A prompt of a thousand messages takes about a hundredth of it.
const FUEL: u64 = 10_000_000;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user`, `assistant`, or what else the template knows.
    pub role: String,
    /// What was said.
    pub content: String,
}

impl Message {
    /// A message of a role.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// What a rendering is given beside the messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderOptions {
    /// Ends the text with the beginning of an answer, for the model to go on from.
    pub add_generation_prompt: bool,
    /// The date that templates such as LLaMA 3's print, such as `26 Jul 2024`; without it the template chooses its own.
    pub date_string: Option<String>,
    /// Seconds since 1970 UTC for templates that ask the clock (`strftime_now`). Without it they are told there is none
    /// and use a fixed date, so that prompts repeat.
    pub unix_seconds: Option<i64>,
    /// Further variables, such as `tools` or `enable_thinking`.
    pub variables: serde_json::Map<String, serde_json::Value>,
}

/// A compiled chat template with the special tokens it prints. Clones share it.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    source: Arc<str>,
    tokens: Arc<[(&'static str, String)]>,
}

/// The name of the one template in its environment; without a file ending, so that nothing is escaped.
const NAME: &str = "chat_template";

impl ChatTemplate {
    /// Compiles a template. `tokens` are the special tokens it may print, such as `("bos_token", "<s>")`.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] with the place where it does not parse.
    pub fn new(source: &str, tokens: Vec<(&'static str, String)>) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", functions::raise_exception);
        environment.add_filter("tojson", functions::tojson);
        environment.add_template_owned(NAME, source::without_generation_tags(source)).map_err(|error| explain(&error))?;
        Ok(Self { environment: Arc::new(environment), source: source.into(), tokens: tokens.into() })
    }

    /// The template of a model folder: `chat_template.jinja`, else the one in `tokenizer_config.json`; `None` when the
    /// model has none (a base model).
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Json`] or [`Error::Template`] when there is one that cannot be used.
    pub fn from_folder(folder: &Path) -> Result<Option<Self>> {
        let config: TokenizerConfig = read_json(folder, "tokenizer_config.json")?.unwrap_or_default();
        let mut tokens = Vec::new();
        let names: [(_, &Option<TokenName>); 4] = [
            ("bos_token", &config.bos_token),
            ("eos_token", &config.eos_token),
            ("unk_token", &config.unk_token),
            ("pad_token", &config.pad_token),
        ];
        for (role, name) in names {
            tokens.extend(name.as_ref().map(|name| (role, name.text().to_owned())));
        }
        match source::of_folder(folder, config.chat_template)? {
            Some(source) => Self::new(&source, tokens).map(Some),
            None => Ok(None),
        }
    }

    /// The template of a GGUF file; `None` when it carries none.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when it does not parse.
    pub fn from_gguf(vocabulary: &GgufVocabulary) -> Result<Option<Self>> {
        let Some(source) = &vocabulary.chat_template else { return Ok(None) };
        let named = [
            ("bos_token", vocabulary.bos),
            ("eos_token", vocabulary.eos),
            ("unk_token", vocabulary.unknown),
            ("pad_token", vocabulary.padding),
        ];
        let text = |id: u32| vocabulary.tokens.get(id as usize).cloned();
        let tokens = named.into_iter().filter_map(|(role, id)| Some((role, text(id?)?))).collect();
        Self::new(source, tokens).map(Some)
    }

    /// A simple template for models that have none of their own: a line with the role, then what was said, and the
    /// end-of-text token after each answer. It means nothing to a model that was not adapted with it.
    ///
    /// # Errors
    ///
    /// None that is known: the built-in template parses.
    pub fn plain(tokenizer: &Tokenizer) -> Result<Self> {
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.token(id));
        let ends = [("bos_token", text(tokenizer.bos())), ("eos_token", text(tokenizer.eos().first().copied()))];
        let tokens = ends.into_iter().filter_map(|(role, token)| Some((role, token?))).collect();
        Self::new(source::PLAIN, tokens)
    }

    /// The template as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Text of a conversation, beginning-of-text token included where the template writes it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the template raises, [`Error::OutOfFuel`] when it does not end, [`Error::Template`]
    /// otherwise.
    pub fn render(&self, messages: &[Message], options: &RenderOptions) -> Result<String> {
        let template = self.environment.get_template(NAME).map_err(|error| explain(&error))?;
        template.render(self.context(messages, options)).map_err(|error| explain(&error))
    }

    fn context(&self, messages: &[Message], options: &RenderOptions) -> Value {
        let mut context: Vec<(String, Value)> = vec![
            ("messages".into(), Value::from_serialize(messages)),
            ("add_generation_prompt".into(), Value::from(options.add_generation_prompt)),
        ];
        // `transformers` always defines these two.
        for name in ["tools", "documents"] {
            context.push((name.into(), Value::from(())));
        }
        context.extend(self.tokens.iter().map(|(name, token)| ((*name).to_owned(), Value::from(token.as_str()))));
        context.extend(options.date_string.iter().map(|date| ("date_string".into(), Value::from(date.as_str()))));
        if let Some(seconds) = options.unix_seconds {
            let strftime_now = move |format: String| functions::strftime(&format, seconds);
            context.push(("strftime_now".into(), Value::from_function(strftime_now)));
        }
        context.extend(options.variables.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))));
        context.into_iter().collect()
    }
}

/// Tells what a template raised from what is wrong with it.
fn explain(error: &minijinja::Error) -> Error {
    if error.kind() == ErrorKind::OutOfFuel {
        return Error::OutOfFuel { fuel: FUEL };
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(raised) = inner.downcast_ref::<functions::Raised>() {
            return Error::Refused { reason: raised.0.clone() };
        }
        cause = inner.source();
    }
    let place = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    Error::Template { reason: format!("{place}{detail}") }
}
