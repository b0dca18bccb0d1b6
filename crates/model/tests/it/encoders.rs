//! Logits of encoders against those of Hugging Face transformers, on small random checkpoints of every family.

use std::path::PathBuf;

use model::Encoder;
use model::encoder::{Config, Sequence};
use model::tensor::Device;
use serde::Deserialize;

use crate::support::fixture;

/// Absolute, on logits of up to 8: f32 sums in another order.
const TOLERANCE: f32 = 1e-5;

/// The checkpoints of `make_encoder_fixtures.py`.
const FIXTURES: [&str; 6] =
    ["nli-bert", "nli-roberta-f16", "nli-deberta-v3", "nli-deberta-v2-conv", "nli-deberta-v2-own", "nli-deberta-v2-c2p"];

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<u32>,
    types: Vec<u32>,
    logits: Vec<f32>,
}

impl Case {
    fn sequence(&self) -> Sequence {
        Sequence { ids: self.ids.clone(), types: self.types.clone() }
    }
}

fn cases(name: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(fixture(name).join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    expected.cases
}

fn load(name: &str) -> Encoder {
    Encoder::load(&fixture(name), &Device::Cpu).unwrap()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_are_those_of_transformers() {
    for name in FIXTURES {
        let cases = cases(name);
        let sequences: Vec<_> = cases.iter().map(Case::sequence).collect();
        let logits = load(name).classify(&sequences).unwrap();
        let worst = cases.iter().zip(&logits).map(|(case, logits)| apart(logits, &case.logits)).fold(0.0, f32::max);
        println!("{name}: {worst:.1e} apart");
        assert!(worst < TOLERANCE, "{name}: {worst:e}");
    }
}

#[test]
fn what_else_is_in_a_batch_changes_nothing() {
    for name in FIXTURES {
        let encoder = load(name);
        let sequences: Vec<_> = cases(name).iter().map(Case::sequence).collect();
        let together = encoder.classify(&sequences).unwrap();
        let many: Vec<_> = sequences.iter().rev().cycle().take(40).cloned().collect();
        let among_many = encoder.classify(&many).unwrap();
        for (i, sequence) in sequences.iter().enumerate() {
            let alone = encoder.classify(std::slice::from_ref(sequence)).unwrap();
            assert!(apart(&alone[0], &together[i]) < TOLERANCE, "{name}, {i}");
            let same = many.iter().position(|other| other == sequence).unwrap();
            assert!(apart(&alone[0], &among_many[same]) < TOLERANCE, "{name}, {i}");
        }
    }
    assert!(load(FIXTURES[0]).classify(&[]).unwrap().is_empty());
}

#[test]
fn sequences_that_do_not_fit_are_refused() {
    let encoder = load("nli-bert");
    let refusal = |ids: Vec<u32>, types: Vec<u32>| encoder.classify(&[Sequence { ids, types }]).unwrap_err().to_string();
    assert_eq!(encoder.config().max_length(), 160);
    assert_eq!(refusal(Vec::new(), Vec::new()), "sequence: expected 1 to 160 tokens, got 0");
    assert_eq!(refusal(vec![2; 161], Vec::new()), "sequence: expected 1 to 160 tokens, got 161");
    assert_eq!(refusal(vec![2, 9999], Vec::new()), format!("token id: expected less than {}, got 9999", encoder.config().vocab));
    assert_eq!(refusal(vec![2, 3], vec![0]), "types: expected as many as ids, 2, got 1");
    assert_eq!(refusal(vec![2, 3], vec![0, 2]), "token type: expected less than 2, got 2");
}

#[test]
fn random_weights_depend_on_the_seed_alone() {
    let config = Config::from_folder(&fixture("nli-deberta-v2-conv")).unwrap();
    let logits = |seed: u64| {
        let sequence = Sequence { ids: (1..60).collect(), types: Vec::new() };
        Encoder::random(&config, seed, &Device::Cpu).unwrap().classify(&[sequence]).unwrap()
    };
    assert_eq!(logits(1), logits(1));
    assert_ne!(logits(1), logits(2));
    assert!(logits(1)[0].iter().all(|logit| logit.is_finite()));
}

/// A copy of a fixture with some keys of its configuration put in or replaced.
fn with_config(name: &str, keys: serde_json::Value) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    std::fs::copy(fixture(name).join("model.safetensors"), path.join("model.safetensors")).unwrap();
    let text = std::fs::read_to_string(fixture(name).join("config.json")).unwrap();
    let mut config: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let serde_json::Value::Object(keys) = keys else { panic!("keys are an object") };
    config.extend(keys);
    std::fs::write(path.join("config.json"), serde_json::to_string(&config).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_refused() {
    let cases = [
        ("nli-bert", serde_json::json!({"num_hidden_layers": 3}), "tensor bert.encoder.layer.2.attention.self.query.weight is missing"),
        ("nli-bert", serde_json::json!({"num_hidden_layers": 1}), "has no place in the model that the configuration describes"),
        (
            "nli-bert",
            serde_json::json!({"intermediate_size": 64}),
            "intermediate.dense.weight has the shape [48, 32], the configuration calls for [64, 32]",
        ),
        ("nli-bert", serde_json::json!({"model_type": "roberta"}), "tensor roberta.embeddings.word_embeddings.weight is missing"),
        (
            "nli-deberta-v3",
            serde_json::json!({"share_att_key": false}),
            "tensor deberta.encoder.layer.0.attention.self.pos_key_proj.weight is missing",
        ),
        (
            "nli-deberta-v3",
            serde_json::json!({"position_buckets": 32}),
            "rel_embeddings.weight has the shape [32, 32], the configuration calls for [64, 32]",
        ),
        ("nli-deberta-v2-conv", serde_json::json!({"conv_kernel_size": 0}), "tensor deberta.encoder.conv."),
        ("nli-deberta-v2-own", serde_json::json!({"share_att_key": true}), "pos_key_proj.bias has no place in the model"),
        (
            "nli-deberta-v3",
            serde_json::json!({"id2label": {"0": "entailment", "1": "not_entailment"}}),
            "classifier.weight has the shape [3, 32]",
        ),
    ];
    for (name, keys, expected) in cases {
        let (_kept, path) = with_config(name, keys.clone());
        let error = Encoder::load(&path, &Device::Cpu).unwrap_err();
        assert!(error.to_string().contains(expected), "{keys}: {error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn folders_without_weights_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = || Encoder::load(folder.path(), &Device::Cpu).unwrap_err();
    assert!(refusal().to_string().ends_with("neither a folder with config.json nor a .gguf file"));
    std::fs::copy(fixture("nli-bert").join("config.json"), folder.path().join("config.json")).unwrap();
    std::fs::write(folder.path().join("pytorch_model.bin"), "pickle").unwrap();
    assert!(refusal().hint().unwrap().contains("never read"));
    let weights = std::fs::read(fixture("nli-bert").join("model.safetensors")).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    assert!(refusal().to_string().contains("malformed safetensors"));
}
