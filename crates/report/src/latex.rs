//! The report's tables in LaTeX, for papers: booktabs rules, intervals under the values, remarks under the tables. Everything that was not
//! written here is escaped. The document around them is the author's; it needs `\usepackage{booktabs}`.

use std::fmt::Write;

use crate::{
    document::Document,
    grid::{Grid, Table, Text},
    terminal,
};

/// Writes the tables.
pub(crate) fn render(document: &Document) -> String {
    let grid = Grid::whole(document);
    let mut out = String::from("% needs \\usepackage{booktabs}; a wide table may want \\resizebox{\\textwidth}{!}{...}\n");
    for line in [terminal::headline(document), document.client.summary.clone()] {
        let _ = writeln!(out, "% {}", comment(&line));
    }
    for warning in &document.warnings {
        let _ = writeln!(out, "% warning: {}", comment(warning));
    }
    for table in grid.tables.iter().filter(|table| !table.groups.is_empty()) {
        write_table(&mut out, table);
    }
    if !grid.remarks.is_empty() {
        out += "\n\\begin{flushleft}\\footnotesize\n";
        for (i, remark) in grid.remarks.iter().enumerate() {
            let _ = writeln!(out, "({}) {}\\\\", i + 1, escape(remark));
        }
        out += "\\end{flushleft}\n";
    }
    out
}

fn write_table(out: &mut String, table: &Table) {
    let columns = format!("ll{}", "r".repeat(table.head.len().saturating_sub(2)));
    let _ = write!(out, "\n\\begin{{table}}\n\\centering\\small\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n");
    write_row(out, &table.head);
    for group in &table.groups {
        out.push_str("\\midrule\n");
        for row in group {
            write_row(out, row);
        }
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    if !table.title.is_empty() {
        let _ = writeln!(out, "\\caption{{{}. In brackets: 95\\% intervals.}}", escape(table.title));
    }
    out.push_str("\\end{table}\n");
}

/// A row in two lines, the second of them finer; the second only where it says something.
fn write_row(out: &mut String, row: &[Text]) {
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    // An opening bracket after \\ would be read as its argument.
    let guarded = |text: &str| if text.trim_start().starts_with('[') { format!("{{}}{}", escape(text)) } else { escape(text) };
    *out += &line(row.iter().map(|text| guarded(&text.marked())).collect());
    if row.iter().any(|text| !text.under.is_empty()) {
        let under = |text: &Text| if text.under.is_empty() { String::new() } else { format!("{{\\scriptsize {}}}", guarded(&text.under)) };
        *out += &line(row.iter().map(under).collect());
    }
}

/// A comment stays in its line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as itself, whatever it holds: no command, no mathematics, in one line.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '|' => out += "\\textbar{}",
            '"' => out += "\\textquotedbl{}",
            '`' => out += "\\textasciigrave{}",
            _ if c.is_control() => out.push(' '),
            c => match SYMBOLS.iter().find(|(symbol, _)| *symbol == c) {
                Some((_, command)) => {
                    let _ = write!(out, "\\ensuremath{{{command}}}");
                }
                None => out.push(c),
            },
        }
    }
    out
}

/// What a font in text mode may lack.
const SYMBOLS: &[(char, &str)] = &[
    ('ρ', "\\rho"),
    ('α', "\\alpha"),
    ('Δ', "\\Delta"),
    ('Σ', "\\Sigma"),
    ('→', "\\to"),
    ('↑', "\\uparrow"),
    ('↓', "\\downarrow"),
    ('·', "\\cdot"),
    ('×', "\\times"),
    ('−', "-"),
    ('±', "\\pm"),
    ('≥', "\\ge"),
    ('≤', "\\le"),
    ('…', "\\ldots"),
    ('₂', "_2"),
    ('²', "^2"),
    ('⁰', "^0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_text() {
        assert_eq!(escape("\\input{/etc/passwd}"), "\\textbackslash{}input\\{/etc/passwd\\}");
        assert_eq!(escape("a_b & 5% of $3 #1 ~ ^"), "a\\_b \\& 5\\% of \\$3 \\#1 \\textasciitilde{} \\textasciicircum{}");
        assert_eq!(escape("ρ_sys ↑\n<b>"), "\\ensuremath{\\rho}\\_sys \\ensuremath{\\uparrow} \\textless{}b\\textgreater{}");
        assert_eq!(comment("a\n\\end{document}"), "a \\end{document}");
    }

    #[test]
    fn a_bracket_after_a_line_end_is_no_argument() {
        let mut out = String::new();
        write_row(&mut out, &[Text::new("1.0", "[0.9, 1.1]"), Text::new("[x", "")]);
        assert_eq!(out, "1.0 & {}[x \\\\\n{\\scriptsize {}[0.9, 1.1]} &  \\\\\n");
    }
}
