//! The demo: the real control loop over a simulated fleet on an accelerated clock. The same replay that
//! backtests use steps the loop, so what is seen here is what was tested; only the pace and the
//! buttons are added. It must never let the simulated clock run ahead of what is stored.

mod acts;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use thiserror::Error;
use weft_control::control::{Config, Control};
use weft_core::event::Signal;
use weft_core::fleet::Topology;
use weft_core::policy::{Mode, Policy};
use weft_core::time::{Span, Timestamp};
use weft_driver::{Driver, DriverError};
use weft_sim::fault::FaultPlan;
use weft_sim::generator::MadeFleet;
use weft_sim::generator::demo::{demo_fleet, history};
use weft_sim::replay::{Foresight, Kind, Look, Replay};
use weft_sim::twin::Twin;
use weft_sim::world::{Physics, World, WorldError};
use weft_store::{Store, StoreError};

use super::desk::{Ask, Desk, Letter, Refusal, Topic};
use super::load::HostLoads;
use super::serve::restore::{Depth, restored};
use super::serve::signals::heeded;
use super::told::told;
use super::view::{DemoView, View};
use crate::api::shapes::signals::DemoPlace;

/// How much history is stored.
const STORED: Span = Span::from_days(28);
/// The newest of it that the forecasters are made from, before the demo begins: since Monday's first hour.
/// What comes before was a weekend, and forecasters know no weeks yet.
const LEARNED: Span = Span::from_hours(3 * 24 + 8);
/// A machine that shows a demo has little time: some seconds of work. The first two days are not judged, so
/// that whatever is judged was forecast by a model that knows the hours of the day.
const DEPTH: Depth = Depth { judged: 700_000, watched: 116_000 };
/// Every demo begins on the same Thursday, 5 March 2026, at eight in the morning: the same seed shows the
/// same. What is learned are working days then, and a working day comes.
const START_SECONDS: i64 = 1_772_697_600;
/// The days that a demo's fleet has demand for.
const DAYS: u32 = 60;
/// How often letters are looked for and the clock is moved on.
const BEAT: Duration = Duration::from_millis(40);
/// Views are shown no more often than this.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
/// The most simulated time in one beat: a slow machine slows the clock instead of falling behind.
const LONGEST_BEAT: Span = Span::from_minutes(5);

/// Why a demo cannot run.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The made-up fleet contradicts itself: a defect.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The simulated fleet does not answer: a defect.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The demo, ready to run.
#[derive(Debug)]
pub struct Demo {
    replay: Replay,
    twin: Twin,
    topology: Arc<Topology>,
    speed: f64,
    began: Timestamp,
    lost: Vec<DemoPlace>,
    load: Option<Arc<HostLoads>>,
}

/// A demo that knows its fleet and has not yet learned from its history.
#[derive(Debug)]
pub struct Founded {
    fleet: MadeFleet,
    config: Config,
    seed: u64,
    speed: f64,
}

impl Founded {
    /// The demo's fleet from `seed`.
    pub fn new(seed: u64, speed: f64) -> Self {
        let fleet = demo_fleet(seed, Timestamp::from_seconds(START_SECONDS), DAYS);
        let config = config(&fleet, seed);
        Self { fleet, config, seed, speed }
    }

    /// What there is to see before anything was learned: places, and nothing of the time ahead.
    pub fn view(&self) -> View {
        let (now, step) = (self.fleet.start, self.fleet.step);
        let control = Control::new(self.config.clone());
        let mut view = View::of(now, step, self.fleet.topology.clone(), &control);
        let (speed, began) = (self.speed, now);
        view.demo = Some(Arc::new(DemoView { speed, began, ..DemoView::default() }));
        view
    }

