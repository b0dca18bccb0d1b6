//! A reproduction as text, Markdown or JSON. What is printed was computed elsewhere.

mod sections;
mod write;

use crate::{Result, document::Document};

/// How to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal: plain text in columns.
    Text,
    /// Markdown.
    Markdown,
    /// The [`Document`] itself.
    Json,
}

/// Writes the document; the text ends with a line end.
///
/// # Errors
/// It cannot be written as JSON.
pub fn render(document: &Document, format: Format) -> Result<String> {
    Ok(match format {
        Format::Text => write::text(&sections::all(document)),
        Format::Markdown => write::markdown(&sections::all(document)),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(document)?),
    })
}
