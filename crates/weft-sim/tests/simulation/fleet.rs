//! Small random fleets for the simulation: two regions, three zones, mixed hosts, workloads with a
//! shared daily wave, noise and bursts, and rules that bind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Workloads,
    Zone,
};
use weft_core::id::WorkloadId;
use weft_core::policy::{Budgets, Domain, Mode, Policy, Rule, Selector};
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::time::{Span, Step, Timestamp};
use weft_sim::fault::FaultPlan;
use weft_sim::world::{Demand, Physics, Trace, WorldSpec};

const GIB: u64 = 1 << 30;

/// The policy of every seed: auto, tight budgets, two rules.
pub(crate) fn policy(seed: u64) -> Policy {
    Policy {
        mode: Mode::Auto,
        horizon: Span::from_hours(2),
        cool_down: Span::from_minutes(20),
        budgets: Budgets {
            in_flight_per_host: 2,
            in_flight_per_link: 2,
            in_flight: 4,
            starts_per_hour: 30,
        },
        consolidate: seed.is_multiple_of(2),
        rules: vec![
            Rule::AntiAffinity { workloads: Selector::names(["w00", "w01"]), domain: Domain::Host },
            Rule::Immovable { workloads: Selector::names(["w02"]) },
        ],
        ..Policy::default()
    }
}

/// A fleet whose demand moves for `moving` and then stays as it is.
pub(crate) fn spec(seed: u64, moving: Span) -> WorldSpec {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let hosts = hosts(&mut random);
    let workloads = workloads(&mut random);
    let (topology, placement) = housed(seed, hosts, &workloads);
    let steps = moving.whole_steps(Step::FIVE_MINUTES);
    let demand = Demand::Trace(demand(&mut random, &workloads, steps));
    WorldSpec {
        topology: Arc::new(topology),
        workloads,
        placement,
        arrivals: Vec::new(),
        departures: Vec::new(),
        demand,
        physics: Physics::default(),
        faults: FaultPlan::none(),
        start: Timestamp::from_seconds(1_700_000_100 / 300 * 300),
        step: Step::FIVE_MINUTES,
        seed,
    }
}

/// The fleet's regions, zones and hosts, and where everything is on them at first. Every third
/// fleet is short of memory: its hosts are the smallest that hold everything, and little more. There
/// what a move in flight holds on both of its ends decides what else may start; in the others hardly
/// anything ever meets its limit.
fn housed(seed: u64, hosts: Vec<Host>, workloads: &Workloads) -> (Topology, Placement) {
    let (smallest, spare) = if seed % 3 == 2 { (8, 2) } else { (32, 0) };
    let hosts = hosts.into_iter();
    let with = |memory: u64| -> Vec<Host> {
        let resized = |host: Host| Host {
            capacity: host.capacity.with(Resource::Memory, memory * GIB),
            ..host
        };
        hosts.clone().map(resized).collect()
    };
    let mut sizes = smallest..=32;
    let (size, placement) = sizes
        .find_map(|size| Some((size, placement(&with(size), workloads)?)))
        .expect("there is memory for everything");
    (topology(with(size + spare)), placement)
}

fn topology(hosts: Vec<Host>) -> Topology {
    let region = |name: &str| Region { id: name.into(), energy_price_per_kwh: 0.2 };
    let zone = |name: &str, region: &str| Zone { id: name.into(), region: region.into() };
    let link = Link {
        between: ("eu".into(), "us".into()),
        round_trip: Span::from_millis(80),
        bandwidth_bytes_per_second: 250_000_000,
        price_per_gigabyte: 0.02,
    };
    let zones = vec![zone("eu-1", "eu"), zone("eu-2", "eu"), zone("us-1", "us")];
    Topology::new(vec![region("eu"), region("us")], zones, hosts, vec![link])
        .expect("the topology is consistent")
}

