//! Random situations: fleets of two or three regions with rules, common shocks, running moves, lost
//! hosts and tight budgets. A few knobs say what there is, a seed says how it falls out; proptest
//! turns the knobs down to find a small case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use half::f16;
use proptest::prelude::*;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Replica, Storage, Topology, Workload, Zone,
};
use weft_core::forecast::Confidence;
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::{HostState, Observation};
use weft_core::plan::{Move, MoveCost, Prediction, Purpose, Strategy as MoveStrategy};
use weft_core::policy::{Blackout, Budgets, Domain, Mode, Policy, Rule, Selector, Window};
use weft_core::resource::{Amounts, Capacity, Resource, SeriesKey};
use weft_core::scenario::{Buckets, ScenarioParts, Scenarios, Tail};
use weft_core::time::{Span, Step, Timestamp};
use weft_plan::precopy::PrecopyModel;
use weft_plan::situation::{PastMove, Situation};

const GIB: u64 = 1 << 30;
const NOW: Timestamp = Timestamp::from_seconds(1_300_000_000);

/// What there is in a situation.
#[derive(Debug, Clone)]
pub(crate) struct Knobs {
    pub(crate) seed: u64,
    pub(crate) hosts: usize,
    pub(crate) workloads: usize,
    /// Mean CPU use of the fleet over its capacity, in percent.
    pub(crate) load_percent: u32,
    pub(crate) windows: usize,
    pub(crate) rules: usize,
    pub(crate) running: usize,
    pub(crate) lost: usize,
    pub(crate) draining: usize,
    pub(crate) splits: bool,
    pub(crate) tight_budgets: bool,
    pub(crate) blackout: bool,
    pub(crate) past_moves: bool,
    pub(crate) scoped: bool,
}

pub(crate) fn knobs() -> impl Strategy<Value = Knobs> {
    let sizes = (any::<u64>(), 2_usize..9, 1_usize..28, 10_u32..110, 0_usize..12);
    let things = (0_usize..5, 0_usize..3, 0_usize..2, 0_usize..2);
    let switches = any::<[bool; 5]>();
    (sizes, things, switches).prop_map(|(sizes, things, switches)| {
        let (seed, hosts, workloads, load_percent, windows) = sizes;
        let (rules, running, lost, draining) = things;
        let [splits, tight_budgets, blackout, past_moves, scoped] = switches;
        Knobs {
            seed,
            hosts,
            workloads,
            load_percent,
            windows,
            rules,
            running,
            lost,
            draining,
            splits,
            tight_budgets,
            blackout,
            past_moves,
            scoped,
        }
    })
}

/// The situation that the knobs and their seed give.
pub(crate) fn situation(knobs: &Knobs) -> Situation {
    let mut random = ChaCha8Rng::seed_from_u64(knobs.seed);
    let hosts: Vec<Host> = (0..knobs.hosts).map(|number| host(number, &mut random)).collect();
    let workloads: BTreeMap<WorkloadId, Workload> = (0..knobs.workloads)
        .map(|number| workload(number, knobs.splits, &mut random))
        .map(|workload| (workload.id.clone(), workload))
        .collect();
    let placement = placement(&hosts, &workloads, knobs.splits, &mut random);
    let policy = policy(knobs, &mut random);
    let mut states: BTreeMap<HostId, HostState> =
        hosts.iter().map(|host| (host.id.clone(), HostState::Ready)).collect();
    for (count, state) in [(knobs.lost, HostState::Lost), (knobs.draining, HostState::Draining)] {
        for _ in 0..count {
            let host = hosts.choose(&mut random).expect("there are hosts");
            states.insert(host.id.clone(), state);
        }
    }
    let running = running(knobs, &hosts, &placement, &states, &mut random);
    let scenarios = scenarios(knobs, &hosts, &workloads, &mut random);
    let past_moves = past_moves(knobs, &hosts, &workloads, &mut random);
    let starts = (0..4).map(|number| NOW - Span::from_minutes(50 - 10 * number));
    Situation {
        now: NOW,
        topology: Arc::new(topology(hosts)),
        planned_since: BTreeMap::new(),
        recent_starts: if knobs.tight_budgets { starts.collect() } else { Vec::new() },
        observation: Arc::new(Observation {
            at: NOW,
            hosts: states,
            workloads: workloads.into_iter().map(|(id, one)| (id, Arc::new(one))).collect(),
            placement,
            moves: BTreeMap::new(),
        }),
        running,
        waiting: Vec::new(),
        scenarios: Arc::new(scenarios),
        policy: Arc::new(policy),
        past_moves,
        precopy: PrecopyModel::default(),
    }
}

