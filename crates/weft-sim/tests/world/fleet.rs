//! Small fleets for the tests of the simulated world: hosts of whole cores, guests with a trace.

use std::collections::BTreeSet;
use std::sync::Arc;

use weft_core::fleet::{
    Host, Link, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Workloads,
    Zone,
};
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus};
use weft_core::plan::Strategy;
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::time::{Span, Step, Timestamp};
use weft_driver::Driver;
use weft_sim::fault::FaultPlan;
use weft_sim::world::{Demand, Physics, Trace, World, WorldSpec};

pub(crate) const MEGABYTE: u64 = 1_000_000;

/// 100 W idle, 200 W full, 10 W empty; 10 GB of memory; 100 MB/s for migrations; zone `a` of `here`.
pub(crate) fn host(name: &str, cores: u32) -> Host {
    Host {
        id: name.into(),
        zone: "a".into(),
        cores,
        core_speed_millicores: 1_000,
        capacity: Capacity::UNLIMITED.with(Resource::Memory, 10_000 * MEGABYTE),
        migration_bandwidth_bytes_per_second: 100 * MEGABYTE,
        price_per_hour: 1.0,
        power: PowerCurve {
            watts: std::array::from_fn(|tenth| 100.0 + 10.0 * tenth as f64),
            empty_watts: 10.0,
        },
        tags: BTreeSet::new(),
    }
}

/// vCPUs of the reference speed, no dirty memory.
pub(crate) fn workload(name: &str, vcpus: u32, memory: u64) -> Workload {
    Workload {
        id: name.into(),
        vcpus,
        vcpu_speed_millicores: 1_000,
        allocated: Amounts::ZERO.with(Resource::Memory, memory),
        priority: 0,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: 0,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

/// A fleet in two regions, `here` (zones `a`, `b`) and `there` (zone `c`), that a test fills.
pub(crate) struct Small {
    hosts: Vec<Host>,
    workloads: Workloads,
    placement: Placement,
    trace: Trace,
    pub(crate) is_linked: bool,
    pub(crate) physics: Physics,
    pub(crate) faults: FaultPlan,
    pub(crate) seed: u64,
}

impl Small {
    pub(crate) fn new(hosts: Vec<Host>) -> Self {
        Self {
            hosts,
            workloads: Workloads::new(),
            placement: Placement::default(),
            trace: Trace::new(),
            is_linked: true,
            physics: Physics::default(),
            faults: FaultPlan::none(),
            seed: 1,
        }
    }

    /// Adds a workload on `host` with its processor demand per step, in millicores.
    pub(crate) fn with(mut self, workload: Workload, host: &str, demand: &[f32]) -> Self {
        let id = workload.id.clone();
        self.trace.insert(id.clone(), Resource::Cpu, demand.into());
        self.placement.put(id.clone(), host.into());
        self.workloads.insert(id, Arc::new(workload));
        self
    }

    pub(crate) fn workloads(&self) -> &Workloads {
        &self.workloads
    }

    pub(crate) fn topology(&self) -> Topology {
        let region = |name: &str| Region { id: name.into(), energy_price_per_kwh: 0.5 };
        let zone = |name: &str, region: &str| Zone { id: name.into(), region: region.into() };
        let link = Link {
            between: ("here".into(), "there".into()),
            round_trip: Span::from_millis(50),
            bandwidth_bytes_per_second: 50 * MEGABYTE,
            price_per_gigabyte: 0.1,
        };
        Topology::new(
            vec![region("here"), region("there")],
            vec![zone("a", "here"), zone("b", "here"), zone("c", "there")],
            self.hosts.clone(),
            if self.is_linked { vec![link] } else { Vec::new() },
        )
        .expect("a small fleet contradicts itself not")
    }

    pub(crate) fn spec(self) -> WorldSpec {
        WorldSpec {
            topology: Arc::new(self.topology()),
            workloads: self.workloads,
            placement: self.placement,
            arrivals: Vec::new(),
            departures: Vec::new(),
            demand: Demand::Trace(self.trace),
            physics: self.physics,
            faults: self.faults,
            start: Timestamp::from_seconds(0),
            step: Step::FIVE_MINUTES,
            seed: self.seed,
        }
    }

    pub(crate) fn world(self) -> World {
        World::new(self.spec()).expect("a small world contradicts itself not")
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A live move with bandwidth to spare and half a second of downtime allowed.
pub(crate) fn live_order(id: u64, workload: &str, from: &str, to: &str) -> MoveOrder {
    MoveOrder {
        id: MoveId(id),
        workload: workload.into(),
        from: from.into(),
        to: to.into(),
        strategy: Strategy::Live,
        bandwidth_bytes_per_second: 1_000 * MEGABYTE,
        downtime_limit: Span::from_millis(500),
    }
}

/// What became of an order after a while.
pub(crate) fn outcome(world: &mut World, order: &MoveOrder, seconds: i64) -> MoveStatus {
    world.start(order).expect("the world answers");
    let to = world.now() + Span::from_seconds(seconds);
    world.advance(to);
    world.poll(order.id).expect("the world answers")
}
