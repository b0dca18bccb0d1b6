//! Break-even beyond one number: its range, the two cumulative costs over requests, and the same over utilisation.
//!
//! A band here is made of ends: the least takes every cost at its low end at once, the most at its high end. It is therefore wider than a
//! 95% interval of the whole, and never narrower.

use serde::{Deserialize, Serialize};
use units::Dollars;

use crate::{
    BreakEven, HOURS_A_MONTH, Range, break_even,
    error::{Error, Result, checked},
    machines, reservation_cost,
};

/// What making a model cost, and what a request costs at the hosted model and here, in USD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    fixed: Range,
    api: Range,
    infer: Range,
}

/// Break-even with its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakEvenRange {
    /// With every cost at its value.
    pub value: BreakEven,
    /// With every cost at the end that makes it earliest.
    pub earliest: BreakEven,
    /// With every cost at the end that makes it latest.
    pub latest: BreakEven,
}

/// The cumulative costs after some requests, in USD.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// How many requests.
    pub requests: f64,
    /// What the hosted model has cost.
    pub api: Range,
    /// What one's own has cost, its making included.
    pub own: Range,
}

impl Costs {
    /// Making (adaptation and setup), a request at the hosted model, a request here, each in USD.
    ///
    /// # Errors
    /// A cost below zero, or a hosted model that costs nothing.
    pub fn new(fixed: Range, api: Range, infer: Range) -> Result<Self> {
        checked("the cost of making the model in USD", fixed.low(), "0 or more", |x| x >= 0.0)?;
        checked("the cost of a request at the hosted model in USD", api.low(), "above 0", |x| x > 0.0)?;
        checked("the cost of a request here in USD", infer.low(), "0 or more", |x| x >= 0.0)?;
        Ok(Self { fixed, api, infer })
    }

    /// After how many requests one's own model has paid for itself, and how early or late that may be.
    pub fn break_even(&self) -> BreakEvenRange {
        let at = |fixed: f64, api: f64, infer: f64| break_even(Dollars(fixed), Dollars(api), Dollars(infer));
        BreakEvenRange {
            value: at(self.fixed.value(), self.api.value(), self.infer.value()),
            earliest: at(self.fixed.low(), self.api.high(), self.infer.low()),
            latest: at(self.fixed.high(), self.api.low(), self.infer.high()),
        }
    }

    /// The two cumulative costs at 0, and at `steps` further points evenly up to `requests`.
    ///
    /// # Errors
    /// No step or more than 10,000, or a number of requests that is not above zero.
    pub fn over_requests(&self, requests: f64, steps: u32) -> Result<Vec<CurvePoint>> {
        let requests = checked("the curve's last number of requests", requests, "above 0", |x| x > 0.0)?;
        checked("the curve's number of steps", f64::from(steps), "from 1 to 10,000", |x| (1.0..=10_000.0).contains(&x))?;
        (0..=steps).map(|step| self.after(requests * f64::from(step) / f64::from(steps))).collect()
    }

    /// The two cumulative costs after some requests.
    fn after(&self, requests: f64) -> Result<CurvePoint> {
        let sum = |fixed: Option<Range>, each: Range| {
            let at = |end: fn(&Range) -> f64| fixed.as_ref().map_or(0.0, end) + requests * end(&each);
            Range::new(at(Range::value), at(Range::low), at(Range::high))
        };
        match (sum(None, self.api), sum(Some(self.fixed), self.infer)) {
            (Some(api), Some(own)) => Ok(CurvePoint { requests, api, own }),
            _ => Err(Error::OutOfRange {
                what: "the curve's number of requests",
                value: requests,
                expected: "so small that costs stay finite",
            }),
        }
    }
}

/// A machine that costs by the hour, busy or not. One that is rented has its energy in the rate; one's own draws energy beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reserved {
    /// USD an hour.
    pub usd_per_hour: f64,
    /// Requests an hour that it sustains.
    pub requests_per_hour: Range,
    /// Energy of a request in USD, where the rate does not hold it; else 0.
    pub energy_usd_per_request: Range,
    /// Energy of an hour without requests in USD, where the rate does not hold it; else 0.
    pub idle_usd_per_hour: f64,
}

/// Costs at one share of the machine's time that is really used.
#[derive(Clone, Debug, PartialEq)]
pub struct UtilisationPoint {
    /// The share, above 0 and at most 1.
    pub utilisation: f64,
    /// A request here, in USD.
    pub infer: Range,
    /// Break-even at that cost of a request.
    pub break_even: BreakEvenRange,
}

impl Reserved {
    /// A request's cost and the break-even at each of some utilisations.
    ///
    /// # Errors
    /// A utilisation outside its range, a rate below zero, no request an hour, or impossible costs.
    pub fn over_utilisation(&self, fixed: Range, api: Range, shares: &[f64]) -> Result<Vec<UtilisationPoint>> {
        let each = |&utilisation| {
            let infer = self.request(utilisation)?;
            Ok(UtilisationPoint { utilisation, infer, break_even: Costs::new(fixed, api, infer)?.break_even() })
        };
        shares.iter().map(each).collect()
    }

