//! Conversation: the assistant's next reply.
//!
//! Rows are `UltraChat` 200k's (Ding et al., EMNLP 2023; Tunstall et al., "Zephyr", 2023). The prompt is the conversation up to the
//! assistant's last reply, which is the reference: comparing with it is a stand-in until a judge is at hand, and rewards likeness.

use serde_json::Value;

use super::Task;
use crate::{Example, Message, Role, error::Problem, example::Prompt, row::Field};

pub(super) static TASK: Task = Task {
    name: "chat",
    summary: "the assistant's next reply in a conversation",
    schema: "`prompt`, `prompt_id` and `messages` (a list of {`role`, `content`} that alternates between user and assistant)",
    system: "You are a helpful, honest and careful assistant. Answer what was asked, clearly and to the point.",
    marks: &["rouge_1", "rouge_l"],
    primary: "rouge_l",
    read,
};

fn read(row: &Value) -> Result<Vec<Example>, Problem> {
    let row = Field::row(row);
    let id = row.get("prompt_id").id()?;
    let messages = row.get("messages");
    let mut turns = messages.list()?.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    if let Some(bad) = out_of_turn(&turns) {
        let role = messages.list()?[bad].get("role");
        return Err(role.problem("in turn: an optional system message, then user and assistant by turns"));
    }
    // What follows the last reply has no reference.
    turns.truncate(turns.iter().rposition(|turn| turn.role == Role::Assistant).map_or(0, |last| last + 1));
    let reply = turns.pop().ok_or_else(|| messages.problem("a list with at least one reply of the assistant"))?;
    Ok(vec![Example { id, references: vec![reply.content], prompt: Prompt::Turns(turns) }])
}

fn message(field: &Field) -> Result<Message, Problem> {
    let role = match field.get("role").text()? {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return Err(field.get("role").problem("`system`, `user` or `assistant`")),
    };
    Ok(Message::new(role, field.get("content").some_text()?))
}

/// The first message whose role is not the one expected there.
fn out_of_turn(turns: &[Message]) -> Option<usize> {
    let system = usize::from(turns[0].role == Role::System);
    (system..turns.len()).find(|&i| turns[i].role != if (i - system).is_multiple_of(2) { Role::User } else { Role::Assistant })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(roles: &[&str]) -> Value {
        let messages: Vec<_> = roles.iter().enumerate().map(|(i, role)| json!({"role": role, "content": format!("m{i}")})).collect();
        json!({"prompt": "m0", "prompt_id": "p", "messages": messages})
    }

    #[test]
    fn the_last_reply_is_the_reference() {
        let example = &read(&row(&["user", "assistant", "user", "assistant", "user"])).unwrap()[0];
        assert_eq!(example.references, ["m3"]);
        let item = example.item("sys", None).unwrap();
        assert_eq!(item.messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>(), ["sys", "m0", "m1", "m2"]);
        assert_eq!(example.conversation("", None).unwrap().messages.len(), 4);
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
