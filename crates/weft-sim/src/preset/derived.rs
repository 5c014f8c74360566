//! A fleet for a trace that brings none: sizes from the trace where it knows them, drawn from a
//! catalogue where it does not, and so many hosts that their mean use is what was asked for.
//!
//! Sizes and the number of hosts are the set-up and may use the whole trace; the first placement
//! uses its first samples. Memory must never be what decides by accident: hosts have enough for
//! twice the workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_core::files::fleet::{DEFAULT_CORE_SPEED_MILLICORES, DEFAULT_DIRTY_RATE_BYTES_PER_SECOND};
use weft_core::files::power::measured;
use weft_core::fleet::{
    Host, Mobility, PowerCurve, Region, Storage, Topology, Workload, Workloads, Zone,
};
use weft_core::id::WorkloadId;
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::series::Series;

use super::first_placement::{first_mean, place};
use super::{ENERGY_PRICE_PER_KWH, PresetError, Setup, check_names, demand};
use crate::fault::FaultPlan;
use crate::readers::{Trace, TraceRow};
use crate::world::{Demand, Physics, WorldSpec};

/// The mean use of the hosts where nothing else is asked for.
pub const MEAN_UTILISATION: f64 = 0.7;

const GIBIBYTE: u64 = 1 << 30;

/// Sizes of workloads that the trace does not tell: vCPUs, memory and how many of a hundred. Most
/// cloud workloads have one or two cores, and one has 1.75 to 4 GiB for each (Cortez et al. 2017,
/// "Resource Central", fig. 2 and 3: the trace of which Azure published a part).
const CATALOGUE: [(u32, u64, u32); 5] = [
    (1, 2 * GIBIBYTE, 40),
    (2, 4 * GIBIBYTE, 25),
    (2, 8 * GIBIBYTE, 15),
    (4, 8 * GIBIBYTE, 12),
    (4, 16 * GIBIBYTE, 8),
];

/// Memory for each vCPU of a workload whose vCPUs are known and memory is not.
const MEMORY_PER_VCPU: u64 = 4 * GIBIBYTE;

/// Cores of a host, the largest that still leaves [`FEWEST_HOSTS`].
const HOST_CORES: [u32; 5] = [64, 32, 16, 8, 4];

/// With fewer hosts there is little to choose between.
const FEWEST_HOSTS: f64 = 8.0;

/// Memory of all hosts over that of all workloads: at night a fleet wants to fit on half.
const MEMORY_ROOM: f64 = 2.0;

/// Hosts' memory comes in steps of this.
const MEMORY_GRAIN: u64 = 16 * GIBIBYTE;

/// 10 Gbit/s, half of it for migrations.
const NETWORK_BYTES_PER_SECOND: u64 = 1_250_000_000;

/// A set-up for `trace` in which all hosts together are used to `mean_utilisation` (0..=1) on
/// average; `seed` draws the sizes that the trace does not tell.
pub fn setup(trace: &Trace, seed: u64, mean_utilisation: f64) -> Result<Setup, PresetError> {
    check(trace, mean_utilisation)?;
    let workloads = workloads(trace, seed);
    let demand = demand(trace, &workloads);
    let hosts =
        hosts(&workloads, mean_demand(&demand, &workloads, trace.steps()), mean_utilisation);
    let region = Region { id: "derived".into(), energy_price_per_kwh: ENERGY_PRICE_PER_KWH };
    let zone = Zone { id: "derived".into(), region: region.id.clone() };
    let topology = Topology::new(vec![region], vec![zone], hosts, Vec::new())?;
    let placement = place(&topology, &workloads, &|id| first_mean(&demand, id))?;
    let end = trace.start + trace.step.span() * trace.steps() as i64;
    let world = WorldSpec {
        topology: Arc::new(topology),
        workloads,
        placement,
        arrivals: Vec::new(),
        departures: Vec::new(),
        demand,
        physics: Physics::default(),
        faults: FaultPlan::default(),
        start: trace.start,
        step: trace.step,
        seed,
    };
    Ok(Setup { world, end })
}

fn check(trace: &Trace, mean_utilisation: f64) -> Result<(), PresetError> {
    let unfit = |expected, found| PresetError::Unfit { preset: "derived", expected, found };
    if !(mean_utilisation > 0.0 && mean_utilisation <= 1.0) {
        return Err(unfit("a mean utilisation above 0 and up to 1", mean_utilisation.to_string()));
    }
    if let Some(row) = trace.rows.iter().find(|row| row.cpu().is_none()) {
        return Err(unfit("the CPU of every workload", format!("none of `{}`", row.name)));
    }
    if trace.rows.is_empty() {
        return Err(unfit("at least one workload", "none".to_owned()));
    }
    check_names(trace)
}

