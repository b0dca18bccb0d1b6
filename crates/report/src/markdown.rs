//! The report in Markdown. Everything that was not written here is escaped: names from the plan, and above all what models
//! and stages wrote.

use std::fmt::Write;

use crate::{
    document::Document,
    grid::{Grid, Table, Text},
    terminal,
};

/// Writes the report.
pub(crate) fn render(document: &Document) -> String {
    let grid = Grid::whole(document);
    let mut out =
        format!("# {}\n\n{}\n\n{}\n", escape(&document.run), escape(&terminal::headline(document)), escape(&document.client.summary));
    if !document.warnings.is_empty() {
        out += "\n## Warnings\n\n";
    }
    for warning in &document.warnings {
        let _ = writeln!(out, "* {}", escape(warning));
    }
    for table in grid.tables.iter().filter(|table| !table.groups.is_empty()) {
        if !table.title.is_empty() {
            let _ = write!(out, "\n## {}\n", table.title);
        }
        out.push('\n');
        write_table(&mut out, table);
    }
    if !grid.remarks.is_empty() {
        out.push('\n');
    }
    for (i, remark) in grid.remarks.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", i + 1, escape(remark));
    }
    if !document.economics.is_empty() {
        let _ = write!(out, "\n## {}\n\n", terminal::MONEY);
    }
    for one in &document.economics {
        let _ = writeln!(out, "* {}", escape(&terminal::money(one)));
    }
    if !document.statements.is_empty() {
        let _ = write!(out, "\n## {}\n\n", terminal::STATEMENTS);
    }
    for one in &document.statements {
        let _ = writeln!(out, "* {}", escape(&terminal::statement(one)));
    }
    if !document.crossings.is_empty() {
        let _ = write!(out, "\n## {}\n\n", terminal::CROSSINGS);
    }
    for one in &document.crossings {
        let _ = writeln!(out, "* {}", escape(&terminal::crossing(one)));
    }
    let _ = write!(out, "\n## Definitions\n\n{}\n\n", terminal::BRACKETS);
    for line in &grid.legend {
        let _ = writeln!(out, "* {}", escape(line));
    }
    if !document.failures.is_empty() {
        out += "\n## Stages that failed\n";
    }
    for failure in &document.failures {
        let _ = write!(out, "\n* {}: {}\n", escape(&failure.label), escape(&failure.reason));
        for line in &failure.last_lines {
            let _ = writeln!(out, "  * {}", escape(line));
        }
    }
    out
}

pub(crate) fn write_table(out: &mut String, table: &Table) {
    write_row(out, &table.head);
    *out += &"|---".repeat(table.head.len());
    *out += "|\n";
    let mut model = Text::default();
    for row in table.groups.iter().flatten() {
        // Each row says its model and task: Markdown has no grouped rows.
        let mut row = row.clone();
        match row.first_mut() {
            Some(first) if *first == Text::default() => first.clone_from(&model),
            Some(first) => model.clone_from(first),
            None => {}
        }
        write_row(out, &row);
    }
}

fn write_row(out: &mut String, row: &[Text]) {
    for text in row {
        let line = escape(&text.marked());
        let joined = if text.under.is_empty() { line } else { format!("{line}<br>{}", escape(&text.under)) };
        let _ = write!(out, "| {joined} ");
    }
    *out += "|\n";
}

/// Text as itself, whatever it holds: no markup, no link, no HTML, in one line.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out += "&amp;",
            '+' | '-' if i == 0 && text.len() > 1 => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.replace("://", ":\\/\\/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("a|b\nc"), "a\\|b c");
        assert_eq!(escape("<img src=x onerror=y>"), "\\<img src=x onerror=y\\>");
        assert_eq!(escape("[x](javascript:y) ![i](u)"), "\\[x\\](javascript:y) \\!\\[i\\](u)");
        assert_eq!(escape("see https://a.b"), "see https:\\/\\/a.b");
        assert_eq!(escape("# head"), "\\# head");
        assert_eq!(escape("- item"), "\\- item");
        assert_eq!(escape("&lt;b&gt;"), "&amp;lt;b&amp;gt;");
    }
}
