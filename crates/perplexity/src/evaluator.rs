//! A conversation to the likelihood of its answer: ids, what the last block makes of them, logits of the answer's tokens some at a time.

use std::ops::Range;

use model::Decoder;
use model::tensor::{DType, Tensor};
use rayon::prelude::*;
use record::Likelihood;
use text::{ChatTemplate, Message, RenderOptions, Tokenizer, encode_conversation};
use units::{Bytes, Reading};

use crate::{Error, NotNumbers, Result, Sums, Token};

/// Tokens of a prompt read at once.
const AT_ONCE: usize = 512;

/// Logits of a model alive at a time: 32 MiB of f32.
const MOST_LOGITS: usize = 1 << 23;

/// A model that is evaluated.
#[derive(Debug)]
pub struct Weights {
    /// Its weights.
    pub decoder: Decoder,
    /// Its tokenizer, by which conversations become ids.
    pub tokenizer: Tokenizer,
    /// Its chat template.
    pub template: ChatTemplate,
}

/// The model in full precision that it is compared with.
#[derive(Debug)]
pub struct Full {
    /// Its weights.
    pub decoder: Decoder,
    /// Its tokenizer, whose ids must mean what those of the other mean.
    pub tokenizer: Tokenizer,
}

/// A model, alone or beside the same in full precision. Both are held at once.
#[derive(Debug)]
pub struct Evaluator {
    own: Weights,
    full: Option<Decoder>,
    /// Most positions that both take.
    longest: usize,
}

impl Evaluator {
    /// An evaluator of its parts.
    ///
    /// # Errors
    /// [`Error::Vocabularies`] where token ids do not mean the same to both.
    pub fn new(own: Weights, full: Option<Full>) -> Result<Self> {
        let mut longest = own.decoder.config().max_positions;
        if let Some(full) = &full {
            same_vocabulary(&own, full).map_err(|difference| Error::Vocabularies { difference })?;
            longest = longest.min(full.decoder.config().max_positions);
        }
        Ok(Self { own, full: full.map(|full| full.decoder), longest })
    }

    /// Bytes held for the weights of the model.
    pub fn weight_bytes(&self) -> Bytes {
        Bytes(self.own.decoder.weight_bytes())
    }

    /// Bytes held for the weights in full precision beside it.
    pub fn full_weight_bytes(&self) -> Option<Bytes> {
        self.full.as_ref().map(|full| Bytes(full.weight_bytes()))
    }

    /// How likely the last message, the assistant's, is after those before it. An answer of which this cannot be told (it is too long for the
    /// model, the template refuses it, a logit is no number) is missing with its reason.
    ///
    /// # Errors
    /// An operation of a model fails, or its memory cannot be had.
    pub fn likelihood(&self, messages: &[Message]) -> Result<Reading<Likelihood>> {
        let (ids, answer) = match self.encode(messages) {
            Ok(encoded) => encoded,
            Err(why) => return Ok(Reading::missing(why)),
        };
        // The logits at a position are of the token after it: the last token predicts nothing that is asked for.
        let (read, from) = (&ids[..answer.end - 1], answer.start - 1);
        let own = hidden(&self.own.decoder, read, from)?;
        let full = self.full.as_ref().map(|full| Ok::<_, Error>((full, hidden(full, read, from)?))).transpose()?;
        let right = &ids[answer];
        let step = (MOST_LOGITS / self.own.decoder.config().vocab).max(1);
        let mut sums = Sums::default();
        for start in (0..right.len()).step_by(step) {
            let rows = start..(start + step).min(right.len());
            let own = logits(&self.own.decoder, &own, rows.clone())?;
            let full = full.as_ref().map(|(decoder, hidden)| logits(decoder, hidden, rows.clone())).transpose()?;
            match tokens(&own, full.as_deref(), &right[rows.clone()]) {
                Ok(tokens) => tokens.iter().for_each(|token| sums.add(token)),
                Err((row, why)) => return Ok(Reading::missing(format!("at token {} of the answer {why}", rows.start + row + 1))),
            }
        }
        Ok(sums.finish().map_or_else(|| Reading::missing("a token of the answer has a probability of 0"), Reading::Known))
    }

