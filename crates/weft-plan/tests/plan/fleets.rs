//! Fleets for tests and measurements: built by hand or drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use half::f16;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Replica, Storage, Topology, Workload, Zone,
};
use weft_core::observation::{HostState, Observation};
use weft_core::policy::{Budgets, Mode, Policy};
use weft_core::resource::{Amounts, Capacity, Resource, SeriesKey};
use weft_core::scenario::{Buckets, ScenarioParts, Scenarios, Tail};
use weft_core::time::{Span, Step, Timestamp};
use weft_plan::precopy::PrecopyModel;
use weft_plan::situation::Situation;

pub(crate) const GIGABYTE: u64 = 1_000_000_000;
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_000 * 86_400);
const WINDOWS: usize = 32;
const STEPS: usize = 72;

/// Demand of a workload: expected millicores per step ahead, and how far paths stray.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    pub(crate) mean: Vec<f32>,
    pub(crate) deviation: f32,
}

/// A fleet under construction.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) hosts: Vec<Host>,
    pub(crate) workloads: BTreeMap<String, Workload>,
    pub(crate) demands: BTreeMap<String, Demand>,
    pub(crate) placement: Placement,
    pub(crate) states: BTreeMap<String, HostState>,
    pub(crate) policy: Policy,
    pub(crate) regions: usize,
    pub(crate) seed: u64,
}

impl Case {
    pub(crate) fn new() -> Self {
        let budgets = Budgets {
            in_flight_per_host: 4,
            in_flight: 64,
            starts_per_hour: 1_000,
            ..Budgets::default()
        };
        let policy = Policy { mode: Mode::Auto, budgets, ..Policy::default() };
        Self {
            hosts: Vec::new(),
            workloads: BTreeMap::new(),
            demands: BTreeMap::new(),
            placement: Placement::default(),
            states: BTreeMap::new(),
            policy,
            regions: 1,
            seed: 0,
        }
    }

    /// A host of `cores` cores and `memory` gigabytes in the zone of this number.
    pub(crate) fn host(mut self, name: &str, cores: u32, memory: u64, zone: usize) -> Self {
        self.hosts.push(Host {
            id: name.into(),
            zone: format!("zone-{zone}").into(),
            cores,
            core_speed_millicores: 1_000,
            capacity: Capacity::UNLIMITED.with(Resource::Memory, memory * GIGABYTE),
            migration_bandwidth_bytes_per_second: 1_250_000_000,
            price_per_hour: 0.1,
            power: PowerCurve {
                watts: [100., 110., 120., 130., 140., 150., 160., 170., 180., 190., 200.],
                empty_watts: 0.0,
            },
            tags: BTreeSet::new(),
        });
        self
    }

    /// A workload of `vcpus` and `memory` gigabytes on `host`, with this demand in millicores.
    pub(crate) fn workload(
        mut self,
        name: &str,
        host: &str,
        (vcpus, memory): (u32, u64),
        mean: impl Fn(usize) -> f32,
        deviation: f32,
    ) -> Self {
        let workload = Workload {
            id: name.into(),
            vcpus,
            vcpu_speed_millicores: 1_000,
            allocated: Amounts::ZERO.with(Resource::Memory, memory * GIGABYTE),
            priority: 1,
            downtime_weight: 1.0,
            dirty_rate_bytes_per_second: 50_000_000,
            storage: Storage::Shared,
            mobility: Mobility::default(),
            tags: BTreeSet::new(),
        };
        self.workloads.insert(name.to_owned(), workload);
        let mean = (0..STEPS).map(mean).collect();
        self.demands.insert(name.to_owned(), Demand { mean, deviation });
        self.placement.put(name.into(), host.into());
        self
    }

    pub(crate) fn edit(mut self, name: &str, edit: impl FnOnce(&mut Workload)) -> Self {
        edit(self.workloads.get_mut(name).expect("a workload of the case"));
        self
    }

    pub(crate) fn policy(mut self, edit: impl FnOnce(&mut Policy)) -> Self {
        edit(&mut self.policy);
        self
    }

    pub(crate) fn state(mut self, host: &str, state: HostState) -> Self {
        self.states.insert(host.to_owned(), state);
        self
    }

    pub(crate) fn split(mut self, name: &str, hosts: &[(&str, u16)]) -> Self {
        let replica =
            |(host, share): &(&str, u16)| Replica { host: (*host).into(), share_permille: *share };
        self.placement.0.insert(name.into(), hosts.iter().map(replica).collect());
        self
    }

    pub(crate) fn situation(&self) -> Situation {
        let states = self.hosts.iter().map(|host| {
            let state = self.states.get(host.id.as_str()).copied();
            (host.id.clone(), state.unwrap_or(HostState::Ready))
        });
        let workloads = self.workloads.values().map(|w| (w.id.clone(), Arc::new(w.clone())));
        let observation = Observation {
            at: NOW,
            hosts: states.collect(),
            workloads: workloads.collect(),
            placement: self.placement.clone(),
            moves: BTreeMap::new(),
        };
        Situation {
            now: NOW,
            topology: Arc::new(self.topology()),
            observation: Arc::new(observation),
            running: Vec::new(),
            waiting: Vec::new(),
            scenarios: Arc::new(self.scenarios()),
            policy: Arc::new(self.policy.clone()),
            past_moves: BTreeMap::new(),
            recent_starts: Vec::new(),
            planned_since: BTreeMap::new(),
            precopy: PrecopyModel::default(),
        }
    }

