//! Keys change with what decides a stage's outcome, downstream stages with them, and with nothing else.

use plan::{CommandSpec, CsvPower, CsvSpec, CsvTime, EnginePrice, Gives, LongPairs, Plan, StageKind, keys::Digests};

use crate::parse;

fn digests(plan: &Plan) -> Digests {
    let name = |kind: &str, i: usize| Some(format!("{kind}{i}"));
    Digests {
        models: (0..plan.models.len()).map(|i| name("model", i)).collect(),
        train: (0..plan.tasks.len()).map(|i| name("train", i)).collect(),
        eval: (0..plan.tasks.len()).map(|i| name("eval", i)).collect(),
        engines: vec!["build 1".into(); plan.engines.len()],
        ..Digests::default()
    }
}

/// The kinds of stage of which some key changes when the plan or the digests do.
fn changed(change: impl FnOnce(&mut Plan, &mut Digests)) -> Vec<&'static str> {
    let mut plan = parse(plan::quickstart()).unwrap();
    let mut files = digests(&plan);
    let before = plan.stages().keys(&plan, &files);
    change(&mut plan, &mut files);
    let graph = plan.stages();
    let after = graph.keys(&plan, &files);
    let differ = |kind| graph.stages.iter().enumerate().any(|(i, s)| s.kind == kind && after[i] != before[i]);
    StageKind::ALL.iter().filter(|&&kind| differ(kind)).map(|kind| kind.name()).collect()
}

const ALL: [&str; 6] = ["adapt", "merge", "quantise", "serve", "quality", "perplexity"];

#[test]
fn what_decides_an_outcome_changes_its_key() {
    assert_eq!(changed(|plan, _| plan.seed += 1), ALL);
    assert_eq!(changed(|_, files| files.models[0] = Some("other".into())), ALL);
    assert_eq!(changed(|_, files| files.train[0] = Some("other".into())), ALL);
    assert_eq!(changed(|plan, _| plan.adapt.lr.peak *= 2.0), ALL);
    assert_eq!(changed(|plan, _| plan.tasks[0].system = Some("Be brief.".into())), ALL);
    assert_eq!(changed(|_, files| files.eval[0] = Some("other".into())), ["serve", "quality", "perplexity"]);
    assert_eq!(changed(|_, files| files.engines[0] = "build 2".into()), ["serve", "quality"]);
    assert_eq!(changed(|plan, _| plan.load.requests += 1), ["serve"]);
    assert_eq!(changed(|plan, _| plan.tasks[0].max_tokens += 1), ["quality"]);
    assert_eq!(changed(|plan, _| plan.meter.csv = Some(csv("plug.csv", "power_w"))), ALL);
}

fn csv(path: &str, power_column: &str) -> CsvSpec {
    CsvSpec { path: path.into(), time_column: "time".into(), time: CsvTime::UnixS, power_column: power_column.into(), power: CsvPower::W }
}

#[test]
fn every_key_of_an_external_meter_decides() {
    let key = |spec: CsvSpec| {
        let mut plan = parse(plan::quickstart()).unwrap();
        plan.meter.csv = Some(spec);
        plan.stages().keys(&plan, &digests(&plan))
    };
    let plain = key(csv("a.csv", "power_w"));
    assert_ne!(plain, key(csv("b.csv", "power_w")));
    assert_ne!(plain, key(csv("a.csv", "p")));
    assert_ne!(plain, key(CsvSpec { time: CsvTime::UnixMs, ..csv("a.csv", "power_w") }));
    assert_ne!(plain, key(CsvSpec { power: CsvPower::Mw, ..csv("a.csv", "power_w") }));
}

#[test]
fn what_decides_nothing_changes_no_key() {
    assert!(changed(|plan, _| plan.name = "other".into()).is_empty());
    assert!(changed(|plan, _| plan.prices.electricity_usd_per_kwh *= 2.0).is_empty());
    assert!(changed(|plan, _| plan.tasks[0].alpha = 2.0).is_empty());
    assert!(
        changed(|plan, _| plan.tasks[0].data = plan::DataSpec::Apart { train: plan::Rows::at("moved"), eval: plan::Rows::at("rows") })
            .is_empty()
    );
}

