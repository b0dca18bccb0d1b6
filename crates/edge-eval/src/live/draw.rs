//! The dashboard drawn: one frame from what is known. Colour is never the only bearer.

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Modifier, Style},
    text::Line,
    widgets::{Block, Gauge, Paragraph},
};
use units::Nanos;

use super::view::View;

/// Draws a frame.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, now: Nanos) {
    let counts = view.counts();
    let stages = u16::try_from(counts.len()).unwrap_or(u16::MAX);
    let areas = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(3),
        Constraint::Length(5),
        Constraint::Length(stages.saturating_add(2)),
        Constraint::Min(3),
    ])
    .split(frame.area());
    let (over, all) = view.over();
    let (cells, all_cells) = view.cells();
    let share = if all == 0 { 0.0 } else { over as f64 / all as f64 };
    let label = format!("{over} of {all} stages, {cells} of {all_cells} cells");
    let title = format!(" edge-eval run · {} ", clean(&view.name));
    frame.render_widget(Gauge::default().block(Block::bordered().title(title)).ratio(share.clamp(0.0, 1.0)).label(label), areas[0]);
    frame.render_widget(Paragraph::new(doing(view, now)).block(Block::bordered().title(" now ")), areas[1]);
    frame.render_widget(Paragraph::new(figures(view, now)).block(Block::bordered().title(" last measured, and so far ")), areas[2]);
    let rows: Vec<Line<'_>> = counts
        .iter()
        .map(|count| {
            let failed = if count.failed > 0 { format!(", {} failed or skipped", count.failed) } else { String::new() };
            Line::from(format!("{:<11}{:>4} of {:<4}{failed}", count.kind, count.finished, count.all))
        })
        .collect();
    frame.render_widget(Paragraph::new(rows).block(Block::bordered().title(" stages ")), areas[3]);
    let room = usize::from(areas[4].height.saturating_sub(2));
    let lines = view.lines();
    let last: Vec<Line<'_>> = lines[lines.len().saturating_sub(room)..].iter().map(|line| styled(&clean(line))).collect();
    frame.render_widget(Paragraph::new(last).block(Block::bordered().title(" log ")), areas[4]);
}

fn doing(view: &View, now: Nanos) -> String {
    view.doing.as_ref().map_or_else(
        || "between stages".to_owned(),
        |doing| {
            let phase = if doing.phase.is_empty() { String::new() } else { format!(" · {}", clean(&doing.phase)) };
            format!("{}{phase} · {}", clean(&doing.what), time(now.since(doing.since).get()))
        },
    )
}

fn figures(view: &View, now: Nanos) -> Vec<Line<'static>> {
    let power = view.power.map_or_else(|| "-".to_owned(), |(watts, source)| format!("{watts:.1} W ({source})"));
    let tokens = view.tokens.as_ref().map_or_else(|| "-".to_owned(), |(rate, of)| format!("{rate:.0} tokens/s ({})", clean(of)));
    let left = view.left_s(now).map_or_else(|| "not known yet".to_owned(), time);
    let (cost, whole) = view.cost_usd();
    let of = if whole { "" } else { " (energy alone: the machine's time has no price)" };
    vec![
        Line::from(format!("power {power}   throughput {tokens}")),
        Line::from(format!("elapsed {}   left {left}", time(view.elapsed_s(now)))),
        Line::from(format!("energy {:.0} J   cost {cost:.4} USD{of}", view.energy_j())),
    ]
}

/// Failures stand out by weight too.
fn styled(line: &str) -> Line<'static> {
    let strong = line.contains("failed after") || line.starts_with("warning:");
    let style = if strong { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    Line::styled(line.to_owned(), style)
}

/// `1 h 02 min`, `3 min 05 s`, `12 s`.
fn time(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// Text from elsewhere without control characters, which a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use campaign::Event;
    use plan::StageKind;
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::live::view::tests::{at, record, view};

    fn drawn(view: &View, now: Nanos, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view, now)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn before_anything_ran() {
        let text = drawn(&view(), at(5), 78, 24);
        for want in [
            " edge-eval run · mine ",
            "0 of 5 stages, 0 of 2 cells",
            "between stages",
            "power -   throughput -",
            "elapsed 5 s   left not known yet",
        ] {
            assert!(text.contains(want), "{want} is not in\n{text}");
        }
    }

    #[test]
    fn in_the_middle() {
        let mut view = view();
        view.take(&Event::Ended { record: &record(StageKind::Adapt, "rag", 100.0, 5000.0) }, at(100));
        view.take(&Event::Ended { record: &record(StageKind::Serve, "rag · lora-fp16 · run 1", 20.0, 400.0) }, at(120));
        view.take(&Event::Started { kind: StageKind::Serve, label: "rag · lora-fp16 · run 2" }, at(120));
        view.take(&Event::Warning { text: "a \u{1b}[31m warning" }, at(120));
        let text = drawn(&view, at(190), 78, 24);
        for want in [
            "2 of 5 stages, 0 of 2 cells",
            "serve rag · lora-fp16 · run 2 · 1 min 10 s",
            "power 20.0 W (modelled)   throughput -",
            "elapsed 3 min 10 s   left 0 s",
            "energy 5400 J   cost 0.1205 USD",
            "serve         1 of 4",
            "warning: a  [31m warning",
        ] {
            assert!(text.contains(want), "{want} is not in\n{text}");
        }
    }

    #[test]
    fn no_window_is_too_small() {
        for (width, height) in [(1, 1), (10, 3), (20, 8), (200, 60)] {
            drawn(&view(), at(1), width, height);
        }
    }

    #[test]
    fn times_are_read_at_a_glance() {
        assert_eq!([0.4, 65.0, 3725.0, 90_000.0].map(time), ["0 s", "1 min 05 s", "1 h 02 min", "25 h 00 min"]);
    }
}
