//! Which input moves break-even most: one at a time, over its own range or by a share of its value, all others as they are.
//!
//! The usual one-at-a-time analysis (a tornado table); it does not tell what inputs do together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use units::{Dollars, Joules, Seconds};

use crate::{
    BreakEven, Range, Tariff, break_even,
    error::{Error, Result, checked},
};

/// What break-even is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Input {
    /// Energy of making the model, in J.
    #[serde(rename = "train_energy_j")]
    TrainEnergy,
    /// Machine time of making the model, in s.
    #[serde(rename = "train_time_s")]
    TrainTime,
    /// Setup, in USD.
    #[serde(rename = "setup_usd")]
    Setup,
    /// Energy of a request, in J.
    #[serde(rename = "energy_per_request_j")]
    RequestEnergy,
    /// Machine time of a request, in s.
    #[serde(rename = "machine_time_per_request_s")]
    RequestTime,
    /// Input tokens of a request.
    #[serde(rename = "input_tokens")]
    InputTokens,
    /// Output tokens of a request.
    #[serde(rename = "output_tokens")]
    OutputTokens,
    /// Hosted model, USD per million input tokens.
    #[serde(rename = "api_input_usd_per_mtok")]
    ApiInput,
    /// Hosted model, USD per million output tokens.
    #[serde(rename = "api_output_usd_per_mtok")]
    ApiOutput,
    /// Electricity, in USD per kWh.
    #[serde(rename = "electricity_usd_per_kwh")]
    Electricity,
    /// Facility overhead.
    #[serde(rename = "pue")]
    Pue,
    /// The machine, in USD an hour. Without it its time is not counted.
    #[serde(rename = "machine_usd_per_hour")]
    MachineRate,
}

impl Input {
    /// Every input, in the order of their declaration.
    pub const ALL: &[Self] = &[
        Self::TrainEnergy,
        Self::TrainTime,
        Self::Setup,
        Self::RequestEnergy,
        Self::RequestTime,
        Self::InputTokens,
        Self::OutputTokens,
        Self::ApiInput,
        Self::ApiOutput,
        Self::Electricity,
        Self::Pue,
        Self::MachineRate,
    ];

    /// The word that tables and JSON use, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainEnergy => "train_energy_j",
            Self::TrainTime => "train_time_s",
            Self::Setup => "setup_usd",
            Self::RequestEnergy => "energy_per_request_j",
            Self::RequestTime => "machine_time_per_request_s",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::ApiInput => "api_input_usd_per_mtok",
            Self::ApiOutput => "api_output_usd_per_mtok",
            Self::Electricity => "electricity_usd_per_kwh",
            Self::Pue => "pue",
            Self::MachineRate => "machine_usd_per_hour",
        }
    }

    /// The least it can be; [`Input::must_exceed`] tells whether that itself is too little.
    fn least(self) -> f64 {
        if self == Self::Pue { 1.0 } else { 0.0 }
    }

    /// Prices of a hosted model are above zero; all else may be zero.
    fn must_exceed(self) -> bool {
        matches!(self, Self::ApiInput | Self::ApiOutput)
    }
}

/// All inputs of break-even, each with its range. Possible ones only.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    ranges: BTreeMap<Input, Range>,
}

/// What one input does to break-even.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swing {
    /// Which input.
    pub input: Input,
    /// The lower value tried.
    pub low: f64,
    /// The higher value tried.
    pub high: f64,
    /// Whether these are the ends of its own range, and not a share of its value.
    pub own_range: bool,
    /// Break-even at the lower value.
    pub at_low: BreakEven,
    /// Break-even at the higher value.
    pub at_high: BreakEven,
    /// Size of the move: the larger of both break-evens over the smaller, as a logarithm; infinite (`null` in JSON) where one of them is
    /// never, 0 where nothing moves.
    #[serde(deserialize_with = "null_is_infinite")]
    pub effect: f64,
}

impl Inputs {
    /// Every input but [`Input::MachineRate`] must be there.
    ///
    /// # Errors
    /// One that is absent, or below what it can be.
    pub fn new(ranges: BTreeMap<Input, Range>) -> Result<Self> {
        for &input in Input::ALL {
            match ranges.get(&input) {
                None if input == Input::MachineRate => {}
                None => return Err(Error::OutOfRange { what: input.name(), value: f64::NAN, expected: "given" }),
                Some(range) if input.must_exceed() => {
                    checked(input.name(), range.low(), "above 0", |x| x > 0.0)?;
                }
                Some(range) => {
                    checked(input.name(), range.low(), if input == Input::Pue { "1 or more" } else { "0 or more" }, |x| {
                        x >= input.least()
                    })?;
                }
            }
        }
        Ok(Self { ranges })
    }

