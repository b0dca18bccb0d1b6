//! Conversation: the assistant's next reply.
//!
//! Rows are `UltraChat` 200k's (Ding et al., EMNLP 2023; Tunstall et al., "Zephyr", 2023), or of `UltraChat`'s first publication, where `data` is a
//! list of texts by turns. The prompt is the conversation up to the
//! assistant's last reply, which is the reference: comparing with it is a stand-in until a judge is at hand, and rewards likeness.

use super::{Task, one};
use crate::{Example, Message, Role, error::Problem, example::Prompt, row::Field};

pub(super) static TASK: Task = Task {
    name: "chat",
    summary: "the assistant's next reply in a conversation",
    schema: "`prompt_id` and `messages` (a list of {`role`, `content`} that alternates between user and assistant), or `id` and `data` (a list of texts by turns)",
    fields: &["data", "id", "messages", "prompt_id"],
    system: "You are a helpful, honest and careful assistant. Answer what was asked, clearly and to the point.",
    marks: &["rouge_1", "rouge_l"],
    primary: "rouge_l",
    read: |row| one(read(row)),
};

fn read(row: &Field) -> Result<Example, Problem> {
    let (data, id) = (row.get("data"), row.get("id"));
    let by_turns = data.exists() && !row.get("messages").exists();
    let id = if by_turns || id.exists() && !row.get("prompt_id").exists() { id } else { row.get("prompt_id") }.id()?;
    let (said, mut turns) = if by_turns { (data.clone(), speakers(&data)?) } else { messages(&row.get("messages"))? };
    // What follows the last reply has no reference.
    turns.truncate(turns.iter().rposition(|turn| turn.role == Role::Assistant).map_or(0, |last| last + 1));
    let reply = turns.pop().ok_or_else(|| said.problem("a list with at least one reply of the assistant"))?;
    Ok(Example { id, references: vec![reply.content], prompt: Prompt::Turns(turns) })
}

/// Texts by turns; the user begins.
fn speakers(data: &Field) -> Result<Vec<Message>, Problem> {
    let turn = |(i, text): (usize, &Field)| {
        let role = if i.is_multiple_of(2) { Role::User } else { Role::Assistant };
        Ok(Message::new(role, text.some_text()?))
    };
    data.list()?.iter().enumerate().map(turn).collect()
}

/// Messages that name their speaker, and the field they are in.
fn messages<'a>(messages: &Field<'a>) -> Result<(Field<'a>, Vec<Message>), Problem> {
    let list = messages.list()?;
    let turns = list.iter().map(Message::read).collect::<Result<Vec<_>, _>>()?;
    if let Some(bad) = out_of_turn(&turns) {
        return Err(list[bad].get("role").problem("in turn: an optional system message, then user and assistant by turns"));
    }
    Ok((messages.clone(), turns))
}

/// The first message whose role is not the one expected there.
fn out_of_turn(turns: &[Message]) -> Option<usize> {
    let system = usize::from(turns[0].role == Role::System);
    (system..turns.len()).find(|&i| turns[i].role != if (i - system).is_multiple_of(2) { Role::User } else { Role::Assistant })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dataset::Fields;

    fn read(row: &Value) -> Result<Example, Problem> {
        super::read(&Field::row(row, &Fields::default()))
    }

    fn row(roles: &[&str]) -> Value {
        let messages: Vec<_> = roles.iter().enumerate().map(|(i, role)| json!({"role": role, "content": format!("m{i}")})).collect();
        json!({"prompt": "m0", "prompt_id": "p", "messages": messages})
    }

    #[test]
    fn the_last_reply_is_the_reference() {
        let example = read(&row(&["user", "assistant", "user", "assistant", "user"])).unwrap();
        assert_eq!(example.references, ["m3"]);
        let item = example.item("sys", None).unwrap();
        assert_eq!(item.messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>(), ["sys", "m0", "m1", "m2"]);
        assert_eq!(example.conversation("", None).unwrap().messages.len(), 4);
    }

    #[test]
    fn the_first_publications_layout() {
        let example = read(&json!({"id": "17", "data": ["one", "two", "three", "four", "five"]})).unwrap();
        assert_eq!((example.id.as_str(), example.references[0].as_str()), ("17", "four"));
        assert_eq!(example.item("", None).unwrap().messages[1], Message::new(Role::Assistant, "two"));
        assert_eq!(read(&json!({"id": "17", "data": ["one"]})).unwrap_err().field, "data");
        assert_eq!(read(&json!({"id": "17", "data": ["one", 2]})).unwrap_err().field, "data[1]");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read(&row(&["user", "user"])).unwrap_err().field, "messages[1].role");
        assert_eq!(read(&row(&["assistant"])).unwrap_err().field, "messages[0].role");
        assert_eq!(read(&row(&["user", "bot"])).unwrap_err().expected, "`system`, `user` or `assistant`");
        assert_eq!(read(&row(&["system", "user"])).unwrap_err().field, "messages");
        assert_eq!(read(&row(&[])).unwrap_err().found, "an empty list");
        assert_eq!(read(&json!({"messages": []})).unwrap_err().field, "prompt_id");
    }
}
