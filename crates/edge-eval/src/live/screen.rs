//! The terminal: taken and given back. Its lines from before are there again afterwards.

use std::io::{IsTerminal, Stderr};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor, execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen},
    },
};
use units::Nanos;

use super::{draw, view::View};

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
}

impl Screen {
    /// Takes the terminal behind stderr; `None` where there is none. Keys are not read, so Ctrl-C stays what it is.
    pub(super) fn take() -> Option<Self> {
        if !std::io::stderr().is_terminal() || !std::io::stdout().is_terminal() {
            return None;
        }
        execute!(std::io::stderr(), EnterAlternateScreen, cursor::Hide).ok()?;
        let terminal = Terminal::new(CrosstermBackend::new(std::io::stderr()));
        if terminal.is_err() {
            give_back();
        }
        terminal.ok().map(|terminal| Self { terminal })
    }

    /// Draws what is known. A terminal that cannot be written is not worth stopping for.
    pub(super) fn draw(&mut self, view: &View, now: Nanos) {
        drop(self.terminal.draw(|frame| draw::draw(frame, view, now)));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    drop(execute!(std::io::stderr(), LeaveAlternateScreen, cursor::Show));
}
