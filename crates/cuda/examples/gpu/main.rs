//! What needs a GPU to be checked or measured: kernels against references in f64, a model against the CPU's, and speed.
//!
//!     gpu check                      every kernel on random inputs, errors and times
//!     gpu compare FOLDER             logits of a model folder against `model::Decoder` in f32
//!     gpu timing                       time of each kernel of a step
//!     gpu speed SHAPE [PROMPT ANSWER]  tokens a second of a shape with random weights: small, 1b, or a folder with config.json
//!     gpu requests SHAPE COUNT         requests of 512 and 128 tokens one after the other, to be metered from outside

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod attention;
mod check;
mod compare;
mod reference;
mod speed;
mod timing;

use cuda::{Gpu, probe};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    println!("{:?}", probe::probe(0)?);
    let gpu = Gpu::open(0)?;
    match words.as_slice() {
        ["check"] => check::run(&gpu),
        ["timing"] => timing::run(&gpu),
        ["compare", folder] => compare::run(&gpu, folder.as_ref()),
        ["requests", shape, count] => speed::requests(&gpu, shape, count.parse()?),
        ["speed", shape] => speed::run(&gpu, shape, 512, 128),
        ["speed", shape, prompt, answer] => speed::run(&gpu, shape, prompt.parse()?, answer.parse()?),
        _ => anyhow::bail!("check, timing, compare FOLDER, speed SHAPE [PROMPT ANSWER], or requests SHAPE COUNT"),
    }
}
