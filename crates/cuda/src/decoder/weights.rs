//! Weights on the GPU: from a folder's files, or from whatever gives a matrix for a name. Queries, keys and values lie in one matrix, gates and
//! ups in another, so that one product reads each.

use std::path::Path;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use model::tensor::{DType, Device};
use model::{Compute, Config, safetensors};

use crate::kernels::{Half, Product};
use crate::{Buffer, Gpu, Result};

/// Gives the weight of a name and shape.
type Give<'a> = &'a mut dyn FnMut(&str, &[usize]) -> Result<Buffer<u16>>;

/// All weights of a model.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) embedding: Buffer<u16>,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: Buffer<u16>,
    /// `None` when the embedding is the head.
    head: Option<Buffer<u16>>,
}

/// Those of a block.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) norm: Buffer<u16>,
    pub(super) qkv: Linear,
    pub(super) out: Linear,
    pub(super) second_norm: Buffer<u16>,
    pub(super) gate_up: Linear,
    pub(super) down: Linear,
}

/// Those of a linear layer.
#[derive(Debug)]
pub(super) struct Linear {
    weight: Buffer<u16>,
    bias: Option<Buffer<u16>>,
}

impl Linear {
    pub(super) fn product(&self) -> Product<'_> {
        Product { weight: &self.weight, bias: self.bias.as_ref() }
    }

    fn bytes(&self) -> u64 {
        self.weight.bytes() + self.bias.as_ref().map_or(0, Buffer::bytes)
    }
}

impl Weights {
    /// Asks for every weight of the model by its Hugging Face name.
    pub(super) fn load(config: &Config, give: Give) -> Result<Self> {
        let embedding = give("model.embed_tokens.weight", &[config.vocab, config.hidden])?;
        let layers = (0..config.layers).map(|index| Layer::load(config, index, give)).collect::<Result<_>>()?;
        let norm = give("model.norm.weight", &[config.hidden])?;
        let head = if config.tied { None } else { Some(give("lm_head.weight", &[config.vocab, config.hidden])?) };
        Ok(Self { embedding, layers, norm, head })
    }

    pub(super) fn head(&self) -> Product<'_> {
        Product { weight: self.head.as_ref().unwrap_or(&self.embedding), bias: None }
    }

    pub(super) fn bytes(&self) -> u64 {
        let head = self.head.as_ref().map_or(0, Buffer::bytes);
        self.embedding.bytes() + self.norm.bytes() + head + self.layers.iter().map(Layer::bytes).sum::<u64>()
    }
}

impl Layer {
    fn load(config: &Config, index: usize, give: Give) -> Result<Self> {
        let (d, q, kv, ff) = (config.hidden, config.q_width(), config.kv_width(), config.intermediate);
        let name = |part: &str| format!("model.layers.{index}.{part}");
        let biases = config.biases;
        Ok(Self {
            norm: give(&name("input_layernorm.weight"), &[d])?,
            qkv: join(
                &[(name("self_attn.q_proj"), q), (name("self_attn.k_proj"), kv), (name("self_attn.v_proj"), kv)],
                d,
                biases.qkv,
                give,
            )?,
            out: join(&[(name("self_attn.o_proj"), d)], q, biases.output, give)?,
            second_norm: give(&name("post_attention_layernorm.weight"), &[d])?,
            gate_up: join(&[(name("mlp.gate_proj"), ff), (name("mlp.up_proj"), ff)], d, biases.mlp, give)?,
            down: join(&[(name("mlp.down_proj"), d)], ff, biases.mlp, give)?,
        })
    }

    fn bytes(&self) -> u64 {
        let linears = [&self.qkv, &self.out, &self.gate_up, &self.down];
        self.norm.bytes() + self.second_norm.bytes() + linears.into_iter().map(Linear::bytes).sum::<u64>()
    }
}

/// Linear layers of one input as one, rows after rows.
fn join(parts: &[(String, usize)], columns: usize, biased: bool, give: Give) -> Result<Linear> {
    let mut weights = Vec::with_capacity(parts.len());
    let mut biases = Vec::new();
    for (name, rows) in parts {
        weights.push(give(&format!("{name}.weight"), &[*rows, columns])?);
        if biased {
            biases.push(give(&format!("{name}.bias"), &[*rows])?);
        }
    }
    Ok(Linear { weight: Buffer::joined(weights)?, bias: if biased { Some(Buffer::joined(biases)?) } else { None } })
}

/// A folder's files.
pub(super) struct Files(safetensors::Folder);

impl Files {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        Ok(Self(safetensors::Folder::open(folder)?))
    }

    /// What the model's weights are held as.
    pub(super) fn half(&self) -> Result<Half> {
        let norm = self.0.tensor("model.norm.weight", Compute::Auto, &Device::Cpu)?;
        Ok(if norm.dtype() == DType::F16 { Half::F16 } else { Half::Bf16 })
    }

    pub(super) fn read(&self, gpu: &Gpu, half: Half, name: &str, shape: &[usize]) -> Result<Buffer<u16>> {
        let tensor = self.0.tensor(name, Compute::Auto, &Device::Cpu)?;
        if tensor.dims() != shape {
            let mismatch = model::Error::ShapeMismatch { name: name.to_owned(), expected: shape.to_vec(), got: tensor.dims().to_vec() };
            return Err(mismatch.into());
        }
        let flat = tensor.flatten_all().map_err(model::Error::from)?;
        match half {
            Half::Bf16 => {
                let values = flat.to_dtype(DType::BF16).and_then(|t| t.to_vec1::<bf16>()).map_err(model::Error::from)?;
                Buffer::of(gpu, values.reinterpret_cast())
            }
            Half::F16 => {
                let values = flat.to_dtype(DType::F16).and_then(|t| t.to_vec1::<f16>()).map_err(model::Error::from)?;
                Buffer::of(gpu, values.reinterpret_cast())
            }
        }
    }
}
