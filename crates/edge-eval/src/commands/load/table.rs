//! A point as text for people: every figure with its interval and n, what is missing with its reason, and what the words mean.

use std::collections::BTreeSet;

use load::{DEFINITIONS, Distribution, Summary, prefix_cache::Hits};
use units::Reading;

use super::{point::Point, points::Row, pressure::Level};

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

fn interval(ends: Option<(f64, f64)>) -> String {
    ends.map_or_else(String::new, |(low, high)| format!("[{low:.2}, {high:.2}]"))
}

/// One point, whole.
pub(super) fn one(point: &Point) -> String {
    let summary = &point.summary;
    let mut text = format!("{:<10}{:>19}{:>19}{:>19}{:>19}{:>19}{:>9}\n", "ms", "mean", "p50", "p90", "p95", "p99", "n");
    for (name, of) in [
        ("ttft", &summary.ttft_ms),
        ("  sent", &summary.ttft_from_sent_ms),
        ("itl", &summary.itl_ms),
        ("  chunk", &summary.inter_chunk_ms),
        ("tpot", &summary.tpot_ms),
        ("e2e", &summary.e2e_ms),
        ("lateness", &summary.lateness_ms),
    ] {
        text += &latency(name, of);
    }
    text += "\n";
    text += &totals(point);
    for (field, reason) in &summary.missing {
        text += &format!("  -           {field}: {reason}\n");
    }
    for note in &point.notes {
        text += &format!("note          {note}\n");
    }
    text += "\n[…] are 95% intervals; requests are taken as independent, gaps within one are not.\n";
    for (name, meaning) in DEFINITIONS {
        text += &format!("{name:<17} {meaning}\n");
    }
    text
}

fn latency(name: &str, of: &Distribution) -> String {
    let values = [of.mean, of.p50, of.p90, of.p95, of.p99].map(number);
    let intervals = [of.ci95.mean, of.ci95.p50, of.ci95.p90, of.ci95.p95, of.ci95.p99].map(interval);
    let mut text = format!("{name:<10}");
    for value in values {
        text += &format!("{value:>19}");
    }
    text += &format!("{:>9}\n", of.n);
    if intervals.iter().any(|interval| !interval.is_empty()) {
        let mut line = " ".repeat(10);
        for interval in intervals {
            line += &format!("{interval:>19}");
        }
        text += &format!("{}\n", line.trim_end());
    }
    text
}

fn totals(point: &Point) -> String {
    let summary = &point.summary;
    let mut text = format!(
        "throughput    {} tokens/s, {} requests/s over {:.2} s\n",
        number(summary.throughput_tok_s),
        number(summary.requests_per_s),
        summary.window_s
    );
    text += &format!("requests      {} ok, {} failed\n", summary.requests_ok, summary.requests_failed);
    for (word, count) in &summary.failures {
        text += &format!("  failed      {count} {word}\n");
    }
    if let Some(goodput) = &summary.goodput {
        let share = goodput.share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0));
        let ends = goodput.share_ci95.map_or_else(String::new, |(low, high)| format!(" [{:.1}, {:.1}]", low * 100.0, high * 100.0));
        text += &format!("goodput       {} requests/s: {share}{ends} within {}\n", number(goodput.requests_per_s), goodput.limits);
    }
    if let Some(tokens) = &summary.prompt_tokens {
        text += &format!("prompts       {:.1} tokens on average, {} to {}, by usage\n", tokens.mean, tokens.min, tokens.max);
    }
    text += &came(summary);
    text += &format!("prefix cache  {}\n", cache(&summary.prefix_cache.by_metrics, &summary.prefix_cache.by_usage));
    let unproven = "not calibrated on this machine: edge-eval calibrate says how far to trust it";
    text += &format!("client        {}\n", point.client_certificate.as_deref().unwrap_or(unproven));
    if !summary.client_priority_raised {
        text += "              without a raised priority, which takes root or CAP_SYS_NICE: it may wait behind a server on this machine\n";
    }
    text += &format!("seed          {}\n", point.seed);
    text
}

fn came(summary: &Summary) -> String {
    let came = &summary.came;
    let rate = came.due_per_s.map_or_else(String::new, |rate| format!(", {rate:.2} due a second"));
    format!(
        "came          {} requests{rate}; {} at once at most; {} connections before, {} within the window\n",
        came.requests, came.peak_concurrency, came.connections_before, came.connections_in_window
    )
}

fn cache(by_metrics: &Reading<Hits>, by_usage: &Reading<Hits>) -> String {
    let told = |hits: &Hits| format!("{:.2}% of the prompt tokens ({})", hits.share * 100.0, hits.source);
    match (by_metrics.known(), by_usage.known()) {
        (Ok(hits), _) | (_, Ok(hits)) => told(hits),
        (Err(why), Err(_)) => format!("- {why}"),
    }
}

/// The heading of a table of points.
pub(super) fn heading(limits: bool) -> String {
    let mut text = format!(
        "{:>12}{:>8}{:>8}{:>11}{:>9}{:>10}{:>10}{:>9}{:>9}{:>10}",
        "load", "ok", "failed", "tokens/s", "req/s", "ttft p50", "ttft p95", "itl p50", "tpot p50", "e2e p50"
    );
    if limits {
        text += &format!("{:>24}", "within limits");
    }
    text + "\n"
}

/// One row of it.
pub(super) fn row(row: &Row) -> String {
    match row {
        Row::Failed { load, reason } => format!("{:>12}  failed: {reason}\n", level(*load)),
        Row::Ran(point) => {
            let s = &point.summary;
            let mut text = format!("{:>12}{:>8}{:>8}", level(point.load), s.requests_ok, s.requests_failed);
            text += &format!("{:>11}{:>9}", number(s.throughput_tok_s), number(s.requests_per_s));
            text += &format!("{:>10}{:>10}{:>9}", number(s.ttft_ms.p50), number(s.ttft_ms.p95), number(s.itl_ms.p50));
            text += &format!("{:>9}{:>10}", number(s.tpot_ms.p50), number(s.e2e_ms.p50));
            if let Some(goodput) = &s.goodput {
                let share = goodput.share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0));
                let ends = goodput.share_ci95.map_or_else(String::new, |(low, high)| format!(" [{:.1}, {:.1}]", low * 100.0, high * 100.0));
                text += &format!("{:>24}", format!("{share}{ends}"));
            }
            if let Some(reason) = &point.all_failed {
                text += &format!("  {reason}");
            }
            text + "\n"
        }
    }
}

/// What a reader of the table must know, each said once.
pub(super) fn notes(rows: &[Row]) -> String {
    let points = rows.iter().filter_map(|row| match row {
        Row::Ran(point) => Some(point),
        Row::Failed { .. } => None,
    });
    let notes: BTreeSet<&String> = points.flat_map(|point| &point.notes).collect();
    let mut text = String::new();
    for note in notes {
        text += &format!("note: {note}\n");
    }
    text + "latencies in ms; intervals, definitions and reasons are in --json\n"
}

fn level(level: Level) -> String {
    match level {
        Level::Concurrency(streams) => format!("{streams} streams"),
        Level::Rate(rate) => format!("{rate:.3}/s"),
        Level::Trace => "trace".to_owned(),
    }
}
