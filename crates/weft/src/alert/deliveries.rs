//! How often receivers were told, and how often that failed: counters for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What came of telling a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It took it.
    Delivered,
    /// It did not answer, or said no.
    Failed,
}

impl Outcome {
    /// The outcome's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// The counters, since the start.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<BTreeMap<(String, Outcome), u64>>);

impl Deliveries {
    /// Shows a receiver with nothing delivered yet: a rate needs a first value.
    pub fn introduce(&self, receiver: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in [Outcome::Delivered, Outcome::Failed] {
            counts.entry((receiver.to_owned(), outcome)).or_default();
        }
    }

    /// Counts one request to a receiver.
    pub fn count(&self, receiver: &str, outcome: Outcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((receiver.to_owned(), outcome)).or_default() += 1;
    }

    /// Every counter.
    pub fn counts(&self) -> Vec<(String, Outcome, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((name, outcome), count)| (name.clone(), *outcome, *count)).collect()
    }
}
