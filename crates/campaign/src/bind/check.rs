//! What a plan cannot mean, once it is known what its engines and models are: refused before anything runs. What its text alone tells is the
//! plan reader's.

use plan::{Compress, EngineSpec, Plan, Precision, Stage, StageGraph, StageKind};
use serve::launch::Origin;

use super::BoundModel;
use crate::error::{Error, Result};

/// Checks an engine's options, and what the plan says of it beside them.
///
/// # Errors
/// No such engine; options it does not have; a price of what we start; quantisation by an engine that cannot.
pub(super) fn engine(spec: &EngineSpec) -> Result<()> {
    let engine = serve::engines::find(&spec.kind)?;
    engine.check(&spec.options)?;
    let label = || spec.label().to_owned();
    if spec.price.is_some() && engine.about().origin != Origin::Running {
        return Err(Error::PriceOfStarted { engine: label() });
    }
    if spec.compress == Some(Compress::Engine) && engine.about().in_flight.is_empty() {
        return Err(Error::NoInFlight { engine: label() });
    }
    Ok(())
}

/// Checks that what is to be adapted or quantised is a model folder.
///
/// # Errors
/// [`Error::GgufModel`].
pub(super) fn models(plan: &Plan, graph: &StageGraph, models: &[BoundModel]) -> Result<()> {
    let changes = |stage: &&Stage| {
        let makes = matches!(stage.kind, StageKind::Adapt | StageKind::Merge | StageKind::Quantise);
        makes || !matches!(stage.precision, None | Some(Precision::Fp16))
    };
    let gguf = |stage: &&Stage| models[stage.model].path.is_file();
    let Some(stage) = graph.stages.iter().filter(changes).find(gguf) else { return Ok(()) };
    let strategy = stage.cells.first().map_or("", |cell| graph.cells[*cell].strategy.name());
    Err(Error::GgufModel { model: plan.models[stage.model].label(), strategy })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn spec(kind: &str, options: &serde_json::Value) -> EngineSpec {
        EngineSpec { options: options.as_object().unwrap().clone(), ..EngineSpec::of(kind) }
    }

    #[test]
    fn only_what_runs_already_has_a_price_and_only_what_can_quantises() {
        let price = Some(plan::EnginePrice {
            input_usd_per_mtok: 1.0,
            output_usd_per_mtok: 2.0,
            source: "a test".to_owned(),
            date: "2026-08-01".to_owned(),
        });
        let hosted = spec("openai", &serde_json::json!({"url": "http://127.0.0.1:1", "model": "m"}));
        assert!(engine(&EngineSpec { price: price.clone(), ..hosted.clone() }).is_ok());
        for kind in ["embedded", "vllm"] {
            let error = engine(&EngineSpec { price: price.clone(), ..EngineSpec::of(kind) }).unwrap_err();
            assert!(matches!(error, Error::PriceOfStarted { .. }) && error.hint().is_some(), "{error}");
        }
        let quantises = |spec: EngineSpec| engine(&EngineSpec { compress: Some(Compress::Engine), ..spec });
        assert!(quantises(EngineSpec::of("vllm")).is_ok());
        for spec in [EngineSpec::of("embedded"), EngineSpec::of("trtllm"), hosted] {
            let error = quantises(spec).unwrap_err();
            assert!(matches!(error, Error::NoInFlight { .. }) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn a_gguf_file_is_served_as_it_is_and_not_made_anything_of() {
        let known = plan::Known {
            tasks: vec!["summarization", "rag", "chat"],
            engines: vec!["embedded"],
            meters: vec!["modelled"],
            marks: vec!["f1", "rouge_l", "exact_match"],
        };
        let mut plan = plan::parse(plan::quickstart(), Path::new("."), &known).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let bound = |path: &Path| vec![BoundModel { path: path.to_owned(), digest: String::new(), random: false }; 9];
        assert!(models(&plan, &plan.stages(), &bound(Path::new("."))).is_ok());
        let error = models(&plan, &plan.stages(), &bound(file.path())).unwrap_err();
        assert!(error.to_string().contains("is a GGUF file, which"), "{error}");
        assert!(error.hint().unwrap().contains("safetensors"));
        plan.strategies = vec![plan::Strategy::BaseFp16];
        assert!(models(&plan, &plan.stages(), &bound(file.path())).is_ok());
    }
}
