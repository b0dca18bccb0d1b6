//! From what was seen on one machine to another, through the rooflines of both.

use serde::Serialize;
use units::Missing;

use super::{Machine, Work};

/// What is projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Time to the first token, in ms.
    TtftMs,
    /// Time between the tokens of an answer, in ms.
    ItlMs,
    /// Output tokens a second, of all streams.
    TokensPerS,
    /// Power of the devices, in W.
    PowerW,
    /// Energy of an output token, in J.
    JoulesPerToken,
}

impl Quantity {
    /// All of them.
    pub const ALL: &[Self] = &[Self::TtftMs, Self::ItlMs, Self::TokensPerS, Self::PowerW, Self::JoulesPerToken];

    /// The word that JSON and tables use.
    pub fn name(self) -> &'static str {
        match self {
            Self::TtftMs => "ttft_ms",
            Self::ItlMs => "itl_ms",
            Self::TokensPerS => "tokens_per_s",
            Self::PowerW => "power_w",
            Self::JoulesPerToken => "joules_per_token",
        }
    }
}

/// What was seen of the work on a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Time to the first token, in ms.
    pub ttft_ms: Result<f64, Missing>,
    /// Time between tokens, in ms.
    pub itl_ms: Result<f64, Missing>,
    /// Output tokens a second.
    pub tokens_per_s: Result<f64, Missing>,
    /// Energy of an output token, in J.
    pub joules_per_token: Result<f64, Missing>,
}

impl Seen {
    /// One of the quantities.
    ///
    /// # Errors
    /// It, or what it is made of, is missing.
    pub fn of(&self, quantity: Quantity) -> Result<f64, Missing> {
        match quantity {
            Quantity::TtftMs => self.ttft_ms.clone(),
            Quantity::ItlMs => self.itl_ms.clone(),
            Quantity::TokensPerS => self.tokens_per_s.clone(),
            Quantity::JoulesPerToken => self.joules_per_token.clone(),
            Quantity::PowerW => Ok(self.joules_per_token.clone()? * self.tokens_per_s.clone()?),
        }
    }
}

/// A projected figure: between what it is if all the time beyond the roofline scales with the device, and if none of it does.
///
/// One record cannot tell which part of that time is bandwidth and arithmetic that go unused, and which is launches, the server's processor
/// and queueing. The value is the geometric mean of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// √(`scales` · `stays`).
    pub value: f64,
    /// The achieved fraction of the roofline carries over.
    pub scales: f64,
    /// The time beyond the roofline carries over.
    pub stays: f64,
}

impl Span {
    fn new(scales: f64, stays: f64) -> Result<Self, Missing> {
        let value = (scales * stays).sqrt();
        let is_one = value.is_finite() && value > 0.0;
        is_one.then_some(Self { value, scales, stays }).ok_or_else(|| Missing::because("it comes out as no number above 0"))
    }

    /// Whether a figure lies between the two ends.
    pub fn holds(&self, figure: f64) -> bool {
        self.scales.min(self.stays) <= figure && figure <= self.scales.max(self.stays)
    }
}

/// Whether the weights and the KV cache go into the machine's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Weights and, where its size is known, the cache of all streams at their longest, in bytes.
    pub needed_bytes: f64,
    /// What the machine has, in bytes.
    pub memory_bytes: Result<f64, Missing>,
}

impl Fit {
    /// `false` where more is needed than there is; `None` where nobody knows how much there is.
    pub fn fits(&self) -> Option<bool> {
        self.memory_bytes.as_ref().ok().map(|memory| self.needed_bytes <= *memory)
    }
}

/// A projection. Every figure of it is one, and is printed as such.
#[derive(Clone, Debug, PartialEq)]
pub struct Projected {
    /// Whether it fits. Where it does not, the figures are missing with that reason.
    pub fit: Fit,
    /// One entry for each of [`Quantity::ALL`], in that order.
    pub figures: Vec<(Quantity, Result<Span, Missing>)>,
    /// What must be said of it, each lower case without a final stop.
    pub notes: Vec<String>,
}

impl Projected {
    /// One of the quantities.
    ///
    /// # Errors
    /// It is missing.
    pub fn of(&self, quantity: Quantity) -> Result<Span, Missing> {
        let found = self.figures.iter().find(|(which, _)| *which == quantity);
        found.map_or_else(|| Err(Missing::because("it is not projected")), |(_, figure)| figure.clone())
    }
}

