//! What a plan may say of other programs: commands in the place of our stages, and engines.

use std::path::Path;

use expect_test::expect;
use plan::Gives;

use crate::{SMALL, known, parse};

/// A plan with more in `[adapt]`, in its engine and at its end.
fn small(adapt: &str, engine: &str, more: &str) -> Result<plan::Plan, plan::Problems> {
    let text = SMALL.replacen("kind = \"embedded\"", &format!("kind = \"embedded\"\n{engine}"), 1);
    let text = text + "[adapt]\n" + adapt + "\n" + more;
    plan::parse(&text, Path::new("/plans"), &known())
}

#[test]
fn another_program_may_adapt_and_compress() {
    let plan = small(
        "kind = \"command\"\nrun = [\"python\", \"{plan}/lora.py\", \"--rank={rank}\", \"{out}\", \"{epochs}\"]\nenvironment = { CUDA_VISIBLE_DEVICES = \"0\" }",
        "",
        "[compress]\nkind = \"command\"\nrun = [\"gptq\", \"{model}\", \"{out}\", \"{bits}\"]\ngives = \"folder\"",
    )
    .unwrap();
    let adapt = plan.adapt.command.as_ref().unwrap();
    assert_eq!((adapt.gives, adapt.folder.as_path()), (Gives::Adapter, Path::new("/plans")));
    let values = [("plan", adapt.plan_folder()), ("out", "o".to_owned()), ("rank", "16".to_owned()), ("epochs", "1".to_owned())];
    assert_eq!(adapt.words(&values), ["python", "/plans/lora.py", "--rank=16", "o", "1"]);
    assert_eq!(plan.engines[0].command().unwrap().gives, Gives::Folder);
    let again = plan.to_toml().unwrap();
    assert_eq!(plan::parse(&again, Path::new("/plans"), &known()).unwrap(), plan, "{again}");
}

#[test]
fn what_a_command_lacks_is_told() {
    let told = |adapt: &str, engine: &str, more: &str| small(adapt, engine, more).unwrap_err().to_string();
    let adapt = |run: &str| told(&format!("kind = \"command\"\nrun = {run}"), "", "");
    expect![[r#"
        line 30: adapt.run: unknown placeholder "modle"
          hint: did you mean "model"? one of: model, data, out, method, seed, plan, edge_eval, rank, alpha, dropout, target_modules, lr, schedule, warmup_ratio, batch, accumulation, max_length, weight_decay, checkpointing, packing, epochs
        line 30: adapt.run: {steps} has no value in this plan
          hint: use {epochs}
        line 30: adapt.run: {threads} has no value in this plan
          hint: give threads, or leave it out"#]]
    .assert_eq(&adapt("[\"t\", \"{modle}\", \"{out}\", \"{steps}\", \"{threads}\"]"));
    expect![[r#"
        line 30: adapt.run: the command is not told where to write
          hint: add {out}: what it makes is looked for there"#]]
    .assert_eq(&adapt("[\"t\"]"));
    expect![[r#"
        line 30: adapt.run: 0 words cannot stand here
          hint: it must be a program and its arguments"#]]
    .assert_eq(&adapt("[]"));
    expect![[r#"
        line 29: adapt.run: means nothing without kind = "command"
          hint: write kind = "command", or leave it out"#]]
    .assert_eq(&told("run = [\"t\", \"{out}\"]", "", ""));
    expect![[r#"
        line 18: engines[0].compress.run: unknown placeholder "rank"
          hint: one of: model, data, out, precision, bits, seed, plan, edge_eval
        line 31: adapt.gives: unknown result "gguf"
          hint: one of: adapter, folder"#]]
    .assert_eq(&told(
        "kind = \"command\"\nrun = [\"t\", \"{out}\"]\ngives = \"gguf\"",
        "compress = { kind = \"command\", run = [\"q\", \"{rank}\", \"{out}\"], gives = \"gguf\" }",
        "",
    ));
    expect![[r#"
        line 1: engine "embedded" takes adapters apart, and the command of [adapt] gives a whole model
          hint: leave adapter = "apart" out, or have the command give an adapter"#]]
    .assert_eq(&told("kind = \"command\"\nrun = [\"t\", \"{out}\"]\ngives = \"folder\"", "adapter = \"apart\"", ""));
}

#[test]
fn engines_of_one_kind_are_told_apart_by_name() {
    let second = "[[engines]]\nkind = \"embedded\"\nname = \"second\"\ncompress = \"engine\"\nadapter = \"apart\"\nthreads = 2\nprice = { input_usd_per_mtok = 0.5, output_usd_per_mtok = 1.5, source = \"a list\", date = 2026-08-01 }";
    let plan = small("", "", second).unwrap();
    let labels: Vec<&str> = plan.engines.iter().map(plan::EngineSpec::label).collect();
    assert_eq!(labels, ["embedded", "second"]);
    assert!(plan.cells().iter().any(|cell| cell.engine == "second"));
    assert_eq!(plan.engine("second").unwrap().price.as_ref().unwrap().source, "a list");
    assert_eq!(plan.engines[1].options.len(), 1, "common keys are no options");
    assert_eq!(parse(&plan.to_toml().unwrap()).unwrap().engines, plan.engines);
    let message = small("", "compress = \"later\"", "").unwrap_err().to_string();
    assert!(message.contains("one of: builtin, engine"), "{message}");
}
