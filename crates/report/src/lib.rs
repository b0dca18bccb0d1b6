//! Tables and exports of the figures. What is printed was computed by `metric` from the records of a run folder; nothing is
//! computed here.

mod compare;
mod crossings;
mod csv;
mod document;
mod economics;
mod export;
mod format;
mod gather;
mod grid;
mod html;
mod latex;
mod loaded;
mod markdown;
mod number;
mod push;
mod statements;
mod terminal;
mod warnings;

pub use compare::{
    Across, Bound, COMPARE_SCHEMA, COMPARED, CellComparison, Check, ComparedRun, Comparison, FigureComparison, Gate, GateError, GateResult,
    Outcome, SetupDifference, ShownChange, Verdict, Wanted, compare, nearest_metric,
};
pub use crossings::{OrderChange, PointDifference, SizeComparison};
pub use document::{Better, CellFigures, Client, Definition, Document, DoesNotFit, Failure, Figure, MethodFigures, Price, SCHEMA};
pub use economics::VariantEconomics;
pub use export::{FIGURES, REQUESTS, write_parquet};
pub use format::{Format, render};
pub use gather::{Error, Result, Run, read};
pub use html::{Section, html};
pub use number::{Text as Number, shown_unit, text as number};
pub use push::{MlflowRun, mlflow, otlp};
pub use statements::{SizePair, Statement};
