//! The flags, in groups, and what goes with what. Which of two sources the answers come from is clap's to check; the rest is checked here.

use std::path::PathBuf;

use crate::commands::nli::TooLong;

/// Mark answers: of a file, or asked of an OpenAI-compatible server with a task's prompts
///
/// ROUGE equals Python's rouge_score 0.1.2, exact match and F1 equal SQuAD's evaluate-v1.1.py; the best of several references counts.
/// Marks that models give come from a cross-encoder (--nli) or a judge (--judge-url).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  edge-eval score --marks rouge,em,f1 --predictions answers.jsonl --json
  edge-eval score --url http://127.0.0.1:8080/v1 --model tiny --task rag --data dev-v1.1.json --rows 200 --answers answers.jsonl
  edge-eval score --predictions answers.jsonl --marks nli --nli cross-encoder/nli-deberta-v3-base
  edge-eval score --predictions answers.jsonl --marks judge --judge-url https://api.openai.com/v1 --judge-model gpt-4o \\
    --judge-api-key-env OPENAI_API_KEY --judge-price 2.5,10 --verdicts verdicts.jsonl

Exit codes: 0 done, 1 a request failed or a verdict did not come, 2 bad arguments.")]
#[command(group = clap::ArgGroup::new("source").required(true).args(["predictions", "url"]))]
pub(crate) struct Args {
    /// Rows {"prediction": …, "references": […]}, with an "id", a "premise", a "prompt" or "messages" if you like: JSONL, a JSON array, CSV or Parquet
    #[arg(long, value_name = "FILE", help_heading = "Answers of a file")]
    pub(super) predictions: Option<PathBuf>,
    /// Most rows left out because they are not what rows should be
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) bad_rows: usize,

    /// The server's address, with or without /v1
    #[arg(long, requires = "model", requires = "task", requires = "data", help_heading = "Answers of a server")]
    pub(super) url: Option<String>,
    /// The model name sent with every request
    #[arg(long, requires = "url", help_heading = "Answers of a server")]
    pub(super) model: Option<String>,
    /// The task whose prompts are asked (edge-eval list tasks)
    #[arg(long, requires = "url", help_heading = "Answers of a server")]
    pub(super) task: Option<String>,
    /// Its rows: a file, or a folder of shards
    #[arg(long, value_name = "PATH", requires = "url", help_heading = "Answers of a server")]
    pub(super) data: Option<PathBuf>,
    /// The split to read of a folder that holds several
    #[arg(long, requires = "url", help_heading = "Answers of a server")]
    pub(super) split: Option<String>,
    /// The configuration to read of a folder that holds several
    #[arg(long, requires = "url", help_heading = "Answers of a server")]
    pub(super) config: Option<String>,
    /// A column of another name, such as references=answers.text; may be given several times
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = column, requires = "url", help_heading = "Answers of a server")]
    pub(super) column: Vec<(String, String)>,
    /// The first so many rows [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "url", help_heading = "Answers of a server")]
    pub(super) rows: Option<u32>,
    /// System prompt [default: the task's own]; empty sends none
    #[arg(long, value_name = "TEXT", requires = "url", help_heading = "Answers of a server")]
    pub(super) system: Option<String>,
    /// Longest answer, in tokens; answers end by themselves
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Answers of a server")]
    pub(super) max_tokens: u32,
    /// Sampling temperature; 0 takes the likeliest token
    #[arg(long, value_name = "T", default_value_t = 0.0, help_heading = "Answers of a server")]
    pub(super) temperature: f64,
    /// Seed of the server's sampler, and of the order in which a judge is asked
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Answers of a server")]
    pub(super) seed: u64,
    /// Requests under way at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Answers of a server")]
    pub(super) concurrency: u32,
    /// A request is given up after this many seconds
    #[arg(long, value_name = "S", default_value_t = 600.0, help_heading = "Answers of a server")]
    pub(super) timeout_s: f64,
    /// Name of the environment variable that holds the API key
    #[arg(long, value_name = "NAME", requires = "url", help_heading = "Answers of a server")]
    pub(super) api_key_env: Option<String>,
    /// Keep the answers in this file, in rows that --predictions reads
    #[arg(long, value_name = "FILE", requires = "url", help_heading = "Answers of a server")]
    pub(super) answers: Option<PathBuf>,

    /// Marks, comma-separated (edge-eval list marks); `rouge` stands for the four ROUGEs, `em` for exact_match, `nli` and `judge` for what
    /// each gives [default: rouge,em,f1; the task's own]
    #[arg(long, value_name = "MARKS", help_heading = "Marks")]
    pub(super) marks: Option<String>,
    /// The cross-encoder of nli marks: a folder, or a hub id
    #[arg(long, value_name = "MODEL", help_heading = "Marks")]
    pub(super) nli: Option<String>,
    /// What it does with pairs longer than it takes
    #[arg(long, value_enum, default_value_t = TooLong::Split, requires = "nli", help_heading = "Marks")]
    pub(super) long: TooLong,
    /// The endpoint of judge marks
    #[arg(long, value_name = "URL", requires = "judge_model", help_heading = "Marks")]
    pub(super) judge_url: Option<String>,
    /// The judge's model name
    #[arg(long, value_name = "NAME", requires = "judge_url", help_heading = "Marks")]
    pub(super) judge_model: Option<String>,
    /// Name of the environment variable that holds the judge's API key
    #[arg(long, value_name = "NAME", requires = "judge_url", help_heading = "Marks")]
    pub(super) judge_api_key_env: Option<String>,
    /// Judge requests under way at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024), requires = "judge_url", help_heading = "Marks")]
    pub(super) judge_concurrency: u32,
    /// How often an answer without a readable verdict is asked about
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20), requires = "judge_url", help_heading = "Marks")]
    pub(super) judge_attempts: u32,
    /// USD per million input and output tokens of the judge, such as 2.5,10; without it its cost is missing
    #[arg(long, value_name = "IN,OUT", value_parser = price, requires = "judge_url", help_heading = "Marks")]
    pub(super) judge_price: Option<(f64, f64)>,
    /// Keep verdicts in this file as they come: those that stand there are not asked for again
    #[arg(long, value_name = "FILE", requires = "judge_url", help_heading = "Marks")]
    pub(super) verdicts: Option<PathBuf>,

    /// Print every row's marks too; ROUGE as precision, recall and F1
    #[arg(long)]
    pub(super) per_item: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What is wrong with the flags together, and how to mend it.
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) mend: String,
}