/// Sizes are drawn in the order of names, so that the order of the rows does not matter.
fn workloads(trace: &Trace, seed: u64) -> Workloads {
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    let by_name: BTreeMap<&str, &TraceRow> =
        trace.rows.iter().map(|row| (&*row.name, row)).collect();
    let workload = |row: &TraceRow| {
        let drawn = draw(&mut draws);
        Arc::new(workload(row, drawn, trace.percent))
    };
    let workloads = by_name.into_values().map(workload);
    workloads.map(|workload| (workload.id.clone(), workload)).collect()
}

/// A size of the catalogue: vCPUs and memory.
fn draw(draws: &mut ChaCha8Rng) -> (u32, u64) {
    let mut left = draws.random_range(0..100_u32);
    for (vcpus, memory, weight) in CATALOGUE {
        if left < weight {
            return (vcpus, memory);
        }
        left -= weight;
    }
    unreachable!("the weights of the catalogue add to a hundred")
}

fn workload(row: &TraceRow, drawn: (u32, u64), percent: bool) -> Workload {
    let known = row.allocation;
    let speed = known.vcpu_speed_millicores.unwrap_or(DEFAULT_CORE_SPEED_MILLICORES);
    let largest = |series: &Series| series.iter().flatten().fold(0.0_f32, f32::max);
    let needed = |series: &Series| (largest(series) / speed as f32).ceil().max(1.0) as u32;
    let (vcpus, memory) = match (known.vcpus, row.cpu()) {
        (Some(vcpus), _) => (vcpus, u64::from(vcpus) * MEMORY_PER_VCPU),
        (None, Some(cpu)) if !percent => {
            let vcpus = needed(cpu);
            (vcpus, u64::from(vcpus) * MEMORY_PER_VCPU)
        }
        (None, _) => drawn,
    };
    let used_memory = row.series.get(&Resource::Memory).map_or(0, |series| largest(series) as u64);
    let memory = known.memory_bytes.unwrap_or_else(|| memory.max(used_memory));
    Workload {
        id: row.name.as_str().into(),
        vcpus,
        vcpu_speed_millicores: speed,
        allocated: Amounts::ZERO
            .with(Resource::Cpu, u64::from(vcpus) * u64::from(speed))
            .with(Resource::Memory, memory),
        priority: 0,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: DEFAULT_DIRTY_RATE_BYTES_PER_SECOND,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

/// What all workloads demand on average, in millicores; what is beyond their vCPUs does not count.
fn mean_demand(demand: &Demand, workloads: &Workloads, steps: usize) -> f64 {
    let Demand::Trace(trace) = demand else { return 0.0 };
    let of = |(id, workload): (&WorkloadId, &Arc<Workload>)| {
        let cap = workload.cpu_millicores() as f64;
        let row = trace.row(id, Resource::Cpu).map_or(&[][..], |row| row);
        let known = row.iter().filter(|value| !value.is_nan());
        known.map(|value| f64::from(*value).min(cap)).sum::<f64>() / steps.max(1) as f64
    };
    workloads.iter().map(of).sum()
}

fn hosts(workloads: &Workloads, mean_demand: f64, mean_utilisation: f64) -> Vec<Host> {
    let all = || workloads.values();
    let speed = all().map(|workload| workload.vcpu_speed_millicores).max().unwrap_or(1);
    let vcpus = all().map(|workload| workload.vcpus).max().unwrap_or(1);
    let needed_cores = mean_demand / mean_utilisation / f64::from(speed);
    let cores = host_cores(needed_cores, vcpus);
    let count = (needed_cores / f64::from(cores)).round().max(2.0) as u64;
    let memory = |workload: &Arc<Workload>| workload.allocated[Resource::Memory];
    let total: u64 = all().map(memory).sum();
    let share = (total as f64 * MEMORY_ROOM / count as f64) as u64;
    let largest = all().map(memory).max().unwrap_or(0);
    let memory = share.max(largest).div_ceil(MEMORY_GRAIN).max(1) * MEMORY_GRAIN;
    let width = count.to_string().len();
    let host = |number| Host {
        id: format!("host-{number:0width$}").into(),
        zone: "derived".into(),
        cores,
        core_speed_millicores: speed,
        capacity: Capacity::UNLIMITED
            .with(Resource::Memory, memory)
            .with(Resource::Network, NETWORK_BYTES_PER_SECOND),
        migration_bandwidth_bytes_per_second: NETWORK_BYTES_PER_SECOND / 2,
        price_per_hour: 0.0,
        power: power(cores),
        tags: BTreeSet::new(),
    };
    (1..=count).map(host).collect()
}

/// The largest usual number of cores that leaves enough hosts to choose between, and at least as
/// many as the largest workload has vCPUs.
fn host_cores(needed_cores: f64, largest_vcpus: u32) -> u32 {
    let large_enough = || HOST_CORES.into_iter().filter(|cores| *cores >= largest_vcpus);
    let many = |cores: &u32| needed_cores / f64::from(*cores) >= FEWEST_HOSTS;
    large_enough().find(many).or_else(|| large_enough().next_back()).unwrap_or(largest_vcpus)
}

/// The measured server with four cores, as many times over as the host has its cores.
fn power(cores: u32) -> PowerCurve {
    let measured = measured("x3250").expect("it is one of the measured curves");
    let times = f64::from(cores) / 4.0;
    PowerCurve { watts: measured.watts.map(|watts| watts * times), ..measured }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::long_csv;

    /// `count` workloads that use `percent` of what they have for two hours.
    fn trace(count: usize, percent: u32) -> Trace {
        let mut text = "series,timestamp,value\n".to_owned();
        for workload in 0..count {
            for step in 0..24 {
                text += &format!("w{workload:03},{},{percent}\n", step * 300);
            }
        }
        let csv = long_csv::read("t.csv", text.as_bytes(), None).expect("a clean file");
        long_csv::trace("t.csv", csv).expect("one series each")
    }

    #[test]
    fn hosts_are_used_as_asked_and_memory_does_not_bind() {
        for (count, percent) in [(100, 12), (2_000, 30), (40, 60)] {
            let setup = setup(&trace(count, percent), 3, 0.7).expect("it fits");
            let (workloads, topology) = (&setup.world.workloads, &setup.world.topology);
            let steps = 24;
            let mean = mean_demand(&setup.world.demand, workloads, steps);
            let capacity: u64 = topology.hosts().map(Host::cpu_millicores).sum();
            let utilisation = mean / capacity as f64;
            assert!((utilisation - 0.7).abs() < 0.07, "{count} × {percent} %: {utilisation}");
            let memory: u64 =
                workloads.values().map(|workload| workload.allocated[Resource::Memory]).sum();
            let room: u64 = topology.hosts().filter_map(|h| h.offers(Resource::Memory)).sum();
            assert!(room >= 2 * memory, "{room} bytes for {memory}");
            assert_eq!(setup.world.placement.0.len(), count);
            assert_eq!(setup.end - setup.world.start, trace(1, 1).step.span() * 24);
        }
    }

    #[test]
    fn the_future_does_not_decide_the_placement() {
        let mut later = trace(60, 20);
        for (number, row) in later.rows.iter_mut().enumerate() {
            let cpu = row.series.get_mut(&Resource::Cpu).expect("cpu");
            let first = cpu.iter().take(12).collect::<Vec<_>>();
            let rest = std::iter::repeat_n(Some((number % 40) as f32), 12);
            *cpu = Series::from_values(cpu.start(), cpu.step(), first.into_iter().chain(rest));
        }
        let mean: f64 = 0.5 * (20.0 + (0..60).map(|n| f64::from(n % 40)).sum::<f64>() / 60.0);
        let even = setup(&trace(60, 20), 5, 0.7).expect("it fits").world;
        let uneven = setup(&later, 5, 0.7 * mean / 20.0).expect("it fits").world;
        assert_eq!(even.workloads, uneven.workloads, "sizes depend on the seed only");
        assert_eq!(even.topology.hosts().len(), uneven.topology.hosts().len());
        assert_eq!(even.placement, uneven.placement);
    }

    #[test]
    fn known_sizes_are_kept() {
        let mut trace = trace(3, 50);
        trace.rows[1].allocation.vcpus = Some(6);
        trace.rows[1].allocation.vcpu_speed_millicores = Some(2_500);
        trace.rows[1].allocation.memory_bytes = Some(7);
        let world = setup(&trace, 1, 0.7).expect("it fits").world;
        let known = &world.workloads[&"w001".into()];
        assert_eq!((known.cpu_millicores(), known.allocated[Resource::Memory]), (15_000, 7));
        let fast = |host: &Host| host.core_speed_millicores >= 2_500 && host.cores >= 6;
        assert!(world.topology.hosts().all(fast));
        trace.percent = false;
        let world = setup(&trace, 1, 0.7).expect("it fits").world;
        assert_eq!(world.workloads[&"w000".into()].vcpus, 1, "50 millicores fit on one");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |trace: &Trace, share: f64, expected: &str| {
            assert_eq!(setup(trace, 1, share).expect_err(expected).to_string(), expected);
        };
        let sentence = "the set-up `derived` expects";
        check(
            &trace(1, 1),
            0.0,
            &format!("{sentence} a mean utilisation above 0 and up to 1, found 0"),
        );
        let mut without = trace(1, 1);
        without.rows[0].series.clear();
        check(
            &without,
            0.7,
            &format!("{sentence} the CPU of every workload, found none of `w000`"),
        );
    }
}
