//! Samples in, scenarios out, plans made and adopted.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::Arc;

use weft_core::id::{JobId, MoveId, PlanId};
use weft_core::observation::{HostState, Observation};
use weft_core::plan::{Move, MoveState, Plan, Unanswered};
use weft_core::policy::Mode;
use weft_core::resource::SeriesKey;
use weft_core::scenario::{Buckets, ScenarioParts, Scenarios, Tail};
use weft_core::series::Sample;
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Timestamp};
use weft_plan::situation::Situation;
use weft_plan::{Effort, Numbering};

use super::moving::End;
use super::{BankSeat, Control, PlanningJob, TrackedMove};
use crate::command::Command;
use crate::job::{Job, JobResult, PlanJob, UpdateJob};
use crate::record::Record;

/// How much dearer a move may have become for its approval to hold.
const APPROVED_COST_GROWTH: f64 = 1.2;

/// Between two plans for other causes than new samples: what made the first one fail is likely to make
/// the next one fail at once.
const PLAN_PAUSE: Span = Span::from_seconds(30);

impl Control {
    pub(super) fn on_sampled(&mut self, at: Timestamp, samples: Vec<Sample>) {
        let heard: BTreeSet<_> = samples
            .iter()
            .filter(|sample| sample.at >= at)
            .map(|sample| &sample.key.workload)
            .collect();
        let expected = self.observation.as_ref().map_or(1, |seen| seen.workloads.len());
        if !heard.is_empty() && heard.len() * 2 >= expected {
            self.sampled_until = Some(at + self.config.step.span());
        }
        self.waiting_samples.push_back((at, samples));
    }

    /// Hands the forecasters and the oldest waiting step to a job.
    pub(super) fn hand_out_update(&mut self, commands: &mut Vec<Command>) {
        let Some(observation) = self.observation.clone() else { return };
        if !matches!(self.bank, BankSeat::Home(_)) {
            return;
        }
        let Some((at, samples)) = self.waiting_samples.pop_front() else { return };
        let id = self.take_job_id();
        let BankSeat::Home(bank) = std::mem::replace(&mut self.bank, BankSeat::Away(id)) else {
            unreachable!("the bank is at home: checked above");
        };
        self.steps_seen += 1;
        let refit = self.steps_seen.is_multiple_of((self.config.step.per_day() as u64 / 24).max(1));
        let (events, publish) = (self.announced.clone(), self.config.publish);
        let job = UpdateJob { bank, at, samples, observation, events, refit, publish };
        commands.push(Command::Run(id, Job::Update(Box::new(job))));
    }

    pub(super) fn on_job_done(
        &mut self,
        now: Timestamp,
        id: JobId,
        result: JobResult,
        commands: &mut Vec<Command>,
    ) {
        match result {
            JobResult::Updated { bank, scenarios, book } => {
                let is_restored = matches!(self.bank, BankSeat::Restoring(job) if job == id);
                if is_restored {
                    // What the store told counts as heard only where most of the fleet was.
                    self.sampled_until = self.sampled_until.max(bank.heard_until());
                }
                if is_restored || matches!(self.bank, BankSeat::Away(job) if job == id) {
                    self.bank = BankSeat::Home(bank);
                    self.scenarios = scenarios.or(self.scenarios.take());
                    self.book = book.or(self.book.take());
                    if self.waiting_samples.is_empty() {
                        self.plan_wanted = true;
                        self.plan_not_before = now;
                    }
                }
            }
            JobResult::Planned { plan, refused, let_go, outlook } => {
                if self.planning.as_ref().is_none_or(|job| job.id != id) {
                    return;
                }
                let handed_out = self.planning.take().expect("a planning job: checked above");
                if self.is_stale(&handed_out) {
                    self.plan_wanted = true;
                    return;
                }
                self.outlook = outlook;
                self.adopt(now, plan, refused, let_go, commands);
            }
        }
    }

    /// A job that broke off took its share of the loop with it: the plan is made anew after a pause, the
    /// forecasters are made anew from stored samples.
    pub(super) fn on_job_failed(&mut self, now: Timestamp, id: JobId) {
        if self.planning.as_ref().is_some_and(|job| job.id == id) {
            self.want_plan_after_pause(now);
        }
        if matches!(self.bank, BankSeat::Away(job) | BankSeat::Restoring(job) if job == id) {
            self.bank = BankSeat::Missing { not_before: now + PLAN_PAUSE };
        }
    }

    /// A plan that does not come must not keep everything from starting for ever.
    pub(super) fn give_up_plan(&mut self, now: Timestamp) {
        let deadline = self.config.plan_deadline;
        if self.planning.as_ref().is_some_and(|job| now - job.handed_out >= deadline) {
            self.want_plan_after_pause(now);
        }
    }

