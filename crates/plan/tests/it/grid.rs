//! Cells and shared stages of the plans that ship.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use plan::{AdapterUse, CommandSpec, Compress, EngineSpec, Gives, Method, QuantisedAs, StageKind, Strategy, keys::Digests};

use crate::{SMALL, parse};

#[test]
fn the_papers_grid_is_72_cells_on_36_adaptations() {
    let plan = parse(plan::paper_72()).unwrap();
    let graph = plan.stages();
    assert_eq!(graph.cells.len(), 72);
    assert_eq!(plan.cells().iter().collect::<std::collections::HashSet<_>>().len(), 72);
    let counts: Vec<_> = StageKind::ALL.iter().map(|&kind| graph.count(kind)).collect();
    assert_eq!(counts, [36, 36, 54, 72 * 20, 72, 0, 0, 72]);
    for stage in graph.stages.iter().filter(|stage| stage.kind == StageKind::Adapt) {
        let sharing = if stage.method == Method::Lora { 3 } else { 1 };
        assert_eq!(stage.cells.len(), sharing, "{}", plan.stage_label(stage));
    }
}

#[test]
fn the_quickstart_has_every_strategy_and_three_tasks() {
    let plan = parse(plan::quickstart()).unwrap();
    assert_eq!(plan.strategies, Strategy::ALL);
    let graph = plan.stages();
    assert_eq!((graph.cells.len(), graph.count(StageKind::Adapt), graph.count(StageKind::Quantise)), (15, 6, 9));
    assert!(plan.meter.modelled_w_per_core.is_some(), "a machine without meters still has energy figures, labelled as modelled");
}

#[test]
fn a_cell_stands_on_its_own_stages() {
    let plan = parse(plan::quickstart()).unwrap();
    let graph = plan.stages();
    for (index, (cell, of)) in graph.cells.iter().zip(&graph.of_cell).enumerate() {
        assert_eq!(of.adapt.is_some(), cell.strategy.method() != Method::None);
        assert_eq!(of.quantise.is_some(), matches!(cell.strategy, Strategy::LoraInt8 | Strategy::LoraInt4 | Strategy::QloraInt4));
        assert_eq!(of.serve.len(), plan.runs as usize);
        for &stage in of.serve.iter().chain(of.adapt.iter()).chain(&of.quality) {
            let stage = &graph.stages[stage];
            assert!(stage.cells.contains(&index));
            assert_eq!(plan.tasks[stage.task].name, cell.task);
        }
    }
    for (index, stage) in graph.stages.iter().enumerate() {
        assert!(stage.upstream.is_none_or(|up| up < index), "a stage stands after the one it reads from");
    }
}

#[test]
fn engines_that_read_other_files_have_quantisations_of_their_own() {
    let mut plan = parse(plan::quickstart()).unwrap();
    let engine =
        |kind: &str, options: serde_json::Value| EngineSpec { options: serde_json::from_value(options).unwrap(), ..EngineSpec::of(kind) };
    plan.engines.push(engine("llama-cpp", serde_json::json!({})));
    assert_eq!(plan.stages().count(StageKind::Quantise), 9, "GGUF files are shared");
    plan.engines.push(engine("vllm", serde_json::json!({"quantisation": "compressed-tensors"})));
    let graph = plan.stages();
    assert_eq!((graph.count(StageKind::Merge), graph.count(StageKind::Quantise)), (6, 18), "merges are shared all the same");
    let files = |cell: usize| graph.of_cell[cell].quantise.map(|stage| &graph.stages[stage]);
    let of = |engine: &str| graph.cells.iter().position(|cell| cell.engine == engine && cell.strategy == Strategy::LoraInt4).unwrap();
    assert_eq!(files(of("embedded")).unwrap().quantised_as, Some(QuantisedAs::Gguf));
    let packed = files(of("vllm")).unwrap();
    assert_eq!(packed.quantised_as, Some(QuantisedAs::CompressedTensors));
    assert!(plan.stage_label(packed).ends_with("lora-int4 · compressed-tensors"), "{}", plan.stage_label(packed));
    let digests = Digests {
        models: vec![Some("m".into()); plan.models.len()],
        train: vec![Some("t".into()); plan.tasks.len()],
        eval: vec![Some("e".into()); plan.tasks.len()],
        engines: vec!["1".into(); 3],
        ..Digests::default()
    };
    let keys = graph.keys(&plan, &digests);
    let key = |cell: usize| keys[graph.of_cell[cell].quantise.unwrap()].clone().unwrap();
    assert_ne!(key(of("embedded")), key(of("vllm")));
}

