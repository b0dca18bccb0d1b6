//! Post-training quantisation to a Hugging Face folder that vLLM's integer kernels read: the
//! [compressed-tensors](https://github.com/vllm-project/compressed-tensors) format, `pack-quantized`, without calibration data.
//!
//! W4A16 and W8A16 as llm-compressor's presets of these names have them: symmetric integers of 4 and 8 bits in groups of 128, activations
//! untouched. Every linear layer of the blocks is quantised; embedding, head, norms and biases stay f16. A layer whose input width does
//! not divide by the group stays f16 as well and is named under `ignore`. Our own decoder does not read these folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::Compute;
use model::safetensors::{Entry, Writer};
use model::tensor::{DType, Device, Tensor};
use serde_json::{Value, json};
use units::Bytes;

use crate::base::Base;
use crate::companions::{self, WEIGHTS};
use crate::output::Pending;
use crate::packed::{self, Unfit};
use crate::{Error, Event, Facts, Observer, Result};

/// How the linear layers' weights are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// 4-bit integers in groups of 128: 4.125 bits a weight.
    W4A16,
    /// 8-bit integers in groups of 128: 8.125 bits a weight.
    W8A16,
}

/// What to quantise, and to what.
#[derive(Clone, Debug)]
pub struct PackJob {
    /// A model folder: f32, f16 or bf16.
    pub model: PathBuf,
    /// The model folder to write; it must not exist, or be empty.
    pub out: PathBuf,
    /// The linear layers' scheme.
    pub scheme: Scheme,
}

/// The format of what is not quantised.
const PLAIN: &str = "f16";

/// What becomes of a tensor.
struct Planned<'a> {
    name: &'a str,
    shape: &'a [usize],
    /// The layer's name when the tensor is packed.
    layer: Option<&'a str>,
}

/// Quantises a model. One tensor is in memory at a time. Tokenizer, chat template and generation settings are the base's.
///
/// # Errors
///
/// When the model or its tokenizer cannot be read, a weight is not finite or beyond f16, or the folder cannot be written. Nothing is left
/// behind then.
pub fn pack(job: &PackJob, observer: &dyn Observer) -> Result<Facts> {
    let base = Base::open(&job.model)?;
    let planned: Vec<_> = base.tensors.iter().map(|(name, shape)| planned(name, shape)).collect();
    let fallbacks = fallbacks(&planned);
    observer.event(Event::Opened { tensors: planned.len() });
    let pending = Pending::folder(&job.out)?;
    companions::write_config(&base.path, pending.path(), Some(configuration(job.scheme, &fallbacks)))?;
    companions::copy(&base.path, pending.path())?;
    let weights = pending.path().join(WEIGHTS);
    write_weights(&weights, &base, &planned, job.scheme, observer)?;
    observer.event(Event::Finishing);
    let weight_bytes = fs::metadata(&weights).map_err(|source| Error::io(&weights, source))?.len();
    pending.finish()?;
    Ok(facts(job.scheme, &planned, fallbacks, weight_bytes))
}

impl Scheme {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::W4A16, Self::W8A16];

    /// The word used in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::W4A16 => "w4a16",
            Self::W8A16 => "w8a16",
        }
    }

    /// Bits of an integer.
    pub fn bits(self) -> u32 {
        match self {
            Self::W4A16 => 4,
            Self::W8A16 => 8,
        }
    }
}

fn planned<'a>(name: &'a str, shape: &'a [usize]) -> Planned<'a> {
    Planned { name, shape, layer: linear(name, shape).filter(|_| packed::fits(shape[1])) }
}

/// The layer's name when the tensor is the weight of a linear layer inside a block.
fn linear<'a>(name: &'a str, shape: &[usize]) -> Option<&'a str> {
    let layer = name.strip_suffix(".weight")?;
    (shape.len() == 2 && layer.starts_with("model.layers.")).then_some(layer)
}

fn fallbacks(planned: &[Planned]) -> BTreeMap<String, String> {
    let left = planned.iter().filter(|tensor| tensor.layer.is_none() && linear(tensor.name, tensor.shape).is_some());
    left.map(|tensor| (tensor.name.to_owned(), PLAIN.to_owned())).collect()
}

