//! Statements on sizes as the report says them. They were tested by `metric`.

use metric::{
    Campaign,
    statements::{Statement as Tested, statements},
};
use serde::{Deserialize, Serialize};

/// One statement on the efficiency frontier, tested against what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Task name.
    pub task: String,
    /// Strategy.
    pub strategy: String,
    /// Engine.
    pub engine: String,
    /// Such as `models under 2B dominate the larger ones in lifecycle metrics`.
    pub text: String,
    /// The figures that it is of.
    pub objectives: Vec<String>,
    /// `holds`, `does not hold`, `not distinguishable` or `not known`.
    pub verdict: String,
    /// The verdict with what it rests on.
    pub said: String,
    /// Every pair of a smaller and a larger model.
    pub pairs: Vec<SizePair>,
}

/// A larger model beside a smaller one, by 95% intervals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizePair {
    /// The smaller model, such as `LLaMA 1B`.
    pub smaller: String,
    /// The larger one.
    pub larger: String,
    /// How the smaller stands to the larger: `dominates`, `dominated`, `trade-off`, `not distinguishable`; `null` where a figure is missing.
    pub relation: Option<String>,
    /// Which figure is missing and why.
    pub missing: Option<String>,
    /// Figures in which the smaller one is better beyond the intervals.
    pub smaller_is_better_in: Vec<String>,
    /// Figures in which the larger one is.
    pub larger_is_better_in: Vec<String>,
}

/// Every statement that the campaign can test.
pub(crate) fn of(campaign: &Campaign) -> Vec<Statement> {
    statements(campaign).into_iter().map(statement).collect()
}

fn statement(tested: Tested) -> Statement {
    let words = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let pair = |pair: metric::statements::Pair| SizePair {
        relation: pair.relation.as_ref().ok().map(|relation| relation.name().to_owned()),
        missing: pair.relation.err().map(|why| why.0),
        smaller_is_better_in: words(&pair.smaller_is_better_in),
        larger_is_better_in: words(&pair.larger_is_better_in),
        smaller: pair.smaller,
        larger: pair.larger,
    };
    Statement {
        task: tested.task,
        strategy: tested.strategy.to_owned(),
        engine: tested.engine,
        text: tested.text,
        objectives: words(tested.objectives),
        verdict: tested.verdict.name().to_owned(),
        said: tested.verdict.to_string(),
        pairs: tested.pairs.into_iter().map(pair).collect(),
    }
}
