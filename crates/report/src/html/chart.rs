//! A chart before it is drawn: panels of series with their intervals, what it shows and how it is read. The page's script draws it; the
//! CSV behind each panel is the panel's series as they stand here.

use plan::Strategy;
use serde::Serialize;
use units::Missing;

use crate::{document::CellFigures, gather::Run, number};

/// One chart of the page.
pub(super) struct Chart {
    /// Its id on the page.
    pub(super) id: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// What it shows and how it is read, in a sentence or two.
    pub(super) says: &'static str,
    /// What is drawn, or why nothing can be.
    pub(super) draw: fn(&Run) -> Result<Drawing, Missing>,
}

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Drawing {
    pub(super) panels: Vec<Panel>,
    /// What must be said under them.
    pub(super) notes: Vec<String>,
}

/// One coordinate system.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// Lines and spans that carry a meaning of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) marks: Vec<Mark>,
    /// Whether the names of `x` are spokes around a centre and `y` is the distance from it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) radar: bool,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) scale: Scale,
}

/// How an axis goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scale {
    #[default]
    Linear,
    Log,
    /// By names, in the order in which they first stand in the series.
    Names,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Points,
    Line,
    /// Beside those of the other series.
    Bars,
    /// Behind those of the other series, lying: names on the y axis.
    Stack,
    /// The area between the ends of `y`.
    Band,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Which colour, symbol, dash and hatching.
    pub(super) look: usize,
    pub(super) points: Vec<Point>,
}

/// One point.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Point {
    pub(super) x: Place,
    pub(super) y: Place,
    /// Ends of `x`.
    #[serde(rename = "xi", skip_serializing_if = "Option::is_none")]
    pub(super) x_ends: Option<(f64, f64)>,
    /// Ends of `y`.
    #[serde(rename = "yi", skip_serializing_if = "Option::is_none")]
    pub(super) y_ends: Option<(f64, f64)>,
    /// What it is of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) of: String,
}

/// Where on an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Place {
    At(f64),
    Named(String),
}

/// A line across the panel, or a span of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Mark {
    /// `x` or `y`.
    pub(super) axis: &'static str,
    pub(super) at: f64,
    /// The other end of a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<f64>,
    pub(super) text: String,
}

impl Default for Place {
    fn default() -> Self {
        Self::At(0.0)
    }
}

impl Axis {
    pub(super) fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self { title: title.into(), scale }
    }
}

impl Point {
    /// A point without intervals.
    pub(super) fn at(x: f64, y: f64) -> Self {
        Self { x: Place::At(x), y: Place::At(y), ..Self::default() }
    }
}

impl Drawing {
    /// Panels that hold something, or why there is none.
    ///
    /// # Errors
    /// No panel holds a point: `why` tells the reason.
    pub(super) fn of(panels: Vec<Panel>, notes: Vec<String>, why: impl FnOnce() -> Missing) -> Result<Self, Missing> {
        let panels: Vec<Panel> = panels
            .into_iter()
            .map(|mut panel| {
                panel.series.retain(|series| !series.points.is_empty());
                panel
            })
            .filter(|panel| !panel.series.is_empty())
            .collect();
        if panels.is_empty() { Err(why()) } else { Ok(Self { panels, notes }) }
    }
}

impl Panel {
    /// The panel in words, for who does not see it.
    pub(super) fn alt(&self) -> String {
        let parts: Vec<String> = self.series.iter().filter(|series| series.kind != Kind::Band).map(told).collect();
        let title = if self.title.is_empty() { String::new() } else { format!("{}. ", self.title) };
        format!("{title}{} against {}. {}.", self.y.title, self.x.title, parts.join("; "))
    }
}

/// A series in words: how many points, and which are the least and the most.
fn told(series: &Series) -> String {
    let lies = series.kind == Kind::Stack;
    let known: Vec<(&Point, f64)> = series
        .points
        .iter()
        .filter_map(|point| match if lies { &point.x } else { &point.y } {
            Place::At(value) => Some((point, *value)),
            Place::Named(_) => None,
        })
        .collect();
    let name = |point: &Point| match if lies { &point.y } else { &point.x } {
        _ if !point.of.is_empty() => format!(" ({})", point.of),
        Place::Named(name) => format!(" ({name})"),
        Place::At(at) => format!(" at {}", number::text(*at, None, "").value),
    };
    let shown = |(point, value): &(&Point, f64)| format!("{}{}", number::text(*value, None, "").value, name(point));
    let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    match (least, most) {
        (Some(only), _) if known.len() == 1 => format!("{}: {}", series.name, shown(only)),
        (Some(least), Some(most)) => format!("{}: {} points from {} to {}", series.name, known.len(), shown(least), shown(most)),
        _ => format!("{}: {} points", series.name, series.points.len()),
    }
}

/// The look of a strategy, the same in every chart.
pub(super) fn look_of(strategy: &str) -> usize {
    Strategy::ALL.iter().position(|known| known.name() == strategy).unwrap_or(Strategy::ALL.len())
}

/// The look of the hosted model.
pub(super) const HOSTED: usize = 5;

