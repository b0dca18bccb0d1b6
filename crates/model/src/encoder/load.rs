//! From a Hugging Face folder, or from a seed, to an [`Encoder`]: every tensor is asked for by name and shape, once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::config::Term;
use super::conv::Convolution;
use super::embed::Embeddings;
use super::head::Head;
use super::layer::Layer;
use super::norm::Norm;
use super::relative::Tables;
use super::{Config, Dense, Encoder};
use crate::decoder::{Compute, Random, Source, Weight};
use crate::{Error, Result, safetensors};

impl Encoder {
    /// Loads a Hugging Face folder: `config.json` and `model.safetensors`, or shards with `model.safetensors.index.json`.
    ///
    /// # Errors
    /// When a file is missing, malformed, of an unsupported kind, or does not fit the configuration.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let config = Config::from_folder(folder)?;
        let weights = safetensors::Folder::open(folder)?.on(device);
        let loader = Loader::new(&config, &weights);
        let encoder = loader.encoder(device).map_err(|e| e.in_file(folder))?;
        loader.check_all_asked_for(&weights.names()).map_err(|e| e.in_file(folder))?;
        Ok(encoder)
    }

    /// A model of this shape with random weights, for speed where what the model says does not matter. The same seed gives the same
    /// weights.
    ///
    /// # Errors
    /// When the configuration makes no sense or an operation fails.
    pub fn random(config: &Config, seed: u64, device: &Device) -> Result<Self> {
        config.check()?;
        Loader::new(config, &Random::new(seed, device)).encoder(device)
    }
}

struct Loader<'a> {
    config: &'a Config,
    source: &'a dyn Source,
    asked: RefCell<HashSet<String>>,
}

impl<'a> Loader<'a> {
    fn new(config: &'a Config, source: &'a dyn Source) -> Self {
        Self { config, source, asked: RefCell::default() }
    }

    fn encoder(&self, device: &Device) -> Result<Encoder> {
        let config = self.config;
        let positions = self.positions()?;
        Ok(Encoder {
            embeddings: self.embeddings()?,
            layers: (0..config.layers).map(|i| self.layer(i, positions.as_ref())).collect::<Result<_>>()?,
            conv: self.conv()?,
            head: Head {
                pooler: self.dense_at(config.family.pooler, config.hidden, config.hidden)?,
                activation: config.pooler_activation,
                classifier: self.dense_at(config.family.classifier, config.labels.len(), config.hidden)?,
            },
            config: config.clone(),
            device: device.clone(),
        })
    }

    fn embeddings(&self) -> Result<Embeddings> {
        let config = self.config;
        let table = |name: &str, rows: usize| self.tensor(&self.named(&format!("embeddings.{name}.weight")), &[rows, config.embedding]);
        let wanted = |wanted: bool, name: &str, rows: usize| wanted.then(|| table(name, rows)).transpose();
        let projected = config.embedding != config.hidden;
        let projection = self.named("embeddings.embed_proj.weight");
        Ok(Embeddings {
            words: table("word_embeddings", config.vocab)?,
            positions: wanted(config.embeds_positions, "position_embeddings", config.max_positions)?,
            types: wanted(config.types > 0, "token_type_embeddings", config.types)?,
            projection: projected.then(|| self.tensor(&projection, &[config.hidden, config.embedding])).transpose()?,
            norm: self.norm("embeddings.LayerNorm", config.hidden)?,
        })
    }

    /// The relative embeddings that every layer projects, `[2 span, hidden]`.
    fn positions(&self) -> Result<Option<Tensor>> {
        let Some(relative) = &self.config.relative else { return Ok(None) };
        let table = self.tensor(&self.named("encoder.rel_embeddings.weight"), &[2 * relative.span, self.config.hidden])?;
        if !relative.normed {
            return Ok(Some(table));
        }
        Ok(Some(self.norm("encoder.LayerNorm", self.config.hidden)?.forward(table.copy()?)?))
    }

