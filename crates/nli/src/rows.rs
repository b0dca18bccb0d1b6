//! JSON lines in, JSON lines out, some rows at a time: nothing is held of a long file but what is being judged.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Classifier, Error, Judge, Long, Pair, Result, Unjudged, Verdict};

/// A row as written. What else stands in it is passed over.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Row {
    /// Handed on as it is.
    #[serde(default)]
    pub id: Option<Value>,
    /// What is taken as true.
    pub premise: String,
    /// What is judged; `prediction` in files of answers.
    #[serde(alias = "prediction")]
    pub hypothesis: String,
}

/// A row of the answer, in the order of the rows judged.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// That of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// The verdict, or why there is none.
    #[serde(flatten)]
    pub verdict: Figures,
}

/// The figures of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Figures {
    /// Probabilities, and what they rest on.
    Known {
        /// Probability of entailment.
        entailment: f64,
        /// Of neither; null of several pieces.
        neutral: Option<f64>,
        /// Of contradiction.
        contradiction: f64,
        /// 1 − contradiction.
        non_contradiction: f64,
        /// Pieces of the premise.
        pieces: usize,
        /// Tokens cut off unread.
        cut: usize,
    },
    /// Why there are none.
    Missing {
        /// In words.
        missing: String,
    },
}

/// What was done, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Rows with a verdict.
    pub judged: u64,
    /// Rows without.
    pub missing: u64,
    /// Rows whose premise was split.
    pub split: u64,
    /// Rows of which tokens were cut off unread.
    pub cut: u64,
    /// Tokens that the model read.
    pub tokens: u64,
}

/// Told of rows as they are done.
pub trait Observer {
    /// So many rows of the file are judged and written.
    fn judged(&self, tally: &Tally);
}

/// Rows judged together.
const AT_ONCE: usize = 64;

/// No row is longer than this, in bytes.
const LONGEST: u64 = 16 << 20;

/// Judges every row of `input` and writes one row each to `output`.
///
/// # Errors
/// [`Error::Row`] at the first row that is no JSON object with a premise and a hypothesis, is no UTF-8 or is longer than 16 MiB;
/// [`Error::Io`] when a side fails; whatever the model says. What was written before stays written.
pub fn judge_rows<C: Classifier>(
    judge: &Judge<C>,
    long: Long,
    mut input: impl BufRead,
    mut output: impl Write,
    observer: &dyn Observer,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut number = 0;
    loop {
        let mut rows = Vec::with_capacity(AT_ONCE);
        while rows.len() < AT_ONCE
            && let Some(row) = next(&mut input, &mut number)?
        {
            rows.push(row);
        }
        if rows.is_empty() {
            break;
        }
        let pairs: Vec<_> = rows.iter().map(|row| Pair { premise: &row.premise, hypothesis: &row.hypothesis }).collect();
        let verdicts = judge.judge(&pairs, long)?;
        for (row, verdict) in rows.iter().zip(verdicts) {
            tally.count(verdict.as_ref());
            let judged = Judged { id: row.id.clone(), verdict: verdict.into() };
            write_row(&mut output, &judged).map_err(|source| Error::Io { verb: "write", source })?;
        }
        observer.judged(&tally);
    }
    output.flush().map_err(|source| Error::Io { verb: "write", source })?;
    Ok(tally)
}

/// The next row that is not blank.
fn next(input: &mut impl BufRead, number: &mut u64) -> Result<Option<Row>> {
    loop {
        let mut line = Vec::new();
        let read = input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line).map_err(|source| Error::Io { verb: "read", source })?;
        if read == 0 {
            return Ok(None);
        }
        *number += 1;
        let fail = |reason: String| Err(Error::Row { number: *number, reason });
        if read as u64 > LONGEST {
            return fail(format!("longer than {LONGEST} bytes"));
        }
        let Ok(text) = std::str::from_utf8(&line) else { return fail("not UTF-8".to_owned()) };
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(text) {
            Ok(row) => return Ok(Some(row)),
            Err(error) => return fail(error.to_string()),
        }
    }
}

fn write_row(output: &mut impl Write, row: &Judged) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, row)?;
    output.write_all(b"\n")
}

impl Tally {
    fn count(&mut self, verdict: Result<&Verdict, &Unjudged>) {
        self.rows += 1;
        match verdict {
            Ok(verdict) => {
                self.judged += 1;
                self.split += u64::from(verdict.pieces > 1);
                self.cut += u64::from(verdict.cut > 0);
                self.tokens += verdict.tokens as u64;
            }
            Err(_) => self.missing += 1,
        }
    }
}

impl From<Result<Verdict, Unjudged>> for Figures {
    fn from(verdict: Result<Verdict, Unjudged>) -> Self {
        match verdict {
            Ok(verdict) => Self::Known {
                entailment: verdict.entailment,
                neutral: verdict.neutral,
                contradiction: verdict.contradiction,
                non_contradiction: verdict.non_contradiction(),
                pieces: verdict.pieces,
                cut: verdict.cut,
            },
            Err(why) => Self::Missing { missing: why.to_string() },
        }
    }
}
