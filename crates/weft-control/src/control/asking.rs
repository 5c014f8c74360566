//! What people ask for: approve, reject, cancel, pause, kill, drain, change the policy.

use weft_core::id::MoveId;
use weft_core::plan::MoveState;
use weft_core::policy::Mode;
use weft_core::time::Timestamp;
use weft_plan::situation::PastMove;

use super::{Approval, Control};
use crate::command::Command;
use crate::event::Request;
use crate::record::{Record, Switch};

impl Control {
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
                self.record(now, Record::PolicySet { name: policy.name.clone() }, commands);
                self.policy = policy;
                self.plan_wanted = true;
            }
        }
    }

    fn approve(&mut self, now: Timestamp, id: MoveId, commands: &mut Vec<Command>) {
        let Some(tracked) = self.moves.get_mut(&id) else { return };
        if tracked.state != MoveState::Proposed || self.policy.mode != Mode::Approve {
            return;
        }
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
        if !matches!(tracked.state, MoveState::Proposed | MoveState::Scheduled) || tracked.recording
        {
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
