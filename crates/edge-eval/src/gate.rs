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

/// Whether every cell that has the figures meets the gates. What is not met is told on stderr; a figure that no cell has is not met.
pub(crate) fn met(gates: &[Gate], document: &report::Document) -> bool {
    let mut met = true;
    for gate in gates {
        let known: Vec<_> = document.cells.iter().filter_map(|cell| Some((cell, cell.metrics.get(&gate.metric)?.value?))).collect();
        if known.is_empty() {
            note(&format!("gate {gate} not met: no cell has the figure"));
            met = false;
        }
        for (cell, value) in known {
            if !gate.holds(value) {
                note(&format!("gate {gate} not met: {} · {} · {} has {value:.6}", cell.model(), cell.task, cell.strategy));
                met = false;
            }
        }
    }
    met
}

/// One line of talk.
pub(crate) fn note(text: &str) {
    // Talk that cannot be written is not worth stopping for.
    drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{text}\n")));
}

impl Gate {
    fn holds(&self, value: f64) -> bool {
        if self.least { value >= self.bound } else { value <= self.bound }
    }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.metric, if self.least { ">=" } else { "<=" }, self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_read_and_hold() {
        let gate: Gate = "q_ret >= 99".parse().unwrap();
        assert!(gate.holds(99.0) && !gate.holds(98.9));
        let gate: Gate = "ttft_ms<=250".parse().unwrap();
        assert!(gate.holds(250.0) && !gate.holds(251.0));
        assert!("nonsense>=1".parse::<Gate>().unwrap_err().contains("n_break"));
        assert!("score=1".parse::<Gate>().is_err());
        assert!("score>=much".parse::<Gate>().is_err());
    }
}
