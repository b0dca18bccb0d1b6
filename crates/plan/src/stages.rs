//! Cells, and the stages they stand on, each shared stage planned once. What a stage runs is not known here.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{AdapterUse, Cell, Gives, Method, ModelSpec, Plan, Precision, QuantisedAs, Rater, Strategy, seed};

/// Which stage of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// LoRA or QLoRA adaptation.
    Adapt,
    /// Adapter merged into the base.
    Merge,
    /// Post-training quantisation.
    Quantise,
    /// One serving run: spawn, cold start, warm-up, speed window.
    Serve,
    /// One pass over the task's held-out items, scored by what text alone tells.
    Quality,
    /// The answers of a pass, rated by a judge.
    Judge,
    /// The answers of a pass, rated by a cross-encoder.
    Nli,
    /// How likely the weights find the task's reference answers, those that were quantised beside those in full precision.
    Perplexity,
}

impl StageKind {
    /// Every kind, in the order a cell goes through them.
    pub const ALL: &[Self] =
        &[Self::Adapt, Self::Merge, Self::Quantise, Self::Serve, Self::Quality, Self::Judge, Self::Nli, Self::Perplexity];

    /// The word that records, file names and labels use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adapt => "adapt",
            Self::Merge => "merge",
            Self::Quantise => "quantise",
            Self::Serve => "serve",
            Self::Quality => "quality",
            Self::Judge => "judge",
            Self::Nli => "nli",
            Self::Perplexity => "perplexity",
        }
    }
}

/// One stage to run. What does not decide its outcome is `None`, and that is what makes it shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Which.
    pub kind: StageKind,
    /// Index into [`Plan::models`].
    pub model: usize,
    /// Index into [`Plan::tasks`].
    pub task: usize,
    /// How the weights were trained.
    pub method: Method,
    /// How the weights are written; `None` for an adaptation and for its merge, which is always in f16.
    pub precision: Option<Precision>,
    /// In which files; only a quantisation has it, and what reads the weights themselves.
    pub quantised_as: Option<QuantisedAs>,
    /// Index into [`Plan::engines`]; only serving, scoring and rating have one.
    pub engine: Option<usize>,
    /// Number of the serving run, from 0, or of a scored pass after the first.
    pub run: Option<u32>,
    /// The stage whose artifact, or whose answers, it reads; `None` reads the model as it is.
    pub upstream: Option<usize>,
    /// The stage whose weights in full precision these are put beside; only [`StageKind::Perplexity`] of quantised weights has it.
    pub against: Option<usize>,
    /// Indices into [`Plan::cells`] of the cells that stand on it.
    pub cells: Vec<usize>,
}

/// The stages of one cell, as indices into [`StageGraph::stages`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellStages {
    /// The adaptation; `None` for a strategy without one.
    pub adapt: Option<usize>,
    /// The merge.
    pub merge: Option<usize>,
    /// The quantisation.
    pub quantise: Option<usize>,
    /// The serving runs, in run order.
    pub serve: Vec<usize>,
    /// The scored passes, in order.
    pub quality: Vec<usize>,
    /// The ratings of their answers.
    pub rate: Vec<usize>,
    /// The likelihood of the reference answers; `None` where [`Plan::why_not_read`] says why.
    pub perplexity: Option<usize>,
}

/// All stages of a plan. A stage stands after the one it reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageGraph {
    /// The cells, as [`Plan::cells`] gives them.
    pub cells: Vec<Cell>,
    /// The stages.
    pub stages: Vec<Stage>,
    /// For each cell its stages.
    pub of_cell: Vec<CellStages>,
}

impl Plan {
    /// Every variant: model x task x strategy x engine, in plan order, less what an engine is not put through.
    pub fn cells(&self) -> Vec<Cell> {
        self.stages().cells
    }

    /// Every cell with its stages. Strategies with one method share adaptation and merge; engines that read the same files share
    /// quantisation too.
    pub fn stages(&self) -> StageGraph {
        let mut builder = Builder::default();
        let mut read = Vec::new();
        for (model, spec) in self.models.iter().enumerate() {
            for task in 0..self.tasks.len() {
                for &strategy in &self.strategies {
                    for engine in 0..self.engines.len() {
                        if self.engines[engine].takes(strategy) {
                            let cell = self.cell(spec, task, strategy, engine);
                            let stem = self.stem(model, task, strategy, engine);
                            builder.cell(cell, stem);
                            read.push((stem, self.why_not_read(strategy, engine).is_none()));
                        }
                    }
                }
            }
        }
        // Once all else is planned: quantised weights are put beside those in full precision, whose cell may come later.
        for (cell, (stem, _)) in read.into_iter().enumerate().filter(|(_, (_, read))| *read) {
            builder.perplexity(cell, stem);
        }
        builder.graph
    }

