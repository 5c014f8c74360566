//! Jobs: the long computations of the loop as values, composed once for serving and for replay.
//!
//! `update` takes a step of samples into the forecasters and draws scenarios; `plan` detects
//! shortages, plans and lets the checker judge. A job reads nothing but itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_core::book::ForecastBook;
use weft_core::event::Occurrence;
use weft_core::fleet::{Placement, Workloads};
use weft_core::forecast::Levels;
use weft_core::id::MoveId;
use weft_core::observation::Observation;
use weft_core::outlook::Outlook;
use weft_core::plan::{FleetCost, Move, Plan};
use weft_core::policy::Mode;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::scenario::Scenarios;
use weft_core::series::Sample;
use weft_core::time::Timestamp;
use weft_forecast::bank::{Announcement, Bank, Concerned, Group};
use weft_plan::check::check;
use weft_plan::situation::Situation;
use weft_plan::{Effort, Numbering};

/// A long computation.
#[derive(Debug)]
pub enum Job {
    /// Take samples in, draw scenarios.
    Update(Box<UpdateJob>),
    /// Detect, plan, check.
    Plan(Box<PlanJob>),
}

/// What a job found.
#[derive(Debug)]
pub enum JobResult {
    /// Of an update.
    Updated {
        /// The forecasters, with the samples taken in.
        bank: Box<Bank>,
        /// Joint demand from now on; none while too little is known.
        scenarios: Option<Arc<Scenarios>>,
        /// The book of forecasts, where one was asked for.
        book: Option<Arc<ForecastBook>>,
    },
    /// Of planning.
    Planned {
        /// The plan, without the moves that the checker refused.
        plan: Arc<Plan>,
        /// What the checker found wrong with it: nothing, or there is a defect.
        refused: Vec<String>,
        /// The approved moves that it had to let go, each with the reason.
        let_go: BTreeMap<MoveId, String>,
        /// How hosts look ahead, where that was asked for.
        outlook: Option<Arc<Outlook>>,
    },
}

impl Job {
    /// Runs the job; `stop` ends a search early where the caller is out of time.
    pub fn run(self, stop: &dyn Fn() -> bool) -> JobResult {
        match self {
            Self::Update(job) => job.run(),
            Self::Plan(job) => job.run(stop),
        }
    }
}

/// The levels that readers see: the median, the half and the nine tenths around it, and the upper tail.
const LEVELS: [f64; 6] = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// The book of a bank's forecasts at the levels that readers see.
pub fn book(bank: &Bank) -> ForecastBook {
    bank.book(&Levels::new(&LEVELS).expect("the levels ascend within (0, 1) around 0.5"))
}

/// Takes one step of samples into the forecasters.
#[derive(Debug)]
pub struct UpdateJob {
    /// The forecasters.
    pub bank: Box<Bank>,
    /// Start of the step.
    pub at: Timestamp,
    /// Its samples.
    pub samples: Vec<Sample>,
    /// The fleet: who is on which host, whose tails are calibrated; who is gone.
    pub observation: Arc<Observation>,
    /// Outside events that forecasts heed.
    pub events: Arc<[Occurrence]>,
    /// Whether forecasters whose time has come are fitted anew.
    pub refit: bool,
    /// Whether the book of forecasts is made too.
    pub publish: bool,
}

impl UpdateJob {
    fn run(mut self) -> JobResult {
        self.welcome();
        self.announce();
        let groups = self.groups();
        self.bank.observe(self.at, &self.samples, &groups);
        if self.refit {
            self.bank.refit();
        }
        let scenarios = self.bank.scenarios();
        let book = self.publish.then(|| Arc::new(book(&self.bank)));
        JobResult::Updated { bank: self.bank, scenarios, book }
    }

