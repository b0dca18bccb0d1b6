//! The `QLoRA` question: what energy one adaptation takes beside another, how much of that is time and how much is power, and whether the
//! two differ in their method alone. Adaptations that differ in anything else say nothing of the method, whatever the ratio.

mod facts;

use stats::Estimate;
use units::{Joules, Missing, Reading, Seconds};

use crate::interval::{composite, mean_at};

pub use facts::of_cell;

/// One adaptation, as far as it is known: a record of ours or a row of another's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptation {
    /// For people.
    pub label: String,
    /// Model and task: what must be the same for a comparison to mean anything at all.
    pub subject: String,
    /// `lora` or `qlora`: the one thing that is meant to differ.
    pub method: String,
    /// Gross energy of the whole adaptation.
    pub energy: Reading<Joules>,
    /// Its wall time.
    pub time: Reading<Seconds>,
    /// Tokens processed, padding left out.
    pub tokens: Reading<u64>,
    /// Everything else that decides energy: what must be the same in a controlled comparison.
    pub settings: Settings,
}

/// What decides an adaptation's energy beside its method.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Number format of the arithmetic.
    pub dtype: Reading<String>,
    /// GPUs that took part; 0 on a processor.
    pub gpus: Reading<u64>,
    /// Sequences a step on a device.
    pub batch: Reading<u64>,
    /// Steps whose gradients are added before an update.
    pub accumulation: Reading<u64>,
    /// Rows of the corpus.
    pub rows: Reading<u64>,
    /// Whether activations are recomputed.
    pub checkpointing: Reading<bool>,
    /// Longest sequence allowed, in tokens.
    pub max_length: Reading<u64>,
}

/// A setting that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which setting, such as `dtype`.
    pub setting: &'static str,
    /// Of the first side.
    pub first: String,
    /// Of the second side.
    pub second: String,
}

/// Whether a comparison is one of methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// All settings are known and the same.
    Controlled,
    /// These are not the same.
    Confounded(Vec<Difference>),
    /// None is known to differ, but these are not known on both sides.
    Unproven(Vec<&'static str>),
}

/// What the energies are divided by before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Tokens processed.
    Token,
    /// Rows, because tokens are not known on both sides; the rows are the same ones.
    Row,
}

/// Two adaptations of one subject, the second over the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Model and task.
    pub subject: String,
    /// What the ratios are per.
    pub per: Per,
    /// Energy, per token or row.
    pub energy: f64,
    /// Time, per token or row.
    pub time: f64,
    /// Mean power; energy is time times power.
    pub power: f64,
    /// Whether the method alone differs.
    pub control: Control,
    /// Settings that are not known on both sides.
    pub unknown: Vec<&'static str>,
}

/// Several pairs together.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// Geometric mean of the pairs' ratios of energy, with an interval from two pairs on.
    pub energy: Estimate,
    /// The same of time.
    pub time: Estimate,
    /// The same of power.
    pub power: Estimate,
    /// Controlled only where every pair is.
    pub control: Control,
}

impl Per {
    /// `token` or `row`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Row => "row",
        }
    }
}

impl Control {
    /// `controlled`, `confounded` or `unproven`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Controlled => "controlled",
            Self::Confounded(_) => "confounded",
            Self::Unproven(_) => "unproven",
        }
    }
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Controlled => f.write_str("controlled"),
            Self::Confounded(by) => {
                let by: Vec<String> = by.iter().map(ToString::to_string).collect();
                write!(f, "confounded by {}", by.join(", "))
            }
            Self::Unproven(unknown) => write!(f, "unproven: {} not told on both sides", unknown.join(", ")),
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} against {})", self.setting, self.first, self.second)
    }
}

/// Compares two adaptations: the second over the first.
///
/// # Errors
/// They are not of one model and task, or an energy, a time or both denominators are missing or not above 0.
pub fn compare(first: &Adaptation, second: &Adaptation) -> Result<Pair, Missing> {
    if first.subject != second.subject {
        return Err(Missing::because(format!("`{}` and `{}` are not the same work", first.subject, second.subject)));
    }
    let (per, work) = work(first, second)?;
    let energy = over("energy", second.energy.known()?.get(), first.energy.known()?.get())? / work;
    let time = over("time", second.time.known()?.get(), first.time.known()?.get())? / work;
    let (by, unknown) = first.settings.against(&second.settings);
    let control = match (by.is_empty(), unknown.is_empty()) {
        (false, _) => Control::Confounded(by),
        (true, true) => Control::Controlled,
        (true, false) => Control::Unproven(unknown.clone()),
    };
    Ok(Pair { subject: first.subject.clone(), per, energy, time, power: energy / time, control, unknown })
}

