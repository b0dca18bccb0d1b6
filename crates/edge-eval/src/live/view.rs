//! What the dashboard knows, from the campaign's events alone. No drawing here, and no clock: the instants are handed in.

use std::collections::BTreeMap;

use campaign::{Bound, Event};
use plan::{CellStages, PriceSpec, StageKind};
use record::{Detail, Outcome, StageRecord};
use units::Nanos;

use crate::progress;

/// Lines that are kept; older ones go.
const KEPT: usize = 200;
const JOULES_PER_KWH: f64 = 3.6e6;

/// A campaign as it stands.
pub(super) struct View {
    pub(super) name: String,
    begun: Nanos,
    /// Kind and label of every stage, and whether it is finished, failed or skipped.
    stages: Vec<(StageKind, String, Option<Fate>)>,
    /// The stages of each cell.
    cells: Vec<Vec<usize>>,
    prices: PriceSpec,
    pub(super) doing: Option<Doing>,
    /// Watts and where they come from, of the last window that was measured.
    pub(super) power: Option<(f64, &'static str)>,
    /// Output tokens a second of the last speed window, and of which stage.
    pub(super) tokens: Option<(f64, String)>,
    energy_j: f64,
    worked_s: f64,
    /// Seconds and number of the stages that were run, by kind.
    took: BTreeMap<&'static str, (f64, u32)>,
    lines: Vec<String>,
    /// Warnings and failures, told again when the screen is gone.
    must_be_seen: Vec<String>,
}

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Finished,
    Failed,
    Skipped,
}

/// What is being done.
pub(super) struct Doing {
    pub(super) what: String,
    pub(super) phase: String,
    pub(super) since: Nanos,
}

/// How many of a kind of stage there are.
pub(super) struct Count {
    pub(super) kind: &'static str,
    pub(super) finished: usize,
    pub(super) failed: usize,
    pub(super) all: usize,
}

impl View {
    pub(super) fn of(bound: &Bound, now: Nanos) -> Self {
        let stages = bound.graph.stages.iter().map(|stage| (stage.kind, bound.plan.stage_label(stage), None)).collect();
        let cells = bound.graph.of_cell.iter().map(of_cell).collect();
        Self::new(bound.plan.name.clone(), stages, cells, bound.plan.prices.clone(), now)
    }

    fn new(name: String, stages: Vec<(StageKind, String, Option<Fate>)>, cells: Vec<Vec<usize>>, prices: PriceSpec, now: Nanos) -> Self {
        Self {
            name,
            begun: now,
            stages,
            cells,
            prices,
            doing: None,
            power: None,
            tokens: None,
            energy_j: 0.0,
            worked_s: 0.0,
            took: BTreeMap::new(),
            lines: Vec::new(),
            must_be_seen: Vec::new(),
        }
    }

