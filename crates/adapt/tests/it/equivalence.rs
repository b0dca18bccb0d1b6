//! What must not change the gradients: accumulation, packing, padding, checkpointing. And that nothing else gets any.

use adapt::corpus::{Batch, Example};
use model::{Base, ops, tensor::Tensor};

use crate::tiny::{self, assert_close};

/// Sums in another order, in f32.
const TOLERANCE: f32 = 2e-5;

fn assert_same(name: &str, (loss, gradients): &(f64, Vec<Vec<f32>>), (expected_loss, expected): &(f64, Vec<Vec<f32>>)) {
    assert!((loss - expected_loss).abs() < 1e-5, "{name}: loss {loss}, expected {expected_loss}");
    for (g, e) in gradients.iter().zip(expected) {
        assert_close(name, g, e, TOLERANCE);
    }
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let (model, adapter) = tiny::adapted(Base::AsStored, 0.0);
    let variables = adapter.variables();
    let examples = tiny::examples(&[14, 9, 5, 11]);
    let whole = tiny::gradients(&model, &variables, &[tiny::unpacked(&examples)], false);
    let parts: Vec<Batch> = examples.chunks(1).map(tiny::unpacked).collect();
    assert_same("accumulated", &tiny::gradients(&model, &variables, &parts, false), &whole);
}

#[test]
fn packed_sequences_are_those_sequences_alone() {
    let (model, adapter) = tiny::adapted(Base::AsStored, 0.0);
    let variables = adapter.variables();
    let examples = tiny::examples(&[14, 9, 5, 11]);
    let alone = tiny::gradients(&model, &variables, &[tiny::unpacked(&examples)], false);
    let rows: [&[usize]; 2] = [&[0, 2], &[3, 1]];
    let rows: Vec<Vec<&Example>> = rows.iter().map(|row| row.iter().map(|&i| &examples[i]).collect()).collect();
    let packed = Batch::new(&rows);
    assert!(packed.ids.len() < tiny::unpacked(&examples).ids.len());
    assert_same("packed", &tiny::gradients(&model, &variables, &[packed], false), &alone);
}

#[test]
fn checkpointing_gives_the_same_gradients() {
    for (base, dropout) in [(Base::AsStored, 0.0), (Base::AsStored, 0.3), (Base::Nf4, 0.1)] {
        let (model, adapter) = tiny::adapted(base, dropout);
        let variables = adapter.variables();
        let batches = [tiny::unpacked(&tiny::examples(&[14, 9])), tiny::unpacked(&tiny::examples(&[7, 12]))];
        let kept = tiny::gradients(&model, &variables, &batches, false);
        assert_same("checkpointing", &tiny::gradients(&model, &variables, &batches, true), &kept);
    }
}

#[test]
fn checkpointing_gives_the_same_gradients_for_a_whole_model() {
    for tied in [false, true] {
        let config = model::Config { tied, ..tiny::config() };
        let mut model = model::Decoder::random(&config, 5, &tiny::options(Base::AsStored)).unwrap();
        let variables = model.train_all().unwrap();
        let batches = [tiny::unpacked(&tiny::examples(&[14, 9]))];
        let kept = tiny::gradients(&model, &variables, &batches, false);
        assert_same("checkpointing", &tiny::gradients(&model, &variables, &batches, true), &kept);
    }
}

#[test]
fn only_the_adapters_get_gradients() {
    for base in [Base::AsStored, Base::Nf4] {
        let (model, adapter) = tiny::adapted(base, 0.1);
        let batch = tiny::unpacked(&tiny::examples(&[14, 9]));
        let [ids, targets, weights] = batch.tensors(model.device()).unwrap();
        let positions = batch.positions(&model).unwrap();
        let mut x: Tensor = model.embed(&ids).unwrap();
        for index in 0..model.blocks() {
            x = model.block(index, &x, &positions).unwrap();
        }
        let hidden = model.final_norm(&x).unwrap().flatten_to(1).unwrap();
        let loss = ops::linear_cross_entropy(&hidden, model.head_weight().unwrap(), &targets, &weights).unwrap();
        let store = loss.backward().unwrap();
        let mut got: Vec<String> = store.get_ids().map(|id| format!("{id:?}")).collect();
        let mut expected: Vec<String> = adapter.variables().iter().map(|(_, var)| format!("{:?}", var.id())).collect();
        got.sort();
        expected.sort();
        assert_eq!(got, expected, "{base:?}");
    }
}