fn topology(hosts: Vec<Host>) -> Topology {
    let regions =
        ["eu", "us", "asia"].map(|id| Region { id: id.into(), energy_price_per_kwh: 0.2 });
    let zones = [("e1", "eu"), ("e2", "eu"), ("u1", "us"), ("k1", "asia")];
    let zones = zones.map(|(id, region)| Zone { id: id.into(), region: region.into() });
    let link = Link {
        between: ("eu".into(), "us".into()),
        round_trip: Span::from_millis(90),
        bandwidth_bytes_per_second: 500_000_000,
        price_per_gigabyte: 0.02,
    };
    Topology::new(regions.into(), zones.into(), hosts, vec![link]).expect("a sound fleet")
}

fn host(number: usize, random: &mut ChaCha8Rng) -> Host {
    let zone = *["e1", "e1", "e2", "e2", "u1", "k1"].choose(random).expect("zones");
    let mut capacity = Capacity::UNLIMITED
        .with(Resource::Memory, random.random_range(12..48) * GIB)
        .with(Resource::StorageSpace, random.random_range(100..400) * GIB);
    if random.random_bool(0.3) {
        capacity = capacity.with(Resource::Network, 200_000_000);
    }
    Host {
        id: format!("h{number}").into(),
        zone: zone.into(),
        cores: random.random_range(2..9),
        core_speed_millicores: *[1_000, 1_000, 1_500].choose(random).expect("speeds"),
        capacity,
        migration_bandwidth_bytes_per_second: 500_000_000,
        price_per_hour: 0.1,
        power: PowerCurve {
            watts: std::array::from_fn(|n| 90.0 + n as f64 * 4.0),
            empty_watts: 0.0,
        },
        tags: BTreeSet::new(),
    }
}

fn workload(number: usize, splits: bool, random: &mut ChaCha8Rng) -> Workload {
    let mobility = Mobility {
        live: random.random_bool(0.85),
        preemptive: random.random_bool(0.7),
        max_replicas: if splits { random.random_range(1..4) } else { 1 },
        recover: random.random_bool(0.9),
    };
    let storage = if random.random_bool(0.2) { Storage::Local } else { Storage::Shared };
    Workload {
        id: format!("w{number:02}").into(),
        vcpus: random.random_range(1..4),
        vcpu_speed_millicores: *[500, 1_000, 1_000, 1_500].choose(random).expect("speeds"),
        allocated: Amounts::ZERO
            .with(Resource::Memory, random.random_range(1..9) * GIB)
            .with(Resource::StorageSpace, random.random_range(1..60) * GIB)
            .with(Resource::Network, random.random_range(0..20_000_000)),
        priority: random.random_range(0..4),
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: random.random_range(0..300_000_000),
        storage,
        mobility,
        tags: BTreeSet::new(),
    }
}

/// Mostly sound: each workload goes where its memory fits and its cores are fast enough, if there
/// is such a host, and one in ten anywhere.
fn placement(
    hosts: &[Host],
    workloads: &BTreeMap<WorkloadId, Workload>,
    splits: bool,
    random: &mut ChaCha8Rng,
) -> Placement {
    let mut free: Vec<u64> =
        hosts.iter().map(|host| host.offers(Resource::Memory).unwrap_or(u64::MAX)).collect();
    let mut placement = Placement::default();
    for (id, workload) in workloads {
        let memory = workload.allocated[Resource::Memory];
        let fits = |number: &usize| {
            free[*number] >= memory
                && hosts[*number].core_speed_millicores >= workload.vcpu_speed_millicores
        };
        let careless = random.random_bool(0.1);
        let fitting: Vec<usize> =
            (0..hosts.len()).filter(|number| careless || fits(number)).collect();
        let Some(&first) = fitting.choose(random) else { continue };
        free[first] = free[first].saturating_sub(memory);
        let second = fitting.iter().copied().find(|other| *other != first);
        match second.filter(|_| splits && workload.mobility.max_replicas > 1 && first % 3 == 0) {
            None => placement.put(id.clone(), hosts[first].id.clone()),
            Some(second) => {
                free[second] = free[second].saturating_sub(memory);
                let share = |host: usize, share_permille| Replica {
                    host: hosts[host].id.clone(),
                    share_permille,
                };
                placement.0.insert(id.clone(), vec![share(first, 500), share(second, 500)]);
            }
        }
    }
    placement
}

