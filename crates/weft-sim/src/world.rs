//! A simulated fleet: discrete events in whole milliseconds, the same run for the same seed.
//!
//! A [`World`] serves demand, carries out moves, suffers faults and hands out samples; it is a
//! [`Driver`]. What a policy may know comes from [`World::take_samples`] and [`Driver::observe`], and
//! for the reactive baselines from the read access below, which shows only the present. The judge and
//! [`World::true_demand`] are for reports and for the oracle.
//!
//! **Invariants.** A workload that was placed is on exactly its replicas, whose shares add to 1,000
//! permille, until it leaves: no fault, failure or cancellation loses or doubles it. A move under way
//! holds room on its target from its start on. Every core demanded is either served or counted as
//! unserved. The world must never read a clock or draw randomness that its seed does not fix.

mod clock;
mod contention;
mod course;
mod demand;
mod driving;
mod founding;
mod monitor;
mod motion;
mod physics;
mod recorded;
mod upset;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use weft_core::fleet::{Placement, Replica, Topology, Workload, Workloads};
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::resource::Resource;
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};

pub use course::Lack;
pub use demand::{Demand, Trace};
pub use physics::{Clock, Physics};

use crate::fault::FaultPlan;
use crate::judge::Judge;
use clock::Queue;
use contention::HostRoom;
use demand::Source;
use motion::{Ended, Motion};
use upset::Network;

/// A specification that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WorldError {
    /// A name that is not there.
    #[error("{whose} names the {kind} `{name}`, which is not in the world")]
    Unknown {
        /// Who names it.
        whose: String,
        /// `host` or `workload`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Shares that do not add up.
    #[error(
        "expected the shares of workload `{workload}` to add to 1000 permille on different hosts, found {found}"
    )]
    Shares {
        /// Whose.
        workload: WorkloadId,
        /// Their sum.
        found: u32,
    },
}

/// A workload that appears later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Timestamp,
    /// Who; one of the specification's workloads, without a placement.
    pub workload: WorkloadId,
    /// Where it is put if there is room, whoever else would have it: known of an arrival that was
    /// recorded.
    pub home: Option<HostId>,
    /// Where it may be put: on the ready one with the most free memory; it waits (and its demand is
    /// lost) until there is one with room.
    pub candidates: Vec<HostId>,
}

/// A workload that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub workload: WorkloadId,
}

/// What a world is made from.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// Regions, zones, hosts, links.
    pub topology: Arc<Topology>,
    /// Every workload there ever is, those that arrive later included.
    pub workloads: Workloads,
    /// Where they run at the start.
    pub placement: Placement,
    /// Who appears later.
    pub arrivals: Vec<Arrival>,
    /// Who leaves.
    pub departures: Vec<Departure>,
    /// What they demand.
    pub demand: Demand,
    /// The rules.
    pub physics: Physics,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// When it begins; on the grid of `step`.
    pub start: Timestamp,
    /// The grid.
    pub step: Step,
    /// Fixes every random draw.
    pub seed: u64,
}

/// How much of a host is in use at this instant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostLoad {
    /// Its processor capacity, in millicores.
    pub capacity: f64,
    /// What the workloads that run here demand, uncapped, in millicores.
    pub demanded: f64,
    /// What is allocated to them and to the copies of incoming moves, in millicores.
    pub allocated: f64,
    /// What it is charged for over its capacity, in 0..=1: a workload under way is charged in full.
    pub utilisation: f64,
}

/// Whether one replica runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// It serves.
    Running,
    /// It stands still for a planned move.
    Stopped,
    /// Its host is lost.
    Down,
    /// Its host came back; it serves from then on.
    Booting(Timestamp),
}

#[derive(Debug, Clone)]
struct Part {
    host: usize,
    share_permille: u16,
    run: Run,
}

/// Whether a workload is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Not yet, or no more.
    Absent,
    /// It should run and has no host since then.
    Waiting(Timestamp),
    /// It is on its replicas.
    Placed,
}

/// One workload with its present state.
#[derive(Debug, Clone)]
struct Tenant {
    id: WorkloadId,
    facts: Arc<Workload>,
    presence: Presence,
    parts: Vec<Part>,
    home: Option<usize>,
    candidates: Vec<usize>,
    /// Demand per resource.
    sources: [Option<Source>; 6],
    /// Processor demand now, in millicores.
    demand: f64,
    /// Moves under way, in order of start.
    moves: Vec<MoveId>,
    /// Millicores × milliseconds served (or demanded, where monitors see that) in this step.
    used: f64,
    /// Milliseconds × share in which it ran in this step.
    seen: f64,
    /// Whether it wanted more than it got at some time in this step.
    censored: bool,
}

impl Tenant {
    fn limit(&self) -> f64 {
        self.facts.cpu_millicores() as f64
    }

    fn part_on(&self, host: usize) -> Option<&Part> {
        self.parts.iter().find(|part| part.host == host)
    }

    fn part_on_mut(&mut self, host: usize) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.host == host)
    }
}

