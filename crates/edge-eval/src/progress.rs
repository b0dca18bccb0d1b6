//! Progress on stderr: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet.

use std::{
    cell::RefCell,
    io::{IsTerminal, Write},
    time::Duration,
};

use campaign::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use record::Outcome;

/// How often a bar is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(250);

/// A bar over so many steps; hidden when quiet or when stderr is no terminal. It is drawn by a thread of its own: who counts a step, the
/// load client on its timed path among them, only adds to a number.
pub(crate) fn bar(length: u64, what: &str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}, {eta} left").unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style).with_message(what.to_owned());
    if !bar.is_hidden() {
        bar.enable_steady_tick(DRAWN_EVERY);
    }
    bar
}

/// Tells a campaign as it goes.
pub(crate) struct Campaign {
    quiet: bool,
    terminal: bool,
    bar: RefCell<Option<ProgressBar>>,
}

impl Campaign {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), bar: RefCell::new(None) }
    }

    fn line(&self, text: &str) {
        match &*self.bar.borrow() {
            Some(bar) if self.terminal => bar.println(text),
            // Talk that cannot be written is not worth stopping for.
            _ => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    fn message(&self, text: String) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.set_message(text);
        }
    }

    fn step(&self) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.inc(1);
        }
    }
}

/// An event as plain lines; none where it is of the moment alone.
pub(crate) fn told(event: &Event<'_>) -> Vec<String> {
    match event {
        Event::Planned { stages, finished } => vec![format!("{stages} stages, {finished} of them finished")],
        Event::Proven { certificate } => vec![certificate.headline()],
        Event::Ended { record } => ended(record),
        Event::Skipped { kind, label, reason } => vec![format!("{:<11}{label}  skipped: {reason}", kind.name())],
        Event::Warning { text } => vec![format!("warning: {text}")],
        Event::Proving { .. } | Event::Reused { .. } | Event::Started { .. } | Event::Marked { .. } => Vec::new(),
    }
}

fn ended(record: &record::StageRecord) -> Vec<String> {
    let seconds = record.duration.get();
    match &record.outcome {
        Outcome::Done => vec![format!("{:<11}{}  {seconds:.1} s{}", record.kind.name(), record.label, figures(record))],
        Outcome::Failed { reason, last_lines, .. } => {
            let first = format!("{:<11}{}  failed after {seconds:.1} s: {reason}", record.kind.name(), record.label);
            std::iter::once(first).chain(last_lines.iter().map(|line| format!("             | {line}"))).collect()
        }
    }
}

/// How far a stage that counts its steps is: `step 3/10 loss 1.234`.
pub(crate) fn step(phase: &record::Phase) -> Option<String> {
    let (step, steps) = (phase.facts.get("step")?, phase.facts.get("steps")?);
    let loss = phase.facts.get("loss").and_then(serde_json::Value::as_f64).map_or_else(String::new, |l| format!(" loss {l:.3}"));
    Some(format!("step {step}/{steps}{loss}"))
}

impl Observer for Campaign {
    fn on(&self, event: Event<'_>) {
        if self.quiet {
            return;
        }
        for line in told(&event) {
            self.line(&line);
        }
        match &event {
            Event::Planned { stages, .. } => *self.bar.borrow_mut() = Some(bar(*stages as u64, "", false)),
            Event::Proving { what } => self.message(format!("proving the load client: {what}")),
            Event::Reused { .. } | Event::Ended { .. } | Event::Skipped { .. } => self.step(),
            Event::Started { kind, label } => self.message(format!("{} {label}", kind.name())),
            Event::Marked { phase } => {
                if let Some(step) = step(phase) {
                    self.message(step);
                }
            }
            Event::Proven { .. } | Event::Warning { .. } => {}
        }
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

/// The likelihoods of reference answers at a glance, or why there are none.
fn likelihoods(facts: &record::PerplexityFacts) -> Vec<String> {
    match facts.items.known().and_then(|items| metric::likelihoods(items)) {
        Ok(seen) => {
            let beside = seen.beside.map(|beside| format!("KL {:.2e} nats", beside.kl.value));
            std::iter::once(format!("perplexity {:.3}", seen.perplexity.value)).chain(beside).collect()
        }
        Err(why) => vec![why.to_string()],
    }
}

/// What a stage's record tells at a glance.
fn figures(record: &record::StageRecord) -> String {
    let mut words = Vec::new();
    match &record.detail {
        record::Detail::Adapt(facts) => {
            words.push(format!("{} steps, loss {:.2} to {:.2}", facts.steps, facts.first_loss, facts.last_loss));
        }
        record::Detail::Compress(facts) => words.push(format!("{} {:.1} MB", facts.format, facts.weight_bytes.get() as f64 / 1e6)),
        record::Detail::Command(facts) => {
            let bytes: u64 = facts.outputs.values().map(|bytes| bytes.get()).sum();
            words.push(format!("{} {:.1} MB", facts.gives.name(), bytes as f64 / 1e6));
        }
        record::Detail::Rate(facts) => words.push(format!("{} answers by {}", facts.items.len(), facts.by)),
        record::Detail::Perplexity(facts) => words.extend(likelihoods(facts)),
        record::Detail::Serve(_) | record::Detail::Quality(_) | record::Detail::Nothing => {}
    }
    if let Some(window) = record.energy.first()
        && let (Ok(energy), Some(source)) = (window.gross.known(), window.source)
    {
        words.push(format!("{:.1} J ({})", energy.get(), source.label()));
    }
    if words.is_empty() { String::new() } else { format!("  {}", words.join(", ")) }
}
