//! Waiting between attempts, behind a trait so that tests neither sleep nor draw.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

/// How a fetcher waits between attempts.
pub trait Waiting: fmt::Debug + Send + Sync + 'static {
    /// Waits for `time`.
    fn wait(&self, time: Duration);

    /// A number in 0..=1 by which a wait is varied.
    fn draw(&self) -> f64;
}

/// Waits by sleeping, and draws from the process's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asleep;

impl Waiting for Asleep {
    fn wait(&self, time: Duration) {
        thread::sleep(time);
    }

    fn draw(&self) -> f64 {
        // Each `RandomState` has keys of its own, which is all the chance that a back-off needs.
        RandomState::new().hash_one(()) as f64 / u64::MAX as f64
    }
}
