//! From a model folder to a compressed-tensors folder.

use std::collections::BTreeMap;
use std::path::Path;

use model::Config;
use model::safetensors::read_header;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Log;
use crate::testing::{llama, qwen, weights, write_model, write_sharded};
use crate::{Error, Facts, PackJob, Scheme, Silent, pack};

/// Quantises a folder into one beside it.
fn run(folder: &Path, scheme: Scheme) -> Result<Facts, Error> {
    pack(&PackJob { model: folder.to_owned(), out: folder.join("out"), scheme }, &Silent)
}

/// What a written file holds: name to type, shape and bytes.
fn contents(folder: &Path) -> BTreeMap<String, (String, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let (start, metadata) = read_header(&bytes).unwrap();
    let one = |name: String| {
        let info = metadata.info(&name).unwrap();
        let (from, to) = info.data_offsets;
        (name, (format!("{:?}", info.dtype), info.shape.clone(), bytes[start + from..start + to].to_vec()))
    };
    metadata.offset_keys().into_iter().map(one).collect()
}

fn quantisation(folder: &Path) -> Value {
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    assert_eq!(config.get("torch_dtype").or(config.get("dtype")), Some(&json!("float16")));
    config["quantization_config"].clone()
}

#[test]
fn every_linear_layer_becomes_words_scales_and_a_shape() {
    let folder = TempDir::new().unwrap();
    write_sharded(folder.path(), &llama());
    let facts = run(folder.path(), Scheme::W4A16).unwrap();
    let out = folder.path().join("out");
    let contents = contents(&out);
    let (dtype, shape, words) = &contents["model.layers.0.self_attn.k_proj.weight_packed"];
    assert_eq!((dtype.as_str(), shape.as_slice(), words.len()), ("I32", [128, 32].as_slice(), 128 * 32 * 4));
    let (dtype, shape, _) = &contents["model.layers.0.self_attn.k_proj.weight_scale"];
    assert_eq!((dtype.as_str(), shape.as_slice()), ("F16", [128, 2].as_slice()));
    let (dtype, shape, sides) = &contents["model.layers.0.self_attn.k_proj.weight_shape"];
    let sides: Vec<i64> = sides.chunks(8).map(|side| i64::from_le_bytes(side.try_into().unwrap())).collect();
    assert_eq!((dtype.as_str(), shape.as_slice(), sides.as_slice()), ("I64", [2].as_slice(), [128, 256].as_slice()));
    assert!(!contents.contains_key("model.layers.0.self_attn.k_proj.weight"));
    assert_eq!((contents["model.embed_tokens.weight"].0.as_str(), contents["lm_head.weight"].0.as_str()), ("F16", "F16"));
    assert_eq!(facts.weight_bytes.0, std::fs::metadata(out.join("model.safetensors")).unwrap().len());
    for name in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
        assert_eq!(std::fs::read(out.join(name)).unwrap(), std::fs::read(folder.path().join(name)).unwrap(), "{name}");
    }
}

#[test]
fn layers_whose_width_the_group_does_not_divide_stay_f16_and_are_named() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    let facts = run(folder.path(), Scheme::W8A16).unwrap();
    let down: Vec<_> = (0..2).map(|i| (format!("model.layers.{i}.mlp.down_proj.weight"), "f16".to_owned())).collect();
    assert_eq!(facts.fallbacks.into_iter().collect::<Vec<_>>(), down);
    let counts: Vec<_> = facts.tensors.iter().map(|(format, count)| (format.as_str(), *count)).collect();
    assert_eq!((facts.format.as_str(), counts), ("w8a16", vec![("f16", 9), ("w8a16", 12)]));
    let quantisation = quantisation(&folder.path().join("out"));
    assert_eq!(quantisation["ignore"], json!(["model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "lm_head"]));
    let group = &quantisation["config_groups"]["group_0"];
    assert_eq!(
        group["weights"],
        json!({"num_bits": 8, "type": "int", "symmetric": true, "strategy": "group", "group_size": 128, "dynamic": false})
    );
    assert_eq!((&quantisation["quant_method"], &quantisation["format"]), (&json!("compressed-tensors"), &json!("pack-quantized")));
    assert_eq!(contents(&folder.path().join("out"))["model.layers.1.mlp.down_proj.weight"].0, "F16");
}

#[test]
fn a_tied_head_is_not_written_and_biases_stay() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &Config { heads: 4, head_dim: 64, ..qwen() });
    run(folder.path(), Scheme::W4A16).unwrap();
    let contents = contents(&folder.path().join("out"));
    assert!(!contents.contains_key("lm_head.weight"));
    assert_eq!(contents["model.layers.0.self_attn.q_proj.bias"].0, "F16");
}

#[test]
fn progress_is_told_a_tensor_and_not_a_part() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    let log = Log::default();
    pack(&PackJob { model: folder.path().to_owned(), out: folder.path().join("out"), scheme: Scheme::W4A16 }, &log).unwrap();
    let told = log.0.into_inner();
    assert_eq!((told.len(), told[0].as_str(), told[22].as_str()), (23, "Opened { tensors: 21 }", "Finishing"));
    assert!(told.contains(&r#"Written { tensor: "model.layers.0.mlp.up_proj.weight", format: "w4a16" }"#.to_owned()), "{told:?}");
}

#[test]
fn a_broken_weight_is_named_and_nothing_is_left() {
    for (value, expected) in [(f32::NAN, "has values that are not finite"), (1e9, "beyond")] {
        let folder = TempDir::new().unwrap();
        write_model(folder.path(), &llama());
        let mut weights = weights(&llama());
        let (_, up) = weights.iter_mut().find(|(name, _)| name == "model.layers.1.mlp.up_proj.weight").unwrap();
        *up = up.affine(0.0, f64::from(value)).unwrap();
        model::safetensors::write(&folder.path().join("model.safetensors"), &weights, &BTreeMap::new()).unwrap();
        let error = run(folder.path(), Scheme::W4A16).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("model.layers.1.mlp.up_proj.weight") && (text.contains(expected) || text.contains("f16")), "{text}");
        assert!(error.hint().is_some() && !folder.path().join("out").exists());
        assert!(std::fs::read_dir(folder.path()).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains("partial")));
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    run(folder.path(), Scheme::W4A16).unwrap();
    assert!(matches!(run(folder.path(), Scheme::W4A16), Err(Error::OutputExists { .. })));
}
