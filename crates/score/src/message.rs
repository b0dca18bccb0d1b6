//! Chat messages as every chat template and API has them: a role and a text.

use serde::{Deserialize, Serialize};

use crate::{error::Problem, row::Field};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that frame the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The word of chat APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message; JSON `{"role": "user", "content": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the given role.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }

    /// The message that stands in a row.
    pub(crate) fn read(field: &Field) -> Result<Self, Problem> {
        let role = match field.get("role").text()? {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err(field.get("role").problem("`system`, `user` or `assistant`")),
        };
        Ok(Self::new(role, field.get("content").some_text()?))
    }

    /// Length in characters (Unicode scalar values).
    pub(crate) fn chars(&self) -> usize {
        self.content.chars().count()
    }
}