    /// Makes forecasters for series seen first and drops those of workloads that are gone.
    fn welcome(&mut self) {
        let workloads = &self.observation.workloads;
        self.bank.retain(|key: &SeriesKey| workloads.contains_key(&key.workload));
        for sample in &self.samples {
            if self.bank.contains(&sample.key) {
                continue;
            }
            if let Some(workload) = workloads.get(&sample.key.workload) {
                let cap = match sample.key.measure {
                    Measure::Resource(Resource::Cpu) => workload.cpu_millicores() as f32,
                    _ => f32::INFINITY,
                };
                self.bank.insert(sample.key.clone(), cap);
            }
        }
    }

    /// Tells the forecasters of events where these are others than before, and whenever models may be fitted.
    fn announce(&mut self) {
        let told = self.bank.announced().iter().map(|announcement| &announcement.occurrence);
        if self.refit && !self.events.is_empty() || !told.eq(self.events.iter()) {
            self.bank.announce(announcements(&self.events, &self.observation.workloads));
        }
    }

    /// The members of every host, per flowing resource.
    fn groups(&self) -> Vec<Group> {
        host_groups(&self.observation.placement)
    }
}

/// Each event with the workloads of the fleet that it concerns.
pub fn announcements(events: &[Occurrence], workloads: &Workloads) -> Vec<Announcement> {
    let concerned = |occurrence: &Occurrence| {
        let concerns = &occurrence.event.concerns;
        if concerns.names.is_empty() && concerns.tags.is_empty() {
            return Concerned::All;
        }
        let selected = workloads.values().filter(|workload| concerns.selects_workload(workload));
        Concerned::Workloads(selected.map(|workload| workload.id.clone()).collect())
    };
    let announce = |occurrence: &Occurrence| Announcement {
        occurrence: occurrence.clone(),
        concerned: concerned(occurrence),
    };
    events.iter().map(announce).collect()
}

/// Who shares a host, for every host and flowing resource.
pub fn host_groups(placement: &Placement) -> Vec<Group> {
    let mut members = BTreeMap::new();
    for (workload, replicas) in &placement.0 {
        for replica in replicas {
            for resource in Resource::FLOWING {
                let key = SeriesKey::resource(workload.clone(), resource);
                let group: &mut Vec<_> = members.entry((&replica.host, resource)).or_default();
                group.push((key, replica.share() as f32));
            }
        }
    }
    members.into_iter().map(|((_, resource), members)| Group { resource, members }).collect()
}

/// Plans, and lets the checker judge.
#[derive(Debug)]
pub struct PlanJob {
    /// What there is.
    pub situation: Situation,
    /// The plan to replace.
    pub parent: Option<Arc<Plan>>,
    /// The numbers to give.
    pub numbering: Numbering,
    /// How hard to search.
    pub effort: Effort,
    /// The moves of the plan to replace that wait: where the new plan has the same, it keeps their
    /// numbers, so that what a person looks at stays what it was.
    pub waiting: BTreeSet<MoveId>,
    /// Whether the outlook of hosts is made too.
    pub publish: bool,
}

impl PlanJob {
    fn run(self, stop: &dyn Fn() -> bool) -> JobResult {
        if self.situation.policy.mode == Mode::Observe {
            return self.planned(self.detect(), Vec::new(), BTreeMap::new());
        }
        let plan = weft_plan::make(
            &self.situation,
            self.parent.as_deref(),
            self.numbering,
            self.effort,
            stop,
        );
        let plan = self.with_kept_numbers(plan);
        let refused = check(&self.situation, &plan);
        let plan = if refused.is_empty() { plan } else { self.without_refused_moves(plan) };
        let (plan, let_go) = self.with_approved_moves(plan);
        self.planned(plan, refused.iter().map(ToString::to_string).collect(), let_go)
    }

