//! The stage as a whole: a model folder and a corpus in, an adapter folder out.

use std::{cell::RefCell, path::Path};

use adapt::{Error, Event, Facts, Job, Silent, full, peft, run};
use model::{Base, Decoder, tensor::Device};
use plan::{AdaptSpec, Lr, Method, Schedule};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use text::RenderOptions;

use crate::tiny;

/// Ids below 256 are bytes; then the beginning and the end of a text.
const VOCABULARY: usize = 258;

/// A folder with a random byte-level model, its tokenizer, and a corpus of a few short conversations.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    std::fs::create_dir(&path).unwrap();
    let config = model::Config { vocab: VOCABULARY, bos: Some(256), eos: vec![257], ..tiny::config() };
    full::save(&Decoder::random(&config, 3, &tiny::options(Base::AsStored)).unwrap(), &path).unwrap();
    std::fs::write(path.join("tokenizer.json"), tokenizer().to_string()).unwrap();
    let ends = json!({"bos_token": "<s>", "eos_token": "</s>"});
    std::fs::write(path.join("tokenizer_config.json"), ends.to_string()).unwrap();
    let row = |(q, a): (&str, &str)| json!({"prompt": q, "completion": a}).to_string() + "\n";
    let rows = [("Who?", "Ann"), ("Where?", "Here"), ("When?", "Now")].map(row).concat();
    std::fs::write(folder.path().join("train.jsonl"), rows).unwrap();
    folder
}

/// A byte-level BPE without merges.
fn tokenizer() -> Value {
    // GPT-2's printable stand-ins: bytes that are no visible character follow from U+0100 on.
    let visible = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut next = 256;
    let mut vocabulary = Map::new();
    for byte in 0..256u32 {
        let code = if visible(byte) { byte } else { next };
        next += u32::from(!visible(byte));
        vocabulary.insert(char::from_u32(code).unwrap().to_string(), json!(byte));
    }
    let added = |id: u32, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": [added(256, "<s>"), added(257, "</s>")],
        "pre_tokenizer": bytes, "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": []},
    })
}

fn job(folder: &Path, out: &str) -> Job {
    let spec = AdaptSpec {
        rank: 8,
        alpha: 16.0,
        dropout: 0.0,
        target_modules: tiny::targets(),
        lr: Lr { peak: 2e-2, warmup_ratio: 0.05, schedule: Schedule::Cosine },
        epochs: 60.0,
        steps: None,
        batch: 2,
        accumulation: 1,
        max_length: 64,
        checkpointing: false,
        packing: false,
        threads: None,
        weight_decay: 0.0,
        command: None,
    };
    Job {
        model: folder.join("model"),
        data: folder.join("train.jsonl"),
        out: folder.join(out),
        method: Method::Lora,
        spec,
        clip: Some(1.0),
        seed: 1,
        render: RenderOptions::default(),
        device: Device::Cpu,
    }
}

fn short(folder: &Path, out: &str) -> Job {
    let mut job = job(folder, out);
    job.spec.steps = Some(3);
    job.spec.dropout = 0.1;
    job
}

fn bytes(folder: &Path) -> [Vec<u8>; 2] {
    [peft::CONFIG_FILE, peft::WEIGHTS_FILE].map(|name| std::fs::read(folder.join(name)).unwrap())
}

