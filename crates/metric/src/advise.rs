//! Advice: of the variants of one task, which to run oneself under given limits, which next, and why.
//!
//! A variant is eligible when it keeps to every limit at its value; where its interval crosses a limit, this is said. One whose figure is
//! missing does not keep to the limit: nobody knows. Among the eligible ones the frontier of cost, score and energy of a request is
//! taken ([`crate::pareto()`]); the pick is its cheapest, the runner-up the next. Nothing is weighted, so no weights are hidden.

mod elsewhere;

use econ::{Month, Site};
use plan::Cell;
use stats::Estimate;
use units::Missing;

use crate::{
    Better, Campaign, CellView, Point, Standing, find,
    interval::{over_runs, range},
    latency::{quantile_ms, token_gaps, ttft},
    money::{api_price, hosted},
    pareto,
    runs::Runs,
};

pub use elsewhere::{Elsewhere, ProjectedTo, Target};

/// What a limit is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wished {
    /// 95th percentile of the time to the first token, in ms from the due time.
    TtftP95Ms,
    /// 95th percentile of the gap between tokens, in ms.
    ItlP95Ms,
    /// The task's primary mark, 0 to 1.
    Score,
    /// Peak memory of the server, in bytes.
    MemoryBytes,
    /// Mean power of the devices while requests are served, in W.
    PowerW,
}

impl Wished {
    /// The word that JSON and texts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::TtftP95Ms => "ttft_p95_ms",
            Self::ItlP95Ms => "itl_p95_ms",
            Self::Score => "score",
            Self::MemoryBytes => "peak_memory_bytes",
            Self::PowerW => "power_w",
        }
    }

    /// Which direction is better.
    pub fn better(self) -> Better {
        if self == Self::Score { Better::Higher } else { Better::Lower }
    }

    fn of(self, view: &CellView) -> Result<Estimate, Missing> {
        match self {
            Self::TtftP95Ms => quantile_ms(view, 0.95, ttft).map(|known| known.estimate),
            Self::ItlP95Ms => quantile_ms(view, 0.95, token_gaps).map(|known| known.estimate),
            Self::Score => figure(view, "score"),
            Self::MemoryBytes => figure(view, "peak_memory_bytes"),
            Self::PowerW => figure(view, "power_w"),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Traffic, above 0.
    pub requests_per_month: f64,
    /// Limits and their bounds: at least the bound where more is better, else at most.
    pub limits: Vec<(Wished, f64)>,
    /// Other devices to project the variants to; `None` looks at what was measured alone.
    pub elsewhere: Option<Elsewhere>,
}

/// Whether a limit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// With its whole interval.
    Surely,
    /// At its value; its interval crosses the bound.
    AtItsValue,
    /// Not at its value.
    No,
    /// The figure is missing.
    Unknown,
}

/// One limit beside a variant's figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What it is on.
    pub wished: Wished,
    /// Its bound.
    pub bound: f64,
    /// The variant's figure.
    pub figure: Result<Estimate, Missing>,
    /// Whether it is kept.
    pub kept: Kept,
}

/// A variant beside what is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which variant.
    pub cell: Cell,
    /// That it is projected and not measured, where it is.
    pub projected: Option<ProjectedTo>,
    /// Every limit.
    pub checks: Vec<Check>,
    /// Where it stands among the eligible ones; `None` for one that is not eligible.
    pub standing: Option<Standing>,
    /// What a month costs and emits, here and at the hosted model.
    pub month: Result<Month, Missing>,
    /// Requests until it has paid for its making.
    pub n_break: Result<Estimate, Missing>,
    /// The objectives: cost (USD), score and energy (J) of a request.
    pub objectives: Point,
}

/// The answer for one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The task.
    pub task: String,
    /// Every variant of it, in the campaign's order.
    pub candidates: Vec<Candidate>,
    /// The pick, by position.
    pub pick: Option<usize>,
    /// The runner-up, by position.
    pub runner_up: Option<usize>,
    /// Why, each lower case without a final stop.
    pub why: Vec<String>,
}

/// What the frontier is taken over.
const OBJECTIVES: &[(&str, Better)] =
    &[("cost_per_request_usd", Better::Lower), ("score", Better::Higher), ("energy_per_request_j", Better::Lower)];

/// Advice for every task of a campaign, in the plan's order. Prices, PUE and grid are those of the campaign's plan.
pub fn advise(campaign: &Campaign, wishes: &Wishes) -> Vec<Advice> {
    campaign.plan.tasks.iter().map(|task| of_task(campaign, &task.name, wishes)).collect()
}

