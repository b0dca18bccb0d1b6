//! `edge-eval meter`, `burn` and `doctor energy` as a user runs them. No meter of this machine is relied on: energy is modelled or missing.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::edge_eval;

fn meter(args: &[&str]) -> Output {
    edge_eval().arg("meter").args(args).output().expect("the built program can be started")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn positive(value: &Value, name: &str) {
    assert!(value[name].as_f64().is_some_and(|number| number > 0.0), "{name} in {value:#}");
}

/// Uses some milliseconds of CPU time.
const BUSY: &str = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";

#[test]
fn a_command_is_measured_and_modelled_energy_is_said_to_be() {
    let output = meter(&["--json", "--modelled-w-per-core", "8", "--meter", "modelled", "--", "sh", "-c", BUSY]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let found = json(&output);
    for name in ["time_s", "cpu_time_s", "energy_j", "mean_power_w"] {
        positive(&found, name);
    }
    let (cpu, energy) = (found["cpu_time_s"].as_f64().unwrap(), found["energy_j"].as_f64().unwrap());
    assert!((energy - 8.0 * cpu).abs() < 1e-9 * energy, "{energy} J of {cpu} s");
    assert_eq!((found["energy_source"].as_str(), found["verdict"].as_str()), (Some("modelled"), Some("valid")));
    assert!(found["net_energy_j"].is_null() && found["missing"]["net_energy_j"].is_string());
    assert_eq!((&found["exit_code"], &found["intervals"]["time_s"]["n"]), (&0.into(), &1.into()));
    assert!(found["intervals"]["time_s"]["ci95"].is_null() && found["runs"][0]["windows"][0]["source"] == "modelled");
}

#[test]
fn several_runs_give_every_figure_its_interval() {
    let output = meter(&["--json", "--runs", "3", "--modelled-w-per-core", "8", "--meter", "modelled", "--", "sh", "-c", BUSY]);
    let found = json(&output);
    for name in ["time_s", "cpu_time_s", "energy_j"] {
        let interval = &found["intervals"][name];
        assert_eq!((interval["n"].as_u64(), interval["ci95"].as_array().map(Vec::len)), (Some(3), Some(2)), "{name}: {interval}");
    }
    assert_eq!(found["runs"].as_array().map(Vec::len), Some(3));
}

#[test]
fn what_the_command_writes_passes_through_and_does_not_disturb_the_json() {
    let output = meter(&["--quiet", "--", "sh", "-c", "echo said; echo complained >&2"]);
    assert!(text(&output.stdout).starts_with("said\n") && text(&output.stderr).contains("complained"));
    let output = meter(&["--json", "--", "sh", "-c", "echo said"]);
    assert_eq!(json(&output)["exit_code"], 0);
    assert!(text(&output.stderr).contains("said"));
    let output = meter(&["--no-output", "--", "sh", "-c", "echo said-by-it > /dev/stdout"]);
    assert!(!text(&output.stdout).lines().any(|line| line == "said-by-it"));
}

#[test]
fn time_is_told_for_people_too() {
    let output = meter(&["--", "sleep", "0.2"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.starts_with("sleep 0.2\n  time ") && told.contains("peak memory") && told.contains("exit code 0"), "{told}");
}

#[test]
fn a_command_that_fails_is_told_and_is_a_failure() {
    let output = meter(&["--json", "--runs", "3", "--", "sh", "-c", "exit 3"]);
    assert_eq!(output.status.code(), Some(1));
    let found = json(&output);
    positive(&found, "time_s");
    assert_eq!((&found["exit_code"], found["runs"].as_array().map(Vec::len)), (&3.into(), Some(1)));
    let output = meter(&["--json", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!((output.status.code(), json(&output)["signal"].as_i64()), (Some(1), Some(9)));
}

#[test]
fn a_missing_program_is_an_error_with_a_hint() {
    let output = meter(&["--json", "--", "/nonexistent/program"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let talk = text(&output.stderr);
    assert!(talk.contains("error: cannot start /nonexistent/program") && talk.contains("hint: "), "{talk}");
}

#[test]
fn bad_arguments_are_told_before_anything_runs() {
    for args in [
        &["--"][..],
        &["--runs", "0", "--", "true"],
        &["--against", "a 'b", "--", "true"],
        &["--also", "no-such-process-name", "--", "true"],
        &["--modelled-w-per-core", "-8", "--", "true"],
    ] {
        let output = meter(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_meter_that_was_named_and_is_not_there_is_an_invalid_measurement() {
    let output = meter(&["--meter", "modelled", "--", "sh", "-c", "echo ran"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(4), ""));
    assert!(text(&output.stderr).contains("hint: "));
    // Nothing uses no CPU time to model energy from, yet time is known.
    let output = meter(&["--meter", "nonsense", "--", "true"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("unknown meter"), "{}", text(&output.stderr));
}

#[test]
fn two_commands_are_compared() {
    let args = ["--json", "--runs", "3", "--against", "sleep 0.05", "--", "sleep", "0.25"];
    let found = json(&meter(&args));
    assert_eq!((found["command"][0].as_str(), found["against"]["command"][1].as_str()), (Some("sleep"), Some("0.05")));
    let time = found["comparison"].as_array().unwrap().iter().find(|ratio| ratio["figure"] == "time_s").unwrap();
    assert_eq!(time["ratio"]["value"]["n"], 3);
    assert!(time["says"].as_str().is_some_and(|says| says.starts_with("time: ")));
    let energy = found["comparison"].as_array().unwrap().iter().find(|ratio| ratio["figure"] == "energy_j").unwrap();
    assert!(energy["ratio"]["missing"].is_string() || energy["ratio"]["value"]["value"].is_number());
    assert!(text(&meter(&["--against", "true", "--", "true"]).stdout).contains("First against second"));
}

#[test]
fn processes_beside_the_command_count_with_it() {
    let mut daemon = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
    let pid = daemon.id().to_string();
    let output = meter(&["--json", "--meter", "modelled", "--modelled-w-per-core", "8", "--also", &pid, "--", "sleep", "1"]);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let found = json(&output);
    let (own, energy) = (found["cpu_time_s"].as_f64().unwrap(), &found["energy_j"]);
    // The daemon never rests, the command does nothing else.
    assert!(energy.as_f64().is_some_and(|energy| energy > 8.0 * own) || found["verdict"]["invalid"]["code"] == "cpu_time_too_coarse");
    assert!(found["notes"].to_string().contains(&pid));
}

#[test]
fn files_are_written_and_opened_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (out, csv) = (path("report.json"), path("power.csv"));
    let common = ["--meter", "modelled", "--modelled-w-per-core", "8", "--interval-ms", "20"];
    let output = meter(&[&common[..], &["--out", &out, "--power-csv", &csv, "--", "sh", "-c", BUSY]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(report["schema"], "edge-eval/meter/1");
    let csv = std::fs::read_to_string(&csv).unwrap();
    assert!(csv.starts_with("command,run,meter,device,monotonic_ns,t_s,power_w\n") && csv.lines().count() > 1, "{csv}");
    let output = meter(&["--out", "/nonexistent/folder/report.json", "--", "sh", "-c", "echo ran"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[test]
fn a_signal_ends_the_whole_group() {
    let script = "sleep 60 & echo $!; wait";
    let mut child = edge_eval().args(["meter", "--runs", "3", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let grandchild = lines.next().unwrap().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // It was killed before we ended; the kernel may take a moment to let it go.
    let gone = || std::fs::read_to_string(format!("/proc/{grandchild}/stat")).map_or(true, |stat| stat.contains(") Z "));
    let soon = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        gone()
    });
    assert!(soon, "the grandchild outlived the measurement");
    // Only the interrupted run is told of.
    let told: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(told.iter().any(|line| line.contains("FAILED")), "{told:?}");
}

#[test]
fn standard_input_reaches_the_command_only_when_asked() {
    let run = |args: &[&str]| {
        let mut child = edge_eval().arg("meter").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"given\n").unwrap();
        text(&child.wait_with_output().unwrap().stdout)
    };
    assert!(run(&["--stdin", "--", "cat"]).starts_with("given\n"));
    assert!(!run(&["--", "cat"]).contains("given"));
}

#[test]
fn a_terminal_is_not_handed_to_a_command_that_may_not_read_it() {
    let Ok(terminal) = std::fs::File::open("/dev/ptmx") else {
        println!("skipped: there are no pseudo-terminals here");
        return;
    };
    let output = edge_eval().args(["meter", "--stdin", "--", "cat"]).stdin(terminal).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a terminal"), "{}", text(&output.stderr));
}

#[test]
fn a_load_on_the_processor_says_when_it_is_ready_and_ends() {
    let output = edge_eval().args(["burn", "--cpu", "1", "--seconds", "0.05", "--pulse-ms", "5", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let phases: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect::<Vec<_>>(), ["start", "ready", "done"]);
}

#[test]
fn a_load_on_a_gpu_that_is_not_there_says_so() {
    let output = edge_eval().args(["burn", "--gpu", "4000", "--seconds", "0.05"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let talk = text(&output.stderr);
    assert!(talk.contains("no CUDA driver") || talk.contains("CUDA"), "{talk}");
}

#[test]
fn meters_are_examined_and_the_certificate_is_stored() {
    let cache = tempfile::tempdir().unwrap();
    let mut command = edge_eval();
    command.args(["doctor", "energy", "--no-load", "--quiet"]).env("XDG_CACHE_HOME", cache.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("sampler") && told.contains("CPU clock"), "{told}");
    let stored = std::fs::read_to_string(cache.path().join("edge-eval/energy-certificate.json")).unwrap();
    let certificate: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(certificate["schema"], "edge-eval/energy-certificate/1");
    assert!(certificate["sampler"]["cpu_share"]["value"].is_number() && certificate["cpu_clock_resolution_s"]["value"].is_number());
    if certificate["devices"].as_array().is_some_and(Vec::is_empty) {
        assert!(told.contains("--modelled-w-per-core"), "{told}");
    }
}

#[test]
fn an_external_meters_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plug.csv");
    let now = record::clock::now().get() as f64 / 1e9;
    let rows = (0..600).map(|tenth| format!("{:.3},50000", now - 5.0 + f64::from(tenth) / 10.0));
    let lines: Vec<String> = std::iter::once("seconds,milliwatts".to_owned()).chain(rows).collect();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let columns = ["--csv-time-column", "seconds", "--csv-time", "monotonic_s", "--csv-power-column", "milliwatts", "--csv-power", "mw"];
    let mut args = vec!["--json", "--idle-s", "0", "--no-repeat", "--csv", file.to_str().unwrap()];
    args.extend(columns);
    args.extend(["--", "sleep", "2.1"]);
    let found = json(&meter(&args));
    assert_eq!(found["verdict"], "valid", "{found:#}");
    let power = found["energy_j"].as_f64().unwrap() / found["time_s"].as_f64().unwrap();
    assert!((power - 50.0).abs() < 0.5, "{power} W are not 50");
    let unknown = meter(&["--csv", file.to_str().unwrap(), "--csv-time", "julian", "--", "true"]);
    assert_eq!(unknown.status.code(), Some(2));
}
