//! A figure as a report shows it: the estimate or why there is none, what must be said with it, and where its energy comes from.

use record::EnergySource;
use stats::Estimate;
use units::Missing;

/// One figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Value, 95% interval and n; or the reason why the figure cannot be known.
    pub estimate: Result<Estimate, Missing>,
    /// What a reader must know beside it, each lower case without a final stop.
    pub notes: Vec<String>,
    /// Where the energy in it comes from, when there is any; the worst source of all runs.
    pub source: Option<EnergySource>,
}

/// A figure that can be known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) estimate: Estimate,
    pub(crate) notes: Vec<String>,
    pub(crate) source: Option<EnergySource>,
}

impl Known {
    /// With further notes; each is kept once.
    pub(crate) fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self
    }
}

impl From<Estimate> for Known {
    fn from(estimate: Estimate) -> Self {
        Self { estimate, notes: Vec::new(), source: None }
    }
}

impl From<Result<Known, Missing>> for Figure {
    fn from(result: Result<Known, Missing>) -> Self {
        match result {
            Ok(Known { estimate, notes, source }) => Self { estimate: Ok(estimate), notes, source },
            Err(why) => Self { estimate: Err(why), notes: Vec::new(), source: None },
        }
    }
}
