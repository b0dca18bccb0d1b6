//! A request as the engine takes it, and what comes back: everything checked, nothing of HTTP or JSON.

use model::sampling::{LogProb, Sampling};
use units::Nanos;

/// What is generated for one prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Generate {
    /// Token ids, not empty.
    pub(crate) prompt: Vec<u32>,
    /// How tokens are chosen.
    pub(crate) sampling: Sampling,
    /// Tokens at most, at least 1.
    pub(crate) max_tokens: usize,
    /// Tokens before which neither an end id nor a stop string counts.
    pub(crate) min_tokens: usize,
    /// End ids are tokens like any other.
    pub(crate) ignore_eos: bool,
    /// Texts that end the answer and are not part of it.
    pub(crate) stop: Vec<String>,
    /// Log probabilities of the tokens, with so many alternatives each.
    pub(crate) logprobs: Option<usize>,
}

/// One turn's worth of news of one prompt's answer.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Which prompt of the request.
    pub(crate) index: usize,
    /// Text that became complete.
    pub(crate) piece: Option<Piece>,
    /// Set on the last news.
    pub(crate) end: Option<End>,
}

/// Text and the tokens it stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Piece {
    /// Whole characters; may be empty when only tokens without text remain.
    pub(crate) text: String,
    /// The tokens, when asked for.
    pub(crate) logprobs: Vec<TokenLogprob>,
}

impl Piece {
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.logprobs.is_empty()
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.logprobs.extend(other.logprobs);
    }
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// Why.
    pub(crate) finish: Result<Finish, String>,
    /// Tokens generated, an end token and tokens without text included.
    pub(crate) completion_tokens: usize,
}

/// OpenAI's `finish_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// An end token or a stop string.
    Stop,
    /// `max_tokens`.
    Length,
}

impl Finish {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// A generated token with its log probability, and the likeliest ones at its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TokenLogprob {
    /// The token.
    pub(crate) chosen: LogProb,
    /// The likeliest tokens, best first.
    pub(crate) top: Vec<LogProb>,
    /// Where its text begins, in characters of the answer.
    pub(crate) offset: usize,
}

/// When a request reached the engine, and what it is.
pub(crate) struct Submission {
    pub(crate) generate: Generate,
    pub(crate) index: usize,
    pub(crate) submitted: Nanos,
    pub(crate) news: tokio::sync::mpsc::Sender<News>,
}
