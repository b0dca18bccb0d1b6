//! Whether a server answered from its prefix cache: its own counters before and after a run, and `cached_tokens` of usage. Prompts that
//! were seen before make any server look fast (vLLM issues 52884 and 54227), so a share above 1% is flagged.
//!
//! Counters cover everything between the two looks: the warm-up, and what other clients sent meanwhile.

mod counters;

use record::Request;
use serde::Serialize;
use units::{Missing, Reading};

pub use counters::{COUNTERS, Counters, Rule};

use crate::{ApiKey, Run, prometheus};

/// Share of prompt tokens from which hits are flagged.
pub const FLAGGED_ABOVE: f64 = 0.01;

/// Prompt tokens found in a prefix cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrefixCache {
    /// By the server's own counters, warm-up included.
    pub by_metrics: Reading<Hits>,
    /// By `usage.prompt_tokens_details.cached_tokens` of the window's answers.
    pub by_usage: Reading<Hits>,
    /// Whether the share is above [`FLAGGED_ABOVE`].
    pub flagged: bool,
}

/// Hits of a prefix cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hits {
    /// Tokens looked up.
    pub queried: f64,
    /// Tokens found.
    pub found: f64,
    /// Found / looked up.
    pub share: f64,
    /// What told it.
    pub source: String,
}

/// A look at `/metrics` before a run.
#[derive(Clone, Debug)]
pub struct Before(Result<String, Missing>);

/// Looks at the counters before a run. Blocks for some seconds at most; a server without counters is no error.
pub fn before(url: &str, api_key: Option<&ApiKey>) -> Before {
    Before(prometheus::page(url, api_key))
}

/// Looks again after the run, and says what share of the prompts was found.
pub fn after(before: &Before, url: &str, api_key: Option<&ApiKey>, run: &Run) -> PrefixCache {
    let both = before.0.clone().and_then(|before| Ok((before, prometheus::page(url, api_key)?)));
    let by_metrics = both.and_then(|(before, after)| hits(&before, &after, prompt_tokens(run)));
    PrefixCache::new(by_metrics.into(), PrefixCache::by_usage(&run.requests).by_usage)
}

impl PrefixCache {
    fn new(by_metrics: Reading<Hits>, by_usage: Reading<Hits>) -> Self {
        let above = |hits: &Reading<Hits>| hits.known().is_ok_and(|hits| hits.share > FLAGGED_ABOVE);
        let flagged = above(&by_metrics) || above(&by_usage);
        Self { by_metrics, by_usage, flagged }
    }

    /// By usage alone.
    pub(crate) fn by_usage(requests: &[Request]) -> Self {
        let mut told = None;
        for request in requests.iter().filter(|request| request.failure.is_none()) {
            if let (Some(cached), Some(prompt)) = (request.cached_tokens, request.prompt_tokens) {
                let (found, queried) = told.unwrap_or((0.0, 0.0));
                told = Some((found + f64::from(cached), queried + f64::from(prompt)));
            }
        }
        let hits = told.ok_or_else(|| Missing::because("no answer told usage.prompt_tokens_details.cached_tokens"));
        let by_usage = hits.and_then(|(found, queried)| Hits::new(found, queried, "usage.prompt_tokens_details.cached_tokens"));
        Self::new(Reading::missing("/metrics was not read"), by_usage.into())
    }

    /// The share of prompt tokens found: by counters, else by usage, else why neither tells.
    pub fn share(&self) -> Reading<f64> {
        match (self.by_metrics.known(), self.by_usage.known()) {
            (Ok(hits), _) | (_, Ok(hits)) => Reading::Known(hits.share),
            (Err(metrics), Err(usage)) => Reading::missing(format!("{metrics}; {usage}")),
        }
    }
}

impl Hits {
    fn new(found: f64, queried: f64, source: &str) -> Result<Self, Missing> {
        if queried > 0.0 && found >= 0.0 {
            return Ok(Self { queried, found, share: (found / queried).min(1.0), source: source.to_owned() });
        }
        Err(Missing::because(format!("{source} went from nothing to nothing, or backwards")))
    }
}

/// Prompt tokens of every request that was answered, by usage; `None` when one did not tell.
fn prompt_tokens(run: &Run) -> Option<f64> {
    let all = run.warmup.iter().chain(&run.requests);
    let told: Option<u64> = all.filter(|request| request.failure.is_none()).map(|request| request.prompt_tokens.map(u64::from)).sum();
    told.map(|told| told as f64)
}

