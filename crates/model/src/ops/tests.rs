//! Every operation's gradients against central differences (in f64, where the composed path runs), and the f32 kernels against
//! the composed path.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};

use super::*;

/// Central differences in f64 with steps of 1e-5 are good to about 1e-9 of the function's scale.
const DIFFERENCES: f64 = 1e-7;
/// f32 kernels against f64: a few hundred roundings.
const KERNEL: f64 = 2e-5;

/// Values in -1..1 without a pattern that an operation could be blind to.
fn wave(dims: &[usize], seed: u64) -> Tensor {
    let n: usize = dims.iter().product();
    let value = |i: usize| ((i as f64 + 1.0) * (12.9898 + seed as f64)).sin() * 0.9;
    Tensor::from_iter((0..n).map(value), &Device::Cpu).unwrap().reshape(dims).unwrap()
}

/// `sum(f(inputs) * wave)`.
fn objective(inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Result<Tensor>) -> Result<Tensor> {
    let y = f(inputs)?;
    let c = wave(y.dims(), 77).to_dtype(y.dtype())?;
    (y * c)?.sum_all()
}

fn flat(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Gradients by autograd in the given type.
fn gradients(inputs: &[Tensor], dtype: DType, f: &dyn Fn(&[Tensor]) -> Result<Tensor>) -> Vec<Vec<f64>> {
    let vars: Vec<Var> = inputs.iter().map(|x| Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let store = objective(&tensors, f).unwrap().backward().unwrap();
    vars.iter().map(|v| flat(store.get(v).expect("a variable has a gradient"))).collect()
}

fn differences(inputs: &[Tensor], which: usize, f: &dyn Fn(&[Tensor]) -> Result<Tensor>) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let values = flat(&inputs[which]);
    let at = |i: usize, step: f64| {
        let mut moved = values.clone();
        moved[i] += step;
        let mut inputs = inputs.to_vec();
        inputs[which] = Tensor::from_vec(moved, inputs[which].shape(), &Device::Cpu).unwrap();
        objective(&inputs, f).unwrap().to_scalar::<f64>().unwrap()
    };
    (0..values.len()).map(|i| (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP)).collect()
}

fn assert_close(name: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(1f64, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * scale, "{name}[{i}]: got {g}, expected {e}");
    }
    assert_eq!(got.len(), expected.len(), "{name}");
}

/// Values, gradients by differences, gradients of the kernels, and no gradient for what is frozen.
fn check(inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let (wide, narrow) = (gradients(inputs, DType::F64, &f), gradients(inputs, DType::F32, &f));
    let inputs_f32: Vec<Tensor> = inputs.iter().map(|x| x.to_dtype(DType::F32).unwrap()).collect();
    assert_close("value", &flat(&f(&inputs_f32).unwrap()), &flat(&f(inputs).unwrap()), KERNEL);
    for which in 0..inputs.len() {
        assert_close(&format!("d{which} by differences"), &wide[which], &differences(inputs, which, &f), DIFFERENCES);
        assert_close(&format!("d{which} by the kernel"), &narrow[which], &wide[which], KERNEL);
        let var = Var::from_tensor(&inputs_f32[which]).unwrap();
        let mut only_one = inputs_f32.clone();
        only_one[which] = var.as_tensor().clone();
        let store = f(&only_one).unwrap().sum_all().unwrap().backward().unwrap();
        let ids: Vec<_> = store.get_ids().copied().collect();
        assert_eq!(ids, [var.id()], "only input {which} is trained");
    }
    assert!(!f(&inputs_f32).unwrap().track_op());
}

#[test]
fn rms_norm_gradients() {
    check(&[wave(&[3, 5, 41], 1), wave(&[41], 2)], |x| rms_norm(&x[0], &x[1], 1e-5));
    // More rows than one task sums for the weight.
    check(&[wave(&[150, 4], 1), wave(&[4], 2)], |x| rms_norm(&x[0], &x[1], 1e-6));
}

