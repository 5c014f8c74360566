//! Faults carried out: hosts that are lost and come back, slow networks, moves that fail, answers
//! that get lost, another hand. Every fault leaves the world's invariants whole.

use std::collections::BTreeSet;

use rand::RngExt;
use weft_core::fleet::Link;
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::{HostState, MoveFailure, MoveMeasure, MoveStatus};
use weft_core::plan::Strategy;
use weft_core::policy::{Selector, Window};
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};

use super::contention::Resident;
use super::motion::Ended;
use super::{Clock, Part, Run, World};
use crate::fault::{Fault, Place};

/// A link with the moves that send over it.
#[derive(Debug, Clone)]
pub(super) struct LinkRoom {
    pub(super) facts: Link,
    pub(super) flows: BTreeSet<MoveId>,
}

/// What joins the regions.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) regions: usize,
    /// Regions × regions: which link, if any.
    pub(super) between: Vec<Option<usize>>,
    pub(super) rooms: Vec<LinkRoom>,
    /// What is left of all bandwidth.
    pub(super) factor: f64,
}

impl Network {
    /// The number of the link between two regions; none within one or where they are not joined.
    pub(super) fn link(&self, a: usize, b: usize) -> Option<usize> {
        self.between[a * self.regions + b]
    }
}

impl World {
    /// Loses a place from now on, until it is brought back as often as it was lost. An unknown place has
    /// no hosts.
    pub fn lose_place(&mut self, place: &Place) {
        for host in self.hosts_in(place) {
            self.hosts[host].losses_by_hand += 1;
            self.lose(host);
        }
    }

    /// Brings a place back, each host of it as often as it was lost by [`Self::lose_place`] at most: what
    /// a plan of faults has lost comes back when the fault ends.
    pub fn bring_back(&mut self, place: &Place) {
        for host in self.hosts_in(place) {
            if self.hosts[host].losses_by_hand > 0 {
                self.hosts[host].losses_by_hand -= 1;
                self.restore(host);
            }
        }
    }

    /// Multiplies the processor and network demand of the chosen workloads by `lift`, in the steps of
    /// `window` that have not begun yet. How many workloads that concerns.
    pub fn campaign(&mut self, concerns: &Selector, window: Window, lift: f32) -> usize {
        let step_of = |at: Timestamp| (at - self.start).whole_steps(self.step);
        // Where looks lie between two steps, the present one reaches into the next.
        let begun = match self.physics.clock {
            Clock::Held => 1,
            Clock::Sampled { .. } => 2,
        };
        let begin = step_of(window.begins).max(step_of(self.now) + begun);
        let end = step_of(window.ends).max(begin);
        let mut concerned = 0;
        for tenant in &mut self.tenants {
            if !concerns.selects_workload(&tenant.facts) {
                continue;
            }
            concerned += 1;
            for resource in [Resource::Cpu, Resource::Network] {
                if let Some(source) = &mut tenant.sources[resource.position()] {
                    source.lift(begin..end, lift);
                }
            }
        }
        concerned
    }

    pub(super) fn begin_fault(&mut self, number: usize) {
        match self.faults.faults[number].clone() {
            Fault::Lose { place, .. } => {
                for host in self.hosts_in(&place) {
                    self.lose(host);
                }
            }
            Fault::SlowNetwork { .. } => self.pace_network(),
            Fault::ForeignHand { workload, to, .. } => self.meddle(&workload, &to),
            _ => {}
        }
    }

    pub(super) fn end_fault(&mut self, number: usize) {
        match self.faults.faults[number].clone() {
            Fault::Lose { place, .. } => {
                for host in self.hosts_in(&place) {
                    self.restore(host);
                }
            }
            Fault::SlowNetwork { .. } => self.pace_network(),
            _ => {}
        }
    }

    fn hosts_in(&self, place: &Place) -> Vec<usize> {
        let is_inside = |host: &usize| {
            let facts = &self.hosts[*host].facts;
            match place {
                Place::Host(id) => facts.id == *id,
                Place::Zone(id) => facts.zone == *id,
                Place::Region(id) => {
                    self.topology.region_of(&facts.id).is_some_and(|region| region.id == *id)
                }
            }
        };
        (0..self.hosts.len()).filter(is_inside).collect()
    }