#[test]
fn more_runs_keep_the_first_ones() {
    let mut plan = parse(plan::quickstart()).unwrap();
    let keys = |plan: &Plan| plan.stages().keys(plan, &digests(plan)).into_iter().collect::<std::collections::HashSet<_>>();
    let few = keys(&plan);
    plan.runs += 2;
    assert!(keys(&plan).is_superset(&few));
}

#[test]
fn every_stage_has_a_key_of_its_own() {
    let plan = parse(plan::paper_72()).unwrap();
    let graph = plan.stages();
    let keys: std::collections::HashSet<_> = graph.keys(&plan, &digests(&plan)).into_iter().map(Option::unwrap).collect();
    assert_eq!(keys.len(), graph.stages.len());
    assert!(keys.iter().all(|key| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit())));
}

#[test]
fn a_missing_digest_leaves_only_its_own_stages_unknown() {
    let plan = parse(plan::quickstart()).unwrap();
    let graph = plan.stages();
    let mut files = digests(&plan);
    files.train[1] = None;
    for (stage, key) in graph.stages.iter().zip(graph.keys(&plan, &files)) {
        let needs_it = stage.task == 1 && stage.method != plan::Method::None;
        assert_eq!(key.is_none(), needs_it, "{}", plan.stage_label(stage));
    }
}

#[test]
fn a_command_decides_by_its_words_and_files_and_not_by_its_place() {
    let command = |run: &str, folder: &str| CommandSpec {
        run: vec![run.into(), "{out}".into()],
        environment: std::collections::BTreeMap::default(),
        gives: Gives::Adapter,
        folder: folder.into(),
    };
    let key = |command: CommandSpec, files: Option<&str>| {
        let mut plan = parse(plan::quickstart()).unwrap();
        plan.adapt.command = Some(command);
        let digests = Digests { adapt_command: files.map(str::to_owned), ..digests(&plan) };
        plan.stages().keys(&plan, &digests)
    };
    let plain = key(command("a", "x"), Some("1"));
    assert_eq!(plain, key(command("a", "y"), Some("1")));
    assert_ne!(plain, key(command("b", "x"), Some("1")));
    assert_ne!(plain, key(command("a", "x"), Some("2")));
}

#[test]
fn an_engines_name_and_price_decide_nothing() {
    assert!(changed(|plan, _| plan.engines[0].name = Some("mine".into())).is_empty());
    let price = EnginePrice { input_usd_per_mtok: 1.0, output_usd_per_mtok: 2.0, source: "a list".into(), date: "2026-08-01".into() };
    assert!(changed(|plan, _| plan.engines[0].price = Some(price)).is_empty());
}

#[test]
fn what_becomes_of_long_pairs_decides_a_cross_encoders_ratings() {
    let plan = parse(plan::quickstart()).unwrap();
    let key = |long| plan::keys::nli("pass", "model", long, &plan.meter);
    assert_ne!(key(LongPairs::Split), key(LongPairs::OnlyFirst));
    assert_ne!(key(LongPairs::LongestFirst), key(LongPairs::OnlyFirst));
}

#[test]
fn how_answers_are_scored_decides_their_marks_alone() {
    assert_eq!(changed(|plan, _| plan.quality.temperature = 0.5), ["quality"]);
    // Answers do not change because another mark counts.
    assert!(changed(|plan, _| plan.tasks[0].marks = vec!["rouge_l".into()]).is_empty());
    assert!(changed(|plan, _| plan.tasks[0].primary = "exact_match".into()).is_empty());
    let mut plan = parse(plan::quickstart()).unwrap();
    let keys = |plan: &Plan| plan.stages().keys(plan, &digests(plan)).into_iter().collect::<std::collections::HashSet<_>>();
    let one = keys(&plan);
    plan.quality.passes = 3;
    assert!(keys(&plan).is_superset(&one), "the first pass is kept");
}
