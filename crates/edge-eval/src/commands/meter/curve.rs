//! Power over time of all metered devices together: summed, thinned out, and drawn as a line of blocks.

use std::collections::BTreeMap;

use record::EnergySource;
use serde::Serialize;
use units::{Nanos, Seconds};

use super::{meters::Scope, observe::Observed};

/// Points in JSON, at most.
const MOST_POINTS: usize = 1000;
/// Width of the line in a terminal.
const WIDTH: usize = 60;
/// Sources whose samples are means since the sample before.
const MEANS: &[EnergySource] = &[EnergySource::Modelled, EnergySource::Rapl, EnergySource::Zeusd];
/// The shortest span that such a mean is told of.
const LEAST_SPAN: Seconds = Seconds(0.02);
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Power over the window of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Curve {
    /// Seconds since the command was started.
    t_s: Vec<f64>,
    /// Power of all metered devices.
    power_w: Vec<f64>,
    /// Instants at which something was sampled.
    samples: usize,
    /// Whether each point is the mean of several samples.
    downsampled: bool,
    min_w: f64,
    mean_w: f64,
    max_w: f64,
}

impl Curve {
    /// The power that the run's energy rests on; `None` where nothing was sampled within the window.
    pub(super) fn of(run: &Observed, counted: &[usize]) -> Option<Self> {
        let mut devices: BTreeMap<(usize, u32), Vec<(Nanos, f64)>> = BTreeMap::new();
        for index in counted {
            let source = &run.sources[*index];
            let held = |device: u32| source.window.gpus.is_empty() || source.window.gpus.iter().any(|gpu| gpu.index == device);
            let all_of_it = source.scope == Scope::Processor;
            for sample in source.power.iter().filter(|sample| all_of_it || held(sample.device)) {
                devices.entry((*index, sample.device)).or_default().push((sample.at, sample.power.get()));
            }
        }
        let is_mean = |index: usize| run.sources[index].window.source.is_some_and(|source| MEANS.contains(&source));
        let devices = devices.into_iter().map(|((index, _), samples)| if is_mean(index) { evened(&samples, run.span.0) } else { samples });
        Self::sum(&devices.collect::<Vec<_>>(), run.span)
    }

    fn sum(devices: &[Vec<(Nanos, f64)>], (start, end): (Nanos, Nanos)) -> Option<Self> {
        let mut instants: Vec<Nanos> = devices.iter().flatten().map(|(at, _)| *at).filter(|at| (start..=end).contains(at)).collect();
        instants.sort_unstable();
        instants.dedup();
        let points: Vec<(f64, f64)> =
            instants.iter().map(|at| (at.since(start).get(), devices.iter().map(|device| interpolated(device, *at)).sum())).collect();
        let samples = points.len();
        let (min_w, max_w) = points.iter().fold((f64::INFINITY, 0.0_f64), |(min, max), (_, w)| (min.min(*w), max.max(*w)));
        let length = end.since(start).get();
        let thin = if samples > MOST_POINTS { thinned(&points, length, MOST_POINTS) } else { points };
        let mean_w = thin.iter().map(|(_, w)| w).sum::<f64>() / thin.len() as f64;
        let (t_s, power_w) = thin.into_iter().unzip();
        (samples > 0).then_some(Self { t_s, power_w, samples, downsampled: samples > MOST_POINTS, min_w, mean_w, max_w })
    }

    /// The highest power that was sampled.
    pub(super) fn peak_w(&self) -> f64 {
        self.max_w
    }

    /// A line of blocks, from zero to the highest, and what it spans; `None` of a single sample.
    pub(super) fn drawn(&self) -> Option<String> {
        if self.samples < 2 {
            return None;
        }
        let points: Vec<(f64, f64)> = self.t_s.iter().copied().zip(self.power_w.iter().copied()).collect();
        let length = self.t_s.last().copied().unwrap_or(0.0);
        let bins = thinned(&points, length, WIDTH);
        let top = bins.iter().map(|(_, w)| *w).fold(0.0, f64::max);
        let block = |watts: f64| BLOCKS[if top > 0.0 { ((watts / top * 8.0).ceil() as usize).clamp(1, 8) - 1 } else { 0 }];
        let line: String = bins.iter().map(|(_, watts)| block(*watts)).collect();
        Some(format!("{line}  {:.1} / {:.1} / {:.1} W (min, mean, max)", self.min_w, self.mean_w, self.max_w))
    }
}

