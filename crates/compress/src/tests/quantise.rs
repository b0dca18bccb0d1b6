//! From a model folder to GGUF and back.

use std::path::Path;

use model::gguf::{File, Kind};
use model::tensor::{Device, Tensor};
use model::{Decoder, sampling};
use tempfile::TempDir;
use text::{ChatTemplate, GgufVocabulary, Message, MetadataValue, RenderOptions, Tokenizer};

use super::{Log, shared};
use crate::testing::{difference, llama, logits, options, qwen, write_model, write_sharded};
use crate::{Error, Facts, Format, QuantiseJob, Silent, quantise};

/// Largest difference of logits to the folder's, relative to the largest logit: weights and, in the products, activations of
/// 8 bits in blocks of 32.
const INT8_TOLERANCE: f32 = 0.05;
/// The same for weights of 4 bits; random weights have no outliers, but no slack either.
const INT4_TOLERANCE: f32 = 0.4;

/// Quantises a folder beside itself.
fn run(folder: &Path, format: Format) -> Result<(std::path::PathBuf, Facts), Error> {
    let out = folder.join("out.gguf");
    let facts = quantise(&QuantiseJob { model: folder.to_owned(), out: out.clone(), format }, &Silent)?;
    Ok((out, facts))
}

/// What the binary does to give `text` the metadata.
fn vocabulary(file: &File) -> GgufVocabulary {
    let metadata = file.metadata();
    let look_up = |key: &str| {
        let string = metadata.get_str(key).map(|text| MetadataValue::String(text.to_owned()));
        string
            .or_else(|| metadata.get_bool(key).map(MetadataValue::Bool))
            .or_else(|| metadata.get_u32(key).map(MetadataValue::U32))
            .or_else(|| metadata.get_strings(key).map(|texts| MetadataValue::Strings(texts.to_vec())))
            .or_else(|| metadata.get_i32s(key).map(|numbers| MetadataValue::I32s(numbers.to_vec())))
            .or_else(|| metadata.get_f32s(key).map(|numbers| MetadataValue::F32s(numbers.to_vec())))
    };
    GgufVocabulary::read(look_up).unwrap()
}

#[test]
fn int8_is_close_to_the_folder() {
    let folder = TempDir::new().unwrap();
    for config in [llama(), qwen()] {
        write_model(folder.path(), &config);
        let reference = logits(&Decoder::load(folder.path(), &options()).unwrap());
        let (out, facts) = run(folder.path(), Format::Q8_0).unwrap();
        let written = logits(&Decoder::load(&out, &options()).unwrap());
        let difference = difference(&written, &reference);
        assert!(difference < INT8_TOLERANCE, "{difference}");
        assert_eq!((facts.format.as_str(), facts.weight_bytes.0), ("q8_0", std::fs::metadata(&out).unwrap().len()));
    }
}

#[test]
fn widths_that_do_not_allow_the_format_are_listed() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    let (out, facts) = run(folder.path(), Format::Q4K).unwrap();
    let down: Vec<_> = (0..2).map(|i| (format!("model.layers.{i}.mlp.down_proj.weight"), "q4_0".to_owned())).collect();
    assert_eq!(facts.fallbacks.clone().into_iter().collect::<Vec<_>>(), down);
    let counts: Vec<_> = facts.tensors.iter().map(|(format, count)| (format.as_str(), *count)).collect();
    assert_eq!(counts, [("f32", 5), ("q4_0", 2), ("q4_k", 14)]);
    let file = File::open(&out).unwrap();
    assert_eq!(file.tensor("blk.1.ffn_down.weight").unwrap().kind, Kind::Q4_0);
    assert_eq!(file.tensor("token_embd.weight").unwrap().kind, Kind::Q4K);
    assert_eq!(file.tensor("blk.0.attn_norm.weight").unwrap().kind, Kind::F32);
    assert_eq!(file.metadata().get_u32("general.file_type"), Some(14));
    let reference = logits(&Decoder::load(folder.path(), &options()).unwrap());
    let written = logits(&Decoder::load(&out, &options()).unwrap());
    let difference = difference(&written, &reference);
    assert!(difference > INT8_TOLERANCE && difference < INT4_TOLERANCE, "{difference}");
}

#[test]
fn no_blocks_at_all_where_the_width_allows_none() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &qwen());
    for format in [Format::Q8_0, Format::Q4K] {
        let (out, facts) = run(folder.path(), format).unwrap();
        assert_eq!(facts.fallbacks["model.layers.0.self_attn.o_proj.weight"], "f16");
        let file = File::open(&out).unwrap();
        assert_eq!(file.tensor("blk.0.attn_q.bias").unwrap().kind, Kind::F32);
        assert!(file.tensor("output.weight").is_none() && file.tensor("rope_freqs.weight").is_none());
    }
}