    /// The utilisation from which a request here costs less than at the hosted model; `None` where it never does.
    ///
    /// # Errors
    /// As for [`Reserved::over_utilisation`].
    pub fn least_utilisation(&self, api: Dollars) -> Result<Option<f64>> {
        self.request(1.0)?;
        // (rate + idle · (1 − u)) / (requests · u) + energy = api, solved for u.
        let saved = (api.get() - self.energy_usd_per_request.value()) * self.requests_per_hour.value();
        let least = (self.usd_per_hour + self.idle_usd_per_hour) / (saved + self.idle_usd_per_hour);
        Ok((saved > 0.0 && least < 1.0).then_some(least))
    }

    /// A request's cost: the faster the machine, the cheaper.
    ///
    /// # Errors
    /// As for [`Reserved::over_utilisation`].
    pub fn request(&self, utilisation: f64) -> Result<Range> {
        let (rate, energy) = (self.requests_per_hour, self.energy_usd_per_request);
        checked("the energy of a request in USD", energy.low(), "0 or more", |x| x >= 0.0)?;
        let idle = checked("the energy of an idle hour in USD", self.idle_usd_per_hour, "0 or more", |x| x >= 0.0)?;
        let an_hour = self.usd_per_hour + idle * (1.0 - utilisation);
        let at = |requests: f64, energy: f64| Ok(reservation_cost(an_hour, requests, utilisation)?.get() + energy);
        let (value, low, high) = (at(rate.value(), energy.value())?, at(rate.high(), energy.low())?, at(rate.low(), energy.high())?);
        Range::new(value, low, high).ok_or(Error::OutOfRange { what: "the reserved cost of a request", value, expected: "finite" })
    }
}

/// A month on machines that cost by the hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReservedMonth {
    /// How many machines it takes.
    pub machines: u64,
    /// What they cost, busy and idle, at the rate's value.
    pub usd: Dollars,
}