/// A simulated fleet. See the module.
#[derive(Debug, Clone)]
pub struct World {
    topology: Arc<Topology>,
    physics: Physics,
    start: Timestamp,
    step: Step,
    now: Timestamp,
    queue: Queue,
    /// Ticks that have passed, the start included where demand is held.
    ticks: usize,
    hosts: Vec<HostRoom>,
    host_positions: BTreeMap<HostId, usize>,
    tenants: Vec<Tenant>,
    workload_positions: BTreeMap<WorkloadId, usize>,
    network: Network,
    motions: BTreeMap<MoveId, Motion>,
    ended: BTreeMap<MoveId, Ended>,
    /// Ended moves that an observation still has to tell of.
    untold: BTreeSet<MoveId>,
    started: u64,
    faults: FaultPlan,
    /// Samples by when they become available, in order of making.
    samples: BTreeMap<(Timestamp, u64), Sample>,
    sample_draws: ChaCha8Rng,
    move_draws: ChaCha8Rng,
    judge: Judge,
}

impl World {
    /// The present instant.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The grid.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Regions, zones, hosts, links.
    pub const fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// The rules.
    pub const fn physics(&self) -> &Physics {
        &self.physics
    }

    /// Number of hosts. Hosts are numbered in the topology's order, by name.
    pub const fn host_count(&self) -> usize {
        self.hosts.len()
    }

    /// The name of host number `host`.
    pub fn host_id(&self, host: usize) -> &HostId {
        &self.hosts[host].facts.id
    }

    /// The number of the host of this name.
    pub fn host_position(&self, id: &HostId) -> Option<usize> {
        self.host_positions.get(id).copied()
    }

    /// How host number `host` is.
    pub fn host_state(&self, host: usize) -> HostState {
        self.hosts[host].state
    }

    /// How much of host number `host` is in use now.
    pub fn host_load(&self, host: usize) -> HostLoad {
        self.hosts[host].load
    }

    /// The workloads on host number `host`, by number, in the order in which they came; copies of
    /// incoming moves are not among them.
    pub fn residents(&self, host: usize) -> impl Iterator<Item = usize> + '_ {
        let residents = self.hosts[host].residents.iter();
        residents.filter(|resident| resident.incoming.is_none()).map(|resident| resident.workload)
    }

    /// Number of workloads that there ever are, by name.
    pub const fn workload_count(&self) -> usize {
        self.tenants.len()
    }

    /// Workload number `workload`.
    pub fn workload(&self, workload: usize) -> &Arc<Workload> {
        &self.tenants[workload].facts
    }

    /// The number of the workload of this name.
    pub fn workload_position(&self, id: &WorkloadId) -> Option<usize> {
        self.workload_positions.get(id).copied()
    }

    /// The host on which workload number `workload` is whole; none where it is split, absent or
    /// waits for a host.
    pub fn sole_host(&self, workload: usize) -> Option<usize> {
        match self.tenants[workload].parts.as_slice() {
            [only] => Some(only.host),
            _ => None,
        }
    }

    /// The processor demand of workload number `workload` at the last look, uncapped, in millicores.
    /// Only a policy whose monitors see demand may read it ([`Physics::sees_demand`]).
    pub fn demand(&self, workload: usize) -> f64 {
        self.tenants[workload].demand
    }

    /// Whether a move of this number was ever started.
    pub fn has_started(&self, id: MoveId) -> bool {
        self.motions.contains_key(&id) || self.ended.contains_key(&id)
    }

    /// Whether a move of workload number `workload` is under way.
    pub fn is_moving(&self, workload: usize) -> bool {
        !self.tenants[workload].moves.is_empty()
    }

    /// Which workload runs where; what waits for a host has no entry.
    pub fn placement(&self) -> Placement {
        let placed = self.tenants.iter().filter(|tenant| tenant.presence == Presence::Placed);
        Placement(placed.map(|tenant| (tenant.id.clone(), self.replicas(tenant))).collect())
    }

    fn replicas(&self, tenant: &Tenant) -> Vec<Replica> {
        let replica = |part: &Part| Replica {
            host: self.hosts[part.host].facts.id.clone(),
            share_permille: part.share_permille,
        };
        tenant.parts.iter().map(replica).collect()
    }

    /// The true demand of `resource` of `workload` at `at`, past or future, in the resource's unit;
    /// zero for an unknown workload and for a resource without demand. For the judge and the oracle.
    pub fn true_demand(&self, workload: &WorkloadId, resource: Resource, at: Timestamp) -> f64 {
        let Some(mut source) = self.source(workload, resource) else { return 0.0 };
        self.demand_at(&mut source, at)
    }

    /// The true demand of `steps` steps from the one in which `from` lies, as [`Self::true_demand`].
    pub fn true_demands(
        &self,
        workload: &WorkloadId,
        resource: Resource,
        from: Timestamp,
        steps: usize,
    ) -> Vec<f32> {
        let Some(mut source) = self.source(workload, resource) else { return vec![0.0; steps] };
        let first = (from - self.start).whole_steps(self.step);
        (first..first + steps).map(|index| source.value(index)).collect()
    }

    fn source(&self, workload: &WorkloadId, resource: Resource) -> Option<Source> {
        let tenant = &self.tenants[self.workload_position(workload)?];
        tenant.sources[resource.position()].clone()
    }

    fn demand_at(&self, source: &mut Source, at: Timestamp) -> f64 {
        let since = (at - self.start).as_millis().max(0);
        match self.physics.clock {
            Clock::Held => f64::from(source.value(Span::from_millis(since).whole_steps(self.step))),
            Clock::Sampled { .. } => {
                source.line(since as f64 / self.step.span().as_millis() as f64)
            }
        }
    }

    /// The judge, with everything up to now on its account.
    pub fn judge(&mut self) -> &Judge {
        self.settle();
        &self.judge
    }
}