    /// Something happened.
    pub(super) fn take(&mut self, event: &Event<'_>, now: Nanos) {
        let doing = |what: String| Some(Doing { what, phase: String::new(), since: now });
        match event {
            Event::Proving { what } => self.doing = doing(format!("proving the load client: {what}")),
            Event::Started { kind, label } => self.doing = doing(format!("{} {label}", kind.name())),
            Event::Marked { phase } => {
                if let Some(doing) = &mut self.doing {
                    doing.phase = progress::step(phase).unwrap_or_else(|| phase.phase.clone());
                }
            }
            Event::Reused { kind, label } => self.ends(*kind, label, Fate::Finished),
            Event::Skipped { kind, label, .. } => self.ends(*kind, label, Fate::Skipped),
            Event::Ended { record } => self.ended(record),
            Event::Planned { .. } | Event::Proven { .. } | Event::Warning { .. } => {}
        }
        let lines = progress::told(event);
        if matches!(event, Event::Warning { .. } | Event::Skipped { .. })
            || matches!(event, Event::Ended { record } if record.outcome != Outcome::Done)
        {
            self.must_be_seen.extend(lines.clone());
        }
        self.lines.extend(lines);
        let old = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..old);
    }

    fn ended(&mut self, record: &StageRecord) {
        let seconds = record.duration.get();
        self.doing = None;
        self.worked_s += seconds;
        let (sum, times) = self.took.entry(record.kind.name()).or_default();
        (*sum, *times) = (*sum + seconds, *times + 1);
        self.ends(record.kind, &record.label, if record.outcome == Outcome::Done { Fate::Finished } else { Fate::Failed });
        for window in &record.energy {
            if let (Ok(energy), Some(source)) = (window.gross.known(), window.source) {
                self.energy_j += energy.get();
                let span = window.end.since(window.start).get();
                if span > 0.0 {
                    self.power = Some((energy.get() / span, source.label()));
                }
            }
        }
        if let Detail::Serve(facts) = &record.detail {
            let span = facts.window.1.since(facts.window.0).get();
            let tokens = f64::from(facts.requests) * f64::from(facts.forced_tokens);
            self.tokens = (span > 0.0).then(|| (tokens / span, record.label.clone()));
        }
    }

    fn ends(&mut self, kind: StageKind, label: &str, fate: Fate) {
        let open = self.stages.iter_mut().find(|(its, name, known)| *its == kind && name == label && known.is_none());
        if let Some((_, _, known)) = open {
            *known = Some(fate);
        }
    }

    /// The last lines.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What must be told when the screen is gone.
    pub(super) fn told(&self) -> Vec<String> {
        self.must_be_seen.clone()
    }

    /// By kind, in the order a cell goes through them.
    pub(super) fn counts(&self) -> Vec<Count> {
        let of = |kind: &StageKind| {
            let fates = || self.stages.iter().filter(|(its, ..)| its == kind).map(|(.., fate)| *fate);
            let finished = fates().filter(|fate| *fate == Some(Fate::Finished)).count();
            let failed = fates().filter(|fate| matches!(fate, Some(Fate::Failed | Fate::Skipped))).count();
            Count { kind: kind.name(), finished, failed, all: fates().count() }
        };
        StageKind::ALL.iter().map(of).filter(|count| count.all > 0).collect()
    }

    /// Stages that are over, of all.
    pub(super) fn over(&self) -> (usize, usize) {
        (self.stages.iter().filter(|(.., fate)| fate.is_some()).count(), self.stages.len())
    }

    /// Cells whose every stage is over, of all.
    pub(super) fn cells(&self) -> (usize, usize) {
        let is_over = |stages: &&Vec<usize>| stages.iter().all(|&stage| self.stages[stage].2.is_some());
        (self.cells.iter().filter(is_over).count(), self.cells.len())
    }

    /// Seconds since the beginning.
    pub(super) fn elapsed_s(&self, now: Nanos) -> f64 {
        now.since(self.begun).get()
    }

    /// Seconds left: each open stage as long as those of its kind took so far, less what the one under way has taken. `None` until a stage
    /// of every open kind was run, because a guess would be worth nothing.
    pub(super) fn left_s(&self, now: Nanos) -> Option<f64> {
        let mut left = 0.0;
        for (kind, ..) in self.stages.iter().filter(|(.., fate)| fate.is_none()) {
            let (sum, times) = self.took.get(kind.name())?;
            left += sum / f64::from(*times);
        }
        let under_way = self.doing.as_ref().map_or(0.0, |doing| now.since(doing.since).get());
        Some((left - under_way).max(0.0))
    }

    /// Money of the energy and the machine's time so far, in USD; and whether the machine's time has a price.
    pub(super) fn cost_usd(&self) -> (f64, bool) {
        let energy = self.energy_j / JOULES_PER_KWH * self.prices.electricity_usd_per_kwh * self.prices.pue;
        let machine = self.prices.machine_usd_per_hour.map(|rate| rate * self.worked_s / 3600.0);
        (energy + machine.unwrap_or(0.0), machine.is_some())
    }

    /// Metered energy so far, in joules.
    pub(super) fn energy_j(&self) -> f64 {
        self.energy_j
    }
}