#[test]
fn rope_gradients_in_both_layouts() {
    let angles = wave(&[5, 3], 3);
    for interleaved in [false, true] {
        check(&[wave(&[2, 3, 5, 6], 1)], |x| {
            let angles = angles.to_dtype(x[0].dtype())?;
            rope(&x[0], &angles.cos()?, &angles.sin()?, interleaved)
        });
    }
}

#[test]
fn softmax_gradients() {
    check(&[(wave(&[4, 3, 37], 1) * 9.0).unwrap()], |x| softmax(&x[0]));
}

#[test]
fn silu_mul_gradients() {
    check(&[(wave(&[2, 3, 17], 1) * 6.0).unwrap(), wave(&[2, 3, 17], 2)], |x| silu_mul(&x[0], &x[1]));
}

#[test]
fn sum_gradients() {
    check(&[wave(&[2, 3, 7], 1), wave(&[2, 3, 7], 2)], |x| add(&x[0], &x[1]));
    check(&[wave(&[2, 3, 7], 1), wave(&[7], 2)], |x| add_bias(&x[0], &x[1]));
}

#[test]
fn a_seeded_backward_carries_the_gradient_it_was_given() {
    let x = Var::from_tensor(&wave(&[2, 3], 1)).unwrap();
    let y = (x.as_tensor() * 2.0).unwrap();
    let store = seeded(&y, &wave(&[2, 3], 2)).unwrap().backward().unwrap();
    assert_close("dx", &flat(store.get(&x).unwrap()), &flat(&(wave(&[2, 3], 2) * 2.0).unwrap()), 1e-12);
    assert!(seeded(&y, &wave(&[3, 2], 2)).is_err());
}

#[test]
fn adamw_in_place_agrees_with_the_composed_arithmetic() {
    let run = |dtype: DType| {
        let var = Var::from_tensor(&wave(&[3, 7], 1).to_dtype(dtype).unwrap()).unwrap();
        let [m, v] = [(); 2].map(|()| Tensor::zeros((3, 7), dtype, &Device::Cpu).unwrap());
        for step in 1..=20 {
            let gradient = wave(&[3, 7], step).to_dtype(dtype).unwrap();
            let step = AdamW { learning_rate: 0.03, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.1, step, gradient_scale: 0.5 };
            adamw(&var, [&m, &v], &gradient, &step).unwrap();
        }
        flat(&var)
    };
    assert_close("adamw", &run(DType::F32), &run(DType::F64), KERNEL);
}

#[test]
fn split_heads_gradients() {
    check(&[wave(&[2, 3, 8], 1)], |x| split_heads(&x[0], 4));
    check(&[wave(&[2, 1, 8], 1)], |x| split_heads(&x[0], 1));
}

#[test]
fn linear_gradients() {
    check(&[wave(&[2, 3, 7], 1), wave(&[5, 7], 2)], |x| linear(&x[0], &x[1]));
}

#[test]
fn lora_gradients_with_and_without_dropout() {
    for dropout in [None, Some(Dropout::new(0.3, 5, Draw::default()).unwrap())] {
        let weight: Arc<dyn FrozenWeight> = Arc::new(wave(&[5, 7], 2));
        let f = |x: &[Tensor]| {
            let lora = Lora { a: x[1].clone(), b: x[2].clone(), scale: 1.7, dropout: dropout.clone() };
            lora_linear(&x[0], &weight, &lora)
        };
        let inputs = [wave(&[2, 3, 7], 1), wave(&[2, 7], 3), wave(&[5, 2], 4)];
        if dropout.is_none() {
            check(&inputs, f);
        } else {
            // Differences need the same mask although nothing is tracked: compare the gradient of B, which sees the mask.
            let (wide, narrow) = (gradients(&inputs, DType::F64, &f), gradients(&inputs, DType::F32, &f));
            (0..3).for_each(|i| assert_close("dropout", &narrow[i], &wide[i], KERNEL));
            assert_ne!(
                wide[1],
                gradients(&inputs, DType::F64, &|x: &[Tensor]| {
                    lora_linear(&x[0], &weight, &Lora { a: x[1].clone(), b: x[2].clone(), scale: 1.7, dropout: None })
                })[1]
            );
        }
    }
}

