//! Attaching low-rank updates to a model's linear layers, new ones or those of an adapter on disk.

use std::collections::BTreeSet;

use model::{
    Decoder, Linear,
    ops::{Draw, Dropout, Lora},
    tensor::{Device, Tensor, Var},
};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::{Error, Result, peft::Peft};

/// What is attached, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Rank r of the updates.
    pub rank: usize,
    /// The update is multiplied by `alpha / rank`.
    pub alpha: f64,
    /// Probability that an input of A is dropped while training.
    pub dropout: f64,
    /// Names of modules, or the ends of names after a dot, such as `q_proj`.
    pub targets: Vec<String>,
}

/// The updates attached to a model, as variables.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// What was attached.
    pub config: Config,
    /// In the order of the model's layers.
    pub modules: Vec<Module>,
    /// Which dropout masks are in force.
    pub draw: Draw,
}

/// The update of one linear layer, `alpha / rank · B A`.
#[derive(Clone, Debug)]
pub struct Module {
    /// Such as `model.layers.0.self_attn.q_proj`.
    pub name: String,
    /// `[r, k]`.
    pub a: Var,
    /// `[n, r]`.
    pub b: Var,
}

impl Adapter {
    /// Every variable by name, such as `model.layers.0.self_attn.q_proj.lora_A`.
    pub fn variables(&self) -> Vec<(String, Var)> {
        let both = |m: &Module| [(format!("{}.lora_A", m.name), m.a.clone()), (format!("{}.lora_B", m.name), m.b.clone())];
        self.modules.iter().flat_map(both).collect()
    }
}

/// Attaches new updates to the layers that `config` names. As `peft` does it, A is uniform within `1 / sqrt(k)` (Kaiming with
/// `a = sqrt(5)`) and B is zero, so that the model is at first what it was. The seed decides A and the dropout masks.
///
/// # Errors
/// When a setting makes no sense, or a target names no layer.
pub fn attach(model: &mut Decoder, config: &Config, seed: u64) -> Result<Adapter> {
    check(model, config)?;
    let (device, dtype) = (model.device().clone(), model.dtype());
    let draw = Draw::default();
    let mut modules = Vec::new();
    for (index, (name, layer)) in model.linears_mut().into_iter().enumerate() {
        if !config.targets.iter().any(|target| is_named(&name, target)) {
            continue;
        }
        let (n, k) = layer.shape()?;
        let a = Var::from_tensor(&kaiming_uniform((config.rank, k), seed, index as u64)?.to_device(&device)?.to_dtype(dtype)?)?;
        let b = Var::zeros((n, config.rank), dtype, &device)?;
        let dropout = (config.dropout > 0.0).then(|| Dropout::new(config.dropout, mask_seed(seed, index as u64), draw.clone()));
        adapt(layer, &a, &b, config, dropout.transpose()?);
        modules.push(Module { name, a, b });
    }
    Ok(Adapter { config: config.clone(), modules, draw })
}

/// Attaches an adapter from disk, as variables that may be trained on.
///
/// # Errors
/// When a module of the adapter is not in the model, or has another shape there.
pub fn attach_peft(model: &mut Decoder, peft: &Peft) -> Result<Adapter> {
    let (device, dtype) = (model.device().clone(), model.dtype());
    let mut modules = Vec::new();
    let mut layers = model.linears_mut();
    for update in &peft.modules {
        let name = &update.name;
        let mismatch = |problem: String| Error::Mismatch { problem };
        let (_, layer) = layers.iter_mut().find(|(n, _)| n == name).ok_or_else(|| mismatch(format!("it has no layer {name}")))?;
        let (n, k) = layer.shape()?;
        let (a, b) = (update.a.dims2()?, update.b.dims2()?);
        if (b.0, a.1) != (n, k) {
            return Err(mismatch(format!("{name} is {n} by {k}, its update is {} by {}", b.0, a.1)));
        }
        let var = |t: &Tensor| Ok::<_, Error>(Var::from_tensor(&t.to_device(&device)?.to_dtype(dtype)?)?);
        let (a, b) = (var(&update.a)?, var(&update.b)?);
        adapt(layer, &a, &b, &peft.config, None);
        modules.push(Module { name: name.clone(), a, b });
    }
    Ok(Adapter { config: peft.config.clone(), modules, draw: Draw::default() })
}

fn adapt(layer: &mut Linear, a: &Var, b: &Var, config: &Config, dropout: Option<Dropout>) {
    let scale = config.alpha / config.rank as f64;
    layer.adapt(Lora { a: a.as_tensor().clone(), b: b.as_tensor().clone(), scale, dropout });
}

fn check(model: &mut Decoder, config: &Config) -> Result<()> {
    let setting = |name, value: String, rule| Err(Error::Setting { name, value, rule });
    if config.rank == 0 {
        return setting("rank", "0".to_owned(), "at least 1 is needed");
    }
    if !config.alpha.is_finite() || config.alpha <= 0.0 {
        return setting("alpha", config.alpha.to_string(), "it must be above 0");
    }
    if !(0.0..1.0).contains(&config.dropout) {
        return setting("dropout", config.dropout.to_string(), "it must be at least 0 and below 1");
    }
    if config.targets.is_empty() {
        return setting("target_modules", "empty".to_owned(), "at least one is needed");
    }
    let names: Vec<String> = model.linears_mut().into_iter().map(|(name, _)| name).collect();
    match config.targets.iter().find(|target| !names.iter().any(|name| is_named(name, target))) {
        Some(target) => {
            let known: BTreeSet<&str> = names.iter().filter_map(|name| name.rsplit('.').next()).collect();
            Err(Error::UnknownTarget { target: target.clone(), known: known.into_iter().map(str::to_owned).collect() })
        }
        None => Ok(()),
    }
}

/// Whether `target` is the name, or its end after a dot (`peft`'s rule for lists).
fn is_named(name: &str, target: &str) -> bool {
    name.strip_suffix(target).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// `torch.nn.init.kaiming_uniform_(a=sqrt(5))`: uniform within `sqrt(6 / ((1 + 5) k)) = 1 / sqrt(k)`. Each layer has its own
/// random stream, so that it does not depend on which others are adapted.
fn kaiming_uniform((r, k): (usize, usize), seed: u64, stream: u64) -> Result<Tensor> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let bound = 1.0 / (k as f32).sqrt();
    let values: Vec<f32> = (0..r * k).map(|_| random.random_range(-bound..=bound)).collect();
    Ok(Tensor::from_vec(values, (r, k), &Device::Cpu)?)
}

/// A seed of its own for the dropout of each layer.
fn mask_seed(seed: u64, layer: u64) -> u64 {
    // Any odd constant spreads the layers; this one is 2^64 divided by the golden ratio.
    seed.wrapping_add((layer + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn a_target_is_a_name_or_its_end_after_a_dot() {
        assert!(is_named("model.layers.0.self_attn.q_proj", "q_proj"));
        assert!(is_named("model.layers.0.self_attn.q_proj", "self_attn.q_proj"));
        assert!(is_named("q_proj", "q_proj"));
        assert!(!is_named("model.layers.0.self_attn.q_proj", "proj"));
        assert!(!is_named("model.layers.0.self_attn.q_proj", ""));
    }
}
