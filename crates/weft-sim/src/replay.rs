//! The control loop over a simulated fleet: the shell of the simulation.
//!
//! It carries commands out and feeds events back, in the order in which they happen, exactly as the
//! serving shell does; it decides nothing. Jobs run in line. The same world, configuration and seed
//! give the same journal, byte for byte.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use weft_control::command::Command;
use weft_control::control::{Config, Control};
use weft_control::event::Event;
use weft_control::job::JobResult;
use weft_control::record::Entry;
use weft_core::event::Occurrence;
use weft_core::series::Sample;
use weft_core::time::{Span, Timestamp};
use weft_driver::Driver;

use crate::oracle;
use crate::world::{Clock, World};

/// What the loop plans with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foresight {
    /// Its own forecasts: the product.
    Forecast,
    /// The true future: the bound that no forecast can beat with this planner.
    Truth,
}

/// The loop, its world and its journal.
#[derive(Debug)]
pub struct Replay {
    /// The simulated fleet.
    pub world: World,
    /// The loop.
    pub control: Control,
    /// What was recorded so far.
    pub journal: Vec<Entry>,
    config: Config,
    foresight: Foresight,
    events: VecDeque<Event>,
    wakes: BTreeSet<Timestamp>,
    next_step: Timestamp,
    arrived: Vec<Sample>,
    history_end: Option<Timestamp>,
    heard_until: Timestamp,
    history: Vec<(Timestamp, Vec<Sample>)>,
    crashes: BTreeSet<u64>,
    commands: u64,
    announced: Arc<[Occurrence]>,
    /// Steps of samples for somebody who stores them; none where nobody does.
    kept: Option<Vec<(Timestamp, Vec<Sample>)>>,
}

impl Replay {
    /// A loop that begins now over `world`.
    pub fn new(world: World, config: Config, foresight: Foresight) -> Self {
        let now = world.now();
        let next_step = now.floor(config.step) + config.step.span();
        Self {
            control: Control::new(config.clone()),
            journal: Vec::new(),
            foresight,
            events: VecDeque::new(),
            wakes: BTreeSet::from([now]),
            next_step,
            arrived: Vec::new(),
            history_end: None,
            heard_until: now,
            history: Vec::new(),
            crashes: BTreeSet::new(),
            commands: 0,
            announced: Arc::default(),
            kept: None,
            world,
            config,
        }
    }

    /// The controller dies right after carrying out the command of each of these numbers, counted
    /// over the whole run, and comes back with nothing but its journal and the stored samples.
    #[must_use]
    pub fn with_crashes(mut self, after_commands: BTreeSet<u64>) -> Self {
        self.crashes = after_commands;
        self
    }

    /// The same replay over a loop that knows the past, whose samples are kept for [`Self::take_steps`].
    #[must_use]
    pub fn live(mut self, control: Control) -> Self {
        self.control = control;
        self.kept = Some(Vec::new());
        self
    }