/// Projects what was `seen` of work `from.1` on machine `from.0` to the work and machine `to`.
pub fn project(from: (&Machine, &Work), seen: &Seen, to: (&Machine, &Work)) -> Projected {
    let fit = Fit { needed_bytes: to.1.weights_bytes + to.1.kv_bytes(1.0), memory_bytes: to.0.memory_bytes() };
    let notes = notes(from, to);
    if fit.fits() == Some(false) {
        let why = Missing::because(format!(
            "does not fit: {:.1} GB of weights and KV cache, and {} has {:.0} GB",
            fit.needed_bytes / 1e9,
            to.0.name(),
            fit.memory_bytes.as_ref().map_or(0.0, |bytes| bytes / 1e9)
        ));
        return Projected { fit, figures: Quantity::ALL.iter().map(|quantity| (*quantity, Err(why.clone()))).collect(), notes };
    }
    let (scales, stays) = (Carried::new(from, seen, to, Beyond::Scales), Carried::new(from, seen, to, Beyond::Stays));
    let figure = |quantity: &Quantity| (*quantity, scales.of(*quantity).and_then(|s| Span::new(s, stays.of(*quantity)?)));
    Projected { fit, figures: Quantity::ALL.iter().map(figure).collect(), notes }
}

/// What becomes of the time beyond the roofline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Scales,
    Stays,
}

impl Beyond {
    /// A time that was seen, on another machine; `what` names it.
    fn carry(self, seen_s: f64, roof_from_s: f64, roof_to_s: f64, what: &str) -> Result<f64, Missing> {
        if seen_s < roof_from_s {
            return Err(Missing::because(format!(
                "its {what} of {:.2} ms is below the {:.2} ms that its own machine's roofline allows: what is known of the work or the machine is wrong",
                seen_s * 1e3,
                roof_from_s * 1e3
            )));
        }
        Ok(match self {
            Self::Scales => seen_s * roof_to_s / roof_from_s,
            Self::Stays => seen_s - roof_from_s + roof_to_s,
        })
    }
}

/// All quantities in one of the two ways.
struct Carried {
    ttft_s: Result<f64, Missing>,
    itl_s: Result<f64, Missing>,
    tokens_per_s: Result<f64, Missing>,
    power_w: Result<f64, Missing>,
}

impl Carried {
    fn new(from: (&Machine, &Work), seen: &Seen, to: (&Machine, &Work), beyond: Beyond) -> Self {
        let itl_s = (|| {
            let seen = seen.itl_ms.clone()? / 1e3;
            beyond.carry(seen, from.1.step_s(from.0)?, to.1.step_s(to.0)?, "time between tokens")
        })();
        let ttft_s = (|| {
            let seen = seen.ttft_ms.clone()? / 1e3;
            beyond.carry(seen, from.1.prefill_s(from.0)?, to.1.prefill_s(to.0)?, "time to the first token")
        })();
        let tokens_per_s = itl_s.clone().and_then(|itl| rate(from.1, seen, to.1, itl, ttft_s.clone().ok()));
        let power_w = itl_s.clone().and_then(|itl| power(from, seen, to, itl));
        Self { ttft_s, itl_s, tokens_per_s, power_w }
    }

    fn of(&self, quantity: Quantity) -> Result<f64, Missing> {
        match quantity {
            Quantity::TtftMs => self.ttft_s.clone().map(|s| s * 1e3),
            Quantity::ItlMs => self.itl_s.clone().map(|s| s * 1e3),
            Quantity::TokensPerS => self.tokens_per_s.clone(),
            Quantity::PowerW => self.power_w.clone(),
            Quantity::JoulesPerToken => Ok(self.power_w.clone()? / self.tokens_per_s.clone()?),
        }
    }
}

/// Output tokens a second: those of `streams` answers in the time of one, times how far the record's own rate was from that. Without times to
/// the first token the answers are all decode.
fn rate(from: &Work, seen: &Seen, to: &Work, itl_s: f64, ttft_s: Option<f64>) -> Result<f64, Missing> {
    let closed = |work: &Work, itl: f64, ttft: Option<f64>| {
        let answer = ttft.map_or(work.output_tokens * itl, |ttft| ttft + (work.output_tokens - 1.0).max(0.0) * itl);
        work.streams * work.output_tokens / answer
    };
    let (measured, itl) = (seen.tokens_per_s.clone()?, seen.itl_ms.clone()? / 1e3);
    // Both with the time to the first token, or both without.
    let ttft = seen.ttft_ms.clone().ok().map(|ms| ms / 1e3).filter(|_| ttft_s.is_some());
    Ok(closed(to, itl_s, ttft_s) * measured / closed(from, itl, ttft))
}

