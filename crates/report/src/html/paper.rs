//! Parts of the page that are made elsewhere: titled prose, a table and a list, all of plain text.

use maud::{Markup, html as markup};

/// A titled part, such as one of the paper's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Paragraphs before the table.
    pub before: Vec<String>,
    /// The table's head; empty without a table.
    pub head: Vec<String>,
    /// Its rows; the first column names them.
    pub rows: Vec<Vec<String>>,
    /// Items under it.
    pub after: Vec<String>,
}

pub(super) fn section(sections: &[Section]) -> Markup {
    markup! {
        @if !sections.is_empty() {
            section #paper aria-labelledby="paper-title" {
                h2 #paper-title { "The paper's tables" }
                @for section in sections { (one(section)) }
            }
        }
    }
}

fn one(section: &Section) -> Markup {
    markup! {
        h3 { (section.title) }
        @for text in &section.before { p { (text) } }
        @if !section.rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(section.title) {
                table.sortable {
                    thead { tr { @for head in &section.head { th scope="col" { (head) } } } }
                    tbody { @for row in &section.rows { tr {
                        @for (i, cell) in row.iter().enumerate() { @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } } }
                    } } }
                }
            }
        }
        @if !section.after.is_empty() { ul.small { @for text in &section.after { li { (text) } } } }
    }
}
