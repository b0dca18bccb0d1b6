//! `config.json` of real models, and those that are refused.

use model::config::RopeScaling;
use model::{Config, Error};

use crate::support::shared;

const PLAIN: &str = r#"{"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": 512, "rms_norm_eps": 1e-5}"#;

/// The plain file with keys put in or replaced.
fn with(keys: &str) -> Result<Config, Error> {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(PLAIN).unwrap();
    object.extend(serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap());
    Config::from_hf_json(&serde_json::to_string(&object).unwrap())
}

fn refusal(keys: &str) -> String {
    with(keys).unwrap_err().to_string()
}

#[test]
fn the_published_files_are_read() {
    let Some(folder) = shared("configs") else { return };
    let counts: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.join("parameter_counts.json")).unwrap()).unwrap();
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let config = Config::from_folder(&path).unwrap();
        let text = counts[&name].to_string();
        assert!(text.contains(&config.parameters().to_string()), "{name}: {} against {text}", config.parameters());
        assert_eq!(config.biases.qkv, name.starts_with("Qwen"));
        read += 1;
    }
    assert_eq!(read, 6);
}

#[test]
fn defaults_are_those_of_the_reference() {
    let config = with("{}").unwrap();
    assert_eq!((config.kv_heads, config.head_dim, config.tied), (4, 16, false));
    assert_eq!(config.rope_scaling, RopeScaling::None);
    assert!(config.eos.is_empty());
    assert_eq!(with(r#"{"eos_token_id": 7}"#).unwrap().eos, [7]);
    assert_eq!(with(r#"{"eos_token_id": [7, 9]}"#).unwrap().eos, [7, 9]);
}

#[test]
fn the_written_file_is_read_back() {
    let mut config = with(
        r#"{"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 256}, "rope_theta": 500000.0, "eos_token_id": [1, 2], "head_dim": 32}"#,
    )
    .unwrap();
    for tied in [false, true] {
        config.tied = tied;
        let text = config.to_hf_json("float16").unwrap().to_string();
        assert_eq!(Config::from_hf_json(&text).unwrap(), config);
    }
}

#[test]
fn what_is_not_done_is_refused() {
    let cases = [
        (r#"{"model_type": "gpt2"}"#, "unsupported architecture gpt2"),
        (r#"{"hidden_act": "gelu"}"#, "unsupported configuration: hidden_act = gelu"),
        (r#"{"use_sliding_window": true}"#, "unsupported configuration: use_sliding_window = true"),
        (r#"{"quantization_config": {"quant_method": "gptq", "bits": 4}}"#, "quantization_config.quant_method = gptq"),
        (r#"{"layer_types": ["full_attention", "sliding_attention"]}"#, "unsupported configuration: layer_types = sliding_attention"),
        (r#"{"rope_scaling": {"type": "yarn", "factor": 4.0}}"#, "unsupported configuration: rope_scaling.rope_type = yarn"),
        (r#"{"rope_scaling": {"rope_type": "llama3", "factor": 4.0}}"#, "missing key rope_scaling.low_freq_factor"),
        (r#"{"vocab_size": null}"#, "missing key vocab_size"),
        (r#"{"vocab_size": 0}"#, "invalid configuration: vocab_size: 0 is not within 1 and 16777216"),
        (r#"{"hidden_size": 99999999999, "head_dim": 16}"#, "is not within 1 and 16777216"),
        (r#"{"num_key_value_heads": 3}"#, "invalid configuration: num_key_value_heads: 3 does not divide the 4 attention heads"),
        (r#"{"num_attention_heads": 5}"#, "invalid configuration: num_attention_heads: 5 heads do not divide the hidden size 64"),
        (r#"{"head_dim": 15}"#, "invalid configuration: head_dim: 15 is odd"),
        (r#"{"rms_norm_eps": 0.0}"#, "invalid configuration: rms_norm_eps: 0 is not positive"),
        (r#"{"hidden_size": -1}"#, "malformed JSON at byte"),
    ];
    for (keys, expected) in cases {
        let got = refusal(keys);
        assert!(got.contains(expected), "{keys}: {got}");
    }
    assert_eq!(with(r#"{"model_type": "gpt2"}"#).unwrap_err().hint().unwrap(), "supported: llama, qwen2");
}
