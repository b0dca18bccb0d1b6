//! A row as its task understands it, and what becomes of it: a prompt with references to score, or a conversation to train on.
//!
//! Lengths are in characters: tokens are the tokenizer's business. A caller that has one turns its token limit into a character
//! budget, renders, counts, and renders again with less where needed.

use serde::{Deserialize, Serialize};

use crate::{Error, Message, Result, Role};

/// The part of a prompt that comes from the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// One user message. Only `body` may be cut, at its end.
    Document {
        /// Stands before the body.
        before: &'static str,
        /// The article or context.
        body: String,
        /// Stands after it: the question.
        after: String,
    },
    /// A conversation that ends with the user. Whole exchanges may be dropped, the oldest first.
    Turns(Vec<Message>),
}

/// A row understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The row's id in its data set.
    pub id: String,
    /// At least one.
    pub(crate) references: Vec<String>,
    /// With at least one message where it is a conversation.
    pub(crate) prompt: Prompt,
}

/// An item to be answered and scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The row's id in its data set.
    pub id: String,
    /// The prompt, system message first where there is one; it ends with the user's.
    pub messages: Vec<Message>,
    /// Acceptable answers; at least one.
    pub references: Vec<String>,
    /// Characters of the row that were cut to fit the budget; 0 when it is whole.
    pub cut: usize,
}

/// A full conversation to adapt on: the last message is the assistant's. One a line in `train.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The row's id in its data set.
    pub id: String,
    /// All messages, system message first where there is one.
    pub messages: Vec<Message>,
}

impl Item {
    /// The conversation to train on: the prompt, and the first reference as the assistant's answer.
    pub fn answered(self) -> Conversation {
        let Self { id, mut messages, references, .. } = self;
        messages.extend(references.into_iter().next().map(|answer| Message::new(Role::Assistant, answer)));
        Conversation { id, messages }
    }
}

impl Example {
    /// Acceptable answers; at least one. The first is the one that is trained on.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// The item to score. An empty `system` gives no system message, and a row that brings its own keeps that.
    ///
    /// With a `budget` (characters of all messages together) the document is cut at its end and old exchanges are dropped, but
    /// never the question, the last message or the system prompt.
    ///
    /// # Errors
    /// [`Error::Budget`] when what must not be cut is already longer.
    pub fn item(&self, system: &str, budget: Option<usize>) -> Result<Item> {
        let (messages, cut) = self.messages(system, budget.unwrap_or(usize::MAX))?;
        Ok(Item { id: self.id.clone(), messages, references: self.references.clone(), cut })
    }

    /// The conversation to train on: the prompt as [`Self::item`] gives it, and the first reference as the assistant's answer.
    /// The answer counts towards the budget.
    ///
    /// # Errors
    /// [`Error::Budget`] when question and answer are already longer.
    pub fn conversation(&self, system: &str, budget: Option<usize>) -> Result<Conversation> {
        let answer = Message::new(Role::Assistant, self.references[0].as_str());
        let budget = budget.unwrap_or(usize::MAX);
        let rest = budget.checked_sub(answer.chars()).ok_or_else(|| self.over(answer.chars(), budget))?;
        let (mut messages, _) = self.messages(system, rest)?;
        messages.push(answer);
        Ok(Conversation { id: self.id.clone(), messages })
    }

    /// Everything the row asks, in one text, for comparing rows with each other.
    pub(crate) fn text(&self) -> String {
        match &self.prompt {
            Prompt::Document { body, after, .. } => format!("{body}\n{after}"),
            Prompt::Turns(turns) => turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n"),
        }
    }

    /// The document that the row is about, where there is one.
    pub fn document(&self) -> Option<&str> {
        match &self.prompt {
            Prompt::Document { body, .. } => Some(body).filter(|body| !body.is_empty()).map(String::as_str),
            Prompt::Turns(_) => None,
        }
    }

    fn messages(&self, system: &str, budget: usize) -> Result<(Vec<Message>, usize)> {
        match &self.prompt {
            Prompt::Document { before, body, after } => {
                let frame = system.chars().count() + before.chars().count() + after.chars().count();
                let room = budget.checked_sub(frame).ok_or_else(|| self.over(frame, budget))?;
                let (kept, cut) = cut_at_word(body, room);
                let content = format!("{before}{kept}{after}");
                Ok((framed(system, vec![Message::new(Role::User, content)]), cut))
            }
            Prompt::Turns(turns) => {
                let messages = if turns[0].role == Role::System { turns.clone() } else { framed(system, turns.clone()) };
                drop_oldest(messages, budget).map_err(|needed| self.over(needed, budget))
            }
        }
    }

    fn over(&self, needed: usize, budget: usize) -> Error {
        Error::Budget { id: self.id.clone(), needed, budget }
    }
}

