//! Post-training quantisation: a model folder to one GGUF file that carries its tokenizer. INT8 is `Q8_0`, INT4 is `Q4_K`.
//!
//! Matrices take the format where their width allows it and fall back otherwise ([`model::quant::Format::fitting`]); norms
//! and biases stay F32, as llama.cpp's converter has them. Every matrix takes the same format: mixtures such as `Q4_K_M` are
//! not made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::gguf::{Array, Export, Metadata, Value, Written, export};
use model::quant::Format;
use model::{Compute, gguf};
use text::{GgufVocabulary, MetadataValue};
use units::Bytes;

use crate::base::Base;
use crate::output::Pending;
use crate::{Error, Event, Facts, Observer, Result};

/// What to quantise, and to what.
#[derive(Clone, Debug)]
pub struct QuantiseJob {
    /// A model folder: f32, f16 or bf16.
    pub model: PathBuf,
    /// The GGUF file to write. One of that name is replaced when the new one is whole.
    pub out: PathBuf,
    /// The matrices' format.
    pub format: Format,
}

/// Quantises a model. One tensor is in memory at a time.
///
/// # Errors
///
/// When the model or its tokenizer cannot be read or do not fit each other, or the file cannot be written. Nothing is left
/// behind then.
pub fn quantise(job: &QuantiseJob, observer: &dyn Observer) -> Result<Facts> {
    let base = Base::open(&job.model)?;
    let vocabulary = GgufVocabulary::from_folder(&job.model, base.config.vocab)?;
    let metadata = metadata(&job.model, vocabulary);
    observer.event(Event::Opened { tensors: base.tensors.len() });
    let pending = Pending::file(&job.out)?;
    let written = write(pending.path(), &base, &metadata, job.format, observer)?;
    observer.event(Event::Finishing);
    let weight_bytes = std::fs::metadata(pending.path()).map_err(|source| Error::io(pending.path(), source))?.len();
    pending.finish()?;
    Ok(facts(job.format, &written, weight_bytes))
}

fn write(path: &Path, base: &Base, metadata: &Metadata, format: Format, observer: &dyn Observer) -> Result<Vec<Written>> {
    let weight = |name: &str| base.tensor(name, Compute::Auto);
    let observe = |written: &Written| observer.event(Event::Written { tensor: &written.name, format: written.used.name() });
    Ok(export(path, Export { config: &base.config, metadata, format }, weight, observe)?)
}

/// The tokenizer, the chat template, and the folder's name as the model's.
fn metadata(folder: &Path, vocabulary: GgufVocabulary) -> Metadata {
    let mut metadata = Metadata::new();
    if let Some(name) = folder.file_name() {
        metadata.insert("general.name", Value::String(name.to_string_lossy().into_owned()));
    }
    for (key, value) in vocabulary.into_entries() {
        metadata.insert(key, value_of(value));
    }
    metadata
}

fn value_of(value: MetadataValue) -> gguf::Value {
    match value {
        MetadataValue::String(text) => Value::String(text),
        MetadataValue::U32(number) => Value::U32(number),
        MetadataValue::Bool(flag) => Value::Bool(flag),
        MetadataValue::Strings(texts) => Value::Array(Array::String(texts)),
        MetadataValue::I32s(numbers) => Value::Array(Array::I32(numbers)),
        MetadataValue::F32s(numbers) => Value::Array(Array::F32(numbers)),
    }
}

fn facts(format: Format, written: &[Written], weight_bytes: u64) -> Facts {
    let mut tensors = BTreeMap::new();
    for tensor in written {
        *tensors.entry(tensor.used.name().to_owned()).or_insert(0) += 1;
    }
    let fell_back = written.iter().filter(|tensor| tensor.used != tensor.asked);
    let fallbacks = fell_back.map(|tensor| (tensor.name.clone(), tensor.used.name().to_owned())).collect();
    Facts { format: format.name().to_owned(), tensors, fallbacks, weight_bytes: Bytes(weight_bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    #[test]
    fn a_full_disk_is_told_as_such() {
        let folder = tempfile::TempDir::new().unwrap();
        crate::testing::write_model(folder.path(), &crate::testing::llama());
        let base = Base::open(folder.path()).unwrap();
        let error = write(Path::new("/dev/full"), &base, &Metadata::new(), Format::Q8_0, &Silent).unwrap_err();
        assert!(error.disk_full(), "{error}");
        assert!(error.hint().unwrap().starts_with("make room on the disk"));
    }
}