#[test]
fn strategies_of_one_task_share_seeds_and_runs_do_not() {
    let plan = parse(plan::quickstart()).unwrap();
    let graph = plan.stages();
    let seeds = |cell: usize| graph.of_cell[cell].serve.iter().map(|&s| plan.stage_seed(&graph.stages[s])).collect::<Vec<_>>();
    assert_eq!(seeds(0), seeds(4), "base-fp16 and qlora-int4 of the first task are paired");
    assert_ne!(seeds(0), seeds(5), "another task");
    assert_ne!(seeds(0)[0], seeds(0)[1], "another run");
}

#[test]
fn what_edge_eval_plan_prints() {
    let plan = parse(SMALL).unwrap();
    let graph = plan.stages();
    let digests = Digests {
        models: vec![Some("m".into())],
        train: vec![Some("t".into())],
        eval: vec![Some("e".into())],
        engines: vec!["1".into()],
        ..Digests::default()
    };
    let keys = graph.keys(&plan, &digests);
    let lora = &graph.of_cell[1];
    let finished: BTreeSet<String> = [lora.adapt.unwrap(), lora.merge.unwrap(), lora.serve[0], lora.serve[1], lora.quality[0]]
        .iter()
        .filter_map(|&stage| keys[stage].clone())
        .collect();
    expect![[r#"
        small: 5 cells, 3 runs of each, seed 42

        Cells
          model     task  strategy    engine    runs  scored
          LLaMA 1B  rag   base-fp16   embedded  0/3   to run
          LLaMA 1B  rag   lora-fp16   embedded  2/3   finished
          LLaMA 1B  rag   lora-int8   embedded  0/3   to run
          LLaMA 1B  rag   lora-int4   embedded  0/3   to run
          LLaMA 1B  rag   qlora-int4  embedded  0/3   to run

        Shared stages
          stage     of                           cells  state     key
          adapt     LLaMA 1B · rag · lora        3      finished  ae076351
          merge     LLaMA 1B · rag · lora        3      finished  a277c7dd
          quantise  LLaMA 1B · rag · lora-int8   1      to run    909f6355
          quantise  LLaMA 1B · rag · lora-int4   1      to run    a358453d
          adapt     LLaMA 1B · rag · qlora       1      to run    7edc1772
          merge     LLaMA 1B · rag · qlora       1      to run    12b6c617
          quantise  LLaMA 1B · rag · qlora-int4  1      to run    c4a588c7

        Stages
          stage       planned  finished  to run  not known
          adapt       2        1         1       0
          merge       2        1         1       0
          quantise    3        0         3       0
          serve       15       2         13      0
          quality     5        1         4       0
          perplexity  5        0         5       0
    "#]]
    .assert_eq(&plan::render(&plan, &graph, &keys, &finished));
    let unknown = graph.keys(&plan, &Digests::default());
    let text = plan::render(&plan, &graph, &unknown, &finished);
    assert!(text.ends_with("32 stages need a model or data that is not here yet; whether they are finished is not known.\n"), "{text}");
}

/// The kinds of the stages that a cell's weights went through.
fn way(plan: &plan::Plan, strategy: Strategy) -> Vec<&'static str> {
    let graph = plan.stages();
    let cell = graph.cells.iter().position(|cell| cell.strategy == strategy).unwrap();
    let (mut kinds, mut next) = (Vec::new(), Some(graph.of_cell[cell].serve[0]));
    while let Some(stage) = next {
        kinds.push(graph.stages[stage].kind.name());
        next = graph.stages[stage].upstream;
    }
    kinds.reverse();
    kinds
}

#[test]
fn stages_follow_from_what_engines_and_commands_do() {
    let plan = parse(SMALL).unwrap();
    assert_eq!(way(&plan, Strategy::LoraInt4), ["adapt", "merge", "quantise", "serve"]);
    let mut apart = plan.clone();
    apart.engines[0].adapter = AdapterUse::Apart;
    assert_eq!(way(&apart, Strategy::LoraFp16), ["adapt", "serve"]);
    assert_eq!(way(&apart, Strategy::LoraInt4), ["adapt", "merge", "quantise", "serve"]);
    let mut in_flight = plan.clone();
    in_flight.engines[0].compress = Some(Compress::Engine);
    assert_eq!(way(&in_flight, Strategy::LoraInt4), ["adapt", "merge", "serve"]);
    let command = |gives| CommandSpec { run: vec!["x".into()], environment: BTreeMap::default(), gives, folder: "".into() };
    let mut whole = plan.clone();
    whole.adapt.command = Some(command(Gives::Folder));
    assert_eq!(way(&whole, Strategy::LoraInt4), ["adapt", "quantise", "serve"]);
    assert_eq!(way(&whole, Strategy::LoraFp16), ["adapt", "serve"]);
}

#[test]
fn engines_with_one_command_share_what_it_writes() {
    let mut plan = parse(SMALL).unwrap();
    let command = |run: &str| {
        Some(Compress::Command(CommandSpec {
            run: vec![run.into(), "{out}".into()],
            environment: BTreeMap::default(),
            gives: Gives::Folder,
            folder: "".into(),
        }))
    };
    for (name, compress) in [("a", command("awq")), ("b", command("awq")), ("c", command("gptq"))] {
        plan.engines.push(EngineSpec { name: Some(name.into()), compress, ..EngineSpec::of("embedded") });
    }
    let graph = plan.stages();
    // GGUF, awq and gptq, of three strategies with integer weights.
    assert_eq!(graph.count(StageKind::Quantise), 9);
    let of = |engine: &str| {
        let cell = graph.cells.iter().position(|cell| cell.engine == engine && cell.strategy == Strategy::LoraInt4).unwrap();
        graph.of_cell[cell].quantise.unwrap()
    };
    assert_eq!(of("a"), of("b"));
    assert_ne!(of("a"), of("c"));
    assert_eq!(graph.stages[of("b")].quantised_as, Some(QuantisedAs::Command(1)));
    assert!(plan.stage_label(&graph.stages[of("a")]).ends_with("lora-int4 · for a"));
}

#[test]
fn an_engine_may_be_put_through_some_strategies_only() {
    let mut plan = parse(SMALL).unwrap();
    plan.engines[0].strategies = Some(vec![Strategy::LoraInt4]);
    let graph = plan.stages();
    assert_eq!((graph.cells.len(), graph.count(StageKind::Adapt), graph.count(StageKind::Quality)), (1, 1, 1));
    let text = plan.to_toml().unwrap();
    assert_eq!(parse(&text).unwrap().engines, plan.engines, "{text}");
    assert!(parse(&text.replace("strategies = [\"lora-int4\"]", "strategies = [\"lora\"]")).is_err());
    // Nothing at all to do is no plan.
    let other = text.replace("strategies = [\"lora-int4\"]", "strategies = [\"qlora-int4\"]");
    let nothing = other.replacen(
        "strategies = [\"base-fp16\", \"lora-fp16\", \"lora-int8\", \"lora-int4\", \"qlora-int4\"]",
        "strategies = [\"base-fp16\"]",
        1,
    );
    assert!(parse(&nothing).unwrap_err().to_string().contains("no cell"), "{nothing}");
}

#[test]
fn passes_and_raters_are_stages_of_their_own() {
    let text = SMALL.replace("primary = \"f1\"", "primary = \"f1\"\nmarks = [\"judge_safety\", \"nli_entailment\", \"judge_helpfulness\"]")
        + "[quality]\npasses = 3\ntemperature = 0.7\n[judge]\nurl = \"http://127.0.0.1:1\"\nmodel = \"j\"\n[nli]\npath = \"nli\"\n";
    let plan = parse(&text).unwrap();
    let graph = plan.stages();
    assert_eq!((graph.of_cell[0].quality.len(), graph.of_cell[0].rate.len()), (3, 6));
    let rated = graph.of_cell[0].rate.iter().map(|&stage| &graph.stages[stage]);
    assert!(rated.clone().all(|stage| graph.of_cell[0].quality.contains(&stage.upstream.unwrap())));
    let labels: Vec<String> = rated.map(|stage| plan.stage_label(stage)).collect();
    assert!(labels[5].ends_with("base-fp16 · embedded · pass 3"), "{labels:?}");
    let seeds: BTreeSet<u64> = graph.of_cell[0].quality.iter().map(|&stage| plan.stage_seed(&graph.stages[stage])).collect();
    assert_eq!(seeds.len(), 3, "each pass samples anew");
    assert_eq!(parse(&plan.to_toml().unwrap()).unwrap(), plan);
    expect![[r#"
        line 1: task "rag" has judge marks, and nothing says who gives them
          hint: add a [judge] section"#]]
    .assert_eq(&parse(&text.replace("[judge]\nurl = \"http://127.0.0.1:1\"\nmodel = \"j\"\n", "")).unwrap_err().to_string());
}
