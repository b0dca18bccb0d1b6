//! LoRA and QLoRA: a corpus and a base model in, a PEFT adapter out.
//!
//! [`run`] is the whole stage: it reads conversations, renders them with the model's own chat template, trains low-rank updates
//! of chosen linear layers with loss on the answers only, and writes a folder that `peft` loads. The base is dense (LoRA) or 4-bit
//! (QLoRA), and frozen: no gradient is computed or kept for it. The same loop trains whole models in [`full`].
//!
//! Not here: tensors and their gradients (`model::ops`), tokenizers and templates (`text`), merging an adapter (`compress`).

pub mod corpus;
mod error;
mod event;
pub mod full;
mod job;
pub mod lora;
mod optimiser;
pub mod peft;
mod schedule;
pub mod speed;
pub mod train;

pub use error::{Error, Result};
pub use event::{Event, Observer, Silent};
pub use job::{Facts, Job, run};
pub use optimiser::AdamW;
pub use schedule::LearningRate;
