//! A run folder made by hand, of any size: models, tasks, strategies, runs, requests and power samples, with figures that differ as real ones
//! do, and with texts that would do harm if a page took them for markup.

use std::path::Path;

use plan::{Known, Strategy};
use record::{Manifest, PowerSample, Request, RunFolder, SCHEMA, StageRecord};
use serde_json::{Value, json};
use units::{Nanos, Watts};

/// What a page must show as it is.
pub(crate) const HOSTILE: &str = "</script><script>window.hacked = 1</script><!-- <img src=x onerror=\"window.hacked = 1\"> <b>bold</b> &amp; \u{2028}\u{2029} ${window.hacked = 1} '\"";

/// How large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) models: usize,
    pub(crate) runs: usize,
    pub(crate) requests: usize,
    pub(crate) tokens: u64,
    pub(crate) items: usize,
    pub(crate) power_samples: usize,
    /// Further levels of concurrency.
    pub(crate) levels: &'static [u32],
}

impl Size {
    /// Enough for every chart.
    pub(crate) const SMALL: Self = Self { models: 2, runs: 4, requests: 12, tokens: 8, items: 40, power_samples: 900, levels: &[4, 16] };
    /// 72 cells of 20 runs of 100 requests, and 10 million power samples.
    pub(crate) const LARGE: Self = Self { models: 6, runs: 20, requests: 100, tokens: 150, items: 100, power_samples: 6945, levels: &[] };
}

const MODELS: &[(&str, &str, f64)] = &[
    ("LLaMA", "1B", 1.0),
    ("LLaMA", "3B", 2.4),
    ("LLaMA", "8B", 5.5),
    ("Qwen2.5", "1.5B", 1.4),
    ("Qwen2.5", "3B", 2.6),
    ("Qwen2.5", "7B", 5.0),
];
const TASKS: &[(&str, &str)] = &[("summarization", "rouge_l"), ("rag", "f1"), ("chat", "rouge_l")];

/// A repeatable sequence of numbers from 0 to 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around 1, by so much.
    fn around(&mut self, by: f64) -> f64 {
        1.0 + by * (2.0 * self.next() - 1.0)
    }
}