    /// Stores the newest days of the history and learns from them, as `weft serve` does from its store:
    /// some seconds of work. The older days are stored while the demo runs.
    pub fn learn(self, store: &Arc<dyn Store>) -> Result<Demo, DemoError> {
        let Self { fleet, config, seed, speed } = self;
        let spec = fleet.world(Physics::default(), FaultPlan::none(), seed);
        let (mut world, twin) = (World::new(spec.clone())?, Twin::new(spec)?);
        let newest: Vec<_> = history(&fleet, LEARNED).map(|part| (part.key, part.series)).collect();
        store.back_fill_all(&newest)?;
        let events: Vec<Signal> = fleet.events().iter().cloned().map(acts::vouched_for).collect();
        store.put_events(acts::SOURCE, &events)?;
        let seen = world.observe()?;
        let bank = restored(&config, store.as_ref(), &seen, DEPTH, &AtomicBool::new(false))?;
        let control = Control::new(config.clone()).with_bank(bank);
        let mut replay = Replay::new(world, config, Foresight::Forecast).live(control);
        replay.announce(heeded(store.as_ref(), fleet.start)?, &mut |_| {});
        let (topology, began) = (fleet.topology.clone(), fleet.start);
        let store = store.clone();
        std::thread::spawn(move || keep_past(&fleet, store.as_ref()));
        Ok(Demo { replay, twin, topology, speed, began, lost: Vec::new(), load: None })
    }
}

/// Stores the whole history, at half of a core's pace: the loop and whoever looks at it go first. Charts show
/// it, nothing is learned from it.
fn keep_past(fleet: &MadeFleet, store: &dyn Store) {
    let mut since = Instant::now();
    for part in history(fleet, STORED) {
        if let Err(error) = store.back_fill(&part.key, &part.series) {
            tracing::error!(%error, "the demo's past is not stored");
            return;
        }
        std::thread::sleep(since.elapsed());
        since = Instant::now();
    }
}

impl Demo {
    /// The loop as it stands.
    pub fn view(&mut self) -> View {
        let now = self.replay.world.now();
        let (topology, step) = (self.topology.clone(), self.replay.world.step());
        let mut view = View::of(now, step, topology, &self.replay.control);
        view.load = self.load.clone();
        let ours = self.replay.world.judge().metrics();
        let theirs = self.twin.world().judge().metrics();
        let lasting = self.twin.being_avoided(&self.replay.world);
        let avoided = lasting.into_iter().chain(self.twin.avoided().cloned()).take(20);
        view.demo = Some(Arc::new(DemoView {
            speed: self.speed,
            began: self.began,
            overload_minutes: ours.overload_minutes,
            twin_overload_minutes: theirs.overload_minutes,
            unserved_core_hours: ours.unserved.total(),
            twin_unserved_core_hours: theirs.unserved.total(),
            avoided: avoided.collect(),
            lost: self.lost.clone(),
        }));
        view
    }

