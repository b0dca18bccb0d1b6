//! Little-endian floats of a file to tensors, converted on the way in one pass over the mapped bytes.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::decoder::Compute;
use crate::{Error, Result};

/// Values converted at a time by one thread.
const CHUNK: usize = 1 << 16;

/// A tensor of `shape` from its bytes, which the caller has checked to be as many as `stored` and `shape` need.
pub(crate) fn tensor(name: &str, bytes: &[u8], stored: DType, compute: Compute, shape: &[usize], device: &Device) -> Result<Tensor> {
    match (stored, compute) {
        (DType::F16, Compute::F32) => {
            Ok(Tensor::from_vec(convert(bytes.as_chunks().0, |b| f16::from_le_bytes(*b).to_f32()), shape, device)?)
        }
        (DType::BF16, Compute::F32) => {
            Ok(Tensor::from_vec(convert(bytes.as_chunks().0, |b| bf16::from_le_bytes(*b).to_f32()), shape, device)?)
        }
        (DType::F32, Compute::F16) => narrow(name, bytes.as_chunks().0, |b| f32::from_le_bytes(*b), shape, device),
        (DType::BF16, Compute::F16) => narrow(name, bytes.as_chunks().0, |b| bf16::from_le_bytes(*b).to_f32(), shape, device),
        _ => Ok(Tensor::from_raw_buffer(bytes, stored, shape, device)?),
    }
}

/// Rounds to f16, and refuses a finite value that has no finite counterpart.
fn narrow<S: Sync>(name: &str, stored: &[S], wide: impl Fn(&S) -> f32 + Sync, shape: &[usize], device: &Device) -> Result<Tensor> {
    let overflow = AtomicBool::new(false);
    let values = convert(stored, |s| {
        let value = wide(s);
        let narrow = f16::from_f32(value);
        if value.is_finite() && !narrow.is_finite() {
            overflow.store(true, Ordering::Relaxed);
        }
        narrow
    });
    if overflow.into_inner() {
        return Err(Error::F16Overflow { name: name.to_owned() });
    }
    Ok(Tensor::from_vec(values, shape, device)?)
}

fn convert<S: Sync, T: Copy + Default + Send>(stored: &[S], f: impl Fn(&S) -> T + Sync) -> Vec<T> {
    let mut values = vec![T::default(); stored.len()];
    values.par_chunks_mut(CHUNK).zip(stored.par_chunks(CHUNK)).for_each(|(values, stored)| {
        values.iter_mut().zip(stored).for_each(|(v, s)| *v = f(s));
    });
    values
}
