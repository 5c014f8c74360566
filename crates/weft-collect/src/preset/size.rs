//! Sizes of hosts and workloads from what was read of them, and sentences on what was not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_core::files::fleet::{DEFAULT_CORE_SPEED_MILLICORES, DEFAULT_DIRTY_RATE_BYTES_PER_SECOND};
use weft_core::files::power::measured;
use weft_core::fleet::{
    FleetError, Host, Mobility, PowerCurve, Region, Storage, Topology, Workload, Workloads, Zone,
};
use weft_core::id::{HostId, RegionId, WorkloadId, ZoneId};
use weft_core::resource::{Amounts, Capacity, Resource, SeriesKey};
use weft_core::series::Series;

use super::gather::{Gathered, HostFacts, Newest};
use super::{Missing, Preset, PresetOptions, Yields};

/// Where hosts stand that say nothing of it.
const DEFAULT_PLACE: &str = "default";

/// What migrations have of a network whose speed is not known: half of 10 Gbit/s.
const DEFAULT_MIGRATION_BYTES_PER_SECOND: u64 = 625_000_000;

/// Of a network whose speed is known, migrations have one part of so many.
const MIGRATION_PARTS: u64 = 2;

/// The workloads of `gathered`, and what of them is not known.
pub(super) fn workloads(
    gathered: &Gathered,
    preset: &Preset,
    options: &PresetOptions,
    series: &BTreeMap<SeriesKey, Series>,
) -> (Workloads, Vec<Missing>) {
    let sizes = newest_sizes(gathered);
    let mut unknown = Unknown::default();
    let mut workloads = Workloads::new();
    for id in gathered.alive.keys() {
        let peak = |resource| peak(series.get(&SeriesKey::resource(id.clone(), resource)));
        let told = |yields| sizes.get(&(yields, id)).copied().filter(|size| *size > 0.0);
        let (told_cores, told_memory) = match preset.workload_labels {
            [] => whole_host(gathered, id),
            _ => (told(Yields::Vcpus), told(Yields::Memory).or(told(Yields::MemoryAtMost))),
        };
        let cores = told_cores.unwrap_or_else(|| {
            unknown.add(Yields::Vcpus, id.as_str());
            (peak(Resource::Cpu) / 1_000.0).ceil().max(told(Yields::VcpusAtLeast).unwrap_or(1.0))
        });
        let memory = told_memory.unwrap_or_else(|| {
            unknown.add(Yields::Memory, id.as_str());
            peak(Resource::Memory)
        });
        let (vcpus, speed) = vcpus(cores);
        let allocated = Amounts::ZERO
            .with(Resource::Cpu, u64::from(vcpus) * u64::from(speed))
            .with(Resource::Memory, memory as u64)
            .with(Resource::StorageSpace, told(Yields::Space).unwrap_or(0.0) as u64);
        let workload = Workload {
            id: id.clone(),
            vcpus,
            vcpu_speed_millicores: speed,
            allocated,
            priority: 0,
            downtime_weight: 1.0,
            dirty_rate_bytes_per_second: DEFAULT_DIRTY_RATE_BYTES_PER_SECOND,
            storage: options.storage,
            mobility: mobility(preset, gathered.bound.contains(id)),
            tags: BTreeSet::new(),
        };
        workloads.insert(id.clone(), Arc::new(workload));
    }
    (workloads, unknown.missing(gathered, preset))
}

/// The newest size of each workload, whichever host told it.
fn newest_sizes(gathered: &Gathered) -> BTreeMap<(Yields, &WorkloadId), f64> {
    let mut newest: BTreeMap<(Yields, &WorkloadId), Newest> = BTreeMap::new();
    for ((yields, (workload, _)), size) in &gathered.sizes {
        let entry = newest.entry((*yields, workload)).or_insert(*size);
        *entry = entry.or(*size);
    }
    newest.into_iter().map(|(key, newest)| (key, newest.value)).collect()
}

/// A host as a workload has all of the host.
fn whole_host(gathered: &Gathered, id: &WorkloadId) -> (Option<f64>, Option<f64>) {
    let facts = gathered.hosts.get(&HostId::from(id.as_str()));
    let size = |yields| facts.and_then(|facts| facts.sizes.get(&yields)).map(|size| size.value);
    (size(Yields::HostCores), size(Yields::HostMemory))
}