fn of_task(campaign: &Campaign, task: &str, wishes: &Wishes) -> Advice {
    let views = || campaign.views().filter(|view| view.cell().task == task);
    let mut candidates: Vec<Candidate> = views().map(|view| candidate(&view, wishes)).collect();
    if let Some(elsewhere) = &wishes.elsewhere {
        let pairs = elsewhere.targets.iter().flat_map(|target| views().map(move |view| (view, target)));
        candidates.extend(pairs.map(|(view, target)| elsewhere::candidate(&view, wishes, elsewhere, target)));
    }
    stand(&mut candidates);
    let ranked = ranked(&candidates);
    let (pick, runner_up) = (ranked.first().copied(), ranked.get(1).copied());
    let mut why = why(&candidates, pick, runner_up, wishes);
    why.extend(pick.map(|pick| beyond_use(campaign, &candidates[pick])).unwrap_or_default());
    Advice { task: task.to_owned(), candidates, pick, runner_up, why }
}

fn candidate(view: &CellView, wishes: &Wishes) -> Candidate {
    Candidate {
        cell: view.cell().clone(),
        projected: None,
        checks: wishes.limits.iter().map(|(wished, bound)| check(*wished, *bound, wished.of(view))).collect(),
        standing: None,
        month: month(view, wishes.requests_per_month),
        n_break: figure(view, "n_break"),
        objectives: OBJECTIVES.iter().map(|(name, _)| figure(view, name)).collect(),
    }
}

fn check(wished: Wished, bound: f64, figure: Result<Estimate, Missing>) -> Check {
    let fits = |value: f64| if wished.better() == Better::Higher { value >= bound } else { value <= bound };
    let kept = match &figure {
        Err(_) => Kept::Unknown,
        Ok(estimate) if !fits(estimate.value) => Kept::No,
        Ok(estimate) if estimate.ci95.is_none_or(|(low, high)| fits(low) && fits(high)) => Kept::Surely,
        Ok(_) => Kept::AtItsValue,
    };
    Check { wished, bound, figure, kept }
}

/// Where the eligible ones stand. An objective that none of them has (a score of random weights) is left out.
fn stand(candidates: &mut [Candidate]) {
    let eligible: Vec<usize> = (0..candidates.len()).filter(|&i| candidates[i].is_eligible()).collect();
    let known: Vec<usize> = (0..OBJECTIVES.len()).filter(|&o| eligible.iter().any(|&i| candidates[i].objectives[o].is_ok())).collect();
    let better: Vec<Better> = known.iter().map(|&o| OBJECTIVES[o].1).collect();
    let points: Vec<Point> = eligible.iter().map(|&i| known.iter().map(|&o| candidates[i].objectives[o].clone()).collect()).collect();
    for (standing, &i) in pareto(&better, &points).into_iter().zip(&eligible) {
        // Positions among the eligible become positions among all.
        candidates[i].standing = Some(match standing {
            Standing::Frontier { not_distinguishable } => {
                Standing::Frontier { not_distinguishable: not_distinguishable.into_iter().map(|j| eligible[j]).collect() }
            }
            Standing::Dominated { by } => Standing::Dominated { by: by.into_iter().map(|j| eligible[j]).collect() },
            Standing::Unknown { objective, why } => Standing::Unknown { objective: known[objective], why },
        });
    }
}

/// Positions of the eligible ones whose cost is known: those of the frontier first, then the dominated ones, each from the cheapest.
fn ranked(candidates: &[Candidate]) -> Vec<usize> {
    let rank = |candidate: &Candidate| match candidate.standing {
        Some(Standing::Frontier { .. }) => Some(0),
        Some(Standing::Dominated { .. }) => Some(1),
        _ => None,
    };
    let mut ranked: Vec<(u8, f64, usize)> =
        candidates.iter().enumerate().filter_map(|(i, candidate)| Some((rank(candidate)?, candidate.cost()?, i))).collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ranked.into_iter().map(|(_, _, i)| i).collect()
}

fn why(candidates: &[Candidate], pick: Option<usize>, runner_up: Option<usize>, wishes: &Wishes) -> Vec<String> {
    let eligible = candidates.iter().filter(|candidate| candidate.is_eligible()).count();
    let Some(pick) = pick else {
        return vec![if eligible == 0 {
            format!("none of {} variants keeps to every limit", candidates.len())
        } else {
            format!("{eligible} of {} variants keep to every limit, and of none is the cost of a request known", candidates.len())
        }];
    };
    let chosen = &candidates[pick];
    let frontier = candidates.iter().filter(|candidate| matches!(candidate.standing, Some(Standing::Frontier { .. }))).count();
    let mut why = vec![format!(
        "the cheapest of {frontier} on the frontier of cost, score and energy, among {eligible} of {} variants that keep to every limit",
        candidates.len()
    )];
    why.extend(chosen.projected.as_ref().map(|projected| {
        let from = projected.from.as_ref().map_or_else(ToString::to_string, Clone::clone);
        format!("projected to {} from {from}, not measured: {}", projected.machine, projected.notes.join("; "))
    }));
    for check in chosen.checks.iter().filter(|check| check.kept == Kept::AtItsValue) {
        why.push(format!("its {} keeps to {} at its value; its interval crosses it", check.wished.name(), check.bound));
    }
    if !wishes.limits.iter().any(|(wished, _)| *wished == Wished::Score) {
        why.push("no least score was asked for: the cheapest may be too poor".into());
    }
    why.extend(hosted_or_own(chosen, wishes));
    why.extend(runner_up.map(|next| beside(candidates, pick, next)));
    why
}

