//! A small fleet in which one move passes every rule, to be bent by each test: hosts `a`, `b`
//! (zone e1) and `c` (zone e2) in region eu, `d` in us, `x` in asia, which no link joins; workloads
//! `w1` and `w2` on `a`, `w3` on `b`; the move takes `w1` from `a` to `b`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use half::f16;
use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Zone,
};
use weft_core::id::{HostId, MoveId, PlanId, WorkloadId};
use weft_core::observation::{HostState, MoveStatus, Observation};
use weft_core::plan::{FleetCost, Move, MoveCost, Plan, Prediction, Purpose, Strategy};
use weft_core::policy::Policy;
use weft_core::resource::{Amounts, Capacity, Resource, SeriesKey};
use weft_core::scenario::{Buckets, ScenarioParts, Scenarios, Tail};
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Step, Timestamp};
use weft_plan::check::{Violation, check, check_placement, check_start};
use weft_plan::precopy::PrecopyModel;
use weft_plan::situation::{PastMove, Situation};

pub(crate) const GIB: u64 = 1 << 30;

/// The instant of planning.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_300_000_000);

pub(crate) fn minutes(minutes: i64) -> Timestamp {
    NOW + Span::from_minutes(minutes)
}

/// The demand of one series: `means` by bucket and `residuals`, window × bucket.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) workload: &'static str,
    pub(crate) means: Vec<f32>,
    pub(crate) residuals: Vec<f32>,
}

#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) hosts: BTreeMap<HostId, Host>,
    pub(crate) states: BTreeMap<HostId, HostState>,
    pub(crate) workloads: BTreeMap<WorkloadId, Workload>,
    pub(crate) placement: Placement,
    pub(crate) policy: Policy,
    pub(crate) running: Vec<Move>,
    pub(crate) waiting: Vec<Move>,
    pub(crate) statuses: BTreeMap<MoveId, MoveStatus>,
    pub(crate) past_moves: BTreeMap<WorkloadId, PastMove>,
    pub(crate) recent_starts: Vec<Timestamp>,
    pub(crate) bucket_ends: Vec<u32>,
    pub(crate) cpu: Vec<Series>,
    /// Variance within every bucket of every series.
    pub(crate) within_variance: f32,
    pub(crate) moves: Vec<Move>,
}

impl Default for Fixture {
    fn default() -> Self {
        let hosts = [("a", "e1"), ("b", "e1"), ("c", "e2"), ("d", "u1"), ("x", "k1")];
        let hosts = hosts.map(|(name, zone)| (name.into(), host(name, zone)));
        let mut placement = Placement::default();
        for (workload, host) in [("w1", "a"), ("w2", "a"), ("w3", "b")] {
            placement.put(workload.into(), host.into());
        }
        Self {
            states: hosts
                .iter()
                .map(|(id, _): &(HostId, Host)| (id.clone(), HostState::Ready))
                .collect(),
            hosts: hosts.into(),
            workloads: ["w1", "w2", "w3"].map(|name| (name.into(), workload(name))).into(),
            placement,
            policy: Policy::default(),
            running: Vec::new(),
            waiting: Vec::new(),
            statuses: BTreeMap::new(),
            past_moves: BTreeMap::new(),
            recent_starts: Vec::new(),
            bucket_ends: vec![12, 36],
            cpu: Vec::new(),
            within_variance: 0.0,
            moves: vec![order(1, "w1", "a", "b")],
        }
    }
}

impl Fixture {
    pub(crate) fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(&name.into()).expect("a host of the fixture")
    }

    pub(crate) fn workload(&mut self, name: &str) -> &mut Workload {
        self.workloads.get_mut(&name.into()).expect("a workload of the fixture")
    }

    pub(crate) fn set_state(&mut self, host: &str, state: HostState) {
        self.states.insert(host.into(), state);
    }

    pub(crate) fn topology(&self) -> Topology {
        let regions = ["eu", "us", "asia"]
            .map(|name| Region { id: name.into(), energy_price_per_kwh: 0.2 })
            .to_vec();
        let zones = [("e1", "eu"), ("e2", "eu"), ("u1", "us"), ("k1", "asia")]
            .map(|(zone, region)| Zone { id: zone.into(), region: region.into() })
            .to_vec();
        let link = Link {
            between: ("eu".into(), "us".into()),
            round_trip: Span::from_millis(90),
            bandwidth_bytes_per_second: 1_000_000_000,
            price_per_gigabyte: 0.02,
        };
        Topology::new(regions, zones, self.hosts.values().cloned().collect(), vec![link])
            .expect("the fixture's fleet is sound")
    }

    pub(crate) fn observation(&self, at: Timestamp) -> Observation {
        let shared =
            |(id, workload): (&WorkloadId, &Workload)| (id.clone(), Arc::new(workload.clone()));
        Observation {
            at,
            hosts: self.states.clone(),
            workloads: self.workloads.iter().map(shared).collect(),
            placement: self.placement.clone(),
            moves: self.statuses.clone(),
        }
    }

    pub(crate) fn situation(&self) -> Situation {
        Situation {
            now: NOW,
            topology: Arc::new(self.topology()),
            observation: Arc::new(self.observation(NOW)),
            running: self.running.clone(),
            waiting: self.waiting.clone(),
            scenarios: Arc::new(self.scenarios()),
            policy: Arc::new(self.policy.clone()),
            past_moves: self.past_moves.clone(),
            recent_starts: self.recent_starts.clone(),
            planned_since: BTreeMap::new(),
            precopy: PrecopyModel::default(),
        }
    }

    /// CPU only; series must stand in the order of their workloads.
    fn scenarios(&self) -> Scenarios {
        let buckets = Buckets::new(&self.bucket_ends).expect("ascending");
        let windows = self.cpu.first().map_or(0, |one| one.residuals.len() / buckets.len());
        let key = |one: &Series| SeriesKey::resource(one.workload.into(), Resource::Cpu);
        Scenarios::new(ScenarioParts {
            origin: NOW,
            step: Step::FIVE_MINUTES,
            series: self.cpu.iter().map(key).collect::<Vec<_>>().into(),
            windows,
            mean: self.cpu.iter().flat_map(|one| one.means.clone()).collect(),
            within_variance: vec![self.within_variance; self.cpu.len() * buckets.len()],
            residuals: self
                .cpu
                .iter()
                .flat_map(|one| one.residuals.iter().map(|value| f16::from_f32(*value)))
                .collect(),
            cap: vec![f32::INFINITY; self.cpu.len()],
            tail: Tail::normal(buckets.len()),
            buckets,
        })
        .expect("shapes that fit")
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            id: PlanId(1),
            parent: None,
            made_at: NOW,
            until: NOW + Span::from_hours(6),
            shortages: Vec::new(),
            moves: self.moves.clone(),
            unanswered: Vec::new(),
            cost_without: FleetCost::default(),
            cost_with: FleetCost::default(),
        }
    }

    pub(crate) fn check(&self) -> Vec<Violation> {
        check(&self.situation(), &self.plan())
    }

    /// The first move, judged once more at `at`.
    pub(crate) fn check_start(&self, at: Timestamp) -> Result<(), Violation> {
        check_start(&self.situation(), &self.moves[0], &self.observation(at))
    }

    pub(crate) fn check_placement(&self) -> Vec<Violation> {
        let observation = self.observation(NOW);
        check_placement(
            &self.topology(),
            &self.policy,
            &observation.workloads,
            &observation.placement,
            &observation.hosts,
        )
    }
}