impl Args {
    /// The raters of these marks must be named, and the numbers be of use.
    pub(super) fn check(&self, rated: &[&'static str]) -> Result<(), Problem> {
        let lacks = |prefix: &str, named: bool| rated.iter().find(|mark| mark.starts_with(prefix) && !named);
        let problem = |what: String, mend: &str| Err(Problem { what, mend: mend.to_owned() });
        if let Some(mark) = lacks("nli_", self.nli.is_some()) {
            return problem(format!("`{mark}` needs a cross-encoder"), "name it with --nli");
        }
        if let Some(mark) = lacks("judge_", self.judge_url.is_some()) {
            return problem(format!("`{mark}` needs a judge"), "name it with --judge-url and --judge-model");
        }
        if !(self.temperature.is_finite() && (0.0..=2.0).contains(&self.temperature)) {
            return problem(format!("a temperature of {} is of no use", self.temperature), "give --temperature from 0 to 2");
        }
        if !(self.timeout_s.is_finite() && self.timeout_s > 0.0) {
            return problem(format!("a timeout of {} s is of no use", self.timeout_s), "give --timeout-s above 0");
        }
        Ok(())
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => Ok((field.to_owned(), column.to_owned())),
        _ => Err("a column is FIELD=COLUMN, such as references=answers.text".to_owned()),
    }
}

fn price(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|price| price.is_finite() && *price > 0.0);
    let both = text.split_once(',').and_then(|(input, output)| Some((number(input)?, number(output)?)));
    both.ok_or_else(|| "a price is two numbers above 0, such as 2.5,10".to_owned())
}
