//! A plan as TOML again, every key written out: what was meant, defaults included. It parses back to the same plan.

use serde_json::{Map, Value, json};

use crate::{
    AdapterUse, CommandSpec, Compress, EngineSpec, LoadSpec, ModelSource, ModelSpec, NliSpec, Plan, PriceSpec, QualitySpec, TaskSpec,
};

/// A plan made by hand that holds what TOML cannot, such as a seed above 2^63.
#[derive(Debug, thiserror::Error)]
#[error("the plan cannot be written as TOML: {0}")]
pub struct Unwritable(#[from] toml::ser::Error);

impl Plan {
    /// The plan as TOML text with every default spelled out. Paths stand as they were resolved.
    ///
    /// # Errors
    /// A value that TOML cannot hold; none that [`crate::parse`] lets through.
    pub fn to_toml(&self) -> Result<String, Unwritable> {
        Ok(toml::to_string(&self.as_written())?)
    }

    fn as_written(&self) -> Value {
        let mut adapt = object(&self.adapt);
        let lr = &self.adapt.lr;
        adapt.extend(object(&json!({"lr": lr.peak, "warmup_ratio": lr.warmup_ratio, "schedule": lr.schedule.name()})));
        if self.adapt.steps.is_some() {
            adapt.remove("epochs");
        }
        if let Some(by) = &self.adapt.command {
            adapt.remove("command");
            adapt.extend(command(by));
        }
        let mut root = object(&json!({
            "name": self.name, "seed": self.seed, "runs": self.runs, "strategies": self.strategies,
            "models": self.models.iter().map(model).collect::<Vec<_>>(),
            "tasks": self.tasks.iter().map(task).collect::<Vec<_>>(),
            "engines": self.engines.iter().map(engine).collect::<Vec<_>>(),
            "load": load(&self.load), "slo": self.slo, "judge": self.judge, "nli": self.nli.as_ref().map(nli), "meter": self.meter,
            "prices": prices(&self.prices),
        }));
        root.insert("adapt".into(), adapt.into());
        if self.quality != QualitySpec::default() {
            root.insert("quality".into(), object(&self.quality).into());
        }
        let mut root = Value::Object(root);
        drop_nulls(&mut root);
        root
    }
}

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn model(model: &ModelSpec) -> Value {
    let mut map = object(&json!({"family": model.family, "tier": model.tier}));
    map.extend(source(&model.source));
    map.into()
}

fn nli(nli: &NliSpec) -> Value {
    let mut map = object(&json!({"threads": nli.threads, "long": nli.long}));
    map.extend(source(&nli.source));
    map.into()
}

fn source(source: &ModelSource) -> Map<String, Value> {
    object(&match source {
        ModelSource::Path(path) => json!({"path": path.to_string_lossy()}),
        ModelSource::Hub { id, revision } => json!({"hub": id, "revision": revision}),
        ModelSource::Random(folder) => json!({"weights": "random", "config": folder.to_string_lossy()}),
        ModelSource::Builtin => json!({"builtin": true}),
    })
}

fn task(task: &TaskSpec) -> Value {
    object(task).into()
}

fn prices(prices: &PriceSpec) -> Value {
    let mut map = object(prices);
    if let Some(owned) = &prices.owned {
        map.remove("owned");
        map.remove("machine_usd_per_hour");
        map.extend(object(&json!({"machine_price_usd": owned.price_usd, "life_years": owned.life_years})));
    }
    map.into()
}

fn load(load: &LoadSpec) -> Value {
    let mut map = object(load);
    if map.remove("sweep").is_some() {
        map.insert("concurrency".into(), load.levels().collect());
    }
    map.into()
}

fn engine(engine: &EngineSpec) -> Value {
    let mut map = object(&json!({"name": engine.name, "strategies": engine.strategies, "kind": engine.kind, "price": engine.price}));
    match &engine.compress {
        None => {}
        Some(Compress::Engine) => drop(map.insert("compress".into(), "engine".into())),
        Some(Compress::Command(by)) => drop(map.insert("compress".into(), command(by).into())),
    }
    if engine.adapter != AdapterUse::default() {
        map.insert("adapter".into(), engine.adapter.name().into());
    }
    map.extend(engine.options.clone());
    map.into()
}

/// Its folder is not written: it is that of the plan.
fn command(command: &CommandSpec) -> Map<String, Value> {
    object(&json!({"kind": "command", "run": command.run, "environment": command.environment, "gives": command.gives.name()}))
}

/// TOML has no null: what is absent is left out.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, member| !member.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
