//! What the driver saw: hosts lost and found, placements changed by another hand, freshness.

use std::sync::Arc;

use weft_core::fleet::{Replica, Topology};
use weft_core::id::{HostId, WorkloadId};
use weft_core::observation::{HostState, Observation};
use weft_core::time::{Span, Timestamp};

use super::Control;
use crate::command::Command;
use crate::record::{Freeze, Record};

impl Control {
    /// What is planned next is planned on these hosts.
    pub(super) fn on_charted(&mut self, topology: Arc<Topology>) {
        if *self.config.topology != *topology {
            self.config.topology = topology;
            self.plan_wanted = true;
        }
    }

    pub(super) fn on_observed(
        &mut self,
        now: Timestamp,
        observation: Arc<Observation>,
        commands: &mut Vec<Command>,
    ) {
        let observation = self.with_drained(observation);
        self.thaw(now, Freeze::Unobserved.kind(), commands);
        if let Some(before) = self.observation.clone() {
            for change in self.foreign_changes(&before, &observation) {
                self.freeze(now, change, commands);
            }
            if before.hosts != observation.hosts {
                self.plan_wanted = true;
            }
        } else if observation.hosts.values().any(|state| *state != HostState::Ready) {
            self.plan_wanted = true;
        }
        self.just_ended.clear();
        self.observation = Some(observation);
        self.conclude_overdue(now, commands);
    }

    /// The observation with the hosts that a person drains marked so.
    fn with_drained(&self, observation: Arc<Observation>) -> Arc<Observation> {
        let affected = |host: &HostId| observation.hosts.get(host) == Some(&HostState::Ready);
        if !self.drained.iter().any(affected) {
            return observation;
        }
        let mut marked = (*observation).clone();
        for host in &self.drained {
            if let Some(state) = marked.hosts.get_mut(host)
                && *state == HostState::Ready
            {
                *state = HostState::Draining;
            }
        }
        Arc::new(marked)
    }

    /// Workloads that are elsewhere than they were, and not by a move of ours.
    fn foreign_changes(&self, before: &Observation, after: &Observation) -> Vec<Freeze> {
        let mut changes = Vec::new();
        for (workload, replicas) in &after.placement.0 {
            let was = before.placement.replicas(workload);
            if was == replicas.as_slice()
                || was.is_empty()
                || self.explains(workload, replicas, was)
            {
                continue;
            }
            let hosts = |list: &[Replica]| list.iter().map(|r| r.host.clone()).collect();
            changes.push(Freeze::ForeignChange {
                workload: workload.clone(),
                from: hosts(was),
                to: hosts(replicas),
            });
        }
        changes
    }

    /// Whether a move of ours that runs, or ended since the last observation, explains a change.
    fn explains(&self, workload: &WorkloadId, now: &[Replica], was: &[Replica]) -> bool {
        let running = self
            .moves
            .values()
            .filter(|tracked| tracked.occupies() && tracked.planned.workload == *workload)
            .map(|tracked| (&tracked.planned.from, &tracked.planned.to));
        let ended = self.just_ended.get(workload).map(|(from, to)| (from, to));
        running.chain(ended).any(|(from, to)| {
            let known = |host: &HostId| {
                host == from || host == to || was.iter().any(|replica| replica.host == *host)
            };
            now.iter().all(|replica| known(&replica.host))
        })
    }

    /// Freezes where the newest samples are too old, thaws where they are fresh again.
    pub(super) fn judge_freshness(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let newest = self.sampled_until.or(self.began).unwrap_or(now);
        if now - newest > self.policy.stale_after {
            self.freeze(now, Freeze::StaleMetrics, commands);
        } else if self.sampled_until.is_some() {
            self.thaw(now, Freeze::StaleMetrics.kind(), commands);
        }
        self.thaw_quiet(now, commands);
    }

    /// A foreign change thaws when nothing more was changed for a cool-down: whoever did it is done.
    fn thaw_quiet(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let quiet = self.policy.cool_down.max(Span::from_minutes(1));
        let over = self
            .freezes
            .values()
            .find(|(why, since)| {
                matches!(why, Freeze::ForeignChange { .. }) && now - *since >= quiet
            })
            .map(|(why, _)| why.kind());
        if let Some(kind) = over {
            self.thaw(now, kind, commands);
        }
    }

    pub(super) fn freeze(&mut self, now: Timestamp, why: Freeze, commands: &mut Vec<Command>) {
        let kind = why.kind();
        let known = self.freezes.get(kind).is_some_and(|(old, _)| *old == why);
        if !known || matches!(why, Freeze::ForeignChange { .. }) {
            self.freezes.insert(kind, (why.clone(), now));
        }
        if !known {
            self.record(now, Record::Frozen { why }, commands);
        }
    }

    pub(super) fn thaw(&mut self, now: Timestamp, kind: &str, commands: &mut Vec<Command>) {
        if let Some((why, _)) = self.freezes.remove(kind) {
            self.plan_wanted = true;
            self.record(now, Record::Thawed { why }, commands);
        }
    }
}
