//! Retrieval-augmented answering, with the retrieved passage given: context and question in, a short answer out.
//!
//! Rows are SQuAD v1.1's (Rajpurkar et al., EMNLP 2016), flat as the hub has them or nested as in the official file. Retrieval itself
//! is not part of the task.

use super::{Read, Task, one};
use crate::{
    Example,
    error::Problem,
    example::{Prompt, distinct},
    row::Field,
};

pub(super) static TASK: Task = Task {
    name: "rag",
    summary: "a short answer to a question from a given passage",
    schema: "`id`, `title`, `context`, `question` and `answers` {`text` (a list of texts), `answer_start`}, or are the articles of SQuAD's official JSON",
    fields: &["answers", "context", "id", "paragraphs", "question"],
    system: "Answer the question from the given context alone. Reply with the shortest part of the context that answers it, and nothing else.",
    marks: &["exact_match", "f1", "rouge_l"],
    primary: "f1",
    read,
};

fn read(row: &Field) -> Read {
    if row.get("paragraphs").exists() { article(row) } else { one(flat(row)) }
}

fn flat(row: &Field) -> Result<Example, Problem> {
    let answers = row.get("answers").texts()?;
    example(row, row.get("context").some_text()?, &answers)
}

/// The questions of an article: one that is bad leaves the others as they are.
fn article(article: &Field) -> Read {
    match article.get("paragraphs").list() {
        Ok(paragraphs) => paragraphs.iter().flat_map(paragraph).collect(),
        Err(problem) => one(Err(problem)),
    }
}

fn paragraph(paragraph: &Field) -> Read {
    let parts = || Ok((paragraph.get("context").some_text()?, paragraph.get("qas").list()?));
    match parts() {
        Ok((context, questions)) => questions.iter().map(|question| nested(question, context)).collect(),
        Err(problem) => one(Err(problem)),
    }
}

fn nested(question: &Field, context: &str) -> Result<Example, Problem> {
    let answers = question.get("answers").list()?.iter().map(|answer| answer.get("text").some_text()).collect::<Result<Vec<_>, _>>()?;
    example(question, context, &answers)
}

fn example(row: &Field, context: &str, answers: &[&str]) -> Result<Example, Problem> {
    let question = row.get("question").some_text()?.trim();
    let prompt = Prompt::Document { before: "Context:\n", body: context.to_owned(), after: format!("\n\nQuestion: {question}\nAnswer:") };
    Ok(Example { id: row.get("id").id()?, references: distinct(answers), prompt })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dataset::Fields;

    fn read(row: &Value) -> Result<Vec<Example>, Problem> {
        super::read(&Field::row(row, &Fields::default())).into_iter().collect()
    }

    #[test]
    fn flat_and_nested_rows_are_the_same_example() {
        let answers =
            json!([{"text": "Ada", "answer_start": 0}, {"text": "Ada", "answer_start": 0}, {"text": "Ada L.", "answer_start": 0}]);
        let nested = json!({"title": "T", "paragraphs": [{"context": "Ada L. wrote.", "qas": [{"id": "q", "question": " Who? ", "answers": answers}]}]});
        let flat = json!({"id": "q", "title": "T", "context": "Ada L. wrote.", "question": "Who?", "answers": {"text": ["Ada", "Ada L."], "answer_start": [0, 0]}});
        assert_eq!(read(&nested).unwrap(), read(&flat).unwrap());
        let item = read(&flat).unwrap()[0].item("", None).unwrap();
        assert_eq!(item.messages[0].content, "Context:\nAda L. wrote.\n\nQuestion: Who?\nAnswer:");
        assert_eq!(item.references, ["Ada", "Ada L."]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let row = json!({"id": "q", "context": "c", "question": "q", "answers": {"text": []}});
        let problem = read(&row).unwrap_err();
        assert_eq!((problem.field.as_str(), problem.found), ("answers.text", "an empty list"));
        let question = |id: &str, answer: Value| json!({"id": id, "question": "q", "answers": [{"text": answer}]});
        let nested = json!({"paragraphs": [{"context": "c", "qas": [question("1", json!(3)), question("2", json!("x"))]}]});
        let read = super::read(&Field::row(&nested, &Fields::default()));
        let problem = read[0].as_ref().unwrap_err();
        assert_eq!((problem.field.as_str(), problem.found), ("paragraphs[0].qas[0].answers[0].text", "a number"));
        assert_eq!(read[1].as_ref().unwrap().id, "2");
    }
}
