//! A task of one's own: rows with a prompt and references under names that the plan gives. The name is that of the plainest file for it;
//! JSON, CSV and Parquet are read as well.

use super::{Task, one};
use crate::{
    Example,
    error::Problem,
    example::{Prompt, distinct},
    row::{Field, id_or_digest},
};

pub(super) static TASK: Task = Task {
    name: "jsonl",
    summary: "rows of your own: a prompt, perhaps a document it is about, and references",
    schema: "`prompt` (a text), `references` (a text or a list of texts), perhaps `document` (a text, of which the end is cut where it is too long) and `id`; the plan's `columns` name others",
    fields: &["document", "id", "prompt", "references"],
    system: "",
    marks: &["exact_match", "f1", "rouge_1", "rouge_2", "rouge_l", "rouge_lsum"],
    primary: "rouge_l",
    read: |row| one(read(row)),
};

fn read(row: &Field) -> Result<Example, Problem> {
    let prompt = row.get("prompt").some_text()?;
    let document = row.get("document");
    // A document is there for all rows or for none, so that a misspelt column is not a task without documents.
    let body = if row.is_named("document") || document.exists() { document.some_text()? } else { "" };
    let after = if body.is_empty() { prompt.to_owned() } else { format!("\n\n{prompt}") };
    let references = distinct(&row.get("references").texts()?);
    Ok(Example {
        id: id_or_digest(row, &[prompt, body])?,
        references,
        prompt: Prompt::Document { before: "", body: body.to_owned(), after },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{dataset::Fields, tasks};

    fn example(row: &Value, columns: &[(&str, &str)]) -> Result<Example, Problem> {
        let columns = columns.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned()));
        let fields = Fields::new(tasks::find("jsonl").unwrap(), columns).unwrap();
        read(&Field::row(row, &fields))
    }

    #[test]
    fn named_columns() {
        let row = json!({"q": "Who?", "doc": {"body": "Ada wrote."}, "key": 7, "gold": ["Ada", "Ada", "Ada L."]});
        let found = example(&row, &[("prompt", "q"), ("document", "doc.body"), ("id", "key"), ("references", "gold")]).unwrap();
        assert_eq!((found.id.as_str(), found.references()), ("7", &["Ada".to_owned(), "Ada L.".to_owned()][..]));
        assert_eq!(found.item("", None).unwrap().messages[0].content, "Ada wrote.\n\nWho?");
        // The document is cut, the prompt never.
        assert_eq!(found.item("", Some(10)).unwrap().messages[0].content, "Ada\n\nWho?");
        assert!(found.item("", Some(3)).is_err());
    }

    #[test]
    fn without_document_and_id() {
        let row = json!({"prompt": "2 + 2 =", "references": "4"});
        let found = example(&row, &[]).unwrap();
        assert_eq!(found.item("", None).unwrap().messages[0].content, "2 + 2 =");
        assert_eq!(found.id, example(&row, &[]).unwrap().id);
        assert_ne!(found.id, example(&json!({"prompt": "2 + 3 =", "references": "4"}), &[]).unwrap().id);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let row = json!({"prompt": "x", "references": []});
        assert_eq!(example(&row, &[]).unwrap_err().field, "references");
        let named = example(&json!({"prompt": "x", "references": "y"}), &[("document", "article.body")]).unwrap_err();
        assert_eq!((named.field.as_str(), named.found), ("article.body", "missing"));
        let unknown = Fields::new(tasks::find("jsonl").unwrap(), [("promt".to_owned(), "q".to_owned())]).unwrap_err();
        assert_eq!(unknown.hint().unwrap(), "one of: document, id, prompt, references");
    }
}
