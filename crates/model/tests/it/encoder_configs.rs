//! `config.json` of encoders: what is read, and what is refused.

use model::Error;
use model::encoder::{Activation, Config, Term};

/// DeBERTa-v3-base's own file, as far as it matters.
const V3: &str = r#"{"model_type": "deberta-v2", "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 3072, "max_position_embeddings": 512, "relative_attention": true,
    "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": true, "pos_att_type": "p2c|c2p", "layer_norm_eps": 1e-7,
    "max_relative_positions": -1, "position_biased_input": false, "num_attention_heads": 12, "num_hidden_layers": 12,
    "type_vocab_size": 0, "vocab_size": 128100, "pooler_hidden_act": "gelu", "id2label": {"2": "neutral", "1": "entailment",
    "0": "contradiction"}}"#;

const ROBERTA: &str = r#"{"model_type": "roberta", "hidden_act": "gelu", "hidden_size": 1024, "intermediate_size": 4096,
    "layer_norm_eps": 1e-5, "max_position_embeddings": 514, "num_attention_heads": 16, "num_hidden_layers": 24, "pad_token_id": 1,
    "type_vocab_size": 1, "vocab_size": 50265}"#;

/// A file with keys put in or replaced.
fn with(plain: &str, keys: &str) -> Result<Config, Error> {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(plain).unwrap();
    object.extend(serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap());
    Config::from_json(&serde_json::to_string(&object).unwrap())
}

#[test]
fn the_published_files_are_read() {
    let config = with(V3, "{}").unwrap();
    let relative = config.relative.as_ref().unwrap();
    assert_eq!((relative.span, relative.buckets_to, relative.shared, relative.normed), (256, Some(512), true, true));
    assert_eq!(relative.terms, [Term::PositionToContent, Term::ContentToPosition]);
    assert_eq!((config.max_length(), config.embeds_positions, config.pooler_activation), (512, false, Activation::Gelu));
    assert_eq!(config.labels, ["contradiction", "entailment", "neutral"]);
    let config = with(ROBERTA, "{}").unwrap();
    assert_eq!((config.max_length(), config.types, config.head_dim), (512, 1, 64));
    assert_eq!(config.labels, ["LABEL_0", "LABEL_1"]);
    assert_eq!(with(ROBERTA, r#"{"model_type": "xlm-roberta", "num_labels": 3}"#).unwrap().labels.len(), 3);
    assert_eq!(with(V3, r#"{"pos_att_type": ["c2p"]}"#).unwrap().relative.unwrap().terms, [Term::ContentToPosition]);
}

#[test]
fn what_is_not_done_is_refused() {
    let cases = [
        (r#"{"model_type": "deberta"}"#, "unsupported encoder architecture deberta"),
        (r#"{"model_type": null}"#, "missing key model_type"),
        (r#"{"hidden_act": "mish"}"#, "unsupported configuration: hidden_act = mish"),
        (r#"{"pos_att_type": "p2c|p2p"}"#, "unsupported configuration: pos_att_type = p2p"),
        (r#"{"pos_att_type": null}"#, "missing key pos_att_type"),
        (r#"{"relative_attention": false}"#, "unsupported configuration: relative_attention = false"),
        (r#"{"conv_kernel_size": 3, "conv_groups": 2}"#, "unsupported configuration: conv_groups = 2"),
        (r#"{"conv_kernel_size": 4}"#, "invalid configuration: conv_kernel_size: 4 is not odd"),
        (r#"{"position_embedding_type": "relative_key"}"#, "unsupported configuration: position_embedding_type = relative_key"),
        (r#"{"problem_type": "multi_label_classification"}"#, "unsupported configuration: problem_type = multi_label_classification"),
        (r#"{"is_decoder": true}"#, "unsupported configuration: is_decoder = true"),
        (r#"{"id2label": {"0": "a", "2": "b"}}"#, "invalid configuration: id2label: 2 labels, none of them of the number 1"),
        (r#"{"id2label": {}}"#, "invalid configuration: id2label: 0 is not within 1"),
        (r#"{"num_attention_heads": 7}"#, "invalid configuration: num_attention_heads: 7 heads do not divide the hidden size 768"),
        (r#"{"position_buckets": 2}"#, "invalid configuration: position_buckets: 2 buckets do not fit 512 positions"),
        (r#"{"position_buckets": 99999999999}"#, "invalid configuration: position_buckets"),
        (r#"{"hidden_size": 99999999999, "num_attention_heads": 1}"#, "is not within 1 and 16777216"),
        (r#"{"layer_norm_eps": 0.0}"#, "invalid configuration: layer_norm_eps: 0 is not positive"),
        (r#"{"vocab_size": "many"}"#, "malformed JSON at byte"),
    ];
    for (keys, expected) in cases {
        let got = with(V3, keys).unwrap_err().to_string();
        assert!(got.contains(expected), "{keys}: {got}");
    }
    let known = with(V3, r#"{"model_type": "albert"}"#).unwrap_err().hint().unwrap();
    assert_eq!(known, "supported: bert, deberta-v2, roberta, xlm-roberta");
    let refusal = with(ROBERTA, r#"{"pad_token_id": 513}"#).unwrap_err().to_string();
    assert!(refusal.contains("513 leaves no position of 514"), "{refusal}");
}