    /// Break-even with every input at its value.
    pub fn break_even(&self) -> BreakEven {
        self.with(None)
    }

    /// What each input does, the one that moves break-even most first. One that has a range of its own goes to its ends; an exact one goes
    /// `share` of its value down and up, such as 0.2.
    ///
    /// # Errors
    /// A share that is not above 0 and below 1.
    pub fn sensitivity(&self, share: f64) -> Result<Vec<Swing>> {
        let share = checked("the share by which inputs are moved", share, "above 0 and below 1", |x| x > 0.0 && x < 1.0)?;
        let mut swings: Vec<Swing> = self.ranges.iter().map(|(&input, range)| self.swing(input, range, share)).collect();
        swings.sort_by(|a, b| b.effect.total_cmp(&a.effect));
        Ok(swings)
    }

    fn swing(&self, input: Input, range: &Range, share: f64) -> Swing {
        let own_range = !range.is_exact();
        let (low, high) = if own_range {
            (range.low(), range.high())
        } else {
            ((range.value() * (1.0 - share)).max(input.least()), range.value() * (1.0 + share))
        };
        let (at_low, at_high) = (self.with(Some((input, low))), self.with(Some((input, high))));
        Swing { input, low, high, own_range, effect: effect(&at_low, &at_high), at_low, at_high }
    }

    /// Break-even with one input changed.
    fn with(&self, changed: Option<(Input, f64)>) -> BreakEven {
        let at = |input: Input| match changed {
            Some((other, value)) if other == input => Some(value),
            _ => self.ranges.get(&input).map(Range::value),
        };
        let must = |input: Input| at(input).expect("checked in `new`");
        let tariff = Tariff::new(must(Input::Electricity), must(Input::Pue), at(Input::MachineRate)).expect("checked in `new`");
        let making = tariff.work(Joules(must(Input::TrainEnergy)), Seconds(must(Input::TrainTime))) + Dollars(must(Input::Setup));
        let infer = tariff.work(Joules(must(Input::RequestEnergy)), Seconds(must(Input::RequestTime)));
        let api = must(Input::InputTokens) * must(Input::ApiInput) + must(Input::OutputTokens) * must(Input::ApiOutput);
        break_even(making, Dollars(api / 1e6), infer)
    }
}

fn null_is_infinite<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Option::<f64>::deserialize(deserializer).map(|effect| effect.unwrap_or(f64::INFINITY))
}