fn policy(knobs: &Knobs, random: &mut ChaCha8Rng) -> Policy {
    let mut policy = Policy {
        mode: Mode::Auto,
        confidence: Confidence::new(*[0.5, 0.8, 0.95, 0.99].choose(random).expect("levels"))
            .expect("a confidence"),
        rules: (0..knobs.rules).map(|_| rule(knobs, random)).collect(),
        consolidate: random.random_bool(0.7),
        ..Policy::default()
    };
    policy.margins.reserve = *[0.0, 0.1].choose(random).expect("reserves");
    policy.margins.memory_overcommit = *[1.0, 1.0, 1.2].choose(random).expect("overcommits");
    if knobs.tight_budgets {
        policy.budgets = Budgets {
            in_flight_per_host: 1,
            in_flight_per_link: 1,
            in_flight: random.random_range(1..4),
            starts_per_hour: random.random_range(5..9),
        };
    }
    if knobs.blackout {
        let begins = NOW + Span::from_minutes(random.random_range(-10..120));
        let ends = begins + Span::from_minutes(random.random_range(1..90));
        policy.blackouts.push(Blackout::Once(Window { begins, ends }));
    }
    if knobs.scoped {
        policy.scope = Selector::names((1..knobs.hosts).map(|number| format!("h{number}")));
    }
    policy
}

fn rule(knobs: &Knobs, random: &mut ChaCha8Rng) -> Rule {
    let some = |count: usize, random: &mut ChaCha8Rng| {
        let names: Vec<String> = (0..count)
            .map(|_| format!("w{:02}", random.random_range(0..knobs.workloads)))
            .collect();
        Selector::names(names)
    };
    let workloads = some(random.random_range(1..5), random);
    let domain = *[Domain::Host, Domain::Zone, Domain::Region].choose(random).expect("domains");
    let hosts = Selector::names(
        (0..knobs.hosts).filter(|_| random.random_bool(0.5)).map(|n| format!("h{n}")).chain(
            // An empty selector would select everything.
            ["h0".to_owned()],
        ),
    );
    match random.random_range(0..8) {
        0 => Rule::Affinity { workloads, domain },
        1 => Rule::AntiAffinity { workloads, domain },
        2 => Rule::Spread { workloads, domain, minimum: random.random_range(1..4) },
        3 => Rule::Pin { workloads, hosts },
        4 => Rule::Exclude { workloads, hosts },
        5 => Rule::Residency { workloads, regions: BTreeSet::from(["eu".into(), "us".into()]) },
        6 => Rule::Immovable { workloads },
        _ => {
            let begins = NOW + Span::from_minutes(random.random_range(-30..180));
            let ends = begins + Span::from_minutes(random.random_range(10..120));
            Rule::Maintenance { hosts: Selector::names(["h1"]), window: Window { begins, ends } }
        }
    }
}

