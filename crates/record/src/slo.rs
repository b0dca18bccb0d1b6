//! Limits a request must keep to count as good, and whether it did: the one definition that the load client and the metrics share.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::Request;

/// Limits in milliseconds, per request. What is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Time to first token, from the due time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<f64>,
    /// The request's mean gap between tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub itl_ms: Option<f64>,
    /// Time per output token after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpot_ms: Option<f64>,
    /// End-to-end latency, from the due time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e2e_ms: Option<f64>,
}

/// How one request stands to the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Within every limit.
    Within,
    /// Beyond one of them, or failed.
    Beyond,
    /// A limited figure cannot be known, for want of usage.
    Unknown,
}

impl Limits {
    /// Whether anything is limited.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// How one request stands. One token has no gap, so a limit on gaps does not touch it.
    pub fn standing(&self, request: &Request) -> Standing {
        if request.failure.is_some() {
            return Standing::Beyond;
        }
        let several = request.completion_tokens.is_none_or(|tokens| tokens > 1);
        let figures = [
            (self.ttft_ms, true, request.ttft_ms()),
            (self.itl_ms, request.token_gap_count() != Some(0), request.mean_gap_ms()),
            (self.tpot_ms, several, request.tpot_ms()),
            (self.e2e_ms, true, Some(request.e2e_ms())),
        ];
        let mut standing = Standing::Within;
        for (limit, applies, figure) in figures {
            match (limit.filter(|_| applies), figure) {
                (None, _) => {}
                (Some(limit), Some(figure)) if figure <= limit => {}
                (Some(_), Some(_)) => return Standing::Beyond,
                (Some(_), None) => standing = Standing::Unknown,
            }
        }
        standing
    }
}

/// Why a text is no set of limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no limit; write ttft, itl, tpot or e2e with milliseconds, such as ttft:200,itl:20")]
pub struct NoLimit {
    /// The piece that is none.
    pub found: String,
}

impl FromStr for Limits {
    type Err = NoLimit;

    fn from_str(text: &str) -> Result<Self, NoLimit> {
        let mut limits = Self::default();
        for piece in text.split(',').map(str::trim) {
            let bad = || NoLimit { found: piece.to_owned() };
            let (name, value) = piece.split_once(':').ok_or_else(bad)?;
            let value: f64 = value.trim().parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0).ok_or_else(bad)?;
            let place = match name.trim() {
                "ttft" => &mut limits.ttft_ms,
                "itl" => &mut limits.itl_ms,
                "tpot" => &mut limits.tpot_ms,
                "e2e" => &mut limits.e2e_ms,
                _ => return Err(bad()),
            };
            if place.replace(value).is_some() {
                return Err(bad());
            }
        }
        Ok(limits)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, limit) in [("TTFT", self.ttft_ms), ("ITL", self.itl_ms), ("TPOT", self.tpot_ms), ("E2E", self.e2e_ms)] {
            if let Some(limit) = limit {
                write!(f, "{}{name} ≤ {limit} ms", if first { "" } else { ", " })?;
                first = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;

    fn answer(content_ms: &[u64], tokens: Option<u32>) -> Request {
        let at = |ms: &u64| Nanos(ms * 1_000_000);
        Request {
            first_content: content_ms.first().map(at),
            content_times: content_ms.iter().map(at).collect(),
            end: content_ms.last().map(at).unwrap_or_default(),
            completion_tokens: tokens,
            ..Request::default()
        }
    }

    fn limits(text: &str) -> Limits {
        text.parse().unwrap()
    }

    #[test]
    fn limits_as_written() {
        let all = limits("ttft:200, itl:20,tpot:30,e2e:5000.5");
        assert_eq!(all, Limits { ttft_ms: Some(200.0), itl_ms: Some(20.0), tpot_ms: Some(30.0), e2e_ms: Some(5000.5) });
        assert_eq!(all.to_string(), "TTFT ≤ 200 ms, ITL ≤ 20 ms, TPOT ≤ 30 ms, E2E ≤ 5000.5 ms");
        for bad in ["", "ttft", "ttft:", "ttft:-1", "ttft:0", "ttft:x", "tfft:3", "ttft:1,ttft:2", "ttft:1,", "ttft:inf", "ttft:NaN"] {
            assert!(bad.parse::<Limits>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_limit_is_looked_at() {
        // First token at 50 ms, gaps of 10 and 30, so a mean gap and TPOT of 20; 90 ms in all.
        let request = answer(&[50, 60, 90], Some(3));
        for (text, standing) in [
            ("ttft:50", Standing::Within),
            ("ttft:49", Standing::Beyond),
            ("itl:20", Standing::Within),
            ("itl:19", Standing::Beyond),
            ("tpot:19", Standing::Beyond),
            ("e2e:89", Standing::Beyond),
            ("ttft:50,itl:20,tpot:20,e2e:90", Standing::Within),
        ] {
            assert_eq!(limits(text).standing(&request), standing, "{text}");
        }
        assert!(!Limits::default().any() && limits("e2e:1").any());
    }

    #[test]
    fn a_failed_request_is_beyond_and_an_unknown_figure_is_no_success() {
        let failed = Request { failure: Some("timeout".into()), ..answer(&[1, 2], Some(2)) };
        assert_eq!(limits("e2e:1000").standing(&failed), Standing::Beyond);
        let untold = answer(&[1, 2], None);
        assert_eq!(limits("tpot:10").standing(&untold), Standing::Unknown);
        assert_eq!(limits("tpot:10,ttft:0.5").standing(&untold), Standing::Beyond);
        assert_eq!(limits("itl:10").standing(&answer(&[5], Some(1))), Standing::Within);
        // A word and the end-of-text token: no gap between tokens.
        assert_eq!(limits("itl:10").standing(&answer(&[5], Some(2))), Standing::Within);
        assert_eq!(limits("itl:10").standing(&answer(&[5], Some(8))), Standing::Unknown);
        assert_eq!(limits("ttft:10").standing(&answer(&[], Some(3))), Standing::Unknown);
    }
}
