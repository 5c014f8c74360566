//! The state machine: what it knows, and what each event changes.
//!
//! Invariants, proved by the simulation: no start without its durable record; no start while frozen,
//! paused or killed; every start is checked once more against an observation of the same instant;
//! a move ends once, however often its end is reported.

mod asking;
mod budget;
mod moving;
mod observing;
mod planning;
mod resuming;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use weft_core::book::ForecastBook;
use weft_core::event::Occurrence;
use weft_core::fleet::Topology;
use weft_core::id::{HostId, JobId, MoveId, PlanId, RecordId, WorkloadId};
use weft_core::observation::{MoveMeasure, Observation};
use weft_core::outlook::Outlook;
use weft_core::plan::{Move, MoveState, Plan, Purpose};
use weft_core::policy::{Mode, Policy};
use weft_core::scenario::{Buckets, Scenarios};
use weft_core::series::Sample;
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Step, Timestamp};
use weft_forecast::bank::{Bank, BankConfig};
use weft_plan::precopy::PrecopyModel;
use weft_plan::situation::{PastMove, Situation};

pub use asking::Objection;

use crate::command::Command;
use crate::event::Event;
use crate::record::{Entry, Freeze, Record, Switch};

/// What the loop is set up with. Policy and topology are the first: others come as events.
#[derive(Debug, Clone)]
pub struct Config {
    /// The first regions, zones, hosts, links.
    pub topology: Arc<Topology>,
    /// The first policy.
    pub policy: Arc<Policy>,
    /// Distance between two samples.
    pub step: Step,
    /// Samples kept per series, in steps.
    pub history_steps: usize,
    /// How often the driver is asked for the fleet.
    pub observe_every: Span,
    /// An observation of this age is still of "this instant": a driver takes that long to answer.
    pub fresh_for: Span,
    /// How often a running move is asked for, once it should have ended.
    pub poll_every: Span,
    /// How hard the planner searches.
    pub iterations: u64,
    /// A plan that is not there after this long is given up and made anew: nothing starts while one
    /// is being made.
    pub plan_deadline: Span,
    /// Whether jobs also make what readers look at: the book of forecasts, the outlook of hosts.
    pub publish: bool,
    /// Series that the boosted trees are asked about in a step at most ([`BankConfig::look_ups`]).
    pub look_ups: usize,
    /// The seed of everything random.
    pub seed: u64,
}

impl Config {
    /// The defaults of a production fleet: 28 days of history, the fleet looked at every minute,
    /// an overdue move asked for every 15 seconds.
    pub fn new(topology: Arc<Topology>, policy: Arc<Policy>, step: Step, seed: u64) -> Self {
        Self {
            topology,
            policy,
            step,
            history_steps: 28 * step.per_day(),
            observe_every: Span::from_minutes(1),
            fresh_for: Span::from_seconds(2),
            poll_every: Span::from_seconds(15),
            iterations: 20_000,
            plan_deadline: Span::from_minutes(5),
            publish: false,
            look_ups: 40_000,
            seed,
        }
    }

    /// Forecasters that know nothing yet, in the shape that the loop needs.
    pub fn new_bank(&self) -> Bank {
        Bank::new(BankConfig {
            step: self.step,
            buckets: Buckets::covering(self.policy.horizon.whole_steps(self.step)),
            season_steps: self.step.per_day(),
            history_steps: self.history_steps,
            windows: 32,
            look_ups: self.look_ups,
        })
    }
}

/// A move and where it is in its life.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedMove {
    /// As planned.
    pub planned: Move,
    /// The plan it belongs to.
    pub plan: PlanId,
    /// Where it is in its life.
    pub state: MoveState,
    /// When its start was recorded.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it has taken so far.
    pub measure: MoveMeasure,
    /// When the driver is asked for it next.
    poll_at: Timestamp,
    /// Whether the driver, asked last, did not know it.
    unknown: bool,
    /// When it was first told to stop.
    cancelled: Option<Timestamp>,
    /// Whether its start waits for its record.
    recording: bool,
    /// Why it failed or was refused.
    pub why_not: Option<String>,
}

impl TrackedMove {
    fn new(planned: Move, plan: PlanId, state: MoveState) -> Self {
        Self {
            planned,
            plan,
            state,
            started: None,
            ended: None,
            measure: MoveMeasure::default(),
            poll_at: Timestamp::default(),
            unknown: false,
            cancelled: None,
            recording: false,
            why_not: None,
        }
    }

    /// A move that is only remembered: as planned, and what became of it.
    pub fn kept(planned: Move, plan: PlanId, state: MoveState) -> Self {
        Self::new(planned, plan, state)
    }

    /// Whether it waits for an approval or its start.
    fn waits(&self) -> bool {
        matches!(self.state, MoveState::Proposed | MoveState::Scheduled) && !self.recording
    }

    /// Whether it holds room and budget now.
    fn occupies(&self) -> bool {
        self.state == MoveState::Running || self.recording
    }
}

/// A person's consent to a move, kept over re-planning.
#[derive(Debug, Clone, PartialEq)]
struct Approval {
    cost: f64,
    expires: Timestamp,
}

