//! A made-up company in three regions: 24 hosts of three kinds in six zones, 120 workloads of six
//! kinds, links, prices and rules. It is packed as fleets are packed by hand: by memory, with too
//! little thought for what peaks together. Demonstrations, tests and first steps stand on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_core::event::Event;
use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Workloads,
    Zone,
};
use weft_core::id::{HostId, Tag, WorkloadId};
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::time::{Span, Step, Timestamp};

use super::{Generated, GeneratorSpec};
use crate::fault::FaultPlan;
use crate::world::{Arrival, Demand, Departure, Physics, WorldSpec};

/// A made-up fleet with its demand, its events and the rules that its owner has.
#[derive(Debug, Clone)]
pub struct MadeFleet {
    /// Regions, zones, hosts, links.
    pub topology: Arc<Topology>,
    /// All workloads, those that arrive later included.
    pub workloads: Workloads,
    /// Where they are at the start; every rule is kept.
    pub placement: Placement,
    /// Demand, events and churn.
    pub generated: Generated,
    /// What every placement must keep.
    pub rules: Vec<Rule>,
    /// When it begins.
    pub start: Timestamp,
    /// The grid.
    pub step: Step,
}

impl MadeFleet {
    /// The events, in order of beginning.
    pub fn events(&self) -> &[Event] {
        &self.generated.events
    }

    /// The fleet as a world. Who arrives later may be put on any host of its region.
    pub fn world(&self, physics: Physics, faults: FaultPlan, seed: u64) -> WorldSpec {
        let mut placement = self.placement.clone();
        let arrivals = self.generated.arrivals.iter().map(|(at, workload)| {
            let home = placement.0.remove(workload).unwrap_or_default();
            let region = home.first().and_then(|replica| self.topology.region_of(&replica.host));
            let hosts = self.topology.hosts().filter(|host| {
                self.topology.region_of(&host.id).map(|r| &r.id) == region.map(|r| &r.id)
            });
            let candidates = hosts.map(|host| host.id.clone()).collect();
            Arrival { at: *at, workload: workload.clone(), home: None, candidates }
        });
        let arrivals = arrivals.collect();
        let leaving = self.generated.departures.iter().cloned();
        WorldSpec {
            topology: self.topology.clone(),
            workloads: self.workloads.clone(),
            placement,
            arrivals,
            departures: leaving.map(|(at, workload)| Departure { at, workload }).collect(),
            demand: Demand::Generated(self.generated.generator.clone()),
            physics,
            faults,
            start: self.start,
            step: self.step,
            seed,
        }
    }
}

const GIBIBYTE: u64 = 1 << 30;
pub(super) const REGIONS: [(&str, f64); 3] = [("ap", 0.18), ("eu", 0.25), ("us", 0.12)];

/// A kind of host. Power is idle and full; between them it rises in a straight line.
struct HostKind {
    name: &'static str,
    cores: u32,
    core_speed: u32,
    memory_gibibytes: u64,
    migration_bandwidth: u64,
    price_per_hour: f64,
    watts: (f64, f64),
    is_licensed: bool,
}

/// Old slow hosts carry the licences, a few fast ones have 10 Gbit/s, the rest 1 Gbit/s.
const HOST_KINDS: [HostKind; 3] = [
    HostKind {
        name: "fast",
        cores: 16,
        core_speed: 1_200,
        memory_gibibytes: 128,
        migration_bandwidth: 1_250_000_000,
        price_per_hour: 0.60,
        watts: (110.0, 320.0),
        is_licensed: false,
    },
    HostKind {
        name: "plain",
        cores: 8,
        core_speed: 1_000,
        memory_gibibytes: 64,
        migration_bandwidth: 125_000_000,
        price_per_hour: 0.25,
        watts: (60.0, 150.0),
        is_licensed: false,
    },
    HostKind {
        name: "slow",
        cores: 12,
        core_speed: 800,
        memory_gibibytes: 64,
        migration_bandwidth: 125_000_000,
        price_per_hour: 0.20,
        watts: (70.0, 160.0),
        is_licensed: true,
    },
];

/// A kind of workload. Its name is a label of its members.
pub(super) struct WorkloadKind {
    pub(super) name: &'static str,
    pub(super) count: usize,
    pub(super) vcpus: u32,
    pub(super) vcpu_speed: u32,
    pub(super) memory_gibibytes: u64,
    pub(super) dirty_rate: u64,
    pub(super) priority: u8,
    pub(super) mobility: Mobility,
    /// Whether its members take turns between the two zones.
    pub(super) alternates: bool,
    /// Whether it runs on licensed hosts only.
    pub(super) needs_licence: bool,
}

pub(super) const fn moves(live: bool, preemptive: bool, max_replicas: u32) -> Mobility {
    Mobility { live, preemptive, max_replicas, recover: true }
}

