//! Seeds derived from the plan's seed, so that every random choice has its own stream and all of them repeat.

/// A seed for one purpose, told by words such as stage, model and run. It has 53 bits, so that readers of JSON that hold
/// numbers as doubles keep it whole.
pub fn derive(seed: u64, purpose: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("edge-eval seed 1");
    hasher.update(&seed.to_le_bytes());
    for word in purpose {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_do_not_run_together() {
        assert_ne!(derive(1, &["ab", "c"]), derive(1, &["a", "bc"]));
        assert_ne!(derive(1, &["a"]), derive(2, &["a"]));
        assert_eq!(derive(1, &["a"]), derive(1, &["a"]));
        assert!(derive(1, &["a"]) < 1 << 53);
    }
}
