//! Quantisation by an engine while it loads. Which word of an engine gives how many bits is a table that each engine's file fills from its
//! documentation; here a word is chosen from it, or refused.

use plan::Precision;

use crate::error::{Error, Result};

/// How the weights that an engine is given come to be quantised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantised {
    /// The plan leaves it to the artifact and to the engine's own options, which are passed as they are.
    #[default]
    AsTold,
    /// By the engine while it loads, to 8 bits ([`Precision::Int8`]) or 4 ([`Precision::Int4`]).
    InFlight(Precision),
    /// Not at all: the engine quantises others of the same plan, and must not quantise these.
    Not,
}

/// One word of an engine for quantising in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// As `quantisation` in a plan takes it.
    pub word: &'static str,
    /// What it gives.
    pub precision: Precision,
}

impl InFlight {
    /// A word that gives 8 bits.
    pub(crate) const fn int8(word: &'static str) -> Self {
        Self { word, precision: Precision::Int8 }
    }

    /// A word that gives 4 bits.
    pub(crate) const fn int4(word: &'static str) -> Self {
        Self { word, precision: Precision::Int4 }
    }
}

/// The word to pass to an engine, out of what the plan says and what is asked for. Without a word in the plan it is the first of the table
/// that gives the precision.
///
/// # Errors
/// [`Error::InFlight`] when the engine, or the plan's word, cannot give the precision.
pub(crate) fn word(engine: &'static str, table: &[InFlight], told: Option<String>, quantised: Quantised) -> Result<Option<String>> {
    let precision = match quantised {
        Quantised::AsTold => return Ok(unless_told_by_model(told)),
        Quantised::Not | Quantised::InFlight(Precision::Fp16) => return Ok(None),
        Quantised::InFlight(precision) => precision,
    };
    let gives = |entry: &&InFlight| entry.precision == precision;
    let fail = |reason: String, hint: String| Error::InFlight { engine, precision: precision.name(), reason, hint };
    let words: Vec<_> = table.iter().filter(gives).map(|entry| entry.word).collect();
    let Some(first) = words.first() else {
        let hint = "let the plan quantise for it: leave `compress` out, or give it a command; other engines can, as `edge-eval list engines` tells";
        return Err(fail("it quantises nothing then".to_owned(), hint.to_owned()));
    };
    let Some(told) = told else { return Ok(Some((*first).to_owned())) };
    if words.contains(&told.as_str()) {
        return Ok(Some(told));
    }
    let hint = format!("its words for that are: {}; without `quantisation` it is {first}", words.join(", "));
    let reason = match table.iter().find(|entry| entry.word == told) {
        Some(other) => format!("{told:?} gives {}", other.precision.name()),
        None => format!("{told:?} is not known to do that"),
    };
    Err(fail(reason, hint))
}

/// The engine's own word for how weights are quantised. `compressed-tensors` is none for it: the plan asks for such folders with it, and
/// they say of themselves what they are, while others of the same plan are not quantised at all.
fn unless_told_by_model(quantisation: Option<String>) -> Option<String> {
    quantisation.filter(|word| word != "compressed-tensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[InFlight] = &[InFlight::int8("fp8"), InFlight::int4("nf4"), InFlight::int4("fp4")];

    fn given(told: Option<&str>, quantised: Quantised) -> Result<Option<String>> {
        word("x", TABLE, told.map(str::to_owned), quantised)
    }

    #[test]
    fn a_word_is_the_plans_or_the_usual_one() {
        let (int8, int4) = (Quantised::InFlight(Precision::Int8), Quantised::InFlight(Precision::Int4));
        assert_eq!(given(None, int8).unwrap().as_deref(), Some("fp8"));
        assert_eq!(given(None, int4).unwrap().as_deref(), Some("nf4"));
        assert_eq!(given(Some("fp4"), int4).unwrap().as_deref(), Some("fp4"));
        assert_eq!(given(Some("fp4"), Quantised::Not).unwrap(), None);
        assert_eq!(given(Some("anything"), Quantised::AsTold).unwrap().as_deref(), Some("anything"));
        assert_eq!(given(Some("compressed-tensors"), Quantised::AsTold).unwrap(), None);
        assert_eq!(given(None, Quantised::AsTold).unwrap(), None);
    }

    #[test]
    fn a_word_that_gives_other_bits_is_refused_with_those_that_do() {
        let error = given(Some("nf4"), Quantised::InFlight(Precision::Int8)).unwrap_err();
        assert_eq!(error.to_string(), "engine \"x\" cannot quantise to int8 as it loads: \"nf4\" gives int4");
        assert_eq!(error.hint().unwrap(), "its words for that are: fp8; without `quantisation` it is fp8");
        let error = given(Some("awq"), Quantised::InFlight(Precision::Int4)).unwrap_err();
        assert!(error.to_string().ends_with("\"awq\" is not known to do that"), "{error}");
        let error = word("x", &[], Some("fp8".into()), Quantised::InFlight(Precision::Int8)).unwrap_err();
        assert_eq!(error.to_string(), "engine \"x\" cannot quantise to int8 as it loads: it quantises nothing then");
        assert!(error.hint().unwrap().contains("let the plan quantise for it"));
    }
}
