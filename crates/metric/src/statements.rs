//! Statements on the efficiency frontier, such as "models under 2B dominate", tested against what was measured instead of assumed.
//!
//! A statement is of one task, strategy and engine, a boundary between sizes and a set of objectives. It holds when each model above the
//! boundary is dominated by one below it beyond the intervals ([`crate::pareto()`]); it does not hold when some model above is better beyond
//! the intervals than every one below in some objective; otherwise the data cannot tell.

use plan::Cell;
use units::Missing;

use crate::{Better, Campaign, CellView, Point, Relation, find, paper::billions, relate};

/// Sets of objectives: what to call each, and its figures.
const SETS: &[(&str, &[&str])] = &[
    ("lifecycle metrics", &["n_break", "ipw", "rho_sys", "c_tax"]),
    ("cost, score and energy of a request", &["cost_per_request_usd", "score", "energy_per_request_j"]),
];

/// The paper's boundary, in units of 1e9 parameters.
const PAPERS: f64 = 2.0;

/// How a statement fares.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Each model above the boundary is dominated by one below it.
    Holds,
    /// Some model above is better than every one below in something, beyond the intervals.
    DoesNotHold {
        /// Which models, and in what each is better than which one below.
        because: Vec<Pair>,
    },
    /// Neither can be said beyond the intervals.
    NotDistinguishable,
    /// Some model's figures are missing.
    Unknown(Missing),
}

/// A model above the boundary beside one below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Below the boundary.
    pub smaller: String,
    /// Above it.
    pub larger: String,
    /// How the smaller one stands to the larger one; or which figure is missing.
    pub relation: Result<Relation, Missing>,
    /// The figures in which the larger one is better beyond the intervals.
    pub larger_is_better_in: Vec<&'static str>,
    /// Those in which the smaller one is.
    pub smaller_is_better_in: Vec<&'static str>,
}

/// One statement, tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Task.
    pub task: String,
    /// Strategy.
    pub strategy: &'static str,
    /// Engine.
    pub engine: String,
    /// Such as `models under 2B dominate the larger ones in lifecycle metrics`.
    pub text: String,
    /// The figures it is of.
    pub objectives: &'static [&'static str],
    /// How it fares.
    pub verdict: Verdict,
    /// Every pair of a smaller and a larger model.
    pub pairs: Vec<Pair>,
}

/// The statements on sizes that a campaign can test; none where its tiers' names tell no two sizes.
pub fn statements(campaign: &Campaign) -> Vec<Statement> {
    let mut groups: Vec<Vec<CellView<'_>>> = Vec::new();
    for view in campaign.views() {
        let key = |view: &CellView<'_>| {
            let Cell { task, strategy, engine, .. } = view.cell();
            (task.clone(), *strategy, engine.clone())
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| key(first) == key(&view))) {
            Some(group) => group.push(view),
            None => groups.push(vec![view]),
        }
    }
    groups.iter().flat_map(|group| of_group(group)).collect()
}

/// A model's size and figures.
struct Model {
    name: String,
    billions: f64,
    point: Point,
}

fn of_group(group: &[CellView<'_>]) -> Vec<Statement> {
    let mut all = Vec::new();
    for (name, objectives) in SETS {
        let model = |view: &CellView<'_>| {
            let cell = view.cell();
            let figure =
                |name: &&str| find(name).ok_or_else(|| Missing::because(format!("there is no figure `{name}`")))?.of(view).estimate;
            let point = objectives.iter().map(figure).collect();
            Some(Model { name: format!("{} {}", cell.family, cell.tier), billions: billions(&cell.tier).ok()?, point })
        };
        let models: Vec<Model> = group.iter().filter_map(model).collect();
        let cell = group[0].cell();
        all.extend(boundaries(&models).into_iter().map(|(boundary, said)| {
            let (verdict, pairs) = test(&models, boundary, objectives);
            Statement {
                task: cell.task.clone(),
                strategy: cell.strategy.name(),
                engine: cell.engine.clone(),
                text: format!("models under {said} dominate the larger ones in {name}"),
                objectives,
                verdict,
                pairs,
            }
        }));
    }
    all
}