fn of_cell(stages: &CellStages) -> Vec<usize> {
    let once = [stages.adapt, stages.merge, stages.quantise, stages.perplexity].into_iter().flatten();
    once.chain(stages.serve.iter().copied()).chain(stages.quality.iter().copied()).chain(stages.rate.iter().copied()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use record::{EnergySource, EnergyWindow, Judgement, MemoryPeak};
    use units::{Joules, Reading, Seconds, Watts};

    use super::*;

    pub(in crate::live) fn at(seconds: u64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    /// Two cells on one adaptation, each served twice.
    pub(in crate::live) fn view() -> View {
        let stage = |kind, label: &str| (kind, label.to_owned(), None);
        let stages = vec![
            stage(StageKind::Adapt, "rag"),
            stage(StageKind::Serve, "rag · lora-fp16 · run 1"),
            stage(StageKind::Serve, "rag · lora-fp16 · run 2"),
            stage(StageKind::Serve, "rag · lora-int4 · run 1"),
            stage(StageKind::Serve, "rag · lora-int4 · run 2"),
        ];
        let prices = PriceSpec { electricity_usd_per_kwh: 0.36, pue: 1.0, machine_usd_per_hour: Some(3.6), ..plan_prices() };
        View::new("mine".into(), stages, vec![vec![0, 1, 2], vec![0, 3, 4]], prices, at(0))
    }

    fn plan_prices() -> PriceSpec {
        let known = plan::Known { tasks: vec!["rag"], engines: vec!["embedded"], meters: vec![], marks: vec!["f1"] };
        plan::parse(plan::template(), std::path::Path::new("/plans"), &known).expect("the template parses").prices
    }

    pub(in crate::live) fn record(kind: StageKind, label: &str, seconds: f64, joules: f64) -> StageRecord {
        let judged = Judgement {
            source: Some(EnergySource::Modelled),
            gross: Ok(Joules(joules)),
            idle: Reading::Known(Watts(0.0)),
            idle_resident: None,
        };
        StageRecord {
            schema: record::SCHEMA.into(),
            key: "k".into(),
            kind,
            label: label.into(),
            seed: 1,
            order: 0,
            command: Vec::new(),
            outcome: Outcome::Done,
            span: (at(0), at(seconds as u64)),
            duration: Seconds(seconds),
            phases: Vec::new(),
            energy: vec![EnergyWindow::judged("stage", at(0), at(seconds as u64), judged)],
            memory: MemoryPeak { resident: Reading::missing("none"), gpu: Reading::missing("none") },
            artifact: None,
            detail: Detail::Nothing,
        }
    }

    #[test]
    fn what_is_known_follows_from_events() {
        let mut view = view();
        assert_eq!((view.left_s(at(0)), view.over(), view.cells()), (None, (0, 5), (0, 2)));
        let adapted = record(StageKind::Adapt, "rag", 100.0, 5000.0);
        view.take(&Event::Ended { record: &adapted }, at(100));
        assert_eq!(view.left_s(at(100)), None, "no serving run tells yet how long one takes");
        view.take(&Event::Started { kind: StageKind::Serve, label: "rag · lora-fp16 · run 1" }, at(100));
        let served = record(StageKind::Serve, "rag · lora-fp16 · run 1", 20.0, 400.0);
        view.take(&Event::Ended { record: &served }, at(120));
        assert_eq!((view.left_s(at(120)), view.power), (Some(60.0), Some((20.0, "modelled"))));
        view.take(&Event::Started { kind: StageKind::Serve, label: "rag · lora-fp16 · run 2" }, at(120));
        assert_eq!(view.left_s(at(125)), Some(55.0));
        view.take(&Event::Skipped { kind: StageKind::Serve, label: "rag · lora-fp16 · run 2", reason: "a test" }, at(126));
        assert_eq!((view.over(), view.cells()), ((3, 5), (1, 2)));
        // 5,400 J at 0.36 USD/kWh are 0.00054 USD; 120 s at 3.60 USD/h are 0.12 USD.
        let (cost, whole) = view.cost_usd();
        assert!((cost - 0.120_54).abs() < 1e-9 && whole);
        assert_eq!(view.told(), ["serve      rag · lora-fp16 · run 2  skipped: a test"]);
    }
}
