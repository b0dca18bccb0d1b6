//! Two or more runs set against the first of them: each figure's change with its interval, whether it is a difference at all once Holm's
//! correction is made for how many figures were looked at, what makes the runs unlike each other, and gates that a script can fail on. The
//! arithmetic is `metric::compare`'s and `stats`'s.

mod compared;
mod gate;
mod setup;
mod shown;

use std::path::Path;

use metric::{CellRecords, CellView, Compared, METHOD, Metric, OF_A_WINDOW};
use stats::{Change, holm};

pub use compared::{CellComparison, ComparedRun, Comparison, FigureComparison, ShownChange, Verdict};
pub use gate::{Bound, Check, Gate, GateError, GateResult, Outcome, nearest_metric};
pub use setup::SetupDifference;

use crate::{Result, gather, loaded::Loaded};

/// The version of the JSON comparison.
pub const COMPARE_SCHEMA: &str = "edge-eval/compare/1";
/// The chance of any false claim over the whole family.
const LEVEL: f64 = 0.05;

/// The figures that are compared unless others are asked for.
pub const COMPARED: &[&str] = &[
    "score",
    "perplexity",
    "q_ret",
    "ipw",
    "rho_sys",
    "c_tax",
    "n_break",
    "ttft_ms",
    "itl_ms",
    "throughput_tok_s",
    "energy_per_request_j",
    "load_energy_j",
    "peak_memory_bytes",
];

/// What is compared, and how cells of two runs find each other.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The figures; those of the gates are added.
    pub metrics: Vec<&'static Metric>,
    /// What may differ between two cells that are compared, such as the engine.
    pub across: Vec<Across>,
    /// Conditions that break a build.
    pub gates: Vec<Gate>,
}

/// A name of a cell that need not be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// Model family.
    Family,
    /// Model tier.
    Tier,
    /// Task.
    Task,
    /// Strategy.
    Strategy,
    /// Engine.
    Engine,
}

impl Across {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Family, Self::Tier, Self::Task, Self::Strategy, Self::Engine];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Family => "family",
            Self::Tier => "tier",
            Self::Task => "task",
            Self::Strategy => "strategy",
            Self::Engine => "engine",
        }
    }
}

/// Reads the runs and compares every other one with the first.
///
/// # Errors
/// One of them cannot be read.
pub fn compare(paths: &[impl AsRef<Path>], wanted: &Wanted) -> Result<Comparison> {
    let loaded: Vec<Loaded> = paths.iter().map(|path| Loaded::read(path.as_ref())).collect::<Result<_>>()?;
    Ok(of(&loaded, wanted))
}

