//! Which files make up a tokenizer folder, copying them to another one (a merged model keeps its base's tokenizer), and
//! writing them for a tokenizer that did not come from a folder.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::pieces::Pieces;
use crate::{Error, Result, Tokenizer};

/// Every file name that a tokenizer or its chat template may live in.
pub const TOKENIZER_FILES: &[&str] = &[
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
];

/// Copies the [`TOKENIZER_FILES`] that `from` has into `to`, byte for byte, and returns their names; none where `from` has no
/// tokenizer at all.
///
/// # Errors
///
/// [`Error::MissingTokenizer`] when `from` has some of them but no `tokenizer.json`; [`Error::Io`] when a copy fails.
pub fn copy_tokenizer_files(from: &Path, to: &Path) -> Result<Vec<&'static str>> {
    let mut copied = Vec::new();
    for name in TOKENIZER_FILES {
        let target = to.join(name);
        match std::fs::copy(from.join(name), &target) {
            Ok(_) => copied.push(*name),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound && !from.join(name).exists() => {}
            Err(source) => return Err(Error::Io { verb: "write", path: target, source }),
        }
    }
    if copied.is_empty() || copied.contains(&"tokenizer.json") {
        Ok(copied)
    } else {
        Err(Error::MissingTokenizer { folder: from.to_owned(), file: "tokenizer.json" })
    }
}

impl Tokenizer {
    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder. The further ids of [`Tokenizer::eos`] are no part of
    /// them: they belong into the model's `generation_config.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when a file cannot be written, [`Error::Tokenizer`] when the vocabulary has no JSON form.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let no_json = |error: serde_json::Error| Error::Tokenizer { origin: "tokenizer".to_owned(), reason: error.to_string() };
        let mut json = serde_json::to_value(self.encoder()).map_err(no_json)?;
        if json["decoder"].is_null() {
            json["decoder"] = decoder(self.pieces());
        }
        if let Some((bos, token)) = self.prepended_bos() {
            json["post_processor"] = prepending(bos, &token);
        }
        write(folder, "tokenizer.json", &json)?;
        let mut config = Map::new();
        for (role, id) in [("bos_token", self.bos()), ("eos_token", self.eos().first().copied())] {
            let token = id.and_then(|id| self.token(id));
            config.insert(role.to_owned(), token.map_or(Value::Null, Value::String));
        }
        write(folder, "tokenizer_config.json", &Value::Object(config))
    }
}

fn write(folder: &Path, name: &str, json: &Value) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, json.to_string()).map_err(|source| Error::Io { verb: "write", path, source })
}

/// The decoder of `tokenizer.json` for a spelling.
fn decoder(pieces: Pieces) -> Value {
    match pieces {
        Pieces::ByteLevel => json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}),
        Pieces::Sentence { strip_first } => json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": u32::from(strip_first), "stop": 0},
        ]}),
    }
}

/// The post-processor that puts a token before a text.
fn prepending(id: u32, token: &str) -> Value {
    let special = json!({"SpecialToken": {"id": token, "type_id": 0}});
    let text = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    json!({
        "type": "TemplateProcessing",
        "single": [special, text("A")],
        "pair": [special, text("A"), text("B")],
        "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}},
    })
}