/// The choosiest first. Databases and caches write memory faster than 1 Gbit/s carries it once they are
/// busy; front ends can be split; old programs cannot be moved while they run.
const WORKLOAD_KINDS: [WorkloadKind; 7] = [
    WorkloadKind {
        name: "old",
        count: 4,
        vcpus: 1,
        vcpu_speed: 800,
        memory_gibibytes: 2,
        dirty_rate: 5_000_000,
        priority: 1,
        mobility: moves(false, true, 1),
        alternates: false,
        needs_licence: true,
    },
    WorkloadKind {
        name: "front",
        count: 2,
        vcpus: 12,
        vcpu_speed: 1_000,
        memory_gibibytes: 16,
        dirty_rate: 60_000_000,
        priority: 3,
        mobility: moves(true, false, 4),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "db",
        count: 6,
        vcpus: 4,
        vcpu_speed: 1_000,
        memory_gibibytes: 16,
        dirty_rate: 400_000_000,
        priority: 5,
        mobility: moves(true, true, 1),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "cache",
        count: 4,
        vcpus: 2,
        vcpu_speed: 1_000,
        memory_gibibytes: 12,
        dirty_rate: 250_000_000,
        priority: 2,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "web",
        count: 8,
        vcpus: 4,
        vcpu_speed: 1_000,
        memory_gibibytes: 8,
        dirty_rate: 40_000_000,
        priority: 3,
        mobility: moves(true, true, 2),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "batch",
        count: 6,
        vcpus: 4,
        vcpu_speed: 800,
        memory_gibibytes: 8,
        dirty_rate: 80_000_000,
        priority: 0,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "app",
        count: 10,
        vcpus: 2,
        vcpu_speed: 800,
        memory_gibibytes: 6,
        dirty_rate: 30_000_000,
        priority: 2,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
];

/// Most vCPU time allocated over processor time that the owner dares when packing by hand.
const PACKING: f64 = 2.0;

/// Hosts of each kind in a region.
const HOST_COUNTS: [usize; HOST_KINDS.len()] = [2, 4, 2];

/// The made-up company, from `seed`, with peaks, events and churn for `days` days from `start` on.
/// Groups of five workloads, consecutive by name, peak together.
pub fn three_regions(seed: u64, start: Timestamp, days: u32) -> MadeFleet {
    let step = Step::FIVE_MINUTES;
    let topology = Arc::new(topology(HOST_COUNTS));
    let workloads: Workloads =
        members(&WORKLOAD_KINDS).map(|m| (m.id(), Arc::new(m.workload(m.id())))).collect();
    let spec = GeneratorSpec {
        group_size: 5,
        arriving: 0.03,
        departing: 0.03,
        ..GeneratorSpec::default()
    };
    let generated = spec.generate(seed, &workloads, start, step, days);
    let placement = pack(&topology, members(&WORKLOAD_KINDS).map(|m| (m, m.id())), &workloads);
    MadeFleet { topology, workloads, placement, generated, rules: rules(), start, step }
}

fn tags<const N: usize>(names: [String; N]) -> BTreeSet<Tag> {
    names.into_iter().map(Tag::from).collect()
}

/// Three regions of two zones, with this many hosts of each kind in a region.
pub(super) fn topology(counts: [usize; HOST_KINDS.len()]) -> Topology {
    let mut zones = Vec::new();
    let mut hosts = Vec::new();
    let mut regions = Vec::new();
    for (region, energy_price_per_kwh) in REGIONS {
        regions.push(Region { id: region.into(), energy_price_per_kwh });
        for zone in ["a", "b"] {
            zones.push(Zone { id: format!("{region}-{zone}").into(), region: region.into() });
        }
        for (kind, count) in HOST_KINDS.iter().zip(counts) {
            hosts.extend((0..count).map(|number| host(region, kind, number)));
        }
    }
    let link =
        |a: &str, b: &str, round_trip, bandwidth_bytes_per_second, price_per_gigabyte| Link {
            between: (a.into(), b.into()),
            round_trip: Span::from_millis(round_trip),
            bandwidth_bytes_per_second,
            price_per_gigabyte,
        };
    let links = vec![
        link("eu", "us", 80, 250_000_000, 0.02),
        link("ap", "us", 150, 125_000_000, 0.05),
        link("ap", "eu", 180, 62_500_000, 0.08),
    ];
    Topology::new(regions, zones, hosts, links).expect("the made-up company contradicts itself not")
}

fn host(region: &str, kind: &HostKind, number: usize) -> Host {
    let zone = if number.is_multiple_of(2) { "a" } else { "b" };
    let (idle, full) = kind.watts;
    let licence = if kind.is_licensed { "licensed" } else { "unlicensed" };
    Host {
        id: format!("{region}-{}-{}", kind.name, number + 1).into(),
        zone: format!("{region}-{zone}").into(),
        cores: kind.cores,
        core_speed_millicores: kind.core_speed,
        capacity: Capacity::UNLIMITED
            .with(Resource::Memory, kind.memory_gibibytes * GIBIBYTE)
            .with(Resource::Network, 1_250_000_000)
            .with(Resource::StorageThroughput, 2_000_000_000),
        migration_bandwidth_bytes_per_second: kind.migration_bandwidth,
        price_per_hour: kind.price_per_hour,
        power: PowerCurve {
            watts: std::array::from_fn(|tenth| idle + (full - idle) * tenth as f64 / 10.0),
            empty_watts: 5.0,
        },
        tags: tags([kind.name.to_owned(), licence.to_owned(), region.to_owned()]),
    }
}

/// The `number`-th workload of a kind in a region, from 1.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) region: &'static str,
    pub(super) kind: &'static WorkloadKind,
    pub(super) number: usize,
}

