//! The `QLoRA` question put to the authors' rows: what the logs say of each adaptation, and what their code says of its settings.

use metric::adaptation::{Adaptation, Settings, compare, together};
use plan::Method;
use units::{Missing, Reading};

use crate::{
    code,
    document::{Group, Pair},
    logs::{Logs, Model, Task, Training},
};

/// Seed of bootstraps; with three pairs none is drawn.
const SEED: u64 = 42;

/// Every model, `QLoRA` over LoRA.
pub(crate) fn of_logs(logs: &Logs) -> Vec<Group> {
    Model::all().map(|model| group(logs, model)).collect()
}

fn group(logs: &Logs, model: Model) -> Group {
    let pairs = Task::ALL.map(|task| (task, pair(logs, model, task)));
    let whole: Vec<_> = pairs.iter().filter_map(|(_, pair)| pair.clone().ok()).collect();
    let shown = pairs.into_iter().map(|(task, pair)| match pair {
        Ok(pair) => pair.into(),
        Err(why) => Pair::missing(format!("{model} · {}", task.name()), &why),
    });
    Group::of(model.to_string(), shown.collect(), together(&whole, SEED))
}

/// One task's two adaptations compared.
pub(crate) fn pair(logs: &Logs, model: Model, task: Task) -> Result<metric::adaptation::Pair, Missing> {
    let of = |method| logs.training(model, task, method).map(adaptation);
    compare(&of(Method::Lora)?, &of(Method::Qlora)?)
}

fn adaptation(row: &Training) -> Adaptation {
    let subject = format!("{} · {}", row.model, row.task.name());
    let (batch, accumulation) = code::batch(row.model.tier);
    Adaptation {
        label: format!("{subject} · {}", crate::logs::method_name(row.method)),
        subject,
        method: crate::logs::method_name(row.method).to_lowercase(),
        energy: Reading::Known(row.energy),
        time: Reading::Known(row.time),
        tokens: Reading::missing("the logs do not count tokens"),
        settings: Settings {
            dtype: code::dtype(row.model.tier, row.method),
            gpus: Reading::Known(row.gpus),
            batch,
            accumulation,
            rows: Reading::Known(row.rows),
            checkpointing: Reading::Known(code::CHECKPOINTING),
            max_length: Reading::missing("left to the trainer's default by both scripts"),
        },
    }
}
