//! Devices and what is known of them: memory, bandwidth, arithmetic, power at rest and at the limit, each with its source.

use std::collections::BTreeMap;

use econ::{Cited, Date};
use serde::{Deserialize, Serialize};
use units::Missing;

use super::Error;

/// Largest table that is read, in bytes.
pub const LARGEST_TABLE: usize = 1 << 20;

/// The table that comes with the program.
const EMBEDDED: &str = include_str!("../../data/devices.toml");

/// Most devices that may share the work.
const MOST: u32 = 64;

/// One figure and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// The figure, in the unit of its field.
    pub value: f64,
    /// What must be said beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

/// A device. What no source gives is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Device {
    /// Its name here.
    pub name: String,
    /// Other names of it, that of the driver among them.
    pub aliases: Vec<String>,
    /// Whether it is a processor and no GPU.
    pub processor: bool,
    /// Memory in 10⁹ bytes.
    pub memory_gb: Option<Fact>,
    /// Peak bandwidth of its memory in 10⁹ bytes a second.
    pub bandwidth_gb_s: Option<Fact>,
    /// Peak of dense 16-bit arithmetic in 10¹² operations a second.
    pub tflops: Option<Fact>,
    /// Power in W while it is held and does nothing.
    pub idle_w: Option<Fact>,
    /// Power limit in W.
    pub peak_w: Option<Fact>,
}

/// A table of devices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Devices(Vec<Device>);

/// One or several of a device that share the work evenly: bandwidth, arithmetic, memory and power add up, and what they say to each other
/// costs nothing. Real ones do worse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Which device.
    pub device: Device,
    /// How many.
    pub count: u32,
}

impl Devices {
    /// The table that comes with the program.
    pub fn embedded() -> Self {
        Self::read(EMBEDDED, "the program's table of devices").expect("the program's own table is read by a test")
    }

    /// Reads a table. `origin` names it in errors.
    ///
    /// # Errors
    /// It is too large, no such table, or has a figure that cannot be one.
    pub fn read(text: &str, origin: &str) -> Result<Self, Error> {
        if text.len() > LARGEST_TABLE {
            return Err(Error::TooLarge { origin: origin.to_owned(), most: LARGEST_TABLE });
        }
        let written: Written = toml::from_str(text).map_err(|error| Error::Table {
            origin: origin.to_owned(),
            reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        })?;
        let sources = &written.sources;
        written.devices.into_iter().map(|device| device.meant(sources, origin)).collect::<Result<_, _>>().map(Self)
    }

    /// This table with another laid over it: of devices of the same name the other's stand.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.retain(|device| !other.0.iter().any(|theirs| same(&theirs.name, &device.name)));
        // The later table is asked first, so that its names win.
        self.0.splice(0..0, other.0);
        self
    }

    /// Every device.
    pub fn all(&self) -> &[Device] {
        &self.0
    }

    /// A device by its name or one of its aliases, whatever its case and separators.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn find(&self, name: &str) -> Result<&Device, Error> {
        let by_name = self.0.iter().find(|device| same(&device.name, name));
        let by_alias = || self.0.iter().find(|device| device.aliases.iter().any(|alias| same(alias, name)));
        by_name.or_else(by_alias).ok_or_else(|| Error::Unknown {
            name: name.chars().take(100).collect(),
            known: self.0.iter().map(|device| device.name.clone()).collect(),
        })
    }

    /// One or several of a device: `T4`, or `2xT4`.
    ///
    /// # Errors
    /// There is no such device, or the number is none from 1 to 64.
    pub fn machine(&self, written: &str) -> Result<Machine, Error> {
        if let Some((count, name)) = written.split_once(['x', '×']).filter(|(count, _)| is_number(count)) {
            let count = count.trim().parse().ok().filter(|count| (1..=MOST).contains(count));
            let count = count.ok_or_else(|| Error::Count { written: written.chars().take(100).collect() })?;
            return Ok(Machine { device: self.find(name)?.clone(), count });
        }
        Ok(Machine { device: self.find(written)?.clone(), count: 1 })
    }
}

