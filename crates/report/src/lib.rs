//! Tables and exports of the figures. What is printed was computed by `metric` from the records of a run folder; nothing is
//! computed here.

mod crossings;
mod csv;
mod document;
mod economics;
mod format;
mod gather;
mod grid;
mod markdown;
mod number;
mod statements;
mod terminal;
mod warnings;

pub use crossings::{OrderChange, PointDifference, SizeComparison};
pub use document::{Better, CellFigures, Client, Definition, Document, DoesNotFit, Failure, Figure, MethodFigures, Price, SCHEMA};
pub use economics::VariantEconomics;
pub use format::{Format, render};
pub use gather::{Error, Result, read};
pub use number::{Text as Number, shown_unit, text as number};
pub use statements::{SizePair, Statement};
