//! Reading the machine's fingerprint from `/proc` and `/sys`. No library of a vendor is asked, so that a report on another
//! machine needs none.

use std::{fs, path::Path};

use units::Bytes;

use crate::Machine;

/// Instruction set extensions that matter for speed, as `/proc/cpuinfo` spells them on `x86_64` and on aarch64.
const FEATURES: &[&str] = &[
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
];

impl Machine {
    /// The fingerprint of this machine, written by edge-eval `version`.
    pub fn fingerprint(version: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
        Self::fingerprint_at(Path::new("/"), cores, version)
    }

    /// The same, with `/proc` and `/sys` under `root`.
    pub fn fingerprint_at(root: &Path, cores: u32, version: &str) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        let cpuinfo = read("proc/cpuinfo").unwrap_or_default();
        let mut machine = Self {
            cpu: field(&cpuinfo, "model name"),
            cores,
            cpu_features: features(&cpuinfo),
            memory: read("proc/meminfo").and_then(|text| memory(&text)),
            kernel: read("proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            gpus: gpus(&root.join("proc/driver/nvidia/gpus")),
            gpu_driver: read("sys/module/nvidia/version").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            edge_eval: String::new(),
            digest: String::new(),
        };
        blake3::hash(format!("{machine:?}").as_bytes()).to_hex()[..16].clone_into(&mut machine.digest);
        version.clone_into(&mut machine.edge_eval);
        machine
    }
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned());
    text.lines().find_map(value).filter(|value| !value.is_empty())
}

fn features(cpuinfo: &str) -> Vec<String> {
    let flags = field(cpuinfo, "flags").or_else(|| field(cpuinfo, "Features")).unwrap_or_default();
    let present: Vec<&str> = flags.split_whitespace().collect();
    FEATURES.iter().filter(|feature| present.contains(feature)).map(ToString::to_string).collect()
}

/// `MemTotal` is in kibibytes, though it says kB.
fn memory(meminfo: &str) -> Option<Bytes> {
    let total = field(meminfo, "MemTotal")?;
    let kib: u64 = total.strip_suffix("kB")?.trim().parse().ok()?;
    Some(Bytes(kib.saturating_mul(1024)))
}

/// NVIDIA's driver lists its boards by PCI address, which is the order of NVML's indices.
fn gpus(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut boards: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    boards.sort_unstable();
    let model = |board: &std::path::PathBuf| field(&fs::read_to_string(board.join("information")).ok()?, "Model");
    boards.iter().filter_map(model).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Machine {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine::fingerprint_at(root.path(), 2, "0.1.0")
    }

    const CPU: (&str, &str) = (
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: A CPU @ 2.0GHz\nflags\t\t: fpu avx2 avx512f amx_int8 avx\n\nprocessor\t: 1\nmodel name\t: other\n",
    );

    #[test]
    fn facts_are_read() {
        let machine = machine(&[
            CPU,
            ("proc/meminfo", "MemFree: 1 kB\nMemTotal:       16 kB\n"),
            ("proc/sys/kernel/osrelease", "6.8.0\n"),
            ("proc/driver/nvidia/gpus/0000:81:00.0/information", "Model: \t\t Tesla T4\nIRQ: 1\n"),
            ("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\n"),
            ("sys/module/nvidia/version", "580.1\n"),
        ]);
        assert_eq!(machine.cpu.as_deref(), Some("A CPU @ 2.0GHz"));
        assert_eq!(machine.cpu_features, ["avx", "avx2", "avx512f", "amx_int8"]);
        assert_eq!(machine.memory, Some(Bytes(16 * 1024)));
        assert_eq!(machine.kernel.as_deref(), Some("6.8.0"));
        assert_eq!(machine.gpus, ["NVIDIA H200", "Tesla T4"]);
        assert_eq!(machine.gpu_driver.as_deref(), Some("580.1"));
    }

    #[test]
    fn what_cannot_be_read_is_absent() {
        let bare = machine(&[("proc/meminfo", "MemTotal: much\n")]);
        assert_eq!((&bare.cpu, bare.memory, &bare.kernel, &bare.gpu_driver), (&None, None, &None, &None));
        assert!(bare.gpus.is_empty() && bare.cpu_features.is_empty());
        assert_ne!(bare.digest, machine(&[CPU]).digest);
    }

    #[test]
    fn the_digest_is_of_the_machine_not_of_the_program() {
        let root = Path::new("/nowhere");
        assert_eq!(Machine::fingerprint_at(root, 2, "1").digest, Machine::fingerprint_at(root, 2, "2").digest);
        assert_ne!(Machine::fingerprint_at(root, 2, "1").digest, Machine::fingerprint_at(root, 4, "1").digest);
    }
}