    /// The plan with the numbers of the waiting moves that it has again.
    fn with_kept_numbers(&self, mut plan: Plan) -> Plan {
        let Some(parent) = &self.parent else { return plan };
        let same = |a: &Move, b: &Move| {
            a.workload == b.workload
                && (&a.from, &a.to, &a.purpose) == (&b.from, &b.to, &b.purpose)
                && a.strategy == b.strategy
        };
        let mut open: Vec<&Move> =
            parent.moves.iter().filter(|old| self.waiting.contains(&old.id)).collect();
        let mut kept = BTreeMap::new();
        for planned in &plan.moves {
            if let Some(position) = open.iter().position(|old| same(old, planned)) {
                kept.insert(planned.id, open.swap_remove(position).id);
            }
        }
        let renamed = |id: MoveId| kept.get(&id).copied().unwrap_or(id);
        for planned in &mut plan.moves {
            planned.id = renamed(planned.id);
            planned.prerequisites.iter_mut().for_each(|id| *id = renamed(*id));
        }
        plan
    }

    /// The plan with the approved moves that it no longer has, and those that it had to let go: what a
    /// person has let go ahead is done while the checker lets it pass, though a newer forecast would not
    /// propose it. One whose workload the plan moves otherwise makes way.
    fn with_approved_moves(&self, mut plan: Plan) -> (Plan, BTreeMap<MoveId, String>) {
        let mut let_go = BTreeMap::new();
        if self.situation.policy.mode != Mode::Approve {
            return (plan, let_go);
        }
        // By start: what a move waits for is admitted before it.
        let mut approved: Vec<&Move> = self.situation.waiting.iter().collect();
        approved.sort_by_key(|waiting| (waiting.start, waiting.id));
        for waiting in approved {
            if plan.moves.iter().any(|planned| planned.id == waiting.id) {
                continue;
            }
            let instead = plan.moves.iter().find(|planned| planned.workload == waiting.workload);
            let why = match instead {
                Some(planned) => {
                    format!("{} moves the workload to {} instead", planned.id, planned.to)
                }
                None => {
                    let start = waiting.start.max(self.situation.now);
                    plan.moves.push(Move { start, ..waiting.clone() });
                    let Some(violation) = check(&self.situation, &plan).into_iter().next() else {
                        continue;
                    };
                    plan.moves.pop();
                    violation.to_string()
                }
            };
            let_go.insert(waiting.id, why);
        }
        plan.moves.sort_by_key(|planned| (planned.start, planned.id));
        (plan, let_go)
    }

    fn planned(
        &self,
        plan: Plan,
        refused: Vec<String>,
        let_go: BTreeMap<MoveId, String>,
    ) -> JobResult {
        let outlook = self.publish.then(|| Arc::new(weft_plan::outlook(&self.situation, &plan)));
        JobResult::Planned { plan: Arc::new(plan), refused, let_go, outlook }
    }

    /// The plan with only those moves that the checker lets pass together: one bad move must not
    /// keep the others from answering a shortage.
    fn without_refused_moves(&self, mut plan: Plan) -> Plan {
        let moves = std::mem::take(&mut plan.moves);
        self.admit(&mut plan, &moves);
        plan
    }

    /// Adds the moves to the plan, or those of them that pass: halves, halves of halves, each one.
    fn admit(&self, plan: &mut Plan, moves: &[Move]) {
        let kept = plan.moves.len();
        plan.moves.extend_from_slice(moves);
        if check(&self.situation, plan).is_empty() {
            return;
        }
        plan.moves.truncate(kept);
        if moves.len() > 1 {
            let (first, second) = moves.split_at(moves.len() / 2);
            self.admit(plan, first);
            self.admit(plan, second);
        }
    }

    /// In mode observe nothing is planned: shortages only.
    fn detect(&self) -> Plan {
        let situation = &self.situation;
        Plan {
            id: self.numbering.plan,
            parent: self.parent.as_ref().map(|parent| parent.id),
            made_at: situation.now,
            until: situation.now + situation.policy.horizon,
            shortages: weft_plan::detect(situation),
            moves: Vec::new(),
            unanswered: Vec::new(),
            cost_without: FleetCost::default(),
            cost_with: FleetCost::default(),
        }
    }
}