/// The pairs together: geometric means with t intervals of the logarithms (jackknife), or `BCa` from ten pairs on.
///
/// # Errors
/// There is no pair.
pub fn together(pairs: &[Pair], seed: u64) -> Result<Together, Missing> {
    let mean = |of: fn(&Pair) -> f64| {
        let logarithms: Vec<f64> = pairs.iter().map(|pair| of(pair).ln()).collect();
        composite(seed, &[logarithms.len()], |picks| mean_at(&logarithms, &picks[0]).exp())
    };
    if pairs.is_empty() {
        return Err(Missing::because("no pair can be compared"));
    }
    let control = pairs.iter().fold(Control::Controlled, |all, pair| all.and(&pair.control));
    Ok(Together { energy: mean(|pair| pair.energy)?, time: mean(|pair| pair.time)?, power: mean(|pair| pair.power)?, control })
}

impl Control {
    /// Of two comparisons together: the worse, with the settings of both.
    fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Confounded(mut by), Self::Confounded(more)) => {
                by.extend(more.iter().filter(|new| !by.contains(new)).cloned().collect::<Vec<_>>());
                Self::Confounded(by)
            }
            (Self::Unproven(mut settings), Self::Unproven(more)) => {
                settings.extend(more.iter().filter(|new| !settings.contains(new)).copied().collect::<Vec<_>>());
                Self::Unproven(settings)
            }
            (confounded @ Self::Confounded(_), _) | (confounded @ Self::Unproven(_), Self::Controlled) => confounded,
            (_, worse) => worse.clone(),
        }
    }
}

/// Work of the second over that of the first.
fn work(first: &Adaptation, second: &Adaptation) -> Result<(Per, f64), Missing> {
    if let (Ok(&before), Ok(&after)) = (first.tokens.known(), second.tokens.known()) {
        return Ok((Per::Token, over("tokens", after as f64, before as f64)?));
    }
    let rows = |adaptation: &Adaptation| adaptation.settings.rows.known().copied();
    Ok((Per::Row, over("rows", rows(second)? as f64, rows(first)? as f64)?))
}

fn over(what: &str, above: f64, below: f64) -> Result<f64, Missing> {
    let fits = |value: f64| value.is_finite() && value > 0.0;
    if fits(above) && fits(below) { Ok(above / below) } else { Err(Missing::because(format!("{what}: {above} over {below}"))) }
}

impl Settings {
    /// What differs, and what is not known on both sides.
    fn against(&self, other: &Self) -> (Vec<Difference>, Vec<&'static str>) {
        let mut found = (Vec::new(), Vec::new());
        compare_setting(&mut found, "dtype", &self.dtype, &other.dtype);
        compare_setting(&mut found, "GPUs", &self.gpus, &other.gpus);
        compare_setting(&mut found, "batch", &self.batch, &other.batch);
        compare_setting(&mut found, "accumulation", &self.accumulation, &other.accumulation);
        compare_setting(&mut found, "rows", &self.rows, &other.rows);
        compare_setting(&mut found, "checkpointing", &self.checkpointing, &other.checkpointing);
        compare_setting(&mut found, "sequence length", &self.max_length, &other.max_length);
        found
    }
}

