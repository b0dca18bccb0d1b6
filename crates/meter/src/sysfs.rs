//! Small files of the kernel that hold one number or one word. Not a parser of anything larger.

use std::{fs::File, io, io::Read, path::Path};

/// More than any of them holds.
const LONGEST: u64 = 4096;

/// The whole number in a file; or why there is none, with the file's name.
pub(crate) fn number(path: &Path) -> Result<u64, String> {
    let text = word(path)?;
    text.parse().map_err(|_| format!("{}: {text:?} is not a number", path.display()))
}

/// A file's text without the blanks around it.
pub(crate) fn word(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {}", path.display(), explain(&error)))?;
    Ok(text.trim().to_owned())
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        io::ErrorKind::NotFound => "not there".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_or_the_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("energy");
        std::fs::write(&path, "12\n").unwrap();
        assert_eq!(number(&path), Ok(12));
        for text in ["", "x", "-1", "1.5", &"9".repeat(5000)] {
            std::fs::write(&path, text).unwrap();
            assert!(number(&path).unwrap_err().contains("energy: "), "{text}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(number(&path).is_err());
        assert!(number(Path::new("/nonexistent/energy")).unwrap_err().ends_with("not there"));
    }
}
