//! RAPL through the kernel's powercap files: the energy counters of each processor package and of its memory.
//!
//! Domains nest: psys (the whole platform) holds the packages, a package holds core and uncore; so neither psys nor core nor uncore is
//! ever added. DRAM is listed under its package but lies outside it, so it is added. Domains repeat: the same package is told through MSR as
//! `intel-rapl:0` and through MMIO as `intel-rapl-mmio:0`, so each package's domain is taken from one of them; a package of several dies
//! is told die by die (`package-0-die-1`), and the dies are added. Counters wrap at `max_energy_range_uj`. Since Linux 5.10 they
//! are readable by root alone; containers mask them by leaving the files away, empty, or with a range of 0. Layout:
//! Documentation/power/powercap/powercap.rst; names: `drivers/powercap/intel_rapl_common.c`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use plan::MeterSpec;
use record::EnergySource;

use super::MeterKind;
use crate::{Basis, Channel, DeviceNature, DeviceReading, Effort, Meter, Nature, Places, Raw, sysfs};

/// The registry's entry.
pub(super) static RAPL: MeterKind = MeterKind {
    name: "rapl",
    about: "energy counters of the processor packages and their memory (Intel and AMD RAPL through powercap)",
    probe,
    open,
};

/// How to make the counters readable, in words.
const MEND: &str = "only root may read it since Linux 5.10: run as root, or `sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj`, \
                    or start zeusd";

/// A counter that is part of the machine's energy.
#[derive(Debug)]
struct Domain {
    name: String,
    energy_uj: PathBuf,
    range_uj: u64,
}

struct Rapl {
    domains: Vec<Domain>,
}

impl Meter for Rapl {
    fn basis(&self) -> Basis {
        Basis::Packages
    }

    fn nature(&self) -> Nature {
        let nature = |domain: &Domain| DeviceNature {
            name: domain.name.clone(),
            counted: EnergySource::Rapl,
            integrated: EnergySource::Rapl,
            averaged: None,
        };
        let devices = self.domains.iter().enumerate().map(|(device, domain)| (device as u32, nature(domain))).collect();
        let notes = scope(self.domains.iter().map(|domain| domain.name.as_str()));
        Nature { devices, notes, ..Nature::default() }
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        self.domains.iter().enumerate().map(|(device, domain)| read(device as u32, domain)).collect()
    }

    fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
        let domain = self.domains.get(device as usize)?;
        (channel == Channel::Counter).then(|| sysfs::number(&domain.energy_uj).map(Raw::Microjoules))
    }
}

/// What a figure of these domains holds beside the stage, and what it does not hold.
pub(super) fn scope<'a>(mut names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let memory = if names.any(|name| name.ends_with(DRAM)) { "" } else { "; memory has no counter here and is not in it" };
    vec![format!("the processor packages whole, other processes on them too{memory}")]
}

fn read(device: u32, domain: &Domain) -> DeviceReading {
    let counter = sysfs::number(&domain.energy_uj);
    let mut reading = DeviceReading::at(device, record::clock::now());
    reading.counter_range_uj = Some(domain.range_uj);
    match counter {
        Ok(counter) => reading.counter_uj = Some(counter),
        Err(reason) => reading.fault = Some(reason),
    }
    reading
}

fn probe(places: &Places) -> Result<String, String> {
    Ok(domains(&places.powercap)?.into_iter().map(|domain| domain.name).collect::<Vec<_>>().join(", "))
}

fn open(_spec: &MeterSpec, places: &Places) -> Result<Box<dyn Meter>, String> {
    Ok(Box::new(Rapl { domains: domains(&places.powercap)? }))
}

/// The name of a package's memory.
const DRAM: &str = "dram";

/// A folder under powercap that may be taken.
struct Zone {
    folder: PathBuf,
    /// Such as `intel-rapl` or `intel-rapl-mmio`.
    controller: String,
    /// Such as `package-0`, which a multi-die package's dies share.
    package: String,
    /// Such as `package-0-die-1` or `package-0-die-1 dram`.
    name: String,
}

/// Every domain whose energy is added, once, in the order of names, with its counter tried.
fn domains(powercap: &Path) -> Result<Vec<Domain>, String> {
    let zones = once(zones(powercap)?);
    if !zones.values().any(|zone| !zone.name.ends_with(DRAM)) {
        return Err(format!("{} has no package domain", powercap.display()));
    }
    zones.into_values().map(domain).collect()
}

