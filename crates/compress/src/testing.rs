//! Small models for this crate's tests: random weights, a byte-level tokenizer, a chat template.

use std::collections::BTreeMap;
use std::path::Path;

use model::config::Biases;
use model::tensor::{Device, Tensor};
use model::{Base, Compute, Config, Decoder, LoadOptions, RopeScaling, arch, safetensors};
use serde_json::{Value, json};

/// A LLaMA shape of which the feed-forward's width does not allow `Q4_K`.
pub(crate) fn llama() -> Config {
    Config {
        family: &arch::llama::FAMILY,
        hidden: 256,
        intermediate: 288,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 64,
        vocab: 300,
        max_positions: 128,
        rms_norm_eps: 1e-5,
        rope_theta: 500_000.0,
        rope_scaling: RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 64 },
        tied: false,
        biases: Biases { qkv: false, output: false, mlp: false },
        bos: Some(256),
        eos: vec![257],
    }
}

/// A Qwen 2 shape of which the heads' width allows no blocks at all.
pub(crate) fn qwen() -> Config {
    Config {
        family: &arch::qwen2::FAMILY,
        hidden: 256,
        intermediate: 256,
        heads: 2,
        kv_heads: 1,
        head_dim: 20,
        rope_scaling: RopeScaling::None,
        tied: true,
        biases: Biases { qkv: true, output: false, mlp: false },
        ..llama()
    }
}

/// A whole model folder with one weight file, in f32.
pub(crate) fn write_model(folder: &Path, config: &Config) {
    write_companions(folder, config);
    safetensors::write(&folder.join("model.safetensors"), &weights(config), &BTreeMap::new()).unwrap();
}

/// The same with two weight files and an index.
pub(crate) fn write_sharded(folder: &Path, config: &Config) {
    write_companions(folder, config);
    let weights = weights(config);
    let mut map = serde_json::Map::new();
    for (index, part) in weights.chunks(weights.len().div_ceil(2)).enumerate() {
        let name = format!("model-{:05}-of-00002.safetensors", index + 1);
        safetensors::write(&folder.join(&name), part, &BTreeMap::new()).unwrap();
        map.extend(part.iter().map(|(tensor, _)| (tensor.clone(), json!(name))));
    }
    std::fs::write(folder.join("model.safetensors.index.json"), json!({"weight_map": map}).to_string()).unwrap();
}

pub(crate) fn weights(config: &Config) -> Vec<(String, Tensor)> {
    Decoder::random(config, 7, &options()).unwrap().parameters()
}

pub(crate) fn options() -> LoadOptions {
    LoadOptions { device: Device::Cpu, compute: Compute::F32, base: Base::AsStored }
}

/// Logits of the last position after some ids, `[vocab]`.
pub(crate) fn logits(model: &Decoder) -> Vec<f32> {
    let ids = Tensor::new(&[[3u32, 141, 59, 26, 53, 58, 97, 93]], &Device::Cpu).unwrap();
    let mut cache = model.new_cache(1, 8).unwrap();
    model.forward(&ids, &mut cache).unwrap().squeeze(0).unwrap().to_vec1().unwrap()
}

/// Largest difference, relative to the largest value.
pub(crate) fn difference(left: &[f32], right: &[f32]) -> f32 {
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, |most: f32, value| most.max(value.abs()));
    largest(&mut left.iter().zip(right).map(|(l, r)| l - r)) / largest(&mut right.iter().copied())
}

fn write_companions(folder: &Path, config: &Config) {
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, json: Value| std::fs::write(folder.join(name), json.to_string()).unwrap();
    write("config.json", config.to_hf_json("float32").unwrap());
    write("generation_config.json", json!({"eos_token_id": [257]}));
    write("tokenizer.json", tokenizer());
    let template = "{% for m in messages %}{{ m.content }}<end>{% endfor %}";
    write("tokenizer_config.json", json!({"bos_token": "<begin>", "eos_token": "<end>", "chat_template": template}));
}

/// Every byte is a token, and nothing is merged.
fn tokenizer() -> Value {
    let printable = |b: u32| (0x21..=0x7e).contains(&b) || (0xa1..=0xac).contains(&b) || (0xae..=0xff).contains(&b);
    let mut vocab = serde_json::Map::new();
    let mut beyond = 0x100..;
    for byte in 0..=255 {
        let code = if printable(byte) { byte } else { beyond.next().unwrap() };
        vocab.insert(char::from_u32(code).unwrap().to_string(), json!(byte));
    }
    let special = |id: u32, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": [special(256, "<begin>"), special(257, "<end>")],
        "pre_tokenizer": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": []},
    })
}
