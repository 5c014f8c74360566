//! Moves from due to done: check, record, start, poll, give up, end.

use std::sync::Arc;

use weft_core::fleet::Topology;
use weft_core::id::{HostId, MoveId, RecordId};
use weft_core::observation::{MoveFailure, MoveMeasure, MoveOrder, MoveStatus, Observation};
use weft_core::plan::{MoveState, Purpose, Strategy};
use weft_core::time::{Span, Timestamp};
use weft_plan::check::check_start;
use weft_plan::situation::PastMove;

use super::budget::Ledger;
use super::{Control, TrackedMove};
use crate::command::Command;
use crate::record::Record;

/// However short a move is predicted to be, it is given this long: hypervisors take seconds to
/// begin.
const SHORTEST_PATIENCE: Span = Span::from_seconds(60);

/// How a move ended.
pub(super) struct End {
    state: MoveState,
    measure: Option<MoveMeasure>,
    failure: Option<MoveFailure>,
    refusal: Option<String>,
}

impl End {
    const fn ran(state: MoveState, measure: MoveMeasure, failure: Option<MoveFailure>) -> Self {
        Self { state, measure: Some(measure), failure, refusal: None }
    }

    pub(super) const fn never_ran(state: MoveState, refusal: Option<String>) -> Self {
        Self { state, measure: None, failure: None, refusal }
    }
}

impl Control {
    /// Starts what is due and within the budgets: each move is checked against an observation of this
    /// very instant and recorded; the order itself leaves when the record is durable. While a plan is
    /// being made nothing starts: it would be stale before it is there.
    pub(super) fn dispatch(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        self.expire(now, commands);
        if self.planning.is_some() || !self.may_start() {
            return;
        }
        let hour_ago = now - Span::from_hours(1);
        self.recent_starts.retain(|start| *start > hour_ago);
        let mut due = self.due(now);
        if due.is_empty() {
            return;
        }
        let topology = self.config.topology.clone();
        let mut ledger = self.ledger(&topology);
        due.retain(|id| ledger.allows(&self.moves[id].planned));
        if due.is_empty() {
            return;
        }
        let Some(fresh) = self.fresh_observation(now) else {
            self.next_observe = now;
            return;
        };
        let mut situation = self.situation(now, fresh.clone());
        for id in due {
            let mut planned = self.moves[&id].planned.clone();
            planned.start = now;
            if !ledger.allows(&planned) {
                continue;
            }
            match check_start(&situation, &planned, &fresh) {
                Ok(()) => {
                    ledger.start(&planned);
                    self.record_start(now, id, commands);
                    situation.recent_starts.push(now);
                    situation.waiting.retain(|waiting| waiting.id != id);
                    situation.running.push(planned);
                }
                Err(violation) => {
                    let end = End::never_ran(MoveState::Refused, Some(violation.to_string()));
                    self.end(now, id, end, commands);
                }
            }
        }
    }

