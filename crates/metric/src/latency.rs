//! Latencies within a run and over runs. A failed request has none.
//!
//! Each run gives its median; the figure is the mean of the runs' medians with a t interval over the runs, because requests of one
//! run share its server and are not independent. With a single run the interval is that run's order statistics, and this is said.

use record::Request;
use stats::{Estimate, quantile_interval};
use units::{Missing, Nanos};

use crate::{
    CellView,
    figure::Known,
    interval::{over_runs, sample},
    runs::{Run, Runs, completion},
};

/// The median over a run's observations, in milliseconds. An answered request that has no such observation is left out;
/// one whose observation is missing makes the run's figure missing.
pub(crate) fn median_ms(view: &CellView, observations: impl Fn(&Request) -> Result<Vec<f64>, Missing>) -> Result<Known, Missing> {
    let per_run = Runs::of(view)?.each(|run| median_of(run, &observations))?;
    let mut notes = per_run.notes;
    let estimate = match &per_run.values[..] {
        [only] => {
            notes.push("one run: the interval is that of the requests within it".into());
            only.clone()
        }
        runs => over_runs(&runs.iter().map(|run| run.value).collect::<Vec<_>>())?,
    };
    Ok(Known::from(estimate).noting(notes))
}

fn median_of(run: &Run, observations: impl Fn(&Request) -> Result<Vec<f64>, Missing>) -> Result<Estimate, Missing> {
    let mut all = Vec::new();
    for request in run.answered()? {
        all.extend(observations(request)?);
    }
    if all.is_empty() {
        return Err(Missing::because("no answered request has such a time"));
    }
    quantile_interval(&sample(&all)?, 0.5).map_err(|error| Missing::because(error.to_string()))
}

/// Milliseconds between two instants.
pub(crate) fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

/// The gaps between the tokens of one answer, in milliseconds: those between its events where each carries one token, and
/// otherwise their mean once for every token after the first event (several tokens came in one event). Servers count the end-of-text
/// token, which has no text, so one apart is no difference. The rule is that of `edge-eval load`.
pub(crate) fn token_gaps(request: &Request) -> Result<Vec<f64>, Missing> {
    let tokens = completion(request)?;
    let times = &request.content_times;
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
    if (times.len() as u64).abs_diff(tokens) <= 1 {
        return Ok(times.windows(2).map(|pair| ms(pair[0], pair[1])).collect());
    }
    // Where the tokens divide evenly over the events, the first event held as many as the others; else it held the first token alone.
    let events = times.len() as u64;
    let in_first = if tokens.is_multiple_of(events) { tokens / events } else { 1 };
    // A server may claim any number of tokens; more than this many gaps of one answer would be absurd.
    let gaps = tokens.saturating_sub(in_first).min(1 << 20);
    if gaps == 0 || times.len() < 2 {
        return Ok(Vec::new());
    }
    Ok(vec![ms(*first, *last) / gaps as f64; gaps as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: u32, content_ms: &[u64], expected: &[f64]) {
        let content_times = content_ms.iter().map(|at| Nanos(at * 1_000_000)).collect();
        let request = Request { completion_tokens: Some(tokens), content_times, ..Request::default() };
        assert_eq!(token_gaps(&request).unwrap(), expected, "{tokens} {content_ms:?}");
    }

    #[test]
    fn gaps_are_those_between_tokens() {
        check(3, &[10, 20, 50], &[10.0, 30.0]);
        // The end-of-text token has no text and no gap.
        check(4, &[10, 20, 50], &[10.0, 30.0]);
        check(2, &[10], &[]);
        check(1, &[10], &[]);
        // Three tokens an event, and the first alone with three an event after it.
        check(6, &[10, 40], &[10.0; 3]);
        check(7, &[10, 40, 70], &[10.0; 6]);
        check(5, &[10], &[]);
        check(0, &[], &[]);
    }
}
