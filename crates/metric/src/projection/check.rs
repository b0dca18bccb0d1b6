//! How far the projection is off, where both devices were measured: each row projected to every other of the same model on another machine
//! with about as many streams, and held against what was measured there.

use serde::Serialize;
use units::Missing;

use super::{Projected, Quantity, Row, Seen, Span, Work, project};

/// Rows are compared when neither has more than this many times the streams of the other.
const LIKE: f64 = 1.25;

/// One row projected to the machine and work of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair<'a> {
    /// From what.
    pub from: &'a Row,
    /// To what.
    pub to: &'a Row,
    /// The projection.
    pub projected: Projected,
    /// Each quantity against what was measured, where both are there.
    pub held: Vec<Held>,
}

/// A projected figure against the measured one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// Which.
    pub quantity: Quantity,
    /// Projected.
    pub projected: Span,
    /// Measured.
    pub measured: f64,
}

impl Held {
    /// Measured over projected: 1 is right, 2 says that twice as much was measured.
    pub fn ratio(&self) -> f64 {
        self.measured / self.projected.value
    }

    /// By which factor it is off, whichever way: at least 1.
    pub fn off(&self) -> f64 {
        self.ratio().max(1.0 / self.ratio())
    }
}

/// Every pair of rows of one model on two machines, in both directions.
pub fn check(rows: &[Row]) -> Vec<Pair<'_>> {
    let pairs = rows.iter().flat_map(|from| rows.iter().map(move |to| (from, to)));
    pairs.filter(|(from, to)| is_pair(from, to)).map(|(from, to)| pair(from, to)).collect()
}

fn is_pair(from: &Row, to: &Row) -> bool {
    let ratio = from.work.streams / to.work.streams;
    from.model == to.model && from.machine != to.machine && (1.0 / LIKE..=LIKE).contains(&ratio)
}

fn pair<'a>(from: &'a Row, to: &'a Row) -> Pair<'a> {
    // Prompts that a source does not tell are taken to be as long as the other's.
    let prompts = |work: &Work, other: &Work| Work { prompt_tokens: work.prompt_tokens.or(other.prompt_tokens), ..work.clone() };
    let (here, there) = (prompts(&from.work, &to.work), prompts(&to.work, &from.work));
    let projected = project((&from.machine, &here), &from.seen, (&to.machine, &there));
    let held = |quantity: &Quantity| {
        let (projected, measured) = (projected.of(*quantity).ok()?, measured(&to.seen, *quantity).ok()?);
        Some(Held { quantity: *quantity, projected, measured })
    };
    let held = Quantity::ALL.iter().filter_map(held).collect();
    Pair { from, to, projected, held }
}

fn measured(seen: &Seen, quantity: Quantity) -> Result<f64, Missing> {
    seen.of(quantity)
}

/// How far projections of one quantity were off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// How many were held against a measurement.
    pub n: usize,
    /// Least of measured over projected.
    pub lowest: f64,
    /// Most of it.
    pub highest: f64,
    /// How many measurements lay between the two ends of their projection.
    pub within: usize,
}

impl Band {
    /// A projected value with that error on it: from what to what.
    pub fn around(&self, value: f64) -> (f64, f64) {
        (value * self.lowest.min(1.0), value * self.highest.max(1.0))
    }
}

/// What was held of a row on one device against a row on another.
#[derive(Clone, Debug, PartialEq)]
struct Error {
    from: String,
    to: String,
    /// Whether both are GPUs.
    gpus: bool,
    held: Held,
}

/// The errors that were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errors {
    seen: Vec<Error>,
}

impl Errors {
    /// Those of pairs.
    pub fn of(pairs: &[Pair<'_>]) -> Self {
        let of_pair = |pair: &Pair<'_>| {
            let (from, to) = (&pair.from.machine.device, &pair.to.machine.device);
            let gpus = !from.processor && !to.processor;
            let error = |held: &Held| Error { from: from.name.clone(), to: to.name.clone(), gpus, held: *held };
            pair.held.iter().map(error).collect::<Vec<_>>()
        };
        Self { seen: pairs.iter().flat_map(of_pair).collect() }
    }

    /// Of one quantity, over every pair of GPUs. `None` where none was measured.
    pub fn all(&self, quantity: Quantity) -> Option<Band> {
        self.band_of(quantity, |error| error.gpus)
    }

    /// The same between two devices alone.
    pub fn between(&self, from: &str, to: &str, quantity: Quantity) -> Option<Band> {
        self.band_of(quantity, |error| error.from == from && error.to == to)
    }

    fn band_of(&self, quantity: Quantity, which: impl Fn(&Error) -> bool) -> Option<Band> {
        band(self.seen.iter().filter(|error| error.held.quantity == quantity && which(error)).map(|error| &error.held))
    }