/// Power: between rest and limit as far up as on the record's machine, times how much more of its time the roofline takes.
fn power(from: (&Machine, &Work), seen: &Seen, to: (&Machine, &Work), itl_s: f64) -> Result<f64, Missing> {
    let (measured, (idle, peak)) = (seen.of(Quantity::PowerW)?, from.0.power_w()?);
    if measured < idle || measured > peak {
        return Err(Missing::because(format!(
            "its power of {measured:.0} W is not within the {idle:.0} to {peak:.0} W of {}",
            from.0.name()
        )));
    }
    let busy = |work: &Work, machine: &Machine, itl: f64| Ok::<_, Missing>(work.step_s(machine)? / itl);
    let busier = busy(to.1, to.0, itl_s)? / busy(from.1, from.0, seen.itl_ms.clone()? / 1e3)?;
    let utilised = ((measured - idle) / (peak - idle) * busier).min(1.0);
    let (idle, peak) = to.0.power_w()?;
    Ok(idle + utilised * (peak - idle))
}

fn notes(from: (&Machine, &Work), to: (&Machine, &Work)) -> Vec<String> {
    let mut notes = Vec::new();
    if from.1.kv_bytes_per_token.is_none() {
        notes.push("the size of the KV cache is not told: its traffic and its room are not counted".to_owned());
    }
    for machine in [from.0, to.0] {
        if let Err(why) = machine.flop_s() {
            notes.push(format!("{why}: its decode is taken as bound by memory"));
        }
        let told = [&machine.device.memory_gb, &machine.device.bandwidth_gb_s, &machine.device.tflops, &machine.device.idle_w];
        for (fact, what) in told.into_iter().zip(["memory", "bandwidth", "arithmetic", "idle power"]) {
            if let Some(note) = fact.as_ref().and_then(|fact| fact.note.as_ref()) {
                notes.push(format!("{what} of {}: {note}", machine.device.name));
            }
        }
    }
    if to.0.count > 1 {
        notes.push(format!("{}: shared evenly, and what they say to each other costs nothing", to.0.name()));
    }
    notes.dedup();
    notes
}

#[cfg(test)]
mod tests {
    use super::{super::Devices, *};

    const TOY: &str = r#"
        [sources]
        toy = { title = "round figures", date = "2026-01-01" }
        [[devices]]
        name = "Big"
        memory_gb = { value = 80, source = "toy" }
        bandwidth_gb_s = { value = 1000, source = "toy" }
        tflops = { value = 100, source = "toy" }
        idle_w = { value = 100, source = "toy" }
        peak_w = { value = 500, source = "toy" }
        [[devices]]
        name = "Small"
        memory_gb = { value = 4, source = "toy" }
        bandwidth_gb_s = { value = 100, source = "toy" }
        tflops = { value = 10, source = "toy" }
        idle_w = { value = 20, source = "toy" }
        peak_w = { value = 60, source = "toy" }
        [[devices]]
        name = "Dark"
        bandwidth_gb_s = { value = 100, source = "toy" }
    "#;

    fn machine(name: &str) -> Machine {
        Devices::read(TOY, "toy").unwrap().machine(name).unwrap()
    }

    /// 10⁹ parameters in 2·10⁹ bytes, no cache: a step takes 2 ms on Big and 20 ms on Small, a prefill of 100 tokens 2 ms and 20 ms.
    fn work() -> Work {
        Work {
            streams: 1.0,
            prompt_tokens: Some(100.0),
            output_tokens: 101.0,
            weights_bytes: 2e9,
            parameters: Some(1e9),
            kv_bytes_per_token: Some(0.0),
        }
    }

