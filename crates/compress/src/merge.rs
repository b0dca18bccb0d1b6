//! Merging: base plus adapter to a model folder of its own, in f16. Each weight is `W + scale · B · A`, summed in f32 and
//! rounded once (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", 4.1).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use half::f16;
use model::Compute;
use model::safetensors::{Entry, Writer};
use model::tensor::{DType, Tensor};
use units::Bytes;

use crate::adapter::{self, Delta};
use crate::base::Base;
use crate::companions::{self, WEIGHTS};
use crate::output::Pending;
use crate::{Error, Event, Facts, Observer, Result};

/// What to merge, and where to.
#[derive(Clone, Debug)]
pub struct MergeJob {
    /// The base: a model folder, single or sharded, f32, f16 or bf16.
    pub model: PathBuf,
    /// The adapter: a PEFT folder.
    pub adapter: PathBuf,
    /// The model folder to write; it must not exist, or be empty.
    pub out: PathBuf,
}

/// The format of every tensor of a merged model.
const FORMAT: &str = "f16";

/// Merges an adapter into its base. One tensor is in memory at a time. Tokenizer, chat template and generation settings are
/// the base's.
///
/// # Errors
///
/// When base or adapter cannot be read or do not fit each other, a merged weight is beyond f16, or the folder cannot be
/// written. Nothing is left behind then.
pub fn merge(job: &MergeJob, observer: &dyn Observer) -> Result<Facts> {
    let base = Base::open(&job.model)?;
    let deltas = adapter::read(&job.adapter, &base)?;
    observer.event(Event::Opened { tensors: base.tensors.len() });
    let pending = Pending::folder(&job.out)?;
    companions::write_config(&base.path, pending.path(), None)?;
    companions::copy(&base.path, pending.path())?;
    let weights = pending.path().join(WEIGHTS);
    write_weights(&weights, &base, &deltas, observer)?;
    observer.event(Event::Finishing);
    let weight_bytes = fs::metadata(&weights).map_err(|source| Error::io(&weights, source))?.len();
    pending.finish()?;
    Ok(Facts {
        format: FORMAT.to_owned(),
        tensors: BTreeMap::from([(FORMAT.to_owned(), base.tensors.len() as u64)]),
        fallbacks: BTreeMap::new(),
        weight_bytes: Bytes(weight_bytes),
    })
}

fn write_weights(path: &Path, base: &Base, deltas: &BTreeMap<String, Delta>, observer: &dyn Observer) -> Result<()> {
    let entry = |(name, shape): &(String, Vec<usize>)| Entry { name: name.clone(), dtype: DType::F16, shape: shape.clone() };
    let mut writer = Writer::create(path, base.tensors.iter().map(entry).collect(), &BTreeMap::new())?;
    for (name, _) in &base.tensors {
        let tensor = match deltas.get(name) {
            Some(delta) => to_f16(name, &delta.added_to(&base.tensor(name, Compute::F32)?)?)?,
            None => base.tensor(name, Compute::F16)?,
        };
        writer.push(&tensor)?;
        observer.event(Event::Written { tensor: name, format: FORMAT });
    }
    Ok(writer.finish()?)
}

/// Rounds to f16, and refuses a value that has no finite counterpart.
fn to_f16(name: &str, tensor: &Tensor) -> model::Result<Tensor> {
    let largest = tensor.abs()?.max_all()?.to_scalar::<f32>()?;
    if f16::from_f32(largest).is_finite() {
        Ok(tensor.to_dtype(DType::F16)?)
    } else {
        Err(model::Error::F16Overflow { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Silent, testing};

    #[test]
    fn a_full_disk_is_told_as_such() {
        let folder = tempfile::TempDir::new().unwrap();
        testing::write_model(folder.path(), &testing::llama());
        let base = Base::open(folder.path()).unwrap();
        let error = write_weights(Path::new("/dev/full"), &base, &BTreeMap::new(), &Silent).unwrap_err();
        assert!(error.disk_full() && error.hint().is_some(), "{error}");
    }
}
