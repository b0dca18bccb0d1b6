//! The paper's served rows as rows that a projection can be held against: 16-bit models whose shape is known, on two T4.
//!
//! That there were two is the name of the log's file, and the power of its rows, which passes what one is limited to. How the two shared a
//! model is not told, nor how long the prompts were.

use metric::projection::{Devices, Error, Row, Seen, Work};
use plan::Precision;
use units::Missing;

use crate::{
    audit::at_once,
    logs::{Family, Logs, SHIPPED_SOURCE, Serving, Tier},
};

/// What stands with each of these rows.
const NOTE: &str = "two T4, as the file's name and its power say; how they shared the model, and how long the prompts were, is not told";

/// The 16-bit rows of the logs whose model's shape is known.
///
/// # Errors
/// The table of devices has no T4.
pub fn projection_rows(logs: &Logs, devices: &Devices) -> Result<Vec<Row>, Error> {
    let machine = devices.machine("2xT4")?;
    let row = |row: &Serving| {
        let model = name(row).filter(|_| row.variant.strategy.precision() == Precision::Fp16)?;
        let (parameters, kv) = Row::shape(model)?;
        Some(Row {
            model: model.to_owned(),
            machine: machine.clone(),
            work: Work {
                streams: at_once(row),
                prompt_tokens: None,
                output_tokens: row.tokens as f64 / row.requests as f64,
                weights_bytes: 2.0 * parameters,
                parameters: Some(parameters),
                kv_bytes_per_token: Some(kv),
            },
            seen: Seen {
                ttft_ms: Ok(row.ttft.get() * 1e3),
                itl_ms: Ok(row.itl.get() * 1e3),
                tokens_per_s: above_zero(row.tokens_per_second),
                joules_per_token: above_zero(row.energy.get() / row.tokens as f64),
            },
            source: SHIPPED_SOURCE.to_owned(),
            note: Some(NOTE.to_owned()),
        })
    };
    Ok(logs.serving.iter().filter_map(row).collect())
}

/// The model by the name that the measured rows use.
fn name(row: &Serving) -> Option<&'static str> {
    match (row.variant.model.family, row.variant.model.tier) {
        (Family::Llama, Tier::One) => Some("Llama-3.2-1B"),
        (Family::Llama, Tier::Seven) => Some("Llama-3.1-8B"),
        (Family::Qwen, Tier::One) => Some("Qwen2.5-1.5B"),
        _ => None,
    }
}

fn above_zero(figure: f64) -> Result<f64, Missing> {
    if figure.is_finite() && figure > 0.0 { Ok(figure) } else { Err(Missing::because("the log has no figure above 0")) }
}

#[cfg(test)]
mod tests {
    use metric::projection::{Errors, Quantity, check, measured};

    use super::*;

    fn rows() -> Vec<Row> {
        projection_rows(&Logs::shipped().unwrap(), &Devices::embedded()).unwrap()
    }

    #[test]
    fn nine_rows_of_three_models() {
        let rows = rows();
        assert_eq!(rows.len(), 9);
        let rag = rows.iter().find(|row| row.model == "Llama-3.2-1B" && (row.work.output_tokens - 150.0).abs() < 1e-9).unwrap();
        // (30.30 + 149 · 13.28) ms · 100 / 7.304 s.
        assert!((rag.work.streams - 27.5).abs() < 0.1 && rag.seen.itl_ms == Ok(13.28), "{rag:?}");
    }

    #[test]
    fn they_are_held_against_the_h200_and_the_a100() {
        let mut all = measured(&Devices::embedded()).unwrap();
        all.extend(rows());
        let pairs = check(&all);
        let errors = Errors::of(&pairs);
        for pair in [("H200", "T4"), ("T4", "H200"), ("A100-40GB-SXM", "T4"), ("T4", "A100-40GB-SXM")] {
            assert!(errors.between(pair.0, pair.1, Quantity::ItlMs).is_some(), "{pair:?} of {:?}", errors.devices());
        }
        // The time between tokens that the logs tell lies between the two ends of what the H200's rows give.
        let itl = errors.between("H200", "T4", Quantity::ItlMs).unwrap();
        assert_eq!((itl.n, itl.within), (6, 6));
        // Their time to the first token does not: no prompts of that length are read so fast.
        let ttft = errors.between("H200", "T4", Quantity::TtftMs).unwrap();
        assert!(ttft.within == 0 && ttft.highest < 0.5, "{ttft:?}");
    }
}