    /// The band of a projection: that of the two devices where they were measured, else that of every pair of GPUs; and whether it is their own.
    pub fn band(&self, from: &str, to: &str, quantity: Quantity) -> Option<(Band, bool)> {
        let own = self.between(from, to, quantity).map(|band| (band, true));
        own.or_else(|| self.all(quantity).map(|band| (band, false)))
    }

    /// In words, how well a projection between two devices is known.
    pub fn told(&self, from: &str, to: &str) -> String {
        match self.between(from, to, Quantity::ItlMs) {
            Some(band) => format!(
                "projected {} times from {from} to {to}, the measured time between tokens was {:.2} to {:.2} times what was projected",
                band.n, band.lowest, band.highest
            ),
            None => format!("no pair {from} to {to} was measured: the errors are those of every pair of GPUs that was"),
        }
    }

    /// The pairs of devices that were measured, each once, in order of appearance.
    pub fn devices(&self) -> Vec<(&str, &str)> {
        let mut devices: Vec<(&str, &str)> = Vec::new();
        for error in &self.seen {
            let pair = (error.from.as_str(), error.to.as_str());
            if !devices.contains(&pair) {
                devices.push(pair);
            }
        }
        devices
    }
}

fn band<'a>(held: impl Iterator<Item = &'a Held>) -> Option<Band> {
    let mut band: Option<Band> = None;
    for held in held {
        let ratio = held.ratio();
        let so_far = band.get_or_insert(Band { n: 0, lowest: ratio, highest: ratio, within: 0 });
        so_far.n += 1;
        so_far.lowest = so_far.lowest.min(ratio);
        so_far.highest = so_far.highest.max(ratio);
        so_far.within += usize::from(held.projected.holds(held.measured));
    }
    band
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Devices, measured},
        *,
    };

    #[test]
    fn a_row_on_itself_is_no_pair_and_each_pair_goes_both_ways() {
        let rows = measured(&Devices::embedded()).unwrap();
        let pairs = check(&rows);
        assert!(pairs.iter().all(|pair| pair.from.machine != pair.to.machine && pair.from.model == pair.to.model));
        let errors = Errors::of(&pairs);
        for (from, to) in errors.devices() {
            assert!(errors.devices().contains(&(to, from)), "{from} {to}");
        }
        assert!(errors.devices().contains(&("A100-40GB-SXM", "H100-80GB-SXM")));
        assert!(errors.between("H200", "L4", Quantity::ItlMs).is_none());
        // The band of a pair that was not measured is that of GPUs alone.
        let (all, own) = errors.band("H200", "L4", Quantity::ItlMs).unwrap();
        assert!(!own && Some(all) == errors.all(Quantity::ItlMs));
        let gpus = pairs.iter().filter(|pair| !pair.from.machine.device.processor && !pair.to.machine.device.processor).count();
        assert!(all.n == gpus && gpus < pairs.len());
        assert!(errors.told("H200", "L4").contains("no pair H200 to L4") && errors.told("H200", "EPYC-2-cores").contains("1 times"));
    }

    #[test]
    fn one_pair_by_hand() {
        let rows = measured(&Devices::embedded()).unwrap();
        let pairs = check(&rows);
        let pair = pairs.iter().find(|p| p.from.machine.name() == "A100-40GB-SXM" && p.from.work.streams < 64.0).unwrap();
        // 16.06 GB and 63.9 · 240.7 tokens · 131072 bytes: 18.1 GB take 11.62 ms at 1555 GB/s, and 18.1 GB at 3350 take 5.40 ms;
        // 50.21 ms were seen: 50.21 · 5.40 / 11.62 = 23.3, or 50.21 − 11.62 + 5.40 = 44.0. 35.05 were measured.
        let itl = pair.held.iter().find(|held| held.quantity == Quantity::ItlMs).unwrap();
        assert!((itl.projected.scales - 23.3).abs() < 0.1 && (itl.projected.stays - 44.0).abs() < 0.1, "{itl:?}");
        assert!((itl.measured - 35.05).abs() < 1e-9 && itl.projected.holds(itl.measured));
        assert!((itl.ratio() - 35.05 / itl.projected.value).abs() < 1e-12 && itl.off() >= 1.0);
    }

    #[test]
    fn a_band_is_the_least_and_the_most() {
        let held = |measured| Held { quantity: Quantity::ItlMs, projected: Span { value: 10.0, scales: 12.0, stays: 8.0 }, measured };
        let all = [held(9.0), held(15.0), held(8.0)];
        let band = band(all.iter()).unwrap();
        assert_eq!((band.n, band.within), (3, 2));
        assert!((band.lowest - 0.8).abs() < 1e-12 && (band.highest - 1.5).abs() < 1e-12);
        assert_eq!(band.around(100.0), (80.0, 150.0));
        // The value itself is within, though all were off to one side.
        assert_eq!(Band { lowest: 1.5, highest: 2.0, ..band }.around(100.0), (100.0, 200.0));
        assert!((all[2].off() - 1.25).abs() < 1e-12);
    }
}