impl Machine {
    /// `T4`, or `2 × T4`.
    pub fn name(&self) -> String {
        if self.count == 1 { self.device.name.clone() } else { format!("{} × {}", self.count, self.device.name) }
    }

    /// Memory of all of them, in bytes.
    ///
    /// # Errors
    /// No source gives it.
    pub fn memory_bytes(&self) -> Result<f64, Missing> {
        self.all(self.device.memory_gb.as_ref(), "memory").map(|gb| gb * 1e9)
    }

    /// Bandwidth of all of them, in bytes a second.
    ///
    /// # Errors
    /// No source gives it.
    pub fn bandwidth_b_s(&self) -> Result<f64, Missing> {
        self.all(self.device.bandwidth_gb_s.as_ref(), "bandwidth").map(|gb| gb * 1e9)
    }

    /// Arithmetic of all of them, in operations a second.
    ///
    /// # Errors
    /// No source gives it.
    pub fn flop_s(&self) -> Result<f64, Missing> {
        self.all(self.device.tflops.as_ref(), "peak arithmetic").map(|tflops| tflops * 1e12)
    }

    /// Power of all of them, at rest and at the limit, in W.
    ///
    /// # Errors
    /// No source gives one of them.
    pub fn power_w(&self) -> Result<(f64, f64), Missing> {
        Ok((self.all(self.device.idle_w.as_ref(), "idle power")?, self.all(self.device.peak_w.as_ref(), "peak power")?))
    }

    fn all(&self, fact: Option<&Fact>, what: &str) -> Result<f64, Missing> {
        let fact = fact.ok_or_else(|| Missing::because(format!("no source gives the {what} of {}", self.device.name)))?;
        Ok(fact.value * f64::from(self.count))
    }
}

/// Letters and digits alone, in lower case.
fn normal(name: &str) -> String {
    name.chars().take(200).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn is_number(text: &str) -> bool {
    !text.trim().is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    sources: BTreeMap<String, WrittenSource>,
    devices: Vec<WrittenDevice>,
}

/// A source as a table lists it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSource {
    title: String,
    url: Option<String>,
    date: Date,
}

