//! `edge-eval init`: writes a commented plan to start from, or a recipe to put into one.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    end::End,
    print,
    recipes::{self, Recipe},
};

/// Write a commented plan to start from, or a recipe: a plan fragment and its script
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval init my-plan.toml && edge-eval plan my-plan.toml\n  edge-eval list recipes && edge-eval init --recipe peft-lora my-plans/"
)]
pub(crate) struct Args {
    /// Where to write: a file (without it edge-eval.toml), or the folder of a recipe (without it this one); no file is ever overwritten
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Write the paper's grid of 72 variants instead
    #[arg(long)]
    paper: bool,
    /// Write this recipe instead, into a folder
    #[arg(long, value_name = "NAME", conflicts_with = "paper", value_parser = recipes::find)]
    recipe: Option<&'static Recipe>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let or = |usual: &str| args.path.clone().unwrap_or_else(|| usual.into());
    if let Some(recipe) = args.recipe {
        return write_recipe(recipe, &or("."));
    }
    let text = if args.paper { plan::paper_72() } else { plan::template() };
    let path = or("edge-eval.toml");
    create(&path, text)?;
    print::data(&format!("{}\n", path.display()))?;
    Ok(End::Done)
}

/// Writes a recipe's files. One that is there already with the same text is left as it is: recipes share scripts.
fn write_recipe(recipe: &Recipe, folder: &Path) -> anyhow::Result<End> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut written = String::new();
    for (name, text) in recipe.files {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
            continue;
        }
        create(&path, text)?;
        written += &format!("{}\n", path.display());
    }
    print::data(&written)?;
    Ok(End::Done)
}

fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let create = || -> io::Result<()> { OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes()) };
    create().with_context(|| format!("writing {shown} (an existing file is left as it is: name another place)"))
}
