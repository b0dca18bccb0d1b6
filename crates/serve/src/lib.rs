//! The embedded engine's OpenAI-compatible server, and how engines are spawned and probed.
