//! `edge-eval plan`: what a plan would run, and what of it is finished.

use std::{collections::BTreeSet, path::PathBuf};

use record::RunFolder;

use crate::{end::End, plan_file, print, setup};

/// Show the cells of a plan, the stages they share, and what would run
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edge-eval plan plans/paper-72.toml")]
pub(crate) struct Args {
    /// The plan; the quickstart's without it
    file: Option<PathBuf>,
    /// The run folder to look for finished stages in
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the plan as meant, its cells and its stages as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let plan = match plan_file::read(args.file.as_deref())? {
        Ok(plan) => plan,
        Err(end) => return Ok(end),
    };
    let graph = plan.stages();
    let folder = setup::run_folder(args.out.as_deref(), &plan);
    // Planning must work before anything is downloaded: what cannot be bound yet has no key yet.
    let places = setup::places();
    let bound = places.as_ref().map_err(crate::end::told).and_then(|places| {
        let bound = campaign::bind(plan.clone(), places);
        bound.map_err(|error| crate::end::told(&error.into()))
    });
    let (keys, note) = match bound {
        Ok(bound) => (bound.keys.into_iter().map(Some).collect(), None),
        Err(note) => (vec![None; graph.stages.len()], Some(note)),
    };
    // Without places nobody knows what is installed: then the note says why, and no list is given.
    let missing = places.ok().map(|places| {
        let texts = |errors: Vec<campaign::Error>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        (texts(campaign::missing_commands(&plan, &places)), texts(campaign::missing_engines(&plan, &places)))
    });
    let (commands, engines) = missing.unzip();
    let finished: BTreeSet<String> = if RunFolder::is_run(&folder) { RunFolder::open(&folder)?.finished_keys()? } else { BTreeSet::new() };
    if args.json {
        let stages: Vec<_> = graph
            .stages
            .iter()
            .zip(&keys)
            .map(|(stage, key)| {
                let done = key.as_ref().is_some_and(|key| finished.contains(key));
                serde_json::json!({"kind": stage.kind, "label": plan.stage_label(stage), "cells": stage.cells, "key": key, "finished": done})
            })
            .collect();
        print::json(&serde_json::json!({
            "plan": plan, "cells": graph.cells, "stages": stages, "not_bound": note, "missing_commands": commands, "missing_engines": engines,
        }))?;
        return Ok(End::Done);
    }
    let mut text = plan::render(&plan, &graph, &keys, &finished);
    if let Some(note) = note {
        text += &format!("Not everything is here yet: {note}\n");
    }
    for missing in commands.into_iter().chain(engines).flatten() {
        text += &format!("Its cells will fail: {missing}\n");
    }
    print::data(&text)?;
    Ok(End::Done)
}
