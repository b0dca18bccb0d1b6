//! Whether the programs are here that a plan puts in the place of our stages. Nothing is started.

use std::path::PathBuf;

use plan::{CommandSpec, Plan};

use crate::{
    bind::Places,
    engine::find,
    error::{Error, Result},
};

/// Why commands of a plan could not be started on this machine, without starting them.
pub fn missing_commands(plan: &Plan, places: &Places) -> Vec<Error> {
    let mut commands: Vec<&CommandSpec> = plan.adapt.command.iter().collect();
    for command in plan.engines.iter().filter_map(plan::EngineSpec::command) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands.into_iter().filter_map(|command| program(command, places).err()).collect()
}

/// The executable that a command's first word means.
///
/// # Errors
/// [`Error::NoProgram`].
pub(crate) fn program(command: &CommandSpec, places: &Places) -> Result<PathBuf> {
    let values = [("plan", command.plan_folder()), ("edge_eval", places.program.display().to_string())];
    let word = command.words(&values).into_iter().next().unwrap_or_default();
    find(word.as_ref(), &places.search_path).ok_or(Error::NoProgram { program: word.into(), command: command.run.join(" ") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use plan::Gives;

    use super::*;

    fn missing(run: &[&str]) -> Option<String> {
        let run = run.iter().map(|word| (*word).to_owned()).collect();
        let command = CommandSpec { run, environment: BTreeMap::new(), gives: Gives::Folder, folder: "/bin".into() };
        let places = Places {
            program: "/bin/sh".into(),
            builtin: PathBuf::new(),
            hub: hub::Hub { cache: PathBuf::new(), online: false, endpoint: None, token: None },
            search_path: vec!["/bin".into()],
            secret: |_| None,
            certificate: None,
        };
        program(&command, &places).err().map(|error| error.to_string())
    }

    #[test]
    fn a_program_is_found_by_name_by_path_and_beside_the_plan() {
        assert_eq!(missing(&["sh", "{out}"]), None);
        assert_eq!(missing(&["{plan}/sh", "{out}"]), None);
        assert_eq!(missing(&["{edge_eval}", "{out}"]), None);
        assert_eq!(
            missing(&["no-such-quantiser", "{out}"]).unwrap(),
            "the program no-such-quantiser is not installed, which the plan's command `no-such-quantiser {out}` starts"
        );
    }
}