fn mobility(preset: &Preset, is_bound: bool) -> Mobility {
    let moves = preset.moves && !is_bound;
    Mobility {
        live: moves && preset.moves_live,
        preemptive: moves,
        max_replicas: 1,
        recover: moves,
    }
}

/// Cores as virtual CPUs and their speed: 1.5 cores are 2 × 750 millicores.
fn vcpus(cores: f64) -> (u32, u32) {
    let count = cores.ceil().clamp(1.0, f64::from(u16::MAX));
    let speed = f64::from(DEFAULT_CORE_SPEED_MILLICORES) * cores / count;
    (count as u32, speed.round().clamp(1.0, f64::from(DEFAULT_CORE_SPEED_MILLICORES)) as u32)
}

fn peak(series: Option<&Series>) -> f64 {
    series.map_or(0.0, |series| series.iter().flatten().fold(0.0, |a, b| f64::from(b).max(a)))
}

/// The hosts of `gathered`, those that only `homes` name included, and what of them is not known.
/// `homes` gives for every host the vCPUs that run there.
pub(super) fn topology(
    gathered: &Gathered,
    preset: &Preset,
    options: &PresetOptions,
    homes: &BTreeMap<HostId, u32>,
) -> Result<(Topology, Vec<Missing>), FleetError> {
    let nothing = HostFacts::default();
    let mut unknown = Unknown::default();
    let names: BTreeSet<&HostId> = gathered.hosts.keys().chain(homes.keys()).collect();
    let facts = |id| gathered.hosts.get(id).unwrap_or(&nothing);
    let places = Places::new(names.iter().map(|id| facts(*id)));
    let mut hosts = Vec::new();
    for id in names {
        let facts = facts(id);
        let size = |yields| facts.sizes.get(&yields).map(|size| size.value as u64);
        let cores = size(Yields::HostCores).unwrap_or_else(|| {
            unknown.add(Yields::HostCores, id.as_str());
            u64::from(homes.get(id).copied().unwrap_or(1))
        });
        let mut capacity = Capacity::UNLIMITED;
        match size(Yields::HostMemory) {
            Some(memory) => capacity = capacity.with(Resource::Memory, memory),
            None => unknown.add(Yields::HostMemory, id.as_str()),
        }
        let network = size(Yields::HostNetwork).filter(|speed| *speed >= MIGRATION_PARTS);
        capacity = network.map_or(capacity, |speed| capacity.with(Resource::Network, speed));
        let cores = u32::try_from(cores.max(1)).unwrap_or(u32::MAX);
        hosts.push(Host {
            id: id.clone(),
            zone: places.zone(facts),
            cores,
            core_speed_millicores: DEFAULT_CORE_SPEED_MILLICORES,
            capacity,
            migration_bandwidth_bytes_per_second: network
                .map_or(DEFAULT_MIGRATION_BYTES_PER_SECOND, |speed| speed / MIGRATION_PARTS),
            price_per_hour: 0.0,
            power: power(cores, options.empty_hosts_off),
            tags: BTreeSet::new(),
        });
    }
    let (regions, zones) = places.into_parts(options.energy_price_per_kwh);
    let mut missing = unknown.missing(gathered, preset);
    if regions.len() > 1 {
        missing.push(Missing {
            metric: "links".to_owned(),
            whose: None,
            costs: "metrics do not tell of links between regions, so nothing is moved from one region to another".to_owned(),
            is_required: false,
        });
    }
    Ok((Topology::new(regions, zones, hosts, Vec::new())?, missing))
}

/// A measured server with four cores, as many times over as the host has its cores. Who does not say that
/// empty hosts are switched off is promised no saving by emptying them.
fn power(cores: u32, is_switched_off: bool) -> PowerCurve {
    let measured = measured("x3250").expect("it is one of the measured curves");
    let times = f64::from(cores) / 4.0;
    let watts = measured.watts.map(|watts| watts * times);
    PowerCurve { watts, empty_watts: if is_switched_off { 0.0 } else { watts[0] } }
}