/// The answers in their order, each once: three annotators often agree, and the best of equal references is the same.
pub(crate) fn distinct(answers: &[&str]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for answer in answers {
        if !seen.iter().any(|known| known == answer) {
            seen.push((*answer).to_owned());
        }
    }
    seen
}

fn framed(system: &str, mut turns: Vec<Message>) -> Vec<Message> {
    if !system.is_empty() {
        turns.insert(0, Message::new(Role::System, system));
    }
    turns
}

/// At most `room` characters of a text, cut before the word that would not fit, and how many characters were cut.
fn cut_at_word(text: &str, room: usize) -> (&str, usize) {
    let Some((end, next)) = text.char_indices().nth(room) else { return (text, 0) };
    let fitting = &text[..end];
    let kept = if next.is_whitespace() { fitting } else { fitting.rfind(char::is_whitespace).map_or(fitting, |space| &fitting[..space]) };
    let kept = kept.trim_end();
    (kept, text.chars().count() - kept.chars().count())
}

/// Drops whole exchanges after the system message until the rest fits. `Err` is the length of what must stay.
fn drop_oldest(mut messages: Vec<Message>, budget: usize) -> std::result::Result<(Vec<Message>, usize), usize> {
    let first = usize::from(messages[0].role == Role::System);
    let mut length: usize = messages.iter().map(Message::chars).sum();
    let whole = length;
    while length > budget {
        // Up to the next message of the user, so that the conversation still begins with one.
        let Some(next) = (first + 1..messages.len()).find(|&i| messages[i].role == Role::User) else { return Err(length) };
        length -= messages.drain(first..next).map(|message| message.chars()).sum::<usize>();
    }
    Ok((messages, whole - length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(body: &str) -> Example {
        let prompt = Prompt::Document { before: "Context: ", body: body.into(), after: "\n\nQuestion: who?".into() };
        Example { id: "1".into(), references: vec!["Ada".into(), "Ada L.".into()], prompt }
    }

    fn turns(contents: &[(Role, &str)]) -> Example {
        let turns = contents.iter().map(|(role, content)| Message::new(*role, *content)).collect();
        Example { id: "1".into(), references: vec!["bye".into()], prompt: Prompt::Turns(turns) }
    }

    #[test]
    fn an_item_asks_and_a_conversation_answers() {
        let item = document("Ada wrote it.").item("Be brief.", None).unwrap();
        assert_eq!(item.messages[0], Message::new(Role::System, "Be brief."));
        assert_eq!(item.messages[1].content, "Context: Ada wrote it.\n\nQuestion: who?");
        assert_eq!((item.messages.len(), item.cut), (2, 0));
        let conversation = document("Ada wrote it.").conversation("", None).unwrap();
        assert_eq!(conversation.messages.len(), 2);
        assert_eq!(conversation.messages[1], Message::new(Role::Assistant, "Ada"));
        let line = serde_json::to_string(&conversation).unwrap();
        assert!(line.starts_with(r#"{"id":"1","messages":[{"role":"user","content":"Context:"#), "{line}");
    }

    #[test]
    fn the_document_is_cut_and_never_the_question() {
        let frame = "Context: \n\nQuestion: who?".chars().count();
        let item = document("Ada wrote the first programme").item("", Some(frame + 10)).unwrap();
        assert_eq!(item.messages[0].content, "Context: Ada wrote\n\nQuestion: who?");
        assert_eq!(item.cut, 20);
        assert!(matches!(document("x").item("", Some(frame - 1)), Err(Error::Budget { .. })));
        assert!(document("x").conversation("", Some(2)).is_err());
    }

    #[test]
    fn the_oldest_exchange_goes_first() {
        let talk = turns(&[(Role::User, "one"), (Role::Assistant, "two"), (Role::User, "three")]);
        assert_eq!(talk.item("sys", None).unwrap().messages.len(), 4);
        let item = talk.item("sys", Some(8)).unwrap();
        assert_eq!(item.messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>(), ["sys", "three"]);
        assert_eq!(item.cut, 6);
        assert!(matches!(talk.item("sys", Some(7)), Err(Error::Budget { needed: 8, budget: 7, .. })));
    }

    #[test]
    fn a_row_keeps_its_own_system_message() {
        let talk = turns(&[(Role::System, "own"), (Role::User, "hi")]);
        assert_eq!(talk.item("default", None).unwrap().messages[0].content, "own");
    }

    proptest! {
        #[test]
        fn within_the_budget_and_the_question_whole(body in "\\PC{0,60}", room in 0usize..80) {
            let frame = "Context: \n\nQuestion: who?".chars().count();
            let item = document(&body).item("", Some(frame + room)).unwrap();
            let content = &item.messages[0].content;
            prop_assert!(content.chars().count() <= frame + room);
            prop_assert!(content.ends_with("\n\nQuestion: who?"));
            prop_assert_eq!(content.chars().count() + item.cut, frame + body.chars().count());
        }
    }
}
