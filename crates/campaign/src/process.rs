//! One stage's process: spawned without a shell in its own process group, its line protocol read as it comes, its last words
//! kept, and gone when we go. Not metering: the runner attaches a sampler to the group.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use record::{Phase, clock};
use rustix::process::Signal;
use units::{Nanos, Seconds};

use crate::{error::Error, group::GroupChild};

/// Lines of a stage's talk that are kept for its record.
const LAST_LINES: usize = 20;
/// Longest line of a stage that is kept; the rest of it is dropped.
const LINE_LIMIT: u64 = 1 << 20;

/// How often a stage that says nothing is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long the output of a stage that has ended may stay open: a descendant may hold it.
const AFTER_END: Duration = Duration::from_secs(1);

/// What to run, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables set beside the inherited ones.
    pub environment: Vec<(String, OsString)>,
}

impl CommandLine {
    /// Program and arguments as one list, as a record keeps them.
    pub fn words(&self) -> Vec<String> {
        let args = self.args.iter().map(|arg| arg.to_string_lossy().into_owned());
        std::iter::once(self.program.display().to_string()).chain(args).collect()
    }
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit status as the kernel told it.
    pub status: ExitStatus,
    /// Spawn and end.
    pub span: (Nanos, Nanos),
    /// CPU time of the process and its reaped children, where the kernel still told it.
    pub cpu: Option<Seconds>,
    /// All marks of the line protocol.
    pub phases: Vec<Phase>,
    /// The last lines it wrote to stderr (and to stdout, when they were not marks).
    pub last_lines: Vec<String>,
}

impl Ended {
    /// In words, why it is a failure; `None` when it ended well.
    pub fn failure(&self) -> Option<String> {
        if self.status.success() {
            return None;
        }
        let told = |fact: &str| self.facts("failed").and_then(|facts| facts.get(fact)).and_then(|said| said.as_str());
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "ended without a status".to_owned(),
        };
        Some(match (told("error"), told("hint")) {
            (Some(error), Some(hint)) => format!("{error} ({how}; hint: {hint})"),
            (Some(error), None) => format!("{error} ({how})"),
            (None, _) => how,
        })
    }

    /// The same, where the end is of our making: a server that was told to stop and did is no failure.
    #[must_use]
    pub(crate) fn stopped_by_us(mut self, worked: bool) -> Self {
        if worked {
            self.status = ExitStatus::from_raw(0);
        }
        self
    }

    /// The facts told with the last mark of this name.
    pub fn facts(&self, phase: &str) -> Option<&serde_json::Map<String, serde_json::Value>> {
        self.phases.iter().rev().find(|p| p.phase == phase).map(|p| &p.facts)
    }
}

