//! The same five tables out of a run folder of ours: rows are the models of the plan, figures are `metric`'s under the method `measured`,
//! and a figure that cannot be known is a reason. A table of the paper mixes cells; which, and how many of them there are, stands with it.

mod select;
mod tables;

use std::{collections::HashMap, path::Path};

use metric::{
    Campaign, METHOD,
    adaptation::{self, compare, together},
};
use plan::{Method, Strategy};
use record::{EnergySource, RunFolder, StageRecord};
use units::Missing;

use self::select::{Models, model_name, models, view};
use crate::{
    Result,
    document::{self, Document, Group, Of, Pair},
};

/// The five tables and the `QLoRA` question of a run. The run may still be going on.
///
/// # Errors
/// The folder is no run folder, of another version, or holds a damaged file.
pub fn of_run(run: &Path) -> Result<Document> {
    let folder = RunFolder::open(run)?;
    let manifest = folder.manifest()?;
    let records: HashMap<String, StageRecord> = folder.records()?.into_iter().map(|record| (record.key.clone(), record)).collect();
    let record = |key: &str| Ok::<_, record::Error>(records.get(key).cloned());
    let campaign = Campaign::join(&manifest, record, |file| folder.read_requests(file))?;
    Ok(of_campaign(&campaign))
}

/// The same of records at hand.
pub fn of_campaign(campaign: &Campaign) -> Document {
    let source = format!("run {}", campaign.plan.name);
    Document { notes: notes(campaign), ..document::of(Of::Run, &source, METHOD, tables::all(campaign), qlora(campaign)) }
}

/// What must be said of the energies.
fn notes(campaign: &Campaign) -> Vec<String> {
    let of = |name: &str| {
        let figures = campaign.views().filter_map(|view| Some(metric::find(name)?.of(&view).source)).flatten();
        let sources: Vec<EnergySource> = figures.collect();
        let modelled = sources.iter().filter(|&&source| source == EnergySource::Modelled).count();
        (modelled > 0).then(|| {
            format!("{name} is modelled (CPU time times a stated power per core), not measured, in {modelled} of {} cells", sources.len())
        })
    };
    ["train_energy_j", "energy_per_request_j"].into_iter().filter_map(of).collect()
}

/// `QLoRA` over LoRA, model by model.
fn qlora(campaign: &Campaign) -> Vec<Group> {
    let Models(all) = models(campaign);
    all.iter().map(|model| group(campaign, model)).collect()
}

fn group(campaign: &Campaign, model: &(String, String)) -> Group {
    let tasks = campaign.plan.tasks.iter().map(|task| task.name.as_str());
    let pairs: Vec<(&str, Result<adaptation::Pair, Missing>)> = tasks.map(|task| (task, pair(campaign, model, task))).collect();
    let whole: Vec<_> = pairs.iter().filter_map(|(_, pair)| pair.clone().ok()).collect();
    let shown = pairs.into_iter().map(|(task, pair)| match pair {
        Ok(pair) => pair.into(),
        Err(why) => Pair::missing(format!("{} · {task}", model_name(model)), &why),
    });
    Group::of(model_name(model), shown.collect(), together(&whole, campaign.plan.seed))
}

fn pair(campaign: &Campaign, model: &(String, String), task: &str) -> Result<adaptation::Pair, Missing> {
    let of = |method: Method| {
        let is_of = |strategy: Strategy| strategy.method() == method;
        let name = if method == Method::Lora { "LoRA" } else { "QLoRA" };
        let view = view(campaign, model, task, None, is_of);
        adaptation::of_cell(&view.ok_or_else(|| Missing::because(format!("the plan has no cell with {name}")))?)
    };
    compare(&of(Method::Lora)?, &of(Method::Qlora)?)
}
