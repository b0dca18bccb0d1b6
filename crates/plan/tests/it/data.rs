//! Where rows come from: the ways to name them, and what is refused.

use std::path::Path;

use expect_test::{Expect, expect};
use plan::{DataSpec, Parts, Plan, Rows, RowsFrom};

use crate::{SMALL, known, parse};

/// The small plan with other rows.
fn with(rows: &str) -> String {
    SMALL.replace("train = \"train.jsonl\"\neval = \"eval.jsonl\"", rows)
}

#[expect(clippy::needless_pass_by_value, reason = "`check(text, expect![…])` reads best")]
fn check(rows: &str, want: Expect) {
    want.assert_eq(&parse(&with(rows)).unwrap_err().to_string());
}

fn again(plan: &Plan) {
    assert_eq!(&parse(&plan.to_toml().unwrap()).unwrap(), plan);
    let json = serde_json::to_string(plan).unwrap();
    assert_eq!(&serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn rows_of_the_hub_and_of_folders() {
    let rows = r#"train = { hub = "rajpurkar/squad", config = "plain_text", split = "train" }
eval = { path = "squad", split = "validation" }
columns = { references = "answers.text" }
bad_rows = 3
max_prompt_tokens = 512"#;
    let plan = plan::parse(&with(rows), Path::new("/plans"), &known()).unwrap();
    let hub = RowsFrom::Hub { id: "rajpurkar/squad".into(), revision: "main".into() };
    let train = Rows { from: hub, config: Some("plain_text".into()), split: Some("train".into()) };
    let eval = Rows { from: RowsFrom::Path("/plans/squad".into()), config: None, split: Some("validation".into()) };
    assert_eq!(plan.tasks[0].data, DataSpec::Apart { train, eval });
    assert_eq!((plan.tasks[0].bad_rows, plan.tasks[0].max_prompt_tokens), (3, Some(512)));
    assert_eq!(plan.tasks[0].columns["references"], "answers.text");
    again(&plan);
}

#[test]
fn parts_of_one_data_set() {
    let plan = parse(&with("rows = \"all.jsonl\"\nparts = { train = 70, validation = 15 }")).unwrap();
    assert_eq!(plan.tasks[0].data, DataSpec::Parts { rows: Rows::at("all.jsonl"), parts: Parts { train: 70, validation: 15 } });
    again(&plan);
}

#[test]
fn what_rows_cannot_be() {
    check(
        "",
        expect![[r#"
        line 9: tasks[0]: no train rows named
          hint: give train and eval, or rows with parts: a path, "builtin", or a table with path or hub
        line 9: tasks[0]: no eval rows named
          hint: give train and eval, or rows with parts: a path, "builtin", or a table with path or hub"#]],
    );
    check(
        "train = \"a\"\neval = \"b\"\nrows = \"c\"",
        expect![[r#"
        line 9: tasks[0]: rows are named twice: by train and eval, and by rows
          hint: keep train and eval, or rows with parts"#]],
    );
    check(
        "rows = \"c\"",
        expect![[r#"
        line 9: tasks[0]: rows without parts: nothing says which of them are held out
          hint: add parts = { train = 70, validation = 15 }; the rest is scored"#]],
    );
    check(
        "rows = \"c\"\nparts = { train = 80, validation = 20 }",
        expect![[r#"
        line 12: tasks[0].parts: 80 and 20 percent leave nothing to score on
          hint: leave at least 1 percent"#]],
    );
    check(
        "train = { split = \"train\" }\neval = { hub = \"squad\", split = \"dev\" }",
        expect![[r#"
        line 11: tasks[0].train: rows come from a path or from the hub
          hint: give exactly one of: path, hub
        line 12: tasks[0].eval.hub: "squad" cannot stand here
          hint: it must be a hub id such as "Qwen/Qwen2.5-1.5B-Instruct""#]],
    );
    check(
        "train = { path = \"a\", split = \"x\" }\neval = { path = \"a\", split = \"x\" }",
        expect![[r#"
        line 9: tasks[0]: train and eval are the same rows, so the scores would be of rows that were trained on
          hint: name two splits or files, or one as rows with parts"#]],
    );
    check(
        "train = { path = \"a\", revision = \"x\" }\neval = \"\"",
        expect![[r#"
        line 11: tasks[0].train.revision: means nothing without hub
          hint: add hub, or remove this key
        line 12: tasks[0].eval: "" cannot stand here
          hint: it must be a path written out (not empty, no `~`)"#]],
    );
    check(
        "train = 3\neval = [\"a\"]",
        expect![[r#"
        line 11: tasks[0].train: expected a string or a table, found a whole number
        line 12: tasks[0].eval: expected a string or a table, found an array"#]],
    );
}
