//! The state of training on disk: weights and both running means, one safetensors file each (so that none is large). Every file tells
//! the number of steps done, and a state whose files do not agree is refused.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use model::{
    Compute, safetensors,
    tensor::{Device, Tensor},
};

use super::optimiser::{Optimiser, Slot};

/// A tensor of a slot.
type Part = fn(&Slot) -> Tensor;

/// What each file holds of the slots.
const FILES: [(&str, Part); 3] = [
    ("state-weights.safetensors", |slot| slot.var.as_detached_tensor()),
    ("state-first.safetensors", |slot| slot.first.clone()),
    ("state-second.safetensors", |slot| slot.second.clone()),
];

/// Key of the number of steps in every file's metadata.
const STEPS: &str = "steps";

/// A folder with a state.
pub(super) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    /// The folder is made where it is absent.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes the state after `steps` steps. Each file replaces the old one as a whole.
    pub(super) fn save(&self, optimiser: &Optimiser, steps: u64) -> Result<()> {
        let metadata = BTreeMap::from([(STEPS.to_owned(), steps.to_string())]);
        for (name, part) in FILES {
            let tensors: Vec<_> = optimiser.slots.iter().map(|slot| (slot.name.clone(), part(slot))).collect();
            let temporary = self.folder.join(format!("{name}.tmp"));
            safetensors::write(&temporary, &tensors, &metadata)?;
            fs::rename(&temporary, self.folder.join(name)).with_context(|| format!("renaming {}", temporary.display()))?;
        }
        Ok(())
    }

    /// Reads the state into the optimiser and its variables, and gives the number of steps done.
    pub(super) fn load(&self, optimiser: &mut Optimiser) -> Result<u64> {
        let [weights, first, second] = FILES.map(|(name, _)| safetensors::File::open(&self.folder.join(name)));
        let files = [weights?, first?, second?];
        let steps = files.iter().map(|file| file.metadata().get(STEPS).and_then(|steps| steps.parse::<u64>().ok()));
        let steps = steps.collect::<Option<Vec<_>>>().context("a file of the state does not tell its number of steps")?;
        if steps.iter().any(|s| *s != steps[0]) {
            bail!("the files of {} are of different steps: {steps:?}", self.folder.display());
        }
        for slot in &mut optimiser.slots {
            let read = |file: &safetensors::File| file.tensor(&slot.name, Compute::F32, &Device::Cpu);
            slot.var.set(&read(&files[0])?)?;
            (slot.first, slot.second) = (read(&files[1])?, read(&files[2])?);
        }
        Ok(steps[0])
    }
}
