//! The quickstart model's shape, its first weights, and the folder it is handed out as.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use model::{Config, tensor::Var};
use serde_json::json;

use crate::tokenizer::VOCABULARY;

/// `config.json`. All widths divide by 256, so that K-quants fit every matrix.
fn hugging_face_config() -> serde_json::Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": false,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 5,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 256,
        "initializer_range": 0.02,
        "intermediate_size": 512,
        "max_position_embeddings": 512,
        "mlp_bias": false,
        "model_type": "llama",
        "num_attention_heads": 8,
        "num_hidden_layers": 5,
        "num_key_value_heads": 4,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-5,
        "rope_scaling": null,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": true,
        "torch_dtype": "float16",
        "use_cache": true,
        "vocab_size": VOCABULARY,
    })
}

/// The shape as `model` knows it.
///
/// # Errors
/// Never for the file above; a test holds it to that.
pub(super) fn config() -> Result<Config> {
    Ok(Config::from_hf_json(&hugging_face_config().to_string())?)
}

/// Divides the weights that write to the residual stream by √(2 layers), so that its variance does not grow with depth (GPT-2,
/// Radford et al. 2019, section 2.3).
pub(super) fn calm_residuals(parameters: &[(String, Var)]) -> Result<()> {
    let layers = parameters.iter().filter(|(name, _)| name.ends_with("o_proj.weight")).count();
    let factor = 1.0 / (2.0 * layers as f64).sqrt();
    for (name, var) in parameters.iter().filter(|(name, _)| name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight")) {
        var.set(&var.as_detached_tensor().affine(factor, 0.0).with_context(|| name.clone())?)?;
    }
    Ok(())
}

/// Adds `generation_config.json` to the folder of a model that ends its turns with the end token.
pub(super) fn write_generation_config(folder: &Path) -> Result<()> {
    let generation = json!({"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 5, "do_sample": false});
    let path = folder.join("generation_config.json");
    fs::write(&path, serde_json::to_string_pretty(&generation)? + "\n").with_context(|| format!("writing {}", path.display()))
}
