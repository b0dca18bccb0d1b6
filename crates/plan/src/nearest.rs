//! The word that was probably meant: the known word at the smallest edit distance, when that is small enough.

/// Longest word that is compared; the distance takes time in the product of both lengths.
const LONGEST: usize = 64;

/// The nearest of `known`, when at most a third of `word` (and at least one letter) differs.
pub fn nearest<'a>(word: &str, known: &'a [String]) -> Option<&'a str> {
    let letters = word.chars().count();
    if letters > LONGEST {
        return None;
    }
    let allowed = (letters / 3).max(1);
    let (distance, near) = known.iter().map(|k| (distance(&word.to_lowercase(), &k.to_lowercase()), k)).min()?;
    (distance <= allowed).then_some(near.as_str())
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_counts_once_and_a_stranger_has_no_neighbour() {
        let known = ["embedded", "openai", "vllm"].map(String::from);
        assert_eq!(nearest("embeded", &known), Some("embedded"));
        assert_eq!(nearest("vlmm", &known), Some("vllm"));
        assert_eq!(nearest("mok", &known), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn an_absurdly_long_word_is_not_compared() {
        assert_eq!(nearest(&"e".repeat(100_000), &["e".into()]), None);
    }
}
