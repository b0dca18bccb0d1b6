//! Which figures an import answers, what each needs, and who computes it: `metric`. A figure whose inputs are not there says which.

use metric::{CellView, Metric};
use units::{Joules, Missing, Reading};

use crate::campaign::{Metered, campaign};
use crate::document::{Answer, Document, Figure, Measurement, Observed, SCHEMA, ScoreRow};
use crate::{Error, Given, Requests, Result, Scores, Serving, Source, TaskScore};

/// What a figure needs beside answered requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Rows,
    Gaps,
    Window,
    Output,
    Energy,
    Idle,
    ColdStartEnergy,
    ColdStartTime,
    Memory,
    WeightsDisk,
    WeightsMemory,
    Score,
    Setup,
    Api,
    Input,
    Electricity,
    MachineRate,
    Grid,
}

use Need::{
    Api, ColdStartEnergy, ColdStartTime, Electricity, Energy, Gaps, Grid, Idle, Input, MachineRate, Memory, Output, Rows, Setup,
    WeightsDisk, WeightsMemory, Window,
};

/// The figures, the five of the paper first. Adaptation and compression are not in these files.
const SHOWN: &[(&str, &[Need])] = &[
    ("n_break", &[Setup, Api, Electricity, Energy, Window, Input, Output]),
    ("ipw", &[Need::Score, Energy, Window]),
    ("rho_sys", &[Memory, Window, Output]),
    ("c_tax", &[ColdStartEnergy, Energy, Window]),
    ("q_ret", &[]),
    ("rho_sys_disk", &[WeightsDisk, Window, Output]),
    ("rho_sys_weights", &[WeightsMemory, Window, Output]),
    ("throughput_tok_s", &[Window, Output]),
    ("ttft_ms", &[Rows]),
    ("ttft_sent_ms", &[Rows]),
    ("itl_ms", &[Rows, Gaps, Output]),
    ("tpot_ms", &[Rows, Output]),
    ("e2e_ms", &[Rows]),
    ("requests_failed", &[]),
    ("energy_per_request_j", &[Energy, Window]),
    ("energy_per_request_net_j", &[Energy, Idle, Window]),
    ("energy_per_token_j", &[Energy, Window, Output]),
    ("load_energy_j", &[ColdStartEnergy]),
    ("load_time_s", &[ColdStartTime]),
    ("cost_per_request_usd", &[Electricity, Energy, Window]),
    ("cost_per_request_reserved_usd", &[MachineRate, Electricity, Window]),
    ("carbon_per_request_g", &[Grid, Energy, Window]),
];

/// Reads out what the files hold, and computes every figure whose inputs are there.
///
/// # Errors
/// When energies are given and are not one a measurement.
pub fn document(sources: &[Source], given: &Given, scores: &Scores) -> Result<Document> {
    let servings: Vec<(&Source, &Serving)> =
        sources.iter().flat_map(|source| source.imported.iter().filter_map(move |one| Some((source, one.serving()?)))).collect();
    if !given.energy.is_empty() && given.energy.len() != servings.len() {
        return Err(Error::Count { what: "the energy of the requests", given: given.energy.len(), measurements: servings.len() });
    }
    let energy = |index: usize| given.energy.get(index).copied();
    let metered: Vec<_> = servings.iter().enumerate().map(|(index, (_, serving))| Metered { serving, energy: energy(index) }).collect();
    let runs_of_one = if given.repeated { servings.len().max(1) } else { 1 };
    let groups = servings.chunks(runs_of_one).zip(metered.chunks(runs_of_one));
    Ok(Document {
        schema: SCHEMA,
        measurements: groups.map(|(sources, runs)| measurement(sources, runs, given, scores)).collect(),
        scores: sources.iter().flat_map(score_rows).collect(),
    })
}

fn score_rows(source: &Source) -> impl Iterator<Item = ScoreRow> {
    source.imported.iter().filter_map(|one| one.score()).map(|score| ScoreRow {
        file: source.file.clone(),
        label: score.label.clone(),
        task: score.task.clone(),
        mark: score.mark.clone(),
        value: score.value,
        stderr: score.stderr.clone(),
        n: score.n.clone(),
        items: !score.items.is_empty(),
    })
}

