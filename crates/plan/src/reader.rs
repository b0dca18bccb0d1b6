//! Reading typed values out of TOML with their places, collecting every problem instead of stopping at the first.
//! It knows TOML and nothing of plans.

use std::{cell::RefCell, collections::BTreeMap, fmt::Display};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::{
    problem::{Fault, Problem},
    value::{FromToml, json, quoted, wrong_type},
};

/// Gathers the problems, and turns byte offsets into lines.
pub(crate) struct Sink {
    line_starts: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
}

impl Sink {
    pub(crate) fn new(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { line_starts, problems: RefCell::default() }
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset)
    }

    pub(crate) fn report(&self, line: usize, place: &str, fault: Fault) {
        self.problems.borrow_mut().push(Problem { line, place: place.to_owned(), fault });
    }

    /// Everything reported, by line.
    pub(crate) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|p| p.line);
        problems
    }
}

/// A spot of the plan that problems can be reported at.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub(crate) path: String,
    pub(crate) line: usize,
    sink: &'a Sink,
}

impl Place<'_> {
    pub(crate) fn report(&self, fault: Fault) {
        self.sink.report(self.line, &self.path, fault);
    }

    fn below(&self, key: &str, line: usize) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, line, sink: self.sink }
    }

    fn element(&self, index: usize, line: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), line, sink: self.sink }
    }
}

/// What stands under a key.
enum State<T> {
    Absent,
    /// Something that was reported already; it must not be reported again as missing.
    Bad,
    Good(T),
}

/// A key's value as written, and its place.
pub(crate) struct Field<'a, T> {
    pub(crate) place: Place<'a>,
    state: State<T>,
}

impl<'a, T: FromToml> Field<'a, T> {
    fn read(place: Place<'a>, value: Option<&DeValue<'_>>) -> Self {
        let state = match value.map(T::from_toml) {
            None => State::Absent,
            Some(Ok(value)) => State::Good(value),
            Some(Err(fault)) => {
                place.report(fault);
                State::Bad
            }
        };
        Self { place, state }
    }

    /// The value, which must be there.
    pub(crate) fn required(self) -> Option<T> {
        if matches!(self.state, State::Absent) {
            self.place.report(Fault::Missing { expected: T::EXPECTED });
        }
        self.good()
    }
}

impl<T> Field<'_, T> {
    /// The value, or a convention of the field.
    pub(crate) fn or(self, default: T) -> Option<T> {
        match self.state {
            State::Absent => Some(default),
            State::Bad => None,
            State::Good(value) => Some(value),
        }
    }

    /// The value or none; the outer `None` means that it was wrong.
    #[expect(clippy::option_option, reason = "the two absences differ: left out, and reported as wrong")]
    pub(crate) fn optional(self) -> Option<Option<T>> {
        match self.state {
            State::Absent => Some(None),
            State::Bad => None,
            State::Good(value) => Some(Some(value)),
        }
    }

    pub(crate) fn good(self) -> Option<T> {
        match self.state {
            State::Good(value) => Some(value),
            State::Absent | State::Bad => None,
        }
    }

    /// Whether the key was written, rightly or wrongly.
    pub(crate) fn is_written(&self) -> bool {
        !matches!(self.state, State::Absent)
    }

    /// The same field, bad when `fault` finds one.
    pub(crate) fn check(self, fault: impl FnOnce(&T) -> Option<Fault>) -> Self {
        let Some(fault) = (if let State::Good(value) = &self.state { fault(value) } else { None }) else {
            return self;
        };
        self.place.report(fault);
        Self { place: self.place, state: State::Bad }
    }
}

impl<T: PartialOrd + Display + Copy> Field<'_, T> {
    /// The same field, bad when outside `low..=high`.
    pub(crate) fn within(self, low: T, high: T) -> Self {
        self.check(|&value| {
            let inside = low <= value && value <= high;
            (!inside).then(|| Fault::OutOfRange { found: value.to_string(), allowed: format!("from {low} to {high}") })
        })
    }
}

impl Field<'_, f64> {
    /// The same field, bad unless above zero and at most `high`.
    pub(crate) fn positive(self, high: f64) -> Self {
        self.check(|&value| {
            let inside = value > 0.0 && value <= high;
            (!inside).then(|| Fault::OutOfRange { found: value.to_string(), allowed: format!("above 0 and at most {high}") })
        })
    }
}

impl Field<'_, String> {
    /// The same field, bad when not one of `known`.
    pub(crate) fn one_of(self, noun: &'static str, known: &[&str]) -> Self {
        self.check(|word| unknown_word(noun, word, known))
    }
}

/// The fault of a word that is not in the list.
fn unknown_word(noun: &'static str, word: &str, known: &[&str]) -> Option<Fault> {
    let fault = || Fault::UnknownWord { noun, word: quoted(word), known: known.iter().map(ToString::to_string).collect() };
    (!known.contains(&word)).then(fault)
}

/// What stands under a key that takes a word or a table.
pub(crate) enum Choice<'a, T> {
    Absent,
    /// Something that was reported already.
    Bad,
    Word(Field<'a, String>),
    Table(T),
}

impl<'a, T> Choice<'a, T> {
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Choice<'a, U> {
        match self {
            Self::Absent => Choice::Absent,
            Self::Bad => Choice::Bad,
            Self::Word(word) => Choice::Word(word),
            Self::Table(table) => Choice::Table(convert(table)),
        }
    }
}

