//! `--fleet planetlab`: the set-up of CloudSim 3.0.3's PlanetLab runs, so that figures compare.
//!
//! One millicore stands for one MIPS, a megabyte for 10^6 bytes. It must stay that set-up: what
//! could be better is another preset's business.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_core::files::power::measured;
use weft_core::fleet::{
    Host, Mobility, Placement, Region, Storage, Topology, Workload, Workloads, Zone,
};
use weft_core::id::WorkloadId;
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::time::{Span, Step};

use super::{ENERGY_PRICE_PER_KWH, PresetError, Setup, check_names, demand};
use crate::baseline::Baseline;
use crate::fault::FaultPlan;
use crate::readers::Trace;
use crate::world::{Physics, WorldSpec};

/// CloudSim's hosts: 800, the two types by turns.
const HOSTS: usize = 800;

/// HP ProLiant ML110 G4 and G5: their power curves and the MIPS of each of their two cores.
const HOST_TYPES: [(&str, u32); 2] = [("g4", 1_860), ("g5", 2_660)];

const CORES: u32 = 2;
const HOST_MEMORY_BYTES: u64 = 4_096_000_000;

/// 1 Gbit/s, half of it for migrations.
const NETWORK_BYTES_PER_SECOND: u64 = 125_000_000;

/// Types of workloads by quarter of the order: MIPS of the one core and memory.
const WORKLOAD_TYPES: [(u32, u64); 4] =
    [(2_500, 870_000_000), (2_000, 1_740_000_000), (1_000, 1_740_000_000), (500, 613_000_000)];

/// Samples of a day.
const SAMPLES: usize = 288;

/// Intervals that CloudSim accounts for: its last look is at 86,100.1 s, because the one at
/// 86,400.1 s lies beyond the end of the day.
const INTERVALS: i64 = 287;

/// How CloudSim puts workloads on hosts at first, one by one in the order of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPlacement {
    /// The first host with room: its DVFS run, "none". Uses some 400 hosts for a day.
    FirstFit,
    /// Where the power rises least: its reactive policies. They look at measured power, which is
    /// still that of idle hosts, so workloads are spread over all hosts.
    PowerAware,
}

impl FirstPlacement {
    /// The one that CloudSim starts a policy with; policies that it does not know start like
    /// "none", so that they owe nothing to a bad start.
    pub const fn of(baseline: &Baseline) -> Self {
        match baseline {
            Baseline::None | Baseline::PackOnce(_) => Self::FirstFit,
            Baseline::Reactive(_) => Self::PowerAware,
        }
    }
}

/// Puts the rows of a trace in the order of `seed`: 0 sorts them by name, which is the contract's
/// order; every other seed shuffles that order in its own way.
pub fn reorder(trace: &mut Trace, seed: u64) {
    trace.rows.sort_by(|a, b| a.name.cmp(&b.name));
    if seed == 0 {
        return;
    }
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    for last in (1..trace.rows.len()).rev() {
        trace.rows.swap(last, draws.random_range(0..=last));
    }
}

/// The set-up for a day of PlanetLab in the order of its rows, which decides the sizes: a
/// workload's type is that of its quarter.
pub fn setup(trace: &Trace, placement: FirstPlacement) -> Result<Setup, PresetError> {
    check(trace)?;
    let hosts: Vec<Host> = (0..HOSTS).map(host).collect();
    let quarter = trace.rows.len().div_ceil(WORKLOAD_TYPES.len()).max(1);
    let typed = trace.rows.iter().enumerate();
    let ordered: Vec<Arc<Workload>> =
        typed.map(|(index, row)| Arc::new(workload(&row.name, index / quarter))).collect();
    let placement = place(&ordered, &hosts, placement)?;
    let workloads: Workloads =
        ordered.into_iter().map(|workload| (workload.id.clone(), workload)).collect();
    let region = Region { id: "planetlab".into(), energy_price_per_kwh: ENERGY_PRICE_PER_KWH };
    let zone = Zone { id: "planetlab".into(), region: region.id.clone() };
    let topology = Topology::new(vec![region], vec![zone], hosts, Vec::new())?;
    let physics = Physics::cloudsim();
    let world = WorldSpec {
        topology: Arc::new(topology),
        demand: demand(trace, &workloads),
        workloads,
        placement,
        arrivals: Vec::new(),
        departures: Vec::new(),
        physics,
        faults: FaultPlan::default(),
        start: trace.start,
        step: trace.step,
        seed: 0,
    };
    let last_look = Span::from_minutes(5) * INTERVALS + Span::from_millis(100);
    Ok(Setup { world, end: trace.start + last_look })
}

fn check(trace: &Trace) -> Result<(), PresetError> {
    let unfit = |expected, found| PresetError::Unfit { preset: "planetlab", expected, found };
    if trace.step != Step::FIVE_MINUTES {
        return Err(unfit("samples 5m apart", trace.step.span().to_string()));
    }
    if !trace.percent {
        return Err(unfit("CPU as a percentage", "millicores".to_owned()));
    }
    if trace.steps() < SAMPLES {
        return Err(unfit("a day of 288 samples", trace.steps().to_string()));
    }
    check_names(trace)
}

/// Names keep the order of the numbers: of equally good hosts the first wins, and types alternate.
fn host(number: usize) -> Host {
    let (curve, mips) = HOST_TYPES[number % HOST_TYPES.len()];
    Host {
        id: format!("host-{number:03}").into(),
        zone: "planetlab".into(),
        cores: CORES,
        core_speed_millicores: mips,
        capacity: Capacity::UNLIMITED
            .with(Resource::Memory, HOST_MEMORY_BYTES)
            .with(Resource::Network, NETWORK_BYTES_PER_SECOND),
        migration_bandwidth_bytes_per_second: NETWORK_BYTES_PER_SECOND / 2,
        price_per_hour: 0.0,
        power: measured(curve).expect("both types are measured ones"),
        tags: BTreeSet::from([curve.into()]),
    }
}

