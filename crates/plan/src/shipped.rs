//! The plans that ship with edge-eval, as text.

/// The commented plan that `edge-eval init` writes: every key with its meaning, runnable as it stands.
pub fn template() -> &'static str {
    include_str!("template.toml")
}

/// The plan that `edge-eval run` takes when none is named: the built-in model and tasks.
pub fn quickstart() -> &'static str {
    include_str!("../../../plans/quickstart.toml")
}

/// The paper's grid: 2 families x 3 tiers x 3 tasks x 4 strategies.
pub fn paper_72() -> &'static str {
    include_str!("../../../plans/paper-72.toml")
}
