//! AMD, Intel and other GPUs through the kernel's hwmon and DRM files.
//!
//! Power is `power1_input` (of the instant) or `power1_average` in microwatts, energy `energy1_input` in microjoules
//! (Documentation/hwmon/sysfs-interface.rst). amdgpu tells power; i915 and xe tell energy, which the kernel counts on in 64 bits
//! (Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon, -xe-hwmon). On an APU amdgpu's power is that of the whole package, its processor
//! included (Documentation/gpu/amdgpu/thermal.rst): such a card says so, and no processor's meter is added to it. Where only one of the two is told there is nothing to check it by. The
//! processes on a card are those whose `fdinfo` names it (Documentation/gpu/drm-usage-stats.rst). Throttle reasons are not told. NVIDIA's
//! own driver offers none of this: see `nvml`.

mod card;
mod holders;

use std::path::PathBuf;

use plan::MeterSpec;
use record::EnergySource;
use units::{Nanos, Seconds};

use super::MeterKind;
use crate::{
    Basis, Channel, DeviceNature, DeviceReading, Effort, Meter, Nature, Places, Raw, Sight,
    reading::{memory_of, total},
};
use card::Card;
use holders::{Holder, Holders, on_cards};

/// The registry's entry.
pub(super) static HWMON: MeterKind = MeterKind {
    name: "hwmon",
    about: "AMD, Intel and other GPUs: power or energy through sysfs, of those that hold the stage's processes",
    probe,
    open,
};

/// How often all processes are searched for users of the cards: it costs a look at every open file of the machine.
const SEARCH_PERIOD: Seconds = Seconds(5.0);

struct Hwmon {
    proc: PathBuf,
    cards: Vec<Card>,
    holders: Holders,
    searched: Option<Nanos>,
}

fn probe(places: &Places) -> Result<String, String> {
    let cards = card::all(&places.drm)?;
    let holders = on_cards(&places.proc, &cards);
    let unseen = holders.unlisted(&[]).or_else(|| holders.unseen(&[])).map_or_else(String::new, |reason| format!("; {reason}"));
    Ok(cards.iter().map(describe).collect::<Vec<_>>().join(", ") + &unseen)
}

fn describe(card: &Card) -> String {
    let energy = if card.energy.is_some() { "energy counter" } else { "no energy counter" };
    let power = match &card.power {
        Some(power) if power.is_instant() => "instantaneous power",
        Some(_) => "averaged power",
        None => "no power",
    };
    format!("{}: {} ({energy}, {power})", card.index, card.name)
}

fn open(_spec: &MeterSpec, places: &Places) -> Result<Box<dyn Meter>, String> {
    Ok(Box::new(Hwmon { proc: places.proc.clone(), cards: card::all(&places.drm)?, holders: Holders::default(), searched: None }))
}

impl Hwmon {
    fn sight(&mut self, card: usize, stage: &[u32]) -> Sight {
        let card = &self.cards[card];
        let on_it = self.holders.of(&card.pci);
        let (own, foreign): (Vec<Holder>, Vec<Holder>) = on_it.iter().copied().partition(|holder| stage.contains(&holder.pid));

        Sight {
            name: card.name.clone(),
            stage_pids: own.iter().map(|holder| holder.pid).collect(),
            foreign_pids: foreign.iter().map(|holder| holder.pid).collect(),
            stage_memory: total(own.iter().map(|holder| memory_of(holder.pid, holder.memory))),
            unlisted: self.holders.unlisted(stage),
            unseen: self.holders.unseen(stage),
            ..card.state()
        }
    }

    /// Looks for the cards' users: at the edges of windows, and now and then in between.
    fn search(&mut self, effort: Effort) {
        let now = record::clock::now();
        let is_due = self.searched.is_none_or(|last| now.since(last) >= SEARCH_PERIOD);
        if effort == Effort::Edge || (effort == Effort::Sight && is_due) {
            self.holders = on_cards(&self.proc, &self.cards);
            self.searched = Some(now);
        }
    }
}

