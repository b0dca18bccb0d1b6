//! Ids of a conversation for training: which of them are the assistant's answers. The ids before an answer are exactly
//! those the model is given at inference.

use std::ops::Range;

use crate::{ChatTemplate, Error, Message, RenderOptions, Result, Tokenizer};

/// A conversation as ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// All ids, beginning-of-text included where the template writes it.
    pub ids: Vec<u32>,
    /// The answers in order, end-of-turn token included: the ids that carry loss. Never empty.
    pub answers: Vec<Range<usize>>,
}

/// Renders and encodes a conversation, and finds its answers by rendering it with and without each. Of `options`,
/// `add_generation_prompt` is set as each step needs.
///
/// # Errors
///
/// [`Error::NoAnswer`] without an assistant message; [`Error::NotPrefix`] when the template rewrites earlier turns;
/// [`Error::NoBoundary`] when an answer's ids cannot be told from its prompt's; and what rendering and encoding can say.
pub fn encode_conversation(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Message],
    options: &RenderOptions,
) -> Result<Conversation> {
    let render = |count: usize, add_generation_prompt: bool| {
        template.render(&messages[..count], &RenderOptions { add_generation_prompt, ..options.clone() })
    };
    let mut known = Known { tokenizer, text: String::new(), ids: Vec::new() };
    let mut answers = Vec::new();
    for (index, _) in messages.iter().enumerate().filter(|(_, message)| message.role == "assistant") {
        known.extend(render(index, true)?, index)?;
        let start = known.ids.len();
        known.extend(render(index + 1, false)?, index)?;
        let answer = &known.ids[start..];
        // What a template writes after the end-of-turn token (a line break) is never generated.
        let length = answer.iter().rposition(|&id| tokenizer.is_eos(id)).map_or(answer.len(), |last| last + 1);
        answers.push(start..start + length);
    }
    if answers.is_empty() {
        return Err(Error::NoAnswer { messages: messages.len() });
    }
    if messages.last().is_some_and(|message| message.role != "assistant") {
        known.extend(render(messages.len(), false)?, messages.len() - 1)?;
    }
    Ok(Conversation { ids: known.ids, answers })
}

/// The beginning of a conversation: its text and the ids that stand for it.
struct Known<'a> {
    tokenizer: &'a Tokenizer,
    text: String,
    ids: Vec<u32>,
}

impl Known<'_> {
    /// Goes on to a longer text of the same beginning, without changing the ids so far.
    fn extend(&mut self, text: String, message: usize) -> Result<()> {
        let added = text.strip_prefix(&self.text).ok_or(Error::NotPrefix { message })?;
        let whole = self.tokenizer.encode(&text, false)?;
        if whole.starts_with(&self.ids) {
            self.ids = whole;
        } else {
            // A token would straddle the boundary (an answer that begins with a line break after a prompt that ends
            // with one). The model never sees that at inference: there the prompt's ids are fixed before the answer's.
            let apart: Vec<u32> = self.ids.iter().copied().chain(self.tokenizer.encode(added, false)?).collect();
            if self.tokenizer.decode_with_special(&apart) != self.tokenizer.decode_with_special(&whole) {
                return Err(Error::NoBoundary { message });
            }
            self.ids = apart;
        }
        self.text = text;
        Ok(())
    }
}
