//! Dropout whose masks are a function of a seed and a counter: nothing is stored, and a recomputed forward drops the same values.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use candle_core::{DType, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

use super::cpu;

/// The number of the draw, shared by all layers of a model. The training loop sets it once a batch, so that forward, backward
/// and a recomputation under gradient checkpointing see the same masks.
#[derive(Clone, Debug, Default)]
pub struct Draw(Arc<AtomicU64>);

impl Draw {
    /// Masks from now on are those of draw `number`.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The draw in force.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets each value to zero with probability `p` and scales the rest by `1 / (1 - p)`.
#[derive(Clone, Debug)]
pub struct Dropout {
    p: f64,
    seed: u64,
    draw: Draw,
}

impl Dropout {
    /// Dropout with probability `p`; `seed` is the layer's own.
    ///
    /// # Errors
    /// When `p` is not in `0..1`.
    pub fn new(p: f64, seed: u64, draw: Draw) -> Result<Self> {
        if !(0.0..1.0).contains(&p) {
            candle_core::bail!("a dropout of {p} is not in 0..1");
        }
        Ok(Self { p, seed, draw })
    }

    /// The draw in force, to be handed back to [`Self::apply`].
    pub(super) fn draw(&self) -> u64 {
        self.draw.get()
    }

    /// `x` under the mask of `draw`, scaled. The derivative is the same function.
    pub(super) fn apply(&self, x: &Tensor, draw: u64) -> Result<Tensor> {
        if self.p == 0.0 {
            return Ok(x.clone());
        }
        let x = x.contiguous()?;
        if cpu::applies(&[&x]) {
            let mut out = cpu::values(&x)?.to_vec();
            self.mask(draw, &mut out);
            return Tensor::from_vec(out, x.shape(), x.device());
        }
        let mut mask = vec![1f32; x.elem_count()];
        self.mask(draw, &mut mask);
        Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(DType::F32)?.to_dtype(x.dtype())? * x
    }

    /// Multiplies every value by 0 or `1 / (1 - p)`. Each chunk has its own stretch of the random stream, so that the result
    /// does not depend on the number of threads.
    fn mask(&self, draw: u64, values: &mut [f32]) {
        const CHUNK: usize = 1 << 12;
        let threshold = (self.p * 65536.0).round() as u16;
        let scale = (1.0 / (1.0 - self.p)) as f32;
        values.par_chunks_mut(CHUNK).enumerate().for_each(|(i, values)| {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(draw);
            random.set_word_pos((i * CHUNK / 2) as u128);
            let mut bytes = [0u8; 2 * CHUNK];
            random.fill_bytes(&mut bytes[..2 * values.len()]);
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *value *= if u16::from_le_bytes(*bytes) < threshold { 0.0 } else { scale };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn dropped(p: f64, seed: u64, draw: u64) -> Vec<f32> {
        let x = Tensor::ones(20_000, DType::F32, &Device::Cpu).unwrap();
        Dropout::new(p, seed, Draw::default()).unwrap().apply(&x, draw).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_share_dropped_is_p_and_the_mean_stays() {
        let values = dropped(0.25, 1, 0);
        let zeros = values.iter().filter(|&&v| v == 0.0).count();
        assert!((zeros as f64 / 20_000.0 - 0.25).abs() < 0.015, "{zeros}");
        assert!(values.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn a_mask_is_a_function_of_seed_and_draw() {
        assert_eq!(dropped(0.5, 1, 3), dropped(0.5, 1, 3));
        assert_ne!(dropped(0.5, 1, 3), dropped(0.5, 1, 4));
        assert_ne!(dropped(0.5, 1, 3), dropped(0.5, 2, 3));
        assert_eq!(dropped(0.0, 1, 3), vec![1.0; 20_000]);
    }

    #[test]
    fn a_probability_of_one_is_refused() {
        assert!(Dropout::new(1.0, 0, Draw::default()).is_err());
        assert!(Dropout::new(f64::NAN, 0, Draw::default()).is_err());
    }
}