/// Samples that are means since the sample before, joined until each spans a while: over a moment the mean is mostly the error of
/// its edges.
fn evened(samples: &[(Nanos, f64)], start: Nanos) -> Vec<(Nanos, f64)> {
    let (mut even, mut energy, mut from, mut last) = (Vec::new(), 0.0, start, start);
    for (at, watts) in samples.iter().filter(|(at, _)| *at > start) {
        energy += watts * at.since(last).get();
        last = *at;
        if at.since(from) >= LEAST_SPAN {
            even.push((*at, energy / at.since(from).get()));
            (energy, from) = (0.0, *at);
        }
    }
    even
}

/// On the straight line between the neighbours; beyond the ends what the end says.
fn interpolated(samples: &[(Nanos, f64)], at: Nanos) -> f64 {
    let after = samples.partition_point(|(then, _)| *then < at);
    match (after.checked_sub(1).and_then(|before| samples.get(before)), samples.get(after)) {
        (Some(last), Some(next)) => {
            let share = at.since(last.0) / next.0.since(last.0);
            last.1 + (next.1 - last.1) * share
        }
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => 0.0,
    }
}

/// Means over so many equal spans; spans without a point are left out.
fn thinned(points: &[(f64, f64)], length: f64, bins: usize) -> Vec<(f64, f64)> {
    let width = length / bins as f64;
    let bin = |t: f64| if width > 0.0 { ((t / width) as usize).min(bins - 1) } else { 0 };
    let mean = |chunk: &[(f64, f64)]| {
        let sum = chunk.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
    };
    points.chunk_by(|a, b| bin(a.0) == bin(b.0)).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Nanos {
        Nanos((seconds * 1e9) as u64)
    }

    #[test]
    fn devices_sampled_at_different_instants_are_summed() {
        let devices = [vec![(s(0.0), 100.0), (s(2.0), 100.0)], vec![(s(0.0), 0.0), (s(1.0), 50.0), (s(2.0), 100.0)]];
        let curve = Curve::sum(&devices, (s(0.0), s(2.0))).unwrap();
        assert_eq!((curve.power_w, curve.max_w, curve.samples, curve.downsampled), (vec![100.0, 150.0, 200.0], 200.0, 3, false));
    }

    #[test]
    fn many_samples_are_thinned_and_said_so() {
        let device: Vec<_> = (0..5000).map(|i| (s(f64::from(i) * 0.01), f64::from(i % 2) * 100.0)).collect();
        let curve = Curve::sum(&[device], (s(0.0), s(50.0))).unwrap();
        assert!(curve.downsampled && curve.samples == 5000 && curve.t_s.len() <= MOST_POINTS);
        assert!((curve.mean_w - 50.0).abs() < 1.0 && (curve.min_w, curve.max_w) == (0.0, 100.0));
    }

    #[test]
    fn it_is_drawn_from_zero() {
        let curve = Curve::sum(&[vec![(s(0.0), 0.0), (s(1.0), 50.0), (s(2.0), 100.0)]], (s(0.0), s(2.0))).unwrap();
        assert_eq!(curve.drawn().unwrap(), "▁▄█  0.0 / 50.0 / 100.0 W (min, mean, max)");
    }

    #[test]
    fn means_over_a_moment_are_joined_with_the_next() {
        // 1 ms at 900 W, then 99 ms at 100 W: 10.8 J in 0.1 s.
        let even = evened(&[(s(0.001), 900.0), (s(0.1), 100.0), (s(0.2), 50.0)], s(0.0));
        assert_eq!(even.len(), 2);
        assert!((even[0].1 - 108.0).abs() < 1e-6 && (even[1].1 - 50.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_sampled_is_no_curve() {
        assert_eq!(Curve::sum(&[], (s(0.0), s(1.0))), None);
        assert_eq!(Curve::sum(&[vec![(s(5.0), 1.0)]], (s(0.0), s(1.0))), None);
    }
}
