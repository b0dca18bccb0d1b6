//! What must be said before figures are used: prices that are old, absent, or of another kind than they are used as, and machines that are
//! not one. The day on which a report is read is handed in: without it nothing is said of age.

use econ::{Cited, Date};
use metric::Campaign;
use plan::{Citation, PriceSpec, Priced};
use record::{StageRecord, Verdict};

use crate::document::{Document, Price};

/// The prices of a plan, each with what it says of its source.
pub(crate) fn prices(spec: &PriceSpec) -> Vec<Price> {
    let hosted = |key: &str, value: f64| Price {
        key: key.to_owned(),
        of: Some(spec.api_name.clone()),
        value: Some(value),
        source: Some(spec.api_source.clone()),
        date: Some(spec.api_date.clone()),
        note: None,
    };
    let given = |key: &str, value: Option<f64>, cited: Option<&Citation>| Price {
        key: key.to_owned(),
        of: cited.map(|cited| cited.name.clone()),
        value,
        source: cited.map(|cited| cited.source.clone()),
        date: cited.map(|cited| cited.date.clone()),
        note: cited.and_then(|cited| cited.note.clone()),
    };
    let cited = |key: &str, value: Option<f64>, figure: Priced| given(key, value, spec.cited.get(&figure));
    let mut prices = vec![
        hosted("api_input_usd_per_mtok", spec.api_input_usd_per_mtok),
        hosted("api_output_usd_per_mtok", spec.api_output_usd_per_mtok),
        cited("electricity_usd_per_kwh", Some(spec.electricity_usd_per_kwh), Priced::Electricity),
        cited("pue", Some(spec.pue), Priced::Pue),
        cited("machine_usd_per_hour", spec.machine_usd_per_hour, Priced::Machine),
    ];
    if let Some(owned) = spec.owned {
        prices.push(given("machine_price_usd", Some(owned.price_usd), None));
        prices.push(given("life_years", Some(owned.life_years), None));
    }
    prices.extend([
        given("setup_usd", Some(spec.setup_usd), None),
        cited("grid_gco2e_per_kwh", spec.grid_gco2e_per_kwh, Priced::Grid),
        given("requests_per_month", spec.requests_per_month, None),
        given("utilisation", spec.utilisation, None),
    ]);
    prices
}

/// What follows from the plan and the records alone.
pub(crate) fn of<'a>(campaign: &Campaign, records: impl Iterator<Item = &'a StageRecord>) -> Vec<String> {
    let prices = &campaign.plan.prices;
    let mut said = Vec::new();
    let is_own = |engine: &plan::EngineSpec| engine.price.is_none();
    if prices.machine_usd_per_hour.is_none() && campaign.plan.engines.iter().any(is_own) {
        let alone = "the machine's time has no price: costs here are of energy alone, which flatters running models oneself";
        said.push(format!("{alone} (prices.machine_usd_per_hour)"));
    }
    if prices.setup_usd == 0.0 {
        said.push("C_setup is 0: every break-even is a lower bound (prices.setup_usd)".to_owned());
    }
    if prices.grid_gco2e_per_kwh.is_none() {
        said.push("the grid's intensity is not known: no carbon is told (prices.grid_gco2e_per_kwh)".to_owned());
    }
    said.extend(prices.cited.values().filter_map(|cited| cited.note.clone()));
    let is_adapted = |cell: &metric::CellRecords| cell.cell.strategy.method() != plan::Method::None;
    if !campaign.cells.iter().any(is_adapted) {
        said.push("no cell is adapted: nothing was spent on making a model, so break-even is of C_setup alone".to_owned());
    }
    said.extend(gpus(records));
    said
}

/// That windows of one run were metered on GPUs of different kinds.
fn gpus<'a>(records: impl Iterator<Item = &'a StageRecord>) -> Option<String> {
    let windows = records.flat_map(|record| &record.energy).filter(|window| window.verdict == Verdict::Valid);
    let mut sets: Vec<Vec<&str>> = windows.map(|window| window.gpus.iter().map(|gpu| gpu.name.as_str()).collect()).collect();
    sets.retain(|set: &Vec<&str>| !set.is_empty());
    for set in &mut sets {
        set.sort_unstable();
        set.dedup();
    }
    sets.sort_unstable();
    sets.dedup();
    let names: Vec<String> = sets.iter().map(|set| set.join(" + ")).collect();
    (names.len() > 1).then(|| format!("stages ran on different GPUs ({}): their figures are not of one machine", names.join("; ")))
}

impl Document {
    /// The report as read on a day: prices that are older than a year are said first.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        let mut old: Vec<String> = self.prices.iter().filter_map(|price| age(price, today)).collect();
        old.dedup();
        old.append(&mut self.warnings);
        self.warnings = old;
        self
    }
}

/// What to say of a price that is older than a year.
fn age(price: &Price, today: Date) -> Option<String> {
    let date: Date = price.date.as_ref()?.parse().ok()?;
    let cited = Cited { source: price.source.clone().unwrap_or_default(), url: None, date };
    let of = match &price.of {
        Some(of) if price.key.starts_with("api") => format!("the price of {of}"),
        Some(of) => format!("{} of {of}", price.key),
        None => price.key.clone(),
    };
    Some(format!("{of} is {}", cited.warning(today)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(key: &str, of: Option<&str>, date: Option<&str>) -> Price {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Price { key: key.into(), of: text(of), value: Some(1.0), source: text(Some("a page")), date: text(date), note: None }
    }

    #[test]
    fn a_price_older_than_a_year_is_said_on_the_day_of_reading() {
        let hosted = price("api_input_usd_per_mtok", Some("gpt-4o"), Some("2025-06-01"));
        let at = |day: &str| age(&hosted, day.parse().unwrap());
        assert_eq!(at("2026-06-01"), None);
        assert_eq!(
            at("2026-06-02").unwrap(),
            "the price of gpt-4o is of 2025-06-01, older than a year (366 days): check it or give your own"
        );
        let grid = price("grid_gco2e_per_kwh", Some("Germany"), Some("2023-12-31"));
        assert!(age(&grid, "2026-06-02".parse().unwrap()).unwrap().starts_with("grid_gco2e_per_kwh of Germany is of 2023-12-31"));
        assert_eq!(age(&price("pue", None, None), "2026-06-02".parse().unwrap()), None);
        assert_eq!(age(&price("pue", None, Some("last year")), "2026-06-02".parse().unwrap()), None);
    }
}
