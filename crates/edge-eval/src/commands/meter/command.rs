//! What to run: words, without a shell.

use std::{
    ffi::OsString,
    os::fd::AsFd,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

/// A command as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    words: Vec<OsString>,
}

/// Where the command's streams go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    /// It may read our standard input.
    pub(super) stdin: bool,
    pub(super) stdout: Stdout,
}

/// Where what it writes to stdout goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stdout {
    /// To ours.
    Through,
    /// To our stderr: stdout is for the JSON.
    Stderr,
    /// Nowhere.
    Discarded,
}

impl Launch {
    /// A command from the words of our own command line.
    pub(super) fn new(words: Vec<OsString>) -> anyhow::Result<Self> {
        match words.first() {
            Some(program) if !program.is_empty() => Ok(Self { words }),
            _ => bail!("there is no command: write it after --"),
        }
    }

    /// A command as one would write it in a shell: split and unquoted, nothing else.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let words = shlex::split(text).with_context(|| format!("a quote is not closed in: {text}"))?;
        Self::new(words.into_iter().map(OsString::from).collect())
    }

    /// The program alone.
    pub(super) fn program(&self) -> PathBuf {
        PathBuf::from(&self.words[0])
    }

    /// The command as words a record can keep.
    pub(super) fn words(&self) -> Vec<String> {
        self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// The command as one would write it in a shell.
    pub(super) fn written(&self) -> String {
        let words = self.words();
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    }

    /// Ready to be spawned.
    pub(super) fn command(&self, streams: Streams) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command.stdin(if streams.stdin { Stdio::inherit() } else { Stdio::null() });
        match streams.stdout {
            Stdout::Through => {}
            Stdout::Discarded => drop(command.stdout(Stdio::null())),
            Stdout::Stderr => {
                let stderr = std::io::stderr().as_fd().try_clone_to_owned().context("handing our stderr to the command")?;
                command.stdout(stderr);
            }
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[&str]) {
        assert_eq!(Launch::parse(text).unwrap().words(), words);
    }

    #[test]
    fn commands_are_split_as_a_shell_would_and_nothing_is_expanded() {
        check("a 'b c' \"d e\" f\\ g", &["a", "b c", "d e", "f g"]);
        check("sh -c 'exit 3'", &["sh", "-c", "exit 3"]);
        check("echo $HOME * | cat", &["echo", "$HOME", "*", "|", "cat"]);
    }

    #[test]
    fn what_is_no_command_is_told() {
        assert!(Launch::parse("a 'b").unwrap_err().to_string().contains("quote"));
        assert!(Launch::parse("").is_err() && Launch::new(vec!["".into()]).is_err());
    }

    #[test]
    fn a_command_is_written_so_that_it_can_be_pasted() {
        let launch = Launch::parse("sh -c 'exit 3'").unwrap();
        assert_eq!(Launch::parse(&launch.written()).unwrap(), launch);
    }
}
