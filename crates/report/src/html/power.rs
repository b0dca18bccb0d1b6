//! Power over time, thinned for the page: each bin tells the least, the mean and the most of its samples, so that no peak is lost.

use record::PowerSample;
use serde::Serialize;
use units::Nanos;

/// A power trace as the page has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Trace {
    /// Number of the device.
    pub(super) device: u32,
    /// Samples it is made of.
    pub(super) samples: usize,
    /// The length of a bin in seconds; `null` where each sample stands for itself.
    pub(super) bin_s: Option<f64>,
    /// Seconds from the start: of the sample, or of the middle of the bin.
    pub(super) s: Vec<f64>,
    /// Least, mean and most of each bin in W; where each sample stands for itself, only the mean is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) low: Vec<f64>,
    /// See `low`.
    pub(super) mean: Vec<f64>,
    /// See `low`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) high: Vec<f64>,
}

/// The traces of a stage, one a device, of at most so many points each.
pub(super) fn traces(samples: &[PowerSample], start: Nanos, most: usize) -> Vec<Trace> {
    let mut devices: Vec<u32> = samples.iter().map(|sample| sample.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let of = |device: u32| {
        let own = samples.iter().filter(|sample| sample.device == device);
        let points: Vec<(f64, f64)> = own.map(|sample| (sample.at.signed_since(start).get(), sample.power.get())).collect();
        trace(device, points, most)
    };
    devices.into_iter().map(of).collect()
}

fn trace(device: u32, mut points: Vec<(f64, f64)>, most: usize) -> Trace {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let whole = Trace { device, samples: points.len(), ..Trace::default() };
    let (Some(first), Some(last)) = (points.first().map(|point| point.0), points.last().map(|point| point.0)) else { return whole };
    if points.len() <= most || last <= first {
        let (s, mean) = points.iter().take(most).map(|(s, w)| (short(*s), short(*w))).unzip();
        return Trace { s, mean, ..whole };
    }
    let bin_s = (last - first) / most as f64;
    let mut trace = Trace { bin_s: Some(short(bin_s)), ..whole };
    let bin_of = |point: &(f64, f64)| (((point.0 - first) / bin_s) as usize).min(most - 1);
    for bin in points.chunk_by(|a, b| bin_of(a) == bin_of(b)) {
        let watts = || bin.iter().map(|point| point.1);
        trace.s.push(short(first + (bin_of(&bin[0]) as f64 + 0.5) * bin_s));
        trace.low.push(short(watts().fold(f64::INFINITY, f64::min)));
        trace.mean.push(short(watts().sum::<f64>() / bin.len() as f64));
        trace.high.push(short(watts().fold(f64::NEG_INFINITY, f64::max)));
    }
    trace
}

/// To four digits: a page is no archive; the samples themselves stand in the run folder.
pub(super) fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits.clamp(-300, 300));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use units::Watts;

    use super::*;

    fn sample(ms: u64, device: u32, power: f64) -> PowerSample {
        PowerSample { at: Nanos(ms * 1_000_000), device, power: Watts(power) }
    }

    #[test]
    fn few_samples_stand_for_themselves() {
        let traces = traces(&[sample(1500, 1, 20.0), sample(1000, 1, 10.0), sample(1000, 0, 5.0)], Nanos(1_000_000_000), 10);
        assert_eq!(traces.len(), 2);
        assert_eq!((traces[1].s.as_slice(), traces[1].mean.as_slice(), traces[1].bin_s), (&[0.0, 0.5][..], &[10.0, 20.0][..], None));
    }

    #[test]
    fn no_peak_is_lost() {
        let samples: Vec<PowerSample> = (0..10_000).map(|i| sample(i, 0, if i == 4321 { 700.0 } else { 100.0 })).collect();
        let traces = traces(&samples, Nanos(0), 50);
        let only = &traces[0];
        assert_eq!((traces.len(), only.s.len(), only.samples), (1, 50, 10_000));
        assert!(only.high.contains(&700.0) && only.low.iter().all(|low| (*low - 100.0).abs() < 1e-9));
        assert_eq!(only.bin_s, Some(0.2));
        assert!(only.s.is_sorted());
    }

    #[test]
    fn numbers_are_short() {
        let told = [1.0 / 3.0, 123_456.0, -0.001_234_56, 0.0].map(|value| short(value).to_string());
        assert_eq!(told, ["0.3333", "123500", "-0.001235", "0"]);
    }
}
