//! What an engine says of itself and of one start, as data: the command line, and how to talk to what it starts. A campaign acts on it;
//! nothing is run, read or asked here.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::in_flight::InFlight;

/// What is always true of an engine.
#[derive(Debug)]
pub struct About {
    /// The word plans use.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The keys of its own that its table in a plan may have. Engines that are started have [`COMMON_KEYS`] too; others are errors.
    pub keys: &'static [OptionKey],
    /// Whose program it is, and whether we start it.
    pub origin: Origin,
    /// How it is spoken to; a start may differ.
    pub speaks: Speaks,
    /// Its words for quantising as it loads, the usual one of each precision first; empty when it cannot.
    pub in_flight: &'static [InFlight],
    /// The version whose options and metrics its file was written for; `None` for what has no version of its own.
    pub written_for: Option<&'static str>,
    /// How to install it, in one sentence.
    pub install: &'static str,
}

/// Whose program an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This program itself.
    Own,
    /// Another's program that we start, which has [`COMMON_KEYS`].
    Foreign,
    /// A server that runs already, wherever it is.
    Running,
}

/// One key of an engine's options, for help and reference pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionKey {
    /// As written in the plan.
    pub name: &'static str,
    /// What it does, its unit, and what happens without it.
    pub help: &'static str,
}

/// The keys of every engine that is another's program.
pub const COMMON_KEYS: &[OptionKey] = &[
    OptionKey {
        name: "program",
        help: "the executable, or the interpreter where the engine is a Python module; without it its usual name, found in PATH",
    },
    OptionKey { name: "port", help: "the port of 127.0.0.1 to listen on; without it a free one" },
    OptionKey { name: "version", help: "the beginning its version must have, such as \"0.24\"; without it any version, which is recorded" },
    OptionKey { name: "ready_timeout_s", help: "seconds it may take to be ready; without it 1800" },
    OptionKey { name: "extra_args", help: "a list of words put at the end of its command line, as they are" },
];

impl About {
    /// Every key its table in a plan may have.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static OptionKey> + use<> {
        let common = if self.origin == Origin::Foreign { COMMON_KEYS } else { &[] };
        self.keys.iter().chain(common)
    }
}

/// What the API of an engine takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaks {
    /// The prompts it takes.
    pub prompts: Prompts,
    /// How answers of a forced length are had.
    pub length: Length,
    /// Whether a streamed answer ends with `usage`: only then are its tokens counted by the engine itself.
    pub usage: bool,
}

/// The prompts an engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompts {
    /// Conversations, at `/v1/chat/completions`.
    pub chat: bool,
    /// Texts, at `/v1/completions`.
    pub text: bool,
    /// Token ids, at `/v1/completions`.
    pub ids: bool,
}

impl Prompts {
    /// All of them.
    pub const ALL: Self = Self { chat: true, text: true, ids: true };
    /// Conversations and texts.
    pub const CHAT_AND_TEXT: Self = Self { chat: true, text: true, ids: false };
}

/// How answers of a forced length are had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The request's `ignore_eos` is honoured.
    IgnoreEos,
    /// Not at all, or unknown: `ignore_eos` is not sent, answers end by themselves, and a speed run counts what came.
    Natural,
}

/// One start of an engine and how to talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What to start; `None` for a server that is there already.
    pub start: Option<Start>,
    /// How its address is learned.
    pub address: Address,
    /// How to tell that it is ready; `None` for a server that is there already.
    pub ready: Option<Ready>,
    /// Commands to run once it is ready and before the first request, such as the import of a model.
    pub after_ready: Vec<Start>,
    /// The `model` requests must carry.
    pub model_name: String,
    /// How it is spoken to.
    pub speaks: Speaks,
    /// The variable of the environment that holds the key requests must carry.
    pub api_key_env: Option<String>,
    /// Where its version is told.
    pub version: Version,
    /// The beginning its version must have, by the plan's choice.
    pub wanted_version: Option<String>,
    /// Where its memory and its batches are told.
    pub tells: Tells,
    /// How it is stopped.
    pub stop: Stop,
}

/// A command line, run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The executable, to be found in `PATH` when it has no folder.
    pub program: PathBuf,
    /// Whether it is this program, which tells its phases and ends with the campaign by itself.
    pub own: bool,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables to set beside the inherited ones.
    pub environment: Vec<(&'static str, OsString)>,
    /// Text files it reads, to be written before: path and content.
    pub files: Vec<(PathBuf, String)>,
    /// The Python package that must be installed for it, by its distribution's name; `program` is then a Python interpreter.
    pub package: Option<&'static str>,
}

/// How the address of an engine is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// It chooses a port and tells it on stdout: `{"phase":"listening","at":…,"facts":{"host":…,"port":…}}`.
    LineProtocol,
    /// It listens on 127.0.0.1 at the port that its command line names.
    Port(u16),
    /// It is there already, at this base address.
    Url(String),
}

/// How to tell that an engine is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// This path answers 200 once it is, and not before.
    pub path: &'static str,
    /// How many seconds that may take from the spawn, before it is given up.
    pub patience_s: u64,
}

/// Where an engine's version is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// It is this program's own.
    Own,
    /// A JSON document at this path, and the JSON pointer to the text in it.
    Route {
        /// Such as `/version`.
        path: &'static str,
        /// Such as `/version`.
        pointer: &'static str,
    },
    /// The first line that has a digit, of what this command writes and ends.
    Command(Start),
    /// Nowhere.
    Untold,
}

/// Where an engine tells what it holds and does. `None`: it does not tell. Counters of prefix caches are read by the load client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tells {
    /// The path of its metrics, in the Prometheus text format.
    pub metrics: Option<&'static str>,
    /// Bytes held for weights, KV cache excluded.
    pub weights: Option<Place>,
    /// Bytes set aside for KV caches, used or not.
    pub kv_pool: Option<Place>,
    /// Most bytes held for KV caches at any time, for an engine that holds them only while they are used.
    pub kv_peak: Option<Place>,
    /// Bytes of the pool that are in use now.
    pub kv_used: Option<Place>,
    /// Requests in the running batch.
    pub running: Option<Place>,
    /// Requests that wait.
    pub waiting: Option<Place>,
    /// Other figures worth a record, by our name for them.
    pub more: &'static [(&'static str, Place)],
}

/// Where a figure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A series of the metrics page, summed over its labels.
    Series(&'static str),
    /// A series of the metrics page whose value is a share of the KV pool.
    ShareOfPool(&'static str),
    /// A label of a series of the metrics page.
    Label {
        /// The series.
        series: &'static str,
        /// The label, whose value is a number.
        label: &'static str,
    },
    /// The log. Each item is a list of words; all lines that have them in this order count, with the number after the last of them, and
    /// the sum over lines and items is the figure. A unit behind a number (KiB to GiB, and KB to GB, which logs mean as powers of 1024)
    /// is applied.
    Log(&'static [&'static [&'static str]]),
    /// A JSON document at a path, and the JSON pointer to the number in it.
    Json {
        /// Such as `/api/ps`.
        path: &'static str,
        /// Such as `/models/0/size`.
        pointer: &'static str,
    },
}

/// How an engine is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The signal that asks it to end.
    pub signal: Signal,
    /// How many seconds it may take then, before it is killed.
    pub grace_s: u64,
}

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`.
    Interrupt,
}