/// Whether it pays to run the pick oneself.
fn hosted_or_own(chosen: &Candidate, wishes: &Wishes) -> Option<String> {
    let month = chosen.month.as_ref().ok()?;
    let said = format!("{} USD a month by use, {} at the hosted model", money(month.own_usd.value()), money(month.api_usd.value()));
    Some(match &chosen.n_break {
        Ok(n) => {
            let months = n.value / wishes.requests_per_month;
            let months = if months < 0.05 { "in the first days".into() } else { format!("{months:.1} months") };
            format!("{said}: it has paid for its making after {:.0} requests, {months}", n.value.ceil())
        }
        Err(why) => format!("{said}; break-even: {why}"),
    })
}

/// To the cent, and below a dollar to three digits.
fn money(usd: f64) -> String {
    if usd.abs() >= 1.0 { format!("{usd:.2}") } else { format!("{usd:.2e}") }
}

/// What the cost of the pick leaves out.
fn beyond_use(campaign: &Campaign, chosen: &Candidate) -> Vec<String> {
    let prices = &campaign.plan.prices;
    let by_tokens = campaign.plan.engine(&chosen.cell.engine).is_some_and(|engine| engine.price.is_some());
    let mut said = Vec::new();
    if prices.machine_usd_per_hour.is_none() && !by_tokens && chosen.projected.is_none() {
        said.push("energy alone: the plan gives the machine's time no price, which flatters running it oneself".to_owned());
    }
    if prices.setup_usd <= 0.0 {
        said.push("C_setup is 0 in the plan: break-even is a lower bound".to_owned());
    }
    said
}

/// How the runner-up differs from the pick.
fn beside(candidates: &[Candidate], pick: usize, next: usize) -> String {
    let (chosen, other) = (&candidates[pick], &candidates[next]);
    let times = chosen.cost().zip(other.cost()).map_or_else(String::new, |(a, b)| format!(" at {:.2} times the cost", b / a));
    let name = other.name();
    match &chosen.standing {
        Some(Standing::Frontier { not_distinguishable }) if not_distinguishable.contains(&next) => {
            format!("the runner-up, {name}, is not distinguishable from it{times}")
        }
        _ if matches!(other.standing, Some(Standing::Dominated { .. })) => format!("the runner-up, {name}, is dominated{times}"),
        _ => format!("the runner-up, {name}, is a trade-off{times}"),
    }
}

impl Candidate {
    /// In words, and whether it is projected.
    pub fn name(&self) -> String {
        let cell = &self.cell;
        let projected = self.projected.as_ref().map_or_else(String::new, |there| format!(", projected to {}", there.machine));
        format!("{} {} {} on {}{projected}", cell.family, cell.tier, cell.strategy.name(), cell.engine)
    }

    /// Whether it keeps to every limit, at least at its values.
    pub fn is_eligible(&self) -> bool {
        self.checks.iter().all(|check| matches!(check.kept, Kept::Surely | Kept::AtItsValue))
    }

    /// Cost of a request by use, in USD.
    fn cost(&self) -> Option<f64> {
        self.objectives[0].as_ref().ok().map(|estimate| estimate.value)
    }
}

/// A month of a variant, at its costs and energy of a request.
fn month(view: &CellView, requests: f64) -> Result<Month, Missing> {
    let prices = &view.plan().prices;
    let price = api_price(view)?;
    let api = Runs::of(view)?.each(|run| Ok(hosted(run, &price)?.get()))?;
    let site = Site { pue: prices.pue, grid_g_per_kwh: prices.grid_gco2e_per_kwh };
    let (api, infer) = (range(&over_runs(&api.values)?)?, range(&figure(view, "cost_per_request_usd")?)?);
    econ::month(requests, api, infer, range(&figure(view, "energy_per_request_j")?)?, &site)
        .map_err(|error| Missing::because(error.to_string()))
}

fn figure(view: &CellView, name: &str) -> Result<Estimate, Missing> {
    find(name).ok_or_else(|| Missing::because(format!("there is no figure `{name}`")))?.of(view).estimate
}
