//! The top of the page: for each task which variant to run oneself, what that costs, and what speaks against it. Who is picked, and why,
//! is `metric`'s advice.

use maud::{Markup, html as markup};
use metric::{Advice, Candidate, Kept, Standing, Wishes, advise};
use plan::PriceSpec;

use super::{warnings, words};
use crate::{document::DoesNotFit, gather::Run, number};

/// Traffic that is taken where the plan names none; it is said, and the page has a slider for it.
pub(super) const ASSUMED_REQUESTS: f64 = 100_000.0;

/// Question and answer, task by task.
pub(super) fn section(run: &Run) -> Markup {
    let prices = &run.campaign().plan.prices;
    let requests = prices.requests_per_month.unwrap_or(ASSUMED_REQUESTS);
    markup! {
        section #answer aria-labelledby="answer-title" {
            h2 #answer-title { "Answer" }
            p {
                "Which of the variants to run on this machine instead of asking " strong { (prices.api_name) } ", at "
                (number::text(requests, None, "").value) " requests a month"
                @if prices.requests_per_month.is_none() { " (assumed: the plan names no traffic)" }
                "? In brackets stand 95% intervals."
            }
            (warnings::chips(run))
            @for advice in run.advice() { (task(run, advice, requests)) }
        }
    }
}

impl Run {
    /// Which variant of each task to run oneself, without limits, at the plan's traffic.
    pub(super) fn advice(&self) -> &[Advice] {
        self.advice.get_or_init(|| {
            let requests_per_month = self.campaign().plan.prices.requests_per_month.unwrap_or(ASSUMED_REQUESTS);
            advise(self.campaign(), &Wishes { requests_per_month, limits: Vec::new(), elsewhere: None })
        })
    }
}

fn task(run: &Run, advice: &Advice, requests: f64) -> Markup {
    let prices = &run.campaign().plan.prices;
    let pick = advice.pick.map(|i| &advice.candidates[i]);
    let runner_up = advice.runner_up.map(|i| &advice.candidates[i]);
    markup! {
        article.task {
            h3 { (advice.task) ": " @match pick { Some(pick) => { (words::variant(&pick.cell)) } None => { "no pick" } } }
            @if let Some(pick) = pick {
                p.verdict { (verdict(pick, prices, requests)) }
                (beside(run, pick, runner_up))
            }
            (does_not_fit(run, &advice.task))
            details open[pick.is_none()] {
                summary { "Why" }
                ul { @for why in &advice.why { li { (why) } } }
                (standings(advice))
            }
        }
    }
}

/// The answer in a sentence.
fn verdict(pick: &Candidate, prices: &PriceSpec, requests: f64) -> Markup {
    let by_use = if prices.machine_usd_per_hour.is_some() { "by use" } else { "for energy alone" };
    markup! {
        @match (&pick.month, &pick.n_break) {
            (Ok(month), Ok(n)) => {
                "Run it yourself. It costs " strong { (usd(month.own_usd.value())) } " a month " (by_use) " where " (prices.api_name) " asks "
                strong { (usd(month.api_usd.value())) } ", and has paid for its making after "
                strong { (words::requests(n.value)) }
                " (" (months(n.value / requests)) ")."
            }
            (Ok(month), Err(why)) if why.0.starts_with("never") => {
                "Stay with " (prices.api_name) ": " strong { (usd(month.api_usd.value())) } " a month there, "
                strong { (usd(month.own_usd.value())) } " " (by_use) " here."
            }
            (_, Err(why)) | (Err(why), _) => { "It cannot be told whether it pays: " (why.to_string()) }
        }
    }
}

fn usd(value: f64) -> String {
    if value >= 0.01 || value == 0.0 { format!("{} USD", number::text(value, None, "").value) } else { "less than a cent".to_owned() }
}

fn months(months: f64) -> String {
    match months {
        ..0.05 => "in the first days".into(),
        0.05..1.0 => "in the first month".into(),
        _ => format!("{} months", number::text(months, None, "").value),
    }
}

