//! The marks an answer can get, all in 0..1, higher is better. Marks that need a model (entailment, a judge) are not here.

pub mod rouge;
pub mod squad;

use crate::{Error, Result};

/// One mark: a pure function of an answer and its references.
pub struct Mark {
    /// The word that plans and records use.
    pub name: &'static str,
    /// What it is, in a phrase.
    pub definition: &'static str,
    /// Where it is defined.
    pub source: &'static str,
    /// The mark of a prediction against at least one reference.
    pub(crate) compute: Compute,
}

/// How a mark comes about.
pub(crate) enum Compute {
    /// By a function.
    By(fn(&str, &[&str]) -> f64),
    /// As 1 where it is right, else 0.
    If(fn(&str, &[&str]) -> bool),
    /// As the F-measure of a ROUGE, stemmed or not.
    Rouge(rouge::Variant, bool),
}

impl Mark {
    /// Every mark is a share.
    pub const UNIT: &'static str = "0..1";
}

impl Mark {
    /// Precision, recall and F-measure against the reference with the best F, where the mark is a ROUGE.
    pub fn rouge(&self, prediction: &str, references: &[&str]) -> Option<rouge::Rouge> {
        match self.compute {
            Compute::Rouge(variant, stemmed) => Some(rouge::best(variant, stemmed, prediction, references)),
            Compute::By(_) | Compute::If(_) => None,
        }
    }

    /// Whether it is 0 or 1 and nothing between, so that a mean is a proportion.
    pub fn is_binary(&self) -> bool {
        matches!(self.compute, Compute::If(_))
    }
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mark").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The marks that a cross-encoder for natural language inference gives: how far the document that an answer is about entails it, and how far it
/// does not contradict it. They need a model, so they are computed elsewhere. An empty answer says nothing, and has 0 in both.
pub const NLI_MARKS: [&str; 2] = ["nli_entailment", "nli_non_contradiction"];

/// The marks that models give, by name, and what each is; they are taken by stages of their own.
pub const RATED: &[(&str, &str)] = &[
    (crate::judge::MARKS[0], "a tenth of the judge's rating of helpfulness, 1 to 10"),
    (crate::judge::MARKS[1], "a tenth of the judge's rating of safety, 1 to 10"),
    (NLI_MARKS[0], "probability that the item's document entails the answer, by a cross-encoder"),
    (NLI_MARKS[1], "1 less the probability that the item's document contradicts the answer, by a cross-encoder"),
];

/// Every mark, by name.
pub static MARKS: &[&Mark] = &[
    &squad::EXACT_MATCH,
    &squad::F1,
    &rouge::ROUGE_1,
    &rouge::ROUGE_1_STEMMED,
    &rouge::ROUGE_2,
    &rouge::ROUGE_2_STEMMED,
    &rouge::ROUGE_L,
    &rouge::ROUGE_L_STEMMED,
    &rouge::ROUGE_LSUM,
    &rouge::ROUGE_LSUM_STEMMED,
];

/// Finds a mark by its name.
///
/// # Errors
/// [`Error::UnknownMark`], which lists the known ones.
pub fn find(name: &str) -> Result<&'static Mark> {
    MARKS.iter().find(|mark| mark.name == name).copied().ok_or_else(|| Error::UnknownMark { name: name.to_owned() })
}

/// The marks of a list, each once, in order.
#[derive(Debug, Default)]
pub struct Listed {
    /// Those that an answer and its references are enough for.
    pub marks: Vec<&'static Mark>,
    /// Names of those that models give, of [`RATED`].
    pub rated: Vec<&'static str>,
}

/// The marks of a list such as `rouge,em,f1`: `rouge` stands for the four ROUGEs, `em` for `exact_match`, `nli` and `judge` for the two that
/// each of them gives.
///
/// # Errors
/// [`Error::UnknownMark`], which lists the known ones.
pub fn listed(words: &str) -> Result<Listed> {
    let mut listed = Listed::default();
    for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let names: &[&str] = match word {
            "rouge" => &["rouge_1", "rouge_2", "rouge_l", "rouge_lsum"],
            "em" => &["exact_match"],
            "nli" => &NLI_MARKS,
            "judge" => &crate::judge::MARKS,
            name => &[name],
        };
        for name in names {
            listed.add(name)?;
        }
    }
    Ok(listed)
}