impl Meter for Hwmon {
    fn basis(&self) -> Basis {
        Basis::Gpus
    }

    fn nature(&self) -> Nature {
        let nature = |card: &Card| DeviceNature {
            name: card.name.clone(),
            counted: EnergySource::HwmonCounter,
            integrated: if card.power.is_some() { EnergySource::HwmonPower } else { EnergySource::HwmonCounter },
            averaged: card.power.as_ref().and_then(|power| power.averaged),
        };
        let with_processor: Vec<String> = self.cards.iter().filter(|card| card.is_apu).map(|card| card.name.clone()).collect();
        let note = |name: &String| format!("{name} is an APU: its power is that of the whole package, the processor included");
        let notes = with_processor.iter().map(note).collect();
        Nature { devices: self.cards.iter().map(|card| (card.index, nature(card))).collect(), notes, with_processor }
    }

    fn read(&mut self, effort: Effort, stage: &[u32]) -> Vec<DeviceReading> {
        let mut readings: Vec<DeviceReading> = self.cards.iter().map(Card::read).collect();
        if effort >= Effort::Sight {
            self.search(effort);
            for (card, reading) in readings.iter_mut().enumerate() {
                reading.sight = Some(self.sight(card, stage));
            }
        }
        readings
    }

    fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
        self.cards.iter().find(|card| card.index == device)?.raw(channel)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use units::{Bytes, Reading, Watts};

    use super::*;

