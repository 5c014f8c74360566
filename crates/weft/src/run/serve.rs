//! The loop on a real clock: one thread steps the state machine, others talk to the machines, take samples
//! in and compute. It carries commands out and feeds events back; it decides nothing. It must never act on what is
//! not durable, and never answer a request before it is.

pub mod intake;
pub mod machines;
pub mod restore;
pub mod signals;

mod housekeeping;
mod workers;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use weft_collect::signal::source::SignalSource;
use weft_control::command::Command;
use weft_control::control::{self, Control};
use weft_control::event::{Event, Request};
use weft_control::job::{self, JobResult};
use weft_control::record::{Entry, Record};
use weft_core::files::policy::unknown_name;
use weft_core::fleet::Topology;
use weft_core::id::JobId;
use weft_core::observation::Observation;
use weft_core::policy::Policy;
use weft_core::time::{Span, Timestamp};
use weft_store::{Store, StoreError};

use self::housekeeping::Housekeeping;
use self::intake::{Intake, Metrics};
use self::machines::{Line, Machines, Task};
use self::restore::{Depth, restored};
use self::signals::Signals;
use self::workers::Workers;
use super::clock::Clock;
use super::desk::{Answer, Ask, Desk, Letter, Refusal, Topic};
use super::load::HostLoads;
use super::told::told;
use super::view::View;

/// Views are shown no more often than this.
const SHOWN_EVERY: Duration = Duration::from_millis(250);

/// The clock of the view moves on this often where nothing else changes.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A store that failed is tried again after this long.
const STORED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How often somebody who needs the past looks whether it is there.
const SETTLED_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The share of the plan's deadline after which a search is asked to end with what it has.
const SEARCH_SHARE: f64 = 0.8;

/// What comes to the loop.
#[derive(Debug)]
pub enum Incoming {
    /// Somebody asks for something.
    Letter(Letter),
    /// Something happened.
    Event(Event),
}

/// What a loop lives from.
pub struct Parts {
    /// What moves workloads.
    pub machines: Box<dyn Machines>,
    /// What tells of their demand.
    pub metrics: Box<dyn Metrics>,
    /// What time it is.
    pub clock: Clock,
    /// How long samples are kept.
    pub retention: Span,
    /// What tells of outside events.
    pub sources: Vec<SignalSource>,
    /// Reads the policy's file anew.
    pub policy: Box<dyn Fn() -> anyhow::Result<Arc<Policy>> + Send>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Parts").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The loop before it runs: its state is what the journal tells.
#[derive(Debug)]
pub struct Founded {
    control: Control,
    config: control::Config,
    journaled_policy: Option<Arc<Policy>>,
    sender: Sender<Incoming>,
    incoming: Receiver<Incoming>,
}

impl Founded {
    /// A loop that takes over where the journal in `store` ends.
    pub fn new(config: control::Config, store: &dyn Store) -> Result<Self, StoreError> {
        let journal = store.resume_journal()?;
        let control = Control::resume(config.clone(), &journal).restoring();
        let journaled_policy = journal.iter().rev().find_map(|entry| match &entry.record {
            Record::PolicySet { policy } => Some(policy.clone()),
            _ => None,
        });
        let (sender, incoming) = channel();
        Ok(Self { control, config, journaled_policy, sender, incoming })
    }

    /// The desk of this loop.
    pub fn desk(&self, now: Timestamp, store: Arc<dyn Store>) -> Desk {
        let (step, topology) = (self.config.step, self.config.topology.clone());
        let view = View::of(now, step, topology, &self.control);
        let sender = self.sender.clone();
        let post = move |letter| {
            sender.send(Incoming::Letter(letter)).map_err(|back| match back.0 {
                Incoming::Letter(letter) => letter,
                Incoming::Event(_) => unreachable!("a letter was sent"),
            })
        };
        Desk::new(view, post, store)
    }

