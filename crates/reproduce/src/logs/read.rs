//! Reading the seven files: out of a folder, or those columns of them that come with the program.

use std::{fs::File, io::Read, path::Path};

use units::{Joules, Seconds, Watts};

use super::{
    Compression, Logs, Operation, Quality, Score, Serving, Training,
    names::{self, FAMILIES, Family, METHODS, Model, PRECISIONS, SHORT_METHODS, TASKS, TIERS, Variant},
};
use crate::{
    Error, Result,
    csv::{MOST_BYTES, Row, Table},
};

/// The files, by the names that the authors gave them.
pub const FILES: [&str; 7] = [
    "vllm_inference_metrics_tesla_t4_dual.csv",
    "training_energy_log_llama.csv",
    "training_energy_log_qwen.csv",
    "merging_quantization_energy_llama.csv",
    "merging_quantization_energy_qwen.csv",
    "final_36_variants_report_llama.csv",
    "final_36_variants_report_qwen.csv",
];

/// Whence the logs that come with the program are.
pub const SHIPPED_SOURCE: &str =
    "the logs of Abdullah4152/EDGE-EVAL at 1c0d8ce6760c65eccd0c0cbd8a65da88cdcf590d (MIT), as they come with this program";

/// Those columns of the files that are used here; see `data/README.md`.
const SHIPPED: [&str; 7] = [
    include_str!("../../data/logs/vllm_inference_metrics_tesla_t4_dual.csv"),
    include_str!("../../data/logs/training_energy_log_llama.csv"),
    include_str!("../../data/logs/training_energy_log_qwen.csv"),
    include_str!("../../data/logs/merging_quantization_energy_llama.csv"),
    include_str!("../../data/logs/merging_quantization_energy_qwen.csv"),
    include_str!("../../data/logs/final_36_variants_report_llama.csv"),
    include_str!("../../data/logs/final_36_variants_report_qwen.csv"),
];

impl Logs {
    /// The logs that come with the program.
    ///
    /// # Errors
    /// They are damaged.
    pub fn shipped() -> Result<Self> {
        let mut logs = Self::default();
        for (file, text) in FILES.into_iter().zip(SHIPPED) {
            logs.add(file, text)?;
        }
        Ok(logs)
    }

    /// The logs of a folder. Files that are not there are named in [`Logs::absent`], and what needs them is missing.
    ///
    /// # Errors
    /// None of them is there, or one cannot be read: the message tells file, line and column.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut logs = Self::default();
        for file in FILES {
            match contents(&folder.join(file), file)? {
                Some(text) => logs.add(file, &text)?,
                None => logs.absent.push(file),
            }
        }
        if logs.absent.len() == FILES.len() { Err(Error::Nothing { path: folder.to_owned() }) } else { Ok(logs) }
    }

    fn add(&mut self, file: &str, text: &str) -> Result<()> {
        let family = if file.ends_with("_llama.csv") { Family::Llama } else { Family::Qwen };
        match file.split('_').next() {
            Some("vllm") => append(&mut self.serving, file, text, SERVING, serving, |row| row.variant.to_string()),
            Some("training") => append(
                &mut self.training,
                file,
                text,
                TRAINING,
                |row| training(row, family),
                |row| format!("{:?} {:?} {:?}", row.model, row.task, row.method),
            ),
            Some("merging") => append(
                &mut self.compression,
                file,
                text,
                COMPRESSION,
                |row| compression(row, family),
                |row| format!("{:?} {:?} {:?} {:?} {:?}", row.model, row.task, row.method, row.operation, row.precision),
            ),
            _ => append(&mut self.quality, file, text, QUALITY, quality, |row| row.variant.to_string()),
        }
    }
}

/// A file's text; `None` when there is no such file.
fn contents(path: &Path, file: &str) -> Result<Option<String>> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let handle = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(io)?,
    };
    let mut text = String::new();
    let read = handle.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(io)?;
    if read as u64 > MOST_BYTES { Err(Error::TooLarge { file: file.to_owned(), most: MOST_BYTES }) } else { Ok(Some(text)) }
}