/// Four reference cores, 16 GiB of memory.
pub(crate) fn host(name: &str, zone: &str) -> Host {
    Host {
        id: name.into(),
        zone: zone.into(),
        cores: 4,
        core_speed_millicores: 1_000,
        capacity: Capacity::UNLIMITED.with(Resource::Memory, 16 * GIB),
        migration_bandwidth_bytes_per_second: 1_000_000_000,
        price_per_hour: 0.1,
        power: PowerCurve { watts: [100.0; 11], empty_watts: 0.0 },
        tags: BTreeSet::new(),
    }
}

/// One reference core, 4 GiB of memory.
pub(crate) fn workload(name: &str) -> Workload {
    Workload {
        id: name.into(),
        vcpus: 1,
        vcpu_speed_millicores: 1_000,
        allocated: Amounts::ZERO.with(Resource::Memory, 4 * GIB),
        priority: 0,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: 0,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

/// A live move ten minutes from now that takes two minutes and may start within twenty.
pub(crate) fn order(id: u64, workload: &str, from: &str, to: &str) -> Move {
    Move {
        id: MoveId(id),
        workload: workload.into(),
        from: from.into(),
        to: to.into(),
        strategy: Strategy::Live,
        purpose: Purpose::Shortage(ShortageKey { host: from.into(), resource: Resource::Cpu }),
        earliest_start: NOW,
        start: minutes(10),
        latest_start: minutes(20),
        prerequisites: Vec::new(),
        bandwidth_bytes_per_second: 100_000_000,
        prediction: Prediction {
            duration: Span::from_minutes(2),
            downtime: Span::from_millis(100),
            transferred_bytes: 4 * GIB,
        },
        cost: MoveCost::default(),
        overload_without: 0.1,
        overload_with: 0.0,
        rejected: Vec::new(),
    }
}

/// The same move at another time.
pub(crate) fn starting(mut order: Move, start: Timestamp) -> Move {
    order.start = start;
    order.latest_start = start;
    order
}

/// The names of the variants found, each once, in the order of the alphabet.
pub(crate) fn kinds(violations: &[Violation]) -> BTreeSet<&'static str> {
    violations.iter().map(kind).collect()
}

macro_rules! kinds_of_violations {
    ($($name:ident),* $(,)?) => {
        /// The name of a violation's variant; a new variant does not compile until it is here.
        pub(crate) const fn kind(violation: &Violation) -> &'static str {
            match violation {
                $(Violation::$name { .. } => stringify!($name),)*
            }
        }

        /// Every variant.
        pub(crate) const KINDS: &[&str] = &[$(stringify!($name)),*];
    };
}

kinds_of_violations![
    UnknownWorkload,
    UnknownHost,
    SameHost,
    RepeatedMove,
    StartOutsideWindow,
    StartInPast,
    NegativeDuration,
    WrongSource,
    AlreadyThere,
    NothingToMergeInto,
    SplitShare,
    TooManyReplicas,
    Shares,
    TargetNotReady,
    SourceLost,
    SourceNotLost,
    OutOfScope,
    CoreSpeed,
    NotMobile,
    Downtime,
    NoLink,
    Room,
    Affinity,
    AntiAffinity,
    Spread,
    Pin,
    Exclude,
    Residency,
    Immovable,
    IntoMaintenance,
    LateForMaintenance,
    Blackout,
    HostBudget,
    LinkBudget,
    FleetBudget,
    StartBudget,
    CoolDown,
    Return,
    TwiceAtOnce,
    UnknownPrerequisite,
    LatePrerequisite,
    UnmetPrerequisite,
    PrerequisiteCycle,
    Overload,
    MeanOverload,
];
