//! Rows as token ids: which ids carry loss, and how a row that is too long is cut.

use std::ops::Range;
use std::path::Path;

use text::{ChatTemplate, Conversation, RenderOptions, Tokenizer, encode_conversation};

use super::Row;
use crate::{Error, Result};

/// The ids of one row, with a weight for each: how much it counts in the loss as the token to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// At least two.
    pub ids: Vec<u32>,
    /// As many; 1 on the tokens of answers, 0 elsewhere. The first one is never predicted.
    pub weights: Vec<f32>,
}

/// A corpus ready for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// In the order of the rows.
    pub examples: Vec<Example>,
    /// How many were cut.
    pub truncated: u64,
}

impl Examples {
    /// Renders rows with a model's own template, with loss on the answers, their end-of-turn token included, and cuts them to
    /// `max_length` ids. `path` is for messages only.
    ///
    /// # Errors
    /// With the line's number, when a row cannot be rendered; and when `max_length` is below 2.
    pub fn render(
        rows: &[Row],
        path: &Path,
        (tokenizer, template): (&Tokenizer, &ChatTemplate),
        options: &RenderOptions,
        max_length: usize,
    ) -> Result<Self> {
        let render = |row: &Row| {
            encode_conversation(tokenizer, template, &row.messages, options).map_err(|source| Error::RowText {
                path: path.to_owned(),
                line: row.line,
                source,
            })
        };
        let conversations = rows.iter().map(render).collect::<Result<Vec<_>>>()?;
        Self::new(&conversations, max_length)
    }

    /// Examples of conversations that are ids already. One without a token to predict (no answer, or nothing before it) is left out.
    ///
    /// # Errors
    /// When `max_length` is below 2.
    pub fn new(conversations: &[Conversation], max_length: usize) -> Result<Self> {
        if max_length < 2 {
            return Err(Error::Setting { name: "max_length", value: max_length.to_string(), rule: "at least 2 are needed to predict one" });
        }
        let mut examples = Vec::with_capacity(conversations.len());
        let mut truncated = 0;
        for conversation in conversations {
            let window = window(conversation, max_length);
            let example = example(conversation, &window);
            if example.weights.iter().skip(1).any(|&w| w > 0.0) {
                examples.push(example);
                truncated += u64::from(window.len() < last_answer(conversation).end);
            }
        }
        Ok(Self { examples, truncated })
    }

    /// Ids of all examples.
    pub fn tokens(&self) -> u64 {
        self.examples.iter().map(|e| e.ids.len() as u64).sum()
    }

    /// Checks that a model of `vocabulary` entries knows every id.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] otherwise.
    pub fn check_vocabulary(&self, vocabulary: usize) -> Result<()> {
        match self.examples.iter().flat_map(|e| &e.ids).find(|&&id| id as usize >= vocabulary) {
            Some(&id) => Err(Error::Vocabulary { id, vocabulary }),
            None => Ok(()),
        }
    }
}

fn last_answer(conversation: &Conversation) -> Range<usize> {
    conversation.answers.last().cloned().unwrap_or(0..conversation.ids.len())
}

/// What is kept: up to the end of the last answer, from as far before it as the length allows. An answer that is itself too long
/// keeps its beginning, and the one token before it.
fn window(conversation: &Conversation, max_length: usize) -> Range<usize> {
    let answer = last_answer(conversation);
    let first = answer.start.saturating_sub(1);
    let start = answer.end.saturating_sub(max_length).min(first);
    start..answer.end.min(start + max_length)
}

fn example(conversation: &Conversation, window: &Range<usize>) -> Example {
    let mut weights = vec![0f32; conversation.ids.len()];
    for answer in &conversation.answers {
        weights[answer.clone()].fill(1.0);
    }
    Example { ids: conversation.ids[window.clone()].to_vec(), weights: weights[window.clone()].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(length: u32, answers: &[(usize, usize)]) -> Conversation {
        Conversation { ids: (0..length).collect(), answers: answers.iter().map(|&(start, end)| start..end).collect() }
    }

    fn cut(answers: &[(usize, usize)], length: u32, max_length: usize) -> (Vec<u32>, Vec<f32>, u64) {
        let Examples { mut examples, truncated } = Examples::new(&[conversation(length, answers)], max_length).unwrap();
        let example = examples.remove(0);
        (example.ids, example.weights, truncated)
    }

    #[test]
    fn loss_is_on_the_answers_only() {
        assert_eq!(cut(&[(2, 3), (4, 6)], 6, 9), (vec![0, 1, 2, 3, 4, 5], vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 0));
    }

    #[test]
    fn what_follows_the_last_answer_is_left_out() {
        assert_eq!(cut(&[(1, 3)], 6, 9), (vec![0, 1, 2], vec![0.0, 1.0, 1.0], 0));
    }

    #[test]
    fn a_long_prompt_loses_its_beginning() {
        assert_eq!(cut(&[(4, 6)], 6, 3), (vec![3, 4, 5], vec![0.0, 1.0, 1.0], 1));
    }

    #[test]
    fn a_long_answer_keeps_its_beginning() {
        assert_eq!(cut(&[(2, 6)], 6, 3), (vec![1, 2, 3], vec![0.0, 1.0, 1.0], 1));
    }

    #[test]
    fn what_has_no_token_to_predict_is_left_out() {
        let examples = Examples::new(&[conversation(1, &[(0, 1)]), conversation(0, &[]), conversation(3, &[(1, 2)])], 9).unwrap();
        assert_eq!(examples.examples.len(), 1);
    }

    #[test]
    fn an_id_beyond_the_vocabulary_is_found() {
        let examples = Examples::new(&[conversation(10, &[(1, 10)])], 20).unwrap();
        assert!(examples.check_vocabulary(10).is_ok());
        assert!(matches!(examples.check_vocabulary(9), Err(Error::Vocabulary { id: 9, vocabulary: 9 })));
        assert!(Examples::new(&[], 1).is_err());
    }
}
