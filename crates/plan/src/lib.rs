//! The plan as written and as meant: cells, shared stages and their content keys.
//!
//! The plan crate does not know the engines, tasks and meters: their names are checked against the registries handed in.

mod meaning;

pub use meaning::{
    AdaptSpec, Cell, EngineSpec, LoadSpec, Lr, MeterSpec, Method, ModelSource, ModelSpec, Plan, Precision, PriceSpec, Schedule, Strategy,
    TaskSpec,
};