/// A running stage. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct StageProcess {
    /// Until it is reaped.
    child: Option<GroupChild>,
    spawned: Nanos,
    group: u32,
    marks: Receiver<Phase>,
    phases: Vec<Phase>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl StageProcess {
    /// Spawns it. Must be called from a thread that outlives the stage: the child asks the kernel to die with that thread.
    ///
    /// # Errors
    /// The program cannot be started, or the log cannot be opened.
    pub fn spawn(command: &CommandLine, log: &Path) -> Result<Self, Error> {
        let log_file = File::create(log).map_err(|source| Error::Io { doing: "creating the log", path: log.into(), source })?;
        let log_file = Arc::new(Mutex::new(log_file));
        let mut start = Command::new(&command.program);
        start
            .args(&command.args)
            .envs(command.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = GroupChild::spawn(&mut start).map_err(|source| Error::Spawn { program: command.program.clone(), source })?;
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, marks) = channel();
        let stdout = child.child().stdout.take().expect("stdout was piped");
        let stderr = child.child().stderr.take().expect("stderr was piped");
        let readers = vec![
            reader(stdout, Some(sender), Arc::clone(&last_lines), Arc::clone(&log_file)),
            reader(stderr, None, Arc::clone(&last_lines), log_file),
        ];
        let (spawned, group) = (child.spawned(), child.group());
        Ok(Self { child: Some(child), spawned, group, marks, phases: Vec::new(), last_lines, readers })
    }

    /// The process group's id, for the meter.
    pub fn group(&self) -> u32 {
        self.group
    }

    /// The instant just before the spawn.
    pub fn spawned(&self) -> Nanos {
        self.spawned
    }

    /// Waits for a mark of this name; every mark that passes is handed to `on_mark`.
    ///
    /// # Errors
    /// The process ended first, or the time is up.
    pub fn wait_for(&mut self, phase: &str, timeout: Duration, mut on_mark: impl FnMut(&Phase)) -> Result<Phase, Error> {
        let deadline = Nanos(clock::now().0 + timeout.as_nanos() as u64);
        loop {
            let left = deadline.since(clock::now()).get();
            match self.marks.recv_timeout(Duration::from_secs_f64(left)) {
                Ok(mark) => {
                    on_mark(&mark);
                    self.phases.push(mark.clone());
                    if mark.phase == phase {
                        return Ok(mark);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Error::NeverReady { phase: phase.to_owned(), waited: Seconds(timeout.as_secs_f64()) });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::EndedEarly { phase: phase.to_owned() });
                }
            }
        }
    }

    /// Whether it has not ended yet.
    pub fn alive(&self) -> bool {
        self.child.as_ref().is_some_and(GroupChild::alive)
    }

    /// Waits for its end; every mark is handed to `on_mark`. A descendant that keeps the output open after the end is not waited for:
    /// it goes with the group.
    ///
    /// # Errors
    /// The kernel does not tell of the process.
    pub fn wait(mut self, mut on_mark: impl FnMut(&Phase)) -> Result<Ended, Error> {
        let mut ended: Option<Nanos> = None;
        loop {
            match self.marks.recv_timeout(LOOK) {
                Ok(mark) => {
                    on_mark(&mark);
                    self.phases.push(mark);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if ended.is_none() && !self.alive() {
                ended = Some(clock::now());
            }
            if ended.is_some_and(|ended| is_over(ended, AFTER_END)) {
                break;
            }
        }
        self.reap()
    }

    /// Asks it to end (`SIGTERM` to the group), and kills the group after `grace`.
    ///
    /// # Errors
    /// The kernel does not tell of the process.
    pub fn stop(self, grace: Duration) -> Result<Ended, Error> {
        self.stop_with(Signal::TERM, grace)
    }

    /// The same with another signal.
    ///
    /// # Errors
    /// The kernel does not tell of the process.
    pub fn stop_with(mut self, signal: Signal, grace: Duration) -> Result<Ended, Error> {
        self.signal(signal);
        let deadline = Nanos(clock::now().0 + grace.as_nanos() as u64);
        loop {
            let left = Duration::from_secs_f64(deadline.since(clock::now()).get());
            match self.marks.recv_timeout(left) {
                Ok(mark) => self.phases.push(mark),
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => break,
            }
        }
        // It may have closed its output and still be there.
        while self.alive() && clock::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        if self.alive() {
            self.signal(Signal::KILL);
        }
        self.reap()
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            child.signal(signal);
        }
    }

    fn reap(&mut self) -> Result<Ended, Error> {
        let waiting = |source| Error::Io { doing: "waiting for", path: PathBuf::from("the stage"), source };
        let child = self.child.take().expect("a stage is reaped once: both callers take it by value");
        let reaped = child.reap().map_err(waiting)?;
        self.join_readers();
        while let Ok(mark) = self.marks.try_recv() {
            self.phases.push(mark);
        }
        Ok(Ended {
            status: reaped.status,
            span: (self.spawned, reaped.ended),
            cpu: Some(reaped.account.cpu()),
            phases: std::mem::take(&mut self.phases),
            last_lines: self.tail(),
        })
    }

    /// Lets the readers come to the end of the output. One that a process outside the group still holds open is left to itself.
    fn join_readers(&mut self) {
        let since = clock::now();
        while self.readers.iter().any(|reader| !reader.is_finished()) && !is_over(since, AFTER_END) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for reader in self.readers.drain(..).filter(JoinHandle::is_finished) {
            let _ = reader.join();
        }
    }

    fn tail(&self) -> Vec<String> {
        self.last_lines.lock().map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }
}

fn is_over(since: Nanos, patience: Duration) -> bool {
    clock::now().since(since) >= Seconds(patience.as_secs_f64())
}