fn plan(size: Size) -> plan::Plan {
    let model =
        |(family, tier, _): &(&str, &str, f64)| format!("[[models]]\nfamily = \"{family}\"\ntier = \"{tier}\"\npath = \"/nowhere\"\n");
    let models = MODELS[..size.models].iter().map(model).collect::<Vec<_>>().concat();
    let task = |(name, mark): &(&str, &str)| {
        format!(
            "[[tasks]]\nname = \"{name}\"\nkind = \"{name}\"\ntrain = \"t.jsonl\"\neval = \"e.jsonl\"\ntrain_rows = 100\neval_rows = {}\nprimary = \"{mark}\"\nmax_tokens = 64\nalpha = 1.0\n",
            size.items
        )
    };
    let tasks = TASKS.iter().map(task).collect::<Vec<_>>().concat();
    let levels: Vec<String> = std::iter::once(1).chain(size.levels.iter().copied()).map(|level| level.to_string()).collect();
    let passes = if size.levels.is_empty() { 1 } else { 3 };
    let text = format!(
        "name = \"made\"\nseed = 42\nruns = {}\nstrategies = [\"lora-fp16\", \"lora-int8\", \"lora-int4\", \"qlora-int4\"]\n{models}{tasks}\
         [[engines]]\nkind = \"embedded\"\n\
         [adapt]\nrank = 16\nalpha = 32.0\ndropout = 0.05\ntarget_modules = [\"q_proj\"]\nlr = 2e-4\nepochs = 1.0\nbatch = 1\naccumulation = 8\nmax_length = 1024\ncheckpointing = true\n\
         [load]\nconcurrency = [{}]\nrequests = {}\nwarmup = 2\noutput_tokens = {}\ntimeout_s = 30.0\n\
         [quality]\npasses = {passes}\ntemperature = 0.7\n\
         [meter]\nkind = \"auto\"\ninterval_ms = 100\nidle_s = 1.0\n\
         [prices]\napi_name = \"gpt-4o\"\napi_input_usd_per_mtok = 2.50\napi_output_usd_per_mtok = 10.00\napi_source = \"its price list\"\napi_date = 2026-08-01\n\
         electricity_usd_per_kwh = 0.30\npue = 1.2\nmachine_usd_per_hour = 0.35\nsetup_usd = 25.0\ngrid_gco2e_per_kwh = 350.0\n",
        size.runs,
        levels.join(", "),
        size.requests,
        size.tokens,
    );
    let known = Known {
        tasks: TASKS.iter().map(|(name, _)| *name).collect(),
        engines: vec!["embedded"],
        meters: Vec::new(),
        marks: vec!["f1", "rouge_l"],
    };
    plan::parse(&text, Path::new("/plans"), &known).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Writes the folder.
pub(crate) fn make(root: &Path, size: Size) {
    let plan = plan(size);
    let mut noise = Noise(42);
    let mut cells = Vec::new();
    let mut records: Vec<StageRecord> = Vec::new();
    let passes = if size.levels.is_empty() { 1 } else { 3 };
    for (i, cell) in plan.cells().iter().enumerate() {
        let (family, tier, task) = (&cell.family, &cell.tier, &cell.task);
        let method = if cell.strategy == Strategy::QloraInt4 { "qlora" } else { "lora" };
        let adapted = format!("{family}{tier}{task}{method}").replace('.', "");
        let name = |kind: &str, more: &str| format!("{kind}{i}{more}");
        let quantised = !cell.strategy.name().ends_with("fp16");
        cells.push(json!({
            "cell": cell, "adapt": format!("adapt{adapted}"), "merge": format!("merge{adapted}"),
            "quantise": quantised.then(|| name("quantise", "")),
            "serve": (0..size.runs).map(|run| name("serve", &format!("r{run}"))).collect::<Vec<_>>(),
            "quality": name("quality", "p0"), "passes": (1..passes).map(|pass| name("quality", &format!("p{pass}"))).collect::<Vec<_>>(), "rate": [],
        }));
    }
    let machine = json!({
        "cpu": "A processor", "cores": 64, "cpu_features": ["avx2"], "memory": 512_000_000_000u64, "kernel": "6.1", "gpus": ["A GPU"],
        "gpu_driver": "1.0", "edge_eval": "0.1.0", "digest": "0123456789abcdef",
    });
    let manifest = json!({"schema": SCHEMA, "started_wall_ns": 1_790_000_000_000_000_000u64, "machine": machine, "plan": plan, "cells": cells, "data": []});
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let folder = RunFolder::create(root, &manifest).unwrap();
    for (i, entry) in manifest.cells.iter().enumerate() {
        let weight = MODELS.iter().find(|(family, tier, _)| (*family, *tier) == (&*entry.cell.family, &*entry.cell.tier)).unwrap().2;
        let bits = match entry.cell.strategy {
            Strategy::LoraInt8 => 0.6,
            Strategy::LoraInt4 | Strategy::QloraInt4 => 0.4,
            _ => 1.0,
        };
        let of = Made {
            size,
            weight,
            bits,
            label: format!("{} {} · {} · {}", entry.cell.family, entry.cell.tier, entry.cell.task, entry.cell.strategy.name()),
        };
        for key in entry.adapt.iter().chain(&entry.merge).chain(&entry.quantise) {
            if !records.iter().any(|known| known.key == *key) {
                records.push(of.making(key, &mut noise));
            }
        }
        for key in &entry.serve {
            // The power of one run in twenty is enough to look at; the large run has it all.
            records.push(of.serving(&folder, key, &mut noise));
        }
        for key in entry.quality.iter().chain(&entry.passes) {
            let mark = TASKS.iter().find(|(name, _)| *name == entry.cell.task).unwrap().1;
            records.push(of.scoring(&folder, key, mark, i, &mut noise));
        }
    }
    for (order, record) in records.iter_mut().enumerate() {
        record.order = order as u32;
        folder.put(record).unwrap();
    }
}

/// What a cell's records are made from.
struct Made {
    size: Size,
    /// Size of the model, 1 for the smallest.
    weight: f64,
    /// Size of its weights beside full precision.
    bits: f64,
    label: String,
}

const S: f64 = 1e9;

impl Made {
    fn record(&self, kind: &str, key: &str, seconds: f64, energy: &[Value], phases: &Value, detail: &Value) -> StageRecord {
        let record = json!({
            "schema": SCHEMA, "key": key, "kind": kind, "label": self.label, "seed": 7, "order": 0,
            "command": ["edge-eval", kind, "--model", "runs/made/it's here", "--note", HOSTILE],
            "outcome": "done", "span": [0, (seconds * S) as u64], "duration": seconds, "phases": phases, "energy": energy,
            "memory": {"resident": {"value": 800_000_000u64}, "gpu": {"value": (2.4e9 * self.weight * self.bits) as u64}},
            "artifact": null, "detail": detail,
        });
        serde_json::from_value(record).unwrap()
    }

    fn making(&self, key: &str, noise: &mut Noise) -> StageRecord {
        let kind = ["adapt", "merge", "quantise"].into_iter().find(|kind| key.starts_with(kind)).unwrap();
        let (seconds, watts) = if kind == "adapt" { (1800.0 * self.weight * noise.around(0.1), 280.0) } else { (20.0 * self.weight, 90.0) };
        let detail = if kind == "adapt" {
            let method = if key.ends_with("qlora") { "qlora" } else { "lora" };
            json!({"adapt": {
                "method": method, "steps": 625, "tokens": 5_000_000, "loss_tokens": 800_000, "trainable_parameters": 11_000_000, "first_loss": 2.1, "last_loss": 1.2,
                "base_bytes": 2_000_000_000u64, "dtype": if method == "qlora" { "bf16" } else { "f16" }, "rows": 5000, "max_length": 1024, "batch": 1, "accumulation": 8, "checkpointing": true,
            }})
        } else {
            json!({"compress": {"format": "q4_k", "tensors": {"q4_k": 100}, "fallbacks": {}, "weight_bytes": (2.4e9 * self.weight * self.bits) as u64}})
        };
        self.record(kind, key, seconds, &[window("stage", 0.0, seconds, watts * seconds)], &json!([{"phase": "start", "at": 1}]), &detail)
    }

    fn serving(&self, folder: &RunFolder, key: &str, noise: &mut Noise) -> StageRecord {
        let load = 4.0 * self.weight * self.bits.sqrt() * noise.around(0.1);
        let gap = 0.008 * self.weight * self.bits.sqrt() * noise.around(0.05);
        let mut energy = Vec::new();
        let watts = 180.0 + 20.0 * self.weight;
        let mut at = load + 1.0;
        let mut levels = Vec::new();
        let mut own = (0.0, 0.0, String::new());
        for (i, streams) in std::iter::once(1).chain(self.size.levels.iter().copied()).enumerate() {
            // Streams slow each other down once there are many.
            let gap = gap * (1.0 + f64::from(streams) / 12.0);
            let (requests, end) = self.requests(at, streams, gap, noise);
            let file = folder.write_requests(key, (i > 0).then_some(streams), &requests).unwrap();
            let window = json!([(at * S) as u64, (end * S) as u64]);
            let joules = (end - at) * watts * (1.0 + 0.1 * f64::from(streams).log2());
            energy.push(crate::made::window(&if i == 0 { "speed".to_owned() } else { format!("speed.c{streams}") }, at, end, joules));
            if i == 0 {
                own = (at, end, file);
            } else {
                levels.push(json!({"concurrency": streams, "seen": {"value": {
                    "requests": requests.len(), "warmup": 2, "window": window, "repeats": 1, "prompts_repeat": false, "prefix_cache_share": {"value": 0.0}, "requests_file": file,
                }}}));
            }
            at = end + 1.0;
        }
        let spawn = [
            ("load.spawn", 0.0, 0.3),
            ("load.read", 0.3, load * 0.6),
            ("load.ready", load * 0.6, load * 0.9),
            ("load.first_token", load * 0.9, load),
        ];
        energy.push(window("load", 0.0, load, load * watts * 0.6));
        energy.extend(spawn.iter().map(|(name, from, to)| window(name, *from, *to, (to - from) * watts * 0.5)));
        energy.push(window("stage", 0.0, at, at * watts * 0.8));
        let power: Vec<PowerSample> = (0..self.size.power_samples)
            .map(|i| {
                let s = at * i as f64 / self.size.power_samples as f64;
                let busy = if s > load { 1.0 } else { 0.55 };
                PowerSample { at: Nanos((s * S) as u64), device: 0, power: Watts(watts * busy * noise.around(0.08)) }
            })
            .collect();
        let power_file = folder.write_power(key, &power).unwrap();
        let detail = json!({"serve": {
            "concurrency": 1, "requests": self.size.requests, "warmup": 2, "forced_tokens": self.size.tokens, "window": [(own.0 * S) as u64, (own.1 * S) as u64],
            "page_cache": "cold", "spawned": 0, "ready": (load * 0.9 * S) as u64, "first_token": (load * S) as u64, "weights_disk": (2.4e9 * self.weight * self.bits) as u64,
            "weights_memory": {"value": (2.4e9 * self.weight * self.bits) as u64}, "kv_memory": {"value": 100_000_000}, "requests_file": own.2, "power_file": power_file,
            "prefix_cache_share": {"value": 0.0}, "levels": levels,
        }});
        let phases = json!([{"phase": "start", "at": 1}, {"phase": "engine", "at": 2, "facts": {"engine": "embedded", "version": "0.1.0", "flags": []}}]);
        self.record("serve", key, at, &energy, &phases, &detail)
    }

    /// Requests of so many streams from an instant on, and when the last one ended.
    fn requests(&self, from: f64, streams: u32, gap: f64, noise: &mut Noise) -> (Vec<Request>, f64) {
        let mut free = vec![from; streams as usize];
        let mut requests = Vec::new();
        for index in 0..self.size.requests.max(4 * streams as usize) {
            let stream = (0..free.len()).min_by(|&a, &b| free[a].total_cmp(&free[b])).unwrap();
            let due = free[stream];
            let first = due + gap * 5.0 * noise.around(0.3);
            let mut at = first;
            let content_times = (0..self.size.tokens)
                .map(|_| {
                    let now = at;
                    at += gap * noise.around(0.4);
                    Nanos((now * S) as u64)
                })
                .collect();
            free[stream] = at;
            let nanos = |s: f64| Nanos((s * S) as u64);
            requests.push(Request {
                index: index as u32,
                due: nanos(due),
                sent: nanos(due + 2e-5),
                headers: Some(nanos(due + 1e-3)),
                first_event: Some(nanos(first)),
                first_content: Some(nanos(first)),
                content_times,
                end: nanos(at),
                prompt_tokens: Some(300 + (index % 40) as u32),
                completion_tokens: Some(self.size.tokens as u32),
                status: Some(200),
                failure: (index == 7 && noise.next() < 0.02).then(|| format!("status: 500 {HOSTILE}")),
                ..Request::default()
            });
        }
        (requests, free.iter().copied().fold(from, f64::max))
    }

    fn scoring(&self, folder: &RunFolder, key: &str, mark: &str, cell: usize, noise: &mut Noise) -> StageRecord {
        let mut items = Vec::new();
        let mut requests = Vec::new();
        for i in 0..self.size.items {
            let id = format!("item{i}");
            // The same item is as hard for every variant.
            let hard = Noise(i as u64 * 977 + 13).next();
            let score =
                (0.35 + 0.1 * self.weight.ln() + 0.5 * hard - 0.05 * (1.0 - self.bits) + 0.04 * (noise.next() - 0.5)).clamp(0.0, 1.0);
            items.push(json!({"id": id, "marks": {mark: {"value": score}}}));
            let text = if i == 0 { HOSTILE.to_owned() } else { format!("Answer {i} of cell {cell}. {}", "It is so. ".repeat(30)) };
            requests.push(Request {
                index: i as u32,
                item: id,
                text,
                finish_reason: Some("stop".into()),
                status: Some(200),
                ..Request::default()
            });
        }
        let file = folder.write_requests(key, None, &requests).unwrap();
        let detail = json!({"quality": {"primary": mark, "items": items, "prompts_digest": "digest", "requests_file": file}});
        self.record("quality", key, 60.0, &[window("stage", 0.0, 60.0, 9000.0)], &json!([]), &detail)
    }
}

fn window(name: &str, from: f64, to: f64, joules: f64) -> Value {
    let idle = 60.0;
    json!({
        "name": name, "source": "nvml_counter", "start": (from * S) as u64, "end": (to * S) as u64, "gross": {"value": joules}, "idle": {"value": idle},
        "net": {"value": joules - idle * (to - from)}, "cpu_time": {"value": to - from}, "samples": 100, "coverage": 1.0, "residual": 0.01, "modelled_w_per_core": null,
        "gpus": [{"index": 0, "name": "A GPU", "temperature_c": 60, "sm_clock_mhz": 1500, "power_limit_w": 300.0, "throttle_reasons": 0, "foreign_pids": []}],
        "verdict": "valid",
    })
}
