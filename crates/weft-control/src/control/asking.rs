//! What people ask for: approve, reject, cancel, pause, kill, drain, change the policy.

use thiserror::Error;
use weft_core::id::{HostId, MoveId};
use weft_core::plan::MoveState;
use weft_core::policy::Mode;
use weft_core::time::Timestamp;
use weft_plan::situation::PastMove;

use super::{Approval, Control};
use crate::command::Command;
use crate::event::Request;
use crate::record::{Record, Switch};

/// Why a request would change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Objection {
    /// No move of that number in the last day.
    #[error("expected a move of the plan in force or of the last day, found {0}")]
    NoSuchMove(MoveId),
    /// No host of that name.
    #[error("expected a host of the fleet, found `{0}`")]
    NoSuchHost(HostId),
    /// The move is past that.
    #[error("expected a move that is {expected}, but {id} is {found}")]
    State {
        /// The move.
        id: MoveId,
        /// In which states this can be asked of it.
        expected: &'static str,
        /// In which it is.
        found: &'static str,
    },
    /// Nothing is approved in this mode.
    #[error("expected the policy's mode to be approve, found {0}")]
    Mode(&'static str),
    /// The move is being started at this moment.
    #[error("{0} is being started at this moment: cancel it once it runs")]
    BeingStarted(MoveId),
    /// The host is not being emptied.
    #[error("expected a host that is drained, found `{0}`, which is not")]
    NotDrained(HostId),
}

impl Control {
    /// Whether a request makes sense now; what is objected to would change nothing.
    pub fn objection(&self, request: &Request) -> Result<(), Objection> {
        match request {
            Request::Approve(id) => {
                self.expect_state(*id, "proposed", |state| state == MoveState::Proposed)?;
                match self.policy.mode {
                    Mode::Approve => Ok(()),
                    other => Err(Objection::Mode(other.name())),
                }
            }
            Request::Reject(id) => {
                let waits = |state| matches!(state, MoveState::Proposed | MoveState::Scheduled);
                self.expect_state(*id, "proposed or scheduled", waits)?;
                self.expect_not_starting(*id)
            }
            Request::Cancel(id) => {
                let expected = "proposed, scheduled or running";
                self.expect_state(*id, expected, |state| !state.is_final())?;
                self.expect_not_starting(*id)
            }
            Request::Drain(host) => self.expect_host(host),
            Request::Undrain(host) => {
                self.expect_host(host)?;
                let is_drained = self.drained.contains(host);
                if is_drained { Ok(()) } else { Err(Objection::NotDrained(host.clone())) }
            }
            Request::Pause | Request::Resume | Request::Kill | Request::SetPolicy(_) => Ok(()),
        }
    }

    fn expect_host(&self, host: &HostId) -> Result<(), Objection> {
        let known = self.config.topology.host(host).is_some();
        if known { Ok(()) } else { Err(Objection::NoSuchHost(host.clone())) }
    }

    fn expect_state(
        &self,
        id: MoveId,
        expected: &'static str,
        allows: impl Fn(MoveState) -> bool,
    ) -> Result<(), Objection> {
        let tracked = self.moves.get(&id).or_else(|| self.ended.get(&id));
        let state = tracked.ok_or(Objection::NoSuchMove(id))?.state;
        if allows(state) {
            return Ok(());
        }
        Err(Objection::State { id, expected, found: state.name() })
    }

    fn expect_not_starting(&self, id: MoveId) -> Result<(), Objection> {
        let is_starting = self.moves.get(&id).is_some_and(|tracked| tracked.recording);
        if is_starting { Err(Objection::BeingStarted(id)) } else { Ok(()) }
    }

    pub(super) fn on_asked(
        &mut self,
        now: Timestamp,
        request: Request,
        commands: &mut Vec<Command>,
    ) {
        match request {
            Request::Approve(id) => self.approve(now, id, commands),
            Request::Reject(id) => self.reject(now, id, commands),
            Request::Cancel(id) => self.cancel(now, id, commands),
            Request::Pause => self.switch_to(now, Switch::Paused, commands),
            Request::Resume => {
                self.switch_to(now, Switch::On, commands);
                let kinds: Vec<_> = self.freezes.keys().copied().collect();
                for kind in kinds {
                    self.thaw(now, kind, commands);
                }
            }
            Request::Kill => {
                self.switch_to(now, Switch::Killed, commands);
                let running = self.running_ids();
                commands.extend(running.into_iter().map(Command::Cancel));
            }
            Request::Drain(host) => {
                self.drained.insert(host);
                self.drained_changed(now, commands);
            }
            Request::Undrain(host) => {
                self.drained.remove(&host);
                self.drained_changed(now, commands);
            }
            Request::SetPolicy(policy) => {
                self.record(now, Record::PolicySet { policy: policy.clone() }, commands);
                self.policy = policy;
                self.plan_wanted = true;
            }
        }
    }

    /// The move, and those that it waits for and nobody has approved yet, each after what it waits
    /// for: an approval of a move is one of what it takes.
    pub fn approved_with(&self, id: MoveId) -> Vec<MoveId> {
        let mut found = Vec::new();
        self.gather_proposed(id, &mut found);
        found
    }

    fn gather_proposed(&self, id: MoveId, found: &mut Vec<MoveId>) {
        let Some(tracked) = self.moves.get(&id) else { return };
        if tracked.state != MoveState::Proposed || found.contains(&id) {
            return;
        }
        for needed in &tracked.planned.prerequisites {
            self.gather_proposed(*needed, found);
        }
        found.push(id);
    }

    fn approve(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        if self.policy.mode != Mode::Approve {
            return;
        }
        for id in self.approved_with(id) {
            self.approve_one(now, id, commands);
        }
    }

    fn approve_one(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        let Some(tracked) = self.moves.get_mut(&id) else { return };
        tracked.state = MoveState::Scheduled;
        let planned = tracked.planned.clone();
        let approval = Approval { cost: planned.cost.total(), expires: planned.latest_start };
        let record = Record::Approved {
            move_id: id,
            workload: planned.workload.clone(),
            purpose: planned.purpose.clone(),
            cost: approval.cost,
            expires: approval.expires,
        };
        self.approvals.insert((planned.workload, planned.purpose), approval);
        self.record(now, record, commands);
    }

    /// A rejected workload is left alone for a cool-down, as if it had just been moved.
    fn reject(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        let Some(tracked) = self.moves.get(&id) else { return };
        if !tracked.waits() {
            return;
        }
        let planned = tracked.planned.clone();
        self.approvals.remove(&(planned.workload.clone(), planned.purpose.clone()));
        let past = PastMove { from: planned.from, ended: now };
        self.past_moves.insert(planned.workload.clone(), past);
        self.record(now, Record::Rejected { move_id: id, workload: planned.workload }, commands);
        self.call_off(now, id, commands);
    }

    fn cancel(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        let Some(tracked) = self.moves.get_mut(&id) else { return };
        match tracked.state {
            MoveState::Running => {
                tracked.cancelled.get_or_insert(now);
                commands.push(Command::Cancel(id));
            }
            MoveState::Proposed | MoveState::Scheduled if !tracked.recording => {
                self.call_off(now, id, commands);
            }
            _ => {}
        }
    }

    fn switch_to(&mut self, now: Timestamp, to: Switch, commands: &mut Vec<Command>) {
        if self.switch != to {
            self.switch = to;
            self.record(now, Record::Switched { to }, commands);
        }
    }

    fn drained_changed(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        self.record(now, Record::Draining { hosts: self.drained.clone() }, commands);
        self.plan_wanted = true;
        self.next_observe = now;
    }
}
