//! The registry of meters. A new meter is one file here and one entry in [`METERS`].

mod csv;
mod hwmon;
mod modelled;
mod nvml;
mod rapl;
mod zeusd;

use plan::MeterSpec;
use units::Missing;

use crate::{Error, Meter, Places, Result};

/// What was found, or why nothing was, in words for people: not every machine has every meter, so this is no error.
pub type Found<T> = std::result::Result<T, String>;

/// A kind of meter.
pub struct MeterKind {
    /// The word plans use.
    pub name: &'static str,
    /// What it measures, in a line.
    pub about: &'static str,
    /// What of it this machine offers, or why nothing.
    pub probe: fn(&Places) -> Found<String>,
    /// Opens it, or says why it cannot be opened.
    pub open: fn(&MeterSpec, &Places) -> Found<Box<dyn Meter>>,
}

/// Every meter, best first.
pub static METERS: &[&MeterKind] = &[&nvml::NVML, &hwmon::HWMON, &rapl::RAPL, &zeusd::ZEUSD, &csv::CSV, &modelled::MODELLED];

/// What a stage is metered with.
pub enum Metering {
    /// This meter.
    By(Box<dyn Meter>),
    /// None could be opened, for these reasons. Memory and CPU time are still recorded; energy is missing.
    Absent(Missing),
}

/// What this machine offers of one meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The meter's name.
    pub meter: &'static str,
    /// What it measures.
    pub about: &'static str,
    /// What is there, or why nothing is.
    pub found: Found<String>,
}

/// Asks every meter what this machine offers.
pub fn probe(places: &Places) -> Vec<Offer> {
    METERS.iter().map(|kind| Offer { meter: kind.name, about: kind.about, found: (kind.probe)(places) }).collect()
}

/// Opens the meter that a plan asks for. `auto` is NVML, else hwmon, for a stage that holds a GPU; for the others RAPL where it
/// can be read, by itself or through zeusd, else the modelled meter where a power is stated, else none.
///
/// # Errors
/// The name is unknown, a meter asked for by name cannot be opened, or the sampling period is zero.
pub fn open(spec: &MeterSpec, places: &Places, holds_gpu: bool) -> Result<Metering> {
    if spec.interval_ms == 0 {
        return Err(Error::Interval { interval_ms: spec.interval_ms });
    }
    if spec.kind == "auto" {
        // The processor's meters do not see a GPU, so they are no second choice for a stage that holds one.
        let candidates: &[&MeterKind] =
            if holds_gpu { &[&nvml::NVML, &hwmon::HWMON] } else { &[&rapl::RAPL, &zeusd::ZEUSD, &modelled::MODELLED] };
        return Ok(first_of(candidates, spec, places));
    }
    let kind = METERS.iter().find(|kind| kind.name == spec.kind).ok_or_else(|| Error::Unknown {
        name: spec.kind.clone(),
        known: std::iter::once("auto").chain(METERS.iter().map(|kind| kind.name)).collect(),
    })?;
    (kind.open)(spec, places).map(Metering::By).map_err(|reason| Error::Unavailable { meter: kind.name, reason })
}

fn first_of(candidates: &[&MeterKind], spec: &MeterSpec, places: &Places) -> Metering {
    let mut reasons = Vec::new();
    for kind in candidates {
        match (kind.open)(spec, places) {
            Ok(meter) => return Metering::By(meter),
            Err(reason) => reasons.push(format!("{}: {reason}", kind.name)),
        }
    }
    Metering::Absent(Missing(reasons.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Basis;

    fn nowhere() -> Places {
        Places {
            proc: "/nonexistent/proc".into(),
            powercap: "/nonexistent/powercap".into(),
            drm: "/nonexistent/drm".into(),
            zeusd: Vec::new(),
        }
    }

    fn spec(kind: &str, modelled_w_per_core: Option<f64>) -> MeterSpec {
        MeterSpec { kind: kind.into(), modelled_w_per_core, interval_ms: 100, idle_s: 1.0, csv: None }
    }

    fn opened(spec: &MeterSpec, holds_gpu: bool) -> std::result::Result<Basis, String> {
        match open(spec, &nowhere(), holds_gpu) {
            Ok(Metering::By(meter)) => Ok(meter.basis()),
            Ok(Metering::Absent(why)) => Err(why.0),
            Err(error) => Err(format!("error: {error}")),
        }
    }

    #[test]
    fn auto_falls_back_to_the_model_only_when_a_power_is_stated() {
        let stated = opened(&spec("auto", Some(8.0)), false);
        assert!(matches!(stated, Ok(Basis::CpuTime { .. })), "{stated:?}");
        let unstated = opened(&spec("auto", None), false).unwrap_err();
        assert!(unstated.starts_with("rapl: ") && unstated.contains("; zeusd: ") && unstated.contains("; modelled: "), "{unstated}");
    }

    #[test]
    fn a_stage_on_a_gpu_is_never_metered_by_its_processor() {
        match opened(&spec("auto", Some(8.0)), true) {
            Ok(basis) => assert_eq!(basis, Basis::Gpus),
            Err(why) => assert!(why.starts_with("nvml: "), "{why}"),
        }
    }

    #[test]
    fn a_meter_asked_for_by_name_is_not_replaced() {
        assert!(opened(&spec("rapl", Some(8.0)), false).unwrap_err().starts_with("error: meter rapl: "));
        assert!(opened(&spec("modelled", None), false).unwrap_err().contains("modelled_w_per_core"));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let Err(error) = open(&spec("rappl", None), &nowhere(), false) else { panic!("it opened") };
        assert_eq!(error.hint().unwrap(), "one of: auto, nvml, hwmon, rapl, zeusd, csv, modelled");
    }

    #[test]
    fn every_meter_says_what_it_found() {
        let offers = probe(&nowhere());
        assert_eq!(offers.iter().map(|offer| offer.meter).collect::<Vec<_>>(), ["nvml", "hwmon", "rapl", "zeusd", "csv", "modelled"]);
        assert!(offers[1..4].iter().all(|offer| offer.found.is_err()));
    }
}
