//! The requests of one speed window, put again in greater number where the window would be too short for the meter. Who is asked, and what is
//! made of the answers, is not known here.

use load::Prompt;
use plan::LoadSpec;
use score::Item;
use units::Seconds;

use crate::{error::Result, items::prompt};

/// Waves of requests that a further level of concurrency has at least: a closed loop of c streams begins with c requests at once and ends with
/// ever fewer, and only what lies between is at its level.
const WAVES: u32 = 4;

/// How much is put at a level of concurrency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) concurrency: u32,
    pub(super) warmup: u32,
    pub(super) requests: u32,
    output_tokens: u32,
}

impl Wanted {
    /// The plan's own level: as the plan has it.
    pub(super) fn own(spec: &LoadSpec) -> Self {
        Self { concurrency: spec.concurrency, warmup: spec.warmup, requests: spec.requests, output_tokens: spec.output_tokens }
    }

    /// A further level: at least [`WAVES`] requests a stream, and where the plan warms up at all, one on each stream.
    pub(super) fn level(spec: &LoadSpec, concurrency: u32) -> Self {
        let warmup = if spec.warmup == 0 { 0 } else { spec.warmup.max(concurrency) };
        Self { concurrency, warmup, requests: spec.requests.max(concurrency.saturating_mul(WAVES)), ..Self::own(spec) }
    }

    fn all(&self) -> usize {
        self.warmup as usize + self.requests as usize
    }
}

/// Prompts that this server has not seen, as long as there are items.
pub(super) struct Fresh<'a> {
    items: &'a [Item],
    /// The first item of this run: every run begins where the one before it ended.
    from: usize,
    /// Prompts that the run has put already.
    asked: usize,
}

impl<'a> Fresh<'a> {
    /// For run `number`, from 0.
    pub(super) fn of_run(items: &'a [Item], spec: &LoadSpec, number: u32) -> Self {
        let further: usize = spec.sweep.iter().map(|&level| Wanted::level(spec, level).all()).sum();
        Self { items, from: number as usize * (Wanted::own(spec).all() + further), asked: 0 }
    }

    fn prompts(&mut self, n: usize, max_tokens: u32) -> Vec<Prompt> {
        let first = self.from + self.asked;
        self.asked += n;
        (first..first + n).map(|i| prompt(&self.items[i % self.items.len()], max_tokens)).collect()
    }

    /// An item was asked more than once.
    fn repeats(&self) -> bool {
        self.asked > self.items.len()
    }
}

/// What is put at once.
pub(super) struct Work {
    pub(super) warmup: Vec<Prompt>,
    pub(super) prompts: Vec<Prompt>,
}

/// How a window came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// How many times the wanted number of requests were put.
    pub(super) repeats: u32,
    /// An item was asked more than once by the run so far.
    pub(super) prompts_repeat: bool,
}

/// How far beyond the least a repeated window aims: requests do not all take the same time.
const MARGIN: f64 = 1.2;
/// Attempts at a window that is long enough.
const MOST_ATTEMPTS: usize = 3;
/// Most requests of a window that was made longer.
const MOST_REQUESTS: u32 = 1_000_000;

/// Asks, and asks again with more work, until the window lasts `least`. What was asked before is a longer warm-up of the last attempt.
pub(super) fn long_enough(
    wanted: &Wanted,
    fresh: &mut Fresh<'_>,
    least: Seconds,
    mut ask: impl FnMut(Work) -> Result<load::Run>,
) -> Result<(load::Run, Made)> {
    let mut made = Made { repeats: 1, prompts_repeat: false };
    let mut warmup = fresh.prompts(wanted.warmup as usize, wanted.output_tokens);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let prompts = fresh.prompts(wanted.requests as usize * made.repeats as usize, wanted.output_tokens);
        made.prompts_repeat = fresh.repeats();
        let run = ask(Work { warmup: std::mem::take(&mut warmup), prompts })?;
        let length = run.window.1.since(run.window.0);
        if length >= least || attempts == MOST_ATTEMPTS {
            return Ok((run, made));
        }
        made.repeats = more(made.repeats, length, least, wanted.requests);
    }
}

