//! `adapter_config.json`: what is understood of it, what may stand there without meaning anything here, and what is refused.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{Error, Result, lora::Config};

/// Keys that do not change what the adapter computes, or describe what the tensors' names say already.
const WITHOUT_EFFECT: &[&str] = &[
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "exclude_modules",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
];

/// Largest configuration that is read; PEFT's are about a kilobyte.
const LARGEST: u64 = 1 << 20;

/// Reads a configuration. A key that is neither known nor off (`null`, `false`, empty) is refused: it may change what the adapter
/// computes.
pub(super) fn read(path: &Path) -> Result<Config> {
    let size = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?.len();
    if size > LARGEST {
        return Err(Error::Peft { path: path.to_owned(), problem: format!("{size} bytes are too many for a configuration") });
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let value: Value = serde_json::from_str(&text).map_err(|source| Error::PeftJson { path: path.to_owned(), source })?;
    let misfit = |problem: &str| Error::Peft { path: path.to_owned(), problem: problem.to_owned() };
    let fields = value.as_object().ok_or_else(|| misfit("it is no object"))?;
    if let Some((key, value)) = fields.iter().find(|(key, value)| !is_understood(key, value)) {
        return Err(Error::PeftUnsupported { path: path.to_owned(), key: key.clone(), value: value.to_string() });
    }
    if fields.get("peft_type").is_none() {
        return Err(misfit("peft_type is missing"));
    }
    config(fields).map_err(|key| misfit(&format!("{key} is missing or no sensible value")))
}

fn is_understood(key: &str, value: &Value) -> bool {
    match key {
        "r" | "lora_alpha" | "target_modules" => true,
        "peft_type" => value == "LORA",
        "bias" => value == "none",
        _ => WITHOUT_EFFECT.contains(&key) || is_off(value),
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The key that is missing or makes no sense, otherwise.
fn config(fields: &Map<String, Value>) -> Result<Config, &'static str> {
    let rank = fields.get("r").and_then(Value::as_u64).filter(|r| (1..=1 << 16).contains(r)).ok_or("r")? as usize;
    let alpha = fields.get("lora_alpha").and_then(Value::as_f64).filter(|a| a.is_finite()).ok_or("lora_alpha")?;
    let dropout = fields.get("lora_dropout").map_or(Some(0.0), Value::as_f64).ok_or("lora_dropout")?;
    let targets = match fields.get("target_modules") {
        Some(Value::Array(list)) => {
            list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>().ok_or("target_modules")?
        }
        Some(Value::String(pattern)) => vec![pattern.clone()],
        _ => Vec::new(),
    };
    Ok(Config { rank, alpha, dropout, targets })
}

/// A configuration as PEFT 0.21 writes it. A whole alpha is written as an integer, as PEFT's own type is.
pub(super) fn text(config: &Config, base_model: &str) -> String {
    let alpha = if config.alpha.fract() == 0.0 { json!(config.alpha as i64) } else { json!(config.alpha) };
    let mut targets = config.targets.clone();
    targets.sort();
    let value = json!({
        "alpha_pattern": {},
        "auto_mapping": null,
        "base_model_name_or_path": base_model,
        "bias": "none",
        "exclude_modules": null,
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "layer_replication": null,
        "layers_pattern": null,
        "layers_to_transform": null,
        "loftq_config": {},
        "lora_alpha": alpha,
        "lora_bias": false,
        "lora_dropout": config.dropout,
        "modules_to_save": null,
        "peft_type": "LORA",
        "r": config.rank,
        "rank_pattern": {},
        "revision": null,
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
        "use_dora": false,
        "use_rslora": false,
    });
    format!("{value:#}\n")
}
