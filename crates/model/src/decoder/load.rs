//! From weights, wherever they come from, to a [`Decoder`]: every tensor is asked for by name and shape, once.

use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{DType, Device, Tensor};

use super::block::Block;
use super::embedding::Embedding;
use super::names;
use crate::nf4::Nf4;
use crate::quant::{self, Format};
use crate::{Config, Decoder, Error, Linear, Result, device, gguf, safetensors};

/// What dense weights are held as. Sums are in f32 on the CPU whatever is chosen: 16-bit weights are widened inside the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compute {
    /// As f32: the fastest on the CPU for many rows, twice the memory of 16 bits. bf16 and f16 widen exactly.
    F32,
    /// As f16: f32 and bf16 are rounded, and a value beyond f16's range is an error.
    F16,
    /// As stored: f32, f16 and bf16 stay what they are.
    Auto,
}

/// What the linear layers' weights are held as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// As stored: dense from safetensors, quantised or dense from GGUF.
    AsStored,
    /// The blocks' linear layers in NF4 (block 64, double quantisation), quantised one by one on load; embedding, norms and head as stored.
    Nf4,
    /// Linear layers, embedding and head quantised one by one on load, with [`quant::Format::fitting`]'s fallbacks.
    Quantised(Format),
}

/// How a model is brought into memory.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where to.
    pub device: Device,
    /// Dense weights.
    pub compute: Compute,
    /// Linear layers' weights.
    pub base: Base,
}

/// A weight as a source holds it.
pub(crate) enum Weight {
    /// Numbers.
    Dense(Tensor),
    /// Blocks.
    Quantised(Arc<QTensor>),
}

/// Where weights come from.
pub(crate) trait Source {
    /// The weight of this Hugging Face name, checked to have this shape, and held as `compute` says where it is dense; `None` when there
    /// is none.
    fn weight(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Option<Weight>>;
}

impl Decoder {
    /// Loads a Hugging Face folder (`config.json` and `model.safetensors`, or shards with `model.safetensors.index.json`) or a GGUF file.
    ///
    /// Files are mapped; each tensor is copied once, into the form it is held in.
    ///
    /// # Errors
    /// When a file is missing, malformed, of an unsupported kind, or does not fit the configuration.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self> {
        if path.is_dir() {
            let config = Config::from_folder(path)?;
            let folder = safetensors::Folder::open(path)?.on(&options.device);
            folder.check_against(&config)?;
            return Self::build(config, &folder, options).map_err(|e| e.in_file(path));
        }
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
            let file = gguf::File::open(path)?;
            let source = file.source(&options.device)?;
            return Self::build(source.config().clone(), &source, options).map_err(|e| e.in_file(path));
        }
        Err(Error::NotAModel { path: path.to_owned() })
    }

    pub(super) fn build(config: Config, source: &dyn Source, options: &LoadOptions) -> Result<Self> {
        config.check()?;
        let loader = Loader { source, options, arithmetic: device::arithmetic(&options.device) };
        let (d, vocab) = (config.hidden, config.vocab);
        let embedding = loader.embedding(vocab, d)?;
        let blocks = (0..config.layers).map(|i| loader.block(&config, i)).collect::<Result<_>>()?;
        let norm = loader.vector(names::NORM, d)?;
        let head = if config.tied { None } else { Some(loader.head(vocab, d)?) };
        let frequencies = config.rope_frequencies();
        Ok(Self { config, embedding, blocks, norm, head, frequencies, device: options.device.clone(), dtype: loader.arithmetic })
    }
}

struct Loader<'a> {
    source: &'a dyn Source,
    options: &'a LoadOptions,
    arithmetic: DType,
}

impl Loader<'_> {
    fn block(&self, config: &Config, index: usize) -> Result<Block> {
        let norm = |name: &str| self.vector(&format!("{}.weight", names::in_block(index, name)), config.hidden);
        let norms = [norm("input_layernorm")?, norm("post_attention_layernorm")?];
        let shapes = names::linears(config).into_iter();
        let linears = shapes.map(|(name, n, k, bias)| {
            let name = names::in_block(index, name);
            let bias = if bias { Some(self.vector(&format!("{name}.bias"), n)?) } else { None };
            self.linear(&format!("{name}.weight"), n, k, bias, self.options.base)
        });
        let linears = linears.collect::<Result<Vec<_>>>()?;
        Ok(Block::new(config, norms, linears.try_into().expect("seven shapes give seven layers")))
    }

    fn head(&self, vocab: usize, d: usize) -> Result<Linear> {
        let base = if self.options.base == Base::Nf4 { Base::AsStored } else { self.options.base };
        self.linear(&format!("{}.weight", names::HEAD), vocab, d, None, base)
    }

    fn embedding(&self, vocab: usize, d: usize) -> Result<Embedding> {
        let base = if self.options.base == Base::Nf4 { Base::AsStored } else { self.options.base };
        Ok(match self.matrix(names::EMBEDDING, [vocab, d], base)? {
            Weight::Dense(tensor) => Embedding::Dense(tensor),
            Weight::Quantised(blocks) => Embedding::Quantised(blocks),
        })
    }

    fn linear(&self, name: &str, n: usize, k: usize, bias: Option<Tensor>, base: Base) -> Result<Linear> {
        if base == Base::Nf4 {
            let weight = self.widened(self.need(name, &[n, k], Compute::F32)?)?;
            return Ok(Linear::Nf4 { weight: Arc::new(Nf4::quantise(&weight)?), bias });
        }
        Ok(match self.matrix(name, [n, k], base)? {
            Weight::Dense(weight) => Linear::Dense { weight, bias },
            Weight::Quantised(weight) => Linear::Quantised { weight, bias },
        })
    }

    fn matrix(&self, name: &str, shape: [usize; 2], base: Base) -> Result<Weight> {
        let Base::Quantised(format) = base else { return self.need(name, &shape, self.options.compute) };
        let weight = self.need(name, &shape, Compute::F32)?;
        match &weight {
            Weight::Quantised(blocks) if format.ggml() == Some(blocks.dtype()) => Ok(weight),
            _ => quant::quantise(name, &self.widened(weight)?, format)?.into_weight(&self.options.device),
        }
    }

    /// Norms and biases: few, so in the arithmetic's own format.
    fn vector(&self, name: &str, len: usize) -> Result<Tensor> {
        Ok(self.widened(self.need(name, &[len], Compute::F32)?)?.to_dtype(self.arithmetic)?)
    }

    fn need(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Weight> {
        self.source.weight(name, shape, compute)?.ok_or_else(|| Error::MissingTensor { name: name.to_owned() })
    }

    fn widened(&self, weight: Weight) -> Result<Tensor> {
        match weight {
            Weight::Dense(tensor) => Ok(tensor),
            Weight::Quantised(blocks) => Ok(blocks.dequantize(&self.options.device)?),
        }
    }
}