fn domain(zone: Zone) -> Result<Domain, String> {
    let energy_uj = zone.folder.join("energy_uj");
    let range_uj = sysfs::number(&zone.folder.join("max_energy_range_uj")).map_err(|reason| masked(&reason))?;
    sysfs::number(&energy_uj).map_err(|reason| masked(&reason))?;
    if range_uj == 0 {
        return Err(masked(&format!("{}: its range is 0", zone.folder.display())));
    }
    Ok(Domain { name: zone.name, energy_uj, range_uj })
}

/// The reason with how to mend it.
fn masked(reason: &str) -> String {
    if reason.ends_with("no permission") {
        return format!("{reason}: {MEND}");
    }
    format!("{reason}: masked by a container? mount the host's /sys/class/powercap, or its zeusd socket")
}

/// The zones of packages and their memory, by the controllers' order: MSR, which is the original, before MMIO.
fn zones(powercap: &Path) -> Result<Vec<Zone>, String> {
    let absent = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "not there: no RAPL, no powercap driver, or masked by a container".to_owned(),
        _ => error.to_string().to_lowercase(),
    };
    let entries = fs::read_dir(powercap).map_err(|error| format!("{}: {}", powercap.display(), absent(error)))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort_by_key(|folder| (folder.to_string_lossy().contains("mmio"), folder.clone()));
    Ok(folders.into_iter().filter_map(|folder| zone(powercap, folder)).collect())
}

fn zone(powercap: &Path, folder: PathBuf) -> Option<Zone> {
    let file_name = folder.file_name()?.to_str()?.to_owned();
    let (controller, index) = file_name.split_once(':')?;
    let own = sysfs::word(&folder.join("name")).ok()?;
    // A package stands at the first level, its memory one below.
    let (die, name) = match index.rsplit_once(':') {
        None if own.starts_with("package") => (own.clone(), own),
        Some((parent, _)) if own == DRAM => {
            let die = sysfs::word(&powercap.join(format!("{controller}:{parent}")).join("name")).ok()?;
            let name = format!("{die} {DRAM}");
            (die, name)
        }
        _ => return None,
    };
    let package = die.split("-die-").next()?.to_owned();
    Some(Zone { controller: controller.to_owned(), package, name, folder })
}

