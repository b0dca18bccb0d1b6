//! Rows of one model on several devices, as they were measured: what the model is held against. Data, with a source for each row.

use std::collections::BTreeMap;

use serde::Deserialize;
use units::Missing;

use super::{Devices, Error, Machine, Seen, Work, device::WrittenSource};

/// The rows that come with the program.
const EMBEDDED: &str = include_str!("../../data/measured.toml");

/// One measured row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The model and its precision, the same for rows that can be compared.
    pub model: String,
    /// On what.
    pub machine: Machine,
    /// What was asked.
    pub work: Work,
    /// What was seen.
    pub seen: Seen,
    /// Where it stands.
    pub source: String,
    /// What must be said of it.
    pub note: Option<String>,
}

/// The rows that come with the program, on the devices of a table.
///
/// # Errors
/// The table lacks one of their devices.
pub fn measured(devices: &Devices) -> Result<Vec<Row>, Error> {
    let written: Written = toml::from_str(EMBEDDED).expect("the program's own rows are read by a test");
    let row = |row: WrittenRow| {
        let model = &written.models[&row.model];
        let told = |figure: Option<f64>| figure.ok_or_else(|| Missing::because("its source does not tell"));
        Ok(Row {
            machine: devices.machine(&row.device)?,
            work: Work {
                streams: row.streams,
                prompt_tokens: row.prompt_tokens,
                output_tokens: row.output_tokens,
                weights_bytes: model.parameters * model.bytes_per_parameter,
                parameters: Some(model.parameters),
                kv_bytes_per_token: Some(model.kv_bytes_per_token),
            },
            seen: Seen {
                ttft_ms: told(row.ttft_ms),
                itl_ms: told(row.itl_ms),
                tokens_per_s: told(row.tokens_per_s),
                joules_per_token: told(row.joules_per_token),
            },
            source: written.sources[&row.source].cited().source,
            note: None,
            model: row.model,
        })
    };
    written.rows.into_iter().map(row).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rows: Vec<WrittenRow>,
    sources: BTreeMap<String, WrittenSource>,
    models: BTreeMap<String, WrittenModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRow {
    model: String,
    device: String,
    streams: f64,
    prompt_tokens: Option<f64>,
    output_tokens: f64,
    ttft_ms: Option<f64>,
    itl_ms: Option<f64>,
    tokens_per_s: Option<f64>,
    joules_per_token: Option<f64>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenModel {
    parameters: f64,
    bytes_per_parameter: f64,
    kv_bytes_per_token: f64,
}

impl Row {
    /// The shape of a model that rows are of, for rows that come from elsewhere: parameters, and bytes of KV cache a token in 16 bits.
    pub fn shape(model: &str) -> Option<(f64, f64)> {
        let written: Written = toml::from_str(EMBEDDED).expect("the program's own rows are read by a test");
        written.models.get(model).map(|model| (model.parameters, model.kv_bytes_per_token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_rows_are_read() {
        let rows = measured(&Devices::embedded()).unwrap();
        assert_eq!(rows.len(), 33);
        let row = rows.iter().find(|row| row.model == "Qwen2.5-1.5B" && (row.work.streams - 32.0).abs() < 1e-9).unwrap();
        assert_eq!((row.machine.name().as_str(), row.seen.tokens_per_s.clone()), ("H200", Ok(11_488.0)));
        assert!(rows.iter().all(|row| !row.source.is_empty() && row.seen.itl_ms.is_ok()));
    }

    #[test]
    fn no_row_is_faster_than_its_own_roofline() {
        for row in measured(&Devices::embedded()).unwrap() {
            let roof = row.work.step_s(&row.machine).unwrap() * 1e3;
            assert!(row.seen.itl_ms.clone().unwrap() > roof, "{row:?}: {roof}");
        }
    }

    #[test]
    fn shapes_are_those_of_the_models() {
        let (parameters, kv) = Row::shape("Llama-3.2-1B").unwrap();
        // 16 layers, 8 heads of 64, keys and values, 2 bytes.
        assert!((kv - f64::from(16 * 8 * 64 * 2 * 2)).abs() < 1e-9 && (parameters - 1_235_814_400.0).abs() < 1.0);
        assert!(Row::shape("GPT-9").is_none());
    }
}
