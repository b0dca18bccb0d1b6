//! Why a figure could not be computed. Facts are fields; the caller decides how to show them.

/// What was wrong with the data handed in.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No observation at all.
    #[error("a sample needs at least one observation")]
    Empty,
    /// A NaN or an infinity among the observations.
    #[error("observation {index} is {value}, not a finite number")]
    NotFinite {
        /// Position in the data handed in, from 0.
        index: usize,
        /// What stood there.
        value: f64,
    },
    /// A probability outside its range.
    #[error("{what} is {value}, not between 0 and 1")]
    Probability {
        /// Which parameter.
        what: &'static str,
        /// What it was.
        value: f64,
    },
    /// Paired samples of different lengths.
    #[error("paired samples differ in length: {left} and {right}")]
    Unpaired {
        /// Observations on the left.
        left: usize,
        /// Observations on the right.
        right: usize,
    },
    /// A bootstrap with too few resamples to have a 2.5% tail.
    #[error("{resamples} bootstrap resamples cannot give a 95% interval")]
    Resamples {
        /// What was asked for.
        resamples: u32,
    },
    /// The statistic has no finite value, such as a ratio whose denominator is zero.
    #[error("the statistic has no finite value")]
    Undefined,
    /// The statistic has a value, but its interval has no finite end: too many resamples have none.
    #[error("the statistic's interval has no finite ends")]
    NoInterval,
    /// More successes than trials, or no trial.
    #[error("{successes} successes of {trials} trials are not a proportion")]
    Proportion {
        /// Successes counted.
        successes: usize,
        /// Trials counted.
        trials: usize,
    },
    /// A width or a deviation that is not a positive number.
    #[error("{what} is {value}, not a positive number")]
    NotPositive {
        /// Which parameter.
        what: &'static str,
        /// What it was.
        value: f64,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => Some("collect at least one observation; a figure without any is missing, not zero".into()),
            Self::NotFinite { .. } => Some("leave failed observations out and count them as failures".into()),
            Self::Unpaired { .. } => Some("pair the samples by item id before comparing them".into()),
            Self::Resamples { .. } => Some("use at least 100 resamples; 10,000 are usual".into()),
            Self::Undefined | Self::NoInterval => Some("more observations, or a denominator away from zero, are needed".into()),
            Self::Probability { .. } | Self::Proportion { .. } | Self::NotPositive { .. } => None,
        }
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
