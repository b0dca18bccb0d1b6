//! Token ids to the text of one answer, as it grows: characters are held back until they are whole, text until it cannot be a stop
//! string, and every token's log probability leaves with its text.

use std::collections::VecDeque;

use text::{DecodeStream, Tokenizer};

use crate::request::{Piece, TokenLogprob};
use crate::stop::StopMatcher;

/// The text of one answer so far.
pub(crate) struct Transcript {
    decoder: DecodeStream,
    stop: StopMatcher,
    /// Tokens whose text has not left yet, with the byte where it begins.
    tokens: VecDeque<(usize, TokenLogprob)>,
    decoded_bytes: usize,
    decoded_chars: usize,
    released_bytes: usize,
}

impl Transcript {
    pub(crate) fn new(tokenizer: &Tokenizer, prompt: &[u32], stops: Vec<String>) -> Self {
        Self {
            decoder: tokenizer.stream_after(prompt),
            stop: StopMatcher::new(stops),
            tokens: VecDeque::new(),
            decoded_bytes: 0,
            decoded_chars: 0,
            released_bytes: 0,
        }
    }

    /// Adds a token. Gives the text that became certain, and whether a stop string ended the answer; `watch` is false while
    /// stop strings do not count yet.
    pub(crate) fn push(&mut self, id: u32, logprob: Option<TokenLogprob>, watch: bool) -> (Piece, bool) {
        if let Some(mut logprob) = logprob {
            logprob.offset = self.decoded_chars;
            self.tokens.push_back((self.decoded_bytes, logprob));
        }
        let text = self.decoder.push(id);
        self.decoded_bytes += text.len();
        self.decoded_chars += text.chars().count();
        if !watch {
            return (self.release(text), false);
        }
        let released = self.stop.push(&text);
        (self.release(released.text), released.hit)
    }

    /// The rest, when the answer ends without a stop string: an unfinished character included.
    pub(crate) fn finish(&mut self) -> Piece {
        let text = self.stop.flush() + &self.decoder.finish();
        let mut piece = self.release(text);
        piece.logprobs.extend(self.tokens.drain(..).map(|(_, token)| token));
        piece
    }

    fn release(&mut self, text: String) -> Piece {
        self.released_bytes += text.len();
        let mut logprobs = Vec::new();
        while self.tokens.front().is_some_and(|(start, _)| *start < self.released_bytes) {
            logprobs.extend(self.tokens.pop_front().map(|(_, token)| token));
        }
        Piece { text, logprobs }
    }
}
