//! Merging an adapter, and post-training quantisation to GGUF.