    /// Why the weights of a cell are not read for the likelihood of reference answers; `None` where they are.
    pub fn why_not_read(&self, strategy: Strategy, engine: usize) -> Option<&'static str> {
        let full = strategy.precision() == Precision::Fp16;
        match self.quantised_as(engine) {
            _ if !self.quality.perplexity => Some("the plan leaves it out (quality.perplexity = false)"),
            None if !full => Some("the engine quantises as it loads: the weights it computes with are in no file"),
            Some(QuantisedAs::CompressedTensors) if !full => {
                Some("its weights are in the compressed-tensors format, which only GPU engines read")
            }
            _ if full && strategy.method() != Method::None && self.engines[engine].adapter == AdapterUse::Apart => {
                Some("its adapter is served apart: there are no merged weights to read")
            }
            _ => None,
        }
    }

    fn cell(&self, model: &ModelSpec, task: usize, strategy: Strategy, engine: usize) -> Cell {
        Cell {
            family: model.family.clone(),
            tier: model.tier.clone(),
            task: self.tasks[task].name.clone(),
            strategy,
            engine: self.engines[engine].label().to_owned(),
        }
    }

    fn stem(&self, model: usize, task: usize, strategy: Strategy, engine: usize) -> Stem {
        let gives_folder = self.adapt.command.as_ref().is_some_and(|command| command.gives == Gives::Folder);
        let apart = self.engines[engine].adapter == AdapterUse::Apart && strategy.precision() == Precision::Fp16;
        let rated = [Rater::Judge, Rater::Nli].map(|rater| self.tasks[task].raters().any(|needed| needed == rater));
        let (quantised_as, merges) = (self.quantised_as(engine), !gives_folder && !apart);
        let (runs, passes) = (self.runs, self.quality.passes);
        Stem { cell: 0, model, task, strategy, engine, quantised_as, gives_folder, merges, runs, passes, rated }
    }

    /// The seed of a stage: of the plan's seed and of what the stage is about. Method, precision and engine are left out, so
    /// that the strategies of one model and task see the same shuffles and the same prompts, and can be paired.
    pub fn stage_seed(&self, stage: &Stage) -> u64 {
        let model = &self.models[stage.model];
        let run = stage.run.map_or_else(String::new, |run| run.to_string());
        seed::derive(self.seed, &[stage.kind.name(), &model.family, &model.tier, &self.tasks[stage.task].name, &run])
    }

    /// For people: `LLaMA 1B · rag · lora`, `LLaMA 1B · rag · lora-int4 · embedded · run 2` (runs counted from 1).
    pub fn stage_label(&self, stage: &Stage) -> String {
        let way = match stage.precision {
            None => stage.method.name().to_owned(),
            Some(precision) if stage.method == Method::None => format!("base-{}", precision.name()),
            Some(precision) => format!("{}-{}", stage.method.name(), precision.name()),
        };
        let mut label = format!("{} · {} · {way}", self.models[stage.model].label(), self.tasks[stage.task].name);
        let files = match stage.quantised_as {
            None | Some(QuantisedAs::Gguf) => None,
            Some(QuantisedAs::Command(engine)) => Some(format!("for {}", self.engines[engine].label())),
            Some(files) => Some(files.name().to_owned()),
        };
        if let Some(files) = files {
            label += " · ";
            label += &files;
        }
        if let Some(engine) = stage.engine {
            label += " · ";
            label += self.engines[engine].label();
        }
        if let Some(run) = stage.run {
            label += if stage.kind == StageKind::Serve { " · run " } else { " · pass " };
            label += &(run + 1).to_string();
        }
        label
    }
}

impl Rater {
    /// The stage in which it rates.
    pub fn stage(self) -> StageKind {
        match self {
            Self::Judge => StageKind::Judge,
            Self::Nli => StageKind::Nli,
        }
    }
}

impl StageGraph {
    /// How many stages there are of a kind.
    pub fn count(&self, kind: StageKind) -> usize {
        self.stages.iter().filter(|stage| stage.kind == kind).count()
    }
}

