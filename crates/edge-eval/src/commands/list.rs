//! `edge-eval list`: what the registries hold.

use clap::ValueEnum;
use serde_json::json;

use crate::{end::End, print, recipes::RECIPES};

/// List models, tasks, strategies, engines, recipes, meters, marks or metrics
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edge-eval list metrics")]
pub(crate) struct Args {
    /// Which registry; all of them without it
    what: Option<What>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Models,
    Tasks,
    Strategies,
    Engines,
    Recipes,
    Meters,
    Marks,
    Metrics,
}

/// A name and what stands behind it.
type Entry = (String, String);

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let asked: Vec<What> = match args.what {
        Some(what) => vec![what],
        None => What::value_variants().to_vec(),
    };
    let lists: Vec<(String, Vec<Entry>)> = asked.into_iter().map(|what| (word(what), entries(what))).collect();
    if args.json {
        let object: serde_json::Map<_, _> = lists
            .into_iter()
            .map(|(name, entries)| {
                let entries: Vec<_> = entries.iter().map(|(name, summary)| json!({"name": name, "summary": summary})).collect();
                (name, entries.into())
            })
            .collect();
        print::json(&object)?;
        return Ok(End::Done);
    }
    let mut text = String::new();
    for (i, (name, entries)) in lists.iter().enumerate() {
        if lists.len() > 1 {
            text += &format!("{}{name}\n", if i > 0 { "\n" } else { "" });
        }
        let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, summary) in entries {
            text += &format!("  {name:width$}  {summary}\n");
        }
    }
    print::data(&text)?;
    Ok(End::Done)
}

fn word(what: What) -> String {
    what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn entries(what: What) -> Vec<Entry> {
    let pair = |name: &str, summary: &str| (name.to_owned(), summary.to_owned());
    match what {
        What::Models => model::arch::FAMILIES
            .iter()
            .map(|family| pair(family.model_type, &format!("{}, GGUF architecture {}", family.class, family.gguf)))
            .collect(),
        What::Tasks => score::TASKS.iter().map(|task| pair(task.name, &format!("{}; {}", task.summary, task.schema))).collect(),
        What::Strategies => plan::Strategy::ALL
            .iter()
            .map(|strategy| {
                pair(strategy.name(), &format!("adapted by {}, served in {}", strategy.method().name(), strategy.precision().name()))
            })
            .collect(),
        What::Engines => serve::ENGINES.iter().map(|engine| engine_entry(engine.about())).collect(),
        What::Recipes => RECIPES.iter().map(|recipe| pair(recipe.name, recipe.about)).collect(),
        What::Meters => meter::METERS.iter().map(|meter| pair(meter.name, meter.about)).collect(),
        What::Marks => {
            let of_text = score::MARKS.iter().map(|mark| pair(mark.name, mark.definition));
            of_text.chain(score::marks::RATED.iter().map(|(name, definition)| pair(name, definition))).collect()
        }
        What::Metrics => {
            metric::METRICS.iter().map(|metric| pair(metric.name, &format!("[{}] {}", metric.unit, metric.definition))).collect()
        }
    }
}

/// An engine with its keys and how it is installed.
fn engine_entry(about: &serve::About) -> Entry {
    let keys: Vec<_> = about.all_keys().map(|key| format!("    {}: {}", key.name, key.help)).collect();
    let version = about.written_for.map_or_else(String::new, |version| format!("; driven as of version {version}"));
    let words: Vec<_> = about.in_flight.iter().map(|entry| format!("{} ({})", entry.word, entry.precision.name())).collect();
    let in_flight = if words.is_empty() { String::new() } else { format!("    quantises as it loads: {}\n", words.join(", ")) };
    (about.name.to_owned(), format!("{}{version}\n    to install: {}\n{in_flight}{}", about.summary, about.install, keys.join("\n")))
}