fn compare_setting<T: PartialEq + ToString>(
    found: &mut (Vec<Difference>, Vec<&'static str>),
    setting: &'static str,
    first: &Reading<T>,
    second: &Reading<T>,
) {
    match (first, second) {
        (Reading::Known(first), Reading::Known(second)) if first == second => {}
        (Reading::Known(first), Reading::Known(second)) => {
            found.0.push(Difference { setting, first: first.to_string(), second: second.to_string() });
        }
        _ => found.1.push(setting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adaptation(method: &str, joules: f64, seconds: f64) -> Adaptation {
        Adaptation {
            label: method.into(),
            subject: "1B · rag".into(),
            method: method.into(),
            energy: Reading::Known(Joules(joules)),
            time: Reading::Known(Seconds(seconds)),
            tokens: Reading::Known(1000),
            settings: Settings {
                dtype: Reading::Known("bf16".into()),
                gpus: Reading::Known(1),
                batch: Reading::Known(4),
                accumulation: Reading::Known(2),
                rows: Reading::Known(100),
                checkpointing: Reading::Known(true),
                max_length: Reading::Known(1024),
            },
        }
    }

    #[test]
    fn a_controlled_pair_splits_into_time_and_power() {
        // 600 J in 10 s against 200 J in 5 s: three times the energy is twice the time at one and a half times the power.
        let pair = compare(&adaptation("lora", 200.0, 5.0), &adaptation("qlora", 600.0, 10.0)).unwrap();
        assert!((pair.energy - 3.0).abs() < 1e-12 && (pair.time - 2.0).abs() < 1e-12 && (pair.power - 1.5).abs() < 1e-12);
        assert_eq!((pair.control, pair.per), (Control::Controlled, Per::Token));
    }

    #[test]
    fn more_tokens_are_not_more_energy_for_each() {
        let second = Adaptation { tokens: Reading::Known(2000), ..adaptation("qlora", 400.0, 10.0) };
        assert!((compare(&adaptation("lora", 200.0, 5.0), &second).unwrap().energy - 1.0).abs() < 1e-12);
    }

    #[test]
    fn every_setting_that_differs_confounds() {
        let mut second = adaptation("qlora", 600.0, 10.0);
        second.settings = Settings {
            dtype: Reading::Known("fp16".into()),
            gpus: Reading::Known(2),
            batch: Reading::Known(1),
            accumulation: Reading::Known(8),
            rows: Reading::Known(50),
            checkpointing: Reading::Known(false),
            max_length: Reading::Known(512),
        };
        let pair = compare(&adaptation("lora", 200.0, 5.0), &second).unwrap();
        let Control::Confounded(by) = &pair.control else { panic!("{:?}", pair.control) };
        let names: Vec<_> = by.iter().map(|difference| difference.setting).collect();
        assert_eq!(names, ["dtype", "GPUs", "batch", "accumulation", "rows", "checkpointing", "sequence length"]);
        assert!(pair.control.to_string().starts_with("confounded by dtype (bf16 against fp16), GPUs (1 against 2)"));
    }

    #[test]
    fn what_is_not_told_is_not_proven() {
        let mut second = adaptation("qlora", 600.0, 10.0);
        second.settings.dtype = Reading::missing("not logged");
        second.tokens = Reading::missing("not logged");
        let pair = compare(&adaptation("lora", 200.0, 5.0), &second).unwrap();
        assert_eq!((pair.control.clone(), pair.per), (Control::Unproven(vec!["dtype"]), Per::Row));
        let all = together(&[pair, compare(&adaptation("lora", 1.0, 1.0), &adaptation("qlora", 3.0, 1.0)).unwrap()], 0).unwrap();
        assert_eq!(all.control.name(), "unproven");
    }

    #[test]
    fn pairs_have_a_geometric_mean_and_an_interval() {
        let pair = |ratio: f64| compare(&adaptation("lora", 100.0, 5.0), &adaptation("qlora", 100.0 * ratio, 5.0)).unwrap();
        let all = together(&[pair(2.0), pair(8.0)], 0).unwrap();
        assert!((all.energy.value - 4.0).abs() < 1e-9 && all.energy.ci95.is_some() && all.energy.n == 2);
        assert_eq!(together(&[pair(2.0)], 0).unwrap().energy.ci95, None);
        assert!(together(&[], 0).is_err());
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let other = Adaptation { subject: "3B · rag".into(), ..adaptation("qlora", 1.0, 1.0) };
        assert!(compare(&adaptation("lora", 1.0, 1.0), &other).is_err());
        let unmetered = Adaptation { energy: Reading::missing("no meter"), ..adaptation("qlora", 1.0, 1.0) };
        assert_eq!(compare(&adaptation("lora", 1.0, 1.0), &unmetered).unwrap_err().0, "no meter");
        assert!(compare(&adaptation("lora", 0.0, 1.0), &adaptation("qlora", 1.0, 1.0)).is_err());
    }
}