/// How many times the plan's requests will last `least`, when `repeats` times lasted `length`.
fn more(repeats: u32, length: Seconds, least: Seconds, requests: u32) -> u32 {
    let factor = (least * MARGIN) / Seconds(length.get().max(1e-3));
    let wanted = (f64::from(repeats) * factor).ceil().min(f64::from(MOST_REQUESTS / requests.max(1)));
    (wanted as u32).max(repeats + 1)
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;

    fn items(n: u32) -> Vec<Item> {
        (0..n).map(|i| Item { id: i.to_string(), messages: Vec::new(), references: vec!["x".to_owned()], cut: 0 }).collect()
    }

    fn spec(sweep: &[u32]) -> LoadSpec {
        LoadSpec { concurrency: 1, sweep: sweep.to_vec(), requests: 8, warmup: 2, output_tokens: 4, timeout_s: 1.0 }
    }

    /// A server that takes so long for each request; what it was asked, warm-up and window, by item.
    fn ask(each_ms: u64, asked: &mut Vec<(Vec<String>, Vec<String>)>) -> impl FnMut(Work) -> Result<load::Run> {
        let ids = |prompts: &[Prompt]| prompts.iter().map(|prompt| prompt.item.clone()).collect::<Vec<_>>();
        move |work| {
            assert!(work.prompts.iter().all(|prompt| prompt.max_tokens == 4));
            asked.push((ids(&work.warmup), ids(&work.prompts)));
            Ok(load::Run { window: (Nanos(0), Nanos(work.prompts.len() as u64 * each_ms * 1_000_000)), ..load::Run::default() })
        }
    }

    #[test]
    fn runs_and_levels_do_not_repeat_prompts_while_there_are_items_enough() {
        let (items, spec) = (items(80), spec(&[4]));
        let (mut seen, mut asked) = (Vec::new(), Vec::new());
        for number in 0..2 {
            let mut fresh = Fresh::of_run(&items, &spec, number);
            for wanted in [Wanted::own(&spec), Wanted::level(&spec, 4)] {
                let (_, made) = long_enough(&wanted, &mut fresh, Seconds(0.0), ask(1, &mut asked)).unwrap();
                assert_eq!(made, Made { repeats: 1, prompts_repeat: false });
            }
        }
        assert_eq!(
            asked.iter().map(|(warmup, window)| (warmup.len(), window.len())).collect::<Vec<_>>(),
            [(2, 8), (4, 16), (2, 8), (4, 16)]
        );
        seen.extend(asked.into_iter().flat_map(|(warmup, window)| [warmup, window].concat()));
        assert_eq!(seen, (0..60).map(|i| i.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn prompts_repeat_when_the_items_are_all_asked() {
        let (items, spec) = (items(20), spec(&[4]));
        let (mut fresh, mut asked) = (Fresh::of_run(&items, &spec, 0), Vec::new());
        let mut repeat = |wanted: &Wanted| long_enough(wanted, &mut fresh, Seconds(0.0), ask(1, &mut asked)).unwrap().1.prompts_repeat;
        assert_eq!((repeat(&Wanted::own(&spec)), repeat(&Wanted::level(&spec, 4))), (false, true));
    }

    #[test]
    fn a_level_has_several_waves_and_warms_every_stream() {
        let level = |concurrency| Wanted::level(&spec(&[]), concurrency);
        assert_eq!((level(2).requests, level(2).warmup), (8, 2));
        assert_eq!((level(16).requests, level(16).warmup), (64, 16));
        assert_eq!(Wanted::level(&LoadSpec { warmup: 0, ..spec(&[]) }, 16).warmup, 0);
        assert_eq!(level(u32::MAX).requests, u32::MAX);
    }

    #[test]
    fn a_short_window_repeats_its_work_until_a_sensor_can_tell_it() {
        let (items, spec) = (items(20), spec(&[]));
        let run = |each_ms, least| {
            let mut asked = Vec::new();
            let mut fresh = Fresh::of_run(&items, &spec, 0);
            let (run, made) = long_enough(&Wanted::own(&spec), &mut fresh, Seconds(least), ask(each_ms, &mut asked)).unwrap();
            let asked: Vec<_> = asked.iter().map(|(warmup, window)| (warmup.len(), window.len())).collect();
            (asked, run.window.1.since(run.window.0), made.repeats)
        };
        assert_eq!(run(100, 0.0), (vec![(2, 8)], Seconds(0.8), 1));
        assert_eq!(run(1000, 5.0), (vec![(2, 8)], Seconds(8.0), 1));
        // 0.8 s: eight times as much lasts 6 s with the margin.
        assert_eq!(run(100, 5.0), (vec![(2, 8), (0, 64)], Seconds(6.4), 8));
        let (asked, _, repeats) = run(0, 5.0);
        assert!(asked.len() == MOST_ATTEMPTS && repeats <= MOST_REQUESTS / 8, "{asked:?}");
    }
}
