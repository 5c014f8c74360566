//! What the store needs now and then: packing, forgetting, and a line a day of how every forecast has held. It
//! must never keep the loop waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weft_core::book::ForecastBook;
use weft_core::time::Span;
use weft_store::StoreError;
use weft_store::kept::ScoreLine;

use crate::run::desk::Desk;

/// Between two rounds; a fleet on a fast clock has its hour sooner.
const HOUR: Span = Span::from_hours(1);

/// Scores are kept once a day: they change slowly, and a row for each series an hour would outgrow the samples.
const ROUNDS_A_SCORE: u64 = 24;

/// The thread.
#[derive(Debug)]
pub(super) struct Housekeeping {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Housekeeping {
    /// Starts it; the first round comes after an hour of which `hour` is the length.
    pub(super) fn start(desk: Desk, retention: Span, hour: Duration) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let named = std::thread::Builder::new().name("weft-housekeeping".to_owned());
        let thread = named.spawn(move || {
            let (mut round, mut last) = (0, Instant::now());
            while !stopping.load(Ordering::Acquire) {
                std::thread::park_timeout(hour.saturating_sub(last.elapsed()));
                if last.elapsed() >= hour {
                    round += 1;
                    last = Instant::now();
                    keep_house(&desk, retention, round);
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it after the round under way.
    pub(super) fn close(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}

/// How long an hour of the store's samples lasts on a clock of this speed.
pub(super) fn hour(clock: &crate::run::clock::Clock) -> Duration {
    clock.lasts(HOUR).max(Duration::from_secs(1))
}

fn keep_house(desk: &Desk, retention: Span, round: u64) {
    let began = Instant::now();
    if let Err(error) = kept(desk, retention, round) {
        tracing::error!(%error, "the store could not be put in order; it is tried again in an hour");
    } else {
        tracing::info!(seconds = began.elapsed().as_secs_f64(), "the store is in order");
    }
}

fn kept(desk: &Desk, retention: Span, round: u64) -> Result<(), StoreError> {
    let (view, store) = (desk.view(), desk.store());
    store.compact()?;
    store.forget_before(view.now - retention)?;
    match &view.book {
        Some(book) if round % ROUNDS_A_SCORE == 1 => store.write_scores(view.now, &scores(book)),
        _ => Ok(()),
    }
}

fn scores(book: &ForecastBook) -> Vec<ScoreLine> {
    let line = |(key, report): (&_, &weft_core::book::Report)| {
        let acting = report.scores.iter().find(|score| score.model == report.model);
        ScoreLine {
            key: weft_core::resource::SeriesKey::clone(key),
            model: report.model.to_string(),
            pinball: acting.and_then(|score| score.pinball),
            coverage: report.coverage.map(|(share, _)| share),
            judged: report.coverage.map_or(0, |(_, judged)| judged),
        }
    };
    book.keys().zip(book.reports()).map(line).collect()
}
