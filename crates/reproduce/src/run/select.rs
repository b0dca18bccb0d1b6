//! Which cells of a campaign a table's cell is made of, and the number that they give.

use metric::{Campaign, CellView};
use plan::{Precision, Strategy};
use units::Missing;

use crate::document::Cell;

/// Family and tier of each model of the plan, in its order.
pub(super) struct Models(pub(super) Vec<(String, String)>);

/// The models.
pub(super) fn models(campaign: &Campaign) -> Models {
    Models(campaign.plan.models.iter().map(|model| (model.family.clone(), model.tier.clone())).collect())
}

/// `LLaMA 1B`.
pub(super) fn model_name((family, tier): &(String, String)) -> String {
    format!("{family} {tier}")
}

/// The engines' labels, in the plan's order.
pub(super) fn engines(campaign: &Campaign) -> Vec<String> {
    campaign.plan.engines.iter().map(|engine| engine.label().to_owned()).collect()
}

/// A row's name, with the engine where the plan has several.
pub(super) fn row_name(campaign: &Campaign, name: &str, engine: &str) -> String {
    if campaign.plan.engines.len() > 1 { format!("{name} · {engine}") } else { name.to_owned() }
}

/// The first cell of a model and task with such a strategy, on an engine or on any.
pub(super) fn view<'a>(
    campaign: &'a Campaign,
    (family, tier): &(String, String),
    task: &str,
    engine: Option<&str>,
    is_wanted: impl Fn(Strategy) -> bool,
) -> Option<CellView<'a>> {
    campaign.views().find(|view| {
        let cell = view.cell();
        let is_of = cell.family == *family && cell.tier == *tier && cell.task == task;
        is_of && engine.is_none_or(|engine| cell.engine == engine) && is_wanted(cell.strategy)
    })
}

/// The two strategies that the paper calls INT4.
pub(super) fn is_int4(strategy: Strategy) -> bool {
    strategy.precision() == Precision::Int4
}

/// A figure of a cell by its metric's name.
pub(super) fn figure(view: &CellView<'_>, metric: &str) -> Result<f64, Missing> {
    let metric = metric::find(metric).ok_or_else(|| Missing::because(format!("there is no metric {metric}")))?;
    metric.of(view).estimate.map(|estimate| estimate.value)
}

/// Values, and why others are not there.
#[derive(Default)]
pub(super) struct Values {
    pub(super) known: Vec<f64>,
    reasons: Vec<String>,
    planned: usize,
}

impl Values {
    /// Of each of several things that the plan has.
    pub(super) fn of(values: impl Iterator<Item = Result<f64, Missing>>) -> Self {
        let mut all = Self::default();
        for value in values {
            all.planned += 1;
            match value {
                Ok(value) => all.known.push(value),
                Err(Missing(why)) if !all.reasons.contains(&why) => all.reasons.push(why),
                Err(_) => {}
            }
        }
        all
    }

    /// What is made of them.
    pub(super) fn made(&self, make: impl Fn(&[f64]) -> f64) -> Result<f64, Missing> {
        match (self.known.is_empty(), self.planned) {
            (false, _) => Ok(make(&self.known)),
            (true, 0) => Err(Missing::because("the plan has no such cell")),
            (true, _) => Err(self.reason()),
        }
    }

    fn reason(&self) -> Missing {
        Missing::because(self.reasons.join("; "))
    }

    /// A cell made of them; where some are missing it says so.
    pub(super) fn cell(&self, row: &str, column: &str, aggregator: &str, make: impl Fn(&[f64]) -> f64) -> Cell {
        let made = self.made(make);
        let is_part = made.is_ok() && self.known.len() < self.planned;
        let part = is_part.then(|| self.reason().0);
        Cell {
            missing: part.or_else(|| made.as_ref().err().map(ToString::to_string)),
            made_of: Some((self.known.len(), self.planned)),
            ..cell(row, column, aggregator, made)
        }
    }
}

/// A cell of one number.
pub(super) fn cell(row: &str, column: &str, aggregator: &str, value: Result<f64, Missing>) -> Cell {
    let value =
        value.and_then(|value| if value.is_finite() { Ok(value) } else { Err(Missing::because("the value is not a finite number")) });
    Cell {
        row: row.to_owned(),
        column: column.to_owned(),
        published: None,
        printed: None,
        missing: value.as_ref().err().map(ToString::to_string),
        recomputed: value.ok(),
        aggregator: aggregator.to_owned(),
        agrees: None,
        made_of: None,
    }
}
