//! Processes beside the command's own, by id or by name, from `/proc`.

use std::path::Path;

use anyhow::bail;

/// The ids of all of them.
///
/// # Errors
/// No process has the id or name.
pub(super) fn resolve(wanted: &[String]) -> anyhow::Result<Vec<u32>> {
    resolve_in(Path::new("/proc"), wanted)
}

/// The name of a process, while it lives.
pub(super) fn name(pid: u32) -> Option<String> {
    name_in(Path::new("/proc"), pid)
}

fn resolve_in(proc: &Path, wanted: &[String]) -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for word in wanted {
        let pids = match word.parse::<u32>() {
            Ok(pid) if proc.join(word).is_dir() => vec![pid],
            Ok(pid) => bail!("--also {pid}: there is no such process"),
            Err(_) => named(proc, word),
        };
        if pids.is_empty() {
            bail!("--also {word}: no process has this name (its file name as `ps -e` shows it)");
        }
        found.extend(pids);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn named(proc: &Path, name: &str) -> Vec<u32> {
    // The kernel keeps 15 bytes of a name.
    let kept = name.get(..15).unwrap_or(name);
    let Ok(entries) = std::fs::read_dir(proc) else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id() && name_in(proc, *pid).as_deref() == Some(kept)).collect()
}

fn name_in(proc: &Path, pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(proc.join(pid.to_string()).join("comm")).ok()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proc() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (pid, name) in [("7", "ollama"), ("9", "ollama"), ("11", "a-very-long-nam")] {
            std::fs::create_dir(root.path().join(pid)).unwrap();
            std::fs::write(root.path().join(pid).join("comm"), format!("{name}\n")).unwrap();
        }
        root
    }

    fn check(wanted: &[&str], expected: &[u32]) {
        let wanted: Vec<String> = wanted.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(resolve_in(proc().path(), &wanted).unwrap(), expected);
    }

    #[test]
    fn processes_are_found_by_id_and_by_name() {
        check(&[], &[]);
        check(&["7"], &[7]);
        check(&["ollama", "7"], &[7, 9]);
        check(&["a-very-long-name-of-a-program"], &[11]);
    }

    #[test]
    fn what_is_not_there_is_told() {
        for word in ["8", "vllm"] {
            let error = resolve_in(proc().path(), &[word.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--also {word}: ")), "{error}");
        }
    }
}
