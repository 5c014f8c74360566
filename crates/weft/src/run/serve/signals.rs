//! The threads that read the sources of outside events, one each, so that a slow source holds up nobody: in its
//! rhythm each replaces the events of its source in the store and writes down how the reading went. What was
//! known must never be lost because a source cannot be read, and what is not trusted must never become it here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Thread;
use std::time::{Duration, Instant};

use weft_collect::signal::fetching::Fetching;
use weft_collect::signal::source::SignalSource;
use weft_collect::signal::{Problems, Reading};
use weft_core::event::{Occurrence, Signal};
use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};
use weft_store::kept::KeptSource;
use weft_store::{Store, StoreError};

use crate::run::clock::Clock;
use crate::run::desk::{Desk, Topic};

/// Where campaigns that come in through the API are kept in the store.
pub const API_SOURCE: &str = "api";

/// What is over is learned from for as long as samples are.
const MEMORY: Span = Span::from_days(29);

/// What is over stays to be seen for a day.
const BACK: Span = Span::from_days(1);

/// A calendar recurs without end; five weeks are more than any horizon of a policy.
const AHEAD: Span = Span::from_days(35);

/// A source that could not be read is tried again after this at the latest, though it be read once a week.
const AGAIN_AFTER: Span = Span::from_minutes(15);

/// However fast the clock, other people's servers are asked no more often.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Sentences about what was left out that are kept to be shown.
const SHOWN_PROBLEMS: usize = 10;

/// How long the end waits for readings under way: one that lasts longer is cut by the end of the process,
/// which the store does not mind.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time whose events are kept and shown.
pub fn horizon(now: Timestamp) -> Window {
    Window { begins: now - BACK, ends: now + AHEAD }
}

/// Events of which forecasts may still learn: as long ago as histories reach.
fn remembered(now: Timestamp) -> Window {
    Window { begins: now - MEMORY, ..horizon(now) }
}

/// The events that forecasts may heed from `now` on: those that are vouched for, however far ahead, since nobody asks again
/// until they change.
pub fn heeded(store: &dyn Store, now: Timestamp) -> Result<Arc<[Occurrence]>, StoreError> {
    let ends = Timestamp::from_millis(i64::MAX);
    let signals = store.events(Window { ends, ..remembered(now) })?;
    let trusted = signals.iter().filter_map(Signal::to_act_on);
    Ok(trusted.cloned().map(Occurrence::from).collect())
}

/// The threads.
#[derive(Debug)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    threads: Vec<Thread>,
    /// Ends when all threads have.
    running: Receiver<()>,
}

impl Signals {
    /// Forgets what is no source any more and starts reading the others.
    pub(super) fn start(
        desk: &Desk,
        sources: Vec<SignalSource>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (alive, running) = channel();
        let known = taken_over(desk.store().as_ref(), &sources).map_err(std::io::Error::other)?;
        let mut threads = Vec::new();
        for source in sources {
            let fetching = Fetching::new().map_err(std::io::Error::other)?;
            let known = of(&known, source.name());
            let desk = desk.clone();
            let follower = Follower { source, fetching, desk, clock, known, told: None };
            threads.push(follower.follow(stop.clone(), alive.clone())?);
        }
        Ok(Self { stop, threads, running })
    }

    /// Ends them; a reading under way is waited for, but not for long.
    pub(super) fn close(self) {
        self.stop.store(true, Ordering::Release);
        self.threads.iter().for_each(Thread::unpark);
        // Nothing is ever sent: the wait ends when the last thread has dropped its end.
        let _ = self.running.recv_timeout(PATIENCE);
    }
}

/// The events that are kept of these sources, after those of others are forgotten. What the configuration does
/// not trust any more loses its trust before anybody sees it; the other way round the next reading tells.
fn taken_over(store: &dyn Store, sources: &[SignalSource]) -> Result<Vec<Signal>, StoreError> {
    let names = sources.iter().map(SignalSource::name).chain([API_SOURCE]);
    store.keep_sources(&names.collect::<Vec<_>>())?;
    let (begins, ends) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    let mut kept = store.events(Window { begins, ends })?;
    for source in sources.iter().filter(|source| !source.is_trusted()) {
        let mut own = of(&kept, source.name());
        if own.iter().any(Signal::is_trusted) {
            own = own.into_iter().map(Signal::distrusted).collect();
            store.put_events(source.name(), &own)?;
            kept.retain(|signal| signal.source() != source.name());
            kept.extend(own);
        }
    }
    Ok(kept)
}

