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
    let texts: HashMap<String, &str> = train.iter().map(|example| (plain(&example.text()), example.id.as_str())).collect();
    let mut found = Overlap { items: held_out.len(), ..Overlap::default() };
    for example in held_out {
        if ids.contains(example.id.as_str()) {
            found.ids.push(example.id.clone());
        } else if let Some(id) = texts.get(&plain(&example.text())) {
            found.texts.push(((*id).to_owned(), example.id.clone()));
        }
    }
    found
}

fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
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
        assert_eq!(found.problem().unwrap(), "2 of 3 held-out items are also in the training rows (1 by id, 1 by text): 2, 4");
    }
}