/// All members of the kinds, region by region, in the order of the kinds.
pub(super) fn members(kinds: &'static [WorkloadKind]) -> impl Iterator<Item = Member> {
    let of_kind = |region, kind: &'static WorkloadKind| {
        (1..=kind.count).map(move |number| Member { region, kind, number })
    };
    let of_region = move |region| kinds.iter().flat_map(move |kind| of_kind(region, kind));
    REGIONS.iter().flat_map(move |(region, _)| of_region(*region))
}

impl Member {
    fn id(&self) -> WorkloadId {
        format!("{}-{}-{:02}", self.region, self.kind.name, self.number).into()
    }

    /// The zone that it wishes for, where its kind takes turns.
    fn zone(&self) -> Option<String> {
        let zone = if self.number.is_multiple_of(2) { "b" } else { "a" };
        self.kind.alternates.then(|| format!("{}-{zone}", self.region))
    }

    /// The workload under the name `id`; with the labels of its kind, of its kind in its region and
    /// of the pair that it belongs to there.
    pub(super) fn workload(&self, id: WorkloadId) -> Workload {
        let Self { region, kind, number } = self;
        let pair = format!("{region}-{}-pair-{}", kind.name, number.div_ceil(2));
        Workload {
            id,
            vcpus: kind.vcpus,
            vcpu_speed_millicores: kind.vcpu_speed,
            allocated: Amounts::ZERO.with(Resource::Memory, kind.memory_gibibytes * GIBIBYTE),
            priority: kind.priority,
            downtime_weight: 1.0 + f64::from(kind.priority),
            dirty_rate_bytes_per_second: kind.dirty_rate,
            storage: Storage::Shared,
            mobility: kind.mobility.clone(),
            tags: tags([kind.name.to_owned(), format!("{region}-{}", kind.name), pair]),
        }
    }
}

pub(super) fn tagged(tag: &str) -> Selector {
    Selector { names: BTreeSet::new(), tags: [Tag::from(tag)].into() }
}

/// What the company's placements must keep.
fn rules() -> Vec<Rule> {
    let mut rules = vec![
        Rule::Pin { workloads: tagged("old"), hosts: tagged("licensed") },
        Rule::Exclude { workloads: tagged("db"), hosts: tagged("slow") },
        Rule::Residency { workloads: tagged("eu-db"), regions: ["eu".into()].into() },
        Rule::Immovable { workloads: Selector::names(["us-old-01"]) },
    ];
    for (region, _) in REGIONS {
        let pair = |number: usize| Rule::AntiAffinity {
            workloads: tagged(&format!("{region}-db-pair-{number}")),
            domain: Domain::Host,
        };
        rules.extend((1..=3).map(pair));
        rules.push(Rule::Spread {
            workloads: tagged(&format!("{region}-web")),
            domain: Domain::Zone,
            minimum: 2,
        });
        rules.push(Rule::Affinity {
            workloads: tagged(&format!("{region}-cache")),
            domain: Domain::Region,
        });
    }
    rules
}

/// Packs by hand: one after another, each on the allowed host of its region with the least free
/// memory that still has room; the memory of what arrives later is reserved.
pub(super) fn pack(
    topology: &Topology,
    members: impl Iterator<Item = (Member, WorkloadId)>,
    workloads: &Workloads,
) -> Placement {
    let mut placement = Placement::default();
    let mut taken: BTreeMap<&HostId, (u64, f64)> = BTreeMap::new();
    for (member, id) in members {
        let workload = &workloads[&id];
        let host = best_host(topology, &taken, workload, &member);
        let sums = taken.entry(&host.id).or_default();
        sums.0 += workload.allocation(Resource::Memory);
        sums.1 += workload.cpu_millicores() as f64;
        placement.put(id, host.id.clone());
    }
    placement
}

