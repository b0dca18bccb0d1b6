//! What a file holds, whatever its format: serving measurements and scores. Requests are those of `record` where the file has rows.

use record::Request;
use units::{Bytes, Reading, Seconds};

/// One result of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Imported {
    /// Requests served.
    Serving(Serving),
    /// A task's score.
    Score(TaskScore),
}

impl Imported {
    /// The measurement, when it is one.
    pub fn serving(&self) -> Option<&Serving> {
        match self {
            Self::Serving(serving) => Some(serving),
            Self::Score(_) => None,
        }
    }

    /// The score, when it is one.
    pub fn score(&self) -> Option<&TaskScore> {
        match self {
            Self::Serving(_) => None,
            Self::Score(score) => Some(score),
        }
    }
}

/// One measurement of serving: a run, or one level of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// What it is, in the file's words: tool, model, level.
    pub label: String,
    /// Its requests.
    pub requests: Requests,
    /// From the first request to the end of the last.
    pub window: Reading<Seconds>,
    /// Most requests at once, or the number that was asked for.
    pub concurrency: Reading<u32>,
    /// Size of the weights, where the file tells.
    pub weights: Reading<Bytes>,
    /// Figures of the tool's own, as it states them.
    pub stated: Vec<Stated>,
    /// What must be said with every figure of it.
    pub notes: Vec<String>,
}

/// The requests of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Requests {
    /// One row a request; instants count from the first one's due time.
    Rows(Vec<Request>),
    /// A summary alone.
    Totals {
        /// Requests that were answered.
        answered: u64,
        /// Requests that failed, where the file tells.
        failed: Reading<u64>,
        /// Input tokens of the answered ones.
        input: Reading<u64>,
        /// Output tokens of the answered ones.
        output: Reading<u64>,
    },
}

/// A figure that the tool itself states; shown beside ours and used in none.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// The key under which it stands in the file.
    pub key: String,
    /// Its unit.
    pub unit: &'static str,
    /// The value.
    pub value: f64,
}

/// A task's score.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskScore {
    /// What was scored: tool and model, in the file's words.
    pub label: String,
    /// The task's name.
    pub task: String,
    /// The mark's name and filter, such as `acc,none`.
    pub mark: String,
    /// Mean over the items.
    pub value: f64,
    /// Its standard error, where the file tells.
    pub stderr: Reading<f64>,
    /// Number of items, where the file tells.
    pub n: Reading<u64>,
    /// The items' marks, where the file has them; empty otherwise.
    pub items: Vec<Item>,
}

/// The mark of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its id within the task.
    pub id: String,
    /// The mark.
    pub mark: f64,
}

impl Requests {
    /// Requests that were answered.
    pub fn answered(&self) -> u64 {
        match self {
            Self::Rows(rows) => rows.iter().filter(|row| row.failure.is_none()).count() as u64,
            Self::Totals { answered, .. } => *answered,
        }
    }

    /// Requests that failed.
    pub fn failed(&self) -> Reading<u64> {
        match self {
            Self::Rows(rows) => Reading::Known(rows.iter().filter(|row| row.failure.is_some()).count() as u64),
            Self::Totals { failed, .. } => failed.clone(),
        }
    }

    /// Input tokens of the answered ones.
    pub fn input(&self) -> Reading<u64> {
        self.sum(|row| row.prompt_tokens, |input, _| input)
    }

    /// Output tokens of the answered ones.
    pub fn output(&self) -> Reading<u64> {
        self.sum(|row| row.completion_tokens, |_, output| output)
    }

    fn sum<'a>(
        &'a self,
        row: impl Fn(&Request) -> Option<u32>,
        total: impl Fn(&'a Reading<u64>, &'a Reading<u64>) -> &'a Reading<u64>,
    ) -> Reading<u64> {
        match self {
            Self::Totals { input, output, .. } => total(input, output).clone(),
            Self::Rows(rows) => {
                let answered = rows.iter().filter(|row| row.failure.is_none());
                match answered.map(|request| row(request).map(u64::from)).sum::<Option<u64>>() {
                    Some(sum) => Reading::Known(sum),
                    None => Reading::missing("not every row tells them"),
                }
            }
        }
    }
}

/// Most requests that were under way at once.
pub(crate) fn peak(rows: &[Request]) -> u32 {
    let mut edges: Vec<(u64, i32)> = rows.iter().flat_map(|row| [(row.sent.get(), 1), (row.end.get(), -1)]).collect();
    // An end at the instant of a start comes first: the next one took its place.
    edges.sort_unstable();
    let (mut now, mut most) = (0i32, 0i32);
    for (_, step) in edges {
        now += step;
        most = most.max(now);
    }
    most.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;

    #[test]
    fn requests_that_follow_each_other_are_not_at_once() {
        let row = |sent, end| Request { sent: Nanos(sent), end: Nanos(end), ..Request::default() };
        assert_eq!(peak(&[row(0, 10), row(10, 20), row(20, 30)]), 1);
        assert_eq!(peak(&[row(0, 10), row(5, 20), row(6, 7)]), 3);
        assert_eq!(peak(&[]), 0);
    }
}