/// Adds a file's rows; a row that is there already is a fault of the file.
fn append<T>(
    rows: &mut Vec<T>,
    file: &str,
    text: &str,
    columns: &[&str],
    convert: impl Fn(Row<'_>) -> Result<T>,
    key: impl Fn(&T) -> String,
) -> Result<()> {
    let table = Table::parse(file, text, columns)?;
    let mut known: std::collections::HashSet<String> = rows.iter().map(&key).collect();
    for row in table.rows() {
        let converted = convert(row)?;
        if !known.insert(key(&converted)) {
            return Err(row.bad_row("the same variant as an earlier row"));
        }
        rows.push(converted);
    }
    Ok(())
}

const SERVING: &[&str] = &[
    "Family",
    "Size",
    "Method",
    "Precision",
    "Task",
    "Num_Samples",
    "Total_Tokens",
    "Model_Load_Time",
    "Inference_Time",
    "Overall_Throughput",
    "TTFT_Mean",
    "ITL_Mean",
    "Energy_Total_J",
    "Power_Avg_W",
    "Power_Peak_W",
];

fn serving(row: Row<'_>) -> Result<Serving> {
    let model = Model { family: row.word("Family", FAMILIES)?, tier: row.word("Size", TIERS)? };
    let (method, precision) = (row.word("Method", SHORT_METHODS)?, row.word("Precision", PRECISIONS)?);
    let strategy = names::strategy(method, precision).ok_or_else(|| row.bad("Precision", "QLoRA is served in INT4 alone"))?;
    Ok(Serving {
        variant: Variant { model, task: row.word("Task", TASKS)?, strategy },
        requests: row.count("Num_Samples")?,
        tokens: row.count("Total_Tokens")?,
        load: Seconds(row.positive("Model_Load_Time")?),
        time: Seconds(row.positive("Inference_Time")?),
        tokens_per_second: row.positive("Overall_Throughput")?,
        ttft: Seconds(row.amount("TTFT_Mean")? / 1e3),
        itl: Seconds(row.amount("ITL_Mean")? / 1e3),
        energy: Joules(row.positive("Energy_Total_J")?),
        power: Watts(row.positive("Power_Avg_W")?),
        peak: Watts(row.positive("Power_Peak_W")?),
    })
}

const TRAINING: &[&str] = &["Size", "Method", "Task", "Joules", "Watts", "Seconds", "Rows", "GPUs"];

fn training(row: Row<'_>, family: Family) -> Result<Training> {
    Ok(Training {
        model: Model { family, tier: row.word("Size", TIERS)? },
        task: row.word("Task", TASKS)?,
        method: row.word("Method", METHODS)?,
        energy: Joules(row.positive("Joules")?),
        power: Watts(row.positive("Watts")?),
        time: Seconds(row.positive("Seconds")?),
        rows: row.count("Rows")?,
        gpus: row.count("GPUs")?,
    })
}

const COMPRESSION: &[&str] =
    &["Adapter_Name", "Operation", "Precision", "Total_Joules", "Avg_Watts", "Seconds", "GPU0_Joules", "GPU1_Joules"];

fn compression(row: Row<'_>, family: Family) -> Result<Compression> {
    let adapter = names::adapter(row.text("Adapter_Name"));
    let (tier, method, task) = adapter.ok_or_else(|| row.bad("Adapter_Name", "is not of the form 1B_LoRA_FP16_chat"))?;
    Ok(Compression {
        model: Model { family, tier },
        task,
        method,
        operation: row.word("Operation", &[("MERGE", Operation::Merge), ("QUANTIZE", Operation::Quantise)])?,
        precision: row.word("Precision", PRECISIONS)?,
        energy: Joules(row.positive("Total_Joules")?),
        power: Watts(row.positive("Avg_Watts")?),
        time: Seconds(row.positive("Seconds")?),
        gpus: [Joules(row.amount("GPU0_Joules")?), Joules(row.amount("GPU1_Joules")?)],
    })
}

const QUALITY: &[&str] = &[
    "Model",
    "Task",
    "Precision",
    "Primary_Average",
    "Primary_Median",
    "Primary_StdDev",
    "Secondary_Average",
    "Secondary_Median",
    "Secondary_StdDev",
];

fn quality(row: Row<'_>) -> Result<Quality> {
    let served = names::served(row.text("Model"));
    let (model, method, task) = served.ok_or_else(|| row.bad("Model", "is not of the form Llama-1B_LoRA_FP16_chat-INT8"))?;
    if row.word("Task", TASKS)? != task {
        return Err(row.bad("Task", "is another than the model's name tells"));
    }
    let precision = row.word("Precision", PRECISIONS)?;
    let strategy = names::strategy(method, precision).ok_or_else(|| row.bad("Precision", "QLoRA is scored in INT4 alone"))?;
    let score = |name: &str| -> Result<Score> {
        Ok(Score {
            mean: row.amount(&format!("{name}_Average"))?,
            median: row.amount(&format!("{name}_Median"))?,
            sd: row.amount(&format!("{name}_StdDev"))?,
        })
    };
    Ok(Quality { variant: Variant { model, task, strategy }, primary: score("Primary")?, secondary: score("Secondary")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_logs_are_whole() {
        let logs = Logs::shipped().unwrap();
        assert_eq!((logs.serving.len(), logs.training.len(), logs.compression.len(), logs.quality.len()), (72, 36, 72, 72));
        assert!(logs.absent.is_empty());
    }

    #[test]
    fn faults_of_rows_are_told_with_their_place() {
        let mut logs = Logs::default();
        let head = TRAINING.join(",");
        let mut complaint = |rows: &str| logs.add(FILES[1], &format!("{head}\n{rows}")).unwrap_err().to_string();
        let row = "1B,LoRA_FP16,summ,74995.85,53.85,1392.68,5000,1";
        assert_eq!(complaint(&format!("{row}\n{row}")), "training_energy_log_llama.csv:3: the same variant as an earlier row");
        assert_eq!(complaint(&row.replace("1B", "2B")), "training_energy_log_llama.csv:2: column Size: \"2B\" is none of 1B, 3B, 7B");
        assert_eq!(complaint(&row.replace("74995.85", "0")), "training_energy_log_llama.csv:2: column Joules: 0 is not above 0");
        assert_eq!(
            complaint(&row.replace(",5000,", ",5e3,")),
            "training_energy_log_llama.csv:2: column Rows: \"5e3\" is not a whole number above 0"
        );
    }
}