fn best_host<'a>(
    topology: &'a Topology,
    taken: &BTreeMap<&HostId, (u64, f64)>,
    workload: &Workload,
    member: &Member,
) -> &'a Host {
    let zone = member.zone();
    let fits = |host: &&Host| {
        let (memory, processor) = taken.get(&host.id).copied().unwrap_or_default();
        let offered = host.offers(Resource::Memory).unwrap_or(u64::MAX);
        let most = host.cpu_millicores() as f64 * PACKING;
        host.tags.contains(&Tag::from(member.region))
            && zone.as_deref().is_none_or(|zone| host.zone.as_str() == zone)
            && host.core_speed_millicores >= workload.vcpu_speed_millicores
            && (!member.kind.needs_licence || host.tags.contains(&Tag::from("licensed")))
            && memory + workload.allocation(Resource::Memory) <= offered
            && processor + workload.cpu_millicores() as f64 <= most
    };
    let free = |host: &&Host| {
        let offered = host.offers(Resource::Memory).unwrap_or(u64::MAX);
        offered - taken.get(&host.id).map_or(0, |(memory, _)| *memory)
    };
    let candidates = topology.hosts().filter(fits);
    candidates.min_by_key(free).expect("the made-up company has room for all: see the tests")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn fleet(seed: u64) -> MadeFleet {
        three_regions(seed, Timestamp::from_seconds(1_767_571_200), 14)
    }

    #[test]
    fn it_has_the_size_it_claims() {
        let fleet = fleet(1);
        assert_eq!((fleet.topology.hosts().len(), fleet.workloads.len()), (24, 120));
        assert_eq!(fleet.topology.zones().count(), 6);
        assert_eq!(fleet.placement.0.len(), 120);
        assert!(!fleet.events().is_empty());
    }

    /// Left alone for two weeks some hosts run short, though the fleet as a whole has room.
    #[test]
    fn it_runs_short_when_left_alone() {
        let fleet = fleet(1);
        let spec = fleet.world(Physics::default(), FaultPlan::none(), 1);
        let mut world = World::new(spec).expect("it contradicts itself not");
        world.advance(fleet.start + Span::from_days(14));
        let metrics = world.judge().metrics();
        let capacity: f64 = fleet.topology.hosts().map(|host| host.cpu_millicores() as f64).sum();
        let mean_use = metrics.requested_core_hours / (capacity / 1_000.0 * 14.0 * 24.0);
        assert!((0.2..0.7).contains(&mean_use), "{mean_use}");
        let share = metrics.unserved.overload / metrics.requested_core_hours;
        assert!((0.001..0.1).contains(&share), "{share}");
    }

    /// The rules, told a second time for a placement in which nothing is split.
    #[test]
    fn its_placement_keeps_its_rules() {
        let fleet = fleet(1);
        let placed = |selector: &Selector| -> Vec<&Host> {
            let members = fleet.workloads.values().filter(|w| selector.selects_workload(w));
            let hosts = members.filter_map(|w| fleet.placement.sole_host(&w.id));
            hosts.filter_map(|id| fleet.topology.host(id)).collect()
        };
        let domains = |hosts: &[&Host], domain: Domain| -> BTreeSet<String> {
            let name = |host: &&Host| match domain {
                Domain::Host => host.id.to_string(),
                Domain::Zone => host.zone.to_string(),
                Domain::Region => fleet.topology.region_of(&host.id).expect("known").id.to_string(),
            };
            hosts.iter().map(name).collect()
        };
        for rule in &fleet.rules {
            let keeps = match rule {
                Rule::Affinity { workloads, domain } => {
                    domains(&placed(workloads), *domain).len() == 1
                }
                Rule::AntiAffinity { workloads, domain } => {
                    let hosts = placed(workloads);
                    domains(&hosts, *domain).len() == hosts.len() && hosts.len() == 2
                }
                Rule::Spread { workloads, domain, minimum } => {
                    domains(&placed(workloads), *domain).len() >= *minimum as usize
                }
                Rule::Pin { workloads, hosts } => {
                    placed(workloads).iter().all(|host| hosts.selects_host(host))
                }
                Rule::Exclude { workloads, hosts } => {
                    placed(workloads).iter().all(|host| !hosts.selects_host(host))
                }
                Rule::Residency { workloads, regions } => {
                    let names = domains(&placed(workloads), Domain::Region);
                    names.iter().all(|name| regions.contains(&name.as_str().into()))
                }
                Rule::Immovable { .. } | Rule::Maintenance { .. } => true,
            };
            assert!(keeps, "{rule:?}");
        }
    }
}
