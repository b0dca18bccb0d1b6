//! Sums: of the residual stream, and of a bias.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};
use rayon::prelude::*;

use super::{cpu, node};

/// `x + y`, of one shape. Unlike candle's sum it leaves no gradient for an argument that is frozen.
///
/// # Errors
/// When shapes, types or devices differ.
pub fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let value = (x.detach() + y.detach())?;
    let (track_x, track_y) = (x.track_op(), y.track_op());
    if !track_x && !track_y {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| Ok([track_x.then(|| g.clone()), track_y.then(|| g.clone())]);
    node::node2("add", [x, y], value, Box::new(backward))
}

/// `x [.., n] + bias [n]`.
///
/// # Errors
/// When shapes, types or devices do not fit.
pub fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let value = x.detach().broadcast_add(&bias.detach())?;
    let (track_x, track_bias) = (x.track_op(), bias.track_op());
    if !track_x && !track_bias {
        return Ok(value);
    }
    let width = bias.elem_count();
    let backward = move |_: &Tensor, g: &Tensor| {
        let d_bias = track_bias.then(|| g.contiguous()?.reshape(((), width))?.sum(0)).transpose()?;
        Ok([track_x.then(|| g.clone()), d_bias])
    };
    node::node2("add_bias", [x, bias], value, Box::new(backward))
}

/// `into + x`, written in place on the CPU in f32: `into` must be a tensor that nobody else holds, for its views change with it.
/// Neither is tracked. For sums of gradients.
///
/// # Errors
/// When shapes, types or devices differ.
pub fn accumulate(into: Tensor, x: &Tensor) -> Result<Tensor> {
    if !cpu::applies(&[&into, x]) || into.shape() != x.shape() {
        return into + x;
    }
    let x = x.contiguous()?;
    let x = cpu::values(&x)?;
    update(&into, |into| {
        const CHUNK: usize = 1 << 13;
        into.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(into, x)| {
            into.iter_mut().zip(x).for_each(|(into, x)| *into += x);
        });
    })?;
    Ok(into)
}

/// Changes the values of a contiguous f32 CPU tensor in place. The tensor must be fresh: every view of it changes too.
pub(crate) fn update(tensor: &Tensor, f: impl FnOnce(&mut [f32])) -> Result<()> {
    struct Update<F>(std::cell::Cell<Option<F>>);
    impl<F: FnOnce(&mut [f32])> InplaceOp1 for Update<F> {
        fn name(&self) -> &'static str {
            "update"
        }
        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
            match (storage, layout.contiguous_offsets(), self.0.take()) {
                (CpuStorage::F32(values), Some((start, end)), Some(f)) => {
                    f(&mut values[start..end]);
                    Ok(())
                }
                _ => candle_core::bail!("only a contiguous f32 tensor on the cpu is changed in place"),
            }
        }
    }
    tensor.inplace_op1(&Update(std::cell::Cell::new(Some(f))))
}