/// Each size but the least, with the word for it; the paper's boundary stands for the size that it comes right before.
fn boundaries(models: &[Model]) -> Vec<(f64, String)> {
    let mut sizes: Vec<f64> = models.iter().map(|model| model.billions).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let word = |billions: f64| if billions < 1.0 { format!("{:.0}M", billions * 1e3) } else { format!("{billions}B") };
    sizes.windows(2).map(|pair| (pair[1], if pair[0] < PAPERS && PAPERS <= pair[1] { word(PAPERS) } else { word(pair[1]) })).collect()
}

fn test(models: &[Model], boundary: f64, objectives: &'static [&'static str]) -> (Verdict, Vec<Pair>) {
    let (small, large): (Vec<&Model>, Vec<&Model>) = models.iter().partition(|model| model.billions < boundary);
    let rows: Vec<Vec<Pair>> = large.iter().map(|larger| small.iter().map(|smaller| pair(smaller, larger, objectives)).collect()).collect();
    let is_dominated = |row: &Vec<Pair>| row.iter().any(|pair| pair.relation == Ok(Relation::Dominates));
    let withstands = |row: &&Vec<Pair>| row.iter().all(|pair| pair.relation.is_ok() && !pair.larger_is_better_in.is_empty());
    let missing = rows.iter().filter(|row| !is_dominated(row)).flatten().find_map(|pair| pair.relation.clone().err());
    let because: Vec<Pair> = rows.iter().filter(withstands).flatten().cloned().collect();
    let verdict = match missing {
        _ if rows.iter().all(is_dominated) => Verdict::Holds,
        _ if !because.is_empty() => Verdict::DoesNotHold { because },
        Some(why) => Verdict::Unknown(why),
        None => Verdict::NotDistinguishable,
    };
    (verdict, rows.into_iter().flatten().collect())
}

fn pair(smaller: &Model, larger: &Model, objectives: &'static [&'static str]) -> Pair {
    let better: Vec<Better> = objectives.iter().map(|name| find(name).map_or(Better::Lower, |metric| metric.better)).collect();
    let missing = |model: &Model| {
        let absent = objectives.iter().zip(&model.point).find_map(|(name, figure)| Some((*name, figure.as_ref().err()?)))?;
        Some(Missing::because(format!("{} of {}: {}", absent.0, model.name, absent.1)))
    };
    let one = |first: &Model, second: &Model| -> Vec<&'static str> {
        let is_better = |i: usize| {
            let of = |model: &Model| vec![model.point[i].clone()];
            relate(&better[i..=i], &of(first), &of(second)) == Some(Relation::Dominates)
        };
        (0..objectives.len()).filter(|&i| is_better(i)).map(|i| objectives[i]).collect()
    };
    let relation = relate(&better, &smaller.point, &larger.point);
    let absent = || missing(smaller).or_else(|| missing(larger)).unwrap_or_else(|| Missing::because("a figure is not a finite number"));
    Pair {
        smaller: smaller.name.clone(),
        larger: larger.name.clone(),
        relation: relation.ok_or_else(absent),
        larger_is_better_in: one(larger, smaller),
        smaller_is_better_in: one(smaller, larger),
    }
}

impl Verdict {
    /// `holds`, `does not hold`, `not distinguishable` or `not known`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold { .. } => "does not hold",
            Self::NotDistinguishable => "not distinguishable",
            Self::Unknown(_) => "not known",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Unknown(why) => write!(f, ": {why}"),
            Self::DoesNotHold { because } => {
                let pair =
                    |pair: &Pair| format!("{} is better than {} in {}", pair.larger, pair.smaller, pair.larger_is_better_in.join(", "));
                write!(f, ": {}", because.iter().map(pair).collect::<Vec<_>>().join("; "))
            }
            Self::Holds | Self::NotDistinguishable => Ok(()),
        }
    }
}
