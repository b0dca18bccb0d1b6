//! Which logit stands for which answer: read from the checkpoint's `id2label`, never guessed, for published checkpoints differ.

use crate::{Error, Result};

/// Where each label's logit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The premise entails the hypothesis.
    pub entailment: usize,
    /// It says nothing of it.
    pub neutral: usize,
    /// It contradicts it.
    pub contradiction: usize,
}

impl Labels {
    /// From the labels of a checkpoint in the order of its logits, whatever their case.
    ///
    /// # Errors
    /// [`Error::Labels`] unless they are contradiction, neutral and entailment, each once.
    pub fn of(labels: &[String]) -> Result<Self> {
        let known: Vec<_> = labels.iter().map(|label| label.trim().to_lowercase()).collect();
        let at = |name: &str| {
            let place = known.iter().position(|label| label == name);
            place.filter(|_| known.len() == 3).ok_or_else(|| Error::Labels { found: labels.to_vec() })
        };
        Ok(Self { entailment: at("entailment")?, neutral: at("neutral")?, contradiction: at("contradiction")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[&str]) -> Result<Labels> {
        Labels::of(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_order_is_the_checkpoints() {
        let expected = Labels { entailment: 1, neutral: 2, contradiction: 0 };
        assert_eq!(of(&["contradiction", "entailment", "neutral"]).unwrap(), expected);
        let expected = Labels { entailment: 2, neutral: 1, contradiction: 0 };
        assert_eq!(of(&["CONTRADICTION", "NEUTRAL", "Entailment"]).unwrap(), expected);
    }

    #[test]
    fn nothing_is_guessed() {
        for labels in
            [&["LABEL_0", "LABEL_1", "LABEL_2"][..], &["entailment", "not_entailment"], &["entailment", "neutral", "entailment"], &[]]
        {
            let error = of(labels).unwrap_err();
            assert!(error.to_string().contains("are not those of an NLI model"), "{error}");
            assert!(error.hint().unwrap().contains("id2label"));
        }
    }
}
