//! What is printed.

use expect_test::expect;
use report::{CellFigures, Document, Format, render};

use crate::sample::{document, failure};

fn print(document: &Document, format: Format) -> String {
    render(document, format).unwrap()
}

#[test]
fn a_terminal_table() {
    expect![[r#"
        quickstart: 4 cells, method measured, on A processor, 2 cores (machine 74a778320cc3fb32)
        client not calibrated

        Deployment metrics
         model           strategy   score, from base   N_break (1)     IPW (1)           ρ_sys             C_tax (1)         Q_ret
         task            engine     0..1 ↑ n=60        requests ↓ n=3  1/J ↑ n=3         tok/s/GB ↑ n=3    requests ↓ n=1    % ↑ n=60
         Tiny 3M         base-fp16  0.120              - (2)           0.0310            25,000            2.40              - (3)
         rag (f1)        embedded   [0.080, 0.170]                     [0.0300, 0.0330]  [24,000, 26,100]  [2.20, 2.60] n=3
                         lora-fp16  0.120 → 0.624      1412            0.161             25,100            2.50              - (3)
                         embedded   [0.550, 0.690]     [1201, 1688]    [0.150, 0.170]    [24,000, 26,300]
                         lora-int4  0.120 → 0.598      never (4)       0.200             80,200 (5)        - (6)             95.8 (7)
                         embedded   [0.520, 0.670]                     [0.180, 0.220]    [79,000, 81,000]                    [90.1, 101.2]

         Tiny 3M         lora-fp16  0.120 → 0.624 (8)  1412            0.161             25,100            2.50              - (3)
         chat (rouge_l)  embedded   [0.550, 0.690]     [1201, 1688]    [0.150, 0.170]    [24,000, 26,300]

        What they rest on
         model           strategy   ttft_ms       peak_memory_bytes
         task            engine     ms ↓ n=60     GB ↓ n=3
         Tiny 3M         base-fp16  5.10          0.0910
         rag (f1)        embedded   [4.90, 5.40]  [0.0900, 0.0920]
                         lora-fp16  5.00          0.0920
                         embedded   [4.80, 5.30]  [0.0910, 0.0930]
                         lora-int4  3.20          - (9)
                         embedded   [3.00, 3.50]

         Tiny 3M         lora-fp16  5.00          0.0920
         chat (rouge_l)  embedded   [4.80, 5.30]  [0.0910, 0.0930]

        (1) energy is modelled, not metered: CPU time x 4.4 W per core
        (2) the base model is not adapted
        (3) FP16 is the reference
        (4) never: a request costs 0.002 USD here and 0.001 USD at the API
        (5) run 2 is left out: it failed
        (6) the window `load` is too short
        (7) inconclusive against the 99% gate
        (8) mark: f1
        (9) the process ended before it was sampled

        In brackets: 95% intervals. n: independent observations, in the column's head for figures without their own.
        score, from base: mean primary mark over the held-out items; higher is better (the paper)
        N_break: (C_train + C_setup) / (C_api - C_infer); lower is better (the paper)
        IPW: score x alpha / E_req; higher is better (the paper)
        ρ_sys: throughput / memory; higher is better (the paper)
        C_tax: E_load / E_req; lower is better (the paper)
        Q_ret: score INT4 / score FP16; higher is better (the paper)
        ttft_ms: from the due time to the first token; lower is better (the paper)
        peak_memory_bytes: of the process group; lower is better (the paper)
    "#]]
    .assert_eq(&print(&document(), Format::Terminal));
}

#[test]
fn failed_stages_are_shown_and_obey_nothing() {
    let document = Document { cells: Vec::new(), failures: vec![failure()], ..document() };
    expect![[r#"
        quickstart: 0 cells, method measured, on A processor, 2 cores (machine 74a778320cc3fb32)
        client not calibrated

        In brackets: 95% intervals. n: independent observations, in the column's head for figures without their own.
        score, from base: mean primary mark over the held-out items; higher is better (the paper)
        N_break: (C_train + C_setup) / (C_api - C_infer); lower is better (the paper)
        IPW: score x alpha / E_req; higher is better (the paper)
        ρ_sys: throughput / memory; higher is better (the paper)
        C_tax: E_load / E_req; lower is better (the paper)
        Q_ret: score INT4 / score FP16; higher is better (the paper)
        ttft_ms: from the due time to the first token; lower is better (the paper)
        peak_memory_bytes: of the process group; lower is better (the paper)

        Stages that failed
        Tiny 3M · rag · qlora: killed by signal 9
            loading [31m
            <b>memory</b> allocation of 9 | bytes failed
    "#]]
    .assert_eq(&print(&document, Format::Terminal));
}

#[test]
fn markdown() {
    let document = Document { failures: vec![failure()], ..document() };
    expect![[r#"
        # quickstart

        quickstart: 4 cells, method measured, on A processor, 2 cores (machine 74a778320cc3fb32)

        client not calibrated

        ## Deployment metrics

        | model<br>task | strategy<br>engine | score, from base<br>0..1 ↑ n=60 | N\_break (1)<br>requests ↓ n=3 | IPW (1)<br>1/J ↑ n=3 | ρ\_sys<br>tok/s/GB ↑ n=3 | C\_tax (1)<br>requests ↓ n=1 | Q\_ret<br>% ↑ n=60 |
        |---|---|---|---|---|---|---|---|
        | Tiny 3M<br>rag (f1) | base-fp16<br>embedded | 0.120<br>\[0.080, 0.170\] | \- (2) | 0.0310<br>\[0.0300, 0.0330\] | 25,000<br>\[24,000, 26,100\] | 2.40<br>\[2.20, 2.60\] n=3 | \- (3) |
        | Tiny 3M<br>rag (f1) | lora-fp16<br>embedded | 0.120 → 0.624<br>\[0.550, 0.690\] | 1412<br>\[1201, 1688\] | 0.161<br>\[0.150, 0.170\] | 25,100<br>\[24,000, 26,300\] | 2.50 | \- (3) |
        | Tiny 3M<br>rag (f1) | lora-int4<br>embedded | 0.120 → 0.598<br>\[0.520, 0.670\] | never (4) | 0.200<br>\[0.180, 0.220\] | 80,200 (5)<br>\[79,000, 81,000\] | \- (6) | 95.8 (7)<br>\[90.1, 101.2\] |
        | Tiny 3M<br>chat (rouge\_l) | lora-fp16<br>embedded | 0.120 → 0.624 (8)<br>\[0.550, 0.690\] | 1412<br>\[1201, 1688\] | 0.161<br>\[0.150, 0.170\] | 25,100<br>\[24,000, 26,300\] | 2.50 | \- (3) |

        ## What they rest on

        | model<br>task | strategy<br>engine | ttft\_ms<br>ms ↓ n=60 | peak\_memory\_bytes<br>GB ↓ n=3 |
        |---|---|---|---|
        | Tiny 3M<br>rag (f1) | base-fp16<br>embedded | 5.10<br>\[4.90, 5.40\] | 0.0910<br>\[0.0900, 0.0920\] |
        | Tiny 3M<br>rag (f1) | lora-fp16<br>embedded | 5.00<br>\[4.80, 5.30\] | 0.0920<br>\[0.0910, 0.0930\] |
        | Tiny 3M<br>rag (f1) | lora-int4<br>embedded | 3.20<br>\[3.00, 3.50\] | \- (9) |
        | Tiny 3M<br>chat (rouge\_l) | lora-fp16<br>embedded | 5.00<br>\[4.80, 5.30\] | 0.0920<br>\[0.0910, 0.0930\] |

        ## Further figures

        | model<br>task | strategy<br>engine | tpot\_ms<br>ms ↓ n=3 |
        |---|---|---|
        | Tiny 3M<br>rag (f1) | base-fp16<br>embedded |  |
        | Tiny 3M<br>rag (f1) | lora-fp16<br>embedded | 1.90<br>\[1.80, 2.00\] |
        | Tiny 3M<br>rag (f1) | lora-int4<br>embedded |  |
        | Tiny 3M<br>chat (rouge\_l) | lora-fp16<br>embedded | 1.90<br>\[1.80, 2.00\] |

        1. energy is modelled, not metered: CPU time x 4.4 W per core
        2. the base model is not adapted
        3. FP16 is the reference
        4. never: a request costs 0.002 USD here and 0.001 USD at the API
        5. run 2 is left out: it failed
        6. the window \`load\` is too short
        7. inconclusive against the 99% gate
        8. mark: f1
        9. the process ended before it was sampled

        ## Definitions

        In brackets: 95% intervals. n: independent observations, in the column's head for figures without their own.

        * score, from base: mean primary mark over the held-out items; higher is better (the paper)
        * N\_break: (C\_train + C\_setup) / (C\_api - C\_infer); lower is better (the paper)
        * IPW: score x alpha / E\_req; higher is better (the paper)
        * ρ\_sys: throughput / memory; higher is better (the paper)
        * C\_tax: E\_load / E\_req; lower is better (the paper)
        * Q\_ret: score INT4 / score FP16; higher is better (the paper)
        * ttft\_ms: from the due time to the first token; lower is better (the paper)
        * peak\_memory\_bytes: of the process group; lower is better (the paper)
        * tpot\_ms: time per output token; lower is better (the paper)

        ## Stages that failed

        * Tiny 3M · rag · qlora: killed by signal 9
          * loading \[31m
          * \<b\>memory\</b\> allocation of 9 \| bytes failed
    "#]].assert_eq(&print(&document, Format::Markdown));
}

#[test]
fn csv() {
    let mut document = document();
    document.cells.truncate(1);
    document.cells[0].family = "a, \"b\"".into();
    expect![[r#"
        family,tier,task,strategy,engine,metric,value,ci95_low,ci95_high,n,unit,method,source,missing,notes,client,engine_version,flags,concurrency
        "a, ""b""",3M,rag,base-fp16,embedded,score,0.12,0.08,0.17,60,,t,,,,client not calibrated,,,
        "a, ""b""",3M,rag,base-fp16,embedded,n_break,,,,,requests,,,the base model is not adapted,,client not calibrated,,,1
        "a, ""b""",3M,rag,base-fp16,embedded,ipw,0.031,0.03,0.033,3,,t,modelled,,"energy is modelled, not metered: CPU time x 4.4 W per core",client not calibrated,,,1
        "a, ""b""",3M,rag,base-fp16,embedded,rho_sys,25000,24000,26100,3,,t,,,,client not calibrated,,,1
        "a, ""b""",3M,rag,base-fp16,embedded,c_tax,2.4,2.2,2.6,3,,t,modelled,,"energy is modelled, not metered: CPU time x 4.4 W per core",client not calibrated,,,1
        "a, ""b""",3M,rag,base-fp16,embedded,q_ret,,,,,%,,,FP16 is the reference,,client not calibrated,,,
        "a, ""b""",3M,rag,base-fp16,embedded,ttft_ms,5.1,4.9,5.4,60,,t,,,,client not calibrated,,,1
        "a, ""b""",3M,rag,base-fp16,embedded,peak_memory_bytes,91000000,90000000,92000000,3,B,t,,,,client not calibrated,,,
    "#]].assert_eq(&print(&document, Format::Csv).replace("\r\n", "\n"));
}

#[test]
fn json_of_one_cell() {
    let mut document = document();
    document.definitions.truncate(1);
    document.cells.truncate(1);
    document.cells[0].metrics.retain(|name, _| name == "score" || name == "n_break");
    expect![[r#"
        {
          "schema": "edge-eval/report/1",
          "run": "quickstart",
          "method": "measured",
          "started_wall_ns": 1780000000000000000,
          "machine": {
            "cpu": "A processor",
            "cores": 2,
            "cpu_features": [],
            "memory": null,
            "kernel": null,
            "gpus": [],
            "gpu_driver": null,
            "edge_eval": "0.1.0",
            "digest": "74a778320cc3fb32"
          },
          "client": {
            "summary": "client not calibrated",
            "truthful": null,
            "certificate": null
          },
          "definitions": [
            {
              "name": "score",
              "unit": "0..1",
              "better": "higher",
              "definition": "mean primary mark over the held-out items",
              "source": "the paper"
            }
          ],
          "cells": [
            {
              "family": "Tiny",
              "tier": "3M",
              "task": "rag",
              "strategy": "base-fp16",
              "engine": "embedded",
              "engine_version": null,
              "flags": [],
              "does_not_fit": null,
              "mark": "f1",
              "concurrency": 1,
              "client_bound": null,
              "metrics": {
                "n_break": {
                  "value": null,
                  "ci95": null,
                  "n": null,
                  "unit": "requests",
                  "missing": "the base model is not adapted",
                  "method": null,
                  "source": null,
                  "notes": []
                },
                "score": {
                  "value": 0.12,
                  "ci95": [
                    0.08,
                    0.17
                  ],
                  "n": 60,
                  "unit": "",
                  "missing": null,
                  "method": "t",
                  "source": null,
                  "notes": []
                }
              }
            }
          ],
          "levels": [],
          "crossings": [],
          "warnings": [],
          "prices": [],
          "economics": [],
          "methods": [],
          "statements": [],
          "failures": []
        }
    "#]]
    .assert_eq(&print(&document, Format::Json));
}

#[test]
fn json_comes_back() {
    let document = Document { failures: vec![failure()], ..document() };
    assert_eq!(serde_json::from_str::<Document>(&print(&document, Format::Json)).unwrap(), document);
}

#[test]
fn no_figure_is_both_known_and_missing() {
    for figure in document().cells.iter().flat_map(|cell: &CellFigures| cell.metrics.values()) {
        assert_eq!(figure.value.is_none(), figure.missing.is_some());
    }
    let not_finite = stats::Estimate { value: f64::INFINITY, ci95: None, n: 1, method: stats::Method::None };
    assert!(report::Figure::known(&not_finite, "J").missing.is_some());
}

#[test]
fn a_cell_that_does_not_fit_says_so_and_flags_and_versions_are_shown() {
    let mut document = document();
    let cell = &mut document.cells[2];
    cell.engine_version = Some("0.24.0".into());
    cell.flags = vec!["1 of 2 answers are short".into()];
    let figure = cell.metrics.get_mut("rho_sys").unwrap();
    *figure = report::Figure::missing("the serving run failed: does not fit: Tried to allocate 2 GiB", "tok/s/GB");
    let needed = report::DoesNotFit { stage: "serving run".into(), told: "Tried to allocate 2 GiB".into(), needed_bytes: Some(2 << 30) };
    cell.does_not_fit = Some(needed);
    let terminal = print(&document, Format::Terminal);
    assert!(terminal.contains("does not fit (") && !terminal.contains("0.24.0"), "{terminal}");
    assert!(terminal.contains(") the serving run failed: does not fit: Tried to allocate 2 GiB"));
    assert!(print(&document, Format::Markdown).contains("embedded 0.24.0"));
    let json: serde_json::Value = serde_json::from_str(&print(&document, Format::Json)).unwrap();
    assert_eq!(json["cells"][2]["does_not_fit"]["needed_bytes"], 2_u64 << 30);
    assert_eq!(json["cells"][2]["flags"][0], "1 of 2 answers are short");
    assert!(print(&document, Format::Csv).contains(",0.24.0,1 of 2 answers are short"));
}

#[test]
fn warnings_prices_money_and_statements_are_in_every_text() {
    let mut document = document();
    let own = econ::Range::new(0.002, 0.001, 0.003).unwrap();
    let exact = |value| econ::Range::exact(value).unwrap();
    let costs = econ::Costs::new(exact(10.0), exact(0.004), own).unwrap();
    let missing = "the plan gives the machine's time no price";
    document.warnings = vec!["C_setup is 0: every break-even is a lower bound".into()];
    document.economics = vec![report::VariantEconomics {
        family: "Tiny".into(),
        tier: "3M".into(),
        task: "rag".into(),
        strategy: "lora-int4".into(),
        engine: "embedded".into(),
        hosted: "gpt-4o".into(),
        money: metric::economics::Economics {
            costs: units::Reading::Known(metric::economics::Costs { making_usd: exact(10.0), hosted_usd: exact(0.004), own_usd: own }),
            break_even: units::Reading::Known(costs.break_even()),
            over_requests: units::Reading::Known(costs.over_requests(1e4, 20).unwrap()),
            over_utilisation: units::Reading::missing(missing),
            sensitivity: units::Reading::missing("not asked"),
            scale_to_zero: units::Reading::missing("no load window"),
            notes: Vec::new(),
        },
        sentences: vec!["break-even after 5000 requests".into()],
    }];
    document.statements = vec![report::Statement {
        task: "rag".into(),
        strategy: "lora-int4".into(),
        engine: "embedded".into(),
        text: "models under 2B dominate the larger ones in lifecycle metrics".into(),
        objectives: vec!["ipw".into()],
        verdict: "not distinguishable".into(),
        said: "not distinguishable".into(),
        pairs: Vec::new(),
    }];
    for format in [Format::Terminal, Format::Markdown] {
        let text = print(&document, format).replace('\\', "");
        for said in ["C_setup is 0: every break-even", "break-even after 5000 requests", "models under 2B dominate", "not distinguishable"]
        {
            assert!(text.contains(said), "{}: {said}: {text}", format.name());
        }
    }
    let markdown = print(&document, Format::Markdown);
    // Making, a request here and hosted; value and ends; the curve half way.
    assert!(markdown.contains("| 10.0<br>0.00200, 0.00400 | 5000<br>3333 to 10,000 | 10.0<br>0.00 hosted, 0.00 requests "), "{markdown}");
    assert!(markdown.contains("20.0 \\[15.0, 25.0\\]<br>20.0 hosted, 5000 requests"), "{markdown}");
    assert!(markdown.contains(&format!(". {missing}\n")), "{markdown}");
    assert_eq!(serde_json::from_str::<Document>(&print(&document, Format::Json)).unwrap(), document);
}