fn workload(name: &str, quarter: usize) -> Workload {
    let (mips, memory) = WORKLOAD_TYPES[quarter];
    Workload {
        id: name.into(),
        vcpus: 1,
        vcpu_speed_millicores: mips,
        allocated: Amounts::ZERO
            .with(Resource::Cpu, u64::from(mips))
            .with(Resource::Memory, memory),
        priority: 0,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: 0,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

/// What is still free of a host.
struct Room<'a> {
    host: &'a Host,
    millicores: u64,
    memory: u64,
}

impl Room<'_> {
    fn takes(&self, workload: &Workload) -> bool {
        self.host.core_speed_millicores >= workload.vcpu_speed_millicores
            && self.millicores >= workload.cpu_millicores()
            && self.memory >= workload.allocated[Resource::Memory]
    }

    /// By how much the power would rise over that of the idle host.
    fn rise(&self, workload: &Workload) -> f64 {
        let capacity = self.host.cpu_millicores() as f64;
        let booked = capacity - self.millicores as f64 + workload.cpu_millicores() as f64;
        self.host.power.watts_at(booked / capacity) - self.host.power.watts_at(0.0)
    }
}

fn place(
    workloads: &[Arc<Workload>],
    hosts: &[Host],
    first: FirstPlacement,
) -> Result<Placement, PresetError> {
    let room = |host| Room { host, millicores: host.cpu_millicores(), memory: HOST_MEMORY_BYTES };
    let mut rooms: Vec<Room<'_>> = hosts.iter().map(room).collect();
    let mut placement = Placement::default();
    for workload in workloads {
        let mut suitable = rooms.iter_mut().filter(|room| room.takes(workload));
        let chosen = match first {
            FirstPlacement::FirstFit => suitable.next(),
            FirstPlacement::PowerAware => {
                suitable.min_by(|a, b| a.rise(workload).total_cmp(&b.rise(workload)))
            }
        };
        let room = chosen.ok_or_else(|| no_room(workload))?;
        room.millicores -= workload.cpu_millicores();
        room.memory -= workload.allocated[Resource::Memory];
        placement.put(workload.id.clone(), room.host.id.clone());
    }
    Ok(placement)
}

fn no_room(workload: &Workload) -> PresetError {
    let memory = workload.allocated[Resource::Memory] / 1_000_000;
    let needs = format!("{} millicores, {memory} MB", workload.cpu_millicores());
    PresetError::NoRoom { workload: WorkloadId::from(workload.id.as_str()), needs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::planetlab::{day, read};
    use crate::world::Demand;

    fn trace(workloads: usize) -> Trace {
        let text = "25\n".repeat(SAMPLES);
        let files = (0..workloads).map(|number| (format!("vm-{number:04}"), text.clone()));
        read("day", day("20110303").expect("a day"), files).expect("clean files")
    }

    #[test]
    fn types_follow_quarters_and_hosts_alternate() {
        let setup = setup(&trace(1_052), FirstPlacement::FirstFit).expect("it fits");
        let world = &setup.world;
        let speed = |name: &str| world.workloads[&name.into()].vcpu_speed_millicores;
        assert_eq!([speed("vm-0262"), speed("vm-0263")], [2_500, 2_000]);
        assert_eq!([speed("vm-0788"), speed("vm-0789"), speed("vm-1051")], [1_000, 500, 500]);
        let capacities: Vec<u64> =
            world.topology.hosts().take(3).map(Host::cpu_millicores).collect();
        assert_eq!(world.topology.hosts().len(), HOSTS);
        assert_eq!(capacities, [3_720, 5_320, 3_720]);
        let Demand::Trace(rows) = &world.demand else { panic!("a trace") };
        let row = rows.row(&"vm-0000".into(), Resource::Cpu).expect("it demands");
        assert_eq!((row[0], row.len()), (625.0, SAMPLES));
        assert_eq!((setup.end - trace(1).start).as_seconds_f64(), 86_100.1);
    }

    #[test]
    fn first_placements_are_those_of_cloudsim() {
        let hosts = |first| {
            let setup = setup(&trace(1_052), first).expect("it fits");
            let placed = setup.world.placement.0.into_values();
            placed.map(|replicas| replicas[0].host.clone()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(hosts(FirstPlacement::FirstFit), 414);
        assert_eq!(hosts(FirstPlacement::PowerAware), 800);
    }

    #[test]
    fn orders_replay_from_their_seed() {
        let names = |seed| {
            let mut trace = trace(50);
            reorder(&mut trace, seed);
            trace.rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
        };
        assert!(names(0).is_sorted());
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
        let mut sorted = names(7);
        sorted.sort();
        assert_eq!(sorted, names(0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |trace: &Trace, expected: &str| {
            let error = setup(trace, FirstPlacement::FirstFit).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        };
        let mut twice = trace(2);
        twice.rows[1].name = twice.rows[0].name.clone();
        let sentence = "expected every workload of the trace to have its own name, found";
        check(&twice, &format!("{sentence} `vm-0000` twice"));
        let mut absolute = trace(1);
        absolute.percent = false;
        let sentence = "the set-up `planetlab` expects";
        check(&absolute, &format!("{sentence} CPU as a percentage, found millicores"));
        check(
            &trace(4_000),
            "expected a host with room for workload `vm-0800` (2500 millicores, 870 MB), found none",
        );
    }
}
