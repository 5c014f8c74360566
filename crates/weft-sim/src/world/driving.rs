//! The simulated fleet as a driver: what it tells and what it is told. It decides nothing.

use weft_core::id::{HostId, MoveId};
use weft_core::observation::{HostState, MoveMeasure, MoveOrder, MoveStatus, Observation};
use weft_driver::{Capabilities, Driver, DriverError};

use super::{Presence, World};

impl World {
    /// Marks a host as one to be emptied, or takes the mark away; an unknown host changes nothing.
    pub fn set_draining(&mut self, host: &HostId, is_draining: bool) {
        let Some(host) = self.host_position(host) else { return };
        let room = &mut self.hosts[host];
        room.is_draining = is_draining;
        room.state = match (room.state, is_draining) {
            (HostState::Lost, _) => HostState::Lost,
            (_, true) => HostState::Draining,
            (_, false) => HostState::Ready,
        };
    }

    fn answer<T>(&self, what: &str, answer: T) -> Result<T, DriverError> {
        match self.silence() {
            None => Ok(answer),
            Some(_) => Err(DriverError::Unreachable {
                what: what.to_owned(),
                why: "the simulated fleet is cut off".to_owned(),
            }),
        }
    }

    fn is_deaf(&self) -> bool {
        self.silence() == Some(false)
    }

    fn status(&self, id: MoveId) -> MoveStatus {
        if let Some(motion) = self.motions.get(&id) {
            return MoveStatus::Running(motion.measure(self.now));
        }
        match self.ended.get(&id) {
            Some(ended) if ended.known_at <= self.now => ended.status.clone(),
            Some(ended) => ended.before.clone(),
            None => MoveStatus::Unknown,
        }
    }

    /// How often the answer to a poll for `id` arrives now: more than once where a fault repeats ends.
    pub(crate) fn copies(&self, id: MoveId) -> u32 {
        let known = self.ended.get(&id).filter(|ended| ended.known_at <= self.now);
        known.map_or(1, |ended| ended.copies)
    }

    /// Ended moves that this observation tells of.
    fn tell(&mut self) -> Vec<(MoveId, MoveStatus)> {
        let mut told = Vec::new();
        for id in self.untold.clone() {
            let ended = self.ended.get_mut(&id).expect("what is untold has ended");
            if ended.known_at > self.now {
                continue;
            }
            told.push((id, ended.status.clone()));
            ended.tellings -= 1;
            if ended.tellings == 0 {
                self.untold.remove(&id);
            }
        }
        told
    }
}

impl Driver for World {
    fn capabilities(&self) -> Capabilities {
        Capabilities { live: true, preemptive: true, split: true, recover: true, cancel: true }
    }

    fn observe(&mut self) -> Result<Observation, DriverError> {
        self.answer("the fleet", ())?;
        let present = self.tenants.iter().filter(|t| t.presence != Presence::Absent);
        let workloads = present.map(|t| (t.id.clone(), t.facts.clone())).collect();
        let hosts = self.hosts.iter().map(|room| (room.facts.id.clone(), room.state)).collect();
        let under_way = self.motions.keys();
        let mut moves: Vec<_> = under_way.map(|id| (*id, self.status(*id))).collect();
        moves.extend(self.tell());
        Ok(Observation {
            at: self.now,
            hosts,
            workloads,
            placement: self.placement(),
            moves: moves.into_iter().collect(),
        })
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        let is_known = self.has_started(order.id);
        let is_new = !is_known && !self.is_deaf();
        if is_new && let Err(failure) = self.begin(order) {
            let measure = MoveMeasure::default();
            self.record(order.id, MoveStatus::Failed(failure, measure), measure);
        }
        self.answer("the order", ())
    }

    fn poll(&mut self, id: MoveId) -> Result<MoveStatus, DriverError> {
        let status = self.status(id);
        self.answer("the move", status)
    }

    fn cancel(&mut self, id: MoveId) -> Result<(), DriverError> {
        let motion = self.motions.get(&id);
        if motion.is_some_and(|motion| !motion.has_stopped()) && !self.is_deaf() {
            self.withdraw(id);
        }
        self.answer("the cancellation", ())
    }
}