/// Where the forecasters are.
#[derive(Debug)]
enum BankSeat {
    Home(Box<Bank>),
    Away(JobId),
    /// Being made anew from stored samples.
    Restoring(JobId),
    /// Lost with the job that held it, or not yet made: made anew from stored samples.
    Missing {
        /// They are asked for from then on: what broke them once may do so again.
        not_before: Timestamp,
    },
}

/// A fleet that could not be seen is looked at again after this long, however seldom it is looked at otherwise.
const OBSERVE_AGAIN_AFTER: Span = Span::from_minutes(1);

/// A planning job under way, and the moves that ran when it was handed out.
#[derive(Debug)]
struct PlanningJob {
    id: JobId,
    handed_out: Timestamp,
    running: BTreeSet<MoveId>,
}

/// The control loop.
#[derive(Debug)]
pub struct Control {
    config: Config,
    policy: Arc<Policy>,
    switch: Switch,
    freezes: BTreeMap<&'static str, (Freeze, Timestamp)>,
    drained: BTreeSet<HostId>,
    observation: Option<Arc<Observation>>,
    announced: Arc<[Occurrence]>,
    next_observe: Timestamp,
    /// Observations from before this instant do not show how the last moves ended.
    observed_anew_from: Timestamp,
    bank: BankSeat,
    waiting_samples: VecDeque<(Timestamp, Vec<Sample>)>,
    sampled_until: Option<Timestamp>,
    began: Option<Timestamp>,
    scenarios: Option<Arc<Scenarios>>,
    book: Option<Arc<ForecastBook>>,
    outlook: Option<Arc<Outlook>>,
    plan: Option<Arc<Plan>>,
    plan_wanted: bool,
    /// A plan that is wanted is not made before this instant.
    plan_not_before: Timestamp,
    planning: Option<PlanningJob>,
    /// Moves that have not ended.
    moves: BTreeMap<MoveId, TrackedMove>,
    /// Moves that have, of the last day.
    ended: BTreeMap<MoveId, TrackedMove>,
    approvals: BTreeMap<(WorkloadId, Purpose), Approval>,
    just_ended: BTreeMap<WorkloadId, (HostId, HostId)>,
    past_moves: BTreeMap<WorkloadId, PastMove>,
    recent_starts: VecDeque<Timestamp>,
    planned_since: BTreeMap<ShortageKey, Timestamp>,
    precopy: PrecopyModel,
    starting: BTreeMap<RecordId, MoveId>,
    wake_at: Option<Timestamp>,
    next_record: u64,
    next_job: u64,
    next_plan: u64,
    next_move: u64,
    steps_seen: u64,
}

impl Control {
    /// A loop that knows nothing yet.
    pub fn new(config: Config) -> Self {
        let policy = config.policy.clone();
        let bank = config.new_bank();
        Self {
            config,
            policy,
            switch: Switch::On,
            freezes: BTreeMap::new(),
            drained: BTreeSet::new(),
            observation: None,
            announced: Arc::default(),
            next_observe: Timestamp::default(),
            observed_anew_from: Timestamp::default(),
            bank: BankSeat::Home(Box::new(bank)),
            waiting_samples: VecDeque::new(),
            sampled_until: None,
            began: None,
            scenarios: None,
            book: None,
            outlook: None,
            plan: None,
            plan_wanted: false,
            plan_not_before: Timestamp::default(),
            planning: None,
            moves: BTreeMap::new(),
            ended: BTreeMap::new(),
            approvals: BTreeMap::new(),
            just_ended: BTreeMap::new(),
            past_moves: BTreeMap::new(),
            recent_starts: VecDeque::new(),
            planned_since: BTreeMap::new(),
            precopy: PrecopyModel::default(),
            starting: BTreeMap::new(),
            wake_at: None,
            next_record: 0,
            next_job: 0,
            next_plan: 0,
            next_move: 0,
            steps_seen: 0,
        }
    }

