//! Advice as a text and as JSON. What is advised, and why, is `metric`'s.

use econ::Range;
use metric::{Advice, Campaign, Candidate, ProjectedTo, Standing, Wishes};
use serde_json::{Value, json};
use stats::Estimate;
use units::Missing;

use crate::print::{columns, digits};

/// For each task: the pick and why, then all its variants.
pub(super) fn text(advice: &[Advice]) -> String {
    let mut text = String::new();
    for advice in advice {
        let pick = advice.pick.map_or_else(|| "none".into(), |i| advice.candidates[i].name());
        text += &format!("{}: {pick}\n", advice.task);
        if let Some(next) = advice.runner_up {
            text += &format!("  runner-up: {}\n", advice.candidates[next].name());
        }
        let frontier: Vec<String> = advice.candidates.iter().filter(|candidate| is_on_frontier(candidate)).map(Candidate::name).collect();
        if !frontier.is_empty() {
            text += &format!("  frontier: {}\n", frontier.join("; "));
        }
        for why in &advice.why {
            text += &format!("  · {why}\n");
        }
        text += &table(advice);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The same with every figure and interval.
pub(super) fn json(campaign: &Campaign, wishes: &Wishes, advice: &[Advice], notes: &[String]) -> Value {
    let limits: serde_json::Map<_, _> = wishes.limits.iter().map(|(wished, bound)| (wished.name().to_owned(), json!(bound))).collect();
    json!({
        "run": campaign.plan.name,
        "method": metric::METHOD,
        "requests_per_month": wishes.requests_per_month,
        "limits": limits,
        "hosted": campaign.plan.prices.api_name,
        "notes": notes,
        "tasks": advice.iter().map(task).collect::<Vec<_>>(),
    })
}

fn task(advice: &Advice) -> Value {
    let frontier: Vec<usize> = (0..advice.candidates.len()).filter(|&i| is_on_frontier(&advice.candidates[i])).collect();
    json!({
        "task": advice.task,
        "pick": advice.pick,
        "runner_up": advice.runner_up,
        "frontier": frontier,
        "why": advice.why,
        "candidates": advice.candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}

fn candidate(candidate: &Candidate) -> Value {
    let checks: Vec<Value> = candidate
        .checks
        .iter()
        .map(|check| {
            let kept = format!("{:?}", check.kept).to_lowercase();
            json!({"limit": check.wished.name(), "bound": check.bound, "figure": estimate(&check.figure), "kept": kept})
        })
        .collect();
    let month = match &candidate.month {
        Ok(month) => json!({
            "own_usd": range(&month.own_usd), "api_usd": range(&month.api_usd), "energy_kwh": range(&month.energy_kwh),
            "carbon_g": month.carbon_g.as_ref().map(range),
        }),
        Err(why) => json!({"missing": why.to_string()}),
    };
    let [cost, score, energy] = [0, 1, 2].map(|i| candidate.objectives.get(i).map_or(Value::Null, estimate));
    json!({
        "family": candidate.cell.family, "tier": candidate.cell.tier, "strategy": candidate.cell.strategy.name(), "engine": candidate.cell.engine,
        "projected": candidate.projected.as_ref().map(projected), "eligible": candidate.is_eligible(), "standing": standing(candidate.standing.as_ref()), "limits": checks, "month": month,
        "n_break": estimate(&candidate.n_break), "cost_per_request_usd": cost, "score": score, "energy_per_request_j": energy,
    })
}

fn projected(there: &ProjectedTo) -> Value {
    let from = there.from.as_ref().map_or_else(|why| json!({"missing": why.to_string()}), |from| json!(from));
    json!({"label": "projected", "to": there.machine, "from": from, "notes": there.notes})
}

fn standing(standing: Option<&Standing>) -> Value {
    match standing {
        None => Value::Null,
        Some(Standing::Frontier { not_distinguishable }) => json!({"frontier": true, "not_distinguishable_from": not_distinguishable}),
        Some(Standing::Dominated { by }) => json!({"frontier": false, "dominated_by": by}),
        Some(Standing::Unknown { why, .. }) => json!({"missing": why.to_string()}),
    }
}

fn estimate(figure: &Result<Estimate, Missing>) -> Value {
    match figure {
        Ok(estimate) => json!({"value": estimate.value, "ci95": estimate.ci95, "n": estimate.n, "method": estimate.method}),
        Err(why) => json!({"missing": why.to_string()}),
    }
}

fn range(range: &Range) -> Value {
    json!({"value": range.value(), "low": range.low(), "high": range.high()})
}

fn table(advice: &Advice) -> String {
    let head = ["variant", "USD/month", "hosted", "kWh/month", "gCO2e/month", "score", "J/request", "break-even", "standing"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for (i, candidate) in advice.candidates.iter().enumerate() {
        let month = candidate.month.as_ref().ok();
        let ranged = |of: fn(&econ::Month) -> Range| month.map_or_else(|| "-".into(), |month| digits(of(month).value()));
        let known = |figure: Option<&Result<Estimate, Missing>>| {
            figure.and_then(|figure| figure.as_ref().ok()).map_or_else(|| "-".into(), |estimate| digits(estimate.value))
        };
        lines.push(vec![
            candidate.name(),
            ranged(|month| month.own_usd),
            ranged(|month| month.api_usd),
            ranged(|month| month.energy_kwh),
            month.and_then(econ::Month::carbon).map_or_else(|| "-".into(), |carbon| digits(carbon.get())),
            known(candidate.objectives.get(1)),
            known(candidate.objectives.get(2)),
            known(Some(&candidate.n_break)),
            place(advice, i),
        ]);
    }
    columns(&lines)
}

/// Where a variant stands, in words.
fn place(advice: &Advice, i: usize) -> String {
    let candidate = &advice.candidates[i];
    if advice.pick == Some(i) {
        return "pick".into();
    }
    if advice.runner_up == Some(i) {
        return "runner-up".into();
    }
    match &candidate.standing {
        Some(Standing::Frontier { .. }) => "frontier".into(),
        Some(Standing::Dominated { .. }) => "dominated".into(),
        Some(Standing::Unknown { why, .. }) => format!("not known: {why}"),
        None => {
            let broken = candidate.checks.iter().filter(|check| !matches!(check.kept, metric::Kept::Surely | metric::Kept::AtItsValue));
            format!("not within {}", broken.map(|check| check.wished.name()).collect::<Vec<_>>().join(", "))
        }
    }
}

fn is_on_frontier(candidate: &Candidate) -> bool {
    matches!(candidate.standing, Some(Standing::Frontier { .. }))
}