    fn want_plan_after_pause(&mut self, now: Timestamp) {
        self.planning = None;
        self.plan_wanted = true;
        self.plan_not_before = now + PLAN_PAUSE;
    }

    /// Asks for forecasters where there are none.
    pub(super) fn restore_bank(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let Some(observation) = self.observation.clone() else { return };
        if matches!(self.bank, BankSeat::Missing { not_before } if now >= not_before) {
            let id = self.take_job_id();
            self.bank = BankSeat::Restoring(id);
            commands.push(Command::Restore(id, observation));
        }
    }

    /// Whether what runs is no longer what a plan was made for. A move that has succeeded meanwhile
    /// does not matter: the plan already counted its workload on the target, and its room on both ends.
    fn is_stale(&self, handed_out: &PlanningJob) -> bool {
        let running = self.running_ids();
        let mut ended = handed_out.running.difference(&running);
        !running.is_subset(&handed_out.running) || !ended.all(|id| self.succeeded(*id))
    }

    /// Hands a plan out where one is wanted and can be made.
    pub(super) fn hand_out_plan(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        if !self.plan_wanted || self.planning.is_some() || now < self.plan_not_before {
            return;
        }
        let Some(observation) = self.observation.clone() else { return };
        let lost = observation.hosts.values().any(|state| *state == HostState::Lost);
        if self.scenarios.is_none() && !lost {
            return;
        }
        self.plan_wanted = false;
        self.plan_not_before = now + PLAN_PAUSE;
        let id = self.take_job_id();
        self.next_plan += 1;
        let numbering =
            Numbering { plan: PlanId(self.next_plan), first_move: MoveId(self.next_move + 1) };
        let effort = Effort {
            iterations: self.config.iterations,
            seed: self.config.seed.wrapping_add(self.next_plan),
        };
        let job = PlanJob {
            situation: self.situation(now, observation),
            parent: self.plan.clone(),
            numbering,
            effort,
            waiting: self.waiting_ids(),
            publish: self.config.publish,
        };
        self.planning = Some(PlanningJob { id, handed_out: now, running: self.running_ids() });
        commands.push(Command::Run(id, Job::Plan(Box::new(job))));
    }

    /// Everything a plan, or the check of a start, depends on.
    pub(super) fn situation(&self, now: Timestamp, observation: Arc<Observation>) -> Situation {
        let chosen = |keep: fn(&TrackedMove) -> bool| -> Vec<Move> {
            let mut list: Vec<_> = self.moves.values().filter(|tracked| keep(tracked)).collect();
            list.sort_by_key(|tracked| (tracked.started, tracked.planned.id));
            list.into_iter().map(started_as_it_was).collect()
        };
        Situation {
            now,
            topology: self.config.topology.clone(),
            observation,
            running: chosen(TrackedMove::occupies),
            waiting: chosen(|tracked| tracked.state == MoveState::Scheduled && !tracked.recording),
            scenarios: self.scenarios.clone().unwrap_or_else(|| self.no_scenarios(now)),
            policy: self.policy.clone(),
            past_moves: self.past_moves.clone(),
            recent_starts: self.recent_starts.iter().copied().collect(),
            planned_since: self.planned_since.clone(),
            precopy: self.precopy.clone(),
        }
    }

    /// Joint demand of nobody: every workload then counts at its full allocation.
    fn no_scenarios(&self, now: Timestamp) -> Arc<Scenarios> {
        let buckets = Buckets::covering(self.policy.horizon.whole_steps(self.config.step));
        let tail = Tail::normal(buckets.len());
        let series: Vec<SeriesKey> = Vec::new();
        let parts = ScenarioParts {
            origin: now.floor(self.config.step),
            step: self.config.step,
            buckets,
            series: series.into(),
            windows: 0,
            mean: Vec::new(),
            within_variance: Vec::new(),
            residuals: Vec::new(),
            cap: Vec::new(),
            tail,
        };
        Arc::new(Scenarios::new(parts).expect("no series have no values"))
    }

