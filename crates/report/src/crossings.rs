//! Where one size's figures cross another's over a sweep of concurrency, as sentences. The arithmetic is `metric::crossings`.

use metric::crossings::{Axis, Crossing, Difference, Pair, Point, Which, at_equal, crossings, differences};
use serde::{Deserialize, Serialize};
use stats::{Estimate, Method};
use units::Missing;

use crate::{
    document::{CellFigures, Figure},
    number,
};

/// The figures that are set against concurrency.
const AGAINST_CONCURRENCY: &[&str] = &["throughput_tok_s", "energy_per_token_j", "rho_sys", "itl_ms"];
const THROUGHPUT: &str = "throughput_tok_s";
const ENERGY: &str = "energy_per_token_j";
const CONCURRENCY: &str = "concurrency";

/// One figure of two models under the same task, strategy and engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeComparison {
    /// Task name.
    pub task: String,
    /// Strategy.
    pub strategy: String,
    /// Engine.
    pub engine: String,
    /// One model, such as `LLaMA 1B`.
    pub first: String,
    /// The other.
    pub second: String,
    /// Which figure.
    pub metric: String,
    /// Along what: `concurrency`, or the name of a figure.
    pub against: String,
    /// First less second at each point of the axis, with its 95% interval.
    pub differences: Vec<PointDifference>,
    /// Where the order changes.
    pub crossings: Vec<OrderChange>,
    /// Why they cannot be compared.
    pub missing: Option<String>,
    /// All that in a sentence.
    pub sentence: String,
}

/// First less second at a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointDifference {
    /// Where on the axis.
    pub at: f64,
    /// First less second, in the figure's unit.
    pub value: f64,
    /// Its 95% interval; `null` where one of the figures has none over runs.
    pub ci95: Option<(f64, f64)>,
    /// The model with the higher figure; `null` where they cannot be told apart.
    pub higher: Option<String>,
}

/// A change of order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderChange {
    /// Interpolated, along concurrency on a log2 axis.
    pub at: f64,
    /// The nearest points of the axis on both sides at which the order is known.
    pub between: (f64, f64),
    /// The model whose figure is the higher one behind it.
    pub higher_after: String,
}

/// Every pair of models of the same task, strategy and engine, in every figure that is compared.
pub(crate) fn of(levels: &[CellFigures]) -> Vec<SizeComparison> {
    let cells: Vec<&[CellFigures]> = levels.chunk_by(CellFigures::is_of).collect();
    let mut all = Vec::new();
    for (i, first) in cells.iter().enumerate() {
        for second in &cells[i + 1..] {
            let (a, b) = (&first[0], &second[0]);
            if (&a.task, &a.strategy, &a.engine) == (&b.task, &b.strategy, &b.engine) {
                all.extend(AGAINST_CONCURRENCY.iter().map(|metric| against_concurrency(first, second, metric)));
                all.push(at_equal_throughput(first, second));
            }
        }
    }
    all
}

fn against_concurrency(first: &[CellFigures], second: &[CellFigures], metric: &str) -> SizeComparison {
    let curve = |cell: &[CellFigures]| -> Vec<Point> {
        let point = |level: &CellFigures| Some(Point { at: f64::from(level.concurrency?), figure: estimate(level.metrics.get(metric)?)? });
        cell.iter().filter_map(point).collect()
    };
    told(first, second, (metric, CONCURRENCY), differences(&curve(first), &curve(second)), Axis::Log2)
}

fn at_equal_throughput(first: &[CellFigures], second: &[CellFigures]) -> SizeComparison {
    let curve = |cell: &[CellFigures]| -> Vec<Pair> {
        let pair =
            |level: &CellFigures| Some(Pair { x: estimate(level.metrics.get(THROUGHPUT)?)?, y: estimate(level.metrics.get(ENERGY)?)? });
        cell.iter().filter_map(pair).collect()
    };
    told(first, second, (ENERGY, THROUGHPUT), at_equal(&curve(first), &curve(second)), Axis::Linear)
}