fn of(loaded: &[Loaded], wanted: &Wanted) -> Comparison {
    let mut metrics = wanted.metrics.clone();
    for gate in &wanted.gates {
        if !metrics.iter().any(|metric| metric.name == gate.metric) {
            metrics.extend(metric::find(&gate.metric));
        }
    }
    let runs: Vec<ComparedRun> = ('A'..).zip(loaded).map(|(letter, run)| named(letter, run)).collect();
    let (mut pairs, mut unmatched, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    if let Some((base, others)) = loaded.split_first() {
        for (letter, other) in ('B'..).zip(others) {
            apart.extend(setup::differences(letter, base, other));
            let (matched, alone) = matched(letter, base, other, &wanted.across);
            pairs.extend(matched.into_iter().map(|pair| pair.compared(&metrics)));
            unmatched.extend(alone);
        }
    }
    let gates = gate::results(&wanted.gates, &pairs);
    let adjusted = corrected(&pairs);
    let family = adjusted.iter().flatten().flatten().count();
    let cells = pairs.into_iter().zip(adjusted).map(|(pair, adjusted)| pair.shown(&adjusted)).collect();
    Comparison {
        schema: COMPARE_SCHEMA.into(),
        method: METHOD.into(),
        runs,
        setup_differences: apart,
        level: LEVEL,
        correction: "holm".into(),
        family,
        definitions: metrics.iter().map(|metric| gather::definition(metric)).collect(),
        cells,
        unmatched,
        gates,
    }
}

fn named(letter: char, run: &Loaded) -> ComparedRun {
    ComparedRun {
        letter,
        path: run.path.display().to_string(),
        run: run.manifest.plan.name.clone(),
        started_wall_ns: run.manifest.started_wall_ns,
        machine: run.manifest.machine.clone(),
    }
}

/// Two cells that stand for each other.
struct Matched<'a> {
    run: char,
    concurrency: u32,
    /// Whether it is a further level, which has the figures of a window alone.
    further: bool,
    base: (&'a Loaded, CellRecords),
    new: (&'a Loaded, CellRecords),
}

/// Two cells and what was compared of them.
struct Pair {
    cell: CellComparison,
    figures: Vec<(&'static Metric, Compared)>,
}

/// The cells of a run and the baseline that stand for each other, level by level; and those that are alone.
fn matched<'a>(letter: char, base: &'a Loaded, new: &'a Loaded, across: &[Across]) -> (Vec<Matched<'a>>, Vec<String>) {
    let name = |cell: &plan::Cell| -> Vec<String> {
        let all = [&cell.family, &cell.tier, &cell.task, &cell.strategy.name().to_owned(), &cell.engine].map(Clone::clone);
        Across::ALL.iter().zip(all).filter(|(one, _)| !across.contains(one)).map(|(_, word)| word).collect()
    };
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for records in &new.campaign.cells {
        let wanted = name(&records.cell);
        let counterparts: Vec<&CellRecords> = base.campaign.cells.iter().filter(|other| name(&other.cell) == wanted).collect();
        let same = counterparts.iter().find(|other| other.cell == records.cell);
        match (same, &counterparts[..]) {
            (Some(one), _) | (None, [one]) => pairs.extend(levels(letter, (base, one), (new, records))),
            (None, []) => alone.push(format!("{} is in {letter} alone", label(&records.cell))),
            (None, several) => alone.push(format!("{} of {letter} has {} counterparts in A", label(&records.cell), several.len())),
        }
    }
    for records in &base.campaign.cells {
        if !new.campaign.cells.iter().any(|other| name(&other.cell) == name(&records.cell)) {
            alone.push(format!("{} is in A and not in {letter}", label(&records.cell)));
        }
    }
    (pairs, alone)
}

fn label(cell: &plan::Cell) -> String {
    format!("{} {} · {} · {} · {}", cell.family, cell.tier, cell.task, cell.strategy.name(), cell.engine)
}

/// Two cells at their own level, and at each further one that both have.
fn levels<'a>(run: char, base: (&'a Loaded, &'a CellRecords), new: (&'a Loaded, &'a CellRecords)) -> Vec<Matched<'a>> {
    let own = new.0.manifest.plan.load.concurrency;
    let view = |(loaded, records): (&'a Loaded, &'a CellRecords)| CellView { campaign: &loaded.campaign, records };
    let whole = Matched { run, concurrency: own, further: false, base: (base.0, base.1.clone()), new: (new.0, new.1.clone()) };
    let shared = view(new).levels().into_iter().filter(|level| *level != own && view(base).levels().contains(level));
    let further = shared.map(|level| Matched {
        run,
        concurrency: level,
        further: true,
        base: (base.0, view(base).at_level(level)),
        new: (new.0, view(new).at_level(level)),
    });
    std::iter::once(whole).chain(further).collect()
}

impl Matched<'_> {
    fn compared(&self, metrics: &[&'static Metric]) -> Pair {
        let base = CellView { campaign: &self.base.0.campaign, records: &self.base.1 };
        let new = CellView { campaign: &self.new.0.campaign, records: &self.new.1 };
        let of_level = metrics.iter().filter(|metric| !self.further || OF_A_WINDOW.contains(&metric.name));
        let (ours, theirs) = (new.cell(), base.cell());
        let cell = CellComparison {
            run: self.run,
            family: ours.family.clone(),
            tier: ours.tier.clone(),
            task: ours.task.clone(),
            strategy: ours.strategy.name().into(),
            engine: ours.engine.clone(),
            counterpart: (ours != theirs).then(|| label(theirs)),
            concurrency: self.concurrency,
            figures: Vec::new(),
        };
        Pair { cell, figures: of_level.map(|metric| (*metric, metric::compare(metric, &base, &new))).collect() }
    }
}

/// Holm's correction over everything that was tested, pair by pair.
fn corrected(pairs: &[Pair]) -> Vec<Vec<Option<f64>>> {
    let raw: Vec<Vec<Option<f64>>> = pairs.iter().map(|pair| pair.figures.iter().map(|(_, compared)| compared.p_value).collect()).collect();
    let tested: Vec<f64> = raw.iter().flatten().copied().flatten().collect();
    let mut adjusted = holm(&tested).expect("p-values lie between 0 and 1").into_iter();
    raw.into_iter().map(|pair| pair.into_iter().map(|p| p.and_then(|_| adjusted.next())).collect()).collect()
}

impl Pair {
    fn shown(self, adjusted: &[Option<f64>]) -> CellComparison {
        let figures = self.figures.into_iter().zip(adjusted).map(|((metric, compared), p_holm)| shown_figure(metric, compared, *p_holm));
        CellComparison { figures: figures.collect(), ..self.cell }
    }
}

fn shown_figure(metric: &Metric, compared: Compared, p_holm: Option<f64>) -> FigureComparison {
    let verdict = verdict(metric, compared.difference.as_ref().ok(), p_holm);
    let difference = or_point(&compared, &compared.difference, |base, new| new - base);
    let relative = or_point(&compared, &compared.ratio, |base, new| new / base).map(|change| ShownChange {
        value: percent(change.value),
        ci95: change.ci95.map(|(low, high)| (percent(low), percent(high))),
        ..change
    });
    FigureComparison {
        metric: metric.name.into(),
        difference,
        relative_percent: relative.filter(|change| change.value.is_finite()),
        p: compared.p_value,
        p_holm,
        verdict,
        untested: compared.difference.err().map(|why| why.0),
        baseline: gather::figure_of(metric, compared.base),
        new: gather::figure_of(metric, compared.new),
        notes: compared.notes,
    }
}

fn verdict(metric: &Metric, difference: Option<&Change>, p_holm: Option<f64>) -> Verdict {
    let (Some(difference), Some(p)) = (difference, p_holm) else { return Verdict::Untested };
    let rises = difference.value > 0.0;
    match metric.better {
        _ if p >= LEVEL => Verdict::NoDetectableDifference,
        metric::Better::Higher if rises => Verdict::Better,
        metric::Better::Lower if !rises => Verdict::Better,
        _ => Verdict::Worse,
    }
}

/// A change, or at least its value where both figures are known.
fn or_point(compared: &Compared, change: &std::result::Result<Change, units::Missing>, of: fn(f64, f64) -> f64) -> Option<ShownChange> {
    if let Ok(change) = change {
        return Some(ShownChange { value: change.value, ci95: Some(change.ci95), method: Some(change.method) });
    }
    let (base, new) = (compared.base.estimate.as_ref().ok()?, compared.new.estimate.as_ref().ok()?);
    Some(ShownChange { value: of(base.value, new.value), ci95: None, method: None })
}

fn percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}
