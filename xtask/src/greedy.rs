//! Greedy answers of a model that is held in memory, one prompt at a time. Not a server: no batching, no streaming.

use anyhow::Result;
use model::{
    Decoder,
    tensor::{D, Tensor},
};
use text::Tokenizer;

/// The text that the model continues a prompt with, up to an end token, `stop` or `longest` tokens.
pub(crate) fn answer(decoder: &Decoder, tokenizer: &Tokenizer, prompt: &[u32], stop: &str, longest: usize) -> Result<String> {
    let mut cache = decoder.new_cache(1, prompt.len() + longest)?;
    let mut ids = Tensor::from_slice(prompt, (1, prompt.len()), decoder.device())?;
    let mut answer = Vec::new();
    for _ in 0..longest {
        let next = decoder.forward(&ids, &mut cache)?.argmax(D::Minus1)?.to_vec1::<u32>()?[0];
        if tokenizer.is_eos(next) {
            break;
        }
        answer.push(next);
        if !stop.is_empty() && tokenizer.decode(&answer).contains(stop) {
            break;
        }
        ids = Tensor::from_slice(&[next], (1, 1), decoder.device())?;
    }
    let text = tokenizer.decode(&answer);
    Ok(text.split(stop).next().filter(|_| !stop.is_empty()).unwrap_or(&text).to_owned())
}
