//! An engine's process on this machine: whether it is installed, its port, its start under guard, the commands that follow, its version, and its
//! end with the trouble that its log tells. A server that is there already has no process. What is asked of it is not known here.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use record::{Phase, clock};
use rustix::{
    fs::{Access, access},
    process::Signal,
};
use serve::{
    About,
    launch::{self, Address, Launch, Start, Stop, Version},
    trouble,
};
use units::Nanos;

use crate::{
    Places,
    error::{Error, Result},
    guard::{Guard, kill_everything},
    probe::Server,
    process::{CommandLine, Ended, StageProcess},
};

/// The end of a log in which trouble is looked for: tracebacks are long.
const LOG_TAIL: u64 = 256 << 10;

/// An engine's process, or none where the server is there already.
pub(crate) struct Running {
    /// Dropped before the guard, so that the guard is let go last.
    process: Option<StageProcess>,
    guard: Option<Guard>,
    since: Nanos,
    log: PathBuf,
}

/// A free port of 127.0.0.1. It is let go at once, so another process may take it before the engine does: then the engine says so.
pub(crate) fn free_port() -> Result<u16> {
    let taken = |source| Error::Io { doing: "looking for a free port of", path: PathBuf::from("127.0.0.1"), source };
    Ok(TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).map_err(taken)?.port())
}

/// Why engines of a plan could not be started on this machine, without starting them.
pub fn missing_engines(plan: &plan::Plan, places: &Places) -> Vec<Error> {
    let missing = plan.engines.iter().filter_map(|spec| {
        let engine = serve::engines::find(&spec.kind).ok()?;
        let start = engine.program(&spec.options).ok()??;
        installed(engine.about(), &start, places).err()
    });
    missing.collect()
}

/// Whether all that a start needs is on this machine.
///
/// # Errors
/// [`Error::NotInstalled`].
pub(crate) fn installed(about: &About, start: &Start, places: &Places) -> Result<()> {
    let missing = |what: String| Err(Error::NotInstalled { engine: about.name, what, install: about.install });
    let Some(program) = find(&start.program, &places.search_path) else {
        return missing(format!("program {}", start.program.display()));
    };
    let Some(package) = start.package else { return Ok(()) };
    let script = format!("import importlib.metadata as m; m.version('{package}')");
    let asked = Command::new(&program).args(["-c", &script]).stdin(Stdio::null()).output();
    match asked {
        Ok(answer) if answer.status.success() => Ok(()),
        _ => missing(format!("Python package {package} for {}", program.display())),
    }
}

/// The executable that a name means.
pub(crate) fn find(program: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    let runs = |path: &PathBuf| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if program.components().count() > 1 {
        return Some(program.to_owned()).filter(runs);
    }
    search_path.iter().map(|folder| folder.join(program)).find(runs)
}

/// The command line as a record keeps it.
pub(crate) fn command(launch: &Launch) -> CommandLine {
    match (&launch.start, &launch.address) {
        (Some(start), _) => line(start),
        (None, Address::Url(url)) => CommandLine { program: url.into(), args: Vec::new(), environment: Vec::new() },
        (None, _) => CommandLine { program: PathBuf::new(), args: Vec::new(), environment: Vec::new() },
    }
}

fn line(start: &Start) -> CommandLine {
    let mut args = start.args.clone();
    if start.own {
        args.extend(["--die-with".into(), std::process::id().to_string().into()]);
    }
    CommandLine {
        program: start.program.clone(),
        args,
        environment: start.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    }
}

/// Starts it.
///
/// # Errors
/// It is not installed, its port is taken, a file it reads cannot be written, or it cannot be spawned.
pub(crate) fn begin(about: &About, launch: &Launch, places: &Places, log: PathBuf) -> Result<Running> {
    let Some(start) = &launch.start else {
        return Ok(Running { process: None, guard: None, since: clock::now(), log });
    };
    installed(about, start, places)?;
    if let Address::Port(port) = launch.address {
        TcpListener::bind(("127.0.0.1", port)).map_err(|source| Error::PortTaken { port, source })?;
    }
    write_files(start)?;
    let guarding = |source| Error::Spawn { program: places.program.clone(), source };
    let mut guard = if start.own { None } else { Some(Guard::start(&places.program).map_err(guarding)?) };
    let process = StageProcess::spawn(&line(start), &log)?;
    if let Some(guard) = &mut guard {
        guard.watch(process.group()).map_err(guarding)?;
    }
    Ok(Running { since: process.spawned(), process: Some(process), guard, log })
}

