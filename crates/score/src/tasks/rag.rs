//! Retrieval-augmented answering, with the retrieved passage given: context and question in, a short answer out.
//!
//! Rows are SQuAD v1.1's (Rajpurkar et al., EMNLP 2016), flat as the hub has them or nested as in the official file. Retrieval itself
//! is not part of the task.

use serde_json::Value;

use super::Task;
use crate::{Example, error::Problem, example::Prompt, row::Field};

pub(super) static TASK: Task = Task {
    name: "rag",
    summary: "a short answer to a question from a given passage",
    schema: "`id`, `title`, `context`, `question` and `answers` {`text` (a list of texts), `answer_start`}, or are the articles of SQuAD's official JSON",
    system: "Answer the question from the given context alone. Reply with the shortest part of the context that answers it, and nothing else.",
    marks: &["exact_match", "f1", "rouge_l"],
    primary: "f1",
    read,
};

fn read(row: &Value) -> Result<Vec<Example>, Problem> {
    let row = Field::row(row);
    if row.get("paragraphs").exists() { article(&row) } else { Ok(vec![flat(&row)?]) }
}

fn flat(row: &Field) -> Result<Example, Problem> {
    let answers = row.get("answers").get("text").list()?.iter().map(Field::some_text).collect::<Result<Vec<_>, _>>()?;
    example(row, row.get("context").some_text()?, &answers)
}

fn article(article: &Field) -> Result<Vec<Example>, Problem> {
    let mut examples = Vec::new();
    for paragraph in article.get("paragraphs").list()? {
        let context = paragraph.get("context").some_text()?;
        for question in paragraph.get("qas").list()? {
            let answers =
                question.get("answers").list()?.iter().map(|answer| answer.get("text").some_text()).collect::<Result<Vec<_>, _>>()?;
            examples.push(example(&question, context, &answers)?);
        }
    }
    Ok(examples)
}

fn example(row: &Field, context: &str, answers: &[&str]) -> Result<Example, Problem> {
    let question = row.get("question").some_text()?.trim();
    let prompt = Prompt::Document { before: "Context:\n", body: context.to_owned(), after: format!("\n\nQuestion: {question}\nAnswer:") };
    Ok(Example { id: row.get("id").id()?, references: distinct(answers), prompt })
}

/// The answers in their order, each once: three annotators often agree, and the best of equal references is the same.
fn distinct(answers: &[&str]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for answer in answers {
        if !seen.iter().any(|known| known == answer) {
            seen.push((*answer).to_owned());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let nested = json!({"paragraphs": [{"context": "c", "qas": [{"id": "q", "question": "q", "answers": [{"text": 3}]}]}]});
        let problem = read(&nested).unwrap_err();
        assert_eq!((problem.field.as_str(), problem.found), ("paragraphs[0].qas[0].answers[0].text", "a number"));
    }
}
