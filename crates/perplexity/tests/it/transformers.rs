//! The sums of each answer, as transformers and torch have them.

use record::{Divergence, Likelihood};
use serde::Deserialize;
use text::Message;

use crate::{evaluator, fixture};

/// f32 logits of two implementations, against nats: relative to the sum, and for sums near 0. A single token, as that of `kl_max`, has most.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Case {
    messages: Vec<Message>,
    length: usize,
    sums: Sums,
}

#[derive(Deserialize)]
struct Sums {
    tokens: u32,
    nll: f64,
    full_nll: f64,
    kl: f64,
    kl_max: f64,
    same_top: u32,
    delta_p: f64,
    delta_p_squared: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap()
}

fn near(name: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= TOLERANCE * want.abs().max(1.0), "{name}: {got} instead of {want}");
}

#[test]
fn the_sums_are_those_of_transformers() {
    let evaluator = evaluator(&fixture("moved"), Some(&fixture("full"))).unwrap();
    let cases = cases();
    assert!(cases.iter().any(|case| case.length > 512 + 100), "no case is longer than what is read at once");
    for Case { messages, sums: want, .. } in cases {
        let Likelihood { tokens, nll, beside } = evaluator.likelihood(&messages).unwrap().known().unwrap().clone();
        let got = beside.unwrap();
        assert_eq!((tokens, got.same_top), (want.tokens, want.same_top));
        near("nll", nll, want.nll);
        near("full_nll", got.full_nll, want.full_nll);
        near("kl", got.kl, want.kl);
        near("kl_max", got.kl_max, want.kl_max);
        near("delta_p", got.delta_p, want.delta_p);
        near("delta_p_squared", got.delta_p_squared, want.delta_p_squared);
    }
}

#[test]
fn alone_the_likelihood_is_the_same_and_beside_themselves_weights_do_not_differ() {
    let (alone, twice) = (evaluator(&fixture("full"), None).unwrap(), evaluator(&fixture("full"), Some(&fixture("full"))).unwrap());
    assert_eq!(alone.full_weight_bytes(), None);
    assert_eq!(twice.full_weight_bytes(), Some(twice.weight_bytes()));
    for case in cases() {
        let (alone, twice) = (alone.likelihood(&case.messages).unwrap(), twice.likelihood(&case.messages).unwrap());
        let (alone, twice) = (alone.known().unwrap().clone(), twice.known().unwrap().clone());
        near("nll", alone.nll, case.sums.full_nll);
        let same = Divergence { full_nll: alone.nll, same_top: alone.tokens, ..Divergence::default() };
        assert_eq!(twice, Likelihood { beside: Some(same), ..alone });
    }
}