    /// Runs until somebody asks it to stop. Moves under way are left to the machines: the next start
    /// asks what became of them.
    pub fn run(self, desk: Desk, parts: Parts) -> std::io::Result<()> {
        let Self { control, config, journaled_policy, sender, incoming } = self;
        let Parts { machines, metrics, clock, retention, sources, policy } = parts;
        let store = desk.store().clone();
        let line = Line::to(machines, sender.clone())?;
        let workers = Workers::start(&sender)?;
        let step = config.step;
        let intake = Intake::start(metrics, store.clone(), clock, step, sender)?;
        let settled = intake.settled();
        let hour = housekeeping::hour(&clock);
        let housekeeping = Housekeeping::start(desk.clone(), retention, hour)?;
        let signals = Signals::start(&desk, sources, clock)?;
        let now = clock.now();
        let first_policy = config.policy.clone();
        let (line, workers) = (Some(line), Some(workers));
        let mut serving = Serving {
            control,
            config,
            clock,
            now,
            desk,
            store,
            line,
            workers,
            settled,
            load: None,
            policy,
            events: VecDeque::new(),
            heeded: None,
            unstored: VecDeque::new(),
            store_error: None,
            stored_last: Instant::now(),
            wake: None,
            changed: Topic::ALL.into(),
            shown: Instant::now(),
        };
        if journaled_policy.as_ref() != Some(&first_policy) {
            serving.deliver(Event::Asked(Request::SetPolicy(first_policy)));
        }
        serving.deliver(Event::Wake);
        serving.serve(&incoming);
        intake.close();
        housekeeping.close();
        signals.close();
        serving.close();
        Ok(())
    }
}

/// The loop at work.
struct Serving {
    control: Control,
    config: control::Config,
    clock: Clock,
    /// The instant of the last step: time never runs backwards here, whatever the machine's clock does.
    now: Timestamp,
    desk: Desk,
    store: Arc<dyn Store>,
    line: Option<Line>,
    workers: Option<Workers>,
    /// Whether the store has all of the past that could be had.
    settled: Arc<AtomicBool>,
    load: Option<Arc<HostLoads>>,
    policy: Box<dyn Fn() -> anyhow::Result<Arc<Policy>> + Send>,
    events: VecDeque<Event>,
    /// Which change of the outside events the loop was told of last.
    heeded: Option<u64>,
    /// Entries that the store would not take yet, in order.
    unstored: VecDeque<Entry>,
    store_error: Option<String>,
    stored_last: Instant,
    wake: Option<Timestamp>,
    changed: BTreeSet<Topic>,
    shown: Instant,
}

impl Serving {
    fn serve(&mut self, incoming: &Receiver<Incoming>) {
        loop {
            match incoming.recv_timeout(self.patience()) {
                Ok(Incoming::Letter(Letter { ask: Ask::Stop, reply })) => {
                    let _ = reply.send(Ok("stopping".to_owned()));
                    return;
                }
                Ok(Incoming::Letter(letter)) => self.take(letter),
                Ok(Incoming::Event(event)) => self.deliver(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if !self.unstored.is_empty() && self.stored_last.elapsed() >= STORED_AGAIN_AFTER {
                self.store_unstored();
                self.follow();
            }
            if self.wake.is_some_and(|at| self.clock.now() >= at) {
                self.wake = None;
                self.deliver(Event::Wake);
            }
            self.heed();
            self.show();
        }
    }

    /// Tells the loop of outside events where they have changed.
    fn heed(&mut self) {
        let told = self.desk.events_told();
        if self.heeded == Some(told) {
            return;
        }
        // Where the store fails, the loop goes on with what it knows until they change again.
        self.heeded = Some(told);
        match signals::heeded(self.store.as_ref(), self.clock.now()) {
            Ok(events) => self.deliver(Event::Announced(events)),
            Err(error) => tracing::error!(%error, "the outside events could not be read"),
        }
    }

    /// How long nothing needs to be done unless something comes.
    fn patience(&self) -> Duration {
        let shown = self.shown.elapsed();
        let show = if self.changed.is_empty() { HEARTBEAT } else { SHOWN_EVERY };
        let wake = self.wake.map_or(HEARTBEAT, |at| self.clock.until(at));
        show.saturating_sub(shown).min(wake).min(HEARTBEAT)
    }

    fn take(&mut self, letter: Letter) {
        let answer = self.answer(letter.ask);
        // Who asked sees in the next view what was done.
        self.publish();
        // Who asked may have gone: what was done stays done.
        let _ = letter.reply.send(answer);
    }

    fn answer(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Control(request) => self.request(request),
            Ask::ReloadPolicies => {
                let policy = (self.policy)();
                let policy = policy.map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
                if let Some(sentence) = self.unknown_name(&policy) {
                    return Err(Refusal::Invalid(sentence));
                }
                self.request(Request::SetPolicy(policy))
            }
            Ask::Demo(_) => Err(Refusal::NotADemo),
            Ask::Stop => Ok(String::new()),
        }
    }

    /// What a policy names and the fleet that was seen does not have: a rule that binds nobody is a slip.
    fn unknown_name(&self, policy: &Policy) -> Option<String> {
        let seen = self.control.observation()?;
        unknown_name(policy, self.control.topology(), &seen.workloads)
    }

    fn request(&mut self, request: Request) -> Answer {
        self.control.objection(&request)?;
        let done = told(&request, &self.control);
        self.deliver(Event::Asked(request));
        self.changed.extend(Topic::ALL);
        match &self.store_error {
            None => Ok(done),
            Some(error) => Err(Refusal::Unstored(error.clone())),
        }
    }

    fn deliver(&mut self, event: Event) {
        self.events.push_back(event);
        self.follow();
    }

    /// Feeds what waits, and everything that follows from it.
    fn follow(&mut self) {
        while let Some(event) = self.events.pop_front() {
            self.note(&event);
            self.now = self.now.max(self.clock.now());
            for command in self.control.step(self.now, event) {
                self.carry_out(command);
            }
        }
    }

    /// What readers see differently after an event.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Wake => {}
            Event::Recorded(_) => self.changed.extend([Topic::Journal, Topic::Moves]),
            Event::MoveReported(..) | Event::DriverFailed(..) => {
                self.changed.extend([Topic::Moves, Topic::Hosts]);
            }
            Event::Observed(seen) => {
                if self.control.observation().is_none() {
                    warn_of_slips(self.control.policy(), self.control.topology(), seen);
                }
                self.changed.extend([Topic::Status, Topic::Hosts]);
            }
            Event::ObserveFailed(_) | Event::Charted(_) => {
                self.changed.extend([Topic::Status, Topic::Hosts]);
            }
            Event::Sampled { at, samples } => {
                self.load = self.control.observation().map(|seen| {
                    let topology = self.control.topology();
                    Arc::new(HostLoads::of(*at, self.config.step, samples, seen, topology))
                });
                self.changed.extend([Topic::Status]);
            }
            Event::BackFilled => self.changed.extend([Topic::Status]),
            Event::Announced(_) => {}
            Event::JobDone(..) | Event::JobFailed(..) | Event::Asked(_) => {
                self.changed.extend(Topic::ALL);
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Record(entry) => {
                self.unstored.push_back(entry);
                self.store_unstored();
            }
            Command::Observe => self.ask(Task::Observe),
            Command::Start(order) => self.ask(Task::Start(order)),
            Command::Poll(id) => self.ask(Task::Poll(id)),
            Command::Cancel(id) => self.ask(Task::Cancel(id)),
            Command::Run(id, job) => {
                let limit = self.clock.lasts(self.config.plan_deadline).mul_f64(SEARCH_SHARE);
                if let Some(workers) = &self.workers {
                    workers.run(id, job, limit);
                }
            }
            Command::Restore(id, seen) => self.restore(id, seen),
            Command::WakeAt(at) => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
        }
    }

