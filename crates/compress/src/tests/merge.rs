//! Base plus adapter, and the merged folder.

use std::collections::BTreeMap;
use std::path::Path;

use model::ops::Lora;
use model::tensor::{DType, Device, Tensor};
use model::{Config, Decoder, safetensors};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Log;
use crate::testing::{difference, llama, logits, options, qwen, write_model, write_sharded};
use crate::{Error, Facts, MergeJob, QuantiseJob, Silent, merge, quantise};

/// Largest difference of logits to base plus adapter, relative to the largest logit: each weight is rounded to f16 once,
/// which is 2⁻¹¹ of it.
const F16_TOLERANCE: f32 = 2e-3;
const RANK: usize = 4;
const ALPHA: f64 = 10.0;

/// The rank-4 halves of an update of a weight `[n, k]`.
fn halves(n: usize, k: usize, seed: usize) -> (Tensor, Tensor) {
    let wave = |count: usize, step: f32| (0..count).map(|i| 0.05 * ((i + seed) as f32 * step).sin()).collect::<Vec<f32>>();
    let a = Tensor::from_vec(wave(RANK * k, 0.37), (RANK, k), &Device::Cpu).unwrap();
    let b = Tensor::from_vec(wave(n * RANK, 0.73), (n, RANK), &Device::Cpu).unwrap();
    (a, b)
}

/// Every linear layer of the model, by name and shape.
fn linears(config: &Config) -> Vec<(String, usize, usize)> {
    let tensors = model::decoder::tensors(config).into_iter();
    let linear = |(name, shape): (String, Vec<usize>)| match (name.strip_suffix("_proj.weight"), shape.as_slice()) {
        (Some(stem), [n, k]) => Some((format!("{stem}_proj"), *n, *k)),
        _ => None,
    };
    tensors.filter_map(linear).collect()
}