/// One configuration: one measurement, or its repeated runs.
fn measurement(sources: &[(&Source, &Serving)], runs: &[Metered], given: &Given, scores: &Scores) -> Measurement {
    let mut notes: Vec<String> = Vec::new();
    for note in runs.iter().flat_map(|run| &run.serving.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    if runs.iter().any(|run| run.serving.concurrency.known().is_err()) {
        notes.push("how many requests were served at once is not told: the energy of one may be an allocation".to_owned());
    }
    let (source, serving) = sources[0];
    Measurement {
        label: serving.label.clone(),
        files: sources.iter().map(|(source, _)| source.file.clone()).collect(),
        format: source.format,
        observed: sources.iter().zip(runs).flat_map(|((source, _), run)| observed(source, run)).chain(from_caller(given)).collect(),
        figures: figures(runs, given, scores),
        notes,
    }
}

fn figures(runs: &[Metered], given: &Given, scores: &Scores) -> Vec<Figure> {
    let (score, baseline) = (scores.score.as_ref().ok(), scores.baseline.as_ref().ok());
    // Marks of items are compared in pairs; a baseline without them is compared by its mean, outside the records.
    let paired = score.zip(baseline).filter(|(score, baseline)| !score.items.is_empty() && !baseline.items.is_empty());
    let campaign = campaign(runs, given, score, paired.map(|(_, baseline)| baseline));
    let view = CellView { campaign: &campaign, records: &campaign.cells[0] };
    let known = SHOWN.iter().filter_map(|(name, needs)| Some((metric::find(name)?, *needs)));
    known
        .map(|(metric, needs)| {
            let figure = match (metric.name, paired) {
                ("q_ret", None) => by_means(scores),
                _ => all_met(needs, runs, given, scores).map_or_else(|why| missing(&why), |()| metric.of(&view)),
            };
            answer(metric, figure)
        })
        .collect()
}

/// Fidelity without the items' marks.
fn by_means(scores: &Scores) -> metric::Figure {
    let means = || Ok::<_, Missing>((scores.score.as_ref().map_err(no_score)?, scores.baseline.as_ref().map_err(no_baseline)?));
    match means() {
        Ok((score, baseline)) if score.mark == baseline.mark && score.task == baseline.task => {
            metric::fidelity_of_means(score.value, baseline.value)
        }
        Ok((score, baseline)) => missing(&Missing::because(format!(
            "the score is {} {}, its baseline {} {}",
            score.task, score.mark, baseline.task, baseline.mark
        ))),
        Err(why) => missing(&why),
    }
}

fn no_score(why: &Missing) -> Missing {
    Missing::because(format!("score: {why}"))
}

fn no_baseline(why: &Missing) -> Missing {
    Missing::because(format!("score in full precision: {why}"))
}

fn missing(why: &Missing) -> metric::Figure {
    metric::Figure { estimate: Err(why.clone()), notes: Vec::new(), source: None }
}

fn answer(metric: &'static Metric, figure: metric::Figure) -> Figure {
    let mut notes = figure.notes;
    notes.extend(figure.source.map(|_| "energy as given, not metered here".to_owned()));
    let estimate = match figure.estimate {
        Ok(estimate) => Answer::Known(estimate),
        Err(missing) => Answer::Missing { missing },
    };
    Figure { name: metric.name, unit: metric.unit, definition: metric.definition, estimate, notes }
}

fn all_met(needs: &[Need], runs: &[Metered], given: &Given, scores: &Scores) -> Result<(), Missing> {
    let lacking: Vec<String> =
        needs.iter().filter_map(|need| runs.iter().find_map(|run| met(*need, run, given, scores).err())).map(|why| why.0).collect();
    if lacking.is_empty() { Ok(()) } else { Err(Missing::because(lacking.join("; "))) }
}

/// Whether one input is there; the reason names the flag of `edge-eval import`.
fn met(need: Need, run: &Metered, given: &Given, scores: &Scores) -> Result<(), Missing> {
    let told = |there: bool, what: &str, flag: &str| {
        if there { Ok(()) } else { Err(Missing::because(format!("{what} is not told (--{flag})"))) }
    };
    let serving = run.serving;
    match need {
        Rows if matches!(serving.requests, Requests::Rows(_)) => Ok(()),
        Rows => Err(Missing::because("the file has no rows: it needs each request's times")),
        Gaps if has_gaps(&serving.requests) => Ok(()),
        Gaps => Err(Missing::because("no row tells when each token came (tpot_ms is their mean)")),
        Window => serving.window.known().map(|_| ()),
        Output => told_by_file("output tokens", &serving.requests.output()),
        Input => told_by_file("input tokens", &serving.requests.input()),
        Energy => told(run.energy.is_some(), "the energy of the requests", "energy-j"),
        Idle => told(given.idle.is_some(), "idle power", "idle-w"),
        ColdStartEnergy => told(given.cold_start_energy.is_some(), "the energy of a cold start", "cold-start-j"),
        ColdStartTime => told(given.cold_start.is_some(), "the time of a cold start", "cold-start-s"),
        Memory => told(given.gpu_memory.is_some() || given.resident_memory.is_some(), "peak memory", "gpu-gb or --ram-gb"),
        WeightsDisk => told(given.weights_disk.is_some() || serving.weights.known().is_ok(), "the weights' size on disk", "weights-gb"),
        WeightsMemory => told(given.weights_memory.is_some(), "the weights' size in memory", "weights-memory-gb"),
        Need::Score => in_range(scores.score.as_ref().map_err(no_score)?),
        Setup => told(given.setup.is_some(), "what making and setting up cost", "setup-usd"),
        Api => told(given.api.is_some(), "a hosted model's price", "api-input-usd-per-mtok and --api-output-usd-per-mtok"),
        Electricity => told(given.electricity_usd_per_kwh.is_some(), "the price of electricity", "electricity-usd-per-kwh"),
        MachineRate => told(given.machine_usd_per_hour.is_some(), "the price of the machine's time", "machine-usd-per-hour"),
        Grid => told(given.grid_gco2e_per_kwh.is_some(), "the grid's intensity", "grid-gco2e-per-kwh"),
    }
}

fn has_gaps(requests: &Requests) -> bool {
    matches!(requests, Requests::Rows(rows) if rows.iter().any(|row| row.content_times.len() > 1))
}

fn told_by_file(what: &str, value: &Reading<u64>) -> Result<(), Missing> {
    value.known().map(|_| ()).map_err(|why| Missing::because(format!("{what}: {why}")))
}

/// The paper's scores are shares; a perplexity or a BLEU of 100 is none.
fn in_range(score: &TaskScore) -> Result<(), Missing> {
    if (0.0..=1.0).contains(&score.value) {
        return Ok(());
    }
    Err(Missing::because(format!("{} {} is {}, not within 0 and 1", score.task, score.mark, score.value)))
}

fn observed(source: &Source, run: &Metered) -> Vec<Observed> {
    let serving = run.serving;
    let count = |reading: Reading<u64>| reading.map(|count| count as f64);
    let rows = [
        ("requests answered", "requests", count(Reading::Known(serving.requests.answered()))),
        ("requests failed", "requests", count(serving.requests.failed())),
        ("input tokens", "tokens", count(serving.requests.input())),
        ("output tokens", "tokens", count(serving.requests.output())),
        ("time of the requests", "s", serving.window.clone().map(units::Seconds::get)),
        ("requests at once, at most", "requests", serving.concurrency.clone().map(f64::from)),
        ("weights on disk", "B", serving.weights.clone().map(|bytes| bytes.get() as f64)),
    ];
    let of_file = rows.into_iter().map(|(name, unit, value)| Observed { name: name.to_owned(), unit, value, from: source.file.clone() });
    let energy = run.energy.map_or_else(|| Reading::missing("no result file tells it"), |joules: Joules| Reading::Known(joules.get()));
    let energy = Observed { name: "energy of the requests".to_owned(), unit: "J", value: energy, from: "given".to_owned() };
    let stated = serving.stated.iter().map(|stated| Observed {
        name: stated.key.clone(),
        unit: stated.unit,
        value: Reading::Known(stated.value),
        from: "stated by the tool".to_owned(),
    });
    of_file.chain([energy]).chain(stated).collect()
}

fn from_caller(given: &Given) -> Vec<Observed> {
    let bytes = |bytes: Option<units::Bytes>| bytes.map(|bytes| bytes.get() as f64);
    let rows = [
        ("idle power", "W", given.idle.map(units::Watts::get)),
        ("energy of a cold start", "J", given.cold_start_energy.map(Joules::get)),
        ("time of a cold start", "s", given.cold_start.map(units::Seconds::get)),
        ("peak GPU memory", "B", bytes(given.gpu_memory)),
        ("peak resident memory", "B", bytes(given.resident_memory)),
        ("weights on disk", "B", bytes(given.weights_disk)),
        ("weights in memory", "B", bytes(given.weights_memory)),
    ];
    let told = rows.into_iter().filter_map(|(name, unit, value)| Some((name, unit, value?)));
    told.map(|(name, unit, value)| Observed { name: name.to_owned(), unit, value: Reading::Known(value), from: "given".to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_shown_is_a_metric() {
        for (index, (name, _)) in SHOWN.iter().enumerate() {
            assert!(metric::find(name).is_some(), "{name}");
            assert!(SHOWN[..index].iter().all(|(other, _)| other != name), "{name} twice");
        }
    }
}
