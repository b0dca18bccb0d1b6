//! Decoder models on candle: weights, linear layers, architectures, KV cache, sampling.