/// `quantization_config` of config.json: keys that every version of the format since 0.5 knows.
fn configuration(scheme: Scheme, fallbacks: &BTreeMap<String, String>) -> Value {
    let left = fallbacks.keys().map(|tensor| tensor.trim_end_matches(".weight"));
    let ignore: Vec<&str> = left.chain(["lm_head"]).collect();
    json!({
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": {
                    "num_bits": scheme.bits(),
                    "type": "int",
                    "symmetric": true,
                    "strategy": "group",
                    "group_size": packed::GROUP,
                    "dynamic": false,
                },
                "input_activations": null,
                "output_activations": null,
            },
        },
        "ignore": ignore,
        "kv_cache_scheme": null,
        "global_compression_ratio": null,
    })
}

fn write_weights(path: &Path, base: &Base, planned: &[Planned], scheme: Scheme, observer: &dyn Observer) -> Result<()> {
    let entries = planned.iter().flat_map(|tensor| entries(tensor, scheme)).collect();
    let mut writer = Writer::create(path, entries, &BTreeMap::new())?;
    for tensor in planned {
        if tensor.layer.is_some() {
            for part in parts(tensor, base, scheme)? {
                writer.push(&part)?;
            }
        } else {
            writer.push(&base.tensor(tensor.name, Compute::F16)?)?;
        }
        observer.event(Event::Written { tensor: tensor.name, format: format(tensor, scheme) });
    }
    Ok(writer.finish()?)
}

/// What a tensor is in the file; a packed one is three.
fn entries(tensor: &Planned, scheme: Scheme) -> Vec<Entry> {
    let Some(layer) = tensor.layer else {
        return vec![Entry { name: tensor.name.to_owned(), dtype: DType::F16, shape: tensor.shape.to_vec() }];
    };
    let part = |part: &str, dtype, shape| Entry { name: format!("{layer}.{part}"), dtype, shape };
    let [packed, scales, shape] = shapes(tensor.shape, scheme);
    vec![
        part("weight_packed", DType::I32, packed.to_vec()),
        part("weight_scale", DType::F16, scales.to_vec()),
        part("weight_shape", DType::I64, vec![shape.len()]),
    ]
}

/// Words, scales, and the matrix itself.
fn shapes(shape: &[usize], scheme: Scheme) -> [[usize; 2]; 3] {
    let (rows, width) = (shape[0], shape[1]);
    [[rows, width * scheme.bits() as usize / 32], [rows, width / packed::GROUP], [rows, width]]
}

/// The same, with their values.
fn parts(tensor: &Planned, base: &Base, scheme: Scheme) -> Result<[Tensor; 3]> {
    let values =
        base.tensor(tensor.name, Compute::F32)?.flatten_all().and_then(|flat| flat.to_vec1::<f32>()).map_err(model::Error::from)?;
    let packed = packed::pack(&values, scheme.bits()).map_err(|unfit| match unfit {
        Unfit::NotFinite => Error::NotFinite { tensor: tensor.name.to_owned() },
        Unfit::Overflow => model::Error::F16Overflow { name: tensor.name.to_owned() }.into(),
    })?;
    drop(values);
    let [words, scales, matrix] = shapes(tensor.shape, scheme);
    let matrix = matrix.map(|side| side as i64);
    let made = Tensor::from_vec(packed.words, &words, &Device::Cpu).and_then(|words| {
        let scales = Tensor::from_vec(packed.scales, &scales, &Device::Cpu)?;
        Ok([words, scales, Tensor::new(&matrix, &Device::Cpu)?])
    });
    Ok(made.map_err(model::Error::from)?)
}

fn format(tensor: &Planned, scheme: Scheme) -> &'static str {
    if tensor.layer.is_some() { scheme.name() } else { PLAIN }
}

fn facts(scheme: Scheme, planned: &[Planned], fallbacks: BTreeMap<String, String>, weight_bytes: u64) -> Facts {
    let mut tensors = BTreeMap::new();
    for tensor in planned {
        *tensors.entry(format(tensor, scheme).to_owned()).or_insert(0) += 1;
    }
    Facts { format: scheme.name().to_owned(), tensors, fallbacks, weight_bytes: Bytes(weight_bytes) }
}