fn of(signals: &[Signal], source: &str) -> Vec<Signal> {
    signals.iter().filter(|signal| signal.source() == source).cloned().collect()
}

/// One source on its thread.
struct Follower {
    source: SignalSource,
    fetching: Fetching,
    desk: Desk,
    clock: Clock,
    /// What the store has of it.
    known: Vec<Signal>,
    /// What the log said last of it: why it fails, or what was left out.
    told: Option<String>,
}

impl Follower {
    fn follow(mut self, stop: Arc<AtomicBool>, alive: Sender<()>) -> std::io::Result<Thread> {
        let named = std::thread::Builder::new().name("weft-signals".to_owned());
        let thread = named.spawn(move || {
            let _alive = alive;
            while !stop.load(Ordering::Acquire) {
                let next = Instant::now() + self.round();
                while !stop.load(Ordering::Acquire)
                    && let Some(rest) = next.checked_duration_since(Instant::now())
                {
                    std::thread::park_timeout(rest);
                }
            }
        })?;
        Ok(thread.thread().clone())
    }

    /// Reads the source; how long to wait before the next time.
    fn round(&mut self) -> Duration {
        let now = self.clock.now();
        let read = {
            let Self { source, fetching, .. } = self;
            source.read(now, remembered(now), |request| fetching.fetch(request))
        };
        let (outcome, pause) = match read {
            Ok(reading) => (self.take(reading, now), self.source.every()),
            Err(error) => {
                let sentence = format!("{:#}", anyhow::Error::new(error));
                (self.miss(sentence, now), self.source.every().min(AGAIN_AFTER))
            }
        };
        if let Err(error) = outcome {
            let source = self.source.name();
            tracing::error!(%error, source, "what a source of events said could not be stored; it is read again");
        }
        self.clock.lasts(pause).max(LEAST_PAUSE)
    }

    fn take(&mut self, reading: Reading, now: Timestamp) -> Result<(), StoreError> {
        let Reading { signals, problems } = reading;
        let store = self.desk.store().clone();
        if signals != self.known {
            store.put_events(self.source.name(), &signals)?;
            self.known = signals;
            self.desk.tell([Topic::Events, Topic::Outlook].into());
        }
        store.put_source(&KeptSource {
            read: Some(now),
            events: self.known.len(),
            problems: first_of(&problems),
            problem_count: problems.count(),
            ..self.tried(now)
        })?;
        self.desk.tell([Topic::Events].into());
        self.tell_problems(&problems);
        Ok(())
    }

    fn miss(&mut self, sentence: String, now: Timestamp) -> Result<(), StoreError> {
        let store = self.desk.store().clone();
        let before = store.sources()?.into_iter().find(|kept| kept.name == self.source.name());
        let tried = KeptSource { error: Some(sentence.clone()), ..self.tried(now) };
        store.put_source(&match before {
            Some(KeptSource { read, events, problems, problem_count, .. }) => {
                KeptSource { read, events, problems, problem_count, ..tried }
            }
            None => tried,
        })?;
        self.desk.tell([Topic::Events].into());
        if self.told.as_ref() != Some(&sentence) {
            let (source, events) = (self.source.name(), self.known.len());
            tracing::warn!(
                source,
                events,
                error = sentence,
                "a source of events could not be read: what it said last stays"
            );
            self.told = Some(sentence);
        }
        Ok(())
    }

    /// The source as it is configured, tried now.
    fn tried(&self, now: Timestamp) -> KeptSource {
        KeptSource {
            name: self.source.name().to_owned(),
            kind: self.source.kind().to_owned(),
            place: self.source.origin().shown(),
            is_trusted: self.source.is_trusted(),
            every: self.source.every(),
            tried: now,
            read: None,
            events: 0,
            error: None,
            problems: Vec::new(),
            problem_count: 0,
        }
    }