    fn ask(&self, task: Task) {
        if let Some(line) = &self.line {
            line.ask(task);
        }
    }

    fn restore(&self, id: JobId, seen: Arc<Observation>) {
        let (config, store) = (self.config.clone(), self.store.clone());
        let Some(workers) = &self.workers else { return };
        let (settled, stopping) = (self.settled.clone(), workers.stopping());
        workers.compute(
            id,
            Box::new(move || {
                while !settled.load(Ordering::Acquire) && !stopping.load(Ordering::Acquire) {
                    std::thread::park_timeout(SETTLED_AGAIN_AFTER);
                }
                let began = Instant::now();
                let bank = restored(&config, store.as_ref(), &seen, Depth::SERVED, &stopping)
                    .map_err(|error| error.to_string())?;
                let (series, seconds) = (bank.len(), began.elapsed().as_secs_f64());
                tracing::info!(series, seconds, "the forecasters have learned from the store");
                let (scenarios, book) = (bank.scenarios(), Some(Arc::new(job::book(&bank))));
                Ok(JobResult::Updated { bank: Box::new(bank), scenarios, book })
            }),
        );
    }

    /// Stores what is recorded; only then does the loop hear that it is durable.
    fn store_unstored(&mut self) {
        self.stored_last = Instant::now();
        let entries: Vec<Entry> = self.unstored.iter().cloned().collect();
        match self.store.append(&entries) {
            Ok(()) => {
                self.unstored.clear();
                if self.store_error.take().is_some() {
                    self.changed.insert(Topic::Status);
                }
                self.events.extend(entries.iter().map(|entry| Event::Recorded(entry.id)));
            }
            Err(error) => {
                tracing::error!(%error, entries = entries.len(), "the journal could not be stored: nothing starts until it is");
                self.store_error = Some(error.to_string());
                self.changed.insert(Topic::Status);
            }
        }
    }

    fn show(&mut self) {
        if !self.changed.is_empty() {
            if self.shown.elapsed() >= SHOWN_EVERY {
                self.publish();
            }
        } else if self.shown.elapsed() >= HEARTBEAT {
            self.shown = Instant::now();
            let view = View { now: self.now.max(self.clock.now()), ..(*self.desk.view()).clone() };
            self.desk.publish(view, BTreeSet::from([Topic::Status]));
        }
    }

    fn publish(&mut self) {
        self.shown = Instant::now();
        let topology = self.control.topology().clone();
        let now = self.now.max(self.clock.now());
        let mut view = View::of(now, self.config.step, topology, &self.control);
        view.load = self.load.clone();
        view.may_start &= self.store_error.is_none();
        view.unstored = self.store_error.clone();
        self.desk.publish(view, std::mem::take(&mut self.changed));
    }

    /// Ends the threads. What they still had to say is said anew after the next start.
    fn close(mut self) {
        if let Some(workers) = self.workers.take() {
            workers.close();
        }
        if let Some(line) = self.line.take() {
            line.close();
        }
        if !self.unstored.is_empty() {
            self.store_unstored();
        }
    }
}

/// A fleet changes, so what a policy names may be there tomorrow: at the start it is no error.
fn warn_of_slips(policy: &Policy, topology: &Topology, seen: &Observation) {
    if let Some(sentence) = unknown_name(policy, topology, &seen.workloads) {
        tracing::warn!(sentence, "a part of the policy binds nobody");
    }
}
