//! Time in a simulated fleet: the queue of what will happen, and its passing. At one instant faults,
//! arrivals and departures come first, then moves, then the tick. It must never skip an event.

use std::collections::BTreeMap;

use weft_core::id::MoveId;
use weft_core::observation::MoveFailure;
use weft_core::time::Timestamp;

use super::contention::Resident;
use super::{Clock, Part, Presence, Run, World};

/// What will happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The fault of this number begins.
    FaultBegins(usize),
    /// It ends.
    FaultEnds(usize),
    /// A workload appears.
    Arrive(usize),
    /// A workload leaves.
    Depart(usize),
    /// A workload on a host that came back serves again.
    Boot(usize, usize),
    /// The present stage of a move is over.
    Stage(MoveId),
    /// A move fails.
    Doom(MoveId),
    /// The border of a step.
    Tick,
}

impl Event {
    /// Order at one instant.
    const fn class(self) -> u8 {
        match self {
            Self::Stage(_) | Self::Doom(_) => 1,
            Self::Tick => 2,
            _ => 0,
        }
    }
}

pub(super) type Key = (Timestamp, u8, u64);

/// What will happen, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    events: BTreeMap<Key, Event>,
    sequence: u64,
}

impl Queue {
    pub(super) fn push(&mut self, at: Timestamp, event: Event) -> Key {
        self.sequence += 1;
        let key = (at, event.class(), self.sequence);
        self.events.insert(key, event);
        key
    }

    pub(super) fn withdraw(&mut self, key: Key) {
        self.events.remove(&key);
    }

    fn next(&self) -> Option<Timestamp> {
        self.events.keys().next().map(|(at, _, _)| *at)
    }

    fn pop(&mut self, at: Timestamp) -> Option<Event> {
        let entry = self.events.first_entry()?;
        (entry.key().0 <= at).then(|| entry.remove())
    }
}