    /// A machine in a folder: cards under `drm`, processes under `proc`.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            for folder in ["drm", "proc"] {
                fs::create_dir(root.path().join(folder)).unwrap();
            }
            // A connector and the version file stand beside the cards.
            fs::create_dir(root.path().join("drm/card1-DP-1")).unwrap();
            fs::write(root.path().join("drm/version"), "drm").unwrap();
            Self(root)
        }

        fn places(&self) -> Places {
            Places { proc: self.0.path().join("proc"), drm: self.0.path().join("drm"), ..Places::system() }
        }

        fn hwmon(&self, card: u32) -> PathBuf {
            self.0.path().join(format!("drm/card{card}/device/hwmon/hwmon4"))
        }

        fn card(&self, index: u32, driver: &str, pci: &str, files: &[(&str, &str)]) {
            let hwmon = self.hwmon(index);
            fs::create_dir_all(&hwmon).unwrap();
            fs::write(hwmon.join("../../uevent"), format!("DRIVER={driver}\nPCI_CLASS=30000\nPCI_SLOT_NAME={pci}\n")).unwrap();
            for (name, content) in files {
                fs::write(hwmon.join(name), format!("{content}\n")).unwrap();
            }
        }

        fn process(&self, pid: u32, files: &[(u32, &str, &str)]) {
            let folder = self.0.path().join(format!("proc/{pid}"));
            fs::create_dir_all(folder.join("fd")).unwrap();
            fs::create_dir_all(folder.join("fdinfo")).unwrap();
            for (fd, target, info) in files {
                symlink(target, folder.join("fd").join(fd.to_string())).unwrap();
                fs::write(folder.join("fdinfo").join(fd.to_string()), info).unwrap();
            }
        }

        fn meter(&self) -> Box<dyn Meter> {
            open(&spec(), &self.places()).unwrap()
        }
    }

    fn spec() -> MeterSpec {
        MeterSpec { kind: "hwmon".into(), modelled_w_per_core: None, interval_ms: 100, idle_s: 1.0, csv: None }
    }

    const AMD: &[(&str, &str)] = &[
        ("name", "amdgpu"),
        ("power1_average", "213000000"),
        ("power1_cap", "300000000"),
        ("temp1_input", "61000"),
        ("freq1_input", "2100000000"),
        ("freq2_input", "1000000000"),
    ];

    fn client(pci: &str, id: u32, vram: &str) -> String {
        format!("pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t{id}\ndrm-pdev:\t{pci}\ndrm-memory-vram:\t{vram}\n")
    }

    #[test]
    fn an_amd_card_tells_power_state_and_its_users() {
        let machine = Machine::new();
        machine.card(1, "amdgpu", "0000:03:00.0", AMD);
        let (first, other) = (client("0000:03:00.0", 7, "2048 KiB"), client("0000:04:00.0", 9, "1 KiB"));
        // Two files of one client are one client; another card's are not this one's.
        machine.process(70, &[(3, "/dev/dri/renderD128", &first), (4, "/dev/dri/renderD128", &first), (5, "/dev/dri/card2", &other)]);
        machine.process(71, &[(3, "/dev/dri/renderD128", &client("0000:03:00.0", 8, "1 MiB"))]);
        machine.process(72, &[(0, "/dev/null", "pos: 0"), (1, "/dev/dri/renderD129", &other)]);
        let mut meter = machine.meter();
        let reading = meter.read(Effort::Sight, &[70]).remove(0);
        assert_eq!((reading.device, reading.power, reading.counter_uj, reading.fault), (1, Some(Watts(213.0)), None, None));
        let sight = reading.sight.unwrap();
        assert_eq!((sight.stage_pids, sight.foreign_pids, sight.stage_memory), (vec![70], vec![71], Some(Reading::Known(Bytes(2 << 20)))));
        assert_eq!((sight.temperature_c, sight.sm_clock_mhz, sight.memory_clock_mhz), (Some(61), Some(2100), Some(1000)));
        assert_eq!((sight.power_limit, sight.unlisted), (Some(Watts(300.0)), None));
        let nature = meter.nature().devices.remove(&1).unwrap();
        assert_eq!((nature.integrated, nature.averaged), (EnergySource::HwmonPower, None));
    }

    #[test]
    fn power_of_the_instant_is_taken_before_the_average() {
        let machine = Machine::new();
        let files = [AMD, &[("power1_input", "200000000")]].concat();
        machine.card(0, "amdgpu", "0000:03:00.0", &files);
        let mut meter = machine.meter();
        assert_eq!(meter.read(Effort::Quick, &[])[0].power, Some(Watts(200.0)));
        assert_eq!(meter.nature().devices[&0].averaged, Some(Seconds(0.0)));
        assert_eq!(meter.raw(0, Channel::Instant), Some(Ok(Raw::Power(Watts(200.0)))));
        assert_eq!(meter.raw(0, Channel::Counter), None);
    }

    #[test]
    fn the_span_of_an_average_is_told_where_the_driver_tells_it() {
        let machine = Machine::new();
        machine.card(0, "amdgpu", "0000:03:00.0", &[("power1_average", "1"), ("power1_average_interval", "500")]);
        assert_eq!(machine.meter().nature().devices[&0].averaged, Some(Seconds(0.5)));
    }

    #[test]
    fn an_apu_is_known_by_its_northbridge_or_its_id_and_says_that_it_holds_the_processor() {
        let check = |files: &[(&str, &str)], id: &str, is_apu: bool| {
            let machine = Machine::new();
            machine.card(0, "amdgpu", "0000:05:00.0", &[AMD, files].concat());
            fs::write(machine.hwmon(0).join("../../device"), format!("{id}\n")).unwrap();
            let nature = machine.meter().nature();
            assert_eq!((nature.with_processor.len(), nature.notes.len()), (usize::from(is_apu), usize::from(is_apu)), "{files:?} {id}");
            assert!(nature.with_processor.iter().all(|name| *name == nature.devices[&0].name));
        };
        check(&[("in0_label", "vddgfx"), ("in1_label", "vddnb")], "0x15bf", true);
        check(&[("in0_label", "vddgfx")], "0x744c", false);
        check(&[("in1_label", "another")], "0x744c", false);
        check(&[], "0x74a0", true);
    }

    #[test]
    fn a_client_that_does_not_tell_its_memory_makes_the_sum_missing() {
        let machine = Machine::new();
        machine.card(1, "amdgpu", "0000:03:00.0", AMD);
        let (told, untold) = (client("0000:03:00.0", 7, "2048 KiB"), client("0000:03:00.0", 8, "a lot"));
        machine.process(70, &[(3, "/dev/dri/renderD128", &told), (4, "/dev/dri/renderD128", &untold)]);
        machine.process(71, &[(3, "/dev/dri/renderD128", &client("0000:03:00.0", 9, "1 MiB"))]);
        let sight = machine.meter().read(Effort::Sight, &[70, 71]).remove(0).sight.unwrap();
        assert_eq!(sight.stage_memory, Some(Reading::missing("the driver does not tell the GPU memory of process 70")));
    }

    #[test]
    fn an_intel_card_tells_its_energy_counter() {
        let machine = Machine::new();
        machine.card(0, "xe", "0000:03:00.0", &[("energy1_label", "card"), ("energy1_input", "123456"), ("energy2_input", "9")]);
        let vram = "drm-client-id: 3\ndrm-pdev: 0000:03:00.0\ndrm-total-vram0: 24 KiB\ndrm-total-gtt: 192 KiB\ndrm-total-vram1: 1 KiB\n";
        machine.process(70, &[(3, "/dev/dri/renderD128", vram)]);
        let mut meter = machine.meter();
        let reading = meter.read(Effort::Edge, &[70]).remove(0);
        assert_eq!((reading.power, reading.counter_uj, reading.counter_range_uj), (None, Some(123_456), None));
        assert_eq!(reading.sight.unwrap().stage_memory, Some(Reading::Known(Bytes(25 * 1024))));
        assert_eq!(meter.nature().devices[&0].counted, EnergySource::HwmonCounter);
    }

    #[test]
    fn a_card_that_is_lost_is_a_fault_and_no_number() {
        let machine = Machine::new();
        machine.card(0, "amdgpu", "0000:03:00.0", AMD);
        let mut meter = machine.meter();
        fs::remove_file(machine.hwmon(0).join("power1_average")).unwrap();
        let reading = meter.read(Effort::Quick, &[]).remove(0);
        assert!(reading.power.is_none() && reading.fault.unwrap().ends_with("power1_average: not there"));
    }

    #[test]
    fn cards_that_tell_neither_power_nor_energy_are_no_meter() {
        let machine = Machine::new();
        machine.card(0, "nvidia", "0000:03:00.0", &[("temp1_input", "40000")]);
        let refused = |places: &Places| open(&spec(), places).err().unwrap();
        assert!(refused(&machine.places()).contains("no card tells power or energy"));
        assert!(refused(&Places { drm: "/nonexistent/drm".into(), ..Places::system() }).contains("/nonexistent/drm"));
        assert!(probe(&machine.places()).is_err());
    }

    #[test]
    fn processes_that_cannot_be_looked_at_are_no_empty_list() {
        let machine = Machine::new();
        machine.card(0, "amdgpu", "0000:03:00.0", AMD);
        // A folder of a process whose list of files is none: as the kernel answers who may not look.
        let folder = machine.0.path().join("proc/80");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("fd"), "").unwrap();
        let sight = machine.meter().read(Effort::Sight, &[]).remove(0).sight.unwrap();
        // Somebody else's: the stage's own are all known.
        assert_eq!(sight.unlisted, None);
        assert!(sight.unseen.as_deref().is_some_and(|why| why.contains("1 process") && why.contains("root")), "{sight:?}");
        // One of the stage: nobody knows whether it holds the card.
        let sight = machine.meter().read(Effort::Sight, &[80]).remove(0).sight.unwrap();
        assert!(sight.unseen.is_none() && sight.unlisted.unwrap().contains("1 process"));
    }

    #[test]
    fn a_process_that_has_ended_meanwhile_is_not_missed() {
        let machine = Machine::new();
        machine.card(0, "amdgpu", "0000:03:00.0", AMD);
        fs::create_dir_all(machine.0.path().join("proc/81")).unwrap();
        assert_eq!(machine.meter().read(Effort::Sight, &[]).remove(0).sight.unwrap().unlisted, None);
    }
}
