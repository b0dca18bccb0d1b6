//! GGUF: written and read back, and files that are damaged or lie.

use std::path::{Path, PathBuf};

use model::gguf::{self, Array, Entry, Export, Kind, Metadata, Value, Writer};
use model::quant::Format;
use model::safetensors::Folder;
use model::tensor::Device;
use model::{Base, Compute, Decoder, Error};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{FIXTURES, all_logits, assert_close, fixture, fixture_ids, greedy, load, options, shared};

/// Writes a folder's model as GGUF.
fn export(folder: &Path, format: Format) -> (TempDir, PathBuf, Vec<gguf::Written>) {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("model.gguf");
    let config = model::Config::from_folder(folder).unwrap();
    let weights = Folder::open(folder).unwrap();
    let mut metadata = Metadata::new();
    metadata.insert("general.name", Value::String("fixture".to_owned()));
    metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(vec!["a".to_owned(), "β".to_owned()])));
    let weight = |name: &str| weights.tensor(name, Compute::F32, &Device::Cpu);
    let written = gguf::export(&path, Export { config: &config, metadata: &metadata, format }, weight, |_| ()).unwrap();
    (out, path, written)
}

#[test]
fn logits_agree_with_the_folder() {
    // These weights are large and so magnify rounding: measured 0, 0.0033 and 0.12.
    for (format, tolerance) in [(Format::F32, 1e-6), (Format::F16, 0.01), (Format::Q8_0, 0.25)] {
        for name in FIXTURES {
            let (_keep, path, _) = export(&fixture(name), format);
            let prompt = fixture_ids(name);
            let exact = all_logits(&load(&fixture(name)), &prompt);
            let what = format!("{name} as {}", format.name());
            assert_close(&all_logits(&load(&path), &prompt), &exact, tolerance, &what);
        }
    }
}

#[test]
fn a_trained_model_keeps_its_text() {
    let Some(folder) = shared("models/stories260K") else { return };
    let (_keep, path, written) = export(&folder, Format::Q8_0);
    let base = load(&folder);
    let prompt = greedy(&base, &[1], 60);
    assert_eq!(greedy(&load(&path), &[1], 60), prompt);
    // 172 is no multiple of 32.
    let fallbacks: Vec<_> = written.iter().filter(|w| w.asked != w.used).collect();
    assert_eq!(fallbacks.len(), 5);
    assert!(fallbacks.iter().all(|w| w.name.ends_with("down_proj.weight") && w.used == Format::F16));
    let (_keep, path, _) = export(&folder, Format::F32);
    assert_eq!(greedy(&load(&path), &[1], 60), prompt);
}

#[test]
fn tensors_are_laid_out_as_by_another_program() {
    let Some(folder) = shared("models/stories260K") else { return };
    let other = std::fs::read(folder.join("stories260K-f32.gguf")).unwrap();
    let (_keep, path, _) = export(&folder, Format::F32);
    let file = gguf::File::open(&path).unwrap();
    for tensor in file.tensors() {
        let bytes = file.bytes(tensor).unwrap();
        let found = other.windows(bytes.len()).step_by(4).any(|window| window == bytes);
        assert!(found, "the values of {} are not in that order in the other file", tensor.name);
    }
}

#[test]
fn the_configuration_comes_back() {
    for name in FIXTURES {
        let (_keep, path, _) = export(&fixture(name), Format::F32);
        let (got, expected) = (load(&path).config().clone(), load(&fixture(name)).config().clone());
        let (frequencies, wanted) = (got.rope_frequencies(), expected.rope_frequencies());
        assert!(frequencies.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-6 * b), "{name}");
        assert!((got.rms_norm_eps - expected.rms_norm_eps).abs() < 1e-12);
        let eps = expected.rms_norm_eps;
        let scaling = expected.rope_scaling.clone();
        assert_eq!(model::Config { rms_norm_eps: eps, rope_scaling: scaling, ..got }, expected);
    }
}

#[test]
fn quantised_weights_stay_quantised_and_a_tied_head_is_shared() {
    let config = model::Config { hidden: 256, intermediate: 512, layers: 1, tied: true, vocab: 4096, ..model::bench_shapes::small() };
    let config = model::Config { heads: 4, kv_heads: 2, ..config };
    let dense = Decoder::random(&config, 1, &options(Compute::F32, Base::AsStored)).unwrap();
    let weights: std::collections::HashMap<_, _> = dense.parameters().into_iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    gguf::export(
        &path,
        Export { config: &config, metadata: &Metadata::new(), format: Format::Q4K },
        |name| Ok(weights[name].clone()),
        |_| (),
    )
    .unwrap();
    let decoder = Decoder::load(&path, &options(Compute::Auto, Base::AsStored)).unwrap();
    let bits = decoder.weight_bytes() as f64 * 8.0 / config.parameters() as f64;
    assert!((bits - 4.5).abs() < 0.05, "{bits} bits a weight");
    assert!(decoder.parameters().iter().all(|(name, _)| name.ends_with("norm.weight")));
    let random = Decoder::random(&config, 1, &options(Compute::F32, Base::Quantised(Format::Q4K))).unwrap();
    assert_close(&all_logits(&decoder, &[1, 2, 3]), &all_logits(&random, &[1, 2, 3]), 1e-5, "quantised twice the same");
}