    fn lose(&mut self, host: usize) {
        self.hosts[host].losses += 1;
        if self.hosts[host].losses > 1 {
            return;
        }
        self.refresh(host);
        self.hosts[host].state = HostState::Lost;
        let residents: Vec<usize> = self.residents(host).collect();
        for workload in residents {
            self.set_run(workload, host, Run::Down);
        }
        let outlives = |strategy| matches!(strategy, Strategy::Recover | Strategy::Merge);
        let motions = self.motions.iter().filter(|(_, motion)| {
            motion.to == host || motion.from == host && !outlives(motion.order.strategy)
        });
        let broken: Vec<MoveId> = motions.map(|(id, _)| *id).collect();
        let name = self.hosts[host].facts.id.clone();
        for id in broken {
            self.abandon(id, MoveFailure::HostLost(name.clone()));
        }
        self.refresh(host);
    }

    fn restore(&mut self, host: usize) {
        self.hosts[host].losses -= 1;
        if self.hosts[host].losses > 0 {
            return;
        }
        self.refresh(host);
        let is_draining = self.hosts[host].is_draining;
        self.hosts[host].state = if is_draining { HostState::Draining } else { HostState::Ready };
        let residents: Vec<usize> = self.residents(host).collect();
        for workload in residents {
            // A recovery or a merge under way fences the old copy off.
            let motions = &self.motions;
            let leaves = |id: &MoveId| motions.get(id).is_some_and(|m| m.from == host);
            if !self.tenants[workload].moves.iter().any(leaves) {
                self.boot(workload, host);
            }
        }
        self.refresh(host);
    }

    fn pace_network(&mut self) {
        let slow = self.faults.faults.iter().filter_map(|fault| match fault {
            Fault::SlowNetwork { factor, window } if window.contains(self.now) => Some(*factor),
            _ => None,
        });
        self.network.factor = slow.fold(1.0, f64::min);
        self.pace_all();
    }

    /// Another hand puts a workload at rest elsewhere, at once, where there is room.
    fn meddle(&mut self, workload: &WorkloadId, to: &HostId) {
        let (Some(workload), Some(to)) = (self.workload_position(workload), self.host_position(to))
        else {
            return;
        };
        let Some(from) = self.sole_host(workload) else { return };
        let tenant = &self.tenants[workload];
        let rests = tenant.moves.is_empty() && tenant.parts[0].run == Run::Running;
        let is_ready = self.hosts[to].state == HostState::Ready;
        if !rests || !is_ready || from == to || !self.has_room(to, workload) {
            return;
        }
        self.refresh(from);
        self.refresh(to);
        self.hosts[from].remove(workload, None);
        self.hosts[to].residents.push(Resident::replica(workload));
        self.tenants[workload].parts =
            vec![Part { host: to, share_permille: 1_000, run: Run::Running }];
        self.refresh(from);
        self.refresh(to);
    }

    /// Whether the move just started fails half-way.
    pub(super) fn draws_failure(&mut self) -> bool {
        let mut fails = false;
        for fault in &self.faults.faults {
            fails |= match fault {
                Fault::FailStart { ordinal } => *ordinal == self.started,
                Fault::FailMoves { share, window } if window.contains(self.now) => {
                    self.move_draws.random::<f64>() < *share
                }
                _ => false,
            };
        }
        fails
    }

    /// Writes down how a move ended, and how and when that becomes known.
    pub(super) fn record(&mut self, id: MoveId, status: MoveStatus, measure: MoveMeasure) {
        let (mut delay, mut tellings) = (Span::ZERO, 1);
        let now = self.now;
        let mut is_hit = |share: f64, window: &Window| {
            window.contains(now) && self.move_draws.random::<f64>() < share
        };
        for fault in &self.faults.faults {
            match fault {
                Fault::LoseCompletions { share, delay: late, window } if is_hit(*share, window) => {
                    delay = delay.max(*late);
                }
                Fault::RepeatCompletions { share, window } if is_hit(*share, window) => {
                    tellings = 3;
                }
                _ => {}
            }
        }
        let before = match id.0 % 2 {
            0 => MoveStatus::Running(measure),
            _ => MoveStatus::Unknown,
        };
        let known_at = self.now + delay;
        let copies = tellings;
        self.ended.insert(id, Ended { status, known_at, before, tellings, copies });
        self.untold.insert(id);
    }

    /// Whether the driver answers now, and whether orders get through all the same.
    pub(super) fn silence(&self) -> Option<bool> {
        self.faults.faults.iter().find_map(|fault| match fault {
            Fault::Unreachable { window, orders_get_through } if window.contains(self.now) => {
                Some(*orders_get_through)
            }
            _ => None,
        })
    }
}
