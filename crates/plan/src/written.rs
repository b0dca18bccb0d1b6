//! The plan as written: every key with its TOML type and place, nothing filled in, no word looked up.
//! This file is the list of the keys; [`crate::meant`] says what they mean.

mod prices;
mod quality;

use std::{collections::BTreeMap, path::PathBuf};

pub(crate) use prices::{Cited, Prices, Slo};
pub(crate) use quality::{Judge, Nli, Quality};

use crate::{
    reader::{Choice, Field, Place, Section},
    value::{Date, OneOrMore},
};

/// The document's root.
pub(crate) struct Plan<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) name: Field<'a, String>,
    pub(crate) seed: Field<'a, u64>,
    pub(crate) runs: Field<'a, u32>,
    pub(crate) strategies: Option<Vec<Field<'a, String>>>,
    pub(crate) models: Vec<Model<'a>>,
    pub(crate) tasks: Vec<Task<'a>>,
    pub(crate) engines: Vec<Engine<'a>>,
    pub(crate) adapt: Adapt<'a>,
    pub(crate) compress: Option<Command<'a>>,
    pub(crate) load: Load<'a>,
    pub(crate) slo: Option<Slo<'a>>,
    pub(crate) quality: Quality<'a>,
    pub(crate) judge: Option<Judge<'a>>,
    pub(crate) nli: Option<Nli<'a>>,
    pub(crate) meter: Meter<'a>,
    pub(crate) prices: Prices<'a>,
}

/// A `[[models]]` section.
pub(crate) struct Model<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) family: Field<'a, String>,
    pub(crate) tier: Field<'a, String>,
    pub(crate) source: Source<'a>,
}

/// The keys of a model of which one says where it comes from.
pub(crate) struct Source<'a> {
    pub(crate) path: Field<'a, PathBuf>,
    pub(crate) hub: Field<'a, String>,
    pub(crate) revision: Field<'a, String>,
    pub(crate) weights: Field<'a, String>,
    pub(crate) config: Field<'a, PathBuf>,
    pub(crate) builtin: Field<'a, bool>,
}

/// A `[[tasks]]` section.
pub(crate) struct Task<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) name: Field<'a, String>,
    pub(crate) kind: Field<'a, String>,
    pub(crate) train: Choice<'a, Rows<'a>>,
    pub(crate) eval: Choice<'a, Rows<'a>>,
    pub(crate) rows: Choice<'a, Rows<'a>>,
    pub(crate) parts: Option<Parts<'a>>,
    pub(crate) columns: Field<'a, BTreeMap<String, String>>,
    pub(crate) bad_rows: Field<'a, u32>,
    pub(crate) train_rows: Field<'a, u32>,
    pub(crate) eval_rows: Field<'a, u32>,
    pub(crate) primary: Field<'a, String>,
    pub(crate) marks: Option<Vec<Field<'a, String>>>,
    pub(crate) max_tokens: Field<'a, u32>,
    pub(crate) max_prompt_tokens: Field<'a, u32>,
    pub(crate) system: Field<'a, String>,
    pub(crate) alpha: Field<'a, f64>,
}

/// Rows as a table.
pub(crate) struct Rows<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) path: Field<'a, PathBuf>,
    pub(crate) hub: Field<'a, String>,
    pub(crate) revision: Field<'a, String>,
    pub(crate) config: Field<'a, String>,
    pub(crate) split: Field<'a, String>,
}

/// Shares of one data set.
pub(crate) struct Parts<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) train: Field<'a, u32>,
    pub(crate) validation: Field<'a, u32>,
}

/// An `[[engines]]` section.
pub(crate) struct Engine<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) name: Field<'a, String>,
    pub(crate) kind: Field<'a, String>,
    pub(crate) strategies: Option<Vec<Field<'a, String>>>,
    pub(crate) compress: Choice<'a, Command<'a>>,
    pub(crate) adapter: Field<'a, String>,
    pub(crate) price: Option<EnginePrice<'a>>,
    /// The engine's own keys; `None` when one of them cannot be read.
    pub(crate) options: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a hosted engine's tokens cost.
