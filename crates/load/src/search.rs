//! Which load to try next, on the way to the highest one that still keeps to the limits: doubling until one does not, then bisecting.
//! A state machine without a clock or a server: it is told what was seen.
//!
//! It takes for granted that more load is never better. Where chance breaks that rule, the answer is a load that met the limits beside
//! a slightly higher one that did not.

use crate::{Error, Result};

/// How finely the boundary is told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grain {
    /// To a whole number, or to 5% where that is coarser: concurrency.
    Whole,
    /// To 5%: a rate.
    Share,
}

/// Relative width at which the search is content.
const WIDTH: f64 = 0.05;
/// Halvings below a start that did not meet the limits.
const HALVINGS: u32 = 8;

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    grain: Grain,
    most: f64,
    next: Option<f64>,
    met: Option<f64>,
    unmet: Option<f64>,
    halvings: u32,
}

impl Search {
    /// Starts at `start` and never goes beyond `most`.
    ///
    /// # Errors
    /// [`Error::Arrivals`] when they are not above zero, or in the wrong order.
    pub fn new(start: f64, most: f64, grain: Grain) -> Result<Self> {
        if start > 0.0 && start <= most && most.is_finite() {
            return Ok(Self { grain, most, next: Some(start), met: None, unmet: None, halvings: 0 });
        }
        Err(Error::Arrivals { reason: format!("a search from {start} to {most} is of no use") })
    }

    /// The load to try next; `None` when the search is over.
    pub fn next_load(&self) -> Option<f64> {
        self.next
    }

    /// The highest load that met the limits, so far.
    pub fn highest(&self) -> Option<f64> {
        self.met
    }

    /// Whether a load beyond the highest was seen not to meet them; without one the search ended at its bound.
    pub fn bounded(&self) -> bool {
        self.unmet.is_some()
    }

    /// Says whether the load of [`Self::next_load`] met the limits.
    pub fn tell(&mut self, met: bool) {
        let Some(tried) = self.next else { return };
        if met {
            self.met = Some(tried);
        } else {
            self.unmet = Some(tried);
        }
        self.next = self.following(tried);
    }

    fn following(&mut self, tried: f64) -> Option<f64> {
        match (self.met, self.unmet) {
            (Some(_), None) => (tried < self.most).then(|| (tried * 2.0).min(self.most)),
            (Some(met), Some(unmet)) => self.between(met, unmet),
            (None, Some(unmet)) => {
                self.halvings += 1;
                let half = self.grained(unmet / 2.0);
                (self.halvings <= HALVINGS && half > 0.0 && half < unmet).then_some(half)
            }
            (None, None) => None,
        }
    }

    fn between(&self, met: f64, unmet: f64) -> Option<f64> {
        let middle = self.grained(met.midpoint(unmet));
        (unmet > met * (1.0 + WIDTH) && middle > met && middle < unmet).then_some(middle)
    }

    fn grained(&self, load: f64) -> f64 {
        if self.grain == Grain::Whole { load.floor() } else { load }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches a server that meets its limits up to a load; gives what was tried.
    fn tried(mut search: Search, up_to: f64) -> (Vec<f64>, Search) {
        let mut tried = Vec::new();
        while let Some(load) = search.next_load() {
            tried.push(load);
            search.tell(load <= up_to);
        }
        (tried, search)
    }

    #[test]
    fn it_doubles_and_then_bisects() {
        let (loads, search) = tried(Search::new(1.0, 1024.0, Grain::Whole).unwrap(), 11.0);
        assert_eq!(loads, [1.0, 2.0, 4.0, 8.0, 16.0, 12.0, 10.0, 11.0]);
        assert_eq!((search.highest(), search.bounded()), (Some(11.0), true));
    }

    #[test]
    fn a_start_that_is_too_high_is_halved() {
        let (loads, search) = tried(Search::new(8.0, 1024.0, Grain::Whole).unwrap(), 1.0);
        assert_eq!((loads.as_slice(), search.highest()), (&[8.0, 4.0, 2.0, 1.0][..], Some(1.0)));
        let (loads, search) = tried(Search::new(1.0, 64.0, Grain::Whole).unwrap(), 0.0);
        assert_eq!((loads.as_slice(), search.highest()), (&[1.0][..], None));
        let (loads, search) = tried(Search::new(1.0, 64.0, Grain::Share).unwrap(), 0.0);
        assert_eq!((loads.len(), search.highest()), (9, None));
    }

    #[test]
    fn a_server_that_is_never_too_slow_ends_the_search_at_its_bound() {
        let (loads, search) = tried(Search::new(1.0, 10.0, Grain::Whole).unwrap(), 1e9);
        assert_eq!(loads, [1.0, 2.0, 4.0, 8.0, 10.0]);
        assert_eq!((search.highest(), search.bounded()), (Some(10.0), false));
    }

    #[test]
    fn ranges_of_no_use_are_refused() {
        for (start, most) in [(0.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(Search::new(start, most, Grain::Share).is_err(), "{start} {most}");
        }
    }

    proptest! {
        #[test]
        fn the_boundary_is_found_in_few_steps(start in 0.1..100.0f64, up_to in 0.1..1e4f64, whole: bool) {
            let (grain, start) = if whole { (Grain::Whole, start.ceil()) } else { (Grain::Share, start) };
            let (loads, search) = tried(Search::new(start, 1e5, grain).unwrap(), up_to);
            prop_assert!(loads.len() < 60);
            if let Some(found) = search.highest() {
                let width = if whole { (found * 0.05).max(1.0) } else { found * 0.05 };
                prop_assert!(found <= up_to && up_to < found + width + 1e-9, "{found} of {up_to}");
            }
        }
    }
}
