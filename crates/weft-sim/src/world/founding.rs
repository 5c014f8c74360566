//! How a world begins: names become numbers, everything is put in its place, and what is known to
//! happen is queued. A specification that contradicts itself is refused here and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weft_core::fleet::{Region, Replica, Topology};
use weft_core::id::{HostId, RegionId, WorkloadId};
use weft_core::resource::Resource;

use super::clock::{Event, Queue};
use super::contention::{HostRoom, Resident};
use super::upset::{LinkRoom, Network};
use super::{Arrival, Clock, Departure, Part, Presence, Run, Tenant, World, WorldError, WorldSpec};
use crate::fault::Fault;
use crate::judge::Judge;

impl World {
    /// A world at its start. An error where the specification names what is not there or splits a
    /// workload into shares that do not add up. Where demand is held, the first step has begun.
    pub fn new(spec: WorldSpec) -> Result<Self, WorldError> {
        let rooms = rooms(&spec);
        let host_positions: BTreeMap<HostId, usize> =
            rooms.iter().enumerate().map(|(at, room)| (room.facts.id.clone(), at)).collect();
        let tenants = tenants(&spec, &host_positions)?;
        let workload_positions =
            tenants.iter().enumerate().map(|(at, tenant)| (tenant.id.clone(), at)).collect();
        let mut draws = ChaCha8Rng::seed_from_u64(spec.seed);
        let sample_draws = draws.clone();
        draws.set_stream(1);
        let mut world = Self {
            network: network(&spec.topology),
            topology: spec.topology,
            judge: Judge::new(spec.start, rooms.len()),
            hosts: rooms,
            host_positions,
            tenants,
            workload_positions,
            physics: spec.physics,
            start: spec.start,
            step: spec.step,
            now: spec.start,
            queue: Queue::default(),
            ticks: 0,
            motions: BTreeMap::new(),
            ended: BTreeMap::new(),
            untold: BTreeSet::new(),
            started: 0,
            faults: spec.faults,
            samples: BTreeMap::new(),
            sample_draws,
            move_draws: draws,
        };
        world.settle_in();
        world.queue_churn(&spec.arrivals, &spec.departures)?;
        world.queue_faults();
        Ok(world)
    }

    /// Puts every workload on its hosts and, where demand is held, begins the first step.
    fn settle_in(&mut self) {
        for workload in 0..self.tenants.len() {
            for part in &self.tenants[workload].parts {
                self.hosts[part.host].residents.push(Resident::replica(workload));
            }
        }
        if self.physics.clock == Clock::Held {
            self.ticks = 1;
            self.look();
        }
        let next = self.next_tick();
        self.queue.push(next, Event::Tick);
    }

    fn queue_churn(
        &mut self,
        arrivals: &[Arrival],
        departures: &[Departure],
    ) -> Result<(), WorldError> {
        let unknown = |workload: &WorkloadId| WorldError::Unknown {
            whose: "an arrival or a departure".to_owned(),
            kind: "workload",
            name: workload.to_string(),
        };
        for arrival in arrivals {
            let at = self.workload_position(&arrival.workload);
            let workload = at.ok_or_else(|| unknown(&arrival.workload))?;
            let whose = format!("the arrival of `{}`", arrival.workload);
            let position = |host| find(&self.host_positions, host, &whose);
            let home = arrival.home.as_ref().map(position).transpose()?;
            let candidates = arrival.candidates.iter().map(position);
            self.tenants[workload].candidates = candidates.collect::<Result<_, _>>()?;
            self.tenants[workload].home = home;
            if self.tenants[workload].presence == Presence::Absent {
                self.queue.push(arrival.at, Event::Arrive(workload));
            }
        }
        for departure in departures {
            let at = self.workload_position(&departure.workload);
            let workload = at.ok_or_else(|| unknown(&departure.workload))?;
            self.queue.push(departure.at, Event::Depart(workload));
        }
        Ok(())
    }