/// The same file with its matrices stored as `kind`.
fn stored_as(path: &Path, kind: Kind) -> Decoder {
    use model::tensor::{DType, GgmlDType, QTensor, Tensor};
    let file = gguf::File::open(path).unwrap();
    let kind_of = |shape: &[usize]| if shape.len() == 1 { Kind::F32 } else { kind };
    let entries = file.tensors().iter().map(|t| Entry { name: t.name.clone(), kind: kind_of(&t.shape), shape: t.shape.clone() });
    let other = path.with_file_name("other.gguf");
    let mut writer = Writer::create(&other, file.metadata(), entries.collect()).unwrap();
    for tensor in file.tensors() {
        let bytes = file.bytes(tensor).unwrap();
        let exact = Tensor::from_raw_buffer(bytes, DType::F32, &tensor.shape, &Device::Cpu).unwrap();
        let ggml = match kind_of(&tensor.shape) {
            Kind::BF16 => GgmlDType::BF16,
            Kind::Q4_0 => GgmlDType::Q4_0,
            Kind::Q6K => GgmlDType::Q6K,
            _ => GgmlDType::F32,
        };
        writer.push(&QTensor::quantize(&exact, ggml).unwrap().data().unwrap()).unwrap();
    }
    writer.finish().unwrap();
    Decoder::load(&other, &options(Compute::Auto, Base::AsStored)).unwrap()
}

#[test]
fn the_types_that_are_only_read_are_read() {
    let shape =
        model::Config { hidden: 256, intermediate: 512, layers: 2, heads: 4, kv_heads: 2, vocab: 96, ..model::bench_shapes::small() };
    let dense = Decoder::random(&shape, 1, &options(Compute::F32, Base::AsStored)).unwrap();
    let weights: std::collections::HashMap<_, _> = dense.parameters().into_iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    let what = Export { config: &shape, metadata: &Metadata::new(), format: Format::F32 };
    gguf::export(&path, what, |name| Ok(weights[name].clone()), |_| ()).unwrap();
    let exact = all_logits(&dense, &[1, 2, 3, 4]);
    // Measured: 0.0053, 0.051 and 0.26.
    for (kind, bits, tolerance) in [(Kind::BF16, 16.0, 0.015), (Kind::Q6K, 6.5625, 0.1), (Kind::Q4_0, 4.5, 0.5)] {
        let decoder = stored_as(&path, kind);
        let held = decoder.weight_bytes() as f64 * 8.0 / shape.parameters() as f64;
        assert!((held - bits).abs() < 0.1, "{held} bits a weight as {}", kind.name());
        assert_close(&all_logits(&decoder, &[1, 2, 3, 4]), &exact, tolerance, kind.name());
    }
}

#[test]
fn metadata_is_handed_out_as_plain_values() {
    let (_keep, path, _) = export(&fixture("llama-tied-bf16"), Format::Q8_0);
    let file = gguf::File::open(&path).unwrap();
    let metadata = file.metadata();
    assert_eq!(metadata.get_str("general.architecture"), Some("llama"));
    assert_eq!(metadata.get_str("general.name"), Some("fixture"));
    assert_eq!(metadata.get_u32("general.file_type"), Some(7));
    assert_eq!(metadata.get_u64("llama.block_count"), Some(2));
    assert_eq!(metadata.get_strings("tokenizer.ggml.tokens").unwrap(), ["a", "β"]);
    assert_eq!(metadata.get_f32("llama.rope.freq_base"), Some(500.0));
    assert_eq!(metadata.get_bool("general.name"), None);
    assert!(file.tensors().iter().all(|t| t.offset % 32 == 0));
}

#[test]
fn version_1_is_a_clear_error() {
    let Some(folder) = shared("models/stories260K") else { return };
    let error = Decoder::load(&folder.join("stories260K-f32.gguf"), &options(Compute::F32, Base::AsStored)).unwrap_err();
    assert!(error.to_string().ends_with("GGUF version 1 is not read (2 and 3 are)"), "{error}");
    assert!(error.hint().unwrap().contains("convert it again"));
}

/// A small valid file: every value type, two tensors.
fn small_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    let mut metadata = Metadata::new();
    let nested = Array::Array(vec![Array::U8(vec![1, 2]), Array::Bool(vec![true])]);
    let values = [
        Value::U8(1),
        Value::I8(-1),
        Value::U16(2),
        Value::I16(-2),
        Value::U32(3),
        Value::I32(-3),
        Value::F32(0.5),
        Value::Bool(true),
        Value::String("text".to_owned()),
        Value::Array(nested),
        Value::U64(4),
        Value::I64(-4),
        Value::F64(0.25),
    ];
    for (i, value) in values.into_iter().enumerate() {
        metadata.insert(format!("key.{i}"), value);
    }
    let entries = vec![
        Entry { name: "a".to_owned(), kind: Kind::F32, shape: vec![3] },
        Entry { name: "b".to_owned(), kind: Kind::Q8_0, shape: vec![2, 32] },
    ];
    let mut writer = Writer::create(&path, &metadata, entries).unwrap();
    writer.push(&[1; 12]).unwrap();
    writer.push(&[2; 68]).unwrap();
    writer.finish().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let header = gguf::read(&bytes).unwrap();
    assert_eq!(header.metadata, metadata);
    assert_eq!(header.tensor("b").unwrap().shape, [2, 32]);
    bytes
}

