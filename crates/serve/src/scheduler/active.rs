//! One running sequence: a turn feeds it its prompt or its last token, chooses the next, and tells the text that became certain.

use std::sync::atomic::Ordering::Relaxed;

use model::sampling::{Sampler, logprobs};
use units::{Bytes, Nanos};

use crate::backend::{Failure, Loaded, Sequence};
use crate::metrics::{Ended, Metrics};
use crate::request::{End, Finish, Generate, News, Piece, Submission, TokenLogprob};
use crate::transcript::Transcript;

/// Prompt tokens a turn: a long prompt does not hold up its neighbours for longer than one such step.
const PREFILL_TOKENS: usize = 512;

/// What became of a turn.
pub(super) enum Turn {
    /// There is more to come.
    Goes,
    /// Nothing was done: the client has news unread.
    Halted,
    /// It is over.
    Ended(Ended),
}

/// A sequence between its admission and its end.
pub(super) struct Active {
    generate: Generate,
    index: usize,
    news: tokio::sync::mpsc::Sender<News>,
    sequence: Box<dyn Sequence>,
    sampler: Sampler,
    transcript: Transcript,
    end_ids: Vec<u32>,
    /// Prompt tokens already fed.
    fed: usize,
    last: Option<u32>,
    generated: usize,
    /// When the last token came, or the request.
    since: Nanos,
}

impl Active {
    pub(super) fn new(submission: Submission, sequence: Box<dyn Sequence>, model: &Loaded) -> Self {
        let Submission { generate, index, submitted, news } = submission;
        Self {
            index,
            news,
            sequence,
            sampler: Sampler::new(generate.sampling),
            transcript: Transcript::new(&model.tokenizer, &generate.prompt, generate.stop.clone()),
            end_ids: if generate.ignore_eos { Vec::new() } else { model.tokenizer.eos().to_vec() },
            fed: 0,
            last: None,
            generated: 0,
            since: submitted,
            generate,
        }
    }

    pub(super) fn kv_bytes(&self) -> Bytes {
        self.sequence.kv_bytes()
    }

    /// When the last token came; `None` before the first.
    pub(super) fn last_token(&self) -> Option<Nanos> {
        (self.generated > 0).then_some(self.since)
    }

    /// One step of the model, and what follows from it.
    pub(super) fn turn(&mut self, metrics: &Metrics) -> Turn {
        if self.news.is_closed() {
            return Turn::Ended(Ended::Cancelled);
        }
        if self.news.capacity() == 0 {
            return Turn::Halted;
        }
        match self.advance(metrics) {
            Ok(None) => Turn::Goes,
            Ok(Some(Finish::Stop)) => Turn::Ended(Ended::Stop),
            Ok(Some(Finish::Length)) => Turn::Ended(Ended::Length),
            Err(failure) => {
                self.fail(&failure.to_string());
                Turn::Ended(Ended::Failed)
            }
        }
    }

    /// Tells the client that its answer ends here, and why.
    pub(super) fn fail(&mut self, reason: &str) {
        self.tell(Piece::default(), Some(Err(reason.to_owned())));
    }

    fn advance(&mut self, metrics: &Metrics) -> Result<Option<Finish>, Failure> {
        let Some(mut logits) = self.step(metrics)? else { return Ok(None) };
        let id = self.choose(&mut logits).ok_or("the model gave no logits that are numbers")?;
        self.count(metrics);
        self.last = Some(id);
        let (piece, finish) = self.follow(id, &logits);
        self.tell(piece, finish.map(Ok));
        Ok(finish)
    }

    /// Feeds the model; `None` while the prompt is not through.
    fn step(&mut self, metrics: &Metrics) -> Result<Option<Vec<f32>>, Failure> {
        if let Some(last) = self.last {
            return self.sequence.step(&[last]).map(Some);
        }
        let chunk = &self.generate.prompt[self.fed..];
        let chunk = &chunk[..chunk.len().min(PREFILL_TOKENS)];
        let logits = self.sequence.step(chunk)?;
        metrics.prompt_tokens.fetch_add(chunk.len() as u64, Relaxed);
        self.fed += chunk.len();
        Ok((self.fed == self.generate.prompt.len()).then_some(logits))
    }

    /// The next token. Before `min_tokens` an end id cannot be drawn; `logits` are left as they were.
    fn choose(&mut self, logits: &mut [f32]) -> Option<u32> {
        if self.generated >= self.generate.min_tokens {
            return self.sampler.sample(logits);
        }
        let mut banned = Vec::with_capacity(self.end_ids.len());
        for id in &self.end_ids {
            if let Some(logit) = logits.get_mut(*id as usize) {
                banned.push((*id, std::mem::replace(logit, f32::NEG_INFINITY)));
            }
        }
        let chosen = self.sampler.sample(logits);
        for (id, logit) in banned {
            logits[id as usize] = logit;
        }
        chosen
    }

    fn count(&mut self, metrics: &Metrics) {
        let now = record::clock::now();
        let histogram = if self.generated == 0 { &metrics.first_token } else { &metrics.inter_token };
        histogram.observe(now.since(self.since));
        metrics.generation_tokens.fetch_add(1, Relaxed);
        self.generated += 1;
        self.since = now;
    }

    /// The text that a token makes certain, and whether it ends the answer.
    fn follow(&mut self, id: u32, logits: &[f32]) -> (Piece, Option<Finish>) {
        if self.end_ids.contains(&id) {
            return (self.transcript.finish(), Some(Finish::Stop));
        }
        let logprob = self.generate.logprobs.and_then(|top| logprobs(logits, id, top));
        let logprob = logprob.map(|(chosen, top)| TokenLogprob { chosen, top, offset: 0 });
        let (mut piece, stopped) = self.transcript.push(id, logprob, self.generated > self.generate.min_tokens);
        if stopped {
            return (piece, Some(Finish::Stop));
        }
        let full = self.generated >= self.generate.max_tokens;
        if full {
            piece.append(self.transcript.finish());
        }
        (piece, full.then_some(Finish::Length))
    }

    fn tell(&mut self, piece: Piece, finish: Option<Result<Finish, String>>) {
        let piece = Some(piece).filter(|piece| !piece.is_empty());
        let end = finish.map(|finish| End { finish, completion_tokens: self.generated });
        if piece.is_some() || end.is_some() {
            // There was room when the turn began and nobody else sends; an error means that the client has gone.
            let _gone = self.news.try_send(News { index: self.index, piece, end });
        }
    }
}