    /// The steps of samples that came since this was asked last.
    pub fn take_steps(&mut self) -> Vec<(Timestamp, Vec<Sample>)> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Gives the loop something that a person asked for.
    pub fn ask(&mut self, request: weft_control::event::Request, look: &mut dyn FnMut(&Look<'_>)) {
        self.deliver(Event::Asked(request), look);
    }

    /// Tells the loop of all outside events, in place of those of before.
    pub fn announce(&mut self, events: Arc<[Occurrence]>, look: &mut dyn FnMut(&Look<'_>)) {
        self.announced = events.clone();
        self.deliver(Event::Announced(events), look);
    }

    /// Runs until `end`; `look` sees the world and the loop after every command.
    pub fn run(&mut self, end: Timestamp, look: &mut dyn FnMut(&Look<'_>)) {
        loop {
            let wake = self.wakes.first().copied();
            let next = [self.world.next_event(), wake, Some(self.next_step)]
                .into_iter()
                .flatten()
                .min()
                .expect("the next step always lies ahead");
            if next > end {
                break;
            }
            self.world.advance(next);
            self.wakes = self.wakes.split_off(&(next + Span::from_millis(1)));
            self.arrived.append(&mut self.world.take_samples());
            if let Some(at) = self.sampled_step() {
                self.sample(at, look);
            }
            if wake.is_some_and(|at| at <= next) {
                self.deliver(Event::Wake, look);
            }
        }
        self.world.advance(end);
    }

    /// The step whose samples are complete now, if any. Monitors that report means do so when the
    /// step ends, and a step without samples is a step all the same. CloudSim's report what they see
    /// at a tick, at once.
    fn sampled_step(&mut self) -> Option<Timestamp> {
        let length = self.config.step.span();
        let over = self.world.now() >= self.next_step;
        let at = match self.world.physics().clock {
            Clock::Held => over.then(|| self.next_step - length),
            Clock::Sampled { .. } => {
                let newest = self.arrived.iter().map(|sample| sample.at).max();
                newest.filter(|at| self.history_end.is_none_or(|end| *at > end))
            }
        };
        if over {
            self.next_step = self.next_step + length;
        }
        at
    }

    /// Hands over the samples of the step that begins at `at`, and late ones that came with them.
    fn sample(&mut self, at: Timestamp, look: &mut dyn FnMut(&Look<'_>)) {
        self.history_end = Some(at);
        let samples = std::mem::take(&mut self.arrived);
        let heard: BTreeSet<_> =
            samples.iter().filter(|s| s.at >= at).map(|s| &s.key.workload).collect();
        if heard.len() * 2 >= self.world.workload_count().max(1) {
            self.heard_until = at + self.config.step.span();
        }
        if !self.crashes.is_empty() {
            self.history.push((at, samples.clone()));
        }
        if let Some(kept) = &mut self.kept {
            kept.push((at, samples.clone()));
        }
        self.deliver(Event::Sampled { at, samples }, look);
    }

    /// Feeds an event and everything that follows from it at this instant.
    fn deliver(&mut self, event: Event, look: &mut dyn FnMut(&Look<'_>)) {
        self.events.push_back(event);
        while let Some(event) = self.events.pop_front() {
            let commands = self.control.step(self.world.now(), event);
            for command in commands {
                let kind = Kind::of(&command);
                self.carry_out(command);
                self.commands += 1;
                look(&Look {
                    world: &self.world,
                    control: &self.control,
                    kind: &kind,
                    heard_until: self.heard_until,
                });
                if self.crashes.contains(&self.commands) {
                    self.crash();
                    break;
                }
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Record(entry) => {
                let id = entry.id;
                self.journal.push(entry);
                self.events.push_back(Event::Recorded(id));
            }
            Command::Observe => self.events.push_back(match self.world.observe() {
                Ok(observation) => Event::Observed(Arc::new(observation)),
                Err(error) => Event::ObserveFailed(error.to_string()),
            }),
            Command::Start(order) => {
                if let Err(error) = self.world.start(&order) {
                    self.events.push_back(Event::DriverFailed(order.id, error.to_string()));
                }
            }
            Command::Poll(id) => match self.world.poll(id) {
                Ok(status) => {
                    let answers = std::iter::repeat_n(status, self.world.copies(id) as usize);
                    self.events.extend(answers.map(|status| Event::MoveReported(id, status)));
                }
                Err(error) => self.events.push_back(Event::DriverFailed(id, error.to_string())),
            },
            Command::Cancel(id) => {
                if let Err(error) = self.world.cancel(id) {
                    self.events.push_back(Event::DriverFailed(id, error.to_string()));
                }
            }
            Command::Run(id, job) => {
                let result = self.with_foresight(job.run(&|| false));
                self.events.push_back(Event::JobDone(id, result));
            }
            // Nothing is lost in line, so this is never asked here; forecasters that know nothing do.
            Command::Restore(id, _) => {
                let bank = Box::new(self.config.new_bank());
                let result = JobResult::Updated { bank, scenarios: None, book: None };
                self.events.push_back(Event::JobDone(id, result));
            }
            Command::WakeAt(at) => {
                self.wakes.insert(at.max(self.world.now() + Span::from_millis(1)));
            }
        }
    }

    /// The oracle is the same loop with scenarios of the true future.
    fn with_foresight(&self, result: JobResult) -> JobResult {
        match (self.foresight, result) {
            (Foresight::Truth, JobResult::Updated { bank, scenarios, book }) => {
                let scenarios = scenarios.map(|guess| Arc::new(oracle::truth(&self.world, &guess)));
                JobResult::Updated { bank, scenarios, book }
            }
            (_, result) => result,
        }
    }

    /// The controller is gone and back: what was on its way to it is lost, what it had recorded
    /// and the samples that were stored are not.
    fn crash(&mut self) {
        self.events.clear();
        self.wakes = BTreeSet::from([self.world.now() + Span::from_seconds(1)]);
        self.control = Control::resume(self.config.clone(), &self.journal);
        self.events.push_back(Event::Announced(self.announced.clone()));
        for (at, samples) in self.history.clone() {
            self.events.push_back(Event::Sampled { at, samples });
        }
    }
}

/// What an onlooker sees after a command.
#[derive(Debug)]
pub struct Look<'a> {
    /// The simulated fleet.
    pub world: &'a World,
    /// The loop.
    pub control: &'a Control,
    /// The command that was just carried out.
    pub kind: &'a Kind,
    /// End of the newest step for which at least half of the workloads were heard of; the start of
    /// the replay where there is none.
    pub heard_until: Timestamp,
}

/// A command, as far as an onlooker needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A record was made durable.
    Recorded(Box<Entry>),
    /// An order went to the driver.
    Started(weft_core::observation::MoveOrder),
    /// Anything else.
    Other,
}

impl Kind {
    fn of(command: &Command) -> Self {
        match command {
            Command::Record(entry) => Self::Recorded(Box::new(entry.clone())),
            Command::Start(order) => Self::Started(order.clone()),
            _ => Self::Other,
        }
    }
}