    /// Says once what is new: that it works again, or what was left out.
    fn tell_problems(&mut self, problems: &Problems) {
        let (source, events) = (self.source.name(), self.known.len());
        let first = problems.sentences().first().cloned();
        if first == self.told {
            return;
        }
        match &first {
            Some(first) => {
                let count = problems.count();
                tracing::warn!(
                    source,
                    events,
                    count,
                    first,
                    "parts of a source of events were left out"
                );
            }
            None => {
                tracing::info!(source, events, "a source of events is read without fault again");
            }
        }
        self.told = first;
    }
}

fn first_of(problems: &Problems) -> Vec<String> {
    problems.sentences().iter().take(SHOWN_PROBLEMS).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_collect::campaign::CampaignSource;
    use weft_core::event::{Event, EventKind, Provenance};
    use weft_core::policy::Selector;
    use weft_core::time::Step;
    use weft_store::SqliteStore;

    fn campaigns(name: &str, is_trusted: bool) -> SignalSource {
        SignalSource::Campaigns(CampaignSource {
            name: name.to_owned(),
            origin: weft_collect::signal::origin::Origin::Path("campaigns.csv".into()),
            every: Span::from_minutes(1),
            is_trusted,
        })
    }

    fn kept(source: &str, is_trusted: bool) -> Signal {
        let at = Timestamp::from_seconds;
        let event = Event {
            id: format!("{source}/sale").into(),
            kind: EventKind::Campaign,
            window: Window { begins: at(0), ends: at(1) },
            concerns: Selector::default(),
            expected_lift: Some(2.0),
        };
        let make = if is_trusted { Signal::trusted } else { Signal::untrusted };
        make(source, event, Provenance::named("sale"))
    }

    /// What may be acted on of a source, after a start with this configuration: none where it has no event.
    fn acting_after_start(store: &dyn Store, sources: &[SignalSource], name: &str) -> Option<bool> {
        let known = taken_over(store, sources).expect("taken over");
        let always =
            Window { begins: Timestamp::from_seconds(-1), ends: Timestamp::from_seconds(9) };
        let stored = of(&store.events(always).expect("read"), name);
        // Those of the API have no thread that would know them.
        assert!(
            name == API_SOURCE || stored == of(&known, name),
            "what is known is what is stored"
        );
        stored.first().map(|signal| signal.to_act_on().is_some())
    }

    #[test]
    fn a_start_takes_trust_away_and_never_gives_it() {
        let check = |was_trusted: bool, is_trusted: bool, expected: bool| {
            let store = SqliteStore::in_memory(Step::FIVE_MINUTES).expect("made");
            store.put_event(&kept("sales", was_trusted)).expect("put");
            let found = acting_after_start(&store, &[campaigns("sales", is_trusted)], "sales");
            assert_eq!(found, Some(expected), "{was_trusted} {is_trusted}");
        };
        check(true, true, true);
        check(true, false, false);
        check(false, false, false);
        check(false, true, false);
    }

    #[test]
    fn a_start_forgets_what_is_no_source_any_more() {
        let store = SqliteStore::in_memory(Step::FIVE_MINUTES).expect("made");
        for name in ["sales", "old", API_SOURCE] {
            store.put_event(&kept(name, true)).expect("put");
        }
        let sources = [campaigns("sales", true)];
        let found = ["sales", "old", API_SOURCE].map(|n| acting_after_start(&store, &sources, n));
        assert_eq!(found, [Some(true), None, Some(true)]);
    }

    #[test]
    fn the_horizon_reaches_from_yesterday_to_next_month() {
        let now = Timestamp::from_seconds(1_772_409_600);
        let window = horizon(now);
        assert!(window.contains(now - Span::from_hours(23)) && window.contains(now));
        assert!(window.contains(now + Span::from_days(31)) && !window.contains(now + AHEAD));
    }
}
