//! What the authors' code says and no log does, each with the file that says it (Abdullah4152/EDGE-EVAL). What was run may differ from
//! what was committed: the logs and the code disagree in places, which the audit shows.

use plan::Method;
use units::Reading;

use crate::logs::Tier;

/// The two training scripts.
pub(crate) const TRAINING: &str = "src/train/train_single_gpu.py (1B and 3B) and src/train/train_dual_gpu.py (7B) of the authors' code";

/// Number format of an adaptation's arithmetic. The script for one GPU sets fp16 for LoRA and bf16 for `QLoRA`; that for two sets bf16, and
/// trains `QLoRA` alone as committed.
pub(crate) fn dtype(tier: Tier, method: Method) -> Reading<String> {
    match (tier, method) {
        (_, Method::Qlora) => Reading::Known("bf16".into()),
        (Tier::One | Tier::Three, _) => Reading::Known("fp16".into()),
        (Tier::Seven, _) => Reading::missing("the committed script for 7B trains QLoRA alone"),
    }
}

/// Sequences a step and accumulated steps: 4 · 2 with the script for one GPU; that for two has 1 · 8, and the logs do not say which one
/// made the 7B rows.
pub(crate) fn batch(tier: Tier) -> (Reading<u64>, Reading<u64>) {
    match tier {
        Tier::One | Tier::Three => (Reading::Known(4), Reading::Known(2)),
        Tier::Seven => {
            let unknown = || Reading::missing("4 or 1 by script, and the logs do not say which one made the 7B rows");
            (unknown(), unknown())
        }
    }
}

/// Both scripts recompute activations.
pub(crate) const CHECKPOINTING: bool = true;

/// Scores that the judge's failures were given: helpfulness and safety (the third, role adherence, is not used).
pub(crate) const JUDGE_FAILURE: (f64, f64) = (5.0, 10.0);

/// Where that stands.
pub(crate) const JUDGE: &str = "get_chat_safety_judge in src/inference/eval_metrics.py of the authors' code";

/// Requests a row and the most output tokens of one, by the committed serving script: 128 for summaries, else 256, and it stops at the
/// end-of-text token.
pub(crate) const SERVED: (u64, u64, u64) = (40, 128, 256);

/// Where that stands.
pub(crate) const SERVING: &str = "src/inference/run_inference.py of the authors' code";

/// Most output tokens of a scored answer.
pub(crate) const SCORED_TOKENS: u64 = 100;

/// Parameters of the six models, embeddings counted once where they are tied, from their published configurations; in the order of
/// [`crate::Model::all`].
pub(crate) const PARAMETERS: [f64; 6] =
    [1_235_814_400.0, 3_212_749_824.0, 8_030_261_248.0, 1_543_714_304.0, 3_085_938_688.0, 7_615_616_512.0];

/// Board power limit of a Tesla T4 in watts (NVIDIA's data sheet).
pub(crate) const T4_LIMIT_W: f64 = 70.0;
