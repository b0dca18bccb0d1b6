//! The answers that are evaluated: rows of a task with their first references, or conversations that end with an answer.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context, bail};
use score::{Conversation, Limits, Message};
use serde::Deserialize;

/// Longest line, in bytes.
const LONGEST: u64 = 64 << 20;

/// Rows of a task, each with its first reference as the answer.
pub(super) fn of_task(path: &Path, task: &str, system: Option<&str>, rows: Option<usize>) -> anyhow::Result<Vec<Conversation>> {
    let task = score::tasks::find(task)?;
    let examples = score::dataset::read(path, task, Limits::first(rows.unwrap_or(usize::MAX)))?;
    let system = system.unwrap_or(task.system);
    examples.iter().map(|example| Ok(example.conversation(system, None)?)).collect()
}

/// A conversation as written; its line is its id where it has none.
#[derive(Deserialize)]
struct Row {
    id: Option<String>,
    messages: Vec<Message>,
}

/// Conversations, one a line; blank lines are none.
pub(super) fn conversations(path: &Path, rows: Option<usize>) -> anyhow::Result<Vec<Conversation>> {
    let mut reader = BufReader::new(File::open(path).with_context(|| format!("reading {}", path.display()))?);
    let (mut conversations, mut line) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        line.clear();
        let read = (&mut reader).take(LONGEST + 1).read_until(b'\n', &mut line);
        let read = read.with_context(|| format!("reading {}", path.display()))?;
        if read == 0 || conversations.len() >= rows.unwrap_or(usize::MAX) {
            break;
        }
        if read as u64 > LONGEST {
            bail!("{}:{number}: the line is longer than {LONGEST} bytes", path.display());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let wrong = || format!("{}:{number}: no conversation {{\"messages\": [{{\"role\": …, \"content\": …}}]}}", path.display());
        let Row { id, messages } = serde_json::from_slice(&line).with_context(wrong)?;
        conversations.push(Conversation { id: id.unwrap_or_else(|| number.to_string()), messages });
    }
    if conversations.is_empty() {
        return Err(score::Error::NoRows { path: path.to_owned() }.into());
    }
    Ok(conversations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, rows: Option<usize>) -> anyhow::Result<Vec<Conversation>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, text).unwrap();
        conversations(&path, rows)
    }

    #[test]
    fn conversations_have_their_own_id_or_their_line() {
        let row = r#""messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ann"}]}"#;
        let text = format!("{{\"id\": \"a\", {row}\n\n{{{row}\n");
        let ids = |rows| read(&text, rows).unwrap().into_iter().map(|conversation| conversation.id).collect::<Vec<_>>();
        assert_eq!((ids(None), ids(Some(1))), (vec!["a".to_owned(), "3".to_owned()], vec!["a".to_owned()]));
        let error = format!("{:#}", read("{}\n", None).unwrap_err());
        assert!(error.contains("rows.jsonl:1: no conversation") && error.contains("missing field `messages`"), "{error}");
        assert!(read("\n", None).unwrap_err().to_string().contains("rows.jsonl"));
    }
}