impl World {
    /// When something happens next by itself; there is always a further tick.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.queue.next()
    }

    /// When the next tick is: then samples of a step become available.
    pub fn next_tick(&self) -> Timestamp {
        let (first, passed) = match self.physics.clock {
            Clock::Held => (self.step.span(), self.ticks - 1),
            Clock::Sampled { first } => (first, self.ticks),
        };
        self.start + first + self.step.span() * passed as i64
    }

    /// Lets time pass until `to`, everything that happens at `to` included; an instant in the past
    /// changes nothing.
    pub fn advance(&mut self, to: Timestamp) {
        let looks = matches!(self.physics.clock, Clock::Sampled { .. });
        while let Some(instant) = self.queue.next().filter(|instant| *instant <= to) {
            self.now = instant;
            if looks {
                self.look();
            }
            let mut is_changed = false;
            while let Some(event) = self.queue.pop(instant) {
                is_changed |= event != Event::Tick;
                self.happen(event);
            }
            if looks && is_changed {
                self.look();
            }
        }
        self.now = self.now.max(to);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::FaultBegins(fault) => self.begin_fault(fault),
            Event::FaultEnds(fault) => self.end_fault(fault),
            Event::Arrive(workload) => {
                self.tenants[workload].presence = Presence::Waiting(self.now);
                self.renew_demand(workload);
                self.house(workload);
            }
            Event::Depart(workload) => self.leave(workload),
            Event::Boot(workload, host) => self.finish_boot(workload, host),
            Event::Stage(id) => self.finish_stage(id),
            Event::Doom(id) if self.motions.contains_key(&id) => {
                self.abandon(id, MoveFailure::Other("the hypervisor gave the move up".to_owned()));
            }
            Event::Doom(_) => {}
            Event::Tick => self.tick(),
        }
    }

    /// The border of two steps: accounts, samples, new demand.
    fn tick(&mut self) {
        self.ticks += 1;
        let next = self.next_tick();
        self.queue.push(next, Event::Tick);
        if self.physics.clock == Clock::Held {
            self.account_homeless();
            self.look();
        }
        let since = self.now - self.start;
        let begun = since.whole_steps(self.step) as i64;
        self.judge.begin_step(self.start + self.step.span() * begun);
        self.report();
        self.house_all();
    }

    /// Looks at all demand and shares out every host's processors.
    pub(super) fn look(&mut self) {
        for workload in 0..self.tenants.len() {
            self.renew_demand(workload);
        }
        for host in 0..self.hosts.len() {
            self.refresh(host);
        }
        if self.physics.leaves_when_idle {
            for workload in 0..self.tenants.len() {
                let tenant = &self.tenants[workload];
                let rests = tenant.demand == 0.0 && tenant.moves.is_empty();
                if rests && tenant.presence == Presence::Placed {
                    self.leave(workload);
                }
            }
        }
    }

    fn renew_demand(&mut self, workload: usize) {
        let (start, step, clock) = (self.start, self.step, self.physics.clock);
        let since = self.now - start;
        let tenant = &mut self.tenants[workload];
        if tenant.presence == Presence::Absent {
            return;
        }
        let cpu = tenant.sources[0].as_mut();
        tenant.demand = cpu.map_or(0.0, |source| match clock {
            Clock::Held => f64::from(source.value(since.whole_steps(step))),
            Clock::Sampled { .. } => {
                source.line(since.as_millis() as f64 / step.span().as_millis() as f64)
            }
        });
    }

    /// Puts what was demanded without a host on the account.
    pub(super) fn account_homeless(&mut self) {
        for tenant in &mut self.tenants {
            if let Presence::Waiting(since) = tenant.presence {
                let hours = (self.now - since).as_hours_f64();
                let asked = tenant.demand.min(tenant.limit());
                self.judge.add_homeless(asked / 1_000.0 * hours);
                tenant.presence = Presence::Waiting(self.now);
            }
        }
    }

    /// Puts everything up to now on the account.
    pub(super) fn settle(&mut self) {
        if self.physics.clock == Clock::Held {
            self.account_homeless();
            for host in 0..self.hosts.len() {
                self.refresh(host);
            }
        }
    }

    fn house_all(&mut self) {
        for workload in 0..self.tenants.len() {
            if matches!(self.tenants[workload].presence, Presence::Waiting(_)) {
                self.house(workload);
            }
        }
    }

    /// Finds a host for a workload that waits: its home, or else the ready candidate with the most free
    /// memory.
    fn house(&mut self, workload: usize) {
        let tenant = &self.tenants[workload];
        let fits = |host: &usize| {
            self.hosts[*host].state == weft_core::observation::HostState::Ready
                && self.has_room(*host, workload)
        };
        let fitting = tenant.candidates.iter().copied().filter(fits);
        let free = |host: &usize| {
            self.free(*host, weft_core::resource::Resource::Memory).unwrap_or(f64::MAX)
        };
        let best = || fitting.max_by(|a, b| free(a).total_cmp(&free(b)).then(b.cmp(a)));
        let Some(host) = tenant.home.filter(fits).or_else(best) else { return };
        self.account_homeless();
        self.tenants[workload].presence = Presence::Placed;
        self.tenants[workload].parts =
            vec![Part { host, share_permille: 1_000, run: Run::Running }];
        self.refresh(host);
        self.hosts[host].residents.push(Resident::replica(workload));
        self.refresh(host);
    }

    /// A workload leaves for good; its moves end with it.
    fn leave(&mut self, workload: usize) {
        for id in self.tenants[workload].moves.clone() {
            self.abandon(id, MoveFailure::Contradiction);
        }
        self.account_homeless();
        let parts = std::mem::take(&mut self.tenants[workload].parts);
        for part in &parts {
            self.refresh(part.host);
            self.hosts[part.host].remove(workload, None);
        }
        self.tenants[workload].presence = Presence::Absent;
        self.tenants[workload].demand = 0.0;
        for part in &parts {
            self.refresh(part.host);
        }
    }

    fn finish_boot(&mut self, workload: usize, host: usize) {
        let part = self.tenants[workload].part_on(host);
        if part.is_some_and(|part| part.run == Run::Booting(self.now)) {
            self.refresh(host);
            self.set_run(workload, host, Run::Running);
            self.refresh(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_has_an_order() {
        let mut queue = Queue::default();
        let at = Timestamp::from_seconds(5);
        queue.push(at, Event::Tick);
        let gone = queue.push(at, Event::Doom(MoveId(1)));
        queue.push(at, Event::Stage(MoveId(2)));
        queue.push(at, Event::Depart(3));
        queue.withdraw(gone);
        let order: Vec<Event> = std::iter::from_fn(|| queue.pop(at)).collect();
        assert_eq!(order, [Event::Depart(3), Event::Stage(MoveId(2)), Event::Tick]);
    }
}
