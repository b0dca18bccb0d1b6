//! Plan to bound stages: run or reuse, metered and recorded.
