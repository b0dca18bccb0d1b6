//! Which processes hold a graphics card open, and how much of its memory: from the `fdinfo` of their open files, whose keys are
//! described in the kernel's Documentation/gpu/drm-usage-stats.rst (`drm-pdev`, `drm-client-id`, `drm-total-<region>`,
//! and `drm-memory-<region>` of older kernels).

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
};

use units::Bytes;

use super::Card;
use crate::sysfs;

/// Who holds which card.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    by_card: HashMap<String, Vec<Holder>>,
    /// Processes that could not be looked at.
    hidden: Vec<u32>,
    /// Why none could.
    failed: Option<String>,
}

/// A process on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    /// Memory on the card, where the driver tells it.
    pub(super) memory: Option<Bytes>,
}

impl Holders {
    pub(super) fn of(&self, pci: &str) -> &[Holder] {
        self.by_card.get(pci).map_or(&[], Vec::as_slice)
    }

    /// Why it is not known which cards the stage holds.
    pub(super) fn unlisted(&self, stage: &[u32]) -> Option<String> {
        let own = self.hidden.iter().any(|pid| stage.contains(pid));
        self.failed.clone().or_else(|| own.then(|| self.told()))
    }

    /// Why it is not known whether others hold them too, where the stage's own are known.
    pub(super) fn unseen(&self, stage: &[u32]) -> Option<String> {
        (self.unlisted(stage).is_none() && !self.hidden.is_empty()).then(|| self.told())
    }

    fn told(&self) -> String {
        let hidden = self.hidden.len();
        let noun = if hidden == 1 { "process" } else { "processes" };
        format!("the open files of {hidden} {noun} may not be looked at: run as root")
    }
}

/// Most open files of one process that are looked at.
const MOST_FILES: usize = 65_536;

/// Looks at every process.
pub(super) fn on_cards(proc: &Path, cards: &[Card]) -> Holders {
    let mut holders = Holders::default();
    let entries = match fs::read_dir(proc) {
        Ok(entries) => entries,
        Err(error) => {
            holders.failed = Some(format!("{}: {}", proc.display(), error.to_string().to_lowercase()));
            return holders;
        }
    };
    for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        match clients(&proc.join(pid.to_string())) {
            Ok(clients) => {
                for card in cards {
                    let on_it: Vec<Option<Bytes>> =
                        clients.values().filter(|client| client.pci == card.pci).map(|client| client.memory).collect();
                    if !on_it.is_empty() {
                        let memory = sum(on_it);
                        holders.by_card.entry(card.pci.clone()).or_default().push(Holder { pid, memory });
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => holders.hidden.push(pid),
        }
    }
    holders
}

/// A connection to a card; several open files may share it.
struct Client {
    pci: String,
    memory: Option<Bytes>,
}

/// A process's connections, each once.
fn clients(process: &Path) -> io::Result<BTreeMap<(String, String), Client>> {
    let mut clients = BTreeMap::new();
    for entry in fs::read_dir(process.join("fd"))?.take(MOST_FILES).flatten() {
        let is_card = fs::read_link(entry.path()).is_ok_and(|target| target.starts_with("/dev/dri"));
        if !is_card {
            continue;
        }
        let Ok(info) = sysfs::word(&process.join("fdinfo").join(entry.file_name())) else { continue };
        if let Some((id, client)) = client(&info) {
            clients.insert((client.pci.clone(), id), client);
        }
    }
    Ok(clients)
}

fn client(info: &str) -> Option<(String, Client)> {
    let facts: Vec<(&str, &str)> =
        info.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim())).collect();
    let fact = |wanted: &str| facts.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
    let pci = fact("drm-pdev")?.to_owned();
    let region = |prefix: &str| {
        let regions = facts.iter().filter(|(key, _)| key.strip_prefix(prefix).is_some_and(|region| region.starts_with("vram")));
        sum(regions.map(|(_, value)| bytes(value)))
    };
    let memory = region("drm-total-").or_else(|| region("drm-memory-"));
    Some((fact("drm-client-id").unwrap_or_default().to_owned(), Client { pci, memory }))
}

/// The sum; `None` where one is not told, or there is none.
fn sum(parts: impl IntoIterator<Item = Option<Bytes>>) -> Option<Bytes> {
    parts.into_iter().reduce(|sum, part| Some(Bytes(sum?.0.checked_add(part?.0)?))).flatten()
}

/// `24 KiB`, `16 MiB`, or plain bytes.
fn bytes(value: &str) -> Option<Bytes> {
    let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
    let factor: u64 = match unit.trim() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Bytes)
}
