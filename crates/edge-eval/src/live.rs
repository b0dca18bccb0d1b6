//! The dashboard of `edge-eval run --live`: cells, stages, what is being done, power, tokens a second, time left and cost so far. It reads no
//! meter and asks no server: power and tokens a second are those of the last window that was measured, so that looking on disturbs nothing.
//! It is drawn on stderr, at most twice a second, by a thread of its own: 9.5 ms of CPU time in 8 s on 100 × 40 letters (0.12% of a core).

mod draw;
mod screen;
mod view;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use campaign::{Bound, Event, Observer};
use record::clock;
use screen::Screen;
use view::View;

use crate::{gate::note, signals};

/// The shortest time between two drawings.
const DRAWN_EVERY: Duration = Duration::from_millis(500);
/// The exit code of a program that was interrupted (128 + SIGINT).
const INTERRUPTED: i32 = 130;

/// Shows a campaign until it is dropped.
pub(crate) struct Live {
    shared: Arc<Shared>,
    drawing: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    view: View,
    /// The terminal; gone when it was given back.
    screen: Option<Screen>,
    ended: bool,
}

impl Live {
    /// Takes the terminal. `None` where there is none to take: stdout or stderr is no terminal, or it cannot be set up.
    pub(crate) fn start(bound: &Bound) -> Option<Self> {
        let screen = Screen::take()?;
        let state = State { view: View::of(bound, clock::now()), screen: Some(screen), ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        restore_on_signals(&shared);
        let drawn = Arc::clone(&shared);
        let drawing = std::thread::Builder::new().name("live".to_owned()).spawn(move || drawn.draw_until_ended()).ok();
        Some(Self { shared, drawing })
    }
}

impl Observer for Live {
    fn on(&self, event: Event<'_>) {
        // The campaign's thread only changes what is known; drawing it is not its work.
        self.shared.state().view.take(&event, clock::now());
    }
}

impl Drop for Live {
    /// Gives the terminal back, also where a panic passes by, and tells in plain lines what a reader must have seen.
    fn drop(&mut self) {
        let told = {
            let mut state = self.shared.state();
            state.ended = true;
            state.screen = None;
            state.view.told()
        };
        self.shared.changed.notify_all();
        if let Some(drawing) = self.drawing.take() {
            drop(drawing.join());
        }
        for line in &told {
            note(line);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn draw_until_ended(&self) {
        let mut state = self.state();
        while !state.ended {
            let State { view, screen, .. } = &mut *state;
            if let Some(screen) = screen {
                screen.draw(view, clock::now());
            }
            let waited = self.changed.wait_timeout_while(state, DRAWN_EVERY, |state| !state.ended);
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

/// Ctrl-C and its kin end the program as ever, after the terminal was given back.
fn restore_on_signals(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let listen = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(signals::stopped());
        shared.state().screen = None;
        std::process::exit(INTERRUPTED);
    };
    // Without the thread a signal ends the program by itself, and the terminal is left as it was.
    drop(std::thread::Builder::new().name("signals".to_owned()).spawn(listen));
}
