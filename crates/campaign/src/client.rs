//! Proving the load client before a campaign measures with it: this machine's certificate where it tells enough, else a quick one.
//! A copy lies in the run folder, beside the records. It decides no stage's key: it says how far figures are to be believed, not
//! what is measured.

use std::path::Path;

use load::calibrate::{Course, Progress, calibrate};
use record::{ClientCertificate, Machine, RunFolder};

use crate::{
    error::Result,
    observer::{Event, Observer},
};

/// Puts a certificate into the run folder that reaches `streams`, unless it has one. `store` is where this machine's own is kept
/// between campaigns.
pub(crate) fn prove(folder: &RunFolder, store: Option<&Path>, streams: u32, version: &str, observer: &dyn Observer) -> Result<()> {
    let machine = Machine::fingerprint(version);
    let make = || calibrate(&Course::quick(streams), version, &Told(observer));
    prove_by(make, folder, store, &|certificate| certificate.is_of(&machine) && certificate.tried() >= streams, observer)
}

fn prove_by(
    make: impl FnOnce() -> ClientCertificate,
    folder: &RunFolder,
    store: Option<&Path>,
    enough: &dyn Fn(&ClientCertificate) -> bool,
    observer: &dyn Observer,
) -> Result<()> {
    if folder.client()?.is_some_and(|there| enough(&there)) {
        return Ok(());
    }
    // A file that cannot be read is as good as none: the next one replaces it.
    let stored = store.and_then(|path| ClientCertificate::read(path).ok());
    let certificate = match &stored {
        Some(certificate) if enough(certificate) => certificate.clone(),
        _ => {
            let made = make();
            keep(&made, stored.as_ref(), store, observer);
            made
        }
    };
    folder.put_client(&certificate)?;
    observer.on(Event::Proven { certificate: &certificate });
    Ok(())
}

/// Keeps a new certificate for later campaigns, unless the one that is there tells more.
fn keep(made: &ClientCertificate, stored: Option<&ClientCertificate>, store: Option<&Path>, observer: &dyn Observer) {
    if let Some(path) = store
        && stored.is_none_or(|older| made.supersedes(older))
        && let Err(error) = made.write(path)
    {
        // The next campaign makes its own; this one has what it needs.
        observer.on(Event::Warning { text: &format!("the client's certificate is not kept: {error}") });
    }
}

/// Hands a calibration's steps on.
struct Told<'a>(&'a dyn Observer);

impl Progress for Told<'_> {
    fn begins(&self, what: &str) {
        self.0.on(Event::Proving { what });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use record::{ClientLevel, Manifest, OpenLevel, SCHEMA};
    use units::Reading;

    use super::*;

    const VERSION: &str = "0.0.0";

    fn certificate(streams: u32, version: &str) -> ClientCertificate {
        ClientCertificate {
            schema: SCHEMA.into(),
            machine: Machine::fingerprint(version),
            made_wall_ns: 1,
            quick: false,
            server_threads: 2,
            levels: vec![ClientLevel { streams, tries: 1, seen: Reading::missing("a test") }],
            open: OpenLevel { rate_per_s: 1.0, seen: Reading::missing("a test") },
            ceiling: Reading::missing("a test"),
        }
    }

    fn folder(root: &Path) -> RunFolder {
        let known = plan::Known {
            tasks: vec!["summarization", "rag", "chat"],
            engines: vec!["embedded"],
            meters: vec!["modelled"],
            marks: vec!["f1", "rouge_l", "exact_match"],
        };
        let plan = plan::parse(plan::quickstart(), Path::new("."), &known).unwrap();
        let machine = Machine::fingerprint(VERSION);
        RunFolder::create(root, &Manifest { schema: SCHEMA.into(), started_wall_ns: 1, machine, plan, cells: vec![], data: vec![] })
            .unwrap()
    }

    /// Counts what is told.
    #[derive(Default)]
    struct Count(Cell<u32>);

    impl Observer for Count {
        fn on(&self, event: Event<'_>) {
            self.0.set(self.0.get() + u32::from(matches!(event, Event::Proven { .. })));
        }
    }

    /// Proves for eight streams with a calibration that is only said to have been made; whether it was, and was told.
    fn prove_eight(folder: &RunFolder, store: Option<&Path>) -> (bool, u32) {
        let (made, count) = (Cell::new(false), Count::default());
        let make = || {
            made.set(true);
            certificate(64, VERSION)
        };
        let machine = Machine::fingerprint(VERSION);
        prove_by(make, folder, store, &|found| found.is_of(&machine) && found.tried() >= 8, &count).unwrap();
        (made.get(), count.0.get())
    }

    #[test]
    fn a_certificate_that_tells_enough_is_taken_over_and_not_made_again() {
        let root = tempfile::tempdir().unwrap();
        let store = root.path().join("client.json");
        certificate(256, VERSION).write(&store).unwrap();
        let folder = folder(&root.path().join("run"));
        assert_eq!(prove_eight(&folder, Some(&store)), (false, 1));
        assert_eq!(folder.client().unwrap(), Some(certificate(256, VERSION)));
        assert_eq!(prove_eight(&folder, None), (false, 0), "the run has one");
    }

    #[test]
    fn one_of_another_version_or_of_too_few_streams_is_made_anew_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let store = root.path().join("client.json");
        certificate(256, "0.0.1").write(&store).unwrap();
        let folder = folder(&root.path().join("run"));
        folder.put_client(&certificate(4, VERSION)).unwrap();
        assert_eq!(prove_eight(&folder, Some(&store)), (true, 1));
        assert_eq!(folder.client().unwrap(), Some(certificate(64, VERSION)));
        assert_eq!(ClientCertificate::read(&store).unwrap(), certificate(64, VERSION));
    }

    #[test]
    fn without_a_place_to_keep_it_the_run_has_its_own() {
        let root = tempfile::tempdir().unwrap();
        let folder = folder(&root.path().join("run"));
        assert_eq!(prove_eight(&folder, None), (true, 1));
        assert!(folder.client().unwrap().is_some());
    }
}
