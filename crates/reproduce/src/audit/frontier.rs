//! Whether the smallest models dominate the larger ones, tested on every pair of served variants of a task and not on means of them.

use metric::{Better, Point, Relation, relate};
use stats::{Estimate, Method};
use units::Missing;

use super::{Check, Found, number, some};
use crate::logs::{Logs, Serving, Tier};

/// 97.5% quantile of Student's t with two degrees of freedom: scores are means of three passes.
const T_2: f64 = 4.302_653;

/// Energy and time of a request, and the score.
const OBJECTIVES: &[Better] = &[Better::Lower, Better::Lower, Better::Higher];

/// The paper's statement on its frontier.
pub(super) const FRONTIER: Check = Check {
    name: "frontier",
    claim: Some("models in the < 2B parameter class dominate larger baselines across economic and ecological dimensions"),
    rests_on: &[],
    find: |logs, _| {
        let larger: Vec<&Serving> = logs.serving.iter().filter(|row| row.variant.model.tier != Tier::One).collect();
        let points = |row: &&Serving| point(logs, row);
        some(larger.iter().filter_map(points).map(|_| 1.0).collect(), "larger variant with a score")?;
        let (mut cheaper, mut dominated, mut better, mut all) = (0_usize, 0_usize, 0_usize, 0_usize);
        for row in &larger {
            let Some(own) = point(logs, row) else { continue };
            all += 1;
            let small = || logs.serving.iter().filter(|s| s.variant.model.tier == Tier::One && s.variant.task == row.variant.task);
            let against: Vec<Point> = small().filter_map(|s| point(logs, s)).collect();
            cheaper += usize::from(against.iter().any(|s| relate(&OBJECTIVES[..2], s, &own) == Some(Relation::Dominates)));
            dominated += usize::from(against.iter().any(|s| relate(OBJECTIVES, s, &own) == Some(Relation::Dominates)));
            let beats = |s: &Point| relate(&OBJECTIVES[2..], &own[2..].to_vec(), &s[2..].to_vec()) == Some(Relation::Dominates);
            better += usize::from(!against.is_empty() && against.iter().all(beats));
        }
        let finding = format!(
            "of {all} larger variants {cheaper} have one under 2B of the same task that takes less energy and less time of a request; with the \
             score as a third objective (means of three passes with their intervals) {dominated} are dominated, and {better} score better \
             beyond the intervals than every one under 2B"
        );
        let numbers = vec![
            number("larger variants", all as f64, ""),
            number("dominated in energy and time", cheaper as f64, ""),
            number("dominated in energy, time and score", dominated as f64, ""),
            number("better in score than every one under 2B", better as f64, ""),
        ];
        // The statement is on cost and energy; of quality it says nothing.
        Ok(Found { holds: Some(cheaper == all), finding, numbers })
    },
};

/// A variant's energy, time and score; `None` where the logs have no score of it.
fn point(logs: &Logs, row: &Serving) -> Option<Point> {
    let score = logs.quality.iter().find(|quality| quality.variant == row.variant)?.primary;
    let half = T_2 * score.sd / 3.0_f64.sqrt();
    let scored = Estimate { value: score.mean, ci95: Some((score.mean - half, score.mean + half)), n: 3, method: Method::T };
    let exact = |value: f64| Ok::<_, Missing>(Estimate::single(value));
    Some(vec![exact(row.per_request().get()), exact(row.time.get() / row.requests as f64), Ok(scored)])
}