    fn topology(&self) -> Topology {
        let region = |number: usize| format!("region-{number}");
        let regions = (0..self.regions)
            .map(|n| Region { id: region(n).into(), energy_price_per_kwh: 0.2 })
            .collect();
        let zones: BTreeSet<_> = self.hosts.iter().map(|host| host.zone.clone()).collect();
        let zones = zones
            .into_iter()
            .enumerate()
            .map(|(n, id)| Zone { id, region: region(n % self.regions).into() });
        let pairs = (0..self.regions).flat_map(|a| (a + 1..self.regions).map(move |b| (a, b)));
        let links = pairs.map(|(a, b)| Link {
            between: (region(a).into(), region(b).into()),
            round_trip: Span::from_millis(30),
            bandwidth_bytes_per_second: 1_250_000_000,
            price_per_gigabyte: 0.01,
        });
        Topology::new(regions, zones.collect(), self.hosts.clone(), links.collect())
            .expect("a fleet that fits together")
    }

    fn scenarios(&self) -> Scenarios {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let buckets = Buckets::covering(STEPS);
        let mut noise = |scale: f32| {
            let sum: f32 = (0..6).map(|_| random.random_range(-1.0_f32..1.0)).sum();
            scale * sum / 2.0_f32.sqrt()
        };
        let common: Vec<f32> = (0..WINDOWS).map(|_| noise(1.0)).collect();
        let (mut mean, mut residuals, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (name, demand) in &self.demands {
            keys.push(SeriesKey::resource(name.as_str().into(), Resource::Cpu));
            for bucket in 0..buckets.len() {
                let steps = buckets.steps(bucket);
                let count = steps.len() as f32;
                mean.push(demand.mean[steps].iter().sum::<f32>() / count);
            }
            let own: Vec<Vec<f32>> = common
                .iter()
                .map(|shared| {
                    let level = noise(0.7);
                    (0..buckets.len()).map(|_| 0.5 * shared + level + noise(0.4)).collect()
                })
                .collect();
            // Residuals of a forecast without bias: their mean is zero in every bucket.
            let sums = (0..buckets.len()).map(|b| own.iter().map(|path| path[b]).sum::<f32>());
            let centre: Vec<f32> = sums.map(|sum| sum / WINDOWS as f32).collect();
            for path in &own {
                let stray = path.iter().zip(&centre).map(|(stray, mean)| stray - mean);
                residuals.extend(stray.map(|stray| f16::from_f32(demand.deviation * stray)));
            }
        }
        let rows = keys.len() * buckets.len();
        let cap = |name: &String| self.workloads[name].cpu_millicores() as f32;
        Scenarios::new(ScenarioParts {
            origin: NOW,
            step: Step::FIVE_MINUTES,
            series: keys.into(),
            windows: WINDOWS,
            mean,
            within_variance: vec![0.0; rows],
            residuals,
            cap: self.demands.keys().map(cap).collect(),
            tail: Tail::normal(buckets.len()),
            buckets,
        })
        .expect("arrays of one shape")
    }
}

/// A fleet drawn from a seed: hosts of two sizes in three zones, workloads with a daily shape,
/// filled to `fill` of the cores on average.
pub(crate) fn random(seed: u64, hosts: usize, workloads: usize, fill: f32) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut case = Case::new();
    case.seed = seed;
    let mut cores = 0;
    for number in 0..hosts {
        let size = if number % 2 == 0 { 16 } else { 32 };
        cores += size;
        case = case.host(&format!("host-{number:04}"), size, u64::from(size) * 8, number % 3);
    }
    let each = fill * cores as f32 * 1_000.0 / workloads as f32;
    let mut memory: Vec<u64> = case.hosts.iter().map(|host| u64::from(host.cores) * 8).collect();
    for number in 0..workloads {
        let level = each * random.random_range(0.4_f32..1.6);
        let size = ((level * 2.0 / 1_000.0).ceil() as u32).max(1);
        let phase = random.random_range(0.0_f32..6.3);
        let gigabytes = u64::from(size) * 2;
        let mut host = random.random_range(0..hosts);
        while memory[host] < gigabytes {
            host = (host + 1) % hosts;
        }
        memory[host] -= gigabytes;
        let mean = |step: usize| level * (1.0 + 0.5 * (phase + step as f32 / 72.0 * 1.6).sin());
        let deviation = level * random.random_range(0.03_f32..0.12);
        let (name, host) = (format!("vm-{number:05}"), format!("host-{host:04}"));
        case = case.workload(&name, &host, (size, gigabytes), mean, deviation);
    }
    case
}
