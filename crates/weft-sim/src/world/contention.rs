//! What one host serves to whom: proportional sharing of its processors, and what that means for
//! the judge, for monitors and for the memory that moves have to copy again. Only hosts on which
//! something changes are looked at. It must never change who is on a host.

use std::collections::BTreeSet;

use weft_core::fleet::Host;
use weft_core::id::MoveId;
use weft_core::observation::HostState;
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};

use super::course::Course;
use super::{Clock, HostLoad, Physics, Run, Tenant, World};
use crate::judge::{HostPrices, HostRates, Unserved};

/// Below this share of itself a difference is rounding, not a lack.
const ROUNDING: f64 = 1e-9;

/// A workload, or the copy of an incoming one, on a host.
#[derive(Debug, Clone)]
pub(super) struct Resident {
    pub(super) workload: usize,
    /// The move whose copy this is; none for a replica.
    pub(super) incoming: Option<MoveId>,
    /// The share of the workload's demand that is moved here, in thousandths; for copies.
    pub(super) share_permille: u16,
    /// The share of that demand that the copy holds while it comes; for copies.
    pub(super) hold: f64,
    claim: Claim,
    /// Millicores that it gets.
    pub(super) served: f64,
}

impl Resident {
    pub(super) fn replica(workload: usize) -> Self {
        Self {
            workload,
            incoming: None,
            share_permille: 0,
            hold: 0.0,
            claim: Claim::default(),
            served: 0.0,
        }
    }

