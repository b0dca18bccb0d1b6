//! What `edge-eval plan FILE` prints: the cells, the stages they share, what is finished and what would run. Plain text; no
//! terminal codes.

use std::{collections::BTreeSet, fmt::Write};

use crate::{Plan, Stage, StageGraph, StageKind};

/// The plan as tables. `keys` are those of [`StageGraph::keys`]; `finished` are the keys whose records are there.
pub fn render(plan: &Plan, graph: &StageGraph, keys: &[Option<String>], finished: &BTreeSet<String>) -> String {
    let states = States { keys, finished };
    let mut out = format!("{}: {} cells, {} runs of each, seed {}\n", plan.name, graph.cells.len(), plan.runs, plan.seed);
    out += "\nCells\n";
    out += &table(&["model", "task", "strategy", "engine", "runs", "scored"], &cell_rows(graph, &states));
    let shared = shared_rows(plan, graph, &states);
    if !shared.is_empty() {
        out += "\nShared stages\n";
        out += &table(&["stage", "of", "cells", "state", "key"], &shared);
    }
    out += "\nStages\n";
    out += &table(&["stage", "planned", "finished", "to run", "not known"], &count_rows(graph, &states));
    let unknown = keys.iter().filter(|key| key.is_none()).count();
    if unknown > 0 {
        let _ = writeln!(out, "\n{unknown} stages need a model or data that is not here yet; whether they are finished is not known.");
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Finished,
    ToRun,
    NotKnown,
}

struct States<'a> {
    keys: &'a [Option<String>],
    finished: &'a BTreeSet<String>,
}

impl States<'_> {
    fn key(&self, stage: usize) -> Option<&String> {
        self.keys.get(stage).and_then(Option::as_ref)
    }

    fn of(&self, stage: usize) -> State {
        match self.key(stage) {
            Some(key) if self.finished.contains(key) => State::Finished,
            Some(_) => State::ToRun,
            None => State::NotKnown,
        }
    }

    fn word(&self, stage: usize) -> String {
        match self.of(stage) {
            State::Finished => "finished",
            State::ToRun => "to run",
            State::NotKnown => "not known",
        }
        .into()
    }
}

fn cell_rows(graph: &StageGraph, states: &States<'_>) -> Vec<Vec<String>> {
    let row = |(cell, stages): (&crate::Cell, &crate::CellStages)| {
        let done = stages.serve.iter().filter(|&&stage| states.of(stage) == State::Finished).count();
        vec![
            format!("{} {}", cell.family, cell.tier),
            cell.task.clone(),
            cell.strategy.name().into(),
            cell.engine.clone(),
            format!("{done}/{}", stages.serve.len()),
            scored(stages, states),
        ]
    };
    graph.cells.iter().zip(&graph.of_cell).map(row).collect()
}

/// The state of the only pass, or how many of several are finished.
fn scored(stages: &crate::CellStages, states: &States<'_>) -> String {
    match stages.quality.as_slice() {
        [only] => states.word(*only),
        passes => {
            let done = passes.iter().filter(|&&stage| states.of(stage) == State::Finished).count();
            format!("{done}/{}", passes.len())
        }
    }
}

/// Adaptations, merges and quantisations, one a row: those are what cells can share.
fn shared_rows(plan: &Plan, graph: &StageGraph, states: &States<'_>) -> Vec<Vec<String>> {
    let row = |(index, stage): (usize, &Stage)| {
        vec![
            stage.kind.name().into(),
            plan.stage_label(stage),
            stage.cells.len().to_string(),
            states.word(index),
            states.key(index).map_or("-", |key| &key[..key.len().min(8)]).into(),
        ]
    };
    let shareable = |stage: &Stage| matches!(stage.kind, StageKind::Adapt | StageKind::Merge | StageKind::Quantise);
    graph.stages.iter().enumerate().filter(|(_, stage)| shareable(stage)).map(row).collect()
}

fn count_rows(graph: &StageGraph, states: &States<'_>) -> Vec<Vec<String>> {
    let count = |kind, state| graph.stages.iter().enumerate().filter(|(i, s)| s.kind == kind && states.of(*i) == state).count();
    let row = |&kind: &StageKind| {
        let by_state = [State::Finished, State::ToRun, State::NotKnown].map(|state| count(kind, state).to_string());
        [kind.name().to_owned(), graph.count(kind).to_string()].into_iter().chain(by_state).collect()
    };
    StageKind::ALL.iter().filter(|&&kind| graph.count(kind) > 0).map(row).collect()
}

/// Left-aligned columns, two spaces apart and two in.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let width = |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("  {text:<width$}"));
        out += cells.collect::<String>().trim_end();
        out.push('\n');
    }
    out
}
