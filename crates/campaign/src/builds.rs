//! Which build of an engine a plan meets on this machine, found without starting a server, so that keys of stages tell one build from another.
//! What a running server says of its version is another thing: it stands in the record.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use plan::EngineSpec;
use record::clock;
use serve::launch::{Origin, Start};
use units::Seconds;

use crate::{Places, engine, error::Result, guard::kill_everything};

/// What stands for a program that is not there.
const NOT_INSTALLED: &str = "not installed";
/// What stands for one that does not tell.
const UNTOLD: &str = "untold";
/// How long a program may take to tell its version: those that load half a machine learning framework for it take seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// Most bytes of an answer, and of the beginning of a script.
const MOST_TEXT: u64 = 64 << 10;

/// The version of the distribution that gives the interpreter a console script of the name in the first argument.
const OF_SCRIPT: &str = "import importlib.metadata as m, sys
for e in m.entry_points(group='console_scripts'):
    if e.name == sys.argv[1]:
        print(e.dist.name, e.dist.version)
        break";
/// The version of the distribution in the first argument.
const OF_PACKAGE: &str = "import importlib.metadata as m, sys
print(sys.argv[1], m.version(sys.argv[1]))";

/// Finds builds; each program is asked once.
pub(crate) struct Builds<'a> {
    places: &'a Places,
    asked: HashMap<(PathBuf, Option<&'static str>), String>,
}

impl<'a> Builds<'a> {
    pub(crate) fn new(places: &'a Places) -> Self {
        Self { places, asked: HashMap::new() }
    }

    /// What tells the engine's build from others: a name and a version where they can be had.
    ///
    /// # Errors
    /// The plan names no engine that there is, or its options are wrong.
    pub(crate) fn of(&mut self, spec: &EngineSpec) -> Result<String> {
        let engine = serve::engines::find(&spec.kind)?;
        match engine.about().origin {
            Origin::Own => Ok(env!("CARGO_PKG_VERSION").to_owned()),
            Origin::Running => Ok(UNTOLD.to_owned()),
            Origin::Foreign => {
                let Some(start) = engine.program(&spec.options)? else { return Ok(UNTOLD.to_owned()) };
                let places = self.places;
                let key = (start.program.clone(), start.package);
                Ok(self.asked.entry(key).or_insert_with(|| ask(&start, places)).clone())
            }
        }
    }
}

fn ask(start: &Start, places: &Places) -> String {
    let Some(program) = engine::find(&start.program, &places.search_path) else { return NOT_INSTALLED.to_owned() };
    if let Some(package) = start.package {
        return said(Command::new(program).args(["-c", OF_PACKAGE, package])).unwrap_or_else(|| NOT_INSTALLED.to_owned());
    }
    let by_package = || {
        let python = interpreter(&program, &places.search_path)?;
        said(Command::new(python).args(["-c", OF_SCRIPT]).arg(program.file_name()?))
    };
    by_package().or_else(|| said(Command::new(&program).arg("--version"))).unwrap_or_else(|| UNTOLD.to_owned())
}

/// The first line with a digit of what a command says, when it ends well and in time.
fn said(command: &mut Command) -> Option<String> {
    let text = output(command).ok()??;
    text.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).map(|line| line.trim().to_owned())
}

/// What a command writes; `None` when it ends badly or takes too long. It is written to a file: a pipe could be held open by a descendant.
fn output(command: &mut Command) -> io::Result<Option<String>> {
    let mut file = tempfile::tempfile()?;
    let mut child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?).process_group(0).spawn()?;
    let begun = clock::now();
    let status = loop {
        match child.try_wait()? {
            None if clock::now().since(begun) < Seconds(PATIENCE.as_secs_f64()) => std::thread::sleep(LOOK),
            None => break None,
            ended => break ended,
        }
    };
    if status.is_none() {
        kill_everything(child.id());
        child.wait()?;
    }
    if !status.is_some_and(|status| status.success()) {
        return Ok(None);
    }
    file.rewind()?;
    text(file).map(Some)
}

