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

/// The same as parts of a report's page.
pub fn parts(document: &Document) -> Vec<report::Section> {
    let part = |section: sections::Section| {
        let (head, rows) = section.table.map_or_else(Default::default, |grid| (grid.head, grid.rows));
        report::Section { title: section.title, before: section.before, head, rows, after: section.after }
    };
    sections::all(document).into_iter().map(part).collect()
}
