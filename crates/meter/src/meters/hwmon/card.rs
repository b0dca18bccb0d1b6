//! One graphics card as the kernel's files show it: which of them it has, and what they say now.

use std::{
    fs,
    path::{Path, PathBuf},
};

use units::{Seconds, Watts};

use crate::{Channel, DeviceReading, Raw, Sight, sysfs};

/// A card that tells power or energy.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// The number in `card0`.
    pub(super) index: u32,
    /// Such as `card0 (amdgpu 0000:03:00.0)`.
    pub(super) name: String,
    /// Its PCI address.
    pub(super) pci: String,
    pub(super) power: Option<PowerFile>,
    pub(super) energy: Option<PathBuf>,
    /// Whether its power is that of a package with a processor in it.
    pub(super) is_apu: bool,
    hwmon: PathBuf,
}

/// Where power stands.
#[derive(Clone, Debug)]
pub(super) struct PowerFile {
    path: PathBuf,
    /// Span of the average; 0 for power of the instant.
    pub(super) averaged: Option<Seconds>,
}

impl PowerFile {
    pub(super) fn is_instant(&self) -> bool {
        self.averaged == Some(Seconds(0.0))
    }
}

/// Every card that tells power or energy, by number.
pub(super) fn all(drm: &Path) -> Result<Vec<Card>, String> {
    let entries = fs::read_dir(drm).map_err(|error| format!("{}: {}", drm.display(), error.to_string().to_lowercase()))?;
    let mut cards: Vec<Card> = entries.flatten().filter_map(|entry| card(&entry.path())).collect();
    cards.sort_by_key(|card| card.index);
    if cards.is_empty() {
        return Err(format!("{}: no card tells power or energy", drm.display()));
    }
    Ok(cards)
}

/// `None` for a connector, and for a card without sensors.
fn card(folder: &Path) -> Option<Card> {
    let file_name = folder.file_name()?.to_str()?;
    let index = file_name.strip_prefix("card")?.parse().ok()?;
    let device = folder.join("device");
    let uevent = fs::read_to_string(device.join("uevent")).unwrap_or_default();
    let fact = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?").to_owned();
    let (driver, pci) = (fact("DRIVER="), fact("PCI_SLOT_NAME="));
    let mut sensors: Vec<PathBuf> = fs::read_dir(device.join("hwmon")).ok()?.flatten().map(|entry| entry.path()).collect();
    sensors.sort();
    let told = |hwmon: PathBuf| {
        let (power, energy) = (power(&hwmon), energy(&hwmon));
        (power.is_some() || energy.is_some()).then_some((hwmon, power, energy))
    };
    let (hwmon, power, energy) = sensors.into_iter().find_map(told)?;
    let is_apu = driver == "amdgpu" && is_apu(&device, &hwmon);
    Some(Card { index, name: format!("{file_name} ({driver} {pci})"), pci, power, energy, is_apu, hwmon })
}

/// PCI device of the MI300A, the APU that amdgpu shows no northbridge of.
const MI300A: &str = "0x74a0";

/// amdgpu shows the voltage of the northbridge, `vddnb`, of APUs alone (`hwmon_attributes_visible` in `drivers/gpu/drm/amd/pm/amdgpu_pm.c`).
fn is_apu(device: &Path, hwmon: &Path) -> bool {
    let is = |path: PathBuf, wanted: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == wanted);
    is(hwmon.join("in1_label"), "vddnb") || is(device.join("device"), MI300A)
}

fn power(hwmon: &Path) -> Option<PowerFile> {
    let readable = |name: &str| Some(hwmon.join(name)).filter(|path| sysfs::number(path).is_ok());
    let instant = readable("power1_input").map(|path| PowerFile { path, averaged: Some(Seconds(0.0)) });
    instant.or_else(|| {
        let milliseconds = sysfs::number(&hwmon.join("power1_average_interval")).ok();
        readable("power1_average").map(|path| PowerFile { path, averaged: milliseconds.map(|ms| Seconds(ms as f64 / 1e3)) })
    })
}

/// The card's counter; on xe that is the first channel, and the second its package alone.
fn energy(hwmon: &Path) -> Option<PathBuf> {
    ["energy1_input", "energy2_input"].map(|name| hwmon.join(name)).into_iter().find(|path| sysfs::number(path).is_ok())
}

impl Card {
    pub(super) fn read(&self) -> DeviceReading {
        let power = self.power.as_ref().map(|power| sysfs::number(&power.path));
        let counter = self.energy.as_ref().map(|path| sysfs::number(path));
        let mut reading = DeviceReading::at(self.index, record::clock::now());
        for fault in [&power, &counter].into_iter().flatten().filter_map(|read| read.as_ref().err()) {
            reading.fault = Some(fault.clone());
        }
        reading.power = power.and_then(Result::ok).map(microwatts);
        reading.counter_uj = counter.and_then(Result::ok);
        reading
    }

    /// What state it is in; what the driver does not tell is absent.
    pub(super) fn state(&self) -> Sight {
        let number = |name: &str| sysfs::number(&self.hwmon.join(name)).ok();
        let megahertz = |name: &str| number(name).map(|hertz| (hertz / 1_000_000) as u32);
        Sight {
            temperature_c: number("temp1_input").map(|millidegrees| (millidegrees / 1000) as u32),
            sm_clock_mhz: megahertz("freq1_input"),
            memory_clock_mhz: megahertz("freq2_input"),
            power_limit: number("power1_cap").or_else(|| number("power1_max")).filter(|limit| *limit > 0).map(microwatts),
            ..Sight::default()
        }
    }

    pub(super) fn raw(&self, channel: Channel) -> Option<Result<Raw, String>> {
        let power = |power: &PowerFile| sysfs::number(&power.path).map(|value| Raw::Power(microwatts(value)));
        match channel {
            Channel::Counter => self.energy.as_ref().map(|path| sysfs::number(path).map(Raw::Microjoules)),
            Channel::Instant => self.power.as_ref().filter(|file| file.is_instant()).map(power),
            Channel::Average => self.power.as_ref().filter(|file| !file.is_instant()).map(power),
        }
    }
}

fn microwatts(value: u64) -> Watts {
    Watts(value as f64 / 1e6)
}