/// Where a cell stands in the plan.
#[derive(Clone, Copy)]
struct Stem {
    /// Which cell it is.
    cell: usize,
    model: usize,
    task: usize,
    strategy: Strategy,
    engine: usize,
    /// `None`: the engine quantises as it loads.
    quantised_as: Option<QuantisedAs>,
    /// Whether adaptation leaves a whole model.
    gives_folder: bool,
    /// Whether what adaptation leaves must be merged.
    merges: bool,
    runs: u32,
    passes: u32,
    /// Who of [`Rater::ALL`] rates the answers.
    rated: [bool; 2],
}

/// What tells one stage from another.
type Identity = (StageKind, usize, usize, Method, Option<Precision>, Option<QuantisedAs>, Option<usize>, Option<u32>);

struct Builder {
    graph: StageGraph,
    known: HashMap<Identity, usize>,
}

impl Default for Builder {
    fn default() -> Self {
        let graph = StageGraph { cells: Vec::new(), stages: Vec::new(), of_cell: Vec::new() };
        Self { graph, known: HashMap::new() }
    }
}

impl Builder {
    fn cell(&mut self, cell: Cell, stem: Stem) {
        let stem = Stem { cell: self.graph.cells.len(), ..stem };
        let precision = stem.strategy.precision();
        let mut stages = CellStages::default();
        if stem.strategy.method() != Method::None {
            stages.adapt = Some(self.stage(stem, StageKind::Adapt, None, None, None));
        }
        if stages.adapt.is_some() && stem.merges {
            stages.merge = Some(self.stage(stem, StageKind::Merge, None, None, stages.adapt));
        }
        if precision != Precision::Fp16 && stem.quantised_as.is_some() {
            stages.quantise = Some(self.stage(stem, StageKind::Quantise, Some(precision), None, stages.merge.or(stages.adapt)));
        }
        let weights = stages.quantise.or(stages.merge).or(stages.adapt);
        stages.serve = (0..stem.runs).map(|run| self.stage(stem, StageKind::Serve, Some(precision), Some(run), weights)).collect();
        for pass in 0..stem.passes {
            let pass = Some(pass).filter(|pass| *pass > 0);
            let quality = self.stage(stem, StageKind::Quality, Some(precision), pass, weights);
            let raters = Rater::ALL.iter().zip(stem.rated).filter(|(_, rated)| *rated);
            stages.rate.extend(raters.map(|(rater, _)| self.stage(stem, rater.stage(), Some(precision), pass, Some(quality))));
            stages.quality.push(quality);
        }
        self.graph.cells.push(cell);
        self.graph.of_cell.push(stages);
    }

    /// The stage that reads the weights of a cell whose other stages are known.
    fn perplexity(&mut self, cell: usize, stem: Stem) {
        let CellStages { adapt, merge, quantise, .. } = self.graph.of_cell[cell];
        let precision = stem.strategy.precision();
        let weights = quantise.or(merge).or(adapt);
        let index = self.stage(Stem { cell, ..stem }, StageKind::Perplexity, Some(precision), None, weights);
        if precision != Precision::Fp16 {
            self.graph.stages[index].against = self.full(stem);
        }
        self.graph.of_cell[cell].perplexity = Some(index);
    }

    /// The stage that leaves the weights of `lora-fp16` of the same model and task: a merge, or an adaptation that gives a whole model.
    fn full(&self, stem: Stem) -> Option<usize> {
        let of = |kind| self.known.get(&(kind, stem.model, stem.task, Method::Lora, None, None, None, None)).copied();
        if stem.gives_folder { of(StageKind::Adapt) } else { of(StageKind::Merge) }
    }

    /// The stage of this identity, made when it is new, with the cell added to it.
    fn stage(&mut self, stem: Stem, kind: StageKind, precision: Option<Precision>, run: Option<u32>, upstream: Option<usize>) -> usize {
        let Stem { cell, model, task, strategy, engine, quantised_as, .. } = stem;
        let method = strategy.method();
        let of_weights = matches!(kind, StageKind::Adapt | StageKind::Merge | StageKind::Quantise | StageKind::Perplexity);
        let engine = (!of_weights).then_some(engine);
        let quantised = kind == StageKind::Quantise || (kind == StageKind::Perplexity && precision != Some(Precision::Fp16));
        let quantised_as = quantised_as.filter(|_| quantised);
        let stages = &mut self.graph.stages;
        let index = *self.known.entry((kind, model, task, method, precision, quantised_as, engine, run)).or_insert_with(|| {
            let against = None;
            stages.push(Stage { kind, model, task, method, precision, quantised_as, engine, run, upstream, against, cells: Vec::new() });
            stages.len() - 1
        });
        stages[index].cells.push(cell);
        index
    }
}