    /// Ids of a conversation up to the end of its last answer, and where that stands among them; or why there are none.
    fn encode(&self, messages: &[Message]) -> Result<(Vec<u32>, Range<usize>), String> {
        let Weights { tokenizer, template, decoder } = &self.own;
        if messages.last().is_none_or(|message| message.role != "assistant") {
            return Err("the conversation does not end with the assistant's answer".to_owned());
        }
        let conversation =
            encode_conversation(tokenizer, template, messages, &RenderOptions::default()).map_err(|error| error.to_string())?;
        let mut ids = conversation.ids;
        // The first of all tokens follows on nothing.
        let answer = conversation.answers.last().map(|answer| answer.start.max(1)..answer.end).filter(|answer| !answer.is_empty());
        let answer = answer.ok_or("the answer has no token of its own")?;
        ids.truncate(answer.end);
        if ids.len() - 1 > self.longest {
            return Err(format!("prompt and answer have {} tokens, more than the {} of the model's context", ids.len(), self.longest));
        }
        match ids.iter().find(|&&id| id as usize >= decoder.config().vocab) {
            Some(id) => Err(format!("token {id} is beyond the model's vocabulary of {}", decoder.config().vocab)),
            None => Ok((ids, answer)),
        }
    }
}

/// What the last block makes of the ids from a position on, `[n, d]`.
fn hidden(decoder: &Decoder, ids: &[u32], from: usize) -> Result<Tensor> {
    let mut cache = decoder.new_cache(1, ids.len())?;
    let mut kept = Vec::new();
    for (part, ids) in ids.chunks(AT_ONCE).enumerate() {
        let x = decoder.hidden(&Tensor::new(ids, decoder.device())?.unsqueeze(0)?, &mut cache)?;
        let first = from.saturating_sub(part * AT_ONCE);
        if first < ids.len() {
            kept.push(x.squeeze(0)?.narrow(0, first, ids.len() - first)?);
        }
    }
    Ok(Tensor::cat(&kept, 0)?)
}

/// Logits of some of these positions, one row of `vocab` after the other.
fn logits(decoder: &Decoder, hidden: &Tensor, rows: Range<usize>) -> Result<Vec<f32>> {
    let x = hidden.narrow(0, rows.start, rows.len())?.contiguous()?.unsqueeze(0)?;
    Ok(decoder.logits(&x)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// The tokens of some rows of logits; or the first row that has none, and why.
fn tokens(own: &[f32], full: Option<&[f32]>, right: &[u32]) -> Result<Vec<Token>, (usize, NotNumbers)> {
    let vocabulary = own.len() / right.len();
    let row = |(row, &right): (usize, &u32)| {
        let at = row * vocabulary..(row + 1) * vocabulary;
        Token::of(&own[at.clone()], full.map(|full| &full[at]), right as usize).map_err(|why| (row, why))
    };
    right.par_iter().enumerate().map(row).collect::<Vec<_>>().into_iter().collect()
}

/// Whether each id means the same to both; or the first thing that differs.
fn same_vocabulary(own: &Weights, full: &Full) -> Result<(), String> {
    let rows = (own.decoder.config().vocab, full.decoder.config().vocab);
    if rows.0 != rows.1 {
        return Err(format!("its weights have {} ids, those in full precision {}", rows.0, rows.1));
    }
    let sizes = (own.tokenizer.vocabulary_size(), full.tokenizer.vocabulary_size());
    let shown =
        |bytes: Option<Vec<u8>>| bytes.map_or_else(|| "nothing".to_owned(), |bytes| format!("{:?}", String::from_utf8_lossy(&bytes)));
    for id in 0..sizes.0.max(sizes.1) as u32 {
        let (one, other) = (own.tokenizer.token_bytes(id), full.tokenizer.token_bytes(id));
        // A file may name the rows that pad an embedding, where another leaves them without a name.
        let is_padding = id as usize >= sizes.0.min(sizes.1);
        if one != other && !is_padding {
            return Err(format!("token {id} is {} to it, and {} in full precision", shown(one), shown(other)));
        }
    }
    Ok(())
}
