//! Fills `{slot}` templates and tells where each value came to stand. Not a template language: slots only, no conditions.

/// The facts of one report: slot and value.
#[derive(Clone, Debug)]
pub(crate) struct Facts(pub(crate) Vec<(&'static str, String)>);

impl Facts {
    /// The value of a slot that its kind declares.
    pub(crate) fn get(&self, slot: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == slot).map(|(_, value)| value.as_str()).expect("templates name declared slots only")
    }
}

/// A filled template: the text, and for every slot in it the place (in characters) where its value begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    /// The sentence, its first letter in upper case.
    pub(crate) text: String,
    /// Slot name and start in characters, in the order of the text.
    pub(crate) spans: Vec<(String, usize)>,
}

/// Names of the slots of a template, in order.
pub(crate) fn slots(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(slot, _)| slot)
}

/// Fills a template and makes a sentence of it: `a` becomes `an` before a vowel, the first letter is raised.
pub(crate) fn fill(template: &str, facts: &Facts) -> Filled {
    let mut text = String::with_capacity(template.len() * 2);
    let mut spans = Vec::new();
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (slot, after) = tail.split_once('}').expect("templates close their braces");
        let value = facts.get(slot);
        text.push_str(literal);
        if ends_with_article(&text) && value.starts_with(['a', 'e', 'i', 'o', 'u']) {
            text.insert(text.len() - 1, 'n');
        }
        spans.push((slot.to_owned(), text.chars().count()));
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Filled { text: raise_first(&text), spans }
}

fn ends_with_article(text: &str) -> bool {
    matches!(text, "a " | "A ") || text.ends_with(" a ")
}

/// The text with its first letter in upper case; its length in characters does not change.
pub(crate) fn raise_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_spans_say() {
        let facts = Facts(vec![("animal", "elephant".to_owned()), ("name", "Pip".to_owned())]);
        let filled = fill("a {animal} called {name}.", &facts);
        assert_eq!(filled.text, "An elephant called Pip.");
        assert_eq!(filled.spans, [("animal".to_owned(), 3), ("name".to_owned(), 19)]);
        assert_eq!(slots("{a} b {c}").collect::<Vec<_>>(), ["a", "c"]);
    }
}
