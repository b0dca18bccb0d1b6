//! Checks of the served rows: how many requests ran at once, how long the answers are, what was divided by what.

use std::collections::BTreeSet;

use metric::paper;

use super::{Check, Found, counted, digits, number, some};
use crate::{
    aggregate::{largest, mean, median, smallest},
    code,
    logs::{Model, Serving, Task},
    tables::{INT4, each, variants},
};

/// How many requests ran at once, from the latencies.
pub(super) const CONCURRENCY: Check = Check {
    name: "concurrency",
    claim: Some("serving is evaluated under batch size 1"),
    rests_on: &[],
    find: |logs, _| {
        let at_once = some(logs.serving.iter().map(at_once).collect(), "served row")?;
        let (least, middle, most) = (smallest(&at_once), median(&at_once), largest(&at_once));
        let finding = format!(
            "the requests of a row, each from its first token's wait to its last token, take {} to {} times as long added up as the row's wall \
             time (median {}): about so many ran at once",
            digits(least),
            digits(most),
            digits(middle)
        );
        let numbers = vec![
            number("least at once", least, "requests"),
            number("median at once", middle, "requests"),
            number("most at once", most, "requests"),
            number("rows", at_once.len() as f64, ""),
        ];
        Ok(Found { holds: Some(most < 1.5), finding, numbers })
    },
};

/// Time of all requests added up over the row's wall time.
pub(crate) fn at_once(row: &Serving) -> f64 {
    let tokens = row.tokens as f64 / row.requests as f64;
    (row.ttft + row.itl * (tokens - 1.0).max(0.0)) * row.requests as f64 / row.time
}

/// Whether the answers' lengths are free.
pub(super) const LENGTHS: Check = Check {
    name: "forced-lengths",
    claim: None,
    rests_on: &[code::JUDGE],
    find: |logs, _| {
        some(logs.serving.iter().map(|_| 1.0).collect(), "served row")?;
        let mut numbers = Vec::new();
        let mut told = Vec::new();
        let mut is_forced = true;
        for task in Task::ALL {
            let rows: Vec<&Serving> = logs.serving.iter().filter(|row| row.variant.task == task).collect();
            let lengths: BTreeSet<(u64, u64)> = rows.iter().map(|row| (row.tokens / row.requests, row.tokens % row.requests)).collect();
            numbers.push(number(format!("{} rows", task.name()), rows.len() as f64, ""));
            numbers.push(number(format!("{} mean lengths that occur", task.name()), lengths.len() as f64, ""));
            if let [(length, 0)] = lengths.iter().copied().collect::<Vec<_>>()[..] {
                numbers.push(number(format!("{} tokens an answer", task.name()), length as f64, "tokens"));
                told.push(format!("{} {length}", task.name()));
            } else {
                is_forced = false;
            }
        }
        numbers.push(number("most tokens of a scored answer", code::SCORED_TOKENS as f64, "tokens"));
        let finding = if is_forced {
            format!(
                "every row of a task has the same whole number of tokens an answer ({}): lengths were forced. Scored answers had at most {} \
                 tokens, so speed and quality are of different answers",
                told.join(", "),
                code::SCORED_TOKENS
            )
        } else {
            "answers of one task differ in length from row to row: lengths were not forced in all of them".to_owned()
        };
        Ok(Found { holds: None, finding, numbers })
    },
};

/// Whether the committed code can have made the served rows.
pub(super) const CODE: Check = Check {
    name: "code-and-logs",
    claim: None,
    rests_on: &[code::SERVING],
    find: |logs, _| {
        let (requests, of_summary, of_others) = code::SERVED;
        let most = |row: &&Serving| if row.variant.task == Task::Summ { of_summary } else { of_others };
        let other_requests = logs.serving.iter().filter(|row| row.requests != requests).count();
        let too_long = logs.serving.iter().filter(|row| row.tokens > most(row) * row.requests).count();
        let rows = some(logs.serving.iter().map(|row| row.requests as f64).collect(), "served row")?;
        let finding = format!(
            "the committed script puts {requests} requests a row and stops a summary at {of_summary} tokens: {} of {} have another number of \
             requests, {} have longer answers than it allows",
            counted(other_requests, "row"),
            rows.len(),
            counted(too_long, "row")
        );
        let numbers = vec![
            number("rows with another number of requests", other_requests as f64, ""),
            number("rows with longer answers", too_long as f64, ""),
            number("requests a row, median", median(&rows), "requests"),
        ];
        Ok(Found { holds: None, finding, numbers })
    },
};

/// What System Density is over.
pub(super) const SIZES: Check = Check {
    name: "nominal-sizes",
    claim: Some("system density is throughput over allocated GPU memory"),
    rests_on: &["parameter counts of the six models' published configurations"],
    find: |logs, _| {
        let (mut numbers, mut told, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for (model, parameters) in Model::all().zip(code::PARAMETERS) {
            let ratio = parameters / 1e9 / model.tier.billions();
            let printed = mean(&each(logs, &variants(model, &INT4), |logs, variant| {
                let size = paper::nominal_gigabytes(model.tier.billions(), variant.strategy.precision());
                paper::rho_sys(logs.serving(variant)?.tokens_per_second, size)
            })?);
            numbers.push(number(format!("{model}: parameters over the tier's name"), ratio, ""));
            numbers.push(number(format!("{model}: density in INT4 by real parameters"), printed / ratio, "tokens/s/GB"));
            told.push(format!("{model} {} instead of {}", digits(printed / ratio), digits(printed)));
            ratios.push(ratio);
        }
        let finding = format!(
            "the memory is the tier's name times 2, 1 or 0.625 bytes, not memory that was seen in use. The models have {} to {} times the \
             parameters of their tier's name; by real parameters the densities in INT4 are {}",
            digits(smallest(&ratios)),
            digits(largest(&ratios)),
            told.join(", ")
        );
        Ok(Found { holds: Some(ratios.iter().all(|ratio| (ratio - 1.0).abs() < 0.01)), finding, numbers })
    },
};
