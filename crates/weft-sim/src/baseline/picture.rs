//! The fleet as a baseline sees it at a tick: dense arrays of what hosts offer and carry and of
//! what workloads demand, by their numbers in the world. Loads follow from samples, never from the
//! world's own books, because those already know the step that begins.

use std::collections::BTreeMap;

use weft_core::fleet::PowerCurve;
use weft_core::id::RegionId;
use weft_core::observation::HostState;
use weft_core::resource::Resource;

use super::history::Histories;
use crate::world::World;

/// One host.
#[derive(Debug, Clone)]
pub(super) struct HostPicture {
    /// Whether it takes workloads.
    pub(super) is_ready: bool,
    /// Hosts of one kind cannot be told apart while they are empty.
    pub(super) kind: usize,
    /// Its region, by number; workloads stay in theirs.
    pub(super) region: usize,
    /// In millicores.
    pub(super) capacity: f64,
    /// In millicores.
    pub(super) core_speed: f64,
    /// Watts over use.
    pub(super) power: PowerCurve,
    /// Bytes per second for a move.
    pub(super) migration_bandwidth: u64,
    /// Bytes not allocated; unlimited where memory does not bind.
    pub(super) free_memory: u64,
    /// What runs here in the order in which it came, then what is on its way here.
    pub(super) list: Vec<usize>,
    /// Millicores allocated now.
    pub(super) booked: f64,
    /// Millicores not allocated.
    pub(super) free: f64,
}

impl HostPicture {
    /// The measured use, in 0..=1.
    pub(super) fn utilisation(&self) -> f64 {
        self.booked / self.capacity
    }

    /// Watts with `booked` millicores in use.
    pub(super) fn watts(&self, booked: f64) -> f64 {
        self.power.watts_at(booked / self.capacity)
    }
}

/// One workload.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkloadPicture {
    /// Demanded now, in millicores.
    pub(super) demand: f64,
    /// Number of virtual CPUs.
    pub(super) vcpus: f64,
    /// Speed of one of them, in millicores.
    pub(super) vcpu_speed: f64,
    /// In bytes.
    pub(super) memory: u64,
    /// Whether a live move may start.
    pub(super) is_movable: bool,
}

impl WorkloadPicture {
    /// Whether a host's cores are fast enough for what is demanded now. CloudSim asks this of the
    /// demand, not of the size, once a workload runs.
    pub(super) fn suits_cores(&self, host: &HostPicture) -> bool {
        self.demand <= self.vcpus * host.core_speed
    }
}

/// The fleet at a tick.
#[derive(Debug)]
pub(super) struct Picture {
    /// By host number.
    pub(super) hosts: Vec<HostPicture>,
    /// By workload number.
    pub(super) workloads: Vec<WorkloadPicture>,
    /// The number of kinds of hosts.
    pub(super) kinds: usize,
    /// The length of a tick, in seconds.
    pub(super) step_seconds: f64,
    /// Whether a target without free memory refuses a move.
    pub(super) memory_binds: bool,
}

impl Picture {
    /// The present; `incoming` names the targets of moves under way by workload.
    pub(super) fn take(
        world: &World,
        histories: &Histories,
        incoming: &BTreeMap<usize, usize>,
    ) -> Self {
        let workloads = workloads(world, histories);
        let memory_binds = world.physics().is_room_hard;
        let mut kinds: Vec<HostPicture> = Vec::new();
        let mut regions: Vec<RegionId> = Vec::new();
        let host = |number| {
            let mut host = host(world, number, &mut regions);
            host.kind = kind_of(&host, &mut kinds);
            host
        };
        let mut hosts: Vec<HostPicture> = (0..world.host_count()).map(host).collect();
        for (workload, target) in incoming {
            hosts[*target].list.push(*workload);
        }
        for host in &mut hosts {
            book(host, &workloads, memory_binds.then(|| world.physics().overcommit));
        }
        let step_seconds = world.step().span().as_seconds_f64();
        Self { hosts, workloads, kinds: kinds.len(), step_seconds, memory_binds }
    }
}

fn workloads(world: &World, histories: &Histories) -> Vec<WorkloadPicture> {
    let workload = |number: usize| {
        let facts = world.workload(number);
        let known = if world.physics().sees_demand {
            Some(world.demand(number))
        } else {
            histories.of(number).front().copied()
        };
        WorkloadPicture {
            demand: known.unwrap_or(facts.cpu_millicores() as f64),
            vcpus: f64::from(facts.vcpus),
            vcpu_speed: f64::from(facts.vcpu_speed_millicores),
            memory: facts.allocated[Resource::Memory],
            is_movable: facts.mobility.live
                && world.sole_host(number).is_some()
                && !world.is_moving(number),
        }
    };
    (0..world.workload_count()).map(workload).collect()
}

fn host(world: &World, number: usize, regions: &mut Vec<RegionId>) -> HostPicture {
    let id = world.host_id(number);
    let host = world.topology().host(id).expect("the world's hosts are those of its topology");
    let region = world.topology().region_of(id).expect("every host has a region");
    let region = regions.iter().position(|known| *known == region.id).unwrap_or_else(|| {
        regions.push(region.id.clone());
        regions.len() - 1
    });
    HostPicture {
        is_ready: world.host_state(number) == HostState::Ready,
        kind: 0,
        region,
        capacity: host.cpu_millicores() as f64,
        core_speed: f64::from(host.core_speed_millicores),
        power: host.power.clone(),
        migration_bandwidth: host.migration_bandwidth_bytes_per_second,
        free_memory: host.offers(Resource::Memory).unwrap_or(u64::MAX),
        list: world.residents(number).collect(),
        booked: 0.0,
        free: host.cpu_millicores() as f64,
    }
}

/// The number of the host's kind; a new one joins `kinds`.
fn kind_of(host: &HostPicture, kinds: &mut Vec<HostPicture>) -> usize {
    let same = |kind: &HostPicture| {
        kind.region == host.region
            && kind.capacity == host.capacity
            && kind.core_speed == host.core_speed
            && kind.power == host.power
            && kind.free_memory == host.free_memory
            && kind.is_ready == host.is_ready
    };
    kinds.iter().position(same).unwrap_or_else(|| {
        kinds.push(HostPicture { list: Vec::new(), ..host.clone() });
        kinds.len() - 1
    })
}

/// Shares the host among what is on its list: all of it where it suffices, in proportion and in
/// whole millicores where it does not.
fn book(host: &mut HostPicture, workloads: &[WorkloadPicture], overcommit: Option<f64>) {
    let wanted = |number: &usize| {
        let workload = workloads[*number];
        workload.demand.min(workload.vcpus * host.core_speed)
    };
    let total: f64 = host.list.iter().map(wanted).sum();
    if total <= host.capacity {
        (host.booked, host.free) = (total, host.capacity - total);
    } else {
        let scale = host.capacity / total;
        let booked = host.list.iter().map(|number| (wanted(number) * scale).floor()).sum();
        (host.booked, host.free) = (booked, 0.0);
    }
    let held: u64 = host.list.iter().map(|number| workloads[*number].memory).sum();
    host.free_memory = match overcommit {
        Some(factor) => ((host.free_memory as f64 * factor) as u64).saturating_sub(held),
        None => u64::MAX,
    };
}
