//! Every trainable parameter's gradient against central differences of the loss, in f32.

use adapt::train::Gradients;
use model::{
    Base,
    tensor::{Device, Tensor, Var},
};

use crate::tiny;

/// A step of 1e-2 balances the f32 loss's rounding (about 1e-6 / 2e-2) against the cubic term.
const STEP: f32 = 1e-2;
/// Of the largest gradient of the parameter, or of `SMALLEST` where all are smaller.
const TOLERANCE: f32 = 2e-2;
/// Differences of the f32 loss cannot tell gradients below this.
const SMALLEST: f32 = 5e-3;
/// Entries tried of each parameter: those with the largest gradients, and some others.
const ENTRIES: usize = 6;

fn check(model: &model::Decoder, variables: &[(String, Var)], batch: &adapt::corpus::Batch) {
    let (_, gradients) = tiny::gradients(model, variables, std::slice::from_ref(batch), false);
    for ((name, var), gradient) in variables.iter().zip(&gradients) {
        let scale = gradient.iter().fold(SMALLEST, |m, g| m.max(g.abs()));
        let mut order: Vec<usize> = (0..gradient.len()).collect();
        order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
        let others = order.iter().rev().step_by(order.len().div_ceil(ENTRIES / 2));
        for &entry in order.iter().take(ENTRIES / 2).chain(others) {
            let difference = difference(model, var, entry, batch);
            let error = (difference - gradient[entry]).abs() / scale;
            assert!(error <= TOLERANCE, "{name}[{entry}]: gradient {}, by differences {difference}", gradient[entry]);
        }
    }
}

fn difference(model: &model::Decoder, var: &Var, entry: usize, batch: &adapt::corpus::Batch) -> f32 {
    let values = tiny::flat(var);
    let set = |values: Vec<f32>| var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    let loss = |step: f32| {
        let mut moved = values.clone();
        moved[entry] += step;
        set(moved);
        Gradients::new(model, &[], false).add(batch, 1.0).unwrap()
    };
    let difference = (loss(STEP) - loss(-STEP)) / (2.0 * f64::from(STEP));
    set(values.clone());
    difference as f32
}

#[test]
fn lora_on_a_dense_base() {
    let (model, adapter) = tiny::adapted(Base::AsStored, 0.0);
    check(&model, &adapter.variables(), &tiny::unpacked(&tiny::examples(&[14, 9])));
}

#[test]
fn qlora_on_an_nf4_base() {
    let (model, adapter) = tiny::adapted(Base::Nf4, 0.0);
    check(&model, &adapter.variables(), &tiny::unpacked(&tiny::examples(&[14, 9])));
}

#[test]
fn lora_with_dropout() {
    let (model, adapter) = tiny::adapted(Base::AsStored, 0.2);
    check(&model, &adapter.variables(), &tiny::unpacked(&tiny::examples(&[14, 9])));
}

#[test]
fn every_weight_of_a_whole_model_tied_or_not() {
    for tied in [false, true] {
        let config = model::Config { tied, ..tiny::config() };
        let mut model = model::Decoder::random(&config, 5, &tiny::options(Base::AsStored)).unwrap();
        let variables = model.train_all().unwrap();
        check(&model, &variables, &tiny::unpacked(&tiny::examples(&[14, 9])));
    }
}
