//! The quickstart's text: short invented reports, the pretraining documents around them, and three small task sets in the schemas of
//! `XSum`, `SQuAD` and `UltraChat`. Everything follows from seeds; nothing is read from outside. Not a benchmark of anything but this
//! project's own pipeline.

mod abilities;
mod conversation;
mod documents;
mod draw;
mod kinds;
mod report;
mod rows;
mod smalltalk;
mod template;
mod words;

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub(crate) use abilities::abilities;
pub(crate) use documents::Document;
pub(crate) use draw::Part;

/// Seed of the task sets; pretraining and tokenizer use seeds of their own.
const DATA_SEED: u64 = 20_260;
/// Train rows of each task.
const TRAIN_ROWS: usize = 600;
/// Held-out rows of each task.
const HELD_OUT_ROWS: usize = 150;

/// Writes the six task files (`<task>.train.jsonl`, `<task>.heldout.jsonl`) under `folder`.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn write_task_sets(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for (part, name, rows) in [(Part::Train, "train", TRAIN_ROWS), (Part::HeldOut, "heldout", HELD_OUT_ROWS)] {
        let rng = |stream| stream_of(part, stream);
        write_rows(&folder.join(format!("summarization.{name}.jsonl")), &rows::xsum(part, rows, &mut rng(1)))?;
        write_rows(&folder.join(format!("rag.{name}.jsonl")), &rows::squad(part, rows, &mut rng(2)))?;
        write_rows(&folder.join(format!("chat.{name}.jsonl")), &rows::ultrachat(part, rows, &mut rng(3)))?;
    }
    Ok(())
}

/// A generator of its own for each part and task, so that changing one set leaves the others as they are.
fn stream_of(part: Part, task: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(DATA_SEED);
    rng.set_stream(task * 2 + u64::from(part == Part::HeldOut));
    rng
}

fn write_rows<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    let file = fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut out = BufWriter::new(file);
    for row in rows {
        serde_json::to_writer(&mut out, row)?;
        out.write_all(b"\n")?;
    }
    out.flush().with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_task_sets_are_what_the_generator_writes() {
        let fresh = std::env::temp_dir().join(format!("edge-eval-corpus-{}", std::process::id()));
        write_task_sets(&fresh).unwrap();
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/edge-eval/quickstart/data");
        for task in ["summarization", "rag", "chat"] {
            for part in ["train", "heldout"] {
                let name = format!("{task}.{part}.jsonl");
                let [a, b] = [&fresh, &committed].map(|folder| fs::read(folder.join(&name)).unwrap());
                assert!(a == b, "{name} is stale: run `cargo xtask corpus`");
            }
        }
        fs::remove_dir_all(&fresh).unwrap();
    }
}
