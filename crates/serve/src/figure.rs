//! Numbers as engines write them for people, in logs and in messages: with a unit behind them or without one.

/// The number a text begins with: `  694.05 MiB` in bytes, `12` as it is. Units reach from KiB to GiB, and from KB to GB, which logs mean as
/// powers of 1024.
pub fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit: String = text[end..].trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let scale = match unit.to_ascii_lowercase().as_str() {
        "kib" | "kb" => 1024.0,
        "mib" | "mb" => 1024.0 * 1024.0,
        "gib" | "gb" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    Some(number * scale).filter(|number| number.is_finite())
}

/// The number after the last of these words, where a line has all of them in their order.
pub fn number_after(line: &str, words: &[&str]) -> Option<f64> {
    let rest = words.iter().try_fold(line, |rest, word| rest.split_once(word).map(|(_, rest)| rest))?;
    leading_number(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(leading_number("  694.5 MiB rest"), Some(694.5 * 1_048_576.0));
        assert_eq!(leading_number("2 gb"), Some(2_147_483_648.0));
        assert_eq!(leading_number("12, and"), Some(12.0));
        assert_eq!(leading_number("lots"), None);
        assert_eq!(leading_number(&"9".repeat(400)), None);
        assert_eq!(number_after("a size: 3 KiB", &["a", "size:"]), Some(3072.0));
        assert_eq!(number_after("size: 3 KiB a", &["a", "size:"]), None);
    }
}