fn estimate(figure: &Figure) -> Option<Estimate> {
    Some(Estimate { value: figure.value?, ci95: figure.ci95, n: figure.n?, method: figure.method.unwrap_or(Method::None) })
}

fn told(
    first: &[CellFigures],
    second: &[CellFigures],
    (metric, against): (&str, &str),
    differences: Result<Vec<Difference>, Missing>,
    axis: Axis,
) -> SizeComparison {
    let names = [first[0].model(), second[0].model()];
    let (differences, missing) = differences.map_or_else(|why| (Vec::new(), Some(why.0)), |differences| (differences, None));
    let changes = crossings(&differences, axis);
    let words = Words { names: &names, metric, along_concurrency: against == CONCURRENCY };
    let sentence = words.sentence(&differences, &changes, missing.as_deref());
    let name = |which: Which| words.name(which).to_owned();
    SizeComparison {
        task: first[0].task.clone(),
        strategy: first[0].strategy.clone(),
        engine: first[0].engine.clone(),
        metric: metric.to_owned(),
        against: against.to_owned(),
        differences: differences
            .iter()
            .map(|one| PointDifference { at: one.at, value: one.value, ci95: one.ci95, higher: one.higher().map(name) })
            .collect(),
        crossings: changes
            .iter()
            .map(|one| OrderChange { at: one.at, between: one.between, higher_after: name(one.higher_after) })
            .collect(),
        missing,
        sentence,
        first: words.names[0].clone(),
        second: words.names[1].clone(),
    }
}

/// What a sentence needs.
struct Words<'a> {
    names: &'a [String; 2],
    metric: &'a str,
    along_concurrency: bool,
}

impl Words<'_> {
    fn name(&self, which: Which) -> &str {
        match which {
            Which::First => &self.names[0],
            Which::Second => &self.names[1],
        }
    }

    fn sentence(&self, differences: &[Difference], changes: &[Crossing], missing: Option<&str>) -> String {
        let [first, second] = self.names;
        let along = if self.along_concurrency { "" } else { " at equal throughput" };
        let of = format!("{}{along} of {first} and {second}: ", self.metric);
        if let Some(why) = missing {
            return format!("{of}not compared, {why}");
        }
        let unclear: Vec<f64> = differences.iter().filter(|one| one.higher().is_none()).map(|one| one.at).collect();
        let unclear_at = (!unclear.is_empty()).then(|| format!("not distinguishable at {}", self.places(&unclear)));
        let known = differences.iter().find_map(Difference::higher);
        let said = match (changes, known) {
            ([], None) => format!("not distinguishable between {}", self.span(differences)),
            ([], Some(which)) => {
                let one = self.name(which);
                let where_known: Vec<f64> = differences.iter().filter(|one| one.higher().is_some()).map(|one| one.at).collect();
                let at = if unclear.is_empty() { "each".to_owned() } else { self.places(&where_known) };
                let rest = unclear_at.map_or_else(String::new, |text| format!(", {text}"));
                format!("no crossing in the levels measured (between {}), {one} is the higher at {at}{rest}", self.span(differences))
            }
            (changes, _) => {
                let one = |change: &Crossing| {
                    let (low, high) = change.between;
                    let after = self.name(change.higher_after);
                    format!(
                        "they cross near {} (between {}), from where {after} is the higher",
                        self.place(change.at),
                        format_args!("{} and {}", digits(low), digits(high))
                    )
                };
                let all: Vec<String> = changes.iter().map(one).collect();
                all.join("; ") + &unclear_at.map_or_else(String::new, |text| format!("; {text}"))
            }
        };
        of + &said
    }

    fn unit(&self) -> &'static str {
        if self.along_concurrency { "streams" } else { "tokens/s" }
    }

    fn place(&self, at: f64) -> String {
        format!("{} {}", digits(at), self.unit())
    }

    fn places(&self, at: &[f64]) -> String {
        let numbers: Vec<String> = at.iter().map(|at| digits(*at)).collect();
        format!("{} {}", numbers.join(", "), self.unit())
    }

    fn span(&self, differences: &[Difference]) -> String {
        match differences {
            [first, .., last] => format!("{} and {}", digits(first.at), self.place(last.at)),
            _ => "no levels".to_owned(),
        }
    }
}

