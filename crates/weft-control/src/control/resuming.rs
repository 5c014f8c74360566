//! After a restart: what the journal says, until an observation says more.

use weft_core::plan::MoveState;
use weft_core::time::Timestamp;
use weft_plan::situation::PastMove;

use super::{Approval, Config, Control, TrackedMove};
use crate::record::{Entry, Record};

impl Control {
    /// A loop that takes over where the journal ends. Moves whose start was recorded count as
    /// running until the driver tells what became of them: the order may or may not have left.
    /// Moves that had not started are planned anew.
    pub fn resume(config: Config, journal: &[Entry]) -> Self {
        let mut control = Self::new(config);
        for entry in journal {
            control.next_record = entry.id.0 + 1;
            control.replay(entry.at, &entry.record);
        }
        control.moves.retain(|_, tracked| tracked.state == MoveState::Running);
        control
    }

    fn replay(&mut self, at: Timestamp, record: &Record) {
        match record {
            Record::PlanAdopted { plan } => {
                self.next_plan = plan.id.0;
                let last = plan.moves.iter().map(|planned| planned.id.0).max().unwrap_or(0);
                self.next_move = self.next_move.max(last);
            }
            Record::MovesDropped { plan, .. } => self.next_plan = plan.0,
            Record::Approved { workload, purpose, cost, expires, .. } => {
                let approval = Approval { cost: *cost, expires: *expires };
                self.approvals.insert((workload.clone(), purpose.clone()), approval);
            }
            Record::Rejected { workload, move_id } => {
                if let Some(tracked) = self.moves.get(move_id) {
                    let past = PastMove { from: tracked.planned.from.clone(), ended: at };
                    self.past_moves.insert(workload.clone(), past);
                }
            }
            Record::Starting { order, planned } => {
                let plan = weft_core::id::PlanId(self.next_plan);
                let mut tracked = TrackedMove::new((**planned).clone(), plan, MoveState::Running);
                tracked.started = Some(at);
                tracked.poll_at = at;
                self.recent_starts.push_back(at);
                self.next_move = self.next_move.max(order.id.0);
                self.moves.insert(order.id, tracked);
            }
            Record::Ended { move_id, workload, measure, state, .. } => {
                self.replay_end(at, *move_id, workload, *state, *measure);
            }
            Record::Frozen { why } => {
                self.freezes.insert(why.kind(), (why.clone(), at));
            }
            Record::Thawed { why } => {
                self.freezes.remove(why.kind());
            }
            Record::Switched { to } => self.switch = *to,
            Record::Draining { hosts } => self.drained.clone_from(hosts),
            Record::PolicySet { .. } => {}
        }
    }

    fn replay_end(
        &mut self,
        at: Timestamp,
        id: weft_core::id::MoveId,
        workload: &weft_core::id::WorkloadId,
        state: MoveState,
        measure: Option<weft_core::observation::MoveMeasure>,
    ) {
        let Some(tracked) = self.moves.get_mut(&id) else { return };
        tracked.state = state;
        tracked.ended = Some(at);
        let planned = tracked.planned.clone();
        if let Some(measure) = measure {
            let past = PastMove { from: planned.from.clone(), ended: at };
            self.past_moves.insert(workload.clone(), past);
            if state == MoveState::Succeeded {
                self.precopy.learn(&planned.from, &planned.to, &planned.prediction, &measure);
            }
        }
    }
}
