//! RAPL through `zeusd`, the daemon of the Zeus project that reads the counters as root and offers them on a Unix socket: the way to RAPL
//! without root and from inside a container.
//!
//! Routes, from its source (github.com/ml-energy/zeus, zeusd/src/routes/server.rs and cpu.rs): `GET /discover` answers `{"cpus":[{"id":0,
//! "dram_available":true}],"enabled_api_groups":[…],"auth_required":false}`, and `GET /cpu/get_cumulative_energy?cpu=true&dram=true` answers
//! `{"0":{"cpu_energy_uj":…,"dram_energy_uj":…}}` in microjoules; the daemon straightens wrap-arounds itself, so the counters do not wrap here.
//! Its GPU routes (`/gpu/get_power`, `/gpu/get_cumulative_energy`) are not used: NVML needs no daemon. A daemon that asks for a token is
//! not used either. It numbers the first level of powercap zones and leaves their names out; psys, which holds the packages, may be
//! among them. So zones are taken by their names where powercap shows these, and otherwise only when there are as many as sockets.

mod http;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use plan::MeterSpec;
use record::EnergySource;
use serde::Deserialize;

use super::{MeterKind, rapl::scope};
use crate::{Basis, Channel, DeviceNature, DeviceReading, Effort, Meter, Nature, Places, Raw, sysfs};
use http::get;

/// The registry's entry.
pub(super) static ZEUSD: MeterKind =
    MeterKind { name: "zeusd", about: "RAPL counters through the zeusd daemon's socket: needs no root", probe, open };

/// How long one answer may take: a read of some counters takes microseconds.
const PATIENCE: Duration = Duration::from_millis(400);

const ENERGY: &str = "/cpu/get_cumulative_energy?cpu=true&dram=true";

#[derive(Debug, Deserialize)]
struct Discovery {
    cpus: Vec<Cpu>,
    #[serde(default)]
    enabled_api_groups: Vec<String>,
    #[serde(default)]
    auth_required: bool,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    id: u32,
    dram_available: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Energy {
    cpu_energy_uj: Option<u64>,
    dram_energy_uj: Option<u64>,
}

/// One counter that is part of the machine's energy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Domain {
    name: String,
    cpu: u32,
    is_memory: bool,
}

struct Zeusd {
    socket: PathBuf,
    domains: Vec<Domain>,
}

impl Meter for Zeusd {
    fn basis(&self) -> Basis {
        Basis::Packages
    }

    fn nature(&self) -> Nature {
        let nature = |domain: &Domain| DeviceNature {
            name: domain.name.clone(),
            counted: EnergySource::Zeusd,
            integrated: EnergySource::Zeusd,
            averaged: None,
        };
        let devices = self.domains.iter().enumerate().map(|(device, domain)| (device as u32, nature(domain))).collect();
        let notes = scope(self.domains.iter().map(|domain| domain.name.as_str()));
        Nature { devices, notes, ..Nature::default() }
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        let asked = record::clock::now();
        let told = energies(&self.socket);
        let answered = record::clock::now();
        // The counters were read somewhere in between.
        let at = units::Nanos(asked.get().midpoint(answered.get()));
        let reading = |(device, domain): (usize, &Domain)| {
            let mut reading = DeviceReading::at(device as u32, at);
            match told.as_ref().map_err(Clone::clone).and_then(|told| counter(told, domain)) {
                Ok(counter) => reading.counter_uj = Some(counter),
                Err(reason) => reading.fault = Some(reason),
            }
            reading
        };
        self.domains.iter().enumerate().map(reading).collect()
    }

    fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
        let domain = self.domains.get(device as usize)?;
        (channel == Channel::Counter).then(|| counter(&energies(&self.socket)?, domain).map(Raw::Microjoules))
    }
}

fn energies(socket: &Path) -> Result<BTreeMap<String, Energy>, String> {
    parse(socket, &get(socket, ENERGY, PATIENCE)?)
}

fn parse<T: serde::de::DeserializeOwned>(socket: &Path, body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("{}: zeusd answered otherwise than expected: {error}", socket.display()))
}