    /// Runs until somebody asks to stop, or the store fails.
    pub fn run(mut self, desk: &Desk, letters: &Receiver<Letter>) -> Result<(), DemoError> {
        let mut changed: BTreeSet<Topic> = Topic::ALL.into();
        let (mut beat, mut shown) = (Instant::now(), Instant::now() - SHOWN_EVERY);
        loop {
            match letters.recv_timeout(BEAT.saturating_sub(beat.elapsed())) {
                Ok(Letter { ask: Ask::Stop, reply }) => {
                    let _ = reply.send(Ok("the demo has stopped".to_owned()));
                    return Ok(());
                }
                Ok(Letter { ask, reply }) => {
                    let answer = self.answer(ask, desk.store().as_ref(), &mut changed);
                    // Who asked sees in the next view what was done.
                    desk.publish(self.view(), std::mem::take(&mut changed));
                    // Who asked may have gone: what was done stays done.
                    let _ = reply.send(answer);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if beat.elapsed() < BEAT {
                continue;
            }
            let passed = Span::from_seconds_f64(beat.elapsed().as_secs_f64() * self.speed);
            beat = Instant::now();
            let until = self.replay.world.now() + passed.min(LONGEST_BEAT);
            self.advance(until, desk.store().as_ref(), &mut changed)?;
            if shown.elapsed() >= SHOWN_EVERY {
                shown = Instant::now();
                changed.insert(Topic::Status);
                desk.publish(self.view(), std::mem::take(&mut changed));
            }
        }
    }

    fn advance(
        &mut self,
        until: Timestamp,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Result<(), StoreError> {
        let before = self.replay.control.plan().map(|plan| plan.id);
        let twin = &mut self.twin;
        let mut stored = Ok(());
        self.replay.run(until, &mut |look| {
            twin.follow(look.world);
            keep(look, store, &mut stored, changed);
        });
        stored?;
        self.twin.follow(&self.replay.world);
        for (at, samples) in self.replay.take_steps() {
            store.write_step(at, &samples)?;
            if let Some(seen) = self.replay.control.observation() {
                let step = self.replay.world.step();
                let load = HostLoads::of(at, step, &samples, seen, &self.topology);
                self.load = Some(Arc::new(load));
            }
            changed.extend([Topic::Outlook, Topic::Shortages, Topic::Hosts]);
        }
        if self.replay.control.plan().map(|plan| plan.id) != before {
            self.watch();
            changed.extend([Topic::Plans, Topic::Outlook, Topic::Shortages, Topic::Moves]);
        }
        Ok(())
    }

    /// What the plan answers is compared with the twin once its time has passed.
    fn watch(&mut self) {
        let Some(plan) = self.replay.control.plan() else { return };
        for shortage in &plan.shortages {
            let answers = plan.moves.iter().filter(|m| m.purpose.shortage() == Some(&shortage.key));
            let moves: Vec<_> = answers.map(|planned| planned.id).collect();
            if !moves.is_empty() {
                let window =
                    weft_core::policy::Window { begins: shortage.begins, ends: shortage.ends };
                self.twin.watch(&shortage.key, window, &moves);
            }
        }
    }

    fn answer(
        &mut self,
        ask: Ask,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Result<String, Refusal> {
        match ask {
            Ask::Control(request) => {
                self.replay.control.objection(&request)?;
                let done = told(&request, &self.replay.control);
                self.request(request, store, changed)?;
                Ok(done)
            }
            Ask::Demo(ask) => self.act(ask, store, changed),
            Ask::ReloadPolicies => Err(Refusal::Invalid(
                "expected a policy file, found the demo's own policy".to_owned(),
            )),
            Ask::Stop => Ok(String::new()),
        }
    }

    /// Gives the loop a request; done when it is stored.
    fn request(
        &mut self,
        request: weft_control::event::Request,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Result<(), Refusal> {
        let mut stored = Ok(());
        self.replay.ask(request, &mut |look| keep(look, store, &mut stored, changed));
        changed.extend(Topic::ALL);
        stored.map_err(|error| Refusal::Store(error.to_string()))
    }
}

/// Stores what the loop has just recorded, before anything follows from it.
fn keep(
    look: &Look<'_>,
    store: &dyn Store,
    stored: &mut Result<(), StoreError>,
    changed: &mut BTreeSet<Topic>,
) {
    match look.kind {
        Kind::Recorded(entry) => {
            changed.extend([Topic::Journal, Topic::Moves]);
            if stored.is_ok() {
                *stored = store.append(std::slice::from_ref(&**entry));
            }
        }
        Kind::Started(_) => changed.extend([Topic::Moves, Topic::Hosts]),
        Kind::Other => {}
    }
}

fn config(fleet: &MadeFleet, seed: u64) -> Config {
    let policy = Policy {
        name: "demo".to_owned(),
        mode: Mode::Auto,
        horizon: Span::from_hours(24),
        rules: fleet.rules.clone(),
        ..Policy::default()
    };
    let mut config = Config::new(fleet.topology.clone(), Arc::new(policy), fleet.step, seed);
    config.publish = true;
    config.history_steps = LEARNED.whole_steps(fleet.step);
    // Its days pass in minutes: there is no time to ask the trees about every series in every step.
    config.look_ups = 200;
    config
}
