//! What can go wrong in a campaign as a whole. A stage that fails is not among it: that is a record.

use std::path::{Path, PathBuf};

use units::Seconds;

/// Why a campaign cannot begin or go on, or why a stage failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stage's program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stage did not get so far in time.
    #[error("not {phase} after {waited}")]
    NeverReady {
        /// The phase that was waited for.
        phase: String,
        /// How long.
        waited: Seconds,
    },
    /// An engine is not on this machine.
    #[error("engine {engine:?} is not installed: there is no {what}; to install it: {install}")]
    NotInstalled {
        /// The engine.
        engine: &'static str,
        /// What is not there.
        what: String,
        /// How to install it.
        install: &'static str,
    },
    /// The program of a command of the plan is not on this machine.
    #[error("the program {program} is not installed, which the plan's command `{command}` starts")]
    NoProgram {
        /// The program.
        program: PathBuf,
        /// The command as the plan has it.
        command: String,
    },
    /// A command ended well without leaving what the plan says that it gives.
    #[error("the command left no {what} at {path}: {problem}", what = what(*gives))]
    Output {
        /// What the plan says.
        gives: plan::Gives,
        /// Where it was to be.
        path: PathBuf,
        /// What is wrong with what is there.
        problem: String,
    },
    /// An engine is of another version than the plan wants.
    #[error("engine {engine:?} is of version {told}, and the plan wants {wanted}")]
    WrongVersion {
        /// The engine.
        engine: &'static str,
        /// The beginning that the version must have.
        wanted: String,
        /// The version.
        told: String,
    },
    /// An engine's port is taken.
    #[error("port {port} of 127.0.0.1 is taken: {source}")]
    PortTaken {
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// A command that makes an engine's model ready failed.
    #[error("`{command}` failed: {said}")]
    AfterReady {
        /// The command line.
        command: String,
        /// The last it said.
        said: String,
    },
    /// An engine failed for a reason that its log tells.
    #[error("{0}")]
    Engine(serve::trouble::Trouble),
    /// Answers that are to be rated are not in the records.
    #[error("the record of the scored pass has no answers to rate")]
    NoAnswers,
    /// A judge gave no verdict at all.
    #[error("the judge gave no verdict on any of {answers} answers; the first: {first}")]
    NoVerdicts {
        /// How many it was asked about.
        answers: usize,
        /// Why the first has none.
        first: String,
    },
    /// The plan names a variable of the environment that is not set.
    #[error("the environment variable {name} is not set")]
    NoSecret {
        /// Its name.
        name: String,
    },
    /// A stage ended before it got so far.
    #[error("it ended before it was {phase}")]
    EndedEarly {
        /// The phase that was waited for.
        phase: String,
    },
    /// A stage did not tell what its record needs.
    #[error("its last mark lacks what its record needs: {source}")]
    Facts {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Every training row is also scored.
    #[error("task {task:?}: all of its {rows} training rows are held out too, by id or by text")]
    NothingToTrainOn {
        /// The task.
        task: String,
        /// How many there are.
        rows: usize,
    },
    /// A prompt that is too long even when everything that may be cut is.
    #[error("the prompt of row {id:?} has {tokens} tokens, and what must not be cut of it is more than {most}")]
    PromptTooLong {
        /// The row.
        id: String,
        /// Tokens of the whole.
        tokens: usize,
        /// The plan's limit.
        most: usize,
    },
    /// A tokenizer or chat template that cannot be read or refuses a prompt.
    #[error(transparent)]
    Words(#[from] serve::WordsError),
    /// Random weights could not be made.
    #[error("making random weights for {config}: {reason}")]
    Weights {
        /// The folder with the shape.
        config: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The server answered its first request without any text.
    #[error("the first request was answered without a token")]
    NoFirstToken,
    /// The run folder belongs to another machine.
    #[error("the run folder {path} was begun on another machine ({theirs}; this is {ours})")]
    OtherMachine {
        /// The run folder.
        path: PathBuf,
        /// Digest of the machine it was begun on.
        theirs: String,
        /// Digest of this one.
        ours: String,
    },
    /// The plan gives tokens of an engine a price that is not paid by tokens.
    #[error("engine {engine:?} has a price, but is started here: what it costs is energy and machine time")]
    PriceOfStarted {
        /// The engine's label.
        engine: String,
    },
    /// The plan leaves quantisation to an engine that cannot quantise.
    #[error("engine {engine:?} cannot quantise as it loads, which compress = \"engine\" asks of it")]
    NoInFlight {
        /// The engine's label.
        engine: String,
    },
    /// The plan makes something of a model that can only be served as it is.
    #[error("model {model:?} is a GGUF file, which strategy {strategy:?} cannot be made of")]
    GgufModel {
        /// The model.
        model: String,
        /// The first strategy that adapts or quantises it.
        strategy: &'static str,
    },
    /// Several things are wrong with a plan on this machine.
    #[error("{}", listed(.0))]
    Several(Vec<Error>),
    /// No model can be found.
    #[error(transparent)]
    Hub(#[from] hub::Error),
    /// No rows can be read.
    #[error(transparent)]
    Score(#[from] score::Error),
    /// No engine can be driven.
    #[error(transparent)]
    Serve(#[from] serve::Error),
    /// No load can be put on.
    #[error(transparent)]
    Load(#[from] load::Error),
    /// No energy can be metered.
    #[error(transparent)]
    Meter(#[from] meter::Error),
    /// The run folder cannot be used.
    #[error(transparent)]
    Record(#[from] record::Error),
}

/// The room's result.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Each problem on its line, its hint indented under it.
fn listed(problems: &[Error]) -> String {
    let one = |problem: &Error| {
        let hint = problem.hint().map_or_else(String::new, |hint| format!("\n    hint: {hint}"));
        format!("\n  {problem}{hint}")
    };
    format!("{} problems:{}", problems.len(), problems.iter().map(one).collect::<String>())
}

/// What a command gives, for people.
fn what(gives: plan::Gives) -> &'static str {
    match gives {
        plan::Gives::Adapter => "PEFT adapter folder",
        plan::Gives::Folder => "model folder",
        plan::Gives::Gguf => "GGUF file",
    }
}

impl Error {
    /// What was being done to a file or folder when it failed.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path: path.clone(), source }
    }

    /// Fails where there is a problem.
    ///
    /// # Errors
    /// The only problem as it is, or all of them.
    pub(crate) fn of(mut problems: Vec<Self>) -> Result<()> {
        match problems.len() {
            0 => Ok(()),
            1 => Err(problems.remove(0)),
            _ => Err(Self::Several(problems)),
        }
    }

    /// Whether it is what follows when an engine has failed, so that the engine's own log tells the cause.
    pub(crate) fn is_the_engines(&self) -> bool {
        matches!(self, Self::NeverReady { .. } | Self::EndedEarly { .. } | Self::NoFirstToken | Self::Load(_) | Self::AfterReady { .. })
    }

    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some space and run the same command again: finished stages are kept".to_owned())
            }
            Self::Spawn { .. } => Some("check that the program is installed and may be executed".to_owned()),
            Self::NeverReady { .. } => Some("its log in the run folder tells what it was doing".to_owned()),
            Self::NotInstalled { .. } => Some("`program` in the plan's engine section names an executable that lies elsewhere".to_owned()),
            Self::NoProgram { .. } => {
                Some("install it, or name its executable in `run`: a path, or a name that is found in PATH".to_owned())
            }
            Self::Output { gives, .. } => Some(match gives {
                plan::Gives::Adapter => "let it write adapter_config.json and adapter_model.safetensors into {out}, as PEFT's save_pretrained does; if it writes a whole model, say gives = \"folder\"".to_owned(),
                plan::Gives::Folder => "let it write config.json and safetensors files into {out}, as transformers' save_pretrained does; if it writes something else, say so with `gives`".to_owned(),
                plan::Gives::Gguf => "let it write a GGUF file to {out}; if it writes a model folder, say gives = \"folder\"".to_owned(),
            }),
            Self::WrongVersion { .. } => Some("install that version, or change `version` in the plan's engine section".to_owned()),
            Self::PortTaken { .. } => Some("leave `port` out of the plan, so that a free one is taken".to_owned()),
            Self::Engine(trouble) => Some(trouble.hint().to_owned()),
            Self::NoSecret { .. } => Some("set it to the API key, or correct `api_key_env` in the plan".to_owned()),
            Self::NoVerdicts { .. } => Some("look at the plan's [judge] section; the same command asks again what has no verdict".to_owned()),
            Self::PriceOfStarted { .. } => {
                Some("remove `price`; [prices] of the plan gives what energy and the machine's time cost".to_owned())
            }
            Self::NoInFlight { .. } => Some(
                "remove `compress`, so that this program quantises for it; `edge-eval list engines` tells which engines can".to_owned(),
            ),
            Self::GgufModel { .. } => Some(
                "name the model's safetensors folder, or give the GGUF file a plan of its own with strategies = [\"base-fp16\"]".to_owned(),
            ),
            Self::NothingToTrainOn { .. } => Some("give training rows of their own, another split, or one data set as rows with parts".to_owned()),
            Self::PromptTooLong { .. } => Some("raise the task's max_prompt_tokens, or leave the row out of the file".to_owned()),
            Self::Words(source) => source.hint(),
            Self::OtherMachine { .. } => Some("name another folder with --out: figures of two machines are never mixed".to_owned()),
            Self::Hub(error) => error.hint(),
            Self::Score(error) => error.hint(),
            Self::Serve(error) => error.hint(),
            Self::Load(error) => error.hint(),
            Self::Meter(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Io { .. }
            | Self::AfterReady { .. }
            | Self::EndedEarly { .. }
            | Self::Facts { .. }
            | Self::Weights { .. }
            | Self::NoFirstToken
            | Self::NoAnswers
            | Self::Several(_) => None,
        }
    }
}
