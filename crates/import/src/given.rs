//! What no result file tells and the caller knows: energies, memory, prices, a score. Nothing has a default but the facility's overhead.

use units::{Bytes, Dollars, Joules, Missing, Seconds, Watts};

use crate::TaskScore;

/// What the caller adds. `None` and an empty list are "not told": the figures that need it are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Gross energy of each measurement's requests, in the files' order; empty, or one a measurement.
    pub energy: Vec<Joules>,
    /// Power of the same devices with nothing running.
    pub idle: Option<Watts>,
    /// Gross energy of a cold start, from spawn to the first token.
    pub cold_start_energy: Option<Joules>,
    /// Its length.
    pub cold_start: Option<Seconds>,
    /// Peak GPU memory of the server.
    pub gpu_memory: Option<Bytes>,
    /// Peak resident memory of the server.
    pub resident_memory: Option<Bytes>,
    /// Weights on disk; comes before what a file tells.
    pub weights_disk: Option<Bytes>,
    /// Weights in memory.
    pub weights_memory: Option<Bytes>,
    /// Task complexity of IPW.
    pub alpha: f64,
    /// What making the weights and setting up cost.
    pub setup: Option<Dollars>,
    /// The hosted model compared with.
    pub api: Option<Api>,
    /// Price of electricity, USD per kWh.
    pub electricity_usd_per_kwh: Option<f64>,
    /// Power usage effectiveness of the facility; 1 is none of its own.
    pub pue: f64,
    /// Price of the machine's time, USD an hour.
    pub machine_usd_per_hour: Option<f64>,
    /// Carbon intensity of the grid, gCO2e per kWh.
    pub grid_gco2e_per_kwh: Option<f64>,
    /// Whether the measurements are repeated runs of one configuration, and not configurations of their own.
    pub repeated: bool,
}

/// A hosted model and its price.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// Its name.
    pub name: String,
    /// USD per million input tokens.
    pub input_usd_per_mtok: f64,
    /// USD per million output tokens.
    pub output_usd_per_mtok: f64,
    /// The day of the price.
    pub date: String,
    /// Where it was read.
    pub source: String,
}

/// The scores that the figures may use, chosen among what the files hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Of the model that was served, or why there is none.
    pub score: Result<TaskScore, Missing>,
    /// Of the same model in full precision.
    pub baseline: Result<TaskScore, Missing>,
}

impl Scores {
    /// The one score of a task and mark; where neither is named there must be only one.
    ///
    /// # Errors
    /// None or several: the reason lists them.
    pub fn choose(scores: &[TaskScore], task: Option<&str>, mark: Option<&str>) -> Result<TaskScore, Missing> {
        let fits = |score: &&TaskScore| task.is_none_or(|task| task == score.task) && mark.is_none_or(|mark| mark == score.mark);
        let found: Vec<&TaskScore> = scores.iter().filter(fits).collect();
        match found[..] {
            [one] => Ok(one.clone()),
            [] if scores.is_empty() => Err(Missing::because("no score is told")),
            _ => {
                let words: Vec<String> = scores.iter().take(8).map(|score| format!("{} {}", score.task, score.mark)).collect();
                let more = if scores.len() > 8 { ", …" } else { "" };
                let count = if found.is_empty() { "none" } else { "several" };
                Err(Missing::because(format!("{count} of the scores fit; name one task and mark of: {}{more}", words.join(", "))))
            }
        }
    }
}
