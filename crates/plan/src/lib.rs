//! The plan as written and as meant: cells, shared stages and their content keys.
//!
//! The plan crate does not know the engines, tasks and meters: their names are checked against the registries handed in.

pub mod keys;
mod meaning;
mod meant;
mod nearest;
mod parse;
mod problem;
mod reader;
mod render;
pub mod seed;
mod shipped;
mod stages;
mod text;
mod value;
mod written;

pub use meaning::{
    ADAPT_PLACES, AdaptSpec, AdapterUse, COMPRESS_PLACES, Cell, Citation, CommandSpec, Compress, CsvPower, CsvSpec, CsvTime, DataSpec,
    EnginePrice, EngineSpec, Gives, JudgeSpec, LoadSpec, LongPairs, Lr, MeterSpec, Method, ModelSource, ModelSpec, NliSpec, Owned, Parts,
    Plan, Precision, PriceSpec, Priced, QualitySpec, QuantisedAs, Rater, Rows, RowsFrom, Schedule, SloSpec, Strategy, TaskSpec,
};
pub use meant::{BUILTIN, TARGET_MODULES};
pub use nearest::nearest;
pub use parse::{Known, parse};
pub use problem::{Fault, Problem, Problems};
pub use render::render;
pub use shipped::{paper_72, quickstart, template};
pub use stages::{CellStages, Stage, StageGraph, StageKind};
pub use text::Unwritable;
