//! Against `PyTorch`, transformers and PEFT: logits, loss, the gradient of every LoRA parameter, and the parameters after some
//! steps of `torch.optim.AdamW`. The values are written by `tests/fixtures/make_fixtures.py`.

use std::path::{Path, PathBuf};

use adapt::{
    Silent,
    corpus::{Batch, Example},
    lora::{self, Adapter},
    peft,
    train::{self, Settings},
};
use model::{Base, Compute, Decoder, safetensors, tensor::Device};
use plan::{Lr, Schedule};

use crate::tiny::{self, assert_close};

/// f32 against f32, summed in another order; of the largest value of a tensor.
const TOLERANCE: f32 = 1e-4;

struct Fixture {
    model: Decoder,
    adapter: Adapter,
    batch: Batch,
    expected: safetensors::File,
    facts: serde_json::Value,
}

fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(family)
}

fn fixture(family: &str) -> Fixture {
    let folder = folder(family);
    let mut model = Decoder::load(&folder.join("base"), &tiny::options(Base::AsStored)).unwrap();
    let adapter = lora::attach_peft(&mut model, &peft::read(&folder.join("adapter")).unwrap()).unwrap();
    let facts: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let rows = |key: &str| -> Vec<Vec<f64>> { serde_json::from_value(facts[key].clone()).unwrap() };
    let example = |(ids, weights): (Vec<f64>, Vec<f64>)| Example {
        ids: ids.into_iter().map(|v| v as u32).collect(),
        weights: weights.into_iter().map(|v| v as f32).collect(),
    };
    let examples: Vec<Example> = rows("ids").into_iter().zip(rows("weights")).map(example).collect();
    let expected = safetensors::File::open(&folder.join("expected.safetensors")).unwrap();
    Fixture { model, adapter, batch: tiny::unpacked(&examples), expected, facts }
}

impl Fixture {
    fn tensor(&self, name: &str) -> Vec<f32> {
        tiny::flat(&self.expected.tensor(name, Compute::F32, &Device::Cpu).unwrap())
    }

    fn check_parameters(&self, prefix: &str, got: impl Fn(usize) -> Vec<f32>) {
        for (i, (name, _)) in self.adapter.variables().iter().enumerate() {
            assert_close(name, &got(i), &self.tensor(&format!("{prefix}.base_model.model.{name}.weight")), TOLERANCE);
        }
    }
}

fn check(family: &str) {
    let fixture = fixture(family);
    let Fixture { model, adapter, batch, .. } = &fixture;
    let variables = adapter.variables();
    assert_eq!(variables.len(), 2 * 2 * 7, "two parameters on seven layers of two blocks");

    let [ids, ..] = batch.tensors(model.device()).unwrap();
    let positions = batch.positions(model).unwrap();
    let x = (0..model.blocks()).fold(model.embed(&ids).unwrap(), |x, i| model.block(i, &x, &positions).unwrap());
    assert_close("logits", &tiny::flat(&model.logits(&x).unwrap()), &fixture.tensor("logits"), TOLERANCE);

    let (loss, gradients) = tiny::gradients(model, &variables, std::slice::from_ref(batch), false);
    let expected_loss = fixture.facts["loss"].as_f64().unwrap();
    assert!((loss - expected_loss).abs() < 1e-5, "loss {loss}, expected {expected_loss}");
    fixture.check_parameters("gradient", |i| gradients[i].clone());

    let number = |key: &str| fixture.facts[key].as_f64().unwrap();
    let settings = Settings {
        lr: Lr { peak: number("learning_rate"), warmup_ratio: 0.0, schedule: Schedule::Constant },
        weight_decay: number("weight_decay"),
        clip: Some(number("max_norm")),
        checkpointing: false,
    };
    let steps = number("steps") as usize;
    let batches = std::iter::repeat_n(vec![batch.clone()], steps);
    let outcome = train::train(model, &variables, &adapter.draw, batches, steps as u64, &settings, &Silent).unwrap();
    let last = fixture.facts["losses"][steps - 1].as_f64().unwrap();
    assert!((outcome.last_loss - last).abs() < 1e-4, "last loss {}, expected {last}", outcome.last_loss);
    fixture.check_parameters("trained", |i| tiny::flat(&variables[i].1));
}

#[test]
fn llama_agrees_with_pytorch() {
    check("llama");
}

#[test]
fn qwen2_agrees_with_pytorch() {
    check("qwen2");
}
