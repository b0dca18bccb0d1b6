//! Gates: conditions on figures that a script can fail on, such as `--gate 'score>=0.5'`.

use std::str::FromStr;

/// One condition that every cell's figure must meet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    metric: String,
    least: bool,
    bound: f64,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (metric, least, bound) = if let Some((metric, bound)) = text.split_once(">=") {
            (metric, true, bound)
        } else if let Some((metric, bound)) = text.split_once("<=") {
            (metric, false, bound)
        } else {
            return Err("a gate is METRIC>=NUMBER or METRIC<=NUMBER, such as 'q_ret>=99'".to_owned());
        };
        let metric = metric.trim().to_owned();
        if !metric::METRICS.iter().any(|known| known.name == metric) {
            let known: Vec<_> = metric::METRICS.iter().map(|m| m.name).collect();
            return Err(format!("unknown metric '{metric}'; one of: {}", known.join(", ")));
        }
        let bound = bound.trim().parse().map_err(|_| format!("'{}' is not a number", bound.trim()))?;
        Ok(Self { metric, least, bound })
    }
}
