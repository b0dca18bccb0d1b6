//! Names that mean the same, and the known names nearest to one that is not known.
//!
//! Nearness is the share of letter pairs that two names have in common (Dice, "Measures of the amount of ecologic association between
//! species", Ecology 26, 1945): it forgives order and separators, which is what names of models and GPUs differ in.

/// Longest name that is compared.
const LONGEST: usize = 200;
/// How many near names are told.
const MOST: usize = 4;
/// Least share of pairs in common.
const LEAST: f64 = 0.4;

/// Letters and digits alone, in lower case.
pub(super) fn normal(name: &str) -> String {
    name.chars().take(LONGEST).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether two names differ in case and separators only.
pub(super) fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

/// Up to four of `known` that are nearest to a name, the nearest first; each once.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = normal(name);
    let mut ranked: Vec<(f64, &str)> =
        known.map(|known| (likeness(&wanted, &normal(known)), known)).filter(|(like, _)| *like >= LEAST).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked.dedup_by(|a, b| a.1 == b.1);
    ranked.into_iter().take(MOST).map(|(_, known)| known.to_owned()).collect()
}

/// From 0, nothing in common, to 1. A known name that begins with what was given is at least half like it.
fn likeness(a: &str, b: &str) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (pairs, mut others) = (pairs(a), pairs(b));
    let all = pairs.len() + others.len();
    let mut common = 0;
    for pair in pairs {
        if let Some(at) = others.iter().position(|other| *other == pair) {
            others.swap_remove(at);
            common += 1;
        }
    }
    let share = if all == 0 { f64::from(u8::from(a == b)) } else { 2.0 * f64::from(common) / all as f64 };
    if b.starts_with(a) { share.max(0.5) } else { share }
}

fn pairs(name: &str) -> Vec<(char, char)> {
    let letters: Vec<char> = name.chars().collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_forgives_order_and_separators() {
        assert!(same("Llama-3.1-8B", "llama 3.1_8b") && !same("gpt-4o", "gpt-4"));
        let known = ["gpt-4o", "gpt-4o-mini", "claude-3-haiku", "o3"];
        assert_eq!(nearest("gpt4-o", known.into_iter()), ["gpt-4o", "gpt-4o-mini"]);
        assert_eq!(nearest("claude-haiku-3", known.into_iter()), ["claude-3-haiku"]);
        assert!(nearest("zzz", known.into_iter()).is_empty());
        assert!(nearest("", known.into_iter()).is_empty());
    }

    #[test]
    fn pairs_in_common_by_hand() {
        // night and nacht share `ht`: 2 · 1 / 8.
        assert!((likeness("night", "nacht") - 0.25).abs() < 1e-12);
        assert!((likeness("a", "a") - 1.0).abs() < 1e-12);
        assert!(likeness("a", "b") < 1e-12 && likeness("a", "abc") >= 0.5);
    }

    #[test]
    fn an_absurdly_long_name_costs_little() {
        assert!(nearest(&"e".repeat(1_000_000), ["embedded"].into_iter()).is_empty());
    }
}
