//! Models whose every answer a test knows: one that recites, one that rambles, one that fails.

use std::time::Duration;

use serve::{Backend, Failure, Loaded, Sequence};
use units::Bytes;

use crate::tokenizer::{self, END, VOCABULARY};

/// What a fake's cache would take, in bytes a token.
const KV_BYTES_PER_TOKEN: u64 = 16;

/// What a fake model does.
#[derive(Clone)]
pub(crate) enum Fake {
    /// Says these ids, then ends, whatever the prompt; each with probability 0.5, the rest spread evenly.
    Recites(Vec<u32>),
    /// Logits are a hash of all ids so far: any change in what a sequence was fed changes what it says.
    Rambles,
    /// Rambles, and rests at each step.
    Slow(Duration),
    /// Recites a letter, then fails.
    Fails,
    /// Gives no number that is finite.
    Broken,
}

impl Fake {
    pub(crate) fn recites(text: &str) -> Self {
        Self::Recites(text.bytes().map(u32::from).collect())
    }

    pub(crate) fn loaded(self) -> Loaded {
        let (tokenizer, template) = tokenizer::load();
        Loaded {
            backend: Box::new(self),
            tokenizer,
            template,
            name: "fake".into(),
            weights: Bytes(123_456),
            context_length: 2048,
            vocabulary: VOCABULARY,
        }
    }
}

impl Backend for Fake {
    fn open(&self, capacity: usize) -> Result<Box<dyn Sequence>, Failure> {
        Ok(Box::new(Recital { fake: self.clone(), ids: Vec::new(), steps: 0, capacity }))
    }
}

struct Recital {
    fake: Fake,
    ids: Vec<u32>,
    steps: usize,
    capacity: usize,
}

impl Sequence for Recital {
    fn step(&mut self, ids: &[u32]) -> Result<Vec<f32>, Failure> {
        assert!(!ids.is_empty());
        self.ids.extend(ids);
        self.steps += 1;
        if self.ids.len() > self.capacity {
            return Err(format!("{} tokens in a cache of {}", self.ids.len(), self.capacity).into());
        }
        Ok(match &self.fake {
            Fake::Recites(script) => says(script.get(self.steps - 1).copied().unwrap_or(END)),
            Fake::Rambles => rambles(&self.ids),
            Fake::Slow(rest) => {
                std::thread::sleep(*rest);
                rambles(&self.ids)
            }
            Fake::Fails if self.steps > 1 => return Err("the fake was told to fail".into()),
            Fake::Fails => says(u32::from(b'f')),
            Fake::Broken => vec![f32::NAN; VOCABULARY],
        })
    }

    fn kv_bytes(&self) -> Bytes {
        Bytes(self.capacity as u64 * KV_BYTES_PER_TOKEN)
    }
}

fn says(id: u32) -> Vec<f32> {
    let mut logits = vec![0.0; VOCABULARY];
    logits[id as usize] = ((VOCABULARY - 1) as f32).ln();
    logits
}

/// Letters only, so that every answer is readable text; never a special token.
fn rambles(ids: &[u32]) -> Vec<f32> {
    let hash = ids.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, id| (hash ^ u64::from(*id)).wrapping_mul(0x0100_0000_01b3));
    let mut state = hash;
    let letters = u32::from(b'a')..=u32::from(b'z');
    (0..VOCABULARY as u32)
        .map(|id| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let logit = (state >> 40) as f32 / 2_f32.powi(24) * 4.0;
            if letters.contains(&id) { logit } else { f32::NEG_INFINITY }
        })
        .collect()
}

/// How many tokens a text prompt becomes: the beginning and its bytes.
pub(crate) fn prompt_tokens(text: &str) -> u64 {
    1 + text.len() as u64
}
