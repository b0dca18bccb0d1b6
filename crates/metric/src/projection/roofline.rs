//! The roofline of one piece of work on a machine: the least time that its bytes and its arithmetic take.
//!
//! Attention's own arithmetic is left out of prefill, and so are activations and the KV cache that prefill writes: for prompts of a few
//! thousand tokens they are some percent of the weights' part. Two operations a parameter and token: Kaplan et al., "Scaling laws for
//! neural language models", 2020, section 2.1.

use serde::Serialize;
use units::Missing;

use super::Machine;

/// What is asked of a machine: streams of one model, served at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Work {
    /// Requests served at once.
    pub streams: f64,
    /// Mean prompt, in tokens.
    pub prompt_tokens: Option<f64>,
    /// Mean answer, in tokens.
    pub output_tokens: f64,
    /// Weights in memory, in bytes.
    pub weights_bytes: f64,
    /// Parameters.
    pub parameters: Option<f64>,
    /// KV cache of a token, in bytes.
    pub kv_bytes_per_token: Option<f64>,
}

impl Work {
    /// KV cache of all streams when each holds its prompt and this share of its answer, in bytes. A prompt of unknown length and a cache of
    /// unknown size count nothing.
    pub fn kv_bytes(&self, of_answer: f64) -> f64 {
        let held = self.prompt_tokens.unwrap_or(0.0) + of_answer * self.output_tokens;
        self.streams * held * self.kv_bytes_per_token.unwrap_or(0.0)
    }

    /// Bytes that a decode step reads: the weights once, and the cache of every stream, with half of each answer there.
    pub fn step_bytes(&self) -> f64 {
        self.weights_bytes + self.kv_bytes(0.5)
    }

    /// Least time of a decode step, in s. Where the arithmetic of the work or of the machine is not known, the bytes alone tell.
    ///
    /// # Errors
    /// No source gives the machine's bandwidth.
    pub fn step_s(&self, machine: &Machine) -> Result<f64, Missing> {
        let bytes = self.step_bytes() / machine.bandwidth_b_s()?;
        Ok(match (self.parameters, machine.flop_s()) {
            (Some(parameters), Ok(flop_s)) => bytes.max(2.0 * parameters * self.streams / flop_s),
            _ => bytes,
        })
    }

    /// Least time of the prefill of one prompt, in s.
    ///
    /// # Errors
    /// The prompt's length, the parameters, or the machine's bandwidth or arithmetic are not known.
    pub fn prefill_s(&self, machine: &Machine) -> Result<f64, Missing> {
        let tokens = self.prompt_tokens.ok_or_else(|| Missing::because("how long the prompts are is not told"))?;
        let parameters = self.parameters.ok_or_else(|| Missing::because("how many parameters the model has is not known"))?;
        Ok((self.weights_bytes / machine.bandwidth_b_s()?).max(2.0 * parameters * tokens / machine.flop_s()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Devices, *};

    fn machine(name: &str) -> Machine {
        const TOY: &str = r#"
            [sources]
            toy = { title = "round figures", date = "2026-01-01" }
            [[devices]]
            name = "Toy"
            bandwidth_gb_s = { value = 100, source = "toy" }
            tflops = { value = 1, source = "toy" }
            [[devices]]
            name = "Bare"
            bandwidth_gb_s = { value = 100, source = "toy" }
        "#;
        Devices::read(TOY, "toy").unwrap().machine(name).unwrap()
    }

    /// 10⁹ parameters in 2·10⁹ bytes, 10⁵ bytes of cache a token.
    fn work(streams: f64) -> Work {
        Work {
            streams,
            prompt_tokens: Some(100.0),
            output_tokens: 200.0,
            weights_bytes: 2e9,
            parameters: Some(1e9),
            kv_bytes_per_token: Some(1e5),
        }
    }

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-9 * want, "{got} {want}");
    }

    #[test]
    fn a_step_by_hand() {
        // 2·10⁹ + 1 · 200 · 10⁵ bytes at 10¹¹ a second; two operations a parameter take 2 ms at 10¹².
        near(work(1.0).step_s(&machine("Toy")).unwrap(), 20.2e-3);
        // 64 streams: 2·10⁹ + 64 · 200 · 10⁵ = 3.28·10⁹ bytes take 32.8 ms, 2 · 10⁹ · 64 operations 128 ms.
        near(work(64.0).step_s(&machine("Toy")).unwrap(), 128e-3);
        near(work(64.0).step_s(&machine("2xToy")).unwrap(), 64e-3);
        // Without the machine's arithmetic the bytes alone tell.
        near(work(64.0).step_s(&machine("Bare")).unwrap(), 32.8e-3);
    }

    #[test]
    fn prefill_by_hand() {
        // 2 · 10⁹ · 100 operations take 200 ms at 10¹²; the weights alone 20 ms.
        near(work(1.0).prefill_s(&machine("Toy")).unwrap(), 0.2);
        let short = Work { prompt_tokens: Some(5.0), ..work(1.0) };
        near(short.prefill_s(&machine("Toy")).unwrap(), 20e-3);
        assert!(work(1.0).prefill_s(&machine("Bare")).unwrap_err().to_string().contains("peak arithmetic of Bare"));
        let untold = Work { prompt_tokens: None, ..work(1.0) };
        assert!(untold.prefill_s(&machine("Toy")).unwrap_err().to_string().contains("prompts"));
    }

    #[test]
    fn what_is_not_known_of_the_cache_counts_nothing() {
        let bare = Work { kv_bytes_per_token: None, ..work(64.0) };
        near(bare.step_bytes(), 2e9);
        near(work(64.0).kv_bytes(1.0), 64.0 * 300.0 * 1e5);
    }
}