    fn queue_faults(&mut self) {
        for (number, fault) in self.faults.faults.iter().enumerate() {
            match fault {
                Fault::Lose { window, .. } | Fault::SlowNetwork { window, .. } => {
                    self.queue.push(window.begins, Event::FaultBegins(number));
                    self.queue.push(window.ends, Event::FaultEnds(number));
                }
                Fault::ForeignHand { at, .. } => {
                    self.queue.push(*at, Event::FaultBegins(number));
                }
                _ => {}
            }
        }
    }
}

fn region_positions(topology: &Topology) -> BTreeMap<&RegionId, (usize, &Region)> {
    let regions = topology.regions().enumerate();
    regions.map(|(at, region)| (&region.id, (at, region))).collect()
}

fn rooms(spec: &WorldSpec) -> Vec<HostRoom> {
    let regions = region_positions(&spec.topology);
    let room = |host: &weft_core::fleet::Host| {
        let region =
            spec.topology.region_of(&host.id).expect("a topology knows its hosts' regions");
        let (at, region) = regions[&region.id];
        HostRoom::new(host.clone(), at, region.energy_price_per_kwh, spec.start)
    };
    spec.topology.hosts().map(room).collect()
}

fn network(topology: &Topology) -> Network {
    let regions = region_positions(topology);
    let count = regions.len();
    let mut between = vec![None; count * count];
    for (number, link) in topology.links().iter().enumerate() {
        let (a, b) = (regions[&link.between.0].0, regions[&link.between.1].0);
        if a != b {
            between[a * count + b] = Some(number);
            between[b * count + a] = Some(number);
        }
    }
    let links = topology.links().iter().cloned();
    let rooms = links.map(|facts| LinkRoom { facts, flows: BTreeSet::new() }).collect();
    Network { regions: count, between, rooms, factor: 1.0 }
}

fn find(hosts: &BTreeMap<HostId, usize>, host: &HostId, whose: &str) -> Result<usize, WorldError> {
    hosts.get(host).copied().ok_or_else(|| WorldError::Unknown {
        whose: whose.to_owned(),
        kind: "host",
        name: host.to_string(),
    })
}

fn tenants(spec: &WorldSpec, hosts: &BTreeMap<HostId, usize>) -> Result<Vec<Tenant>, WorldError> {
    if let Some(stray) = spec.placement.0.keys().find(|id| !spec.workloads.contains_key(*id)) {
        return Err(WorldError::Unknown {
            whose: "the placement".to_owned(),
            kind: "workload",
            name: stray.to_string(),
        });
    }
    let arriving: BTreeSet<&WorkloadId> = spec.arrivals.iter().map(|a| &a.workload).collect();
    let mut tenants = Vec::with_capacity(spec.workloads.len());
    for (id, facts) in &spec.workloads {
        let parts = parts(id, spec.placement.replicas(id), hosts)?;
        let presence = match (parts.is_empty(), arriving.contains(id)) {
            (false, _) => Presence::Placed,
            (true, true) => Presence::Absent,
            (true, false) => Presence::Waiting(spec.start),
        };
        tenants.push(Tenant {
            id: id.clone(),
            facts: facts.clone(),
            presence,
            parts,
            home: None,
            candidates: (0..hosts.len()).collect(),
            sources: Resource::ALL.map(|resource| spec.demand.source(id, resource)),
            demand: 0.0,
            moves: Vec::new(),
            used: 0.0,
            seen: 0.0,
            censored: false,
        });
    }
    Ok(tenants)
}

fn parts(
    id: &WorkloadId,
    replicas: &[Replica],
    hosts: &BTreeMap<HostId, usize>,
) -> Result<Vec<Part>, WorldError> {
    let whose = format!("the placement of `{id}`");
    let part = |replica: &Replica| {
        let host = find(hosts, &replica.host, &whose)?;
        Ok(Part { host, share_permille: replica.share_permille, run: Run::Running })
    };
    let parts: Vec<Part> = replicas.iter().map(part).collect::<Result<_, _>>()?;
    let found: u32 = parts.iter().map(|part| u32::from(part.share_permille)).sum();
    let different: BTreeSet<usize> = parts.iter().map(|part| part.host).collect();
    if parts.is_empty() || found == 1_000 && different.len() == parts.len() {
        return Ok(parts);
    }
    Err(WorldError::Shares { workload: id.clone(), found })
}
