//! The real backend: a [`Decoder`] with a KV cache for each sequence, loaded from a Hugging Face folder or a GGUF file together with
//! its tokenizer and chat template.

use std::path::Path;
use std::rc::Rc;

use model::tensor::Tensor;
use model::{Decoder, KvCache, LoadOptions};
use units::Bytes;

use super::{Backend, Failure, Loaded, Sequence};
use crate::error::{Error, Result};
use crate::job::{Adapter, Model};
use crate::observer::{Event, Observer, What};
use crate::words::Words;

/// Without a `context_length`, no more than this: a cache is allocated for as long an answer as a request allows.
const USUAL_CONTEXT: usize = 4096;

/// Loads a model for serving. The tokenizer is read while the weights are.
///
/// # Errors
/// Anything about the files that makes them no servable model, with its path and a hint.
pub(crate) fn load(model: Model, observer: &Observer) -> Result<Loaded> {
    let Model { path, name, context_length, options, adapter } = model;
    let (decoder, words) = std::thread::scope(|scope| {
        let words = scope.spawn(|| Words::of(&path));
        let decoder = decoder(&path, &options, adapter);
        if let Ok(decoder) = &decoder {
            observer(&Event::now(What::Read { weights: Bytes(decoder.weight_bytes()) }));
        }
        (decoder, words.join())
    });
    let decoder = decoder?;
    let words = words.map_err(|_| fail(&path, "its tokenizer could not be read", None))?;
    let Words { tokenizer, template } = words.map_err(|error| fail(&path, &error, error.hint()))?;
    let config = decoder.config();
    if tokenizer.vocabulary_size() > config.vocab {
        let reason = format!("its tokenizer has {} ids and its weights have {}", tokenizer.vocabulary_size(), config.vocab);
        return Err(fail(&path, &reason, Some("the tokenizer and the weights must come from the same model".into())));
    }
    Ok(Loaded {
        name: name.unwrap_or_else(|| name_of(&path)),
        weights: Bytes(decoder.weight_bytes()),
        context_length: context(context_length, config.max_positions)?,
        vocabulary: config.vocab,
        template,
        tokenizer,
        backend: Box::new(Weights(Rc::new(decoder))),
    })
}

fn decoder(path: &Path, options: &LoadOptions, adapter: Option<Adapter>) -> Result<Decoder> {
    let mut decoder = Decoder::load(path, options).map_err(|error| fail(path, &error, error.hint()))?;
    if let Some(Adapter { path, attach }) = adapter {
        attach(&mut decoder).map_err(|error| fail(&path, &error, Some("the adapter must have been trained on this base model".into())))?;
    }
    Ok(decoder)
}

/// The folder's name, or the file's without its ending.
fn name_of(path: &Path) -> String {
    // `.` has a name once it is resolved.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn context(asked: Option<usize>, longest: usize) -> Result<usize> {
    match asked {
        None => Ok(longest.min(USUAL_CONTEXT)),
        Some(length) if (2..=longest).contains(&length) => Ok(length),
        Some(got) => Err(Error::Limit { what: "context length", got, wanted: format!("2 to {longest}, which this model was made for") }),
    }
}

fn fail(path: &Path, reason: &(impl ToString + ?Sized), hint: Option<String>) -> Error {
    Error::Load { path: path.to_owned(), reason: reason.to_string(), hint }
}

/// The weights, shared by their sequences; none of them leaves the engine's thread.
struct Weights(Rc<Decoder>);

impl Backend for Weights {
    fn open(&self, capacity: usize) -> std::result::Result<Box<dyn Sequence>, Failure> {
        let cache = self.0.new_cache(1, capacity)?;
        Ok(Box::new(Cached { decoder: self.0.clone(), cache }))
    }
}

struct Cached {
    decoder: Rc<Decoder>,
    cache: KvCache,
}

impl Sequence for Cached {
    fn step(&mut self, ids: &[u32]) -> std::result::Result<Vec<f32>, Failure> {
        let ids = Tensor::new(ids, self.decoder.device())?.unsqueeze(0)?;
        Ok(self.decoder.forward(&ids, &mut self.cache)?.squeeze(0)?.to_vec1()?)
    }

    fn kv_bytes(&self) -> Bytes {
        Bytes(self.cache.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_the_models_within_reason() {
        assert_eq!(context(None, 131_072).unwrap(), 4096);
        assert_eq!(context(None, 512).unwrap(), 512);
        assert_eq!(context(Some(8192), 131_072).unwrap(), 8192);
        let told = context(Some(1024), 512).unwrap_err().to_string();
        assert_eq!(told, "context length is 1024, and must be 2 to 512, which this model was made for");
    }

    #[test]
    fn a_model_is_named_after_its_folder_or_file() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("Tiny-1B");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("tiny.q4_k.gguf"), "").unwrap();
        assert_eq!(name_of(&inside), "Tiny-1B");
        assert_eq!(name_of(&inside.join(".")), "Tiny-1B");
        assert_eq!(name_of(&inside.join("tiny.q4_k.gguf")), "tiny.q4_k");
    }
}
