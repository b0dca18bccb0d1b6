//! Logits against those of Hugging Face transformers, on small random checkpoints of both families.

use model::safetensors::File;
use model::tensor::{Device, Tensor};
use model::{Base, Compute, Decoder};

use crate::support::{FIXTURES, all_logits, assert_close, fixture, fixture_ids, ids, load, options};

/// f32 sums in another order: the bound.
const RELATIVE: f32 = 1e-4;

fn expected(name: &str) -> Tensor {
    let file = File::open(&fixture(name).join("expected.safetensors")).unwrap();
    file.tensor("logits", Compute::Auto, &Device::Cpu).unwrap()
}

#[test]
fn every_position_agrees() {
    for name in FIXTURES {
        let decoder = load(&fixture(name));
        assert_close(&all_logits(&decoder, &fixture_ids(name)), &expected(name), RELATIVE, name);
    }
}

#[test]
fn the_last_position_agrees_through_the_cache() {
    for name in FIXTURES {
        let prompt = fixture_ids(name);
        let decoder = load(&fixture(name));
        let mut cache = decoder.new_cache(1, prompt.len()).unwrap();
        let logits = decoder.forward(&ids(&prompt), &mut cache).unwrap();
        let last = expected(name).narrow(0, prompt.len() - 1, 1).unwrap();
        assert_close(&logits, &last, RELATIVE, name);
    }
}

#[test]
fn weights_of_16_bits_are_widened_exactly() {
    for name in ["llama-tied-bf16", "qwen2-tied-f16"] {
        let decoder = Decoder::load(&fixture(name), &options(Compute::Auto, Base::AsStored)).unwrap();
        assert!(decoder.weight_bytes() < 150_000, "{name} is held in 16 bits");
        assert_close(&all_logits(&decoder, &fixture_ids(name)), &expected(name), RELATIVE, name);
    }
}

#[test]
fn weights_rounded_to_f16_stay_near() {
    for name in FIXTURES {
        let decoder = Decoder::load(&fixture(name), &options(Compute::F16, Base::AsStored)).unwrap();
        assert_close(&all_logits(&decoder, &fixture_ids(name)), &expected(name), 5e-3, name);
    }
}
