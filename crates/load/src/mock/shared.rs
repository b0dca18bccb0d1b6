//! What the mock's threads share: the script, the counters, and the truth as it grows.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use super::{Behaviour, Script, Served, Truth};

/// Most reasons kept of what was no request.
const REFUSALS: usize = 1_000;

/// Shared by all threads of one mock.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) script: Script,
    /// The model's name as JSON.
    pub(super) model: Arc<str>,
    pub(super) stopping: AtomicBool,
    pub(super) connections: AtomicU64,
    /// The behaviour where no rule applies.
    usual: Arc<Behaviour>,
    next: AtomicU32,
    pub(super) prompt_tokens: AtomicU64,
    pub(super) cached_tokens: AtomicU64,
    pub(super) generated_tokens: AtomicU64,
    pub(super) answered: AtomicU64,
    /// One list a worker, so that they do not wait for each other.
    served: Vec<Mutex<Vec<Served>>>,
    refused: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(script: Script) -> Self {
        Self {
            model: serde_json::Value::String(script.model.clone()).to_string().into(),
            stopping: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            usual: Arc::new(script.answer.clone()),
            next: AtomicU32::new(0),
            prompt_tokens: AtomicU64::new(0),
            cached_tokens: AtomicU64::new(0),
            generated_tokens: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            served: (0..script.threads).map(|_| Mutex::default()).collect(),
            refused: Mutex::default(),
            script,
        }
    }

    /// The number of the request that has just come.
    pub(super) fn number(&self) -> u32 {
        self.next.fetch_add(1, SeqCst)
    }

    pub(super) fn behaviour(&self, index: u32) -> Arc<Behaviour> {
        if self.script.rules.is_empty() { Arc::clone(&self.usual) } else { Arc::new(self.script.behaviour(index)) }
    }

    /// Counts a prompt as vLLM's prefix cache would.
    pub(super) fn count_prompt(&self, how: &Behaviour, words: u32) {
        self.prompt_tokens.fetch_add(u64::from(how.prompt_tokens.unwrap_or(words)), Relaxed);
        self.cached_tokens.fetch_add(u64::from(how.cached_tokens.unwrap_or(0)), Relaxed);
    }

    pub(super) fn keep(&self, worker: usize, served: Served) {
        self.generated_tokens.fetch_add(u64::from(served.tokens), Relaxed);
        self.answered.fetch_add(u64::from(served.whole), Relaxed);
        locked(&self.served[worker]).push(served);
    }

    pub(super) fn refuse(&self, reason: String) {
        let mut refused = locked(&self.refused);
        if refused.len() < REFUSALS {
            refused.push(reason);
        }
    }

    pub(super) fn truth(&self) -> Truth {
        let mut requests: Vec<Served> = self.served.iter().flat_map(|served| locked(served).clone()).collect();
        requests.sort_unstable_by_key(|served| served.index);
        Truth { requests, connections: self.connections.load(Relaxed), refused: locked(&self.refused).clone() }
    }

    /// Forgets the truth and numbers requests from 0 again.
    pub(super) fn reset(&self) {
        self.served.iter().for_each(|served| locked(served).clear());
        locked(&self.refused).clear();
        self.next.store(0, SeqCst);
    }
}

/// A thread that panicked with the lock held left a list that is whole all the same.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
