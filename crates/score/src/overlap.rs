//! Whether held-out items also stand in the training rows, by id and by text: a score on such items says nothing.

use std::collections::{HashMap, HashSet};

use crate::Example;

/// Held-out items that were found among the training rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Items compared.
    pub items: usize,
    /// Ids that are in both.
    pub ids: Vec<String>,
    /// Held-out ids whose text is in both under another id: (training id, held-out id).
    pub texts: Vec<(String, String)>,
    /// Further items whose document is in both, under another question. That is not the same item, but the passage was trained on:
    /// SQuAD split by question rather than by article has many.
    pub documents: usize,
}

impl Overlap {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.ids.is_empty() && self.texts.is_empty()
    }

    /// The problem in a sentence, with the first few ids; `None` when there is none.
    pub fn problem(&self) -> Option<String> {
        if self.is_clean() {
            return None;
        }
        let mut ids: Vec<&str> =
            self.ids.iter().chain(self.texts.iter().map(|(_, held_out)| held_out)).map(String::as_str).take(SHOWN).collect();
        let found = self.ids.len() + self.texts.len();
        if found > SHOWN {
            ids.push("…");
        }
        Some(format!(
            "{found} of {} held-out items are also in the training rows ({} by id, {} by text): {}",
            self.items,
            self.ids.len(),
            self.texts.len(),
            ids.join(", ")
        ))
    }
}

/// Ids that a problem names.
const SHOWN: usize = 5;

/// Compares the rows of two parts. Texts are compared whole, in lower case and with single spaces; for a question that is
/// context and question together, so that two questions about one passage are not the same.
pub fn overlap(train: &[Example], held_out: &[Example]) -> Overlap {
    let ids: HashSet<&str> = train.iter().map(|example| example.id.as_str()).collect();
    let texts: HashMap<Print, &str> = train.iter().map(|example| (print(&example.text()), example.id.as_str())).collect();
    let documents: HashSet<Print> = train.iter().filter_map(Example::document).map(print).collect();
    let mut found = Overlap { items: held_out.len(), ..Overlap::default() };
    for example in held_out {
        if ids.contains(example.id.as_str()) {
            found.ids.push(example.id.clone());
        } else if let Some(id) = texts.get(&print(&example.text())) {
            found.texts.push(((*id).to_owned(), example.id.clone()));
        } else if example.document().is_some_and(|document| documents.contains(&print(document))) {
            found.documents += 1;
        }
    }
    found
}

/// The training rows that are no held-out item, by id and by text, and how many were left out.
pub fn keep_apart(train: Vec<Example>, held_out: &[Example]) -> (Vec<Example>, usize) {
    let ids: HashSet<&str> = held_out.iter().map(|example| example.id.as_str()).collect();
    let texts: HashSet<Print> = held_out.iter().map(|example| print(&example.text())).collect();
    let rows = train.len();
    let apart = |example: &Example| !ids.contains(example.id.as_str()) && !texts.contains(&print(&example.text()));
    let kept: Vec<Example> = train.into_iter().filter(apart).collect();
    let left_out = rows - kept.len();
    (kept, left_out)
}

/// Stands for a text: 16 bytes of its digest, so that comparing two data sets does not hold both twice.
type Print = [u8; 16];

fn print(text: &str) -> Print {
    let mut hasher = blake3::Hasher::new();
    for word in text.to_lowercase().split_whitespace() {
        hasher.update(word.as_bytes());
        hasher.update(b" ");
    }
    hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::Prompt;

    fn example(id: &str, body: &str) -> Example {
        let prompt = Prompt::Document { before: "", body: body.into(), after: String::new() };
        Example { id: id.into(), references: vec!["r".into()], prompt }
    }

    #[test]
    fn found_by_id_and_by_text() {
        let train = [example("1", "Rain in Spain"), example("2", "Snow")];
        let clean = overlap(&train, &[example("3", "Hail")]);
        assert!(clean.is_clean() && clean.problem().is_none());
        let found = overlap(&train, &[example("2", "Fog"), example("4", "rain  in\nspain"), example("5", "Sun")]);
        assert_eq!(found.ids, ["2"]);
        assert_eq!(found.texts, [("1".to_owned(), "4".to_owned())]);
        assert_eq!(found.documents, 0);
        assert_eq!(found.problem().unwrap(), "2 of 3 held-out items are also in the training rows (1 by id, 1 by text): 2, 4");
    }

    fn question(id: &str, body: &str, question: &str) -> Example {
        let prompt = Prompt::Document { before: "", body: body.into(), after: question.into() };
        Example { id: id.into(), references: vec!["r".into()], prompt }
    }

    #[test]
    fn another_question_about_the_same_document_is_counted_apart() {
        let train = [question("1", "Rain in Spain", "Where?")];
        let found = overlap(&train, &[question("2", "rain in  Spain", "What?"), question("3", "Snow", "Where?")]);
        assert!(found.is_clean());
        assert_eq!(found.documents, 1);
    }

    #[test]
    fn what_is_kept_apart_overlaps_no_more() {
        let train = vec![example("1", "Rain"), example("2", "Snow"), example("3", "Hail"), example("4", "Fog")];
        let held_out = [example("2", "Sun"), example("9", " HAIL ")];
        let (kept, left_out) = keep_apart(train, &held_out);
        assert_eq!(kept.iter().map(|example| example.id.as_str()).collect::<Vec<_>>(), ["1", "4"]);
        assert_eq!(left_out, 2);
        assert!(overlap(&kept, &held_out).is_clean());
    }
}
