//! RAPL through the kernel's powercap files: the energy counter of each processor package.
//!
//! Domains nest (psys holds packages, a package holds core and uncore) and repeat (the same package through MSR as
//! `intel-rapl:0` and through MMIO as `intel-rapl-mmio:0`), so only packages are read, and each once. Since Linux 5.10 the
//! counters are readable by root alone; containers often mask them. Layout: Documentation/power/powercap/powercap.rst.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use plan::MeterSpec;

use super::MeterKind;
use crate::{Basis, Channel, DeviceReading, Effort, Meter, Places, Raw};

/// The registry's entry.
pub(super) static RAPL: MeterKind =
    MeterKind { name: "rapl", about: "energy counters of the processor packages (Intel and AMD RAPL through powercap)", probe, open };

struct Package {
    energy_uj: PathBuf,
    range_uj: u64,
}

struct Rapl {
    packages: Vec<Package>,
}

impl Meter for Rapl {
    fn basis(&self) -> Basis {
        Basis::Packages
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        self.packages.iter().enumerate().map(|(device, package)| read(device as u32, package)).collect()
    }

    fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
        let package = self.packages.get(device as usize)?;
        (channel == Channel::Counter).then(|| read_number(&package.energy_uj).map(Raw::Microjoules))
    }
}

fn read(device: u32, package: &Package) -> DeviceReading {
    let counter = read_number(&package.energy_uj);
    let mut reading = DeviceReading::at(device, record::clock::now());
    reading.counter_range_uj = Some(package.range_uj);
    match counter {
        Ok(counter) => reading.counter_uj = Some(counter),
        Err(reason) => reading.fault = Some(reason),
    }
    reading
}

fn probe(places: &Places) -> Result<String, String> {
    let packages = packages(&places.powercap)?;
    Ok(packages.keys().cloned().collect::<Vec<_>>().join(", "))
}

fn open(_spec: &MeterSpec, places: &Places) -> Result<Box<dyn Meter>, String> {
    Ok(Box::new(Rapl { packages: packages(&places.powercap)?.into_values().collect() }))
}

/// Every package once, by name, with its counter tried.
fn packages(powercap: &Path) -> Result<BTreeMap<String, Package>, String> {
    let at = powercap.display();
    let entries = fs::read_dir(powercap).map_err(|error| format!("{at}: {}", explain(&error)))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // "intel-rapl:0" before "intel-rapl-mmio:0": the first of two with one name is kept, and MSR is the original.
    folders.sort_by_key(|folder| (folder.to_string_lossy().contains("mmio"), folder.clone()));
    let mut packages = BTreeMap::new();
    for folder in folders {
        let Ok(name) = fs::read_to_string(folder.join("name")) else { continue };
        let name = name.trim();
        if !name.starts_with("package") || packages.contains_key(name) {
            continue;
        }
        let package = Package { energy_uj: folder.join("energy_uj"), range_uj: read_number(&folder.join("max_energy_range_uj"))? };
        read_number(&package.energy_uj)?;
        packages.insert(name.to_owned(), package);
    }
    if packages.is_empty() {
        return Err(format!("{at} has no package domain"));
    }
    Ok(packages)
}

fn read_number(path: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {}", path.display(), explain(&error)))?;
    text.trim().parse().map_err(|_| format!("{}: {:?} is not a number", path.display(), text.trim()))
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "only root may read it (Linux 5.10 and newer)".to_owned(),
        io::ErrorKind::NotFound => "not there: no RAPL, no powercap driver, or masked by a container".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A powercap tree: folder, name, counter.
    fn tree(domains: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("intel-rapl")).unwrap();
        for (folder, name, counter) in domains {
            let folder = root.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            fs::write(folder.join("energy_uj"), format!("{counter}\n")).unwrap();
            fs::write(folder.join("max_energy_range_uj"), "262143328850\n").unwrap();
        }
        root
    }

    fn check(domains: &[(&str, &str, &str)], expected: &[u64]) {
        let root = tree(domains);
        let mut rapl = Rapl { packages: packages(root.path()).unwrap().into_values().collect() };
        let readings = rapl.read(Effort::Quick, &[]);
        assert_eq!(readings.iter().map(|reading| reading.counter_uj.unwrap()).collect::<Vec<_>>(), expected);
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
            &[100],
        );
    }

    #[test]
    fn a_package_told_twice_is_read_once_through_msr() {
        check(&[("intel-rapl-mmio:0", "package-0", "99"), ("intel-rapl:0", "package-0", "100")], &[100]);
    }

    #[test]
    fn two_sockets_are_two_devices() {
        check(&[("intel-rapl:0", "package-0", "100"), ("intel-rapl:1", "package-1", "200")], &[100, 200]);
    }

    fn check_refused(domains: &[(&str, &str, &str)], expected: &str) {
        let root = tree(domains);
        let Err(reason) = packages(root.path()) else { panic!("it opened") };
        assert!(reason.ends_with(expected), "{reason}");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        check_refused(&[], "has no package domain");
        check_refused(&[("intel-rapl:0", "psys", "1")], "has no package domain");
        check_refused(&[("intel-rapl:0", "package-0", "")], "energy_uj: \"\" is not a number");
        assert!(explain(&io::ErrorKind::PermissionDenied.into()).contains("root"));
        let Err(reason) = packages(Path::new("/nonexistent")) else { panic!("it opened") };
        assert!(reason.contains("masked by a container"), "{reason}");
    }

    #[test]
    fn a_counter_that_disappears_is_a_fault_and_no_number() {
        let root = tree(&[("intel-rapl:0", "package-0", "100")]);
        let mut rapl = Rapl { packages: packages(root.path()).unwrap().into_values().collect() };
        fs::remove_file(root.path().join("intel-rapl:0/energy_uj")).unwrap();
        let reading = &rapl.read(Effort::Edge, &[])[0];
        assert_eq!(reading.counter_uj, None);
        assert!(reading.fault.as_deref().unwrap().contains("energy_uj"));
    }
}
