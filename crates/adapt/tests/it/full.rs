//! Training a whole model and writing it.

use adapt::{Silent, full, train::Settings};
use model::{Base, Decoder};
use plan::{Lr, Schedule};

use crate::tiny;

#[test]
fn a_whole_model_learns_and_is_written_as_a_model_folder() {
    let config = model::Config { tied: true, ..tiny::config() };
    let mut model = Decoder::random(&config, 5, &tiny::options(Base::AsStored)).unwrap();
    let lr = Lr { peak: 1e-2, warmup_ratio: 0.1, schedule: Schedule::Cosine };
    let settings = Settings { lr, weight_decay: 0.01, clip: Some(1.0), checkpointing: false };
    let batch = tiny::unpacked(&tiny::examples(&[14, 9, 12]));
    let steps = std::iter::repeat_n(vec![batch.clone()], 60);
    let outcome = full::train_all(&mut model, steps, 60, &settings, &Silent).unwrap();
    assert!(outcome.first_loss > 3.0 && outcome.last_loss < 0.2, "{outcome:?}");

    let folder = tempfile::tempdir().unwrap();
    full::save(&model, folder.path()).unwrap();
    let written = Decoder::load(folder.path(), &tiny::options(Base::AsStored)).unwrap();
    assert_eq!(written.config().tied, model.config().tied);
    let (loss, _) = tiny::gradients(&written, &[], &[batch], false);
    assert!((loss - outcome.last_loss).abs() < 0.1, "the loss of the written model is {loss}");
}