/// What the first counters of the table that are on both pages tell.
fn hits(before: &str, after: &str, prompt_tokens: Option<f64>) -> Result<Hits, Missing> {
    for counters in COUNTERS {
        match counters.rule {
            Rule::Found { queried, found } => {
                if let (Some((_, queried)), Some((name, found))) = (grown(before, after, queried), grown(before, after, found)) {
                    return Hits::new(found, queried, name);
                }
            }
            Rule::Processed { processed } => {
                if let Some((name, processed)) = grown(before, after, processed) {
                    let all = prompt_tokens.ok_or_else(|| Missing::because(format!("{name} needs usage beside it, which is missing")))?;
                    return Hits::new((all - processed).max(0.0), all, name);
                }
            }
        }
    }
    Err(Missing::because("/metrics has no counters of a prefix cache that are known"))
}

/// The first of some names that stands on the later page, and by how much it grew. A counter without a line before was at zero.
fn grown(before: &str, after: &str, names: &'static [&'static str]) -> Option<(&'static str, f64)> {
    names.iter().find_map(|name| {
        // A labelled counter is declared before it has its first line.
        let declared = || after.lines().any(|line| line.strip_prefix("# TYPE ").is_some_and(|rest| rest.split(' ').next() == Some(name)));
        let now = prometheus::sum(after, name).or_else(|| declared().then_some(0.0))?;
        Some((*name, now - prometheus::sum(before, name).unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, prompt_tokens: Option<f64>, expected: Result<(f64, &str), &str>) {
        let seen = hits(before, after, prompt_tokens);
        let seen = seen.as_ref().map(|hits| (hits.share, hits.source.as_str())).map_err(|why| why.0.as_str());
        assert_eq!(seen, expected);
    }

    #[test]
    fn every_engine_by_its_own_counters() {
        check(
            "vllm:prefix_cache_queries_total{engine=\"0\"} 100.0\nvllm:prefix_cache_hits_total{engine=\"0\"} 50.0\n",
            "vllm:prefix_cache_queries_total{engine=\"0\"} 300.0\nvllm:prefix_cache_hits_total{engine=\"0\"} 60.0\n",
            None,
            Ok((0.05, "vllm:prefix_cache_hits_total")),
        );
        check(
            "",
            "vllm:gpu_prefix_cache_queries_total 200\nvllm:gpu_prefix_cache_hits_total 100\n",
            None,
            Ok((0.5, "vllm:gpu_prefix_cache_hits_total")),
        );
        check(
            "sglang:prompt_tokens_total{m=\"a\"} 1000\n",
            "sglang:prompt_tokens_total{m=\"a\"} 2000\nsglang:cached_tokens_total{cache_source=\"device\"} 100\nsglang:cached_tokens_total{cache_source=\"host\"} 150\n",
            None,
            Ok((0.25, "sglang:cached_tokens_total")),
        );
        check(
            "",
            "sglang:prompt_tokens_total 2000\n# TYPE sglang:cached_tokens_total counter\n",
            None,
            Ok((0.0, "sglang:cached_tokens_total")),
        );
        check(
            "llamacpp:prompt_tokens_total 10\n",
            "llamacpp:prompt_tokens_total 85\n",
            Some(100.0),
            Ok((0.25, "llamacpp:prompt_tokens_total")),
        );
        check(
            "edge_eval_prompt_tokens_total 5\nedge_eval_prefix_cache_hit_tokens_total 0\n",
            "edge_eval_prompt_tokens_total 50\nedge_eval_prefix_cache_hit_tokens_total 0\n",
            None,
            Ok((0.0, "edge_eval_prefix_cache_hit_tokens_total")),
        );
    }

    #[test]
    fn what_does_not_tell_is_missing() {
        check("", "up 1\n", None, Err("/metrics has no counters of a prefix cache that are known"));
        check("", "llamacpp:prompt_tokens_total 85\n", None, Err("llamacpp:prompt_tokens_total needs usage beside it, which is missing"));
        let same = "vllm:prefix_cache_queries_total 9\nvllm:prefix_cache_hits_total 1\n";
        check(same, same, None, Err("vllm:prefix_cache_hits_total went from nothing to nothing, or backwards"));
    }

    fn answer(cached: Option<u32>, prompt: Option<u32>) -> Request {
        Request { cached_tokens: cached, prompt_tokens: prompt, ..Request::default() }
    }

    #[test]
    fn usage_tells_too_and_more_than_one_in_a_hundred_is_flagged() {
        let none = PrefixCache::by_usage(&[answer(None, Some(100))]);
        assert!(!none.flagged && none.share().known().is_err());
        let few = PrefixCache::by_usage(&[answer(Some(1), Some(100)), answer(None, Some(900))]);
        assert_eq!((few.flagged, few.share()), (false, Reading::Known(0.01)));
        let many = PrefixCache::by_usage(&[answer(Some(0), Some(100)), answer(Some(16), Some(100))]);
        assert_eq!((many.flagged, many.share()), (true, Reading::Known(0.08)));
    }
}