/// A figure on an axis.
#[derive(Clone, Copy)]
pub(super) struct Quantity {
    /// The figure's name.
    pub(super) metric: &'static str,
    pub(super) title: &'static str,
    /// What it is multiplied by for the axis.
    pub(super) times: f64,
    pub(super) scale: Scale,
}

/// A value with the ends of its interval.
pub(super) type Valued = (f64, Option<(f64, f64)>);

impl Quantity {
    pub(super) fn axis(&self) -> Axis {
        Axis::new(self.title, self.scale)
    }

    /// The figure of a cell; on a log axis what is not above 0 has no place.
    ///
    /// # Errors
    /// It is missing, and why.
    pub(super) fn of(&self, cell: &CellFigures) -> Result<Valued, Missing> {
        let figure = cell.metrics.get(self.metric).ok_or_else(|| Missing::because(format!("there is no figure {}", self.metric)))?;
        let value = figure.value.ok_or_else(|| Missing::because(figure.missing.clone().unwrap_or_default()))?;
        if self.scale == Scale::Log && value <= 0.0 {
            return Err(Missing::because(format!("{} is {value}, which a log axis has no place for", self.metric)));
        }
        Ok((value * self.times, figure.ci95.map(|(low, high)| (low * self.times, high * self.times))))
    }
}

/// What was left out of a chart, counted by reason.
#[derive(Default)]
pub(super) struct LeftOut {
    reasons: Vec<(String, Vec<String>)>,
}

impl LeftOut {
    pub(super) fn add(&mut self, of: &str, why: &Missing) {
        match self.reasons.iter_mut().find(|(known, _)| *known == why.0) {
            Some((_, cells)) => cells.push(of.to_owned()),
            None => self.reasons.push((why.0.clone(), vec![of.to_owned()])),
        }
    }

    /// A note a reason.
    pub(super) fn notes(self) -> Vec<String> {
        let note = |(why, cells): (String, Vec<String>)| match &cells[..] {
            [one] => format!("Not drawn: {one}: {why}"),
            [first, .., last] => format!("Not drawn: {} variants, from {first} to {last}: {why}", cells.len()),
            [] => why,
        };
        self.reasons.into_iter().map(note).collect()
    }

    /// The first reason, for a chart of which nothing is left.
    pub(super) fn why(&self) -> Missing {
        Missing::because(self.reasons.first().map_or_else(|| "no variant is planned for it".to_owned(), |(why, _)| why.clone()))
    }
}

/// `LLaMA 1B · rag · lora-int4 · embedded`.
pub(super) fn cell_name(cell: &CellFigures) -> String {
    format!("{} · {} · {} · {}", cell.model(), cell.task, cell.strategy, cell.engine)
}

/// Names of variants in legends: what all variants of the run share is left out.
pub(super) struct Names {
    several_models: bool,
    several_engines: bool,
}

impl Names {
    pub(super) fn of(run: &Run) -> Self {
        let cells = &run.document().cells;
        let differ = |of: fn(&CellFigures) -> (&str, &str)| cells.iter().any(|cell| of(cell) != of(&cells[0]));
        Self { several_models: differ(|cell| (&cell.family, &cell.tier)), several_engines: differ(|cell| (&cell.engine, "")) }
    }

    /// `LLaMA 1B · lora-int4 · vllm`, or as little of it as tells it apart.
    pub(super) fn variant(&self, family: &str, tier: &str, strategy: &str, engine: &str) -> String {
        let model = if self.several_models { format!("{family} {tier} · ") } else { String::new() };
        let engine = if self.several_engines { format!(" · {engine}") } else { String::new() };
        format!("{model}{strategy}{engine}")
    }

    /// The same of a cell.
    pub(super) fn cell(&self, cell: &plan::Cell) -> String {
        self.variant(&cell.family, &cell.tier, cell.strategy.name(), &cell.engine)
    }
}

/// Points of two figures of cells, a series a strategy.
pub(super) fn scatter<'a>(cells: impl Iterator<Item = &'a CellFigures>, x: &Quantity, y: &Quantity, left_out: &mut LeftOut) -> Vec<Series> {
    let mut series: Vec<Series> = Strategy::ALL
        .iter()
        .enumerate()
        .map(|(look, strategy)| Series { name: strategy.name().to_owned(), kind: Kind::Points, look, points: Vec::new() })
        .collect();
    for cell in cells {
        let both = x.of(cell).and_then(|x| Ok((x, y.of(cell)?)));
        match (both, series.get_mut(look_of(&cell.strategy))) {
            (Ok(((x, x_ends), (y, y_ends))), Some(series)) => {
                series.points.push(Point { x: Place::At(x), y: Place::At(y), x_ends, y_ends, of: cell_name(cell) });
            }
            (Err(why), _) => left_out.add(&cell_name(cell), &why),
            (Ok(_), None) => {}
        }
    }
    series
}

/// The tasks of a run in the plan's order.
pub(super) fn tasks(run: &Run) -> Vec<&str> {
    run.campaign().plan.tasks.iter().map(|task| task.name.as_str()).collect()
}
