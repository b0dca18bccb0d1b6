//! Laws over any text and any plan.

use plan::{ModelSource, Plan, Schedule};
use proptest::prelude::*;

use crate::parse;

/// A plan out of small parts, every optional key there or not.
fn any_plan() -> impl Strategy<Value = Plan> {
    let base = parse(plan::quickstart()).unwrap();
    let source = prop_oneof![
        "[a-z]{1,9}(/[a-z]{1,9})?".prop_map(|p| ModelSource::Path(p.into())),
        ("[a-z]{1,5}/[a-z]{1,5}", "[a-z0-9]{1,8}").prop_map(|(id, revision)| ModelSource::Hub { id, revision }),
        "[a-z]{1,9}".prop_map(|p| ModelSource::Random(p.into())),
        Just(ModelSource::Builtin),
    ];
    let words = ("[a-zA-Z0-9][-_a-z]{0,9}", "\\PC{0,20}", proptest::option::of("\\PC{0,40}"));
    let numbers = (0..i64::MAX as u64, 1..100u32, 1e-9..1.0f64, proptest::option::of(1..9u32), proptest::option::of(0.0..9.0f64));
    let schedule = proptest::sample::select(Schedule::ALL);
    let strategies = proptest::sample::subsequence(plan::Strategy::ALL.to_vec(), 1..=plan::Strategy::ALL.len());
    (words, numbers, source, schedule, strategies, any::<bool>()).prop_map(
        move |((name, key, system), (seed, runs, lr, steps, rate), source, schedule, strategies, packing)| {
            let mut plan = base.clone();
            (plan.name, plan.seed, plan.runs, plan.strategies) = (name, seed, runs, strategies);
            plan.models[0].source = source;
            plan.tasks[0].system = system;
            plan.engines[0].options.insert(format!("x{key}"), serde_json::json!([{"a": lr}, runs]));
            (plan.adapt.lr.peak, plan.adapt.lr.schedule, plan.adapt.packing) = (lr, schedule, packing);
            plan.adapt.steps = steps;
            plan.prices.machine_usd_per_hour = rate;
            plan
        },
    )
}

proptest! {
    #[test]
    fn plan_to_text_to_plan(plan in any_plan()) {
        let text = plan.to_toml().unwrap();
        prop_assert_eq!(parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?, plan);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}|([\\[\\]={}\",.#'\n a-z0-9-]{0,200})") {
        let _ = parse(&text);
    }

    /// A real plan with one stretch replaced: far into the reader, unlike random text.
    #[test]
    fn no_broken_plan_makes_the_reader_panic(at in 0.0..1.0f64, cut in 0..40usize, put in "([\\[\\]={}\",.#'\n a-z0-9-]{0,12})|\\PC{0,4}") {
        let text: Vec<char> = plan::quickstart().chars().collect();
        let start = (at * text.len() as f64) as usize;
        let end = (start + cut).min(text.len());
        let broken: String = text[..start].iter().chain(&put.chars().collect::<Vec<_>>()).chain(&text[end..]).collect();
        match parse(&broken) {
            Ok(plan) => prop_assert_eq!(plan.stages().cells.len(), plan.tasks.len() * plan.strategies.len()),
            Err(problems) => prop_assert!(!problems.0.is_empty()),
        }
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    for text in [format!("a = {}", "[".repeat(100_000)), format!("a = {}", "{a=".repeat(100_000)), format!("{}a = 1", "a.".repeat(100_000))]
    {
        assert!(parse(&text).is_err());
    }
}
