//! Which weights are read for the likelihood of reference answers, beside which others, and once.

use plan::{AdapterUse, Compress, EngineSpec, Method, Plan, Stage, StageKind, Strategy, keys::Digests};

use crate::{SMALL, parse};

fn small(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = parse(SMALL).unwrap();
    change(&mut plan);
    plan
}

/// Strategy of a cell, and what stage it stands on and is put beside.
type Seen = (Strategy, Option<StageKind>, Option<(StageKind, Method)>);

/// For each cell that has it.
fn read(plan: &Plan) -> Vec<Seen> {
    let graph = plan.stages();
    let of = |index: Option<usize>| index.map(|index| &graph.stages[index]);
    let told = |stage: &Stage| (of(stage.upstream).map(|stage| stage.kind), of(stage.against).map(|stage| (stage.kind, stage.method)));
    let cells = graph.cells.iter().zip(&graph.of_cell);
    cells.filter_map(|(cell, stages)| of(stages.perplexity).map(told).map(|(up, against)| (cell.strategy, up, against))).collect()
}

#[test]
fn quantised_weights_stand_beside_the_merged_ones() {
    let (merge, quantise, full) = (Some(StageKind::Merge), Some(StageKind::Quantise), Some((StageKind::Merge, Method::Lora)));
    let all = [
        (Strategy::BaseFp16, None, None),
        (Strategy::LoraFp16, merge, None),
        (Strategy::LoraInt8, quantise, full),
        (Strategy::LoraInt4, quantise, full),
        (Strategy::QloraInt4, quantise, full),
    ];
    assert_eq!(read(&small(|_| ())), all);
    let turned = small(|plan| plan.strategies.reverse());
    assert_eq!(read(&turned), all.iter().rev().copied().collect::<Vec<_>>(), "whichever comes first");
    // Without LoRA there is nothing in full precision that QLoRA could stand beside.
    let alone = small(|plan| plan.strategies = vec![Strategy::QloraInt4]);
    assert_eq!(read(&alone), [(Strategy::QloraInt4, quantise, None)]);
    let int4 = small(|plan| plan.strategies = vec![Strategy::LoraInt4]);
    assert_eq!(read(&int4), [(Strategy::LoraInt4, quantise, full)], "the merge is there for the quantisation");
}

#[test]
fn it_belongs_to_weights_and_task_and_not_to_an_engine() {
    let plan = small(|plan| plan.engines.push(EngineSpec::of("llama-cpp")));
    let graph = plan.stages();
    assert_eq!((graph.cells.len(), graph.count(StageKind::Perplexity)), (10, 5));
    for stage in graph.stages.iter().filter(|stage| stage.kind == StageKind::Perplexity) {
        assert_eq!((stage.engine, stage.run, stage.cells.len()), (None, None, 2), "{}", plan.stage_label(stage));
    }
}

#[test]
fn what_cannot_be_read_is_not_planned_and_says_why() {
    let strategies = |plan: &Plan| read(plan).into_iter().map(|(strategy, ..)| strategy).collect::<Vec<_>>();
    assert!(read(&small(|plan| plan.quality.perplexity = false)).is_empty());
    let in_flight = small(|plan| plan.engines[0].compress = Some(Compress::Engine));
    assert_eq!(strategies(&in_flight), [Strategy::BaseFp16, Strategy::LoraFp16]);
    assert!(in_flight.why_not_read(Strategy::LoraInt4, 0).is_some_and(|why| why.contains("quantises as it loads")));
    let packed = small(|plan| drop(plan.engines[0].options.insert("quantisation".into(), "compressed-tensors".into())));
    assert_eq!(strategies(&packed), [Strategy::BaseFp16, Strategy::LoraFp16]);
    let apart = small(|plan| plan.engines[0].adapter = AdapterUse::Apart);
    assert_eq!(strategies(&apart), [Strategy::BaseFp16, Strategy::LoraInt8, Strategy::LoraInt4, Strategy::QloraInt4]);
}

#[test]
fn its_key_is_of_the_weights_their_counterpart_and_the_rows() {
    let keys = |plan: &Plan, eval: &str| -> Vec<String> {
        let some = |digest: &str| vec![Some(digest.to_owned())];
        let engines = plan.engines.iter().map(|_| "1".to_owned()).collect();
        let digests = Digests { models: some("m"), train: some("t"), eval: some(eval), engines, ..Digests::default() };
        let graph = plan.stages();
        let all = graph.keys(plan, &digests);
        graph.of_cell.iter().filter_map(|of| all[of.perplexity?].clone()).collect()
    };
    let before = keys(&small(|_| ()), "e");
    assert_eq!(before.iter().collect::<std::collections::HashSet<_>>().len(), 5);
    assert!(keys(&small(|_| ()), "other rows").iter().all(|key| !before.contains(key)));
    let other_engine = small(|plan| plan.engines = vec![EngineSpec::of("llama-cpp")]);
    assert_eq!(keys(&other_engine, "e"), before);
    let other_load = small(|plan| {
        plan.load.requests += 1;
        plan.quality.passes = 3;
        plan.tasks[0].max_tokens += 1;
    });
    assert_eq!(keys(&other_load, "e"), before);
    let alone = keys(&small(|plan| plan.strategies = vec![Strategy::QloraInt4]), "e");
    assert_ne!(alone[0], before[4], "beside nothing it is another observation");
}
