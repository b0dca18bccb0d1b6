//! From a run folder to the document: the records are read here, the figures come from `metric`.

use std::{path::Path, sync::OnceLock};

use metric::{Advice, Campaign, CellView, METHOD, METRICS, Metric};
use record::{ClientCertificate, Manifest, Outcome, RunFolder, StageRecord};

use crate::{
    crossings,
    document::{Better, CellFigures, Client, Definition, Document, DoesNotFit, Failure, Figure, MethodFigures, SCHEMA},
    economics,
    loaded::Loaded,
    statements, warnings,
};

/// What can go wrong while a report is made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run folder cannot be read.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// A document cannot be written as JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.hint(),
            Self::Json(_) => None,
        }
    }
}

/// A run folder that was read: its records and the figures that follow from them.
#[derive(Debug)]
pub struct Run {
    pub(crate) folder: RunFolder,
    pub(crate) campaign: Campaign,
    records: Vec<StageRecord>,
    document: Document,
    /// Made when it is first asked for.
    pub(crate) advice: OnceLock<Vec<Advice>>,
}

impl Run {
    /// Reads a run folder. The run may still be going on: what has not run yet is missing.
    ///
    /// # Errors
    /// The folder is no run folder, of another version, or holds a damaged file.
    pub fn open(run: &Path) -> Result<Self> {
        let Loaded { path, manifest, campaign, records, client } = Loaded::read(run)?;
        let mut records: Vec<StageRecord> = records.into_values().collect();
        records.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        let document = document(&manifest, &campaign, client, &records);
        Ok(Self { folder: RunFolder::open(&path)?, campaign, records, document, advice: OnceLock::new() })
    }

    /// The run as read on a day: prices that are older than a year are said first.
    #[must_use]
    pub fn on(mut self, today: econ::Date) -> Self {
        self.document = self.document.on(today);
        self
    }

    /// Every figure.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The records that the figures follow from.
    pub fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    /// The records of every stage of the plan that has one, each once, in the order in which they were made.
    pub(crate) fn records(&self) -> impl Iterator<Item = &StageRecord> {
        self.records.iter()
    }
}

/// Every figure of a run, from its records.
///
/// # Errors
/// As for [`Run::open`].
pub fn read(run: &Path) -> Result<Document> {
    Run::open(run).map(|run| run.document)
}

fn document(manifest: &Manifest, campaign: &Campaign, client: Option<ClientCertificate>, records: &[StageRecord]) -> Document {
    let levels: Vec<CellFigures> = campaign.views().flat_map(|view| levels(&view, client.as_ref())).collect();
    Document {
        schema: SCHEMA.into(),
        run: manifest.plan.name.clone(),
        method: METHOD.into(),
        started_wall_ns: manifest.started_wall_ns,
        machine: manifest.machine.clone(),
        cells: campaign.views().map(|view| cell(&view, client.as_ref())).collect(),
        crossings: crossings::of(&levels),
        levels,
        warnings: warnings::of(campaign, records.iter()),
        prices: warnings::prices(&manifest.plan.prices),
        economics: campaign.views().map(|view| economics::of(&view)).collect(),
        statements: statements::of(campaign),
        methods: vec![paper(campaign, client.as_ref())],
        client: Client::of(client),
        definitions: METRICS.iter().map(|metric| definition(metric)).collect(),
        failures: records.iter().filter_map(failure).collect(),
    }
}

pub(crate) fn definition(metric: &Metric) -> Definition {
    Definition {
        name: metric.name.into(),
        unit: metric.unit.into(),
        better: match metric.better {
            metric::Better::Higher => Better::Higher,
            metric::Better::Lower => Better::Lower,
        },
        definition: metric.definition.into(),
        source: metric.source.into(),
    }
}

fn cell(view: &CellView<'_>, client: Option<&ClientCertificate>) -> CellFigures {
    shown(view, client, view.plan().load.concurrency, metric::figures(view))
}

/// The five metrics of every cell as the paper's authors compute them.
fn paper(campaign: &Campaign, client: Option<&ClientCertificate>) -> MethodFigures {
    let of = |view: CellView<'_>| shown(&view, client, view.plan().load.concurrency, metric::paper::figures(&view));
    MethodFigures {
        method: metric::paper::METHOD.into(),
        definitions: metric::paper::METRICS.iter().map(|metric| definition(metric)).collect(),
        cells: campaign.views().map(of).collect(),
    }
}

/// The cell at each level of concurrency that the plan has, where it has several.
fn levels(view: &CellView<'_>, client: Option<&ClientCertificate>) -> Vec<CellFigures> {
    let at = |concurrency| {
        let records = view.at_level(concurrency);
        let view = CellView { campaign: view.campaign, records: &records };
        shown(&view, client, concurrency, metric::window_figures(&view))
    };
    view.levels().into_iter().map(at).collect()
}

fn shown(
    view: &CellView<'_>,
    client: Option<&ClientCertificate>,
    concurrency: u32,
    figures: Vec<(&'static Metric, metric::Figure)>,
) -> CellFigures {
    let cell = view.cell();
    let client_bound = client.and_then(|certificate| metric::client_bound(view, certificate));
    let prefix_cached = metric::prefix_cached(view);
    let flags = metric::flags(view);
    let figure = |metric: &Metric, figure| {
        let mut shown = figure_of(metric, figure);
        if metric::CLIENT_MEASURED.contains(&metric.name) {
            shown.notes.extend(client_bound.clone());
            shown.notes.extend(prefix_cached.clone());
        }
        let touching = flags.iter().filter(|flag| shown.value.is_some() && metric::is_touched(metric.name, flag));
        let said: Vec<_> = touching.map(|flag| format!("flagged: {flag}")).collect();
        shown.notes.extend(said);
        (metric.name.to_owned(), shown)
    };
    CellFigures {
        family: cell.family.clone(),
        tier: cell.tier.clone(),
        task: cell.task.clone(),
        strategy: cell.strategy.name().into(),
        engine: cell.engine.clone(),
        engine_version: metric::engine_version(view),
        does_not_fit: metric::does_not_fit(view).map(|(stage, cause)| does_not_fit(stage, cause)),
        flags: flags.clone(),
        mark: view.task().map_or_else(|_| String::new(), |task| task.primary.clone()),
        concurrency: Some(concurrency),
        metrics: figures.into_iter().map(|(metric, of)| figure(metric, of)).collect(),
        client_bound: client_bound.clone(),
    }
}

pub(crate) fn figure_of(metric: &Metric, figure: metric::Figure) -> Figure {
    let shown = match &figure.estimate {
        Ok(estimate) => Figure::known(estimate, metric.unit),
        Err(why) => Figure::missing(why.to_string(), metric.unit),
    };
    Figure { source: figure.source.map(|source| source.label().to_owned()), notes: figure.notes, ..shown }
}

fn does_not_fit(stage: &str, cause: &record::DoesNotFit) -> DoesNotFit {
    DoesNotFit { stage: stage.to_owned(), told: cause.told.clone(), needed_bytes: cause.needed.map(units::Bytes::get) }
}

fn failure(record: &StageRecord) -> Option<Failure> {
    let Outcome::Failed { reason, last_lines, .. } = &record.outcome else { return None };
    let label = format!("{} {}", record.kind.name(), record.label);
    Some(Failure { label, reason: reason.clone(), last_lines: last_lines.clone() })
}