    /// 10 ms to the first token and 8 ms a token: an answer takes 810 ms, so 124.69 tokens/s; seen are 4/5 of that, at 200 W.
    fn seen() -> Seen {
        let rate = 0.8 * 101.0 / 0.81;
        Seen { ttft_ms: Ok(10.0), itl_ms: Ok(8.0), tokens_per_s: Ok(rate), joules_per_token: Ok(200.0 / rate) }
    }

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-9 * want.abs(), "{got} {want}");
    }

    #[test]
    fn every_figure_by_hand() {
        let projected = project((&machine("Big"), &work()), &seen(), (&machine("Small"), &work()));
        let of = |quantity| projected.of(quantity).unwrap();
        // A fourth of the bandwidth was used: 20 ms · 4; or 6 ms beyond the roofline: 20 + 6.
        let itl = of(Quantity::ItlMs);
        near(itl.scales, 80.0);
        near(itl.stays, 26.0);
        near(itl.value, (80.0_f64 * 26.0).sqrt());
        // A fifth of the arithmetic: 20 ms · 5; or 8 ms beyond it.
        let ttft = of(Quantity::TtftMs);
        near(ttft.scales, 100.0);
        near(ttft.stays, 28.0);
        // 101 tokens in 0.1 + 100 · 0.08 s and in 0.028 + 100 · 0.026 s, times 0.8.
        let rate = of(Quantity::TokensPerS);
        near(rate.scales, 0.8 * 101.0 / 8.1);
        near(rate.stays, 0.8 * 101.0 / 2.628);
        // A quarter of the way from 100 to 500 W: 20 + 40 / 4; the roofline's share of a step goes from 2/8 to 20/26.
        let power = of(Quantity::PowerW);
        near(power.scales, 30.0);
        near(power.stays, 20.0 + 40.0 * 0.25 * (20.0 / 26.0) / 0.25);
        let energy = of(Quantity::JoulesPerToken);
        near(energy.scales, power.scales / rate.scales);
        near(energy.stays, power.stays / rate.stays);
        assert!(itl.holds(26.1) && itl.holds(79.9) && !itl.holds(25.9) && !itl.holds(80.1));
    }

    #[test]
    fn to_the_same_machine_it_is_what_was_seen() {
        let projected = project((&machine("Big"), &work()), &seen(), (&machine("Big"), &work()));
        for quantity in Quantity::ALL {
            let span = projected.of(*quantity).unwrap();
            let seen = seen().of(*quantity).unwrap();
            near(span.value, seen);
            near(span.scales, seen);
            near(span.stays, seen);
        }
        assert!(projected.notes.is_empty(), "{:?}", projected.notes);
    }

    #[test]
    fn what_does_not_fit_has_no_figures() {
        let large = Work { weights_bytes: 3e9, kv_bytes_per_token: Some(1e6), streams: 6.0, ..work() };
        // 3 GB and 6 · 201 · 10⁶ bytes.
        let projected = project((&machine("Big"), &large), &seen(), (&machine("Small"), &large));
        assert_eq!(projected.fit.fits(), Some(false));
        let why = projected.of(Quantity::ItlMs).unwrap_err().to_string();
        assert_eq!(why, "does not fit: 4.2 GB of weights and KV cache, and Small has 4 GB");
        let two = project((&machine("Big"), &large), &seen(), (&machine("2xSmall"), &large));
        assert!(two.fit.fits() == Some(true) && two.of(Quantity::ItlMs).is_ok());
        assert!(two.notes.iter().any(|note| note.contains("shared evenly")), "{:?}", two.notes);
    }

    #[test]
    fn what_is_not_known_of_the_device_is_missing_and_the_rest_is_not() {
        let projected = project((&machine("Big"), &work()), &seen(), (&machine("Dark"), &work()));
        near(projected.of(Quantity::ItlMs).unwrap().scales, 80.0);
        let missing = |quantity| projected.of(quantity).unwrap_err().to_string();
        assert!(missing(Quantity::TtftMs).contains("no source gives the peak arithmetic of Dark"));
        assert!(missing(Quantity::PowerW).contains("no source gives the idle power of Dark"));
        assert!(missing(Quantity::JoulesPerToken).contains("idle power"));
        // All decode: 0.8 · 101 tokens in 8.1 s of the record's 0.81 · 0.8 …: the record's rate over its own, times 1 / 80 ms.
        let rate = projected.of(Quantity::TokensPerS).unwrap();
        near(rate.scales, (1.0 / 0.08) * (0.8 * 101.0 / 0.81) / (1.0 / 0.008));
        assert_eq!(projected.fit.fits(), None);
        assert!(projected.notes.iter().any(|note| note.contains("bound by memory")), "{:?}", projected.notes);
    }

    #[test]
    fn a_record_below_its_own_roofline_is_not_believed() {
        let too_fast = Seen { itl_ms: Ok(1.0), ..seen() };
        let projected = project((&machine("Big"), &work()), &too_fast, (&machine("Small"), &work()));
        assert!(projected.of(Quantity::ItlMs).unwrap_err().to_string().contains("below the 2.00 ms"));
        let too_hot = Seen { joules_per_token: Ok(100.0), ..seen() };
        let projected = project((&machine("Big"), &work()), &too_hot, (&machine("Small"), &work()));
        assert!(projected.of(Quantity::PowerW).unwrap_err().to_string().contains("is not within the 100 to 500 W of Big"));
        assert!(projected.of(Quantity::TokensPerS).is_ok());
    }

    #[test]
    fn power_never_passes_the_limit() {
        let busy = Seen { joules_per_token: Ok(450.0 / seen().tokens_per_s.unwrap()), ..seen() };
        let projected = project((&machine("Big"), &work()), &busy, (&machine("Small"), &work()));
        near(projected.of(Quantity::PowerW).unwrap().stays, 60.0);
    }
}
