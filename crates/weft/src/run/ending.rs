//! How threads end that may wait for somebody else's answer: they are given some time, and then left behind, because
//! the process ends anyway. Nothing may depend on what they would still have said.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Two threads may wait, one after another: together shorter than the 10 s after which container managers kill.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOKED_EVERY: Duration = Duration::from_millis(20);

/// Waits for the end of a thread, but not for long.
pub(crate) fn ended(thread: JoinHandle<()>, name: &'static str) {
    let begun = Instant::now();
    while !thread.is_finished() {
        if begun.elapsed() >= PATIENCE {
            tracing::warn!(name, "a thread still waits for an answer and is left behind");
            return;
        }
        std::thread::park_timeout(LOOKED_EVERY);
    }
    let _ = thread.join();
}