fn hosts(random: &mut ChaCha8Rng) -> Vec<Host> {
    let zones = ["eu-1", "eu-2", "us-1"];
    let count = random.random_range(7..11);
    (0..count).map(|index| host(index, zones[index % zones.len()], random)).collect()
}

fn host(index: usize, zone: &str, random: &mut ChaCha8Rng) -> Host {
    let idle = random.random_range(80.0..120.0);
    let watts: Vec<f64> = (0..11).map(|tenth| idle + f64::from(tenth) * 6.0).collect();
    Host {
        id: format!("h{index:02}").into(),
        zone: zone.into(),
        cores: 8,
        core_speed_millicores: 1_000,
        capacity: Capacity::UNLIMITED
            .with(Resource::Memory, 32 * GIB)
            .with(Resource::StorageSpace, 2_000 * GIB),
        migration_bandwidth_bytes_per_second: 500_000_000,
        price_per_hour: 0.05,
        power: PowerCurve { watts: watts.try_into().expect("eleven points"), empty_watts: 0.0 },
        tags: BTreeSet::new(),
    }
}

fn workloads(random: &mut ChaCha8Rng) -> Workloads {
    let mut workloads = BTreeMap::new();
    for index in 0..random.random_range(20..30) {
        let id: WorkloadId = format!("w{index:02}").into();
        let memory = random.random_range(1..6) * GIB;
        let workload = Workload {
            id: id.clone(),
            vcpus: random.random_range(1..5),
            vcpu_speed_millicores: 1_000,
            allocated: Amounts::ZERO
                .with(Resource::Memory, memory)
                .with(Resource::StorageSpace, 20 * GIB),
            priority: random.random_range(1..4),
            downtime_weight: 1.0,
            dirty_rate_bytes_per_second: random.random_range(1..400) * 1_000_000,
            storage: Storage::Shared,
            mobility: Mobility {
                live: index % 7 != 3,
                preemptive: index % 5 != 0,
                max_replicas: if index % 6 == 4 { 2 } else { 1 },
                recover: true,
            },
            tags: BTreeSet::new(),
        };
        workloads.insert(id, Arc::new(workload));
    }
    workloads
}

/// Round and round over the hosts, the next one with memory for it; so that some run hot. None
/// where the memory is too little.
fn placement(hosts: &[Host], workloads: &Workloads) -> Option<Placement> {
    let memory = |host: &Host| host.offers(Resource::Memory).unwrap_or(u64::MAX);
    let mut free: Vec<_> = hosts.iter().map(|host| (host.id.clone(), memory(host))).collect();
    let used = free.len().div_ceil(2) + 1;
    let mut placement = Placement::default();
    for (index, workload) in workloads.values().enumerate() {
        let memory = workload.allocation(Resource::Memory);
        let host = (0..free.len())
            .map(|offset| if offset < used { (index + offset) % used } else { offset })
            .find(|host| free[*host].1 >= memory)?;
        free[host].1 -= memory;
        placement.put(workload.id.clone(), free[host].0.clone());
    }
    Some(placement)
}

fn demand(random: &mut ChaCha8Rng, workloads: &Workloads, steps: usize) -> Trace {
    let mut trace = Trace::new();
    let phase: f64 = random.random_range(0.0..1.0);
    for workload in workloads.values() {
        let base: f64 = random.random_range(0.1..0.5);
        let swing: f64 = random.random_range(0.0..0.6);
        let mut noise = 0.0;
        let values: Vec<f32> = (0..steps)
            .map(|step| {
                noise = 0.9 * noise + random.random_range(-0.04..0.04);
                let day = step as f64 / 96.0 + phase;
                let wave = swing * (0.5 + 0.5 * (std::f64::consts::TAU * day).sin());
                let share = (base + wave + noise).clamp(0.01, 1.0);
                (share * workload.cpu_millicores() as f64) as f32
            })
            .collect();
        trace.insert(workload.id.clone(), Resource::Cpu, values.into());
    }
    trace
}
