//! Sections as plain text and as Markdown. Names from plans are data: nothing in them is obeyed by a terminal or read as markup.

use std::fmt::Write;

use super::sections::{Grid, Section};

/// Width at which prose is broken.
const WIDTH: usize = 120;

/// For a terminal.
pub(super) fn text(sections: &[Section]) -> String {
    let mut out = String::new();
    for (i, section) in sections.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", clean(&section.title));
        for line in &section.before {
            wrap(&mut out, line, "");
        }
        if let Some(grid) = section.table.as_ref().filter(|grid| !grid.rows.is_empty()) {
            out.push('\n');
            columns(&mut out, grid);
            out.push('\n');
        }
        for line in &section.after {
            wrap(&mut out, line, "  ");
        }
    }
    out
}

/// As Markdown.
pub(super) fn markdown(sections: &[Section]) -> String {
    let mut out = String::new();
    for (i, section) in sections.iter().enumerate() {
        let level = if i == 0 { "#" } else { "\n##" };
        let _ = writeln!(out, "{level} {}", escape(&section.title));
        for line in &section.before {
            let _ = write!(out, "\n{}\n", escape(line));
        }
        if let Some(grid) = section.table.as_ref().filter(|grid| !grid.rows.is_empty()) {
            out.push('\n');
            for (line, row) in std::iter::once(&grid.head).chain(&grid.rows).enumerate() {
                let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
                if line == 0 {
                    let _ = writeln!(out, "{}|", "|---".repeat(row.len()));
                }
            }
        }
        if !section.after.is_empty() {
            out.push('\n');
        }
        for line in &section.after {
            let _ = writeln!(out, "* {}", escape(line));
        }
    }
    out
}

/// Columns two spaces apart.
fn columns(out: &mut String, grid: &Grid) {
    let all: Vec<Vec<String>> =
        std::iter::once(&grid.head).chain(&grid.rows).map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..grid.head.len()).map(width).collect();
    for row in &all {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
    }
}

/// A paragraph or item in lines of [`WIDTH`], the later ones indented.
fn wrap(out: &mut String, text: &str, indent: &str) {
    let mut line = String::new();
    for word in clean(text).split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            indent.clone_into(&mut line);
        } else if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    let _ = writeln!(out, "{line}");
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as itself: no markup, no HTML, in one line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out += "&amp;",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections() -> Vec<Section> {
        let table = Grid { head: vec![String::new(), "a".into()], rows: vec![vec!["x|\u{1b}".into(), "1 = 1.0".into()]] };
        vec![Section { title: "One".into(), before: vec!["word ".repeat(40)], table: Some(table), after: vec!["<b>".into()] }]
    }

    #[test]
    fn text_is_broken_and_clean() {
        let text = text(&sections());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH) && !text.contains('\u{1b}'));
        assert!(text.contains("x|   1 = 1.0"));
    }

    #[test]
    fn markup_is_text() {
        let markdown = markdown(&sections());
        assert!(markdown.starts_with("# One\n") && markdown.contains("|  | a |\n|---|---|\n| x\\|  | 1 = 1.0 |\n\n* \\<b\\>\n"));
    }
}