/// A PEFT folder, written here and not by `adapt`.
fn write_adapter(folder: &Path, modules: &[(String, usize, usize)]) {
    std::fs::create_dir_all(folder).unwrap();
    let config =
        json!({"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "lora_dropout": 0.1, "bias": "none", "target_modules": ["q_proj"]});
    std::fs::write(folder.join("adapter_config.json"), config.to_string()).unwrap();
    let mut tensors = Vec::new();
    for (index, (name, n, k)) in modules.iter().enumerate() {
        let (a, b) = halves(*n, *k, index);
        tensors.push((format!("base_model.model.{name}.lora_A.weight"), a));
        tensors.push((format!("base_model.model.{name}.lora_B.weight"), b));
    }
    safetensors::write(&folder.join("adapter_model.safetensors"), &tensors, &BTreeMap::new()).unwrap();
}

/// Logits of the base with the adapter beside its layers.
fn adapted(base: &Path, modules: &[(String, usize, usize)]) -> Vec<f32> {
    let mut model = Decoder::load(base, &options()).unwrap();
    let mut layers: BTreeMap<String, _> = model.linears_mut().into_iter().collect();
    for (index, (name, n, k)) in modules.iter().enumerate() {
        let (a, b) = halves(*n, *k, index);
        layers.get_mut(name).unwrap().adapt(Lora { a, b, scale: ALPHA / RANK as f64, dropout: None });
    }
    logits(&model)
}

struct Folders {
    root: TempDir,
}

impl Folders {
    fn new(config: &Config, modules: &[(String, usize, usize)]) -> Self {
        let folders = Self { root: TempDir::new().unwrap() };
        write_model(&folders.path("base"), config);
        write_adapter(&folders.path("adapter"), modules);
        folders
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn merge(&self) -> Result<Facts, Error> {
        merge(&MergeJob { model: self.path("base"), adapter: self.path("adapter"), out: self.path("out") }, &Silent)
    }

    /// What is said of a merge that cannot be; and nothing may be left behind.
    fn complaint(&self) -> String {
        let before = std::fs::read_dir(self.root.path()).unwrap().count();
        let error = self.merge().unwrap_err();
        assert_eq!(std::fs::read_dir(self.root.path()).unwrap().count(), before);
        format!("{error}\nhint: {}", error.hint().unwrap_or_default()).replace(&self.root.path().display().to_string(), "DIR")
    }
}

#[test]
fn merged_is_base_plus_adapter() {
    for config in [llama(), qwen()] {
        let modules = linears(&config);
        let folders = Folders::new(&config, &modules);
        let facts = folders.merge().unwrap();
        let expected = adapted(&folders.path("base"), &modules);
        let merged = logits(&Decoder::load(&folders.path("out"), &options()).unwrap());
        let moved = difference(&logits(&Decoder::load(&folders.path("base"), &options()).unwrap()), &expected);
        let error = difference(&merged, &expected);
        assert!(error < F16_TOLERANCE && moved > 20.0 * F16_TOLERANCE, "error {error}, moved {moved}");
        let size = std::fs::metadata(folders.path("out/model.safetensors")).unwrap().len();
        assert_eq!((facts.format.as_str(), facts.weight_bytes.0, facts.fallbacks.len()), ("f16", size, 0));
        assert_eq!(facts.tensors.into_iter().collect::<Vec<_>>(), [("f16".to_owned(), model::decoder::tensors(&config).len() as u64)]);
    }
}

#[test]
fn sharded_is_single() {
    let modules = linears(&llama());
    let single = Folders::new(&llama(), &modules);
    let sharded = Folders::new(&llama(), &modules);
    std::fs::remove_file(sharded.path("base/model.safetensors")).unwrap();
    write_sharded(&sharded.path("base"), &llama());
    single.merge().unwrap();
    sharded.merge().unwrap();
    let weights = |folders: &Folders| std::fs::read(folders.path("out/model.safetensors")).unwrap();
    assert!(weights(&single) == weights(&sharded));
}

#[test]
fn any_linear_layer_may_be_adapted_and_the_rest_stays() {
    let modules = vec![("model.layers.1.mlp.up_proj".to_owned(), 288, 256), ("lm_head".to_owned(), 300, 256)];
    let folders = Folders::new(&llama(), &modules);
    folders.merge().unwrap();
    let (base, out) = (folders.path("base/model.safetensors"), folders.path("out/model.safetensors"));
    let (base, out) = (safetensors::File::open(&base).unwrap(), safetensors::File::open(&out).unwrap());
    let read = |file: &safetensors::File, name: &str| file.tensor(name, model::Compute::Auto, &Device::Cpu).unwrap();
    for name in base.names() {
        let before: Vec<half::f16> = read(&base, &name).to_dtype(DType::F16).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let after: Vec<half::f16> = read(&out, &name).flatten_all().unwrap().to_vec1().unwrap();
        let touched = modules.iter().any(|(module, ..)| name == format!("{module}.weight"));
        assert_eq!(before != after, touched, "{name}");
    }
}

#[test]
fn the_folder_is_a_whole_model() {
    let folders = Folders::new(&llama(), &linears(&llama())[..1]);
    folders.merge().unwrap();
    let (base, out) = (folders.path("base"), folders.path("out"));
    for file in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
        assert_eq!(std::fs::read(base.join(file)).unwrap(), std::fs::read(out.join(file)).unwrap(), "{file}");
    }
    let config =
        |folder: &Path| serde_json::from_slice::<serde_json::Map<String, Value>>(&std::fs::read(folder.join("config.json")).unwrap());
    let (mut before, after) = (config(&base).unwrap(), config(&out).unwrap());
    let key = if before.contains_key("dtype") { "dtype" } else { "torch_dtype" };
    assert_eq!(before.insert(key.to_owned(), json!("float16")), Some(json!("float32")));
    assert_eq!(before, after);
    quantise(&QuantiseJob { model: out, out: folders.path("q.gguf"), format: crate::Format::Q8_0 }, &Silent).unwrap();
}

#[test]
fn progress_is_told_in_order() {
    let folders = Folders::new(&llama(), &linears(&llama())[..1]);
    let log = Log::default();
    merge(&MergeJob { model: folders.path("base"), adapter: folders.path("adapter"), out: folders.path("out") }, &log).unwrap();
    let told = log.0.into_inner();
    assert_eq!((told.len(), told[0].as_str(), told[22].as_str()), (23, "Opened { tensors: 21 }", "Finishing"));
    assert_eq!(told[1], r#"Written { tensor: "model.embed_tokens.weight", format: "f16" }"#);
}

#[test]
fn an_adapter_of_another_model_is_refused() {
    let beyond = Folders::new(&llama(), &[("model.layers.2.self_attn.q_proj".to_owned(), 256, 256)]).complaint();
    assert_eq!(
        beyond,
        "adapter DIR/adapter does not fit the model: model.layers.2.self_attn.q_proj: the model has no such weight\n\
         hint: merge into the base model that the adapter was trained on (base_model_name_or_path in adapter_config.json)"
    );
    let narrow = Folders::new(&llama(), &[("model.layers.0.self_attn.q_proj".to_owned(), 256, 128)]).complaint();
    assert!(narrow.contains("q_proj: [256, 4] times [4, 128] is no update of a weight of [256, 256]"), "{narrow}");
    let tied = Folders::new(&qwen(), &[("lm_head".to_owned(), 300, 256)]).complaint();
    assert!(tied.contains("lm_head: the model has no such weight"), "{tied}");
}

#[test]
fn what_cannot_be_merged_is_named_and_nothing_is_left() {
    let folders = Folders::new(&llama(), &linears(&llama())[..1]);
    std::fs::create_dir(folders.path("out")).unwrap();
    std::fs::write(folders.path("out/mine"), "x").unwrap();
    assert!(folders.complaint().starts_with("DIR/out exists and is not empty\nhint: name a new folder"));
    std::fs::remove_file(folders.path("out/mine")).unwrap();
    folders.merge().unwrap();

    let folders = Folders::new(&llama(), &linears(&llama())[..1]);
    std::fs::remove_file(folders.path("adapter/adapter_model.safetensors")).unwrap();
    assert!(folders.complaint().contains("DIR/adapter/adapter_model.safetensors"));
    std::fs::remove_file(folders.path("base/tokenizer.json")).unwrap();
    write_adapter(&folders.path("adapter"), &linears(&llama())[..1]);
    assert!(folders.complaint().starts_with("no tokenizer in DIR/base: tokenizer.json is missing"));
}

#[test]
fn a_weight_beyond_f16_is_an_error() {
    let folders = Folders::new(&llama(), &[("lm_head".to_owned(), 300, 256)]);
    let path = folders.path("adapter/adapter_model.safetensors");
    let huge = |n: usize, k: usize| Tensor::full(1000f32, (n, k), &Device::Cpu).unwrap();
    let tensors = [
        ("base_model.model.lm_head.lora_A.weight".to_owned(), huge(RANK, 256)),
        ("base_model.model.lm_head.lora_B.weight".to_owned(), huge(300, RANK)),
    ];
    safetensors::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let complaint = folders.complaint();
    assert!(complaint.starts_with("tensor lm_head.weight has values beyond the range of f16"), "{complaint}");
}
