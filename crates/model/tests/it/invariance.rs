//! What must not matter: how a prompt is cut, what else is in the batch, how rows are packed.

use model::tensor::{Device, Tensor};
use model::{Base, Compute, Decoder, Error};

use crate::support::{FIXTURES, all_logits, assert_close, fixture, fixture_ids, greedy, ids, load, options};

/// The same f32 sums, in products of other sizes.
const RELATIVE: f32 = 1e-5;

#[test]
fn prefill_is_token_by_token() {
    for name in FIXTURES {
        let decoder = load(&fixture(name));
        let prompt = fixture_ids(name);
        let whole = all_logits(&decoder, &prompt);
        for step in [1, 3, 7] {
            let mut cache = decoder.new_cache(1, prompt.len()).unwrap();
            let mut done = 0;
            for part in prompt.chunks(step) {
                let logits = decoder.forward(&ids(part), &mut cache).unwrap();
                done += part.len();
                assert_eq!(cache.len(), done);
                assert_close(&logits, &whole.narrow(0, done - 1, 1).unwrap(), RELATIVE, name);
            }
        }
    }
}

#[test]
fn a_batch_is_its_rows() {
    for name in FIXTURES {
        let decoder = load(&fixture(name));
        let prompt = fixture_ids(name);
        let rows: Vec<&[u32]> = prompt.chunks(10).collect();
        let batch = Tensor::new(prompt.as_slice(), &Device::Cpu).unwrap().reshape((4, 10)).unwrap();
        let next = Tensor::new(&[[5u32], [6], [7], [8]], &Device::Cpu).unwrap();
        let mut cache = decoder.new_cache(4, 11).unwrap();
        decoder.forward(&batch, &mut cache).unwrap();
        let together = decoder.forward(&next, &mut cache).unwrap();
        for (i, row) in rows.iter().enumerate() {
            let mut cache = decoder.new_cache(1, 11).unwrap();
            decoder.forward(&ids(row), &mut cache).unwrap();
            let alone = decoder.forward(&ids(&[5 + i as u32]), &mut cache).unwrap();
            assert_close(&together.narrow(0, i, 1).unwrap(), &alone, RELATIVE, name);
        }
    }
}

#[test]
fn packed_sequences_do_not_see_each_other() {
    let name = "llama3-untied-f32";
    let decoder = load(&fixture(name));
    let prompt = fixture_ids(name);
    let lengths = vec![vec![7, 12], vec![16]];
    let positions = decoder.packed_positions(&lengths, 20).unwrap();
    let batch = Tensor::new(prompt.as_slice(), &Device::Cpu).unwrap().reshape((2, 20)).unwrap();
    let mut x = decoder.embed(&batch).unwrap();
    for i in 0..decoder.blocks() {
        x = decoder.block(i, &x, &positions).unwrap();
    }
    let packed = decoder.logits(&x).unwrap().flatten(0, 1).unwrap();
    for (start, length) in [(0, 7), (7, 12), (20, 16)] {
        let alone = all_logits(&decoder, &prompt[start..start + length]);
        assert_close(&packed.narrow(0, start, length).unwrap(), &alone, RELATIVE, "packed");
    }
    assert!(matches!(decoder.packed_positions(&[vec![21]], 20), Err(Error::Argument { .. })));
}

#[test]
fn a_cache_can_be_cut_back() {
    let name = "qwen2-tied-f16";
    let decoder = load(&fixture(name));
    let prompt = fixture_ids(name);
    let mut cache = decoder.new_cache(1, 40).unwrap();
    decoder.forward(&ids(&prompt[..30]), &mut cache).unwrap();
    cache.truncate(12);
    let again = decoder.forward(&ids(&prompt[12..20]), &mut cache).unwrap();
    assert_close(&again, &all_logits(&decoder, &prompt).narrow(0, 19, 1).unwrap(), RELATIVE, "after a cut");
}

#[test]
fn a_full_cache_and_strange_ids_are_errors() {
    let decoder = load(&fixture("llama-tied-bf16"));
    let mut cache = decoder.new_cache(1, 4).unwrap();
    let too_many = decoder.forward(&ids(&[1, 2, 3, 4, 5]), &mut cache);
    assert!(matches!(too_many, Err(Error::CacheFull { capacity: 4, needed: 5 })));
    assert!(decoder.forward(&ids(&[1, 200]), &mut cache).is_err());
    assert!(decoder.new_cache(0, 4).is_err());
    let two = Tensor::new(&[[1u32], [2]], &Device::Cpu).unwrap();
    assert!(matches!(decoder.forward(&two, &mut cache), Err(Error::Argument { what: "batch", .. })));
    assert!(cache.is_empty());
    decoder.forward(&ids(&[1, 2, 3, 4]), &mut cache).unwrap();
}

#[test]
fn greedy_text_is_the_same_whatever_holds_the_weights() {
    let decoder = |compute| Decoder::load(&fixture("qwen2-tied-f16"), &options(compute, Base::AsStored)).unwrap();
    assert_eq!(greedy(&decoder(Compute::Auto), &[1, 2, 3], 20), greedy(&decoder(Compute::F32), &[1, 2, 3], 20));
}