fn text(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MOST_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The Python interpreter that a script names in its first line, or, where that would be too long a line, behind `exec` in its second, as
/// installers of Python packages write them.
fn interpreter(script: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    let text = text(File::open(script).ok()?).ok()?;
    let mut lines = text.lines();
    let mut words = lines.next()?.strip_prefix("#!")?.split_whitespace();
    let first = words.next()?;
    let named = match Path::new(first).file_name()?.to_str()? {
        "env" => words.find(|word| !word.starts_with('-'))?,
        "sh" => lines.next()?.strip_prefix("'''exec' ")?.trim_end_matches(" \"$0\" \"$@\"").trim_matches(['"', '\'']),
        _ => first,
    };
    let is_python = Path::new(named).file_name()?.to_str()?.starts_with("python");
    if is_python { engine::find(Path::new(named), search_path) } else { None }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        // Written by another process: a file that one of our forks holds open for a moment cannot be run.
        let write = Command::new("/bin/sh").args(["-c", "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", text]).arg(&path).status();
        assert!(write.unwrap().success());
        path
    }

    fn places(folder: &Path) -> Places {
        Places {
            program: PathBuf::new(),
            builtin: PathBuf::new(),
            hub: hub::Hub { cache: folder.to_owned(), online: false, endpoint: None, token: None },
            search_path: vec![folder.to_owned(), "/bin".into(), "/usr/bin".into()],
            secret: |_| None,
            certificate: None,
        }
    }

    fn spec(kind: &str, options: &serde_json::Value) -> EngineSpec {
        EngineSpec { options: options.as_object().unwrap().clone(), ..EngineSpec::of(kind) }
    }

    #[test]
    fn a_build_is_told_by_what_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        let mut builds = Builds::new(&places);
        let none = serde_json::json!({});
        assert_eq!(builds.of(&spec("embedded", &none)).unwrap(), env!("CARGO_PKG_VERSION"));
        let there = serde_json::json!({"url": "http://127.0.0.1:1", "model": "m"});
        assert_eq!(builds.of(&spec("openai", &there)).unwrap(), "untold");
        assert_eq!(builds.of(&spec("ollama", &none)).unwrap(), "not installed");
        program(folder.path(), "llama-server", "#!/bin/sh\necho loading >&2\necho version: 7 \\(abc\\) >&2\necho built with 3\n");
        assert_eq!(builds.of(&spec("llama-cpp", &none)).unwrap(), "version: 7 (abc)");
        program(folder.path(), "mistralrs", "#!/bin/sh\nexit 1\n");
        assert_eq!(builds.of(&spec("mistralrs", &none)).unwrap(), "untold");
    }

    /// A fake interpreter that answers as `importlib.metadata` would: by the last of its arguments.
    const PYTHON: &str = "#!/bin/sh\nfor last; do :; done\n[ \"$last\" = vllm ] && echo vllm 0.24.0 && exit 0\n[ \"$last\" = sglang ] && echo sglang 0.5.10 && exit 0\nexit 1\n";

    #[test]
    fn a_python_packages_build_is_told_by_the_interpreter_of_its_script() {
        let folder = tempfile::tempdir().unwrap();
        let python = program(folder.path(), "python3", PYTHON);
        let places = places(folder.path());
        let build = |kind: &str| Builds::new(&places).of(&spec(kind, &serde_json::json!({}))).unwrap();
        assert_eq!(build("sglang"), "sglang 0.5.10");
        for head in [
            format!("#!{}\n", python.display()),
            "#!/usr/bin/env python3\n".to_owned(),
            format!("#!/bin/sh\n'''exec' \"{}\" \"$0\" \"$@\"\n' '''\n", python.display()),
        ] {
            program(folder.path(), "vllm", &format!("{head}raise SystemExit('it must not be run')\n"));
            assert_eq!(build("vllm"), "vllm 0.24.0", "{head}");
        }
    }

    #[test]
    fn a_program_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "llama-server", "#!/bin/sh\necho asked >> \"$(dirname \"$0\")/asked\"\necho 1\n");
        let places = places(folder.path());
        let mut builds = Builds::new(&places);
        for _ in 0..3 {
            assert_eq!(builds.of(&spec("llama-cpp", &serde_json::json!({}))).unwrap(), "1");
        }
        assert_eq!(fs::read_to_string(folder.path().join("asked")).unwrap().lines().count(), 1);
    }
}