pub(crate) struct EnginePrice<'a> {
    pub(crate) input_usd_per_mtok: Field<'a, f64>,
    pub(crate) output_usd_per_mtok: Field<'a, f64>,
    pub(crate) source: Field<'a, String>,
    pub(crate) date: Field<'a, Date>,
}

/// The keys of a stage that another's program may carry out.
pub(crate) struct Command<'a> {
    pub(crate) kind: Field<'a, String>,
    pub(crate) run: Field<'a, Vec<String>>,
    pub(crate) environment: Field<'a, BTreeMap<String, String>>,
    pub(crate) gives: Field<'a, String>,
}

/// The `[adapt]` section.
pub(crate) struct Adapt<'a> {
    pub(crate) command: Command<'a>,
    pub(crate) rank: Field<'a, u32>,
    pub(crate) alpha: Field<'a, f64>,
    pub(crate) dropout: Field<'a, f64>,
    pub(crate) target_modules: Option<Vec<Field<'a, String>>>,
    pub(crate) lr: Field<'a, f64>,
    pub(crate) warmup_ratio: Field<'a, f64>,
    pub(crate) schedule: Field<'a, String>,
    pub(crate) epochs: Field<'a, f64>,
    pub(crate) steps: Field<'a, u32>,
    pub(crate) batch: Field<'a, u32>,
    pub(crate) accumulation: Field<'a, u32>,
    pub(crate) max_length: Field<'a, u32>,
    pub(crate) checkpointing: Field<'a, bool>,
    pub(crate) packing: Field<'a, bool>,
    pub(crate) threads: Field<'a, u32>,
    pub(crate) weight_decay: Field<'a, f64>,
}

/// The `[load]` section.
pub(crate) struct Load<'a> {
    pub(crate) concurrency: Field<'a, OneOrMore>,
    pub(crate) requests: Field<'a, u32>,
    pub(crate) warmup: Field<'a, u32>,
    pub(crate) output_tokens: Field<'a, u32>,
    pub(crate) timeout_s: Field<'a, f64>,
}

/// The `[meter]` section.
pub(crate) struct Meter<'a> {
    pub(crate) kind: Field<'a, String>,
    pub(crate) modelled_w_per_core: Field<'a, f64>,
    pub(crate) interval_ms: Field<'a, u32>,
    pub(crate) idle_s: Field<'a, f64>,
    pub(crate) csv: Field<'a, PathBuf>,
    pub(crate) csv_time_column: Field<'a, String>,
    pub(crate) csv_time: Field<'a, String>,
    pub(crate) csv_power_column: Field<'a, String>,
    pub(crate) csv_power: Field<'a, String>,
}

impl<'a> Plan<'a> {
    /// Reads the document, reporting unknown keys and wrong types.
    pub(crate) fn read(mut root: Section<'a, '_>) -> Self {
        Self {
            name: root.field("name"),
            seed: root.field("seed"),
            runs: root.field("runs"),
            strategies: root.required_words("strategies"),
            models: root.sections("models").into_iter().map(Model::read).collect(),
            tasks: root.sections("tasks").into_iter().map(Task::read).collect(),
            engines: root.sections("engines").into_iter().map(Engine::read).collect(),
            adapt: Adapt::read(root.section("adapt")),
            compress: root.optional_section("compress").map(Command::whole),
            load: Load::read(root.section("load")),
            slo: root.optional_section("slo").map(Slo::read),
            quality: Quality::read(root.section("quality")),
            judge: root.optional_section("judge").map(Judge::read),
            nli: root.optional_section("nli").map(Nli::read),
            meter: Meter::read(root.section("meter")),
            prices: Prices::read(root.section("prices")),
            place: root.finish(),
        }
    }
}

impl<'a> Model<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        Self { family: s.field("family"), tier: s.field("tier"), source: Source::read(&mut s), place: s.finish() }
    }
}

