//! The thread that takes samples in: asks the metrics for every complete step, stores it, and only then hands
//! it to the loop. What is more than a few hours behind goes into the store alone, and the loop is told to
//! learn anew: a week of steps one by one would keep it busy for hours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use weft_control::event::Event;
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_store::{Store, StoreError};

use super::Incoming;
use crate::run::clock::Clock;
use crate::run::ending::ended;

/// More steps behind than this is a past to learn from, not news.
const FEW_STEPS: usize = 24;

/// How often the metrics are asked whether a step is complete.
const PACE: Duration = Duration::from_millis(500);

/// How long to leave metrics or a store alone that did not answer.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest silence that the store takes as one between two steps.
const LONGEST_SILENCE: Span = Span::from_days(30);

/// Steps of samples, with their begin.
pub type Steps = Vec<(Timestamp, Vec<Sample>)>;

/// Where samples come from.
pub trait Metrics: Send {
    /// The complete steps since those given last, in order, a bounded number of them; none where no further
    /// step is complete. After an error the same are given by the next call.
    fn poll(&mut self, now: Timestamp) -> anyhow::Result<Steps>;

    /// End of the last step that was given.
    fn given(&self) -> Timestamp;
}

/// The thread.
#[derive(Debug)]
pub(super) struct Intake {
    stop: Arc<AtomicBool>,
    settled: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Intake {
    /// Starts it.
    pub(super) fn start(
        metrics: Box<dyn Metrics>,
        store: Arc<dyn Store>,
        clock: Clock,
        step: Step,
        loop_: Sender<Incoming>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let settled = Arc::new(AtomicBool::new(false));
        let mut taking = Taking {
            metrics,
            store,
            clock,
            step,
            loop_,
            settled: settled.clone(),
            is_behind: false,
            silent_since: None,
        };
        let thread =
            std::thread::Builder::new().name("weft-intake".to_owned()).spawn(move || {
                while !stopping.load(Ordering::Acquire) {
                    std::thread::park_timeout(taking.round(&stopping));
                }
            })?;
        Ok(Self { stop, settled, thread })
    }

    /// Whether the store has all of the past that could be had: set once it has caught up with the metrics for
    /// the first time, or they did not answer.
    pub(super) fn settled(&self) -> Arc<AtomicBool> {
        self.settled.clone()
    }

    /// Ends it; an answer that is waited for is waited for, but not for long.
    pub(super) fn close(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        ended(self.thread, "intake");
    }
}

struct Taking {
    metrics: Box<dyn Metrics>,
    store: Arc<dyn Store>,
    clock: Clock,
    step: Step,
    loop_: Sender<Incoming>,
    settled: Arc<AtomicBool>,
    /// Whether what comes is a past that the loop has not been told of.
    is_behind: bool,
    /// When the metrics stopped answering; none while they do.
    silent_since: Option<Timestamp>,
}

impl Taking {
    /// Takes in what there is; how long to wait before the next round.
    fn round(&mut self, stopping: &AtomicBool) -> Duration {
        let now = self.clock.now();
        let polled = self.metrics.poll(now);
        self.tell_of_silence(now, polled.as_ref().err());
        let Ok(steps) = polled else {
            self.settled.store(true, Ordering::Release);
            return PAUSE;
        };
        if steps.is_empty() {
            self.catch_up();
            return PACE;
        }
        let behind = (now - steps[0].0).whole_steps(self.step);
        self.is_behind |= behind > FEW_STEPS;
        for (at, samples) in steps {
            if !self.stored(at, &samples, stopping) {
                return Duration::ZERO;
            }
            if !self.is_behind {
                let _ = self.loop_.send(Incoming::Event(Event::Sampled { at, samples }));
            }
        }
        Duration::ZERO
    }

    /// Says once that the metrics do not answer, and once that they do again: an outage of a day is two lines.
    fn tell_of_silence(&mut self, now: Timestamp, error: Option<&anyhow::Error>) {
        match (error, self.silent_since) {
            (Some(error), None) => {
                self.silent_since = Some(now);
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the metrics do not answer; they are asked again and again"
                );
            }
            (None, Some(since)) => {
                self.silent_since = None;
                tracing::info!(%since, "the metrics answer again");
            }
            _ => {}
        }
    }

    /// A past that came late is there now. Who waits for it reads it anyway; later ones are told of.
    fn catch_up(&mut self) {
        let is_first = !self.settled.swap(true, Ordering::AcqRel);
        if std::mem::take(&mut self.is_behind) {
            tracing::info!(until = %self.metrics.given(), "caught up with the metrics");
            if is_first {
                return;
            }
            let _ = self.loop_.send(Incoming::Event(Event::BackFilled));
        }
    }

    /// Stores a step, however long it takes; false where the thread shall stop first.
    fn stored(&self, at: Timestamp, samples: &[Sample], stopping: &AtomicBool) -> bool {
        while let Err(error) = self.write(at, samples) {
            tracing::error!(%error, %at, "samples could not be stored");
            if stopping.load(Ordering::Acquire) {
                return false;
            }
            std::thread::park_timeout(PAUSE);
        }
        true
    }

    fn write(&self, at: Timestamp, samples: &[Sample]) -> Result<(), StoreError> {
        if self.store.newest_step()?.is_some_and(|newest| at - newest > LONGEST_SILENCE) {
            bridge(self.store.as_ref(), at, self.step)?;
        }
        self.store.write_step(at, samples)
    }
}

/// Tells the store that the silence before `at` was one: a series of nothing makes the way.
fn bridge(store: &dyn Store, at: Timestamp, step: Step) -> Result<(), StoreError> {
    let Some(key) = store.series()?.into_iter().next() else { return Ok(()) };
    let silence = Series::from_values(at - step.span(), step, [None]);
    store.back_fill(&key, &silence)
}
