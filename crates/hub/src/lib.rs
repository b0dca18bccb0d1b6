//! Where a model's files are: a folder, a GGUF file, or a hub id in the local cache.
