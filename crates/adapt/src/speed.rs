//! A training step of a known shape, for benches: the 58-million-parameter LLaMA shape, 4 sequences of 256 tokens, LoRA of rank 16
//! on all projections, f32.

use model::{
    Base, Compute, Decoder, LoadOptions, bench_shapes,
    tensor::{Device, Var},
};

use crate::{
    AdamW, Result,
    corpus::{Batch, Example},
    lora::{self, Adapter, Config},
    train::Gradients,
};

/// Sequences of a step.
pub const BATCH: usize = 4;
/// Tokens of a sequence.
pub const LENGTH: usize = 256;

/// A model with an adapter, an optimiser and a batch, ready to be stepped.
#[derive(Debug)]
pub struct Step {
    model: Decoder,
    adapter: Adapter,
    variables: Vec<(String, Var)>,
    optimiser: AdamW,
    batch: Batch,
    checkpointing: bool,
}

impl Step {
    /// Random weights of the shape, held as `base` says.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn new(base: Base, checkpointing: bool) -> Result<Self> {
        let options = LoadOptions { device: Device::Cpu, compute: Compute::F32, base };
        let config = bench_shapes::small();
        let vocabulary = config.vocab;
        let mut model = Decoder::random(&config, 1, &options)?;
        let targets = plan::TARGET_MODULES.iter().map(|&t| t.to_owned()).collect();
        let adapter = lora::attach(&mut model, &Config { rank: 16, alpha: 32.0, dropout: 0.0, targets }, 1)?;
        let variables = adapter.variables();
        let optimiser = AdamW::new(&variables, 0.0, None)?;
        let ids = bench_shapes::prompt(BATCH * (LENGTH + 1), vocabulary);
        let sequences: Vec<Example> =
            ids.chunks(LENGTH + 1).map(|ids| Example { ids: ids.to_vec(), weights: vec![1.0; ids.len()] }).collect();
        let batch = Batch::new(&sequences.iter().map(|e| vec![e]).collect::<Vec<_>>());
        Ok(Self { model, adapter, variables, optimiser, batch, checkpointing })
    }

    /// Forward, backward and update; gives the loss.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn run(&mut self) -> Result<f64> {
        let mut gradients = Gradients::new(&self.model, &self.variables, self.checkpointing);
        let loss = gradients.add(&self.batch, 1.0)?;
        self.optimiser.step(&gradients.finish()?, 1e-4)?;
        Ok(loss)
    }

    /// The adapter that is trained.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }
}