#[test]
fn stretched_rotary_frequencies_are_written() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    let (out, _) = run(folder.path(), Format::Q8_0).unwrap();
    let file = File::open(&out).unwrap();
    let tensor = file.tensor("rope_freqs.weight").unwrap();
    assert_eq!((tensor.kind, tensor.shape.as_slice()), (Kind::F32, [32].as_slice()));
    let divisors: Vec<f32> = file.bytes(tensor).unwrap().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!((divisors[0], divisors[31]), (1.0, 8.0));
    assert!(divisors.iter().any(|divisor| *divisor > 1.0 && *divisor < 8.0), "{divisors:?}");
}

#[test]
fn the_file_carries_its_tokenizer() {
    let folder = TempDir::new().unwrap();
    write_sharded(folder.path(), &llama());
    let (out, _) = run(folder.path(), Format::Q8_0).unwrap();
    let file = File::open(&out).unwrap();
    let vocabulary = vocabulary(&file);
    let (reference, carried) = (Tokenizer::from_folder(folder.path()).unwrap(), Tokenizer::from_gguf(&vocabulary).unwrap());
    let text = "naïve <end> text";
    assert_eq!(carried.encode(text, true).unwrap(), reference.encode(text, true).unwrap());
    assert_eq!((carried.bos(), carried.eos(), vocabulary.tokens.len()), (Some(256), [257].as_slice(), 300));
    let template = ChatTemplate::from_gguf(&vocabulary).unwrap().unwrap();
    assert_eq!(template.render(&[Message::new("user", "hi")], &RenderOptions::default()).unwrap(), "hi<end>");
    let name = folder.path().file_name().unwrap().to_str();
    assert_eq!((file.metadata().get_str("general.name"), file.metadata().get_str("general.architecture")), (name, Some("llama")));
}

#[test]
fn a_trained_model_still_tells_its_story() {
    let Some(folder) = shared("models/stories260K") else { return };
    let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("expected_greedy.json")).unwrap()).unwrap();
    let expected: Vec<u32> = serde_json::from_value(expected["greedy_ids_after_bos"].clone()).unwrap();
    let out = TempDir::new().unwrap();
    for (format, count) in [(Format::F32, 200), (Format::F16, 50), (Format::Q8_0, 20)] {
        let job = QuantiseJob { model: folder.clone(), out: out.path().join("stories.gguf"), format };
        quantise(&job, &Silent).unwrap();
        let model = Decoder::load(&job.out, &options()).unwrap();
        let tokenizer = Tokenizer::from_gguf(&vocabulary(&File::open(&job.out).unwrap())).unwrap();
        assert_eq!(tokenizer.encode("", true).unwrap(), [1]);
        let mut cache = model.new_cache(1, 512).unwrap();
        let mut id = 1;
        for (position, &next) in expected[..count].iter().enumerate() {
            let ids = Tensor::new(&[[id]], &Device::Cpu).unwrap();
            let logits: Vec<f32> = model.forward(&ids, &mut cache).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
            id = sampling::argmax(&logits).unwrap();
            assert_eq!(id, next, "{} at {position}", format.name());
        }
    }
}

#[test]
fn progress_is_told_in_order() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    let log = Log::default();
    quantise(&QuantiseJob { model: folder.path().to_owned(), out: folder.path().join("o.gguf"), format: Format::Q8_0 }, &log).unwrap();
    let told = log.0.into_inner();
    assert_eq!((told.len(), told[0].as_str()), (23, "Opened { tensors: 21 }"));
    assert_eq!(told[1], r#"Written { tensor: "model.embed_tokens.weight", format: "q8_0" }"#);
    assert_eq!(told[22], "Finishing");
}

/// What is said of a broken folder; and nothing may be left behind.
fn complaint(break_it: impl Fn(&Path)) -> String {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), &llama());
    break_it(folder.path());
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let error = run(folder.path(), Format::Q8_0).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    let hint = error.hint().unwrap();
    format!("{error}\nhint: {hint}").replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn broken_folders_are_named_and_nothing_is_left() {
    let missing = complaint(|folder| std::fs::remove_file(folder.join("tokenizer.json")).unwrap());
    assert!(missing.starts_with("no tokenizer in DIR: tokenizer.json is missing\nhint: copy tokenizer.json"), "{missing}");
    let truncated = complaint(|folder| {
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        std::fs::write(folder.join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(truncated.starts_with("DIR/model.safetensors: malformed safetensors"), "{truncated}");
    let shorter = complaint(|folder| {
        let config = llama();
        let json = model::Config { layers: 1, ..config }.to_hf_json("float32").unwrap();
        std::fs::write(folder.join("config.json"), json.to_string()).unwrap();
    });
    assert!(shorter.starts_with("DIR: tensor model.layers.1."), "{shorter}");
    let wider = complaint(|folder| {
        let json = model::Config { intermediate: 320, ..llama() }.to_hf_json("float32").unwrap();
        std::fs::write(folder.join("config.json"), json.to_string()).unwrap();
    });
    assert!(wider.contains("has the shape [288, 256], the configuration calls for [320, 256]"), "{wider}");
    let small = complaint(|folder| {
        let json = model::Config { vocab: 200, ..llama() }.to_hf_json("float32").unwrap();
        std::fs::write(folder.join("config.json"), json.to_string()).unwrap();
    });
    assert!(small.contains("258 entries for 200 rows of the embedding"), "{small}");
}
