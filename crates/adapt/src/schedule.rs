//! The learning rate over the steps, as `transformers.optimization` defines it.

use plan::{Lr, Schedule};

/// Learning rates of a training of known length.
#[derive(Clone, Copy, Debug)]
pub struct LearningRate {
    peak: f64,
    schedule: Schedule,
    warmup: u64,
    steps: u64,
}

impl LearningRate {
    /// Rises in a straight line from 0 over `ceil(steps * warmup_ratio)` steps, then follows the schedule to `steps`.
    pub fn new(lr: &Lr, steps: u64) -> Self {
        let warmup = (steps as f64 * lr.warmup_ratio).ceil() as u64;
        Self { peak: lr.peak, schedule: lr.schedule, warmup, steps }
    }

    /// The rate of a step counted from 0 (with a warm-up the first one is 0, as in transformers).
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup as f64;
        }
        let left = self.steps.saturating_sub(self.warmup).max(1) as f64;
        let progress = ((step - self.warmup) as f64 / left).min(1.0);
        let factor = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Linear => self.steps.saturating_sub(step) as f64 / left,
            Schedule::Cosine => f64::midpoint(1.0, (std::f64::consts::PI * progress).cos()),
        };
        self.peak * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, warmup_ratio: f64) -> Vec<f64> {
        let rate = LearningRate::new(&Lr { peak: 1.0, warmup_ratio, schedule }, 8);
        (0..9).map(|step| rate.at(step)).collect()
    }

    fn check(got: &[f64], expected: &[f64]) {
        assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?}, expected {expected:?}");
    }

    // The expected rates are those of transformers.get_scheduler(name, optimiser, num_warmup_steps=2, num_training_steps=8).
    #[test]
    fn the_schedules_are_those_of_transformers() {
        check(&rates(Schedule::Constant, 0.25), &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        check(&rates(Schedule::Linear, 0.25), &[0.0, 0.5, 1.0, 0.833_333_3, 0.666_666_7, 0.5, 0.333_333_3, 0.166_666_7, 0.0]);
        check(&rates(Schedule::Cosine, 0.25), &[0.0, 0.5, 1.0, 0.933_012_7, 0.75, 0.5, 0.25, 0.066_987_3, 0.0]);
    }

    #[test]
    fn without_warm_up_the_first_step_is_at_the_peak() {
        check(&rates(Schedule::Cosine, 0.0)[..1], &[1.0]);
        check(&rates(Schedule::Linear, 1.0), &[0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.0]);
    }
}