#[test]
fn lora_and_qlora_memorise_a_few_answers() {
    let folder = workplace();
    for (method, out) in [(Method::Lora, "lora"), (Method::Qlora, "qlora")] {
        let events = RefCell::new(Vec::new());
        let job = Job { method, ..job(folder.path(), out) };
        let facts = run(&job, &|event: &Event<'_>| events.borrow_mut().push(format!("{event:?}"))).unwrap();
        assert!(facts.first_loss > 4.0 && facts.last_loss < 0.3, "{facts:?}");
        let expected = Facts {
            method: out.to_owned(),
            steps: 120,
            tokens: facts.tokens,
            loss_tokens: units::Tokens(60 * (4 + 5 + 4)),
            trainable_parameters: 2 * 8 * (2 * 128 + 2 * 96 + 3 * 160),
            first_loss: facts.first_loss,
            last_loss: facts.last_loss,
            base_bytes: facts.base_bytes,
            dtype: "f32".to_owned(),
            rows: 3,
            max_length: 64,
            batch: 2,
            accumulation: 1,
            checkpointing: false,
        };
        assert_eq!(facts, expected);
        let kinds: Vec<_> = events.borrow().iter().map(|e| e.split([' ', '(']).next().unwrap().to_owned()).collect();
        assert_eq!(kinds[..3], ["Corpus", "Loaded", "Started"]);
        assert_eq!(kinds[3..].iter().filter(|k| *k == "Step").count(), 120);
        assert_eq!(kinds.last().unwrap(), "Written");
    }
}

#[test]
fn the_base_of_qlora_is_held_in_four_bits() {
    let folder = workplace();
    let bytes = |method, out| run(&Job { method, ..short(folder.path(), out) }, &Silent).unwrap().base_bytes.get() as f64;
    let (dense, nf4) = (bytes(Method::Lora, "a"), bytes(Method::Qlora, "b"));
    // The projections shrink from 32 bits to 4 and their scales; embedding, head and norms stay.
    let projections = 2.0 * 64.0 * (2.0 * 64.0 + 2.0 * 32.0 + 3.0 * 96.0);
    let expected = dense - projections * (32.0 - 4.2) / 8.0;
    assert!((nf4 / expected - 1.0).abs() < 0.01, "{nf4} bytes, expected {expected} of {dense}");
}

#[test]
fn one_seed_gives_one_adapter_and_another_seed_another() {
    let folder = workplace();
    let adapter = |out: &str, seed| {
        let job = Job { seed, ..short(folder.path(), out) };
        run(&job, &Silent).unwrap();
        bytes(&job.out)
    };
    let first = adapter("a", 1);
    assert_eq!(first, adapter("b", 1));
    assert_ne!(first[1], adapter("c", 2)[1]);
}

#[test]
fn packing_accumulation_and_checkpointing_run_together() {
    let folder = workplace();
    let mut job = short(folder.path(), "adapter");
    (job.spec.packing, job.spec.accumulation, job.spec.checkpointing) = (true, 2, true);
    let facts = run(&job, &Silent).unwrap();
    assert_eq!((facts.steps, facts.accumulation, facts.checkpointing), (3, 2, true));
    assert_eq!(facts.loss_tokens.get(), 3 * (4 + 5 + 4), "every epoch is one step of every row");
}

#[test]
fn a_part_of_an_epoch_is_a_part_of_its_steps() {
    let folder = workplace();
    let mut job = job(folder.path(), "adapter");
    (job.spec.epochs, job.spec.batch) = (1.5, 1);
    assert_eq!(run(&job, &Silent).unwrap().steps, 3 + 2);
}

fn failure(change: impl FnOnce(&Path, &mut Job)) -> Error {
    let folder = workplace();
    let mut job = short(folder.path(), "adapter");
    change(folder.path(), &mut job);
    let error = run(&job, &Silent).unwrap_err();
    assert!(!job.out.exists() || matches!(error, Error::Exists { .. }), "nothing is left of {error}");
    assert!(!job.out.with_file_name("adapter.tmp").exists());
    error
}

#[test]
fn what_cannot_be_done_says_so_and_leaves_nothing() {
    let setting = |change: fn(&mut AdaptSpec)| failure(|_, job| change(&mut job.spec)).to_string();
    assert_eq!(setting(|s| s.steps = Some(0)), "steps is 0, at least 1 is needed");
    assert_eq!(setting(|s| s.batch = 0), "batch is 0, at least 1 is needed");
    assert_eq!(setting(|s| s.rank = 0), "rank is 0, at least 1 is needed");
    assert_eq!(setting(|s| s.max_length = 1), "max_length is 1, at least 2 are needed to predict one");
    assert_eq!(setting(|s| (s.steps, s.epochs) = (None, f64::NAN)), "epochs is NaN, it must be above 0");
    assert!(matches!(failure(|_, job| std::fs::create_dir(&job.out).unwrap()), Error::Exists { .. }));
    assert!(matches!(failure(|dir, _| std::fs::write(dir.join("train.jsonl"), "{").unwrap()), Error::RowJson { line: 1, .. }));
    assert!(matches!(failure(|dir, _| std::fs::remove_file(dir.join("model/tokenizer.json")).unwrap()), Error::Text(_)));
    assert!(matches!(failure(|dir, _| std::fs::remove_file(dir.join("model/model.safetensors")).unwrap()), Error::Model(_)));
}

#[test]
fn a_loss_that_is_not_finite_is_an_error() {
    let error = failure(|_, job| {
        job.spec.lr = Lr { peak: 1e30, warmup_ratio: 0.0, schedule: Schedule::Constant };
        job.spec.steps = Some(9);
    });
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    assert!(error.hint().is_some());
}