/// The header of a file with one tensor, whose parts may be wrong.
fn one_tensor(dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(1u64.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend(1u64.to_le_bytes());
    out.push(b'a');
    out.extend((dims.len() as u32).to_le_bytes());
    for dim in dims {
        out.extend(dim.to_le_bytes());
    }
    out.extend(kind.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.resize(256, 0);
    out
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let bytes = small_file();
    // The last tensor ends 28 bytes before the file does: that is padding.
    for length in 0..bytes.len() - 28 {
        assert!(gguf::read(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn lying_tensors_are_refused() {
    let whole = gguf::read(&one_tensor(&[4, 2], 0, 0)).unwrap();
    assert_eq!(whole.tensors[0].shape, [2, 4]);
    let cases: [(&[u64], u32, u64, &str); 11] = [
        (&[], 0, 0, "has 0 dimensions"),
        (&[1; 5], 0, 0, "has 5 dimensions"),
        (&[0, 2], 0, 0, "has an empty dimension"),
        (&[1 << 40, 1 << 40], 0, 0, "has no whole number of F32 blocks"),
        (&[u64::MAX], 0, 0, "has no whole number of F32 blocks"),
        (&[1 << 40], 0, 0, "the file has 256"),
        (&[4], 0, 1 << 40, "the file has 256"),
        (&[4], 0, u64::MAX - 8, "the file has 256"),
        (&[4], 0, 4, "lies at the unaligned offset 4"),
        (&[33], 8, 0, "has no whole number of Q8_0 blocks"),
        (&[32], 13, 0, "tensor a has the unsupported type Q5_K"),
    ];
    for (dims, kind, offset, expected) in cases {
        let error = gguf::read(&one_tensor(dims, kind, offset)).unwrap_err();
        assert!(error.to_string().contains(expected), "{dims:?} {kind} {offset}: {error}");
    }
    assert!(gguf::read(&one_tensor(&[4], 99, 0)).unwrap_err().to_string().ends_with("unsupported type 99"));
}

#[test]
fn absurd_counts_are_refused_before_anything_is_allocated() {
    for at in [8, 16] {
        for count in [u64::MAX, 1 << 60, 1 << 32, 50] {
            let mut bytes = one_tensor(&[4], 0, 0);
            bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
            assert!(matches!(gguf::read(&bytes), Err(Error::Malformed { format: "GGUF", .. })), "{at} {count}");
        }
    }
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(9u32.to_le_bytes());
    for depth in 0..40 {
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend([0; 16]);
        bytes.truncate(36 + 12 * (depth + 1));
    }
    assert!(gguf::read(&bytes).unwrap_err().to_string().contains("arrays nest deeper than 4"));
}

#[test]
fn other_files_and_versions_are_refused() {
    assert!(gguf::read(b"").is_err());
    assert!(gguf::read(b"PK\x03\x04 a zip archive").unwrap_err().to_string().contains("does not begin with GGUF"));
    for version in [0u32, 1, 4, 0x0300_0000] {
        let mut bytes = one_tensor(&[4], 0, 0);
        bytes[4..8].copy_from_slice(&version.to_le_bytes());
        assert!(matches!(gguf::read(&bytes), Err(Error::GgufVersion { version: v }) if v == version));
    }
}

#[test]
fn a_model_file_that_lacks_something_says_what() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    std::fs::write(&path, small_file()).unwrap();
    let refusal = || Decoder::load(&path, &options(Compute::F32, Base::AsStored)).unwrap_err().to_string();
    assert!(refusal().ends_with("missing key general.architecture"));
    let mut metadata = Metadata::new();
    for (architecture, expected) in [("gpt2", "unsupported architecture gpt2"), ("llama", "missing key llama.embedding_length")] {
        metadata.insert("general.architecture", Value::String(architecture.to_owned()));
        Writer::create(&path, &metadata, Vec::new()).unwrap().finish().unwrap();
        assert!(refusal().ends_with(expected), "{}", refusal());
    }
    metadata.insert("llama.rope.scaling.type", Value::String("yarn".to_owned()));
    Writer::create(&path, &metadata, Vec::new()).unwrap().finish().unwrap();
    assert!(refusal().ends_with("unsupported configuration: llama.rope.scaling.type = yarn"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let mut bytes = small_file_once().to_vec();
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Ok(header) = gguf::read(&bytes) {
            for tensor in &header.tensors {
                prop_assert!(tensor.offset + tensor.bytes <= bytes.len());
            }
        }
        let _ = gguf::read(&bytes[..cut.index(bytes.len())]);
    }
}

fn small_file_once() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(small_file)
}