    pub(super) fn copy(workload: usize, of: MoveId, share_permille: u16, hold: f64) -> Self {
        Self { incoming: Some(of), share_permille, hold, ..Self::replica(workload) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Standing {
    #[default]
    Serving,
    /// Serving, while a move takes processor time from it.
    Slowed,
    Stopped,
    Lost,
    Coming,
}

/// What a resident wants, in millicores.
#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    standing: Standing,
    is_moving: bool,
    /// Its share of the workload's demand.
    demanded: f64,
    /// That, up to its own vCPUs.
    asked: f64,
    /// That, up to the speed of this host's cores.
    capped: f64,
    /// What of it competes for the host's capacity.
    weight: f64,
}

/// One host with its present state.
#[derive(Debug, Clone)]
pub(super) struct HostRoom {
    pub(super) facts: Host,
    pub(super) capacity: f64,
    pub(super) region: usize,
    pub(super) prices: HostPrices,
    pub(super) state: HostState,
    pub(super) is_draining: bool,
    /// How many faults hold it lost.
    pub(super) losses: u32,
    /// How many of those were made by hand, from outside.
    pub(super) losses_by_hand: u32,
    /// In order of coming.
    pub(super) residents: Vec<Resident>,
    /// Moves that send over its network now.
    pub(super) flows: BTreeSet<MoveId>,
    pub(super) load: HostLoad,
    pub(super) rates: HostRates,
    /// Until when its account is settled.
    pub(super) since: Timestamp,
    pub(super) course: Course,
}

impl HostRoom {
    pub(super) fn new(facts: Host, region: usize, per_kwh: f64, start: Timestamp) -> Self {
        let capacity = facts.cpu_millicores() as f64;
        Self {
            capacity,
            region,
            prices: HostPrices { per_kwh, per_hour: facts.price_per_hour },
            state: HostState::Ready,
            is_draining: false,
            losses: 0,
            losses_by_hand: 0,
            residents: Vec::new(),
            flows: BTreeSet::new(),
            load: HostLoad { capacity, ..HostLoad::default() },
            rates: HostRates::default(),
            since: start,
            course: Course::default(),
            facts,
        }
    }

    pub(super) fn remove(&mut self, workload: usize, incoming: Option<MoveId>) {
        self.residents.retain(|r| r.workload != workload || r.incoming != incoming);
    }

    fn watts(&self, clock: Clock) -> f64 {
        let is_empty = match clock {
            Clock::Held => !self.rates.is_occupied,
            Clock::Sampled { .. } => false,
        };
        match (self.state, is_empty) {
            (HostState::Lost, _) => 0.0,
            (_, true) => self.facts.power.empty_watts,
            _ => self.facts.power.watts_at(self.load.utilisation),
        }
    }

    /// Mean watts of an interval at whose beginning the host drew `before` at `utilisation`.
    fn mean_watts(&self, clock: Clock, utilisation: f64, before: f64) -> f64 {
        match clock {
            Clock::Held => before,
            Clock::Sampled { .. } if utilisation == 0.0 => self.facts.power.empty_watts,
            Clock::Sampled { .. } => f64::midpoint(before, self.watts(clock)),
        }
    }

    /// Shares the processors among the residents in proportion to what they claim.
    fn share_out(&mut self, physics: &Physics) {
        let total: f64 = self.residents.iter().map(|resident| resident.claim.weight).sum();
        let scale = if total > self.capacity { self.capacity / total } else { 1.0 };
        let mut account = Account::default();
        for resident in &mut self.residents {
            resident.served = account.enter(&resident.claim, scale, physics);
        }
        let charged = account.charged;
        self.load = HostLoad {
            capacity: self.capacity,
            demanded: account.demanded,
            allocated: account.allocated,
            utilisation: (charged / self.capacity).min(1.0),
        };
        self.rates = HostRates {
            requested_cores: account.demanded / 1_000.0,
            served_cores: account.served / 1_000.0,
            unserved: account.unserved.scaled(1e-3),
            unserved_migrating_cores: account.unserved_migrating / 1_000.0,
            is_active: charged > 0.0,
            is_violating: charged < account.requested * (1.0 - ROUNDING),
            is_overloaded: total > self.capacity * (1.0 + ROUNDING),
            is_occupied: !self.residents.is_empty() && self.state != HostState::Lost,
        };
    }
}

/// Sums over the residents of one host, in millicores.
#[derive(Debug, Default)]
struct Account {
    demanded: f64,
    /// In CloudSim's sense: the full demand of what comes included.
    requested: f64,
    /// Likewise: a slowed workload is charged in full.
    charged: f64,
    allocated: f64,
    served: f64,
    unserved: Unserved,
    unserved_migrating: f64,
}

impl Account {
    /// Enters one claim; what its owner gets.
    fn enter(&mut self, claim: &Claim, scale: f64, physics: &Physics) -> f64 {
        self.requested += claim.asked;
        if claim.standing == Standing::Coming {
            self.charged += claim.weight * scale;
            self.allocated += claim.weight * scale;
            return 0.0;
        }
        self.demanded += claim.demanded;
        self.unserved.beyond_allocation += claim.demanded - claim.asked;
        let granted = claim.capped * scale;
        let served = match claim.standing {
            Standing::Slowed => granted * physics.source_cpu_share,
            Standing::Serving => granted,
            Standing::Stopped | Standing::Lost | Standing::Coming => 0.0,
        };
        match claim.standing {
            Standing::Stopped => self.unserved.downtime += claim.asked,
            Standing::Lost => self.unserved.lost += claim.asked,
            _ => {
                self.charged += granted;
                self.unserved.overload += claim.asked - granted;
                self.unserved.migration += granted - served;
            }
        }
        self.allocated += served;
        self.served += served;
        if claim.is_moving {
            self.unserved_migrating += claim.asked - served;
        }
        served
    }
}

impl World {
    /// Whether the processor demand on host number `host` exceeds its capacity now, in the judge's sense.
    pub fn is_overloaded(&self, host: usize) -> bool {
        self.hosts[host].rates.is_overloaded
    }

    /// Settles the account of a host up to now, then shares out its processors anew.
    pub(super) fn refresh(&mut self, host: usize) {
        let clock = self.physics.clock;
        let room = &self.hosts[host];
        let (room_since, length) = (room.since, self.now - room.since);
        let (rates, utilisation) = (room.rates, room.load.utilisation);
        let before = room.watts(clock);
        if length > Span::ZERO {
            self.note_use(host, length);
        }
        self.claim(host);
        let step_begin = self.step_begin(room_since);
        let room = &mut self.hosts[host];
        room.share_out(&self.physics);
        if length > Span::ZERO {
            let watts = room.mean_watts(clock, utilisation, before);
            room.since = self.now;
            // Before its first look a sampled world has nothing to account for.
            if self.ticks > 0 {
                room.course.add(step_begin, length, &rates);
                self.judge.add_interval(host, length, &rates, watts, room.prices);
            }
        }
    }

    /// What monitors saw, and what memory was written, in an interval that ends now.
    fn note_use(&mut self, host: usize, length: Span) {
        let milliseconds = length.as_millis() as f64;
        for resident in &self.hosts[host].residents {
            if resident.incoming.is_some() {
                continue;
            }
            let tenant = &mut self.tenants[resident.workload];
            let claim = &resident.claim;
            if matches!(claim.standing, Standing::Serving | Standing::Slowed) {
                let share = tenant.part_on(host).map_or(0, |part| part.share_permille);
                let used = if self.physics.sees_demand { claim.demanded } else { resident.served };
                tenant.used += used * milliseconds;
                tenant.seen += f64::from(share) / 1_000.0 * milliseconds;
            }
            tenant.censored |= resident.served < claim.demanded * (1.0 - ROUNDING)
                || (claim.demanded > 0.0 && tenant.demand >= tenant.limit());
            let busy = resident.served / tenant.limit().max(1.0);
            let rate = tenant.facts.dirty_rate_bytes_per_second as f64;
            for id in &tenant.moves {
                let motion = self.motions.get_mut(id).expect("a workload lists its moves only");
                if motion.from == host {
                    motion.dirtied += rate * busy * milliseconds / 1_000.0;
                }
            }
        }
    }

    /// Writes down what every resident of a host wants now.
    fn claim(&mut self, host: usize) {
        let room = &mut self.hosts[host];
        let is_lost = room.state == HostState::Lost;
        for resident in &mut room.residents {
            let tenant = &self.tenants[resident.workload];
            let motions = tenant.moves.iter().filter_map(|id| self.motions.get(id));
            let mut leaving = motions.filter(|motion| motion.from == host);
            let slows = leaving.clone().any(super::Motion::slows);
            let mut claim = wants(tenant, resident, host, &room.facts);
            claim.is_moving = leaving.next().is_some() && claim.standing != Standing::Coming;
            if claim.standing == Standing::Serving && slows {
                claim.standing = Standing::Slowed;
            }
            if is_lost && claim.standing != Standing::Coming {
                claim.standing = Standing::Lost;
            }
            claim.weight = match claim.standing {
                Standing::Coming => claim.capped * resident.hold,
                Standing::Serving | Standing::Slowed => claim.capped,
                Standing::Stopped | Standing::Lost => 0.0,
            };
            resident.claim = claim;
        }
    }

    /// What is free of a held resource on a host, in bytes, copies of incoming moves counted as
    /// taken; none where it is not limited.
    pub(super) fn free(&self, host: usize, resource: Resource) -> Option<f64> {
        let room = &self.hosts[host];
        let offered = room.facts.offers(resource)? as f64 * self.physics.overcommit;
        let residents = room.residents.iter();
        let taken: u64 = residents.map(|r| self.holds(r.workload, resource)).sum();
        Some(offered - taken as f64)
    }

    fn holds(&self, workload: usize, resource: Resource) -> u64 {
        let facts = &self.tenants[workload].facts;
        let is_elsewhere = resource == Resource::StorageSpace
            && facts.storage == weft_core::fleet::Storage::Shared;
        if is_elsewhere { 0 } else { facts.allocation(resource) }
    }

    /// Whether a host has the memory, and for local disks the space, for one more workload.
    pub(super) fn has_room(&self, host: usize, workload: usize) -> bool {
        !self.physics.is_room_hard
            || Resource::HELD.iter().all(|resource| {
                let needed = self.holds(workload, *resource) as f64;
                needed == 0.0 || self.free(host, *resource).is_none_or(|free| needed <= free)
            })
    }
}

fn wants(tenant: &Tenant, resident: &Resident, host: usize, facts: &Host) -> Claim {
    let (share, standing) = match (resident.incoming, tenant.part_on(host)) {
        (Some(_), _) => (resident.share_permille, Standing::Coming),
        (None, Some(part)) => {
            let standing = match part.run {
                Run::Running => Standing::Serving,
                Run::Stopped => Standing::Stopped,
                Run::Down | Run::Booting(_) => Standing::Lost,
            };
            (part.share_permille, standing)
        }
        (None, None) => (0, Standing::Serving),
    };
    let share = f64::from(share) / 1_000.0;
    let demanded = tenant.demand * share;
    let asked = tenant.demand.min(tenant.limit()) * share;
    let speed = tenant.facts.vcpu_speed_millicores.min(facts.core_speed_millicores);
    let capped = asked.min(f64::from(tenant.facts.vcpus) * f64::from(speed));
    Claim { standing, is_moving: false, demanded, asked, capped, weight: 0.0 }
}