    /// Adopts a plan; what the checker refused of it is already gone, and is told.
    fn adopt(
        &mut self,
        now: Timestamp,
        plan: Arc<Plan>,
        refused: Vec<String>,
        let_go: BTreeMap<MoveId, String>,
        commands: &mut Vec<Command>,
    ) {
        if !refused.is_empty() {
            let record = Record::MovesDropped { plan: plan.id, violations: refused };
            self.record(now, record, commands);
        }
        let last = plan.moves.iter().map(|planned| planned.id.0).max();
        self.next_move = self.next_move.max(last.unwrap_or(0));
        let since = |key: &ShortageKey| self.planned_since.get(key).copied().unwrap_or(now);
        let answered = plan.moves.iter().filter_map(|planned| planned.purpose.shortage());
        self.planned_since = answered.map(|key| (key.clone(), since(key))).collect();
        self.tell_of_approved(now, &plan, let_go, commands);
        self.supersede_waiting();
        self.forget_old_moves(now);
        if self.is_news(&plan) {
            self.record(now, Record::PlanAdopted { plan: plan.clone() }, commands);
        }
        if self.policy.mode >= Mode::Advise {
            // What was rejected, cancelled or expired while the plan was made stays ended.
            for planned in plan.moves.iter().filter(|m| !self.ended.contains_key(&m.id)) {
                let state = self.first_state(now, planned);
                let tracked = TrackedMove::new(planned.clone(), plan.id, state);
                self.moves.insert(planned.id, tracked);
            }
        }
        self.plan = Some(plan);
    }

    /// What a person has approved and the plan does not have goes, but not without a word.
    fn tell_of_approved(
        &mut self,
        now: Timestamp,
        plan: &Plan,
        mut let_go: BTreeMap<MoveId, String>,
        commands: &mut Vec<Command>,
    ) {
        let planned: BTreeSet<MoveId> = plan.moves.iter().map(|planned| planned.id).collect();
        let is_gone = |tracked: &&TrackedMove| {
            let (id, of) = (tracked.planned.id, &tracked.planned);
            let is_approved =
                self.approvals.contains_key(&(of.workload.clone(), of.purpose.clone()));
            let is_scheduled = tracked.state == MoveState::Scheduled && tracked.waits();
            is_scheduled && is_approved && !planned.contains(&id)
        };
        let gone: Vec<MoveId> =
            self.moves.values().filter(is_gone).map(|tracked| tracked.planned.id).collect();
        for id in gone {
            let why = let_go.remove(&id);
            let why = why
                .unwrap_or_else(|| "it was approved while a plan without it was made".to_owned());
            self.end(now, id, End::never_ran(MoveState::Superseded, Some(why)), commands);
        }
    }

    /// A plan without moves that sees the same shortages as the last, and leaves the same for the
    /// same kind of reason, says nothing new.
    fn is_news(&self, plan: &Plan) -> bool {
        let Some(last) = &self.plan else { return true };
        let keys = |plan: &Plan| plan.shortages.iter().map(|s| s.key.clone()).collect::<Vec<_>>();
        let left = |plan: &Plan| -> Vec<_> {
            let kind = |left: &Unanswered| (left.shortage.clone(), discriminant(&left.why));
            plan.unanswered.iter().map(kind).collect()
        };
        !plan.moves.is_empty()
            || !last.moves.is_empty()
            || keys(last) != keys(plan)
            || left(last) != left(plan)
    }

    /// Moves that wait for an approval or their start.
    fn waiting_ids(&self) -> BTreeSet<MoveId> {
        let waiting = self.moves.iter().filter(|(_, tracked)| tracked.waits());
        waiting.map(|(id, _)| *id).collect()
    }

    /// Moves of the old plan that have not started make way for the new plan's. Those that nobody
    /// approved leave no trace but the plan in the journal that superseded them.
    fn supersede_waiting(&mut self) {
        self.moves.retain(|_, tracked| !tracked.waits());
    }

    /// Ended moves are kept for a day: prerequisites and people look back no further.
    fn forget_old_moves(&mut self, now: Timestamp) {
        let day_ago = now - Span::from_days(1);
        self.ended.retain(|_, tracked| tracked.ended.is_none_or(|ended| ended > day_ago));
        self.approvals.retain(|_, approval| approval.expires >= now);
    }

    fn first_state(&self, now: Timestamp, planned: &Move) -> MoveState {
        if self.policy.mode == Mode::Auto {
            return MoveState::Scheduled;
        }
        let key = (planned.workload.clone(), planned.purpose.clone());
        let holds = self.policy.mode == Mode::Approve
            && self.approvals.get(&key).is_some_and(|approval| {
                now <= approval.expires
                    && planned.cost.total() <= approval.cost * APPROVED_COST_GROWTH
            });
        if holds { MoveState::Scheduled } else { MoveState::Proposed }
    }
}

/// The planned move with the start it really had.
fn started_as_it_was(tracked: &TrackedMove) -> Move {
    let mut planned = tracked.planned.clone();
    if let Some(started) = tracked.started {
        planned.start = started;
    }
    planned
}
