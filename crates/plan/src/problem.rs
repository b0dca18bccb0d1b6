//! What is wrong with a plan: every problem at once, each with its place and a way to mend it. Not the finding of them.

use std::fmt;

use crate::nearest::nearest;

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the plan's text, from 1; of the section's header when a key is missing.
    pub line: usize,
    /// Where in the plan, such as `engines[0].kind`; empty for the whole file.
    pub place: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// A key that no one reads.
    #[error("unknown key")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The keys that may stand there.
        known: Vec<String>,
    },
    /// A word outside a closed list.
    #[error("unknown {noun} {word:?}")]
    UnknownWord {
        /// What the list is of, such as `engine`.
        noun: &'static str,
        /// The word as written.
        word: String,
        /// The words that may stand there.
        known: Vec<String>,
    },
    /// A key that must be there is not.
    #[error("missing")]
    Missing {
        /// What to write, such as `a string`.
        expected: &'static str,
    },
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The type wanted.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A value of the right type that makes no sense.
    #[error("{found} cannot stand here")]
    OutOfRange {
        /// The value as written.
        found: String,
        /// What is allowed, such as `from 1 to 1000`.
        allowed: String,
    },
    /// A name that must be unique is not.
    #[error("{name} appears twice; it stands in line {first} already")]
    Duplicate {
        /// The name.
        name: String,
        /// Line of its first appearance.
        first: usize,
    },
    /// Keys that contradict each other, or fall short together.
    #[error("{message}")]
    Conflict {
        /// What contradicts what.
        message: String,
        /// How to mend it.
        mend: String,
    },
}

impl Problem {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match &self.fault {
            Fault::Syntax { .. } | Fault::WrongType { .. } => None,
            Fault::UnknownKey { key, known } => Some(choose(key, known)),
            Fault::UnknownWord { word, known, .. } => Some(choose(word, known)),
            Fault::Missing { expected } => {
                let key = self.place.rsplit('.').next().unwrap_or(&self.place);
                Some(format!("add `{key}`, {expected}; it has no default"))
            }
            Fault::OutOfRange { allowed, .. } => Some(format!("it must be {allowed}")),
            Fault::Duplicate { .. } => Some("rename or remove one of the two".into()),
            Fault::Conflict { mend, .. } => Some(mend.clone()),
        }
    }
}

/// `did you mean "x"?` when one is near, and the whole list.
fn choose(word: &str, known: &[String]) -> String {
    let list = format!("one of: {}", known.join(", "));
    match nearest(word, known) {
        _ if known.is_empty() => "nothing may stand here".into(),
        Some(near) => format!("did you mean {near:?}? {list}"),
        None => list,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.fault)
    }
}

/// All problems of one plan, in the order of its lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// How to mend them, when there is only one; each [`Problem`] has its own.
    pub fn hint(&self) -> Option<String> {
        match self.0.as_slice() {
            [only] => only.hint(),
            _ => None,
        }
    }
}

impl std::error::Error for Problems {}

/// Each problem on its line, its hint indented under it.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
            if let Some(hint) = problem.hint() {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}