    /// Takes one event in and says what is to be done about it, in order.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Command> {
        self.began.get_or_insert(now);
        let mut commands = Vec::new();
        match event {
            Event::Wake => self.wake_at = self.wake_at.filter(|at| *at > now),
            Event::Charted(topology) => self.on_charted(topology),
            Event::Observed(observation) => self.on_observed(now, observation, &mut commands),
            Event::ObserveFailed(_) => {
                self.freeze(now, Freeze::Unobserved, &mut commands);
                self.next_observe = self.next_observe.min(now + OBSERVE_AGAIN_AFTER);
            }
            Event::Sampled { at, samples } => self.on_sampled(at, samples),
            Event::Announced(events) => self.announced = events,
            Event::BackFilled => self.bank = BankSeat::Missing { not_before: now },
            Event::Recorded(record) => self.on_recorded(now, record, &mut commands),
            Event::JobDone(job, result) => self.on_job_done(now, job, result, &mut commands),
            Event::JobFailed(job, _) => self.on_job_failed(now, job),
            Event::MoveReported(id, status) => self.on_reported(now, id, &status, &mut commands),
            Event::DriverFailed(id, _) => self.on_driver_failed(now, id),
            Event::Asked(request) => self.on_asked(now, request, &mut commands),
        }
        self.settle(now, &mut commands);
        commands
    }

    /// What follows from the state alone, after any event.
    fn settle(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        self.judge_freshness(now, commands);
        self.give_up_plan(now);
        self.restore_bank(now, commands);
        self.hand_out_update(commands);
        self.hand_out_plan(now, commands);
        self.dispatch(now, commands);
        self.poll(now, commands);
        if now >= self.next_observe {
            self.observe(now, commands);
        }
        self.ask_to_wake(now, commands);
    }

    fn observe(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        self.next_observe = now + self.config.observe_every;
        commands.push(Command::Observe);
    }

    /// Asks for the earliest instant at which anything is due.
    fn ask_to_wake(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let due = |tracked: &TrackedMove| match tracked.state {
            MoveState::Running => Some(tracked.poll_at),
            MoveState::Scheduled if !tracked.recording => Some(tracked.planned.start),
            _ => None,
        };
        let replan = self.plan_wanted.then_some(self.plan_not_before);
        let deadline = self.planning.as_ref().map(|job| job.handed_out + self.config.plan_deadline);
        let earliest = self
            .moves
            .values()
            .filter_map(due)
            .chain(replan)
            .chain(deadline)
            .filter(|at| *at > now)
            .fold(self.next_observe, Timestamp::min);
        if self.wake_at.is_none_or(|at| at > earliest) {
            self.wake_at = Some(earliest);
            commands.push(Command::WakeAt(earliest));
        }
    }

    fn record(&mut self, now: Timestamp, record: Record, commands: &mut Vec<Command>) -> RecordId {
        let id = RecordId(self.next_record);
        self.next_record += 1;
        commands.push(Command::Record(Entry { id, at: now, record }));
        id
    }

    fn take_job_id(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    fn running_ids(&self) -> BTreeSet<MoveId> {
        self.moves.iter().filter(|(_, m)| m.occupies()).map(|(id, _)| *id).collect()
    }

    /// Whether moves may be started now.
    pub fn may_start(&self) -> bool {
        self.switch == Switch::On
            && self.freezes.is_empty()
            && matches!(self.policy.mode, Mode::Approve | Mode::Auto)
    }

    /// The fleet as last seen.
    pub fn observation(&self) -> Option<&Arc<Observation>> {
        self.observation.as_ref()
    }

    /// Regions, zones, hosts and links as they are known.
    pub const fn topology(&self) -> &Arc<Topology> {
        &self.config.topology
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// Joint demand as last forecast.
    pub fn scenarios(&self) -> Option<&Arc<Scenarios>> {
        self.scenarios.as_ref()
    }

    /// Every move that is known: those that have not ended, then those of the last day that have.
    pub fn moves(&self) -> impl Iterator<Item = &TrackedMove> {
        self.moves.values().chain(self.ended.values())
    }

    /// Why nothing is started now, if that is so.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.values().map(|(freeze, _)| freeze)
    }

    /// The freezes, each with the instant since when.
    pub fn frozen_since(&self) -> impl Iterator<Item = (&Freeze, Timestamp)> {
        self.freezes.values().map(|(freeze, since)| (freeze, *since))
    }

    /// End of the newest step that at least half of the workloads delivered.
    pub const fn sampled_until(&self) -> Option<Timestamp> {
        self.sampled_until
    }

    /// Everything a plan made now would depend on; none before the fleet was observed.
    pub fn situation_now(&self, now: Timestamp) -> Option<Situation> {
        Some(self.situation(now, self.observation.clone()?))
    }

    /// The forecasts of all series, for readers; none before the first, or where nothing is published.
    pub const fn book(&self) -> Option<&Arc<ForecastBook>> {
        self.book.as_ref()
    }

    /// How every host looks ahead without and with the plan in force; none as for [`Self::book`].
    pub const fn outlook(&self) -> Option<&Arc<Outlook>> {
        self.outlook.as_ref()
    }

    /// A loop whose forecasters are first made from stored samples: it asks for that at its first
    /// observation.
    #[must_use]
    pub fn restoring(mut self) -> Self {
        self.bank = BankSeat::Missing { not_before: Timestamp::default() };
        self
    }

    /// The same loop with forecasters that know the past.
    #[must_use]
    pub fn with_bank(mut self, bank: Bank) -> Self {
        self.sampled_until = self.sampled_until.max(bank.heard_until());
        self.bank = BankSeat::Home(Box::new(bank));
        self
    }

    /// The operator's switch.
    pub const fn switch(&self) -> Switch {
        self.switch
    }

    /// The policy in force.
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The forecasters, while no job holds them.
    pub fn bank(&self) -> Option<&Bank> {
        match &self.bank {
            BankSeat::Home(bank) => Some(bank),
            BankSeat::Away(_) | BankSeat::Restoring(_) | BankSeat::Missing { .. } => None,
        }
    }
}