fn write_files(start: &Start) -> Result<()> {
    for (path, text) in &start.files {
        let io = |source| Error::Io { doing: "writing", path: path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        fs::write(path, text).map_err(io)?;
    }
    Ok(())
}

impl Running {
    /// The process group, for the meter.
    pub(crate) fn group(&self) -> Option<u32> {
        self.process.as_ref().map(StageProcess::group)
    }

    /// The instant just before the spawn, or that at which a server that is there already was turned to.
    pub(crate) fn since(&self) -> Nanos {
        self.since
    }

    /// Whether it has not ended. Of a server that is not ours that is not known before it is asked.
    pub(crate) fn alive(&self) -> bool {
        self.process.as_ref().is_none_or(StageProcess::alive)
    }

    /// Where it listens, once it has told.
    pub(crate) fn url(&mut self, launch: &Launch, patience: Duration, on_mark: impl FnMut(&Phase)) -> Result<String> {
        match (&launch.address, &mut self.process) {
            (Address::Url(url), _) => Ok(url.clone()),
            (Address::LineProtocol, Some(process)) => {
                let mark = process.wait_for("listening", patience, on_mark)?;
                let port = mark.facts.get("port").and_then(serde_json::Value::as_u64).and_then(|port| u16::try_from(port).ok());
                let waited = clock::now().since(self.since);
                let port = port.ok_or_else(|| Error::NeverReady { phase: "listening on a port".to_owned(), waited })?;
                Ok(format!("http://127.0.0.1:{port}"))
            }
            (Address::Port(port), _) => Ok(format!("http://127.0.0.1:{port}")),
            (Address::LineProtocol, None) => Err(Error::EndedEarly { phase: "started".to_owned() }),
        }
    }

    /// Ends it, and tells what its log says went wrong when it ended before it was told to.
    ///
    /// # Errors
    /// The kernel does not tell of the process.
    pub(crate) fn stop(mut self, stop: Stop) -> Result<(Ended, Option<trouble::Trouble>)> {
        let Some(process) = self.process.take() else {
            let ended = Ended {
                status: ExitStatus::from_raw(0),
                span: (self.since, clock::now()),
                cpu: None,
                phases: Vec::new(),
                last_lines: Vec::new(),
            };
            return Ok((ended, None));
        };
        let (alive, group) = (process.alive(), process.group());
        let signal = match stop.signal {
            launch::Signal::Terminate => Signal::TERM,
            launch::Signal::Interrupt => Signal::INT,
        };
        let ended = process.stop_with(signal, Duration::from_secs(stop.grace_s))?;
        if self.guard.is_some() {
            kill_everything(group);
        }
        // The signal that ended it is ours when it lived until now.
        let by_signal = if alive { None } else { ended.status.signal() };
        let trouble = trouble::recognise(&log_tail(&self.log), by_signal);
        Ok((ended, trouble))
    }
}

/// What is seen of a stage whose process never began.
pub(crate) fn never_began() -> Ended {
    const NOT_FOUND: i32 = 127;
    let now = clock::now();
    Ended { status: ExitStatus::from_raw(NOT_FOUND << 8), span: (now, now), cpu: None, phases: Vec::new(), last_lines: Vec::new() }
}

/// Runs the commands that follow once the engine is ready.
///
/// # Errors
/// One of them fails, with its last lines.
pub(crate) fn after_ready(launch: &Launch) -> Result<()> {
    for start in &launch.after_ready {
        write_files(start)?;
        let answer = run(start).map_err(|source| Error::Spawn { program: start.program.clone(), source })?;
        if !answer.status.success() {
            let said = both(&answer);
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned();
            return Err(Error::AfterReady { command: line(start).words().join(" "), said: last });
        }
    }
    Ok(())
}

fn run(start: &Start) -> io::Result<std::process::Output> {
    let environment = start.environment.iter().map(|(name, value)| (name, value));
    Command::new(&start.program).args(&start.args).envs(environment).stdin(Stdio::null()).output()
}

fn both(answer: &std::process::Output) -> String {
    String::from_utf8_lossy(&answer.stdout).into_owned() + &String::from_utf8_lossy(&answer.stderr)
}

/// The engine's version, where it tells one.
pub(crate) fn version(launch: &Launch, server: &Server) -> Option<String> {
    match &launch.version {
        Version::Own => Some(env!("CARGO_PKG_VERSION").to_owned()),
        Version::Route { path, pointer } => server.json(path).ok()?.pointer(pointer)?.as_str().map(str::to_owned),
        Version::Command(start) => {
            let said = run(start).ok().filter(|answer| answer.status.success()).map(|answer| both(&answer))?;
            said.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).map(|line| line.trim().to_owned())
        }
        Version::Untold => None,
    }
}

/// Compares the version told with the one that the plan wants. A program's name before the number does not count.
///
/// # Errors
/// [`Error::WrongVersion`].
pub(crate) fn check_version(engine: &'static str, wanted: Option<&str>, told: Option<&str>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let told = told.unwrap_or("not told");
    let number = told.find(|c: char| c.is_ascii_digit()).map_or(told, |at| &told[at..]);
    let fits = |told: &str| told.strip_prefix(wanted).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
    if fits(told) || fits(number) {
        return Ok(());
    }
    Err(Error::WrongVersion { engine, wanted: wanted.to_owned(), told: told.to_owned() })
}

/// The last lines of a log, as far back as trouble is looked for.
fn log_tail(path: &Path) -> Vec<String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_beginning() {
        let fits = |wanted: &str, told: Option<&str>| check_version("x", Some(wanted), told).is_ok();
        assert!(fits("0.24", Some("0.24.0")) && fits("0.24", Some("0.24")) && fits("0.9", Some("mistralrs 0.9.2")));
        assert!(!fits("0.24", Some("0.240.1")) && !fits("0.24", Some("0.23.9")) && !fits("0.24", None));
        assert!(check_version("x", None, None).is_ok());
        let error = check_version("vllm", Some("0.24"), Some("0.23.1")).unwrap_err();
        assert_eq!(error.to_string(), "engine \"vllm\" is of version 0.23.1, and the plan wants 0.24");
    }

    #[test]
    fn a_program_is_found_in_the_search_path_or_where_it_says() {
        let path = vec![PathBuf::from("/nowhere"), PathBuf::from("/bin")];
        assert_eq!(find(Path::new("sh"), &path), Some("/bin/sh".into()));
        assert_eq!(find(Path::new("/bin/sh"), &[]), Some("/bin/sh".into()));
        assert_eq!(find(Path::new("no-such-program"), &path), None);
        assert_eq!(find(Path::new("/etc/passwd"), &[]), None);
    }

    #[test]
    fn the_end_of_a_long_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, format!("{}\nlast\n", "x".repeat(LOG_TAIL as usize))).unwrap();
        assert_eq!(log_tail(&path).last().map(String::as_str), Some("last"));
        assert!(log_tail(Path::new("/nowhere")).is_empty());
    }
}