    /// What the moves under way leave of the budgets.
    fn ledger<'a>(&self, topology: &'a Topology) -> Ledger<'a> {
        let in_flight = self.moves.values().filter(|tracked| tracked.occupies());
        let in_flight = in_flight.map(|tracked| &tracked.planned);
        Ledger::new(self.policy.budgets, topology, in_flight, self.recent_starts.len() as u32)
    }

    /// The last observation as one of now, if it is young enough and shows how the last moves ended.
    fn fresh_observation(&self, now: Timestamp) -> Option<Arc<Observation>> {
        let seen = self.observation.as_ref()?;
        if now - seen.at > self.config.fresh_for || seen.at < self.observed_anew_from {
            return None;
        }
        if seen.at == now {
            return Some(seen.clone());
        }
        Some(Arc::new(Observation { at: now, ..(**seen).clone() }))
    }

    /// Scheduled moves whose start has come and whose prerequisites have succeeded.
    fn due(&self, now: Timestamp) -> Vec<MoveId> {
        let ready = |tracked: &&TrackedMove| {
            tracked.state == MoveState::Scheduled
                && !tracked.recording
                && tracked.planned.start <= now
                && tracked.planned.prerequisites.iter().all(|id| self.succeeded(*id))
        };
        let mut due: Vec<_> = self.moves.values().filter(ready).collect();
        due.sort_by_key(|tracked| (tracked.planned.start, tracked.planned.id));
        due.into_iter().map(|tracked| tracked.planned.id).collect()
    }

    pub(super) fn succeeded(&self, id: MoveId) -> bool {
        self.ended.get(&id).is_some_and(|tracked| tracked.state == MoveState::Succeeded)
    }

    /// Ends what can no longer start: too late, or a prerequisite did not succeed.
    fn expire(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let dead = |id: &MoveId| !self.moves.contains_key(id) && !self.succeeded(*id);
        let over: Vec<_> = self
            .moves
            .iter()
            .filter(|(_, tracked)| tracked.waits())
            .filter_map(|(id, tracked)| {
                if now > tracked.planned.latest_start {
                    return Some((*id, MoveState::Expired));
                }
                let hopeless = tracked.planned.prerequisites.iter().any(dead);
                hopeless.then_some((*id, MoveState::Superseded))
            })
            .collect();
        for (id, state) in over {
            self.end(now, id, End::never_ran(state, None), commands);
        }
    }

    fn record_start(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        let tracked = self.moves.get_mut(&id).expect("due moves are known");
        tracked.recording = true;
        tracked.started = Some(now);
        let planned = Box::new(tracked.planned.clone());
        let order = self.order(id);
        self.recent_starts.push_back(now);
        let record = self.record(now, Record::Starting { order, planned }, commands);
        self.starting.insert(record, id);
    }

    fn order(&self, id: MoveId) -> MoveOrder {
        let planned = &self.moves[&id].planned;
        MoveOrder {
            id,
            workload: planned.workload.clone(),
            from: planned.from.clone(),
            to: planned.to.clone(),
            strategy: planned.strategy,
            bandwidth_bytes_per_second: planned.bandwidth_bytes_per_second,
            downtime_limit: self.policy.downtime_limit,
        }
    }

    /// A record is durable: where it announced a start, the start may go out now. A switch or a
    /// freeze that came in between stops it.
    pub(super) fn on_recorded(
        &mut self,
        now: Timestamp,
        record: RecordId,
        commands: &mut Vec<Command>,
    ) {
        let Some(id) = self.starting.remove(&record) else { return };
        let allowed = self.may_start();
        let tracked = self.moves.get_mut(&id).expect("a move whose start is recorded is known");
        tracked.recording = false;
        if !allowed {
            self.end(now, id, End::never_ran(MoveState::Cancelled, None), commands);
            return;
        }
        tracked.state = MoveState::Running;
        tracked.poll_at = now + tracked.planned.prediction.duration;
        commands.push(Command::Start(self.order(id)));
    }

    /// The driver could not be told; it may have heard all the same, so only asking will tell.
    pub(super) fn on_driver_failed(&mut self, now: Timestamp, id: MoveId) {
        let poll_every = self.config.poll_every;
        if let Some(tracked) = self.moves.get_mut(&id) {
            tracked.poll_at = now + poll_every;
        }
    }

    /// Asks for the moves that should have ended by now, and tells the overdue ones to stop.
    pub(super) fn poll(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let poll_every = self.config.poll_every;
        let factor = self.policy.give_up_factor;
        for (id, tracked) in &mut self.moves {
            if tracked.state != MoveState::Running || tracked.poll_at > now {
                continue;
            }
            tracked.poll_at = now + poll_every;
            let overdue = tracked.started.is_some_and(|at| now - at > patience(tracked, factor));
            if overdue {
                // The first telling counts: from it on runs the time after which a move that the
                // driver does not know is concluded from the placement.
                tracked.cancelled.get_or_insert(now);
                commands.push(Command::Cancel(*id));
            }
            commands.push(Command::Poll(*id));
        }
    }

    pub(super) fn on_reported(
        &mut self,
        now: Timestamp,
        id: MoveId,
        status: &MoveStatus,
        commands: &mut Vec<Command>,
    ) {
        let Some(tracked) = self.moves.get_mut(&id) else { return };
        if tracked.state != MoveState::Running {
            return;
        }
        tracked.unknown = *status == MoveStatus::Unknown;
        match status {
            MoveStatus::Running(measure) => tracked.measure = *measure,
            MoveStatus::Unknown => self.conclude_overdue(now, commands),
            MoveStatus::Succeeded(measure) => {
                self.end(now, id, End::ran(MoveState::Succeeded, *measure, None), commands);
            }
            MoveStatus::Failed(why, measure) => {
                let end = End::ran(MoveState::Failed, *measure, Some(why.clone()));
                self.end(now, id, end, commands);
            }
            MoveStatus::Cancelled(measure) => {
                self.end(now, id, End::ran(MoveState::Cancelled, *measure, None), commands);
            }
        }
    }

    /// A move that was told to stop long ago and that the driver does not know: where the workload
    /// runs decides what became of it.
    pub(super) fn conclude_overdue(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let Some(seen) = self.observation.clone() else { return };
        let forgotten: Vec<_> = self
            .moves
            .values()
            .filter(|tracked| {
                tracked.state == MoveState::Running
                    && tracked.unknown
                    && tracked.cancelled.is_some_and(|at| seen.at - at >= SHORTEST_PATIENCE)
                    && !seen.moves.contains_key(&tracked.planned.id)
            })
            .map(|tracked| (tracked.planned.id, arrived(tracked, &seen.placement)))
            .collect();
        for (id, arrived) in forgotten {
            let measure = self.moves[&id].measure;
            let end = if arrived {
                End::ran(MoveState::Succeeded, measure, None)
            } else {
                let why = MoveFailure::Other("the driver does not know the move".to_owned());
                End::ran(MoveState::Failed, measure, Some(why))
            };
            self.end(now, id, end, commands);
        }
    }

    /// Puts a move into its final state, once.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        id: MoveId,
        end: End,
        commands: &mut Vec<Command>,
    ) {
        let Some(mut tracked) = self.moves.remove(&id) else { return };
        tracked.state = end.state;
        tracked.ended = Some(now);
        let planned = tracked.planned.clone();
        if let Some(measure) = end.measure {
            tracked.measure = measure;
            let past = PastMove { from: planned.from.clone(), ended: now };
            self.past_moves.insert(planned.workload.clone(), past);
            let ends = (planned.from.clone(), planned.to.clone());
            self.just_ended.insert(planned.workload.clone(), ends);
            self.observed_anew_from = now;
        }
        tracked.why_not = end.refusal.clone().or(end.failure.as_ref().map(ToString::to_string));
        self.ended.insert(id, tracked);
        match (end.state, end.measure) {
            (MoveState::Succeeded, Some(measure)) => {
                self.precopy.learn(&planned.from, &planned.to, &planned.prediction, &measure);
            }
            (MoveState::Failed | MoveState::Refused, _) => {
                self.plan_wanted |= is_urgent(&planned.purpose);
            }
            _ => {}
        }
        let record = Record::Ended {
            move_id: id,
            workload: planned.workload,
            state: end.state,
            measure: end.measure,
            failure: end.failure,
            refusal: end.refusal,
        };
        self.record(now, record, commands);
    }

    /// Ends a move that waits, because somebody asked for it.
    pub(super) fn call_off(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        self.end(now, id, End::never_ran(MoveState::Cancelled, None), commands);
    }
}

/// How long a move may take before it is told to stop.
fn patience(tracked: &TrackedMove, factor: f64) -> Span {
    let predicted = tracked.planned.prediction.duration.as_seconds_f64();
    Span::from_seconds_f64(predicted * factor).max(SHORTEST_PATIENCE)
}

/// Whether a move that did not work out calls for a new plan at once; the others wait for the next
/// samples.
const fn is_urgent(purpose: &Purpose) -> bool {
    !matches!(purpose, Purpose::Empty(_) | Purpose::Merge)
}

/// Whether the placement is what the move was to bring about.
fn arrived(tracked: &TrackedMove, placement: &weft_core::fleet::Placement) -> bool {
    let planned = &tracked.planned;
    let replicas = placement.replicas(&planned.workload);
    let on = |host: &HostId| replicas.iter().any(|replica| replica.host == *host);
    match planned.strategy {
        Strategy::Split { .. } => on(&planned.to),
        _ => on(&planned.to) && !on(&planned.from),
    }
}
