//! Energy counters made straight: integers that wrap, once, here.

use units::{Joules, Nanos};

use super::{Fault, Judged};

/// A counter's readings, rising from the first one on.
pub(super) struct Risen(Vec<(Nanos, Joules)>);

impl Risen {
    /// Straightens `(instant, microjoules)` in the order of time.
    ///
    /// # Errors
    /// The counter went backwards.
    pub(super) fn new(readings: &[(Nanos, u64)], range_uj: Option<u64>) -> Judged<Self> {
        let mut risen = Vec::with_capacity(readings.len());
        let mut total: u64 = 0;
        let mut last = readings.first().map_or(0, |(_, value)| *value);
        for &(at, value) in readings {
            total = total.saturating_add(rise(last, value, range_uj)?);
            last = value;
            risen.push((at, Joules(total as f64 / 1e6)));
        }
        Ok(Self(risen))
    }

    /// The counter at an instant, on the straight line between its neighbours; `None` outside the readings.
    pub(super) fn at(&self, instant: Nanos) -> Option<Joules> {
        let after = self.0.partition_point(|(at, _)| *at < instant);
        let next = self.0.get(after)?;
        if next.0 == instant {
            return Some(next.1);
        }
        let last = self.0.get(after.checked_sub(1)?)?;
        let share = instant.since(last.0) / next.0.since(last.0);
        Some(last.1 + (next.1 - last.1) * share)
    }

    pub(super) fn points(&self) -> &[(Nanos, Joules)] {
        &self.0
    }
}

/// The rise from one reading to the next. With a range, arithmetic is modulo the range, and a rise of half of it or more is
/// really a fall.
fn rise(from: u64, to: u64, range_uj: Option<u64>) -> Judged<u64> {
    let backwards = || Fault::new("counter_backwards", format!("the energy counter went from {from} to {to} uJ"));
    let Some(range) = range_uj else { return to.checked_sub(from).ok_or_else(backwards) };
    let modulus = u128::from(range) + 1;
    let rise = (u128::from(to) + modulus).checked_sub(u128::from(from)).ok_or_else(backwards)? % modulus;
    u64::try_from(rise).ok().filter(|rise| *rise <= range / 2).ok_or_else(backwards)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn totals(values: &[u64], range: Option<u64>) -> Judged<Vec<f64>> {
        let readings: Vec<_> = values.iter().enumerate().map(|(at, value)| (Nanos(at as u64), *value)).collect();
        Ok(Risen::new(&readings, range)?.points().iter().map(|(_, joules)| joules.get()).collect())
    }

    #[test]
    fn a_wrapped_counter_goes_on() {
        assert_eq!(totals(&[900_000, 999_999, 99_999], Some(999_999)), Ok(vec![0.0, 0.099_999, 0.199_999]));
    }

    #[test]
    fn a_counter_that_goes_backwards_is_no_wrap() {
        assert_eq!(totals(&[900_000, 800_000], Some(999_999)).unwrap_err().code, "counter_backwards");
        assert_eq!(totals(&[0, 900_000], Some(999_999)).unwrap_err().code, "counter_backwards");
        assert_eq!(totals(&[5, 4], None).unwrap_err().code, "counter_backwards");
        assert_eq!(totals(&[u64::MAX, 0], Some(10)).unwrap_err().code, "counter_backwards");
    }

    #[test]
    fn between_readings_the_counter_is_straight() {
        let risen = Risen::new(&[(Nanos(10), 0), (Nanos(20), 4_000_000)], None).unwrap();
        assert_eq!(risen.at(Nanos(10)), Some(Joules(0.0)));
        assert_eq!(risen.at(Nanos(15)), Some(Joules(2.0)));
        assert_eq!((risen.at(Nanos(9)), risen.at(Nanos(21))), (None, None));
    }

    proptest! {
        #[test]
        fn a_wrapped_counter_is_monotone(start in 0u64..1000, rises in prop::collection::vec(0u64..400, 1..50)) {
            let range = 999;
            let mut value = start;
            let mut values = vec![value];
            for rise in &rises {
                value = (value + rise) % (range + 1);
                values.push(value);
            }
            let totals = totals(&values, Some(range)).unwrap();
            prop_assert!(totals.is_sorted());
            prop_assert!((totals.last().unwrap() * 1e6 - rises.iter().sum::<u64>() as f64).abs() < 1e-6);
        }
    }
}