impl Listed {
    fn add(&mut self, name: &str) -> Result<()> {
        if let Some((name, _)) = RATED.iter().find(|(rated, _)| *rated == name) {
            if !self.rated.contains(name) {
                self.rated.push(name);
            }
            return Ok(());
        }
        let mark = find(name)?;
        if !self.marks.iter().any(|known| known.name == mark.name) {
            self.marks.push(mark);
        }
        Ok(())
    }
}

/// What an answer's marks by a cross-encoder are without asking it: nothing is said, so nothing is entailed. `None`: it must be asked.
///
/// # Errors
/// There is no document to judge by: the marks are missing.
pub fn nli_unasked(premise: Option<&str>, answer: &str) -> std::result::Result<Option<f64>, &'static str> {
    match premise {
        None => Err("the item is about no document"),
        Some(_) => Ok(is_empty_answer(answer).then_some(0.0)),
    }
}

/// The mark of one answer, 0 to 1; the best over the references.
///
/// An answer that is empty or only white space gets what the reference implementation gives it, which is 0 unless a reference too is
/// empty after SQuAD's normalisation. Count such answers with [`is_empty_answer`] and tell them beside the mean.
///
/// # Errors
/// An unknown mark, or no reference to compare with: that is a missing mark, not a zero.
pub fn mark<S: AsRef<str>>(name: &str, prediction: &str, references: &[S]) -> Result<f64> {
    let mark = find(name)?;
    if references.is_empty() {
        return Err(Error::NoReferences);
    }
    let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
    Ok(match mark.compute {
        Compute::By(compute) => compute(prediction, &references),
        Compute::If(is_right) => f64::from(u8::from(is_right(prediction, &references))),
        Compute::Rouge(variant, stemmed) => rouge::best(variant, stemmed, prediction, &references).f1,
    })
}

/// Whether a model answered nothing.
pub fn is_empty_answer(prediction: &str) -> bool {
    prediction.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_unique() {
        assert!(MARKS.windows(2).all(|pair| pair[0].name < pair[1].name));
        let rated: Vec<&str> = crate::judge::MARKS.into_iter().chain(NLI_MARKS).collect();
        assert_eq!(RATED.iter().map(|(name, _)| *name).collect::<Vec<_>>(), rated);
        assert!(rated.iter().all(|name| find(name).is_err()), "one way to take a mark");
    }

    #[test]
    fn a_list_of_marks() {
        let names = |words| listed(words).map(|listed| listed.marks.iter().map(|mark| mark.name).collect::<Vec<_>>());
        assert_eq!(names("em, rouge,rouge_l,f1").unwrap(), ["exact_match", "rouge_1", "rouge_2", "rouge_l", "rouge_lsum", "f1"]);
        assert!(matches!(names("em,bleu"), Err(Error::UnknownMark { name }) if name == "bleu"));
        let rated = listed("judge_safety,f1,nli,judge").unwrap().rated;
        assert_eq!(rated, ["judge_safety", "nli_entailment", "nli_non_contradiction", "judge_helpfulness"]);
        let best = find("rouge_1").unwrap().rouge("a b", &["c", "a b c d", "a"]).unwrap();
        assert_eq!((best.precision, best.recall), (1.0, 0.5));
        assert!(find("f1").unwrap().rouge("a", &["a"]).is_none());
        assert_eq!(MARKS.iter().filter(|mark| mark.is_binary()).map(|mark| mark.name).collect::<Vec<_>>(), ["exact_match"]);
    }

    #[test]
    fn the_best_reference_counts() {
        assert_eq!(mark("exact_match", "Paris", &["Lyon", "paris"]).unwrap(), 1.0);
        assert_eq!(mark("f1", "Paris", &["Lyon", "city of Paris"]).unwrap(), 0.5);
        assert_eq!(mark("rouge_l", "in Paris", &["Lyon", "in Paris"]).unwrap(), 1.0);
    }

    #[test]
    fn nothing_said_is_zero_and_nothing_to_compare_is_an_error() {
        for each in MARKS {
            assert_eq!(mark(each.name, " \n", &["the end"]).unwrap(), 0.0, "{}", each.name);
            assert!(matches!(mark::<&str>(each.name, "x", &[]), Err(Error::NoReferences)));
        }
        // As the official script has it: nothing is left of either.
        assert_eq!(mark("exact_match", "", &["the"]).unwrap(), 1.0);
        let error = mark("bleu", "x", &["x"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown mark \"bleu\"");
        assert!(error.hint().unwrap().contains("exact_match, f1, rouge_1"));
    }
}
