//! What a campaign tells while it runs: a closed set of events. The runner never prints.

use record::{ClientCertificate, Phase, StageKind, StageRecord};

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The plan is bound: so many stages, of which so many are already finished.
    Planned {
        /// All stages.
        stages: usize,
        /// Those whose records are there.
        finished: usize,
    },
    /// The load client is being proven on this machine.
    Proving {
        /// Which part, for people.
        what: &'a str,
    },
    /// The run has its certificate of the load client.
    Proven {
        /// What it says.
        certificate: &'a ClientCertificate,
    },
    /// A stage's record was there already.
    Reused {
        /// Which stage.
        kind: StageKind,
        /// For people.
        label: &'a str,
    },
    /// A stage begins.
    Started {
        /// Which stage.
        kind: StageKind,
        /// For people.
        label: &'a str,
    },
    /// A mark of the stage's line protocol.
    Marked {
        /// The mark.
        phase: &'a Phase,
    },
    /// A stage ended, well or badly, and its record is written.
    Ended {
        /// The record.
        record: &'a StageRecord,
    },
    /// A stage cannot run because one before it failed.
    Skipped {
        /// Which stage.
        kind: StageKind,
        /// For people.
        label: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Something a reader of the results must know.
    Warning {
        /// In words.
        text: &'a str,
    },
}

/// Watches a campaign.
pub trait Observer {
    /// Called in order, from the campaign's thread.
    fn on(&self, event: Event<'_>);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: Event<'_>) {}
}