/// What is taken to be so because no metric tells it, a sentence each.
pub(super) fn assumed(options: &PresetOptions) -> Vec<String> {
    let empty = if options.empty_hosts_off {
        "hosts are switched off while they are empty"
    } else {
        "hosts draw idle power while they are empty, so emptying one saves next to nothing"
    };
    let disks = match options.storage {
        Storage::Shared => "disks are shared, so moves do not copy them",
        Storage::Local => "disks are local, so moves copy them",
    };
    vec![
        "hosts draw the power of an IBM x3250 M3 for every four cores".to_owned(),
        format!("energy costs {} a kWh, and hosts cost nothing else", options.energy_price_per_kwh),
        empty.to_owned(),
        format!("every core gives {DEFAULT_CORE_SPEED_MILLICORES} millicores, on all hosts alike"),
        format!(
            "a busy workload writes {} MiB of memory a second, which decides how long moves take",
            DEFAULT_DIRTY_RATE_BYTES_PER_SECOND >> 20
        ),
        disks.to_owned(),
    ]
}

/// Which zones there are, and in which regions.
struct Places(BTreeMap<String, BTreeSet<String>>);

impl Places {
    fn new<'a>(hosts: impl Iterator<Item = &'a HostFacts>) -> Self {
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for facts in hosts {
            let (zone, region) = Self::of(facts);
            places.entry(zone.to_owned()).or_default().insert(region.to_owned());
        }
        Self(places)
    }

    fn of(facts: &HostFacts) -> (&str, &str) {
        let zone = facts.zone.as_deref().unwrap_or(DEFAULT_PLACE);
        (zone, facts.region.as_deref().unwrap_or(DEFAULT_PLACE))
    }

    /// Zones named alike in two regions (`a`, `b`, `c`) are told apart by their regions.
    fn name(&self, zone: &str, region: &str) -> ZoneId {
        let is_shared = self.0.get(zone).is_some_and(|regions| regions.len() > 1);
        if is_shared { format!("{region}/{zone}").into() } else { zone.into() }
    }

    fn zone(&self, facts: &HostFacts) -> ZoneId {
        let (zone, region) = Self::of(facts);
        self.name(zone, region)
    }

    fn into_parts(self, energy_price_per_kwh: f64) -> (Vec<Region>, Vec<Zone>) {
        let names: BTreeSet<&String> = self.0.values().flatten().collect();
        let region =
            |name: &&String| Region { id: RegionId::from(name.as_str()), energy_price_per_kwh };
        let zone = |(zone, region): (&String, &String)| Zone {
            id: self.name(zone, region),
            region: region.as_str().into(),
        };
        let pairs =
            self.0.iter().flat_map(|(zone, regions)| regions.iter().map(move |r| (zone, r)));
        (names.iter().map(region).collect(), pairs.map(zone).collect())
    }
}

/// Those of whom something is not known although others tell it.
#[derive(Default)]
struct Unknown(BTreeMap<Yields, (usize, String)>);

impl Unknown {
    fn add(&mut self, yields: Yields, name: &str) {
        self.0.entry(yields).or_insert_with(|| (0, name.to_owned())).0 += 1;
    }

    /// Sentences on metrics that are there for others; what nobody has is told once, elsewhere.
    fn missing(self, gathered: &Gathered, preset: &Preset) -> Vec<Missing> {
        let seen = preset.metrics.iter().filter(|metric| gathered.seen.contains(&metric.id()));
        let lacking = seen.filter_map(|metric| {
            let whose = Some(self.0.get(&metric.yields)?.clone());
            Some(Missing { whose, is_required: false, ..Missing::of(metric) })
        });
        lacking.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_whole_processors_of_the_speed_that_gives_them() {
        let check = |cores, expected| assert_eq!(vcpus(cores), expected, "{cores}");
        check(4.0, (4, 1_000));
        check(1.5, (2, 750));
        check(0.25, (1, 250));
        check(0.0, (1, 1));
    }

    #[test]
    fn zones_of_one_name_in_two_regions_are_two() {
        let facts = |zone: Option<&str>, region: Option<&str>| HostFacts {
            zone: zone.map(str::to_owned),
            region: region.map(str::to_owned),
            ..HostFacts::default()
        };
        let hosts = [
            facts(Some("a"), Some("eu")),
            facts(Some("a"), Some("us")),
            facts(Some("b"), Some("us")),
            facts(None, None),
        ];
        let places = Places::new(hosts.iter());
        let names = hosts.each_ref().map(|facts| places.zone(facts).to_string());
        assert_eq!(names, ["eu/a", "us/a", "b", "default"]);
        let (regions, zones) = places.into_parts(0.2);
        assert_eq!((regions.len(), zones.len()), (3, 4));
        assert!(Topology::new(regions, zones, Vec::new(), Vec::new()).is_ok());
    }
}