/// The pick beside the runner-up and the hosted model.
fn beside(run: &Run, pick: &Candidate, runner_up: Option<&Candidate>) -> Markup {
    let prices = &run.campaign().plan.prices;
    let columns: Vec<&Candidate> = std::iter::once(pick).chain(runner_up).collect();
    let figure =
        |candidate: &Candidate, name: &str| match words::figures(run.document(), &candidate.cell).and_then(|cell| cell.metrics.get(name)) {
            Some(figure) => words::figure(figure),
            None => words::missing("there is no such figure"),
        };
    let month = |candidate: &Candidate, part: fn(&econ::Month) -> Option<econ::Range>, unit: &str| match &candidate.month {
        Ok(month) => {
            part(month).map_or_else(|| words::missing("the plan gives no intensity of the grid"), |range| words::range(&range, unit))
        }
        Err(why) => words::missing(&why.0),
    };
    let kg = |month: &econ::Month| month.carbon_g.and_then(|grams| grams.map(|g| g / 1e3));
    let hosted = match &pick.month {
        Ok(month) => words::range(&month.api_usd, "USD"),
        Err(why) => words::missing(&why.0),
    };
    let dash = || markup! { span.missing { "–" } };
    let rows: Vec<(&str, Vec<Markup>, Markup)> = vec![
        ("money a month", columns.iter().map(|one| month(one, |month| Some(month.own_usd), "USD")).collect(), hosted),
        ("break-even", columns.iter().map(|one| figure(one, "n_break")).collect(), dash()),
        ("score", columns.iter().map(|one| figure(one, "score")).collect(), dash()),
        ("kept of the score, quantised", columns.iter().map(|one| figure(one, "q_ret")).collect(), dash()),
        ("energy of a request", columns.iter().map(|one| figure(one, "energy_per_request_j")).collect(), dash()),
        ("energy a month", columns.iter().map(|one| month(one, |month| Some(month.energy_kwh), "kWh")).collect(), dash()),
        ("carbon a month", columns.iter().map(|one| month(one, kg, "kgCO2e")).collect(), dash()),
        ("time to first token", columns.iter().map(|one| figure(one, "ttft_ms")).collect(), dash()),
        ("peak memory", columns.iter().map(|one| figure(one, "peak_memory_bytes")).collect(), dash()),
    ];
    markup! {
        div.scroll tabindex="0" role="region" aria-label="Pick, runner-up and hosted model" {
            table.beside {
                thead { tr {
                    th {}
                    @for (one, role) in columns.iter().zip(["pick", "runner-up"]) { th scope="col" { (role) br; span.under { (words::variant(&one.cell)) } } }
                    th scope="col" { "hosted" br; span.under { (prices.api_name) ", " (prices.api_date) } }
                } }
                tbody { @for (name, cells, hosted) in rows {
                    tr { th scope="row" { (name) } @for cell in cells { td { (cell) } } td { (hosted) } }
                } }
            }
        }
    }
}

/// The variants of a task that need more memory than there is.
fn does_not_fit(run: &Run, task: &str) -> Markup {
    let cells = run.document().cells.iter().filter(|cell| cell.task == task);
    let told: Vec<_> = cells.filter_map(|cell| Some((cell, cell.does_not_fit.as_ref()?))).collect();
    let needs = |it: &DoesNotFit| it.needed_bytes.map_or_else(|| it.told.clone(), |bytes| format!("{:.1} GB needed", bytes as f64 / 1e9));
    markup! {
        @if !told.is_empty() {
            p.unfit {
                strong { "Does not fit this machine: " }
                @for (i, (cell, it)) in told.iter().enumerate() {
                    @if i > 0 { "; " }
                    (cell.model()) " " (cell.strategy) " on " (cell.engine) " (" (it.stage) ": " (needs(it)) ")"
                }
            }
        }
    }
}

/// Every variant and where it stands.
fn standings(advice: &Advice) -> Markup {
    markup! {
        div.scroll tabindex="0" role="region" aria-label="Every variant and where it stands" {
            table.sortable {
                thead { tr { @for head in ["variant", "standing", "cost of a request", "score", "energy of a request", "break-even"] { th scope="col" { (head) } } } }
                tbody { @for (i, one) in advice.candidates.iter().enumerate() { tr {
                    th scope="row" { (words::variant(&one.cell)) }
                    td { (standing(advice, i)) }
                    @for (figure, unit) in one.objectives.iter().chain([&one.n_break]).zip(["USD", "", "J", "requests"]) {
                        td data-value=[figure.as_ref().ok().map(|figure| figure.value)] {
                            @match figure { Ok(figure) => { (words::estimate(figure, unit)) } Err(why) => { (words::missing(&why.0)) } }
                        }
                    }
                } } }
            }
        }
    }
}

/// Where a variant stands, in words.
fn standing(advice: &Advice, i: usize) -> String {
    let candidate = &advice.candidates[i];
    match &candidate.standing {
        _ if advice.pick == Some(i) => "pick".into(),
        _ if advice.runner_up == Some(i) => "runner-up".into(),
        Some(Standing::Frontier { .. }) => "on the frontier".into(),
        Some(Standing::Dominated { by }) => {
            let by: Vec<String> = by.iter().map(|&j| words::variant(&advice.candidates[j].cell)).collect();
            format!("dominated by {}", by.join(", "))
        }
        Some(Standing::Unknown { why, .. }) => format!("not known: {why}"),
        None => {
            let broken = candidate.checks.iter().filter(|check| !matches!(check.kept, Kept::Surely | Kept::AtItsValue));
            format!("not within {}", broken.map(|check| check.wished.name()).collect::<Vec<_>>().join(", "))
        }
    }
}