fn counter(told: &BTreeMap<String, Energy>, domain: &Domain) -> Result<u64, String> {
    let energy = told.get(&domain.cpu.to_string());
    let value = energy.and_then(|energy| if domain.is_memory { energy.dram_energy_uj } else { energy.cpu_energy_uj });
    value.ok_or_else(|| format!("zeusd told no energy of {}", domain.name))
}

fn probe(places: &Places) -> Result<String, String> {
    let Zeusd { socket, domains } = find(places)?;
    let names: Vec<String> = domains.into_iter().map(|domain| domain.name).collect();
    Ok(format!("{} (zeusd at {})", names.join(", "), socket.display()))
}

fn open(_spec: &MeterSpec, places: &Places) -> Result<Box<dyn Meter>, String> {
    Ok(Box::new(find(places)?))
}

/// The first socket behind which a daemon tells of processors.
fn find(places: &Places) -> Result<Zeusd, String> {
    let mut reasons = Vec::new();
    for socket in &places.zeusd {
        match connect(socket, places) {
            Ok(zeusd) => return Ok(zeusd),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(if reasons.is_empty() { "no socket is known".to_owned() } else { reasons.join("; ") })
}

fn connect(socket: &Path, places: &Places) -> Result<Zeusd, String> {
    let at = socket.display();
    let Discovery { cpus, enabled_api_groups, auth_required } = parse(socket, &get(socket, "/discover", PATIENCE)?)?;
    if auth_required {
        return Err(format!("{at}: zeusd asks for a token"));
    }
    if !enabled_api_groups.iter().any(|group| group == "cpu-read") {
        return Err(format!("{at}: zeusd runs without cpu-read: start it with --enable cpu-read"));
    }
    let zeusd = Zeusd { socket: socket.to_owned(), domains: domains(&cpus, places).map_err(|reason| format!("{at}: {reason}"))? };
    let told = energies(socket)?;
    zeusd.domains.iter().try_for_each(|domain| counter(&told, domain).map(drop))?;
    Ok(zeusd)
}

/// The packages and their memory.
fn domains(cpus: &[Cpu], places: &Places) -> Result<Vec<Domain>, String> {
    let names: Vec<Option<String>> =
        cpus.iter().map(|cpu| sysfs::word(&places.powercap.join(format!("intel-rapl:{}", cpu.id)).join("name")).ok()).collect();
    if names.iter().any(Option::is_none) && sockets(&places.proc) != Some(cpus.len()) {
        return Err(format!("zeusd tells of {} zones whose names cannot be seen: one may hold the others (psys)", cpus.len()));
    }
    let mut domains = Vec::new();
    for (cpu, name) in cpus.iter().zip(names) {
        let name = name.unwrap_or_else(|| format!("package-{}", cpu.id));
        if name.starts_with("package") {
            let domain = |name: String, is_memory| Domain { name, cpu: cpu.id, is_memory };
            domains.push(domain(name.clone(), false));
            domains.extend(cpu.dram_available.then(|| domain(format!("{name} dram"), true)));
        }
    }
    if domains.is_empty() { Err("zeusd tells of no processor package".to_owned()) } else { Ok(domains) }
}

/// How many processors are plugged in, by `/proc/cpuinfo`.
fn sockets(proc: &Path) -> Option<usize> {
    let cpuinfo = std::fs::read_to_string(proc.join("cpuinfo")).ok()?;
    let mut ids: Vec<&str> =
        cpuinfo.lines().filter(|line| line.starts_with("physical id")).filter_map(|line| line.split(':').nth(1)).collect();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then_some(ids.len())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        os::unix::net::UnixListener,
    };

    use super::*;

    /// Answers each connection with the next of `answers`, and tells what was asked.
    fn daemon(folder: &Path, answers: Vec<String>) -> (PathBuf, std::thread::JoinHandle<Vec<String>>) {
        let socket = folder.join("zeusd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let serve = move || {
            let one = |answer: String| {
                let (mut connection, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    connection.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                connection.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(request).unwrap().lines().next().unwrap().to_owned()
            };
            answers.into_iter().map(one).collect()
        };
        (socket, std::thread::spawn(serve))
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\r\n{body}", body.len())
    }

    const DISCOVERY: &str =
        r#"{"gpus":[],"cpus":[{"id":0,"dram_available":true}],"enabled_api_groups":["cpu-read"],"auth_required":false}"#;

    fn places(root: &Path, socket: PathBuf) -> Places {
        fs::write(root.join("cpuinfo"), "processor\t: 0\nphysical id\t: 0\n\nprocessor\t: 1\nphysical id\t: 0\n").unwrap();
        Places { proc: root.to_owned(), powercap: root.join("powercap"), zeusd: vec![socket], ..Places::system() }
    }

    #[test]
    fn packages_and_memory_are_read_through_the_socket() {
        let root = tempfile::tempdir().unwrap();
        let energy = |cpu: u64, dram: u64| ok(&format!(r#"{{"0":{{"cpu_energy_uj":{cpu},"dram_energy_uj":{dram}}}}}"#));
        let (socket, asked) = daemon(root.path(), vec![ok(DISCOVERY), energy(5, 6), energy(7, 8), "HTTP/1.1 500 No\r\n\r\n{}".into()]);
        let mut zeusd = find(&places(root.path(), socket)).unwrap();
        let names: Vec<_> = zeusd.nature().devices.into_values().map(|device| (device.name, device.counted)).collect();
        assert_eq!(names, [("package-0".to_owned(), EnergySource::Zeusd), ("package-0 dram".to_owned(), EnergySource::Zeusd)]);
        let counters: Vec<_> = zeusd.read(Effort::Quick, &[]).into_iter().map(|reading| (reading.device, reading.counter_uj)).collect();
        assert_eq!(counters, [(0, Some(7)), (1, Some(8))]);
        let lost = zeusd.read(Effort::Quick, &[]);
        assert!(lost.iter().all(|reading| reading.counter_uj.is_none() && reading.fault.as_deref().unwrap().contains("500")), "{lost:?}");
        let asked = asked.join().unwrap();
        assert_eq!(asked[..2], ["GET /discover HTTP/1.1", "GET /cpu/get_cumulative_energy?cpu=true&dram=true HTTP/1.1"]);
    }

    fn refused(discovery: &str, cpuinfo: &str, expected: &str) {
        let root = tempfile::tempdir().unwrap();
        let (socket, asked) = daemon(root.path(), vec![ok(discovery)]);
        let places = places(root.path(), socket);
        fs::write(root.path().join("cpuinfo"), cpuinfo).unwrap();
        let Err(reason) = find(&places) else { panic!("it opened") };
        assert!(reason.contains(expected), "{reason}");
        asked.join().unwrap();
    }

    #[test]
    fn a_daemon_that_is_of_no_use_says_why() {
        refused(&DISCOVERY.replace("false}", "true}"), "", "asks for a token");
        refused(&DISCOVERY.replace("cpu-read", "gpu-read"), "", "--enable cpu-read");
        refused("[]", "", "otherwise than expected");
        refused(&DISCOVERY.replace(r#"{"id":0,"dram_available":true}"#, ""), "", "no processor package");
        // Two zones and one socket, without names: the second may be psys.
        let two = DISCOVERY.replace("}],", r#"},{"id":1,"dram_available":false}],"#);
        refused(&two, "physical id\t: 0\n", "one may hold the others (psys)");
        let Err(reason) = find(&Places { zeusd: vec!["/nonexistent/zeusd.sock".into()], ..Places::system() }) else { panic!("it opened") };
        assert!(reason.contains("/nonexistent/zeusd.sock"), "{reason}");
    }

    #[test]
    fn a_zone_that_powercap_calls_psys_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for (zone, name) in [("intel-rapl:0", "package-0"), ("intel-rapl:1", "psys")] {
            let folder = root.path().join(zone);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("name"), name).unwrap();
        }
        let places = Places { powercap: root.path().to_owned(), ..Places::system() };
        let cpus = [Cpu { id: 0, dram_available: false }, Cpu { id: 1, dram_available: false }];
        assert_eq!(domains(&cpus, &places).unwrap(), [Domain { name: "package-0".into(), cpu: 0, is_memory: false }]);
    }
}
