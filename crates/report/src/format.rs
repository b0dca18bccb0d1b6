//! The formats a report is printed in.

use crate::{csv, document::Document, gather::Result, latex, markdown, terminal};

/// How to print a report. The registry is [`Format::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Tables for a terminal.
    Terminal,
    /// One JSON object: the [`Document`].
    Json,
    /// One row a variant and figure.
    Csv,
    /// Tables in Markdown.
    Markdown,
    /// Tables in LaTeX, with booktabs.
    Latex,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Terminal, Self::Json, Self::Csv, Self::Markdown, Self::Latex];

    /// The word of `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "md",
            Self::Latex => "latex",
        }
    }
}

/// Prints a report as text that ends in a line break.
///
/// # Errors
/// The JSON cannot be written; it can for any document made of records.
pub fn render(document: &Document, format: Format) -> Result<String> {
    Ok(match format {
        Format::Terminal => terminal::render(document),
        Format::Json => serde_json::to_string_pretty(document)? + "\n",
        Format::Csv => csv::render(document),
        Format::Markdown => markdown::render(document),
        Format::Latex => latex::render(document),
    })
}