    fn layer(&self, index: usize, positions: Option<&Tensor>) -> Result<Layer> {
        let config = self.config;
        let (hidden, width) = (config.hidden, config.width());
        let at = |part: &str| format!("encoder.layer.{index}.{part}");
        let projections = config.family.projections.map(|name| self.dense(&at(&format!("attention.self.{name}")), width, hidden));
        let [q, k, v] = projections;
        let (q, k, v) = (q?, k?, v?);
        let tables = positions.map(|positions| self.tables(&at("attention.self"), positions, &q, &k)).transpose()?;
        // Each product with positions that is added widens the sum, which the scale makes good.
        let products = 1 + config.relative.as_ref().map_or(0, |relative| relative.terms.len());
        Ok(Layer {
            heads: config.heads,
            projections: Dense {
                weight: Tensor::cat(&[&q.weight, &k.weight, &v.weight], 0)?,
                bias: Tensor::cat(&[&q.bias, &k.bias, &v.bias], 0)?,
            },
            tables,
            scale: 1.0 / ((config.head_dim * products) as f64).sqrt(),
            output: self.dense(&at("attention.output.dense"), hidden, width)?,
            attention_norm: self.norm(&at("attention.output.LayerNorm"), hidden)?,
            up: self.dense(&at("intermediate.dense"), config.intermediate, hidden)?,
            activation: config.activation,
            down: self.dense(&at("output.dense"), hidden, config.intermediate)?,
            norm: self.norm(&at("output.LayerNorm"), hidden)?,
        })
    }

    fn tables(&self, within: &str, positions: &Tensor, q: &Dense, k: &Dense) -> Result<Tables> {
        let Some(relative) = &self.config.relative else { return Tables::new(positions, None, None) };
        let keys = relative.terms.contains(&Term::ContentToPosition);
        let queries = relative.terms.contains(&Term::PositionToContent);
        if relative.shared {
            return Tables::new(positions, keys.then_some(k), queries.then_some(q));
        }
        let own = |wanted: bool, name: &str| {
            wanted.then(|| self.dense(&format!("{within}.{name}"), self.config.width(), self.config.hidden)).transpose()
        };
        let (keys, queries) = (own(keys, "pos_key_proj")?, own(queries, "pos_query_proj")?);
        Tables::new(positions, keys.as_ref(), queries.as_ref())
    }

    fn conv(&self) -> Result<Option<Convolution>> {
        let Some(conv) = self.config.conv else { return Ok(None) };
        let hidden = self.config.hidden;
        let weight = self.tensor(&self.named("encoder.conv.conv.weight"), &[hidden, hidden, conv.kernel])?;
        let bias = self.tensor(&self.named("encoder.conv.conv.bias"), &[hidden])?;
        Ok(Some(Convolution::new(&weight, bias, conv.activation, self.norm("encoder.conv.LayerNorm", hidden)?)?))
    }

    fn dense(&self, name: &str, n: usize, k: usize) -> Result<Dense> {
        self.dense_at(&self.named(name), n, k)
    }

    fn dense_at(&self, name: &str, n: usize, k: usize) -> Result<Dense> {
        Ok(Dense { weight: self.tensor(&format!("{name}.weight"), &[n, k])?, bias: self.tensor(&format!("{name}.bias"), &[n])? })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm> {
        let name = self.named(name);
        // The first BERT checkpoints have TensorFlow's words.
        let either = |word: &str, old: &str| match self.optional(&format!("{name}.{word}"), &[width])? {
            Some(tensor) => Ok(tensor),
            None => self.optional(&format!("{name}.{old}"), &[width])?.ok_or_else(|| missing(format!("{name}.{word}"))),
        };
        Ok(Norm { weight: either("weight", "gamma")?, bias: either("bias", "beta")?, eps: self.config.norm_eps })
    }

    fn named(&self, name: &str) -> String {
        format!("{}.{name}", self.config.family.prefix)
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.optional(name, shape)?.ok_or_else(|| missing(name.to_owned()))
    }

    fn optional(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>> {
        self.asked.borrow_mut().insert(name.to_owned());
        match self.source.weight(name, shape, Compute::F32)? {
            None => Ok(None),
            Some(Weight::Dense(tensor)) => Ok(Some(tensor)),
            Some(Weight::Quantised(_)) => Err(Error::UnsupportedType { tensor: name.to_owned(), found: "quantised".to_owned() }),
        }
    }

    /// Refuses weights of the encoder that the configuration does not call for: further layers, projections it does not mention.
    fn check_all_asked_for(&self, present: &[String]) -> Result<()> {
        let (asked, inside) = (self.asked.borrow(), self.named("encoder."));
        match present.iter().find(|name| name.starts_with(&inside) && !asked.contains(*name)) {
            Some(name) => Err(Error::UnexpectedTensor { name: name.clone() }),
            None => Ok(()),
        }
    }
}

fn missing(name: String) -> Error {
    Error::MissingTensor { name }
}
