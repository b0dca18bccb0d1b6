//! The recipes that ship with edge-eval: plan fragments that put trainers, quantisers and engines of others into our stages, with the scripts that
//! they start. Their files stand in `recipes/` of the repository; what each needs and what was seen of it in docs/recipes.md.

/// A recipe: a fragment of a plan, and what it starts.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Its folder in `recipes/`.
    pub(crate) name: &'static str,
    /// What it puts where, in a line.
    pub(crate) about: &'static str,
    /// Its files: name and text, the fragment first.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

macro_rules! shipped {
    ($folder:literal, $($file:literal),+) => {
        &[$(($file, include_str!(concat!("../../../recipes/", $folder, "/", $file)))),+]
    };
}

/// Every recipe.
pub(crate) static RECIPES: &[Recipe] = &[
    Recipe {
        name: "peft-lora",
        about: "[adapt]: LoRA by PEFT and TRL's SFTTrainer, with the paper's settings",
        files: shipped!("peft-lora", "peft-lora.toml", "peft_trl.py"),
    },
    Recipe {
        name: "peft-qlora",
        about: "[adapt]: LoRA and QLoRA by PEFT and TRL's SFTTrainer, the base of qlora in bitsandbytes' NF4 with double quantisation",
        files: shipped!("peft-qlora", "peft-qlora.toml", "peft_trl.py"),
    },
    Recipe {
        name: "llama-quantize",
        about: "integer weights by llama.cpp's llama-quantize: Q8_0 and Q4_K_M",
        files: shipped!("llama-quantize", "llama-quantize.toml", "llama_quantize.py"),
    },
    Recipe {
        name: "gptq",
        about: "integer weights by GPTQ through llm-compressor: W8A16 and W4A16 for vLLM",
        files: shipped!("gptq", "gptq.toml", "llm_compressor.py"),
    },
    Recipe {
        name: "awq",
        about: "integer weights by AWQ through llm-compressor: W8A16 and W4A16 for vLLM",
        files: shipped!("awq", "awq.toml", "llm_compressor.py"),
    },
    Recipe {
        name: "bitsandbytes",
        about: "vLLM quantises to 4 bits as it loads, through bitsandbytes",
        files: shipped!("bitsandbytes", "bitsandbytes.toml"),
    },
];

/// The recipe of a name, or a message that lists those that there are.
pub(crate) fn find(name: &str) -> Result<&'static Recipe, String> {
    RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
        let names: Vec<_> = RECIPES.iter().map(|recipe| recipe.name).collect();
        format!("there is none; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quickstart without the sections that a fragment brings, and the fragment.
    fn joined(fragment: &str) -> String {
        let replaced = fragment.lines().any(|line| line == "[adapt]");
        let mut kept = true;
        let mut text = String::new();
        for line in plan::quickstart().lines() {
            if line.starts_with('[') {
                kept = !(replaced && line == "[adapt]");
            }
            if kept {
                text += line;
                text.push('\n');
            }
        }
        text + fragment
    }

    #[test]
    fn every_fragment_joins_a_plan() {
        let known = plan::Known {
            tasks: score::TASKS.iter().map(|task| task.name).collect(),
            engines: serve::ENGINES.iter().map(|engine| engine.about().name).collect(),
            meters: meter::METERS.iter().map(|meter| meter.name).collect(),
            marks: score::MARKS.iter().map(|mark| mark.name).collect(),
        };
        for recipe in RECIPES {
            let (file, fragment) = recipe.files[0];
            assert_eq!(file, format!("{}.toml", recipe.name));
            let plan = plan::parse(&joined(fragment), std::path::Path::new("plans"), &known)
                .unwrap_or_else(|problems| panic!("{}: {problems:#?}", recipe.name));
            for engine in &plan.engines {
                serve::engines::find(&engine.kind).unwrap().check(&engine.options).unwrap();
            }
            // A script is shipped for each that the fragment starts, and no other.
            let commands = plan.engines.iter().filter_map(plan::EngineSpec::command).chain(&plan.adapt.command);
            let mut started: Vec<_> = commands.flat_map(plan::CommandSpec::files).collect();
            started.dedup();
            let shipped: Vec<_> = recipe.files[1..].iter().map(|(name, _)| std::path::Path::new("plans").join(name)).collect();
            assert_eq!(started, shipped, "{}", recipe.name);
        }
    }

    #[test]
    fn a_recipe_that_is_not_there_names_those_that_are() {
        assert!(find("gptq").is_ok());
        assert_eq!(find("lora").unwrap_err(), "there is none; there are peft-lora, peft-qlora, llama-quantize, gptq, awq, bitsandbytes");
    }
}