impl<'a> Source<'a> {
    /// Among the other keys of a section.
    fn read(s: &mut Section<'a, '_>) -> Self {
        Self {
            path: s.field("path"),
            hub: s.field("hub"),
            revision: s.field("revision"),
            weights: s.field("weights"),
            config: s.field("config"),
            builtin: s.field("builtin"),
        }
    }
}

impl<'a> Task<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        Self {
            name: s.field("name"),
            kind: s.field("kind"),
            train: s.word_or_section("train").map(Rows::read),
            eval: s.word_or_section("eval").map(Rows::read),
            rows: s.word_or_section("rows").map(Rows::read),
            parts: s.optional_section("parts").map(Parts::read),
            columns: s.field("columns"),
            bad_rows: s.field("bad_rows"),
            train_rows: s.field("train_rows"),
            eval_rows: s.field("eval_rows"),
            primary: s.field("primary"),
            marks: s.words("marks"),
            max_tokens: s.field("max_tokens"),
            max_prompt_tokens: s.field("max_prompt_tokens"),
            system: s.field("system"),
            alpha: s.field("alpha"),
            place: s.finish(),
        }
    }
}

impl<'a> Rows<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        Self {
            path: s.field("path"),
            hub: s.field("hub"),
            revision: s.field("revision"),
            config: s.field("config"),
            split: s.field("split"),
            place: s.finish(),
        }
    }
}

impl<'a> Parts<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        Self { train: s.field("train"), validation: s.field("validation"), place: s.finish() }
    }
}

impl<'a> Engine<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        Self {
            place: s.place.clone(),
            name: s.field("name"),
            kind: s.field("kind"),
            strategies: s.words("strategies"),
            compress: s.word_or_section("compress").map(Command::whole),
            adapter: s.field("adapter"),
            price: s.optional_section("price").map(EnginePrice::read),
            options: s.rest(),
        }
    }
}

impl<'a> EnginePrice<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        let price = Self {
            input_usd_per_mtok: s.field("input_usd_per_mtok"),
            output_usd_per_mtok: s.field("output_usd_per_mtok"),
            source: s.field("source"),
            date: s.field("date"),
        };
        s.finish();
        price
    }
}

impl<'a> Command<'a> {
    /// Among the other keys of a section.
    fn read(s: &mut Section<'a, '_>) -> Self {
        Self { kind: s.field("kind"), run: s.field("run"), environment: s.field("environment"), gives: s.field("gives") }
    }

    /// In a section of its own.
    fn whole(mut s: Section<'a, '_>) -> Self {
        let command = Self::read(&mut s);
        s.finish();
        command
    }
}

impl<'a> Adapt<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        let adapt = Self {
            rank: s.field("rank"),
            alpha: s.field("alpha"),
            dropout: s.field("dropout"),
            target_modules: s.words("target_modules"),
            lr: s.field("lr"),
            warmup_ratio: s.field("warmup_ratio"),
            schedule: s.field("schedule"),
            epochs: s.field("epochs"),
            steps: s.field("steps"),
            batch: s.field("batch"),
            accumulation: s.field("accumulation"),
            max_length: s.field("max_length"),
            checkpointing: s.field("checkpointing"),
            packing: s.field("packing"),
            threads: s.field("threads"),
            weight_decay: s.field("weight_decay"),
            command: Command::read(&mut s),
        };
        s.finish();
        adapt
    }
}

impl<'a> Load<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        let load = Self {
            concurrency: s.field("concurrency"),
            requests: s.field("requests"),
            warmup: s.field("warmup"),
            output_tokens: s.field("output_tokens"),
            timeout_s: s.field("timeout_s"),
        };
        s.finish();
        load
    }
}

impl<'a> Meter<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        let meter = Self {
            kind: s.field("kind"),
            modelled_w_per_core: s.field("modelled_w_per_core"),
            interval_ms: s.field("interval_ms"),
            idle_s: s.field("idle_s"),
            csv: s.field("csv"),
            csv_time_column: s.field("csv_time_column"),
            csv_time: s.field("csv_time"),
            csv_power_column: s.field("csv_power_column"),
            csv_power: s.field("csv_power"),
        };
        s.finish();
        meter
    }
}
