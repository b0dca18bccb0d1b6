//! What an adaptation tells while it runs. It never prints: whoever starts it observes.

use std::path::Path;

use units::{Bytes, Tokens};

/// An instant of an adaptation worth telling. The kinds are closed: a front end can match them all.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The base model is in memory.
    Loaded {
        /// Its weights as held.
        base_bytes: Bytes,
    },
    /// The corpus is read, rendered and cut to length.
    Corpus {
        /// Conversations.
        rows: u64,
        /// Tokens of all of them.
        tokens: Tokens,
        /// Conversations that were cut to the longest length allowed.
        truncated: u64,
    },
    /// Training begins.
    Started {
        /// Optimiser steps to come.
        steps: u64,
        /// Parameters that are trained.
        trainable_parameters: u64,
    },
    /// An optimiser step is done.
    Step(Step),
    /// The adapter is on disk.
    Written {
        /// Its folder.
        folder: &'a Path,
    },
}

/// One optimiser step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub number: u64,
    /// Steps in all.
    pub steps: u64,
    /// Mean loss over the step's loss tokens, in nats a token.
    pub loss: f64,
    /// Euclidean norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate that was applied.
    pub learning_rate: f64,
    /// Tokens processed, padding excluded.
    pub tokens: Tokens,
    /// Those of them that carried loss.
    pub loss_tokens: Tokens,
}

/// Is told of every [`Event`].
pub trait Observer {
    /// Takes note of an event. It should return quickly: training waits.
    fn event(&self, event: &Event<'_>);
}

/// An observer that takes no note.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}

impl<F: Fn(&Event<'_>)> Observer for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}
