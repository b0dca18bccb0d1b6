//! What a plan may say, and what each mistake is answered with.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use plan::{CsvPower, CsvSpec, CsvTime, ModelSource};

use crate::{SMALL, known, parse};

/// The template with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    let text = plan::template();
    assert!(text.contains(from), "the template has no {from:?}");
    text.replacen(from, to, 1)
}

#[expect(clippy::needless_pass_by_value, reason = "`check(text, expect![…])` reads best")]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&parse(text).unwrap_err().to_string());
}

#[test]
fn the_template_parses() {
    let plan = parse(plan::template()).unwrap();
    assert_eq!((plan.name.as_str(), plan.seed, plan.runs), ("my-plan", 42, 3));
    assert_eq!(plan.tasks[0].name, "rag");
}

/// The keys that the template shows commented out are right, too.
#[test]
fn the_templates_comments_hold_real_keys() {
    let uncomment = |line: &str| match line.strip_prefix("# ") {
        Some(key) if key.contains(" = ") || key.starts_with('[') => key.to_owned(),
        _ => line.to_owned(),
    };
    let all: Vec<String> = plan::template().lines().map(uncomment).collect();
    let problems = parse(&all.join("\n")).unwrap_err();
    expect![[r#"
        line 18: models[0]: weights named twice, by path and hub and weights and builtin
          hint: give exactly one of: path, hub, weights = "random" (with config), builtin = true
        line 29: tasks[0]: rows are named twice: by train and eval, and by rows
          hint: keep train and eval, or rows with parts
        line 60: adapt.steps: both epochs and steps say how long to train
          hint: keep one of the two
        line 96: meter.csv: means nothing without kind = "csv"
          hint: write kind = "csv", or leave it out
        line 97: meter.csv_time_column: means nothing without kind = "csv"
          hint: write kind = "csv", or leave it out
        line 98: meter.csv_time: means nothing without kind = "csv"
          hint: write kind = "csv", or leave it out
        line 99: meter.csv_power_column: means nothing without kind = "csv"
          hint: write kind = "csv", or leave it out
        line 100: meter.csv_power: means nothing without kind = "csv"
          hint: write kind = "csv", or leave it out
        line 104: prices.api_name: api names the price, and this gives another
          hint: keep this key, or api
        line 105: prices.api_input_usd_per_mtok: api names the price, and this gives another
          hint: keep this key, or api
        line 106: prices.api_output_usd_per_mtok: api names the price, and this gives another
          hint: keep this key, or api
        line 107: prices.api_source: api names the price, and this gives another
          hint: keep this key, or api
        line 108: prices.api_date: api names the price, and this gives another
          hint: keep this key, or api
        line 112: prices.pue: operator names the price, and this gives another
          hint: keep this key, or operator
        line 115: prices.machine_usd_per_hour: the machine's time has several prices: machine_usd_per_hour, machine_price_usd, gpu
          hint: keep one of them
        line 123: prices.litellm: model_prices_and_context_window.json cannot be read: No such file or directory (os error 2)
          hint: name a price book (TOML), or LiteLLM's list as litellm"#]]
    .assert_eq(&problems.to_string());
}

/// Every default, so that none changes unseen.
#[test]
fn what_is_left_out_takes_the_conventions() {
    expect![[r#"
        name = "small"
        seed = 42
        runs = 3
        strategies = ["base-fp16", "lora-fp16", "lora-int8", "lora-int4", "qlora-int4"]

        [[models]]
        family = "LLaMA"
        tier = "1B"
        path = "model"

        [[tasks]]
        name = "rag"
        kind = "rag"
        train = "train.jsonl"
        eval = "eval.jsonl"
        train_rows = 100
        eval_rows = 50
        primary = "f1"
        max_tokens = 128
        alpha = 1.0

        [[engines]]
        kind = "embedded"

        [load]
        concurrency = 1
        requests = 100
        warmup = 4
        output_tokens = 128
        timeout_s = 120.0

        [meter]
        kind = "auto"
        interval_ms = 100
        idle_s = 5.0

        [prices]
        api_name = "gpt-4o"
        api_input_usd_per_mtok = 2.5
        api_output_usd_per_mtok = 10.0
        api_source = "a price list"
        api_date = "2026-08-01"
        electricity_usd_per_kwh = 0.12
        pue = 1.0
        setup_usd = 0.0

        [adapt]
        rank = 16
        alpha = 32.0
        dropout = 0.05
        target_modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        lr = 0.0002
        epochs = 1.0
        batch = 4
        accumulation = 2
        max_length = 1024
        checkpointing = true
        packing = false
        weight_decay = 0.0
        warmup_ratio = 0.0
        schedule = "linear"
    "#]]
    .assert_eq(&parse(crate::SMALL).unwrap().to_toml().unwrap());
}

#[test]
fn every_problem_is_told_at_once() {
    let text = with("kind = \"embedded\"", "kind = \"mok\"")
        .replace("primary = \"f1\"", "primary = \"f2\"")
        .replace("lr = 2e-3", "lr = \"fast\"\nrnk = 8")
        .replace("runs = 3 ", "runs = 0 ")
        .replace("pue = 1.0 ", "pue = 0.5 ")
        .replace("setup_usd = 0.0", "")
        .replace("\"lora-int4\", ", "\"lora-int3\", ");
    check(
        &text,
        expect![[r#"
            line 11: runs: 0 cannot stand here
              hint: it must be from 1 to 10000
            line 15: strategies[3]: unknown strategy "lora-int3"
              hint: did you mean "lora-int4"? one of: base-fp16, lora-fp16, lora-int8, lora-int4, qlora-int4
            line 40: tasks[0].primary: unknown mark "f2"
              hint: did you mean "f1"? one of: exact_match, f1, judge_helpfulness, judge_safety, nli_entailment, rouge_l
            line 48: engines[0].kind: unknown engine "mok"
              hint: one of: embedded
            line 56: adapt.lr: expected a number, found a string
            line 57: adapt.rnk: unknown key
              hint: did you mean "rank"? one of: rank, alpha, dropout, target_modules, lr, warmup_ratio, schedule, epochs, steps, batch, accumulation, max_length, checkpointing, packing, threads, weight_decay, kind, run, environment, gives
            line 104: prices.setup_usd: missing
              hint: add `setup_usd`, a number; it has no default
            line 113: prices.pue: 0.5 cannot stand here
              hint: it must be from 1 to 10"#]],
    );
}

#[test]
fn an_external_meter_is_a_file_and_its_columns() {
    let meter = |keys: &str| {
        let text = with("idle_s = 1.0 ", &format!("{keys}\nidle_s = 1.0 "));
        plan::parse(&text, Path::new("plans"), &known()).map(|plan| plan.meter.csv)
    };
    let spec = |time_column: &str, time, power_column: &str, power| CsvSpec {
        path: "plans/plug.csv".into(),
        time_column: time_column.into(),
        time,
        power_column: power_column.into(),
        power,
    };
    assert_eq!(meter("kind = \"csv\"\ncsv = \"plug.csv\""), Ok(Some(spec("time", CsvTime::UnixS, "power_w", CsvPower::W))));
    let keys =
        "kind = \"csv\"\ncsv = \"plug.csv\"\ncsv_time_column = \"t\"\ncsv_time = \"iso8601\"\ncsv_power_column = \"P\"\ncsv_power = \"mw\"";
    assert_eq!(meter(keys), Ok(Some(spec("t", CsvTime::Iso8601, "P", CsvPower::Mw))));
    assert_eq!(meter(""), Ok(None));
    let whole = |keys: &str| with("idle_s = 1.0 ", &format!("{keys}\nidle_s = 1.0 "));
    check(
        &whole("kind = \"csv\"\ncsv_time = \"unix\""),
        expect![[r#"
            line 91: meter.csv: missing
              hint: add `csv`, a path, as a string; it has no default
            line 96: meter.csv_time: unknown form of time "unix"
              hint: one of: unix_s, unix_ms, iso8601, monotonic_s"#]],
    );
    check(
        &whole("csv = \"plug.csv\"\ncsv_power = \"kw\""),
        expect![[r#"
            line 95: meter.csv: means nothing without kind = "csv"
              hint: write kind = "csv", or leave it out
            line 96: meter.csv_power: means nothing without kind = "csv"
              hint: write kind = "csv", or leave it out"#]],
    );
}

#[test]
fn a_plan_with_an_external_meter_is_written_out_again() {
    let text = with("idle_s = 1.0 ", "kind = \"csv\"\ncsv = \"plug.csv\"\nidle_s = 1.0 ");
    let plan = crate::parse(&text).unwrap();
    assert_eq!(crate::parse(&plan.to_toml().unwrap()).unwrap(), plan);
}

#[test]
fn text_that_is_not_toml() {
    check(
        "name = \nseed = 1 2\n",
        expect![[r#"
        line 1: not valid TOML: string values must be quoted, expected literal string
        line 2: not valid TOML: string values must be quoted, expected literal string"#]],
    );
}

#[test]
fn an_empty_plan_lists_what_it_lacks() {
    check(
        "",
        expect![[r#"
            line 1: strategies: missing
              hint: add `strategies`, an array of strings; it has no default
            line 1: models: none given
              hint: add a [[models]] section
            line 1: tasks: none given
              hint: add a [[tasks]] section
            line 1: engines: none given
              hint: add a [[engines]] section
            line 1: name: missing
              hint: add `name`, a string; it has no default
            line 1: prices.api_name: missing
              hint: add `api_name`, a string; it has no default
            line 1: prices.api_input_usd_per_mtok: missing
              hint: add `api_input_usd_per_mtok`, a number; it has no default
            line 1: prices.api_output_usd_per_mtok: missing
              hint: add `api_output_usd_per_mtok`, a number; it has no default
            line 1: prices.api_source: missing
              hint: add `api_source`, a string; it has no default
            line 1: prices.api_date: missing
              hint: add `api_date`, a date such as 2026-08-01; it has no default
            line 1: prices.electricity_usd_per_kwh: missing
              hint: add `electricity_usd_per_kwh`, a number; it has no default
            line 1: prices.pue: missing
              hint: add `pue`, a number; it has no default
            line 1: prices.setup_usd: missing
              hint: add `setup_usd`, a number; it has no default"#]],
    );
}

#[test]
fn weights_come_from_exactly_one_place() {
    let source = |keys: &str| {
        let text = with("builtin = true  ", &format!("{keys}\n#"));
        plan::parse(&text, Path::new("plans"), &known()).map(|plan| plan.models[0].source.clone())
    };
    assert_eq!(source("path = \"m/x.gguf\""), Ok(ModelSource::Path(PathBuf::from("plans/m/x.gguf"))));
    assert_eq!(source("path = \"/m\""), Ok(ModelSource::Path(PathBuf::from("/m"))));
    assert_eq!(source("hub = \"a/b\""), Ok(ModelSource::Hub { id: "a/b".into(), revision: "main".into() }));
    assert_eq!(source("weights = \"random\"\nconfig = \"s/config.json\""), Ok(ModelSource::Random(PathBuf::from("plans/s"))));
    assert_eq!(source("weights = \"random\"\nconfig = \"s\""), Ok(ModelSource::Random(PathBuf::from("plans/s"))));
    for (keys, expected) in [
        (
            "",
            expect![[r#"
            line 18: models[0]: no weights named
              hint: give exactly one of: path, hub, weights = "random" (with config), builtin = true"#]],
        ),
        (
            "hub = \"../b\"",
            expect![[r#"
            line 21: models[0].hub: "../b" cannot stand here
              hint: it must be a hub id such as "Qwen/Qwen2.5-1.5B-Instruct""#]],
        ),
        (
            "weights = \"random\"",
            expect![[r#"
                line 18: models[0].config: missing
                  hint: add `config`, a path, as a string; it has no default"#]],
        ),
        (
            "path = \"m\"\nrevision = \"main\"\nconfig = \"c\"",
            expect![[r#"
            line 22: models[0].revision: means nothing without hub
              hint: add hub, or remove this key
            line 23: models[0].config: means nothing without weights = "random"
              hint: add weights = "random", or remove this key"#]],
        ),
        (
            "builtin = false",
            expect![[r#"
            line 21: models[0].builtin: false cannot stand here
              hint: it must be true, or left out"#]],
        ),
        (
            "path = \"~/m\"",
            expect![[r#"
            line 21: models[0].path: "~/m" cannot stand here
              hint: it must be a path written out (not empty, no `~`)"#]],
        ),
    ] {
        expected.assert_eq(&source(keys).unwrap_err().to_string());
    }
}

#[test]
fn names_are_unique_and_train_is_not_eval() {
    let text = with("[[engines]]\nkind = \"embedded\"", "[[engines]]\nkind = \"embedded\"\n[[engines]]\nkind = \"embedded\"")
        .replace("train = \"builtin\"", "train = \"rows.json\"")
        .replace("eval = \"builtin\"", "eval = \"rows.json\"")
        .replace("\"base-fp16\", ", "\"base-fp16\", \"base-fp16\", ");
    check(
        &text,
        expect![[r#"
            line 15: strategies[1]: strategy "base-fp16" appears twice; it stands in line 15 already
              hint: rename or remove one of the two
            line 29: tasks[0]: train and eval are the same rows, so the scores would be of rows that were trained on
              hint: name two splits or files, or one as rows with parts
            line 49: engines[1]: engine "embedded" appears twice; it stands in line 47 already
              hint: rename or remove one of the two"#]],
    );
}

#[test]
fn an_engine_keeps_its_own_keys() {
    let text =
        with("kind = \"embedded\"", "kind = \"embedded\"\nthreads = 2\nflags = [\"-x\", 0.5]\nenv = { A = \"b\" }\nsince = 2026-01-02");
    let engine = &parse(&text).unwrap().engines[0];
    expect![[r#"{"env":{"A":"b"},"flags":["-x",0.5],"since":"2026-01-02","threads":2}"#]]
        .assert_eq(&serde_json::to_string(&engine.options).unwrap());
    check(
        &text.replace("0.5]", "nan]"),
        expect![[r#"
            line 50: engines[0].flags: NaN cannot stand here
              hint: it must be a finite number"#]],
    );
}

#[test]
fn dates_are_dates() {
    assert!(parse(&with("api_date = 2026-08-01", "api_date = \"2026-08-01\"")).is_ok());
    check(
        &with("api_date = 2026-08-01", "api_date = \"last week\""),
        expect![[r#"
            line 108: prices.api_date: "last week" cannot stand here
              hint: it must be a date such as 2026-08-01"#]],
    );
    check(
        &with("api_date = 2026-08-01", "api_date = 2026-08-01T10:00:00Z"),
        expect![[r#"
            line 108: prices.api_date: "2026-08-01T10:00:00Z" cannot stand here
              hint: it must be a date such as 2026-08-01"#]],
    );
}

#[test]
fn a_grid_too_large_to_be_meant_is_refused() {
    let mut text = with("runs = 3 ", "runs = 10000 ");
    for i in 0..30 {
        text += &"[[models]]\nfamily = \"f\"\ntier = \"N\"\nbuiltin = true\n".replace('N', &i.to_string());
    }
    check(
        &text,
        expect![[r#"
        line 1: 1550000 serving runs in all, more than 1000000
          hint: split the plan, or lower runs"#]],
    );
}

#[test]
fn long_words_are_cut() {
    let text = with("kind = \"embedded\"", &format!("kind = \"{}\"", "x".repeat(1_000_000)));
    assert!(parse(&text).unwrap_err().to_string().len() < 300);
}

#[test]
fn levels_of_concurrency_are_one_or_some() {
    let load = |value: &str| parse(&format!("{SMALL}[load]\nconcurrency = {value}")).map(|plan| plan.load);
    let (one, some) = (load("8").unwrap(), load("[4, 1, 64]").unwrap());
    assert_eq!((one.concurrency, one.sweep.len(), one.most_concurrent()), (8, 0, 8));
    assert_eq!((some.concurrency, some.sweep.as_slice(), some.most_concurrent()), (4, [1, 64].as_slice(), 64));
    let text = parse(&format!("{SMALL}[load]\nconcurrency = [4, 1, 64]")).unwrap().to_toml().unwrap();
    assert!(text.contains("concurrency = [4, 1, 64]") && parse(&text).unwrap().load == some, "{text}");
    for bad in ["0", "[]", "[1, 0]", "[8, 8]", "[1, 70000]"] {
        assert!(load(bad).unwrap_err().to_string().contains("none of them twice"), "{bad}");
    }
}