/// Moves under way, some of them overdue.
fn running(
    knobs: &Knobs,
    hosts: &[Host],
    placement: &Placement,
    states: &BTreeMap<HostId, HostState>,
    random: &mut ChaCha8Rng,
) -> Vec<Move> {
    let alive: Vec<&Host> =
        hosts.iter().filter(|host| states.get(&host.id) != Some(&HostState::Lost)).collect();
    let mut running: Vec<Move> = Vec::new();
    for number in 0..knobs.running {
        let candidates: Vec<(&WorkloadId, &HostId)> = placement
            .0
            .keys()
            .filter(|id| running.iter().all(|other| other.workload != **id))
            .filter_map(|id| Some((id, placement.sole_host(id)?)))
            .filter(|(_, host)| alive.iter().any(|other| other.id == **host))
            .collect();
        let Some((workload, from)) = candidates.choose(random) else { continue };
        let targets: Vec<&&Host> = alive.iter().filter(|host| host.id != **from).collect();
        let Some(to) = targets.choose(random) else { continue };
        running.push(Move {
            id: MoveId(number as u64 + 1),
            workload: (*workload).clone(),
            from: (*from).clone(),
            to: to.id.clone(),
            strategy: MoveStrategy::Live,
            purpose: Purpose::Rule,
            earliest_start: NOW - Span::from_hours(1),
            start: NOW - Span::from_seconds(random.random_range(1..600)),
            latest_start: NOW,
            prerequisites: Vec::new(),
            bandwidth_bytes_per_second: 100_000_000,
            prediction: Prediction {
                duration: Span::from_seconds(random.random_range(10..900)),
                downtime: Span::from_millis(200),
                transferred_bytes: GIB,
            },
            cost: MoveCost::default(),
            overload_without: 0.0,
            overload_with: 0.0,
            rejected: Vec::new(),
        });
    }
    running
}

/// CPU of nearly all workloads and the network of some, with a common shock per window.
fn scenarios(
    knobs: &Knobs,
    hosts: &[Host],
    workloads: &BTreeMap<WorkloadId, Workload>,
    random: &mut ChaCha8Rng,
) -> Scenarios {
    let buckets = Buckets::covering(72);
    let capacity: u64 = hosts.iter().map(Host::cpu_millicores).sum();
    let allocated: u64 = workloads.values().map(Workload::cpu_millicores).sum();
    let busy = capacity as f32 / allocated as f32 * knobs.load_percent as f32 / 100.0;
    let shocks: Vec<f32> =
        (0..knobs.windows * buckets.len()).map(|_| random.random_range(-1.0..1.0)).collect();
    let mut parts = ScenarioParts {
        origin: NOW - Span::from_minutes(1),
        step: Step::FIVE_MINUTES,
        series: Arc::from([]),
        windows: knobs.windows,
        mean: Vec::new(),
        within_variance: Vec::new(),
        residuals: Vec::new(),
        cap: Vec::new(),
        tail: Tail::normal(buckets.len()),
        buckets: buckets.clone(),
    };
    let mut series = Vec::new();
    for workload in workloads.values() {
        for (resource, likely) in [(Resource::Cpu, 0.9), (Resource::Network, 0.3)] {
            if !random.random_bool(likely) {
                continue;
            }
            let whole = workload.allocation(resource) as f32;
            series.push(SeriesKey::resource(workload.id.clone(), resource));
            parts.cap.push(whole.max(1.0));
            let level = whole * busy * random.random_range(0.3..1.2);
            let peak = random.random_range(0..buckets.len());
            for bucket in 0..buckets.len() {
                let lift = if bucket.abs_diff(peak) < 3 { 1.8 } else { 0.8 };
                parts.mean.push(level * lift);
                let spread = level * random.random_range(0.0..0.2);
                let wide = buckets.steps(bucket).len() > 1;
                parts.within_variance.push(if wide { spread * spread } else { 0.0 });
            }
            for shock in &shocks {
                // Halves reach 65,504; the network is given no shock.
                let own: f32 = random.random_range(-0.2..0.2);
                let residual =
                    if resource == Resource::Cpu { level * (0.3 * shock + own) } else { 0.0 };
                parts.residuals.push(f16::from_f32(residual));
            }
        }
    }
    parts.series = series.into();
    Scenarios::new(parts).expect("shapes that fit")
}

fn past_moves(
    knobs: &Knobs,
    hosts: &[Host],
    workloads: &BTreeMap<WorkloadId, Workload>,
    random: &mut ChaCha8Rng,
) -> BTreeMap<WorkloadId, PastMove> {
    let moved = workloads.keys().filter(|_| knobs.past_moves);
    let mut past = BTreeMap::new();
    for id in moved {
        if random.random_bool(0.3) {
            let from = hosts.choose(random).expect("there are hosts").id.clone();
            let ended = NOW - Span::from_minutes(random.random_range(0..60));
            past.insert(id.clone(), PastMove { from, ended });
        }
    }
    past
}
