//! Summarization: one sentence for a news article.
//!
//! Rows are XSum's (Narayan et al., "Don't Give Me the Details, Just the Summary!", EMNLP 2018) as the hub has them. The article is
//! the prompt, the one-sentence summary the reference. Some copies were published without ids.

use super::{Task, one};
use crate::{
    Example,
    error::Problem,
    example::Prompt,
    row::{Field, id_or_digest},
};

pub(super) static TASK: Task = Task {
    name: "summarization",
    summary: "one sentence that says what a news article is about",
    schema: "`document` (a text), `summary` (a text) and perhaps `id`",
    fields: &["document", "id", "summary"],
    system: "You summarize news articles. Reply with a single sentence that states the main point, and nothing else.",
    marks: &["rouge_1", "rouge_2", "rouge_l", "rouge_lsum"],
    primary: "rouge_l",
    read: |row| one(read(row)),
};

fn read(row: &Field) -> Result<Example, Problem> {
    let body = row.get("document").some_text()?.to_owned();
    let reference = row.get("summary").some_text()?.to_owned();
    let id = id_or_digest(row, &[&body])?;
    let prompt = Prompt::Document { before: "Article:\n", body, after: "\n\nSummary:".into() };
    Ok(Example { id, references: vec![reference], prompt })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dataset::Fields;

    fn read(row: &Value) -> Result<Example, Problem> {
        super::read(&Field::row(row, &Fields::default()))
    }

    #[test]
    fn a_row_becomes_a_prompt_and_a_reference() {
        let example = read(&json!({"document": "It rained.", "summary": "Rain.", "id": 7})).unwrap();
        assert_eq!((example.id.as_str(), example.references[0].as_str()), ("7", "Rain."));
        assert_eq!(example.item("", None).unwrap().messages[0].content, "Article:\nIt rained.\n\nSummary:");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = read(&json!({"document": "It rained.", "id": "7"})).unwrap_err();
        assert_eq!((problem.field.as_str(), problem.found), ("summary", "missing"));
        let problem = read(&json!({"document": " ", "summary": "x", "id": "7"})).unwrap_err();
        assert_eq!((problem.field.as_str(), problem.found), ("document", "an empty text"));
        assert_eq!(read(&json!([1])).unwrap_err().field, "document");
    }
}