impl Reserved {
    /// A month of requests on as many machines as it takes when each is used to a share at most; at the sustained rate's value.
    ///
    /// # Errors
    /// As for [`machines`] and [`Reserved::over_utilisation`].
    pub fn month(&self, requests: f64, utilisation: f64) -> Result<ReservedMonth> {
        self.request(utilisation)?;
        let machines = machines(requests, self.requests_per_hour.value(), utilisation)?;
        let hours = machines as f64 * HOURS_A_MONTH;
        let idle_hours = hours - requests / self.requests_per_hour.value();
        let energy = requests * self.energy_usd_per_request.value() + idle_hours * self.idle_usd_per_hour;
        Ok(ReservedMonth { machines, usd: Dollars(hours * self.usd_per_hour + energy) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(value: f64, low: f64, high: f64) -> Range {
        Range::new(value, low, high).unwrap()
    }

    fn exact(value: f64) -> Range {
        Range::exact(value).unwrap()
    }

    fn requests(at: &BreakEven) -> f64 {
        match at {
            BreakEven::After { requests } => *requests,
            BreakEven::Never { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn the_curves_cross_where_it_breaks_even() {
        // 10 USD, 0.002 here (0.001 to 0.003), 0.004 there: 10 / 0.002 = 5,000; 10 / 0.003 = 3,333; 10 / 0.001 = 10,000.
        let costs = Costs::new(exact(10.0), exact(0.004), range(0.002, 0.001, 0.003)).unwrap();
        let at = costs.break_even();
        assert!((requests(&at.value) - 5000.0).abs() < 1e-6);
        assert!((requests(&at.earliest) - 10_000.0 / 3.0).abs() < 1e-6 && (requests(&at.latest) - 10_000.0).abs() < 1e-6);
        let curve = costs.over_requests(10_000.0, 4).unwrap();
        assert_eq!(curve.len(), 5);
        assert_eq!((curve[0].api.value(), curve[0].own.value()), (0.0, 10.0));
        assert!((curve[2].api.value() - 20.0).abs() < 1e-9 && (curve[2].own.value() - 20.0).abs() < 1e-9);
        assert!((curve[4].own.low() - 20.0).abs() < 1e-9 && (curve[4].own.high() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn never_is_told_at_the_end_where_it_is() {
        let at = Costs::new(exact(10.0), exact(0.004), range(0.002, 0.001, 0.005)).unwrap().break_even();
        assert!(matches!(at.value, BreakEven::After { .. }) && matches!(at.latest, BreakEven::Never { .. }));
    }

    #[test]
    fn an_idle_machine_makes_requests_dear() {
        // 3.60 USD an hour over 1,000 requests: 0.0036 at full use, 0.0072 at half; the API's 0.006 is met at 60%.
        let reserved = rented(3.6, range(1000.0, 900.0, 1200.0));
        let points = reserved.over_utilisation(exact(12.0), exact(0.006), &[1.0, 0.5]).unwrap();
        assert!((points[0].infer.value() - 0.0036).abs() < 1e-12 && (points[0].infer.low() - 0.003).abs() < 1e-12);
        assert!((requests(&points[0].break_even.value) - 5000.0).abs() < 1e-6);
        assert!(matches!(points[1].break_even.value, BreakEven::Never { .. }));
        assert!((reserved.least_utilisation(Dollars(0.006)).unwrap().unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(reserved.least_utilisation(Dollars(0.003)).unwrap(), None);
        assert!(reserved.over_utilisation(exact(1.0), exact(1.0), &[0.0]).is_err());
    }

    fn rented(usd_per_hour: f64, requests_per_hour: Range) -> Reserved {
        Reserved { usd_per_hour, requests_per_hour, energy_usd_per_request: exact(0.0), idle_usd_per_hour: 0.0 }
    }

    #[test]
    fn a_machine_of_ones_own_draws_energy_beside_its_price() {
        // 1 USD an hour and 0.2 idle, 1,000 requests an hour of 0.0005 each. At half: (1 + 0.1) / 500 + 0.0005 = 0.0027.
        let own = Reserved { energy_usd_per_request: range(0.0005, 0.0004, 0.0006), idle_usd_per_hour: 0.2, ..rented(1.0, exact(1000.0)) };
        let half = own.request(0.5).unwrap();
        assert!((half.value() - 0.0027).abs() < 1e-12 && (half.low() - 0.0026).abs() < 1e-12 && (half.high() - 0.0028).abs() < 1e-12);
        // 1.2 / (2.2 + 0.2) = 0.5 against the API's 0.0027: where both cost the same.
        assert!((own.least_utilisation(Dollars(0.0027)).unwrap().unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(own.least_utilisation(Dollars(0.0004)).unwrap(), None);
        // 365,250 requests a month are 500 an hour: one machine at half. 730.5 h of 1 USD, 0.0005 each, and half the hours idle.
        let month = own.month(365_250.0, 0.5).unwrap();
        assert_eq!(month.machines, 1);
        assert!((month.usd.get() - (730.5 + 182.625 + 73.05)).abs() < 1e-6, "{month:?}");
        assert_eq!(own.month(365_251.0, 0.5).unwrap().machines, 2);
        assert!(own.month(0.0, 0.5).is_err() && own.month(1.0, 0.0).is_err());
        assert!(Reserved { idle_usd_per_hour: -1.0, ..own }.request(0.5).is_err());
        assert!(Reserved { energy_usd_per_request: exact(-1.0), ..own }.request(0.5).is_err());
    }

    #[test]
    fn impossible_costs_are_refused() {
        assert!(Costs::new(exact(-1.0), exact(1.0), exact(0.0)).is_err());
        assert_eq!(
            Costs::new(exact(1.0), exact(0.0), exact(0.0)).unwrap_err().to_string(),
            "the cost of a request at the hosted model in USD is 0, but should be above 0"
        );
        assert!(Costs::new(exact(1.0), exact(1.0), exact(-0.1)).is_err());
        let costs = Costs::new(exact(1.0), exact(1.0), exact(0.0)).unwrap();
        assert!(costs.over_requests(0.0, 3).is_err() && costs.over_requests(1.0, 0).is_err() && costs.over_requests(f64::NAN, 1).is_err());
        assert!(Costs::new(exact(1.0), exact(1e300), exact(0.0)).unwrap().over_requests(1e300, 1).is_err());
    }

    proptest! {
        #[test]
        fn both_have_cost_the_same_at_break_even(fixed in 0.1..1e4f64, api in 0.01..1.0f64, share in 0.01..0.99f64) {
            let costs = Costs::new(exact(fixed), exact(api), exact(api * share)).unwrap();
            let n = requests(&costs.break_even().value);
            let point = costs.after(n).unwrap();
            prop_assert!((point.api.value() - point.own.value()).abs() < 1e-6 * point.api.value());
        }

        #[test]
        fn earliest_then_value_then_latest(fixed in 0.1..1e4f64, api in 0.5..1.0f64, infer in 0.05..0.4f64, spread in 0.0..0.2f64) {
            let around = |x: f64| range(x, x * (1.0 - spread), x * (1.0 + spread));
            let at = Costs::new(around(fixed), around(api), around(infer)).unwrap().break_even();
            // 0.4 · 1.2 > 0.5 · 0.8: the latest may be never.
            prop_assert!(requests(&at.earliest) <= requests(&at.value) * (1.0 + 1e-12));
            if let BreakEven::After { requests: latest } = at.latest {
                prop_assert!(requests(&at.value) <= latest * (1.0 + 1e-12));
            }
        }

        #[test]
        fn costs_never_fall_with_requests(fixed in 0.0..1e4f64, api in 0.01..1.0f64, infer in 0.0..1.0f64) {
            let curve = Costs::new(exact(fixed), exact(api), exact(infer)).unwrap().over_requests(1e6, 20).unwrap();
            prop_assert!(curve.windows(2).all(|pair| pair[0].api.value() <= pair[1].api.value() && pair[0].own.value() <= pair[1].own.value()));
        }
    }
}
