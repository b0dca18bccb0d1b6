//! How a model is named: by a path, or by a hub id with a revision. Nothing is looked up here.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, Result};

/// The name of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A model folder or a GGUF file.
    Path(PathBuf),
    /// A model of the hub.
    Hub {
        /// `org/name`.
        id: String,
        /// A branch, tag or commit.
        revision: String,
    },
}

impl Source {
    /// Reads a name as people write it: what exists as a path, or looks like one (`./x`, `/x`, `x.gguf`), is a path;
    /// `org/name` and `org/name@revision` are hub ids, of branch `main` without a revision.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`] when it is neither.
    pub fn parse(name: &str) -> Result<Self> {
        let path = PathBuf::from(name);
        let looks_like_path = path.is_absolute()
            || name.starts_with('.')
            || name.starts_with('~')
            || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if looks_like_path || path.exists() {
            return Ok(Self::Path(path));
        }
        match name.split_once('@') {
            Some((id, revision)) => Self::hub(id, revision),
            None => Self::hub(name, "main"),
        }
    }

    /// A model of the hub.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`] when the id is not `org/name`, or the revision cannot be one.
    pub fn hub(id: &str, revision: &str) -> Result<Self> {
        let part = |text: &str| {
            !text.is_empty() && !text.starts_with('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let named = id.split_once('/').is_some_and(|(org, name)| part(org) && part(name));
        if named && revision.split('/').all(part) {
            Ok(Self::Hub { id: id.to_owned(), revision: revision.to_owned() })
        } else {
            Err(Error::BadName { name: if revision == "main" { id.to_owned() } else { format!("{id}@{revision}") } })
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Hub { id, revision } if revision == "main" => f.write_str(id),
            Self::Hub { id, revision } => write!(f, "{id}@{revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_or_ids() {
        let hub = |id: &str, revision: &str| Source::Hub { id: id.to_owned(), revision: revision.to_owned() };
        assert_eq!(Source::parse("org/name-1.5B").unwrap(), hub("org/name-1.5B", "main"));
        assert_eq!(Source::parse("org/name@refs/pr/1").unwrap(), hub("org/name", "refs/pr/1"));
        assert_eq!(Source::parse("src").unwrap(), Source::Path("src".into()));
        assert_eq!(Source::parse("org/name.gguf").unwrap(), Source::Path("org/name.gguf".into()));
        assert_eq!(Source::parse("./org/name").unwrap(), Source::Path("./org/name".into()));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for name in ["", "name", "a/b/c", "org/..", "org/na me", "org/name@", "org/name@../../x"] {
            assert!(matches!(Source::parse(name), Err(Error::BadName { .. })), "{name}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_written() {
        for name in ["org/name", "org/name@v1", "/a/b"] {
            assert_eq!(Source::parse(name).unwrap().to_string(), name);
        }
    }
}
