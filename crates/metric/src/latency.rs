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
    quantile_ms(view, 0.5, observations)
}

/// Any quantile of a run's observations in the same way, strictly between 0 and 1.
pub(crate) fn quantile_ms(view: &CellView, p: f64, observations: impl Fn(&Request) -> Result<Vec<f64>, Missing>) -> Result<Known, Missing> {
    let per_run = Runs::of(view)?.each(|run| quantile_of(run, p, &observations))?;
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

fn quantile_of(run: &Run, p: f64, observations: impl Fn(&Request) -> Result<Vec<f64>, Missing>) -> Result<Estimate, Missing> {
    let mut all = Vec::new();
    for request in run.answered()? {
        all.extend(observations(request)?);
    }
    if all.is_empty() {
        return Err(Missing::because("no answered request has such a time"));
    }
    quantile_interval(&sample(&all)?, p).map_err(|error| Missing::because(error.to_string()))
}

/// The time to the first token, in milliseconds from the due time; none where no token came.
///
/// # Errors
/// Never: one signature for all observations.
pub fn ttft(request: &Request) -> Result<Vec<f64>, Missing> {
    Ok(request.first_content.map(|first| ms(request.due, first)).into_iter().collect())
}

/// Milliseconds between two instants.
pub(crate) fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

/// The gaps between the tokens of one answer, in milliseconds: those between its events where each carries one token, and
/// otherwise their mean once for every gap that [`Request::token_gap_count`] tells (several tokens came in one event).
///
/// # Errors
/// The server did not tell how many tokens there were.
pub fn token_gaps(request: &Request) -> Result<Vec<f64>, Missing> {
    completion(request)?;
    let times = &request.content_times;
    if request.one_token_an_event() == Some(true) {
        return Ok(times.windows(2).map(|pair| ms(pair[0], pair[1])).collect());
    }
    match (request.token_gap_count(), times.first(), times.last()) {
        (Some(gaps @ 1..), Some(first), Some(last)) => Ok(vec![ms(*first, *last) / gaps as f64; gaps]),
        _ => Ok(Vec::new()),
    }
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
