//! Relative positions of DeBERTa-v2 (He et al. 2021, arXiv 2006.03654 and 2111.09543): which learned row stands for which distance.
//!
//! A query at i and a key at j share a row of the position tables by i − j: each distance its own up to half the buckets, then in
//! logarithmic steps.

use std::cmp::Ordering;

use candle_core::{Device, Tensor};

use super::batch::index;
use super::{Dense, Relative};
use crate::Result;

/// The rows of the position tables for every distance j − i of a batch, from −(longest − 1) to longest − 1.
#[derive(Debug)]
pub(super) struct Distances {
    rows: Tensor,
    pub(super) longest: usize,
}

/// Position rows of one batch and layer, one a distance: `[2 longest − 1, heads · d]`.
#[derive(Debug)]
pub(super) struct ByDistance {
    /// Keys that queries are multiplied with (content to position).
    pub(super) keys: Option<Tensor>,
    /// Queries that keys are multiplied with (position to content).
    pub(super) queries: Option<Tensor>,
    pub(super) longest: usize,
}

/// The position tables of a layer, projected once when the model is loaded: they depend on no text.
#[derive(Debug)]
pub(super) struct Tables {
    keys: Option<Tensor>,
    queries: Option<Tensor>,
}

impl Distances {
    pub(super) fn new(relative: &Relative, longest: usize, device: &Device) -> Result<Self> {
        let last = longest as i64 - 1;
        let rows = (-last..=last).map(|ahead| row(relative, -ahead)).collect();
        Ok(Self { rows: index(rows, device)?, longest })
    }
}

impl Tables {
    /// Projects the relative embeddings `[2 span, d]` to keys and queries.
    pub(super) fn new(embeddings: &Tensor, keys: Option<&Dense>, queries: Option<&Dense>) -> Result<Self> {
        let project = |dense: Option<&Dense>| dense.map(|dense| dense.forward(embeddings)).transpose();
        Ok(Self { keys: project(keys)?, queries: project(queries)? })
    }

    pub(super) fn by_distance(&self, distances: &Distances) -> Result<ByDistance> {
        let rows = |table: &Option<Tensor>| table.as_ref().map(|table| table.index_select(&distances.rows, 0)).transpose();
        Ok(ByDistance { keys: rows(&self.keys)?, queries: rows(&self.queries)?, longest: distances.longest })
    }
}

/// The row for a query that stands `distance` after its key.
fn row(relative: &Relative, distance: i64) -> u32 {
    let span = relative.span as i64;
    let bucket = relative.buckets_to.map_or(distance, |last| bucket(distance, relative.span, last));
    (bucket + span).clamp(0, 2 * span - 1) as u32
}

/// `make_log_bucket_position` of transformers, in f32 as there: the rounding up is sensitive to it.
fn bucket(distance: i64, buckets: usize, max_distance: usize) -> i64 {
    let mid = (buckets / 2) as i64;
    if distance.abs() <= mid {
        return distance;
    }
    let (mid_f, last) = (mid as f32, ((max_distance as f64 - 1.0) / mid as f64) as f32);
    let steps = (distance.abs() as f32 / mid_f).ln() / last.ln() * (mid_f - 1.0);
    let bucket = steps.ceil() as i64 + mid;
    match distance.cmp(&0) {
        Ordering::Less => -bucket,
        Ordering::Equal | Ordering::Greater => bucket,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Written by `tests/fixtures/make_encoder_fixtures.py`.
    #[derive(Deserialize)]
    struct Table {
        buckets: usize,
        positions: usize,
        of: Vec<i64>,
    }

    #[test]
    fn buckets_are_those_of_transformers() {
        let tables: Vec<Table> = serde_json::from_str(include_str!("../../tests/fixtures/deberta-buckets.json")).unwrap();
        assert_eq!(tables.len(), 6);
        for Table { buckets, positions, of } in tables {
            for (distance, expected) in (0i64..).zip(of) {
                assert_eq!(bucket(distance, buckets, positions), expected, "{distance} of {buckets}, {positions}");
                assert_eq!(bucket(-distance, buckets, positions), -expected);
            }
        }
    }

    #[test]
    fn rows_stay_within_the_table() {
        for buckets_to in [Some(40), None] {
            let relative = Relative { span: 16, buckets_to, shared: true, normed: true, terms: Vec::new() };
            let rows: Vec<u32> = (-100..=100).map(|distance| row(&relative, distance)).collect();
            assert_eq!((rows[0], rows[100], rows[103], rows[200]), (0, 16, 19, 31));
            assert!(rows.is_sorted());
        }
    }
}