#[test]
fn attention_gradients_under_every_mask() {
    let packed = Mask::Packed([0, 0, 2, 2, 4, 0, 1, 1, 1, 1].into());
    for mask in [Mask::Full, Mask::Causal, packed] {
        let inputs = [wave(&[2, 4, 5, 6], 1), wave(&[2, 2, 5, 6], 2), wave(&[2, 2, 5, 6], 3)];
        check(&inputs, |x| attention(&x[0], &x[1], &x[2], 0.7, &mask));
    }
}

#[test]
fn attention_over_a_cache_and_over_several_blocks_agrees_with_the_composed_path() {
    // 300 queries are three blocks; 20 more keys than queries stand for a cache.
    let inputs = [wave(&[1, 4, 300, 8], 1), wave(&[1, 2, 320, 8], 2), wave(&[1, 2, 320, 8], 3)];
    let f = |x: &[Tensor]| attention(&x[0], &x[1], &x[2], 0.5, &Mask::Causal);
    let (wide, narrow) = (gradients(&inputs, DType::F64, &f), gradients(&inputs, DType::F32, &f));
    (0..3).for_each(|i| assert_close("cache", &narrow[i], &wide[i], KERNEL));
}

#[test]
fn cross_entropy_gradients() {
    let targets = Tensor::new(&[3u32, 0, 40, 7], &Device::Cpu).unwrap();
    let weights = Tensor::new(&[1f32, 0.5, 0.0, 2.0], &Device::Cpu).unwrap();
    check(&[(wave(&[4, 41], 1) * 5.0).unwrap()], |x| cross_entropy(&x[0], &targets, &weights));
    check(&[wave(&[4, 6], 1), wave(&[41, 6], 2)], |x| linear_cross_entropy(&x[0], &x[1], &targets, &weights));
}

#[test]
fn the_head_in_parts_gives_the_loss_of_the_whole() {
    // A vocabulary so large that 40 rows are three parts.
    let (hidden, w) = (wave(&[40, 2], 1).to_dtype(DType::F32).unwrap(), wave(&[1 << 20, 2], 2).to_dtype(DType::F32).unwrap());
    let targets = Tensor::from_iter((0..40u32).map(|i| i * 997), &Device::Cpu).unwrap();
    let weights = Tensor::from_iter((0..40).map(|i| (i % 3) as f32), &Device::Cpu).unwrap();
    let whole = cross_entropy(&linear(&hidden, &w).unwrap(), &targets, &weights).unwrap();
    let parts = linear_cross_entropy(&hidden, &w, &targets, &weights).unwrap();
    assert_close("loss", &flat(&parts), &flat(&whole), 1e-6);
}

#[test]
fn labels_that_make_no_sense_are_refused() {
    let logits = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
    let refused = |targets: &[u32], weights: &[f32]| {
        let (targets, weights) = (Tensor::new(targets, &Device::Cpu).unwrap(), Tensor::new(weights, &Device::Cpu).unwrap());
        cross_entropy(&logits, &targets, &weights).unwrap_err().to_string()
    };
    assert!(refused(&[0, 3], &[1.0, 1.0]).contains("the target of row 1 is 3"));
    assert!(refused(&[0, 1], &[1.0, -1.0]).contains("the weight of row 1"));
    assert!(refused(&[0, 1], &[0.0, 0.0]).contains("no row has a weight"));
    assert!(refused(&[0], &[1.0]).contains("1 targets"));
}

#[test]
fn a_logit_that_is_not_a_number_shows_in_the_loss() {
    let logits = Tensor::new(&[[0f32, f32::NAN, 1.0]], &Device::Cpu).unwrap();
    let one = |v: f32| Tensor::new(&[v], &Device::Cpu).unwrap();
    let targets = Tensor::new(&[0u32], &Device::Cpu).unwrap();
    assert!(cross_entropy(&logits, &targets, &one(1.0)).unwrap().to_scalar::<f32>().unwrap().is_nan());
}