/// Reads lines until the pipe closes: marks go to `sender`, everything else is talk; all of it goes to the log.
fn reader(
    pipe: impl Read + Send + 'static,
    sender: Option<Sender<Phase>>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    log: Arc<Mutex<File>>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut pipe).take(LINE_LIMIT).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if let Ok(mut log) = log.lock() {
                // A full disk must not end the stage that fills it: its own writes will say so.
                let _ = log.write_all(&line);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let mark = sender.as_ref().and_then(|sender| Some((sender, serde_json::from_str::<Phase>(text).ok()?)));
            if let Some((sender, mark)) = mark {
                if sender.send(mark).is_err() {
                    return;
                }
            } else if !text.is_empty()
                && let Ok(mut lines) = last_lines.lock()
            {
                if lines.len() == LAST_LINES {
                    lines.pop_front();
                }
                lines.push_back(text.to_owned());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> CommandLine {
        CommandLine { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], environment: Vec::new() }
    }

    fn run(script: &str) -> Ended {
        let dir = tempfile::tempdir().unwrap();
        StageProcess::spawn(&sh(script), &dir.path().join("log")).unwrap().wait(|_| {}).unwrap()
    }

    #[test]
    fn marks_and_talk_are_told_apart() {
        let ended = run(r#"echo '{"phase":"read","at":5,"facts":{"n":1}}'; echo hello; echo oops >&2; exit 3"#);
        assert_eq!(ended.phases.len(), 1);
        assert_eq!(ended.phases[0].at, Nanos(5));
        let mut talk = ended.last_lines.clone();
        talk.sort();
        assert_eq!(talk, ["hello", "oops"]);
        assert_eq!(ended.failure().as_deref(), Some("exit code 3"));
    }

    #[test]
    fn a_descendant_that_keeps_the_output_open_is_not_waited_for() {
        // The second leaves the group as well, so that it outlives it.
        for holds in ["sleep 600 &", "setsid sleep 600 &"] {
            let ended = run(&format!(r#"{holds} echo '{{"phase":"done","at":5,"facts":{{"child":'$!'}}}}'; echo last >&2"#));
            assert!(ended.status.success(), "{holds}");
            assert_eq!((ended.phases.len(), ended.last_lines), (1, vec!["last".to_owned()]), "{holds}");
            let child = ended.phases[0].facts["child"].as_i64().unwrap() as i32;
            // It must not outlive the test.
            let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(child).unwrap(), Signal::KILL);
        }
    }

    #[test]
    fn a_told_error_is_the_reason() {
        let ended = run(r#"echo '{"phase":"failed","at":5,"facts":{"error":"disk full"}}'; exit 1"#);
        assert_eq!(ended.failure().as_deref(), Some("disk full (exit code 1)"));
        let ended = run(r#"echo '{"phase":"failed","at":5,"facts":{"error":"disk full","hint":"free some"}}'; exit 1"#);
        assert_eq!(ended.failure().as_deref(), Some("disk full (exit code 1; hint: free some)"));
    }

    #[test]
    fn a_killed_stage_says_by_what() {
        assert_eq!(run("kill -9 $$").failure().as_deref(), Some("killed by signal 9"));
    }

    #[test]
    fn dropping_it_kills_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let mut stage = StageProcess::spawn(
            &sh(r#"sleep 60 & echo "{\"phase\":\"child\",\"at\":1,\"facts\":{\"pid\":$!}}"; wait"#),
            &dir.path().join("log"),
        )
        .unwrap();
        let mark = stage.wait_for("child", Duration::from_secs(20), |_| {}).unwrap();
        let pid = mark.facts["pid"].as_u64().unwrap();
        drop(stage);
        let alive = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        for _ in 0..100 {
            if !alive() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!alive(), "the grandchild outlived its stage");
    }

    #[test]
    fn an_early_end_is_told_with_its_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let mut stage = StageProcess::spawn(&sh("echo no port >&2; exit 1"), &dir.path().join("log")).unwrap();
        let error = stage.wait_for("listening", Duration::from_secs(20), |_| {}).unwrap_err();
        assert!(matches!(error, Error::EndedEarly { .. }), "{error}");
    }
}
