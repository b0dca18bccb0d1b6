//! `edge-eval nli`: natural language inference by a cross-encoder. A stage of the lifecycle, run by hand or by a campaign: it reads the
//! premises and answers that others wrote, and writes how far each answer follows.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::ValueEnum;
use indicatif::ProgressBar;
use nli::{Judge, Long, Tally, judge_rows};
use serde_json::json;
use text::Truncation;

use crate::{
    end::End,
    gate, progress, setup,
    stage::{Protocol, StageArgs},
};

/// Judge whether premises entail or contradict hypotheses, by a cross-encoder trained for it (BERT, RoBERTa, DeBERTa-v2/v3)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A premise that does not fit is split into overlapping pieces: entailment and contradiction are the largest over them.\n\nExample:\n  edge-eval nli --model cross-encoder/nli-deberta-v3-base --pairs pairs.jsonl --out verdicts.jsonl"
)]
pub(crate) struct Args {
    /// The NLI model: a folder with config.json, model.safetensors and tokenizer.json, or a hub id
    #[arg(long)]
    model: String,
    /// JSON lines {"premise": …, "hypothesis": …}, each with an "id" if you like; "prediction" stands for the hypothesis too
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// JSON lines to write, one for each row read; stdout without it
    #[arg(long, value_name = "FILE", required_if_eq("json", "true"))]
    out: Option<PathBuf>,
    /// What is done with pairs longer than the model takes
    #[arg(long, value_enum, default_value_t = TooLong::Split)]
    long: TooLong,
    #[command(flatten)]
    stage: StageArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TooLong {
    /// The premise in overlapping pieces
    Split,
    /// The premise cut off at the end, as transformers' only_first
    OnlyFirst,
    /// The longer of the two cut off, as transformers' longest_first
    LongestFirst,
}

impl TooLong {
    /// What the judge is told.
    pub(crate) fn meant(self) -> Long {
        match self {
            Self::Split => Long::Split,
            Self::OnlyFirst => Long::Cut(Truncation::OnlyFirst),
            Self::LongestFirst => Long::Cut(Truncation::LongestFirst),
        }
    }

    /// The flag's word.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    let told = Told { protocol, bar: progress::bar(0, "rows", args.stage.json) };
    let result = work(args, &told);
    told.bar.finish_and_clear();
    if let Ok(tally) = &result
        && !args.stage.json
    {
        gate::note(&summary(tally));
    }
    protocol.end(result)
}

fn work(args: &Args, told: &Told) -> anyhow::Result<Tally> {
    let input = File::open(&args.pairs).with_context(|| format!("reading {}", args.pairs.display()))?;
    let folder = folder(&args.model)?;
    let judge = Judge::load(&folder, &model::device::best())?;
    told.protocol.mark_with("read", &json!({"most_tokens": judge.most()}));
    told.bar.set_length(rows(&args.pairs)?);
    let long = args.long.meant();
    let input = BufReader::new(input);
    match &args.out {
        None => Ok(judge_rows(&judge, long, input, BufWriter::new(std::io::stdout().lock()), told)?),
        Some(path) => {
            // Under another name until it is whole.
            let mut unfinished = path.clone().into_os_string();
            unfinished.push(".tmp");
            let unfinished = PathBuf::from(unfinished);
            let file = File::create(&unfinished).with_context(|| format!("writing {}", unfinished.display()))?;
            let mut output = BufWriter::new(file);
            let tally = judge_rows(&judge, long, input, &mut output, told)?;
            let file = output.into_inner().map_err(std::io::IntoInnerError::into_error).context("writing verdicts")?;
            file.sync_all().with_context(|| format!("writing {}", unfinished.display()))?;
            std::fs::rename(&unfinished, path).with_context(|| format!("renaming to {}", path.display()))?;
            told.protocol.mark_with("write", &json!({}));
            Ok(tally)
        }
    }
}

/// A folder is taken as it is: the judge itself says what it lacks. Anything else is looked up on the hub.
pub(crate) fn folder(model: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(model);
    if path.is_dir() { Ok(path.to_owned()) } else { Ok(setup::model(model)?.path) }
}

/// Lines of the file, for the progress bar.
fn rows(path: &Path) -> anyhow::Result<u64> {
    let mut counter = Lines(0);
    std::io::copy(&mut File::open(path)?, &mut counter).with_context(|| format!("reading {}", path.display()))?;
    Ok(counter.0)
}

/// Counts line ends.
struct Lines(u64);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn summary(tally: &Tally) -> String {
    let mut text = format!("{} rows, {} judged", tally.rows, tally.judged);
    for (count, what) in [(tally.missing, "without a verdict"), (tally.split, "of a split premise"), (tally.cut, "cut off")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text
}

struct Told {
    protocol: Protocol,
    bar: ProgressBar,
}

impl nli::Observer for Told {
    fn judged(&self, tally: &Tally) {
        self.bar.set_position(tally.rows);
        self.protocol.mark_with("progress", tally);
    }
}
