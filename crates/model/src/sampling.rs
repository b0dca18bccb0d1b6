//! From logits to a token: temperature, top-k, top-p, a seed; and log-probabilities.
//!
//! Works on plain f32 logits, so that it needs no tensors. Not here: stop strings and lengths, which are the server's.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the most probable token; otherwise logits are divided by it.
    pub temperature: f32,
    /// Keep the most probable tokens whose probabilities first reach this sum; 1 keeps all.
    pub top_p: f32,
    /// Keep this many of the most probable tokens; `None` keeps all.
    pub top_k: Option<usize>,
    /// Seed of the draws.
    pub seed: u64,
}

/// A token and the natural logarithm of its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogProb {
    /// Its id.
    pub id: u32,
    /// Under the model itself: before temperature, top-k and top-p.
    pub logprob: f32,
}

/// Draws one token after another.
#[derive(Clone, Debug)]
pub struct Sampler {
    settings: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    /// A sampler at the start of its random stream.
    pub fn new(settings: Sampling) -> Self {
        Self { settings, rng: ChaCha8Rng::seed_from_u64(settings.seed) }
    }

    /// The next token, or `None` when no logit is a number.
    pub fn sample(&mut self, logits: &[f32]) -> Option<u32> {
        let Sampling { temperature, top_p, top_k, .. } = self.settings;
        if temperature <= 0.0 || top_k == Some(1) {
            return argmax(logits);
        }
        let largest = logits[argmax(logits)? as usize];
        let weight = |logit: f32| ((logit - largest) / temperature).exp();
        let mut kept: Vec<(u32, f32)> = (0u32..).zip(logits).filter(|(_, l)| !l.is_nan()).map(|(id, l)| (id, weight(*l))).collect();
        if let Some(k) = top_k {
            keep_most(&mut kept, k.max(1));
        }
        if top_p < 1.0 {
            keep_nucleus(&mut kept, top_p);
        }
        draw(&kept, self.rng.random())
    }
}

/// The id of the largest logit, the first of equals; `None` when none is a number.
pub fn argmax(logits: &[f32]) -> Option<u32> {
    // Two passes that the compiler can vectorise: the largest value, then its place.
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = logits.as_chunks::<LANES>();
    let mut top = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (top, logit) in top.iter_mut().zip(chunk) {
            *top = larger(*top, *logit);
        }
    }
    let largest = top.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, larger);
    logits.iter().position(|logit| *logit >= largest).map(|id| id as u32)
}

/// Values compared at once.
const LANES: usize = 32;

/// The log-probability of `id`, and the `top` most probable tokens, the most probable first. `None` when `id` is outside the logits.
pub fn logprobs(logits: &[f32], id: u32, top: usize) -> Option<(LogProb, Vec<LogProb>)> {
    let chosen = *logits.get(id as usize)?;
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from(l - largest).exp()).sum();
    let normaliser = largest + sum.ln() as f32;
    let mut all: Vec<(u32, f32)> = (0u32..).zip(logits.iter().copied()).collect();
    keep_most(&mut all, top);
    let of = |(id, logit): (u32, f32)| LogProb { id, logprob: logit - normaliser };
    Some((of((id, chosen)), all.into_iter().map(of).collect()))
}

/// Keeps the `k` largest, in falling order; equals in rising order of their ids.
fn keep_most(tokens: &mut Vec<(u32, f32)>, k: usize) {
    let falling = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if k == 0 {
        tokens.clear();
    } else if k < tokens.len() {
        tokens.select_nth_unstable_by(k - 1, falling);
        tokens.truncate(k);
    }
    tokens.sort_unstable_by(falling);
}

/// Keeps the fewest of the largest whose sum reaches `p` of the whole; at least one.
fn keep_nucleus(tokens: &mut Vec<(u32, f32)>, p: f32) {
    let all = tokens.len();
    keep_most(tokens, all);
    let goal = p * tokens.iter().map(|t| t.1).sum::<f32>();
    let mut sum = 0.0;
    let reached = tokens.iter().position(|t| {
        sum += t.1;
        sum >= goal
    });
    tokens.truncate(reached.map_or(all, |i| i + 1).max(1));
}

/// The token at the share `u` of the summed weights.
fn draw(tokens: &[(u32, f32)], u: f32) -> Option<u32> {
    let goal = u * tokens.iter().map(|t| t.1).sum::<f32>();
    let mut sum = 0.0;
    let hit = tokens.iter().find(|t| {
        sum += t.1;
        sum > goal
    });
    hit.or(tokens.last()).map(|t| t.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [0.0, 3.0, 1.0, 3.0, -2.0];

    fn settings(temperature: f32, top_p: f32, top_k: Option<usize>) -> Sampling {
        Sampling { temperature, top_p, top_k, seed: 7 }
    }

    fn counts(settings: Sampling, n: usize) -> [usize; 5] {
        let mut sampler = Sampler::new(settings);
        let mut counts = [0; 5];
        for _ in 0..n {
            counts[sampler.sample(&LOGITS).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        assert_eq!(counts(settings(0.0, 1.0, None), 3), [0, 3, 0, 0, 0]);
        assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY]), Some(1));
        assert_eq!(argmax(&[f32::NAN]), None);
        assert_eq!(Sampler::new(settings(1.0, 1.0, None)).sample(&[]), None);
    }

    #[test]
    fn shares_follow_the_softmax() {
        let counts = counts(settings(1.0, 1.0, None), 20_000);
        let weights = LOGITS.map(f32::exp);
        let total: f32 = weights.iter().sum();
        for (count, weight) in counts.iter().zip(weights) {
            let (share, expected) = (*count as f32 / 20_000.0, weight / total);
            assert!((share - expected).abs() < 0.015, "{share} against {expected}");
        }
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let [a, b, c, d, e] = counts(settings(2.0, 1.0, Some(3)), 2_000);
        assert!(a == 0 && e == 0 && b > 0 && c > 0 && d > 0);
        let [a, b, c, d, e] = counts(settings(1.0, 0.6, None), 2_000);
        assert!(a == 0 && c == 0 && e == 0 && b > 0 && d > 0);
        assert_eq!(counts(settings(1.0, 0.0, None), 10), [0, 10, 0, 0, 0]);
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        let run = || {
            let mut sampler = Sampler::new(settings(1.5, 0.95, None));
            (0..50).map(|_| sampler.sample(&LOGITS).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn log_probabilities_are_of_the_model_itself() {
        let (chosen, top) = logprobs(&LOGITS, 2, 3).unwrap();
        let total: f32 = LOGITS.iter().map(|l| l.exp()).sum();
        assert!((chosen.logprob - (1.0 - total.ln())).abs() < 1e-5);
        assert_eq!(top.iter().map(|t| t.id).collect::<Vec<_>>(), [1, 3, 2]);
        assert!(logprobs(&LOGITS, 5, 0).is_none());
        let all: f32 = logprobs(&LOGITS, 0, 5).unwrap().1.iter().map(|t| t.logprob.exp()).sum();
        assert!((all - 1.0).abs() < 1e-5);
    }
}
