//! Data on stdout: the one place that prints it, so that a reader who leaves early (`| head`) is an error like any other.

use std::io::Write;

use anyhow::Context;

/// Writes text to stdout as it is.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to stdout")
}

/// Writes a value to stdout as indented JSON with a line end.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    data(&format!("{}\n", serde_json::to_string_pretty(value).context("writing JSON")?))
}

/// A table with its columns under each other: the first line is the heading.
pub(crate) fn columns(lines: &[Vec<String>]) -> String {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |line: &Vec<String>| {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

/// A number to three digits.
pub(crate) fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let before = value.abs().log10().floor() as i32;
    if before >= 3 { format!("{value:.0}") } else { format!("{value:.*}", (2 - before).clamp(0, 12) as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        assert_eq!([53.0, 0.000_265, 1234.5, 0.0, 100.0, 9.999].map(digits), ["53.0", "0.000265", "1234", "0", "100", "10.00"]);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let lines = [["a", "bb", "c"], ["ddd", "é", ""]].map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(columns(&lines), "  a    bb  c\n  ddd  é\n");
    }
}