/// Levels in full, other places to three digits.
fn digits(at: f64) -> String {
    if at.fract() == 0.0 { format!("{at:.0}") } else { number::text(at, None, "").value }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A model whose figures at 1, 4 and 16 streams are these, from five runs.
    fn cell(tier: &str, figures: [(&str, [f64; 3]); 2]) -> Vec<CellFigures> {
        let level = |(i, concurrency): (usize, u32)| {
            let figure = |value: f64| {
                let ci95 = Some((value * 0.95, value * 1.05));
                Figure::known(&Estimate { value, ci95, n: 5, method: Method::T }, "")
            };
            let metrics: BTreeMap<_, _> = figures.iter().map(|(name, values)| ((*name).to_owned(), figure(values[i]))).collect();
            let json = serde_json::json!({
                "family": "LLaMA", "tier": tier, "task": "rag", "strategy": "base-fp16", "engine": "vllm", "mark": "f1",
                "concurrency": concurrency, "client_bound": null, "metrics": metrics,
            });
            serde_json::from_value(json).unwrap()
        };
        [1, 4, 16].into_iter().enumerate().map(level).collect()
    }

    fn sentence(all: &[SizeComparison], metric: &str, against: &str) -> String {
        all.iter().find(|one| one.metric == metric && one.against == against).unwrap().sentence.clone()
    }

    #[test]
    fn sentences_say_what_is_known() {
        let small = cell("1B", [("throughput_tok_s", [100.0, 300.0, 500.0]), ("energy_per_token_j", [1.0, 0.5, 0.4])]);
        let large = cell("3B", [("throughput_tok_s", [60.0, 290.0, 800.0]), ("energy_per_token_j", [2.0, 1.0, 0.3])]);
        let all = of(&[small, large].concat());
        assert_eq!(all.len(), 5);
        assert_eq!(
            sentence(&all, "throughput_tok_s", "concurrency"),
            "throughput_tok_s of LLaMA 1B and LLaMA 3B: they cross near 4.18 streams (between 1 and 16), from where LLaMA 3B is the higher; \
             not distinguishable at 4 streams"
        );
        let energy = sentence(&all, "energy_per_token_j", "throughput_tok_s");
        assert!(energy.starts_with("energy_per_token_j at equal throughput of LLaMA 1B and LLaMA 3B: "), "{energy}");
        assert_eq!(
            sentence(&all, "itl_ms", "concurrency"),
            "itl_ms of LLaMA 1B and LLaMA 3B: not compared, they have fewer than two levels in common"
        );
    }

    #[test]
    fn no_crossing_and_no_difference_are_told_apart() {
        let of_energy = |values| [("throughput_tok_s", [100.0, 300.0, 500.0]), ("energy_per_token_j", values)];
        let (one, other) = (cell("1B", of_energy([1.0, 0.5, 0.4])), cell("3B", of_energy([3.0, 2.0, 1.0])));
        let all = of(&[one, other].concat());
        assert_eq!(
            sentence(&all, "energy_per_token_j", "concurrency"),
            "energy_per_token_j of LLaMA 1B and LLaMA 3B: no crossing in the levels measured (between 1 and 16 streams), LLaMA 3B is the higher at each"
        );
        assert_eq!(
            sentence(&all, "throughput_tok_s", "concurrency"),
            "throughput_tok_s of LLaMA 1B and LLaMA 3B: not distinguishable between 1 and 16 streams"
        );
    }
}