impl WrittenSource {
    pub(super) fn cited(&self) -> Cited {
        Cited { source: self.title.clone(), url: self.url.clone(), date: self.date }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDevice {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    processor: bool,
    memory_gb: Option<WrittenFact>,
    bandwidth_gb_s: Option<WrittenFact>,
    tflops: Option<WrittenFact>,
    idle_w: Option<WrittenFact>,
    peak_w: Option<WrittenFact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFact {
    value: f64,
    source: String,
    note: Option<String>,
}

impl WrittenDevice {
    fn meant(self, sources: &BTreeMap<String, WrittenSource>, origin: &str) -> Result<Device, Error> {
        let wrong = |reason: String| Error::Entry { origin: origin.to_owned(), device: self.name.clone(), reason };
        let fact = |what: &str, written: Option<WrittenFact>| -> Result<Option<Fact>, Error> {
            let Some(WrittenFact { value, source, note }) = written else { return Ok(None) };
            if !(value.is_finite() && value > 0.0) {
                return Err(wrong(format!("{what} is {value}, but should be above 0")));
            }
            let cited = sources.get(&source).ok_or_else(|| wrong(format!("{what}: the sources have no `{source}`")))?.cited();
            Ok(Some(Fact { value, note, cited }))
        };
        let device = Device {
            name: self.name.clone(),
            aliases: self.aliases,
            processor: self.processor,
            memory_gb: fact("memory_gb", self.memory_gb)?,
            bandwidth_gb_s: fact("bandwidth_gb_s", self.bandwidth_gb_s)?,
            tflops: fact("tflops", self.tflops)?,
            idle_w: fact("idle_w", self.idle_w)?,
            peak_w: fact("peak_w", self.peak_w)?,
        };
        match (&device.idle_w, &device.peak_w) {
            (Some(idle), Some(peak)) if idle.value >= peak.value => Err(wrong("idle_w is not below peak_w".into())),
            _ => Ok(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"
        [sources]
        mine = { title = "a data sheet", date = "2026-01-02" }
        [[devices]]
        name = "T4"
        bandwidth_gb_s = { value = 300, source = "mine" }
        [[devices]]
        name = "Mine"
        aliases = ["my card"]
        idle_w = { value = 10, source = "mine" }
        peak_w = { value = 20, source = "mine" }
    "#;

    #[test]
    fn the_programs_table_is_read_and_every_figure_has_its_source() {
        let devices = Devices::embedded();
        assert!(devices.all().len() >= 12);
        let t4 = devices.find("tesla t4").unwrap();
        let bandwidth = t4.bandwidth_gb_s.as_ref().unwrap();
        assert!((bandwidth.value - 320.0).abs() < 1e-9 && !bandwidth.cited.source.is_empty());
        assert_eq!(devices.find("NVIDIA A100 80GB PCIe").unwrap().name, "A100-80GB-PCIe");
        assert_eq!(devices.find("A100-80GB").unwrap().name, "A100-80GB-SXM");
        // Every driver's name of a card leads to one device alone.
        let mut names: Vec<String> =
            devices.all().iter().flat_map(|d| std::iter::once(&d.name).chain(&d.aliases)).map(|n| normal(n)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(all, names.len(), "two devices bear one name, or a device bears one twice");
    }

    #[test]
    fn what_no_source_gives_is_missing() {
        let a10g = Devices::embedded().machine("A10G").unwrap();
        assert_eq!(a10g.flop_s().unwrap_err().to_string(), "no source gives the peak arithmetic of A10G");
        assert!(a10g.bandwidth_b_s().is_ok());
    }

    #[test]
    fn several_share_the_work() {
        let two = Devices::embedded().machine("2xT4").unwrap();
        assert_eq!((two.name().as_str(), two.count), ("2 × T4", 2));
        assert!((two.bandwidth_b_s().unwrap() - 640e9).abs() < 1.0 && (two.memory_bytes().unwrap() - 32e9).abs() < 1.0);
        assert!((two.power_w().unwrap().1 - 140.0).abs() < 1e-9);
        for bad in ["0xT4", "65xT4", "999999999999xT4"] {
            assert!(matches!(Devices::embedded().machine(bad), Err(Error::Count { .. })), "{bad}");
        }
    }

    #[test]
    fn an_unknown_name_tells_the_known_ones() {
        let error = Devices::embedded().find("GTX 970").unwrap_err();
        assert!(error.to_string().contains("GTX 970") && error.hint().unwrap().contains("RTX-4090"), "{error}");
    }

    #[test]
    fn a_table_of_ones_own_is_laid_over() {
        let devices = Devices::embedded().with(Devices::read(OWN, "mine.toml").unwrap());
        assert!((devices.find("T4").unwrap().bandwidth_gb_s.as_ref().unwrap().value - 300.0).abs() < 1e-9);
        assert!(devices.machine("T4").unwrap().memory_bytes().is_err());
        assert_eq!(devices.find("My-Card").unwrap().name, "Mine");
        assert!(devices.find("H200").is_ok());
    }

    #[test]
    fn bad_tables_are_refused() {
        let refused = |text: &str| Devices::read(text, "mine.toml").unwrap_err().to_string();
        assert!(refused(&OWN.replace("300", "-3")).contains("mine.toml: T4: bandwidth_gb_s is -3"));
        assert!(refused(&OWN.replace("300", "nan")).contains("above 0"));
        assert!(refused(&OWN.replace("value = 300, source = \"mine\"", "value = 300, source = \"else\"")).contains("no `else`"));
        assert!(refused(&OWN.replace("value = 20", "value = 5")).contains("idle_w is not below peak_w"));
        assert!(refused(&OWN.replace("bandwidth_gb_s", "bandwith")).contains("is no table of devices"));
        assert!(refused(&" ".repeat(LARGEST_TABLE + 1)).contains("larger than"));
    }
}