/// Each package's domains of one kind from the first controller that tells them.
fn once(zones: Vec<Zone>) -> BTreeMap<String, Zone> {
    let mut told_by: BTreeMap<(String, bool), String> = BTreeMap::new();
    let mut kept = BTreeMap::new();
    for zone in zones {
        let kind = (zone.package.clone(), zone.name.ends_with(DRAM));
        if *told_by.entry(kind).or_insert_with(|| zone.controller.clone()) == zone.controller {
            kept.entry(zone.name.clone()).or_insert(zone);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A powercap tree: folder, name, counter.
    fn tree(zones: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("intel-rapl")).unwrap();
        for (folder, name, counter) in zones {
            let folder = root.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            fs::write(folder.join("energy_uj"), format!("{counter}\n")).unwrap();
            fs::write(folder.join("max_energy_range_uj"), "262143328850\n").unwrap();
        }
        root
    }

    fn check(zones: &[(&str, &str, &str)], expected: &[(&str, u64)]) {
        let root = tree(zones);
        let mut rapl = Rapl { domains: domains(root.path()).unwrap() };
        let nature = rapl.nature();
        let readings = rapl.read(Effort::Quick, &[]);
        let found: Vec<_> =
            readings.iter().map(|reading| (nature.devices[&reading.device].name.as_str(), reading.counter_uj.unwrap())).collect();
        assert_eq!(found, expected);
        assert!(readings.iter().all(|reading| reading.counter_range_uj == Some(262_143_328_850)));
    }

    #[test]
    fn what_nests_in_or_around_a_package_is_not_added_to_it() {
        check(
            &[
                ("intel-rapl:0", "package-0", "100"),
                ("intel-rapl:0:0", "core", "60"),
                ("intel-rapl:0:1", "uncore", "5"),
                ("intel-rapl:1", "psys", "300"),
            ],
            &[("package-0", 100)],
        );
    }

    #[test]
    fn memory_lies_outside_its_package_and_is_added() {
        check(
            &[
                ("intel-rapl:0", "package-0", "100"),
                ("intel-rapl:0:0", "dram", "7"),
                ("intel-rapl:1", "package-1", "200"),
                ("intel-rapl:1:0", "dram", "8"),
            ],
            &[("package-0", 100), ("package-0 dram", 7), ("package-1", 200), ("package-1 dram", 8)],
        );
    }

    #[test]
    fn a_package_told_twice_is_read_once_through_msr() {
        check(
            &[
                ("intel-rapl-mmio:0", "package-0", "99"),
                ("intel-rapl-mmio:0:0", "dram", "6"),
                ("intel-rapl:0", "package-0", "100"),
                ("intel-rapl:0:0", "dram", "7"),
            ],
            &[("package-0", 100), ("package-0 dram", 7)],
        );
    }

    #[test]
    fn memory_that_only_the_second_controller_tells_is_still_added() {
        check(
            &[("intel-rapl-mmio:0", "package-0", "99"), ("intel-rapl-mmio:0:0", "dram", "6"), ("intel-rapl:0", "package-0", "100")],
            &[("package-0", 100), ("package-0 dram", 6)],
        );
    }

    #[test]
    fn dies_of_a_package_are_added_and_not_again_with_the_package_whole() {
        check(
            &[
                ("intel-rapl:0", "package-0-die-0", "100"),
                ("intel-rapl:1", "package-0-die-1", "110"),
                ("intel-rapl-mmio:0", "package-0", "210"),
            ],
            &[("package-0-die-0", 100), ("package-0-die-1", 110)],
        );
    }

    #[test]
    fn two_sockets_are_two_devices() {
        check(&[("intel-rapl:0", "package-0", "100"), ("intel-rapl:1", "package-1", "200")], &[("package-0", 100), ("package-1", 200)]);
    }

    #[test]
    fn a_figure_without_memory_says_so() {
        let notes = |zones: &[(&str, &str, &str)]| Rapl { domains: domains(tree(zones).path()).unwrap() }.nature().notes;
        assert!(notes(&[("intel-rapl:0", "package-0", "1")])[0].contains("memory has no counter"));
        assert!(!notes(&[("intel-rapl:0", "package-0", "1"), ("intel-rapl:0:0", "dram", "1")])[0].contains("memory"));
    }

    fn check_refused(zones: &[(&str, &str, &str)], expected: &str) {
        let reason = domains(tree(zones).path()).unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        check_refused(&[], "has no package domain");
        check_refused(&[("intel-rapl:0", "psys", "1")], "has no package domain");
        check_refused(&[("intel-rapl:0:0", "dram", "1")], "has no package domain");
        let reason = domains(Path::new("/nonexistent")).unwrap_err();
        assert!(reason.contains("masked by a container"), "{reason}");
    }

    #[test]
    fn a_counter_that_only_root_may_read_says_so_and_how_to_mend_it() {
        let reason = masked("/sys/class/powercap/intel-rapl:0/energy_uj: no permission");
        assert!(reason.contains("only root may read it since Linux 5.10") && reason.contains("zeusd"), "{reason}");
    }

    #[test]
    fn a_counter_masked_by_a_container_is_not_zero_joules() {
        check_refused(&[("intel-rapl:0", "package-0", "")], "energy_uj: \"\" is not a number: masked by a container?");
        let root = tree(&[("intel-rapl:0", "package-0", "0")]);
        fs::write(root.path().join("intel-rapl:0/max_energy_range_uj"), "0").unwrap();
        let reason = domains(root.path()).unwrap_err();
        assert!(reason.contains("its range is 0: masked"), "{reason}");
        fs::remove_file(root.path().join("intel-rapl:0/energy_uj")).unwrap();
        fs::write(root.path().join("intel-rapl:0/max_energy_range_uj"), "9").unwrap();
        assert!(domains(root.path()).unwrap_err().contains("masked"));
    }

    #[test]
    fn a_counter_that_disappears_is_a_fault_and_no_number() {
        let root = tree(&[("intel-rapl:0", "package-0", "100")]);
        let mut rapl = Rapl { domains: domains(root.path()).unwrap() };
        fs::remove_file(root.path().join("intel-rapl:0/energy_uj")).unwrap();
        let reading = &rapl.read(Effort::Edge, &[])[0];
        assert_eq!(reading.counter_uj, None);
        assert!(reading.fault.as_deref().unwrap().contains("energy_uj"));
    }
}