/// A table whose keys are asked for one by one; what nobody asked for is unknown.
pub(crate) struct Section<'a, 'i> {
    pub(crate) place: Place<'a>,
    table: BTreeMap<&'a str, (usize, &'a Spanned<DeValue<'i>>)>,
    asked: Vec<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// The whole document.
    pub(crate) fn root(table: &'a DeTable<'i>, sink: &'a Sink) -> Self {
        Self::new(Place { path: String::new(), line: 1, sink }, table)
    }

    fn new(place: Place<'a>, table: &'a DeTable<'i>) -> Self {
        let line = |key: &Spanned<DeString<'_>>| place.sink.line(key.span().start);
        let table = table.iter().map(|(key, value)| (key.get_ref().as_ref(), (line(key), value))).collect();
        Self { place, table, asked: Vec::new() }
    }

    fn empty(place: Place<'a>) -> Self {
        Self { place, table: BTreeMap::new(), asked: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> (Place<'a>, Option<&'a Spanned<DeValue<'i>>>) {
        self.asked.push(key);
        match self.table.remove(key) {
            Some((line, value)) => (self.place.below(key, line), Some(value)),
            None => (self.place.below(key, self.place.line), None),
        }
    }

    /// A value of type `T`; another type is reported.
    pub(crate) fn field<T: FromToml>(&mut self, key: &'static str) -> Field<'a, T> {
        let (place, value) = self.take(key);
        Field::read(place, value.map(Spanned::get_ref))
    }

    /// A table such as `[adapt]`; an absent one is read as empty, so that its missing keys are told.
    pub(crate) fn section(&mut self, key: &'static str) -> Section<'a, 'i> {
        let (place, value) = self.take(key);
        match value.map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => Self::new(place, table),
            Some(other) => {
                place.report(wrong_type("a table", other));
                Self::empty(place)
            }
            None => Self::empty(place),
        }
    }

    /// A table such as `[compress]`; `None` when there is none.
    pub(crate) fn optional_section(&mut self, key: &'static str) -> Option<Section<'a, 'i>> {
        let (place, value) = self.take(key);
        match value?.get_ref() {
            DeValue::Table(table) => Some(Self::new(place, table)),
            other => {
                place.report(wrong_type("a table", other));
                Some(Self::empty(place))
            }
        }
    }

    /// A word or a table.
    pub(crate) fn word_or_section(&mut self, key: &'static str) -> Choice<'a, Section<'a, 'i>> {
        let (place, value) = self.take(key);
        match value.map(Spanned::get_ref) {
            None => Choice::Absent,
            Some(DeValue::Table(table)) => Choice::Table(Self::new(place, table)),
            Some(word @ DeValue::String(_)) => Choice::Word(Field::read(place, Some(word))),
            Some(other) => {
                place.report(wrong_type("a string or a table", other));
                Choice::Bad
            }
        }
    }

    /// An array of tables such as `[[models]]`, which must not be empty.
    pub(crate) fn sections(&mut self, key: &'static str) -> Vec<Section<'a, 'i>> {
        let (place, value) = self.take(key);
        let elements = match value.map(Spanned::get_ref) {
            Some(DeValue::Array(elements)) if !elements.is_empty() => elements,
            Some(DeValue::Array(_)) | None => {
                place.report(Fault::Conflict { message: "none given".into(), mend: format!("add a [[{key}]] section") });
                return Vec::new();
            }
            Some(other) => {
                place.report(wrong_type("an array of tables", other));
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let here = place.element(index, place.sink.line(element.span().start));
            match element.get_ref() {
                DeValue::Table(table) => sections.push(Self::new(here, table)),
                other => here.report(wrong_type("a table", other)),
            }
        }
        sections
    }

    /// An array of words, each a field of its own; `None` when there is no such key.
    pub(crate) fn words(&mut self, key: &'static str) -> Option<Vec<Field<'a, String>>> {
        let (place, value) = self.take(key);
        let DeValue::Array(elements) = value?.get_ref() else {
            place.report(wrong_type("an array of strings", value?.get_ref()));
            return Some(Vec::new());
        };
        if elements.is_empty() {
            place.report(Fault::Conflict { message: "none given".into(), mend: format!("name at least one in {key}") });
        }
        let read = |(index, element): (usize, &Spanned<DeValue<'_>>)| {
            Field::read(place.element(index, place.sink.line(element.span().start)), Some(element.get_ref()))
        };
        Some(elements.iter().enumerate().map(read).collect())
    }

    /// The same, where the key must be there.
    pub(crate) fn required_words(&mut self, key: &'static str) -> Option<Vec<Field<'a, String>>> {
        let words = self.words(key);
        if words.is_none() {
            self.place.below(key, self.place.line).report(Fault::Missing { expected: "an array of strings" });
        }
        words
    }

    /// Every key that was not asked for, as plain values: an engine's own keys.
    pub(crate) fn rest(self) -> Option<serde_json::Map<String, serde_json::Value>> {
        let mut map = serde_json::Map::new();
        let mut whole = true;
        for (key, (line, value)) in self.table {
            match json(value.get_ref()) {
                Ok(value) => drop(map.insert(key.to_owned(), value)),
                Err(fault) => {
                    self.place.below(&quoted(key), line).report(fault);
                    whole = false;
                }
            }
        }
        whole.then_some(map)
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self) -> Place<'a> {
        for (key, (line, _)) in &self.table {
            let known = self.asked.iter().map(ToString::to_string).collect();
            let key = quoted(key);
            self.place.below(&key, *line).report(Fault::UnknownKey { key, known });
        }
        self.place
    }
}
