//! The Porter stemmer as NLTK's default mode has it, which is the one that `rouge_score` uses.
//!
//! Source: Porter, "An algorithm for suffix stripping", Program 14 (1980), with the extensions of NLTK's
//! `PorterStemmer.NLTK_EXTENSIONS` (a pool of irregular forms, `-ies`/`-ied` of four letters, `-y` after a consonant, `-fulli`,
//! `-logi`, `-alli`). It is not Snowball's "Porter2" and differs from Porter's own revised version.
//! Words are ASCII letters and digits in lower case; a digit counts as a consonant.

/// The stem of one word.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    let mut word = word.to_owned();
    if word.len() <= 2 {
        return word;
    }
    step_1a(&mut word);
    step_1b(&mut word);
    step_1c(&mut word);
    step_2(&mut word);
    apply(&mut word, STEP_3, |stem| measure(stem) > 0);
    step_4(&mut word);
    step_5a(&mut word);
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
    word
}

/// Forms that the rules would tear apart, and what they become.
const IRREGULAR: &[(&str, &str)] = &[
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

const STEP_2: &[(&str, &str)] = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: &[(&str, &str)] =
    &[("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

/// In this order: the first suffix that fits decides, so `ement` stands before `ment` before `ent`.
const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
];

/// The first rule whose suffix fits decides: its suffix is replaced when the rest meets the condition. Whether one fitted.
fn apply(word: &mut String, rules: &[(&str, &str)], condition: impl Fn(&str) -> bool) -> bool {
    let Some((suffix, replacement)) = rules.iter().find(|(suffix, _)| word.ends_with(suffix)) else { return false };
    let rest = word.len() - suffix.len();
    if condition(&word[..rest]) {
        word.truncate(rest);
        word.push_str(replacement);
    }
    true
}

/// Plurals.
fn step_1a(word: &mut String) {
    if word.len() == 4 && word.ends_with("ies") {
        word.pop();
        return;
    }
    apply(word, &[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true);
}

/// Past forms and gerunds.
fn step_1b(word: &mut String) {
    if word.ends_with("ied") {
        word.truncate(word.len() - if word.len() == 4 { 1 } else { 2 });
        return;
    }
    if apply(word, &[("eed", "ee")], |stem| measure(stem) > 0) {
        return;
    }
    let Some(rest) = ["ed", "ing"].iter().find_map(|s| word.strip_suffix(s).filter(|rest| contains_vowel(rest)).map(str::len)) else {
        return;
    };
    word.truncate(rest);
    if apply(word, &[("at", "ate"), ("bl", "ble"), ("iz", "ize")], |_| true) {
        return;
    }
    if ends_double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_cvc(word) {
        word.push('e');
    }
}

/// `y` after a consonant that is not the whole rest.
fn step_1c(word: &mut String) {
    apply(word, &[("y", "i")], |stem| stem.len() > 1 && consonants(stem).last() == Some(true));
}

fn step_2(word: &mut String) {
    if word.strip_suffix("alli").is_some_and(|stem| measure(stem) > 0) {
        word.truncate(word.len() - "li".len());
        return step_2(word);
    }
    // NLTK measures the part before `logi` with its `l`, `o` and `g` cut to `log`.
    if !apply(word, STEP_2, |stem| measure(stem) > 0) && word.ends_with("logi") && measure(&word[..word.len() - 3]) > 0 {
        word.pop();
    }
}

fn step_4(word: &mut String) {
    let Some(suffix) = STEP_4.iter().find(|suffix| word.ends_with(**suffix)) else { return };
    let rest = &word[..word.len() - suffix.len()];
    if measure(rest) > 1 && (*suffix != "ion" || rest.ends_with(['s', 't'])) {
        word.truncate(rest.len());
    }
}

/// A final `e`.
fn step_5a(word: &mut String) {
    let Some(rest) = word.strip_suffix('e') else { return };
    let m = measure(rest);
    if m > 1 || (m == 1 && !ends_cvc(rest)) {
        word.pop();
    }
}

/// Whether each character is a consonant: not a vowel, and not a `y` after a consonant.
fn consonants(word: &str) -> impl Iterator<Item = bool> {
    let mut previous = false;
    word.bytes().map(move |c| {
        previous = match c {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !previous,
            _ => true,
        };
        previous
    })
}

/// Porter's m: how often a consonant follows a vowel.
fn measure(stem: &str) -> usize {
    let mut after_vowel = false;
    consonants(stem).filter(|&consonant| std::mem::replace(&mut after_vowel, !consonant) && consonant).count()
}

fn contains_vowel(stem: &str) -> bool {
    consonants(stem).any(|consonant| !consonant)
}

fn ends_double_consonant(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 2 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2] && consonants(word).last() == Some(true)
}

/// Consonant, vowel, consonant other than `w`, `x`, `y`; or a whole word of vowel and consonant.
fn ends_cvc(word: &str) -> bool {
    let kinds: Vec<bool> = consonants(word).collect();
    match kinds[..] {
        [false, true] => true,
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stems_are_nltks() {
        // One word or more for every rule, stemmed by nltk.stem.porter.PorterStemmer().
        for line in include_str!("../../../tests/fixtures/porter.txt").lines() {
            let (word, want) = line.split_once(' ').unwrap();
            assert_eq!(stem(word), want, "{word}");
        }
    }

    proptest! {
        #[test]
        fn never_longer_than_the_word_by_more_than_a_letter(word in "[a-z0-9]{0,20}") {
            prop_assert!(stem(&word).len() <= word.len() + 1);
        }
    }
}
