//! Tables of the money of each variant: both cumulative costs, costs and break-even over utilisation, and what moves break-even most.

use econ::{BreakEven, Range};
use metric::economics::{AtUtilisation, OverUtilisation};

use super::{Grid, Table, Text};
use crate::{
    document::{Document, Price},
    economics::VariantEconomics,
    number,
};

/// The shares of a machine's time that tables show.
const SHOWN: &[f64] = &[0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0];
/// The parts of the curve over requests that tables show.
const QUARTERS: &[&str] = &["at once", "a quarter", "half way", "three quarters", "the end"];
/// How many inputs tables show of those that move break-even.
const MOST: usize = 5;

impl Grid {
    /// The tables of every variant's money, and of the prices it is at.
    pub(super) fn add_economics(&mut self, document: &Document) {
        self.plain("Prices", &["key", "value", "source", "date", "note"], document.prices.iter().map(price).collect());
        let all = &document.economics;
        if all.is_empty() {
            return;
        }
        let head = [&["variant", "making, request here, hosted (USD)", "break-even"], QUARTERS].concat();
        let rows = all.iter().map(|one| self.over_requests(one)).collect();
        self.plain("Cumulative cost over requests, USD", &head, rows);
        let shares: Vec<String> = SHOWN.iter().map(|share| format!("{:.0}%", 100.0 * share)).collect();
        let shares = || shares.iter().map(String::as_str);
        let head: Vec<&str> = ["variant", "by use"].into_iter().chain(shares()).chain(["cheaper than hosted from"]).collect();
        let rows = all.iter().map(|one| self.prices_over_utilisation(one)).collect();
        self.plain("USD per million output tokens over utilisation, by the hour", &head, rows);
        let head: Vec<&str> = ["variant"].into_iter().chain(shares()).collect();
        let rows = all.iter().map(|one| self.break_even_over_utilisation(one)).collect();
        self.plain("Break-even over utilisation, requests", &head, rows);
        let head = ["variant", "first", "second", "third", "fourth", "fifth"];
        let rows = all.iter().map(|one| self.sensitivity(one)).collect();
        self.plain("What moves break-even most, one input at a time", &head, rows);
    }

    fn plain(&mut self, title: &'static str, head: &[&str], rows: Vec<Vec<Text>>) {
        let head = head.iter().map(|name| Text::new(*name, "")).collect();
        self.tables.push(Table { title, head, groups: if rows.is_empty() { Vec::new() } else { vec![rows] } });
    }

    /// A row of dashes with the reason behind the first.
    fn dashes(&mut self, row: Vec<Text>, why: &str, columns: usize) -> Vec<Text> {
        let mut row = row;
        row.push(Text { marks: self.marks(&[why.to_owned()]), ..Text::new("-", "") });
        row.resize(columns, Text::new("-", ""));
        row
    }

    fn over_requests(&mut self, one: &VariantEconomics) -> Vec<Text> {
        let mut row = vec![variant(one)];
        let columns = 3 + QUARTERS.len();
        let (costs, curve) = match (one.money.costs.known(), one.money.over_requests.known()) {
            (Ok(costs), Ok(curve)) => (costs, curve),
            (Err(why), _) | (_, Err(why)) => return self.dashes(row, &why.0, columns),
        };
        row.push(Text::new(banded(&costs.making_usd).line, format!("{}, {}", usd(&costs.own_usd), usd(&costs.hosted_usd))));
        row.push(match one.money.break_even.known() {
            Ok(at) => break_even(&at.value, (&at.earliest, &at.latest)),
            Err(why) => Text { marks: self.marks(&[why.0]), ..Text::new("-", "") },
        });
        for quarter in 0..QUARTERS.len() {
            let at = &curve[quarter * (curve.len() - 1) / (QUARTERS.len() - 1)];
            let own = banded(&at.own);
            let under = format!("{} hosted, {} requests", usd(&at.api), digits(at.requests));
            row.push(Text::new(format!("{} {}", own.line, own.under).trim_end(), under));
        }
        row
    }

    fn prices_over_utilisation(&mut self, one: &VariantEconomics) -> Vec<Text> {
        let row = vec![variant(one)];
        let over = match one.money.over_utilisation.known() {
            Ok(over) => over,
            Err(why) => return self.dashes(row, &why.0, 3 + SHOWN.len()),
        };
        let by_use = over.usage_usd_per_mtok_output.known().map_or_else(|_| Text::new("-", ""), banded);
        let least = over.least_utilisation.map_or_else(|| "never".to_owned(), |share| format!("{}%", digits(100.0 * share)));
        let prices = shown(over).map(|point| banded(&point.usd_per_mtok_output));
        row.into_iter().chain([by_use]).chain(prices).chain([Text::new(least, "")]).collect()
    }

    fn break_even_over_utilisation(&mut self, one: &VariantEconomics) -> Vec<Text> {
        let row = vec![variant(one)];
        let over = match one.money.over_utilisation.known() {
            Ok(over) => over,
            Err(why) => return self.dashes(row, &why.0, 1 + SHOWN.len()),
        };
        let at: Vec<Text> =
            shown(over).map(|point| break_even(&point.break_even.value, (&point.break_even.earliest, &point.break_even.latest))).collect();
        row.into_iter().chain(at).collect()
    }

    fn sensitivity(&mut self, one: &VariantEconomics) -> Vec<Text> {
        let row = vec![variant(one)];
        if let Err(why) = one.money.sensitivity.known() {
            return self.dashes(row, &why.0, 1 + MOST);
        }
        let moved = one.money.swings().iter().take(MOST).map(|swing| {
            let line = format!("{} {} to {}", swing.input.name(), digits(swing.low), digits(swing.high));
            Text::new(line, format!("{} to {} requests", word(&swing.at_low), word(&swing.at_high)))
        });
        let mut row: Vec<Text> = row.into_iter().chain(moved).collect();
        row.resize(1 + MOST, Text::default());
        row
    }
}

/// The points at the shares that tables show.
fn shown(over: &OverUtilisation) -> impl Iterator<Item = &AtUtilisation> {
    over.points.iter().filter(|point| SHOWN.iter().any(|share| (share - point.utilisation).abs() < 1e-9))
}

fn price(price: &Price) -> Vec<Text> {
    let key = Text::new(&price.key, price.of.clone().unwrap_or_default());
    let text = |text: &Option<String>| Text::new(text.clone().unwrap_or_default(), "");
    let value = price.value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    vec![key, Text::new(value, ""), text(&price.source), text(&price.date), text(&price.note)]
}

fn variant(one: &VariantEconomics) -> Text {
    Text::new(format!("{} {}, {}", one.family, one.tier, one.task), format!("{}, {}", one.strategy, one.engine))
}

fn break_even(at: &BreakEven, (earliest, latest): (&BreakEven, &BreakEven)) -> Text {
    match at {
        BreakEven::Never { .. } => Text::new("never", ""),
        BreakEven::After { requests } if earliest == latest => Text::new(digits(*requests), ""),
        BreakEven::After { requests } => Text::new(digits(*requests), format!("{} to {}", word(earliest), word(latest))),
    }
}

fn word(at: &BreakEven) -> String {
    at.requests().map_or_else(|| "never".to_owned(), digits)
}

fn usd(range: &Range) -> String {
    digits(range.value())
}

fn banded(range: &Range) -> Text {
    let text = number::text(range.value(), (!range.is_exact()).then(|| (range.low(), range.high())), "");
    Text::new(text.value, text.interval.unwrap_or_default())
}

fn digits(value: f64) -> String {
    number::text(value, None, "").value
}
