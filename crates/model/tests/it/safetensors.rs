//! Safetensors that are damaged, lie, or do not fit their configuration.

use std::collections::BTreeMap;
use std::path::Path;

use model::safetensors::{File, read_header, write};
use model::tensor::{DType, Device, Tensor};
use model::{Base, Compute, Decoder, Error};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{fixture, options};

/// A copy of a fixture that may be spoiled.
fn copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn refusal(folder: &Path) -> Error {
    Decoder::load(folder, &options(Compute::Auto, Base::AsStored)).unwrap_err()
}

fn spoil_config(folder: &Path, from: &str, to: &str) {
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn a_truncated_file_is_refused() {
    let folder = copy("qwen2-tied-f16");
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 4, 8, 100, 2000, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let message = refusal(folder.path()).to_string();
        assert!(message.contains("model.safetensors"), "{length}: {message}");
    }
}

#[test]
fn a_header_length_beyond_the_file_allocates_nothing() {
    for length in [u64::MAX, 1 << 62, 99_000_000, 17] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(b"{\"a\": 1}");
        assert!(matches!(read_header(&bytes), Err(Error::Malformed { format: "safetensors", .. })), "{length}");
    }
}

#[test]
fn lying_offsets_and_shapes_are_refused() {
    let headers = [
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,80]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[200000000000],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551607,18446744073709551615]}}"#,
        r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        "[]",
        "",
    ];
    for header in headers {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 8]);
        assert!(matches!(read_header(&bytes), Err(Error::Malformed { .. })), "{header}");
    }
}

#[test]
fn a_config_that_does_not_fit_its_weights_names_the_tensor() {
    let folder = copy("llama3-untied-f32");
    spoil_config(folder.path(), "\"intermediate_size\": 96", "\"intermediate_size\": 97");
    let error = refusal(folder.path());
    let message = "tensor model.layers.0.mlp.gate_proj.weight has the shape [96, 64], the configuration calls for [97, 64]";
    assert!(error.to_string().ends_with(message), "{error}");
    assert!(error.hint().is_some());

    let folder = copy("llama3-untied-f32");
    spoil_config(folder.path(), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assert!(refusal(folder.path()).to_string().ends_with("tensor model.layers.2.input_layernorm.weight is missing"));

    let folder = copy("llama3-untied-f32");
    spoil_config(folder.path(), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    assert!(refusal(folder.path()).to_string().contains("tensor model.layers.1."));

    let folder = copy("llama-tied-bf16");
    spoil_config(folder.path(), "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
    assert!(refusal(folder.path()).to_string().ends_with("tensor lm_head.weight is missing"));

    let folder = copy("qwen2-tied-f16");
    spoil_config(folder.path(), "\"model_type\": \"qwen2\"", "\"model_type\": \"llama\"");
    assert!(refusal(folder.path()).to_string().contains("_proj.bias has no place in the model"));
}

#[test]
fn a_missing_shard_weights_or_folder_is_named() {
    let folder = copy("qwen2-sharded-f32");
    std::fs::remove_file(folder.path().join("model-00002-of-00003.safetensors")).unwrap();
    assert!(refusal(folder.path()).to_string().contains("model-00002-of-00003.safetensors"));
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, r#"{"weight_map": {"a": "../../etc/passwd"}}"#).unwrap();
    assert!(refusal(folder.path()).to_string().contains("is no plain file name"));
    std::fs::remove_file(&index).unwrap();
    assert!(matches!(refusal(folder.path()), Error::NoWeights { .. }));
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    assert!(matches!(refusal(folder.path()), Error::NotAModel { .. }));
    assert!(matches!(refusal(&folder.path().join("nowhere")), Error::NotAModel { .. }));
}

#[test]
fn a_value_beyond_f16_is_refused_when_f16_is_asked() {
    let folder = copy("llama-tied-bf16");
    let path = folder.path().join("model.safetensors");
    let file = File::open(&path).unwrap();
    let mut tensors: Vec<(String, Tensor)> =
        file.names().into_iter().map(|n| (n.clone(), file.tensor(&n, Compute::F32, &Device::Cpu).unwrap())).collect();
    let (name, tensor) = tensors.iter_mut().find(|(name, _)| name.ends_with("up_proj.weight")).unwrap();
    let name = name.clone();
    *tensor = (&*tensor * 1e6).unwrap();
    write(&path, &tensors, &BTreeMap::new()).unwrap();
    let error = Decoder::load(folder.path(), &options(Compute::F16, Base::AsStored)).unwrap_err();
    assert!(error.to_string().ends_with(&format!("tensor {name} has values beyond the range of f16")), "{error}");
    Decoder::load(folder.path(), &options(Compute::F32, Base::AsStored)).unwrap();
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let a = Tensor::new(&[[1f32, -2.5, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu).unwrap();
    let b = a.to_dtype(DType::BF16).unwrap().t().unwrap();
    let metadata = BTreeMap::from([("note".to_owned(), "x".to_owned())]);
    write(&path, &[("b".to_owned(), b.clone()), ("a".to_owned(), a.clone())], &metadata).unwrap();
    let file = File::open(&path).unwrap();
    assert_eq!(file.names(), ["b", "a"]);
    assert_eq!(file.metadata()["note"], "x");
    assert_eq!(file.metadata()["format"], "pt");
    let back = file.tensor("a", Compute::Auto, &Device::Cpu).unwrap();
    assert_eq!(back.to_vec2::<f32>().unwrap(), a.to_vec2::<f32>().unwrap());
    let back = file.tensor("b", Compute::F32, &Device::Cpu).unwrap();
    assert_eq!(back.to_vec2::<f32>().unwrap(), b.to_dtype(DType::F32).unwrap().to_vec2::<f32>().unwrap());
    assert!(file.tensor("c", Compute::Auto, &Device::Cpu).unwrap_err().to_string().ends_with("tensor c is missing"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((0usize..700, any::<u8>()), 1..8)) {
        let path = fixture("qwen2-sharded-f32").join("model-00001-of-00003.safetensors");
        let mut bytes = std::fs::read(path).unwrap();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = read_header(&bytes);
    }
}