fn effect(a: &BreakEven, b: &BreakEven) -> f64 {
    match (a, b) {
        (BreakEven::After { requests: a }, BreakEven::After { requests: b }) if a.total_cmp(b).is_eq() => 0.0,
        (BreakEven::After { requests: a }, BreakEven::After { requests: b }) => (a / b).ln().abs(),
        (BreakEven::Never { .. }, BreakEven::Never { .. }) => 0.0,
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Round numbers: making 3.6 MJ · 0.36 + 1,000 s · 0.001 = 1.36 USD and 8.64 of setup; a request 36 J and 0.001 s there is 4.6e-6; the hosted model 1e-3.
    fn inputs(change: impl Fn(&mut BTreeMap<Input, Range>)) -> Result<Inputs> {
        let values = [3.6e6, 1000.0, 8.64, 36.0, 0.001, 100.0, 20.0, 2.0, 40.0, 0.36, 1.0, 3.6];
        let mut ranges: BTreeMap<_, _> = Input::ALL.iter().copied().zip(values.map(|value| Range::exact(value).unwrap())).collect();
        change(&mut ranges);
        Inputs::new(ranges)
    }

    fn requests(at: &BreakEven) -> f64 {
        match at {
            BreakEven::After { requests } => *requests,
            BreakEven::Never { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn by_hand() {
        // 10 USD over 0.001 − 0.0000046.
        let inputs = inputs(|_| {}).unwrap();
        assert!((requests(&inputs.break_even()) - 10.0 / 0.000_995_4).abs() < 1e-3);
        let swings = inputs.sensitivity(0.5).unwrap();
        assert_eq!(swings.len(), 12);
        let of = |input| swings.iter().find(|swing| swing.input == input).unwrap();
        // Setup half: 5.68 USD; one and a half: 14.32.
        let setup = of(Input::Setup);
        assert!(
            (requests(&setup.at_low) - 5.68 / 0.000_995_4).abs() < 1e-3 && (requests(&setup.at_high) - 14.32 / 0.000_995_4).abs() < 1e-3
        );
        assert!((setup.effect - (14.32f64 / 5.68).ln()).abs() < 1e-9 && !setup.own_range);
        // Output tokens and their price are 80% of the hosted model's cost: they come before its input.
        let place = |input| swings.iter().position(|swing| swing.input == input).unwrap();
        assert!(place(Input::ApiOutput) < place(Input::ApiInput) && place(Input::ApiInput) < place(Input::RequestTime));
        // A facility draws no less than its machines.
        assert_eq!((of(Input::Pue).low, of(Input::Pue).high), (1.0, 1.5));
    }

    #[test]
    fn an_input_with_a_range_of_its_own_goes_to_its_ends() {
        let inputs = inputs(|ranges| {
            ranges.insert(Input::RequestTime, Range::new(0.5, 0.1, 2.0).unwrap());
        });
        let swings = inputs.unwrap().sensitivity(0.1).unwrap();
        // 2 s · 0.001 USD cost more than the hosted model.
        assert_eq!((swings[0].input, swings[0].own_range, swings[0].effect), (Input::RequestTime, true, f64::INFINITY));
        assert!(matches!(swings[0].at_high, BreakEven::Never { .. }) && matches!(swings[0].at_low, BreakEven::After { .. }));
        let json = serde_json::to_value(&swings[0]).unwrap();
        assert_eq!((&json["input"], &json["effect"]), (&serde_json::json!(Input::RequestTime.name()), &serde_json::Value::Null));
        assert_eq!(serde_json::from_value::<Swing>(json).unwrap(), swings[0]);
        assert!(Input::ALL.iter().all(|input| serde_json::to_value(input).unwrap() == input.name()));
    }

    #[test]
    fn without_a_rate_time_does_not_count_and_never_stays_never() {
        let free = inputs(|ranges| _ = ranges.remove(&Input::MachineRate)).unwrap();
        let swings = free.sensitivity(0.2).unwrap();
        assert_eq!(swings.len(), 11);
        assert!(swings.iter().filter(|s| [Input::TrainTime, Input::RequestTime].contains(&s.input)).all(|swing| swing.effect == 0.0));
        let never = inputs(|ranges| _ = ranges.insert(Input::RequestEnergy, Range::exact(1e9).unwrap())).unwrap();
        assert!(matches!(never.break_even(), BreakEven::Never { .. }));
        assert!(never.sensitivity(0.2).unwrap().iter().all(|swing| swing.effect == 0.0));
    }

    #[test]
    fn impossible_inputs_are_refused() {
        for (input, value) in [(Input::Pue, 0.9), (Input::ApiOutput, 0.0), (Input::Electricity, -0.1), (Input::MachineRate, -1.0)] {
            let error = inputs(|ranges| _ = ranges.insert(input, Range::exact(value).unwrap())).unwrap_err();
            assert!(error.to_string().starts_with(input.name()), "{error}");
        }
        assert!(inputs(|ranges| _ = ranges.remove(&Input::Setup)).is_err());
        assert!(inputs(|_| {}).unwrap().sensitivity(1.0).is_err());
    }

    proptest! {
        #[test]
        fn sorted_and_never_below_what_can_be(share in 0.01..0.99f64) {
            let swings = inputs(|_| {}).unwrap().sensitivity(share).unwrap();
            prop_assert!(swings.windows(2).all(|pair| pair[0].effect >= pair[1].effect));
            prop_assert!(swings.iter().all(|swing| swing.low <= swing.high && swing.low >= swing.input.least()));
        }

        #[test]
        fn dearer_making_never_pays_sooner(setup in 0.0..1e4f64, more in 0.0..1e4f64) {
            let at = |usd| requests(&inputs(|ranges| _ = ranges.insert(Input::Setup, Range::exact(usd).unwrap())).unwrap().break_even());
            prop_assert!(at(setup) <= at(setup + more));
        }
    }
}
