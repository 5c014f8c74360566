//! Hosts, workloads, regions and links, as they go over the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;
use super::ahead::HostAhead;
use super::plans::{MoveShape, Reason};

/// A host, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostRow {
    /// Its name.
    pub id: String,
    /// Its zone.
    pub zone: String,
    /// Its region.
    pub region: String,
    /// `ready`, `draining`, `lost`, or `unknown` before it was observed.
    pub state: String,
    /// Whether the policy rules it.
    pub in_scope: bool,
    /// Cores.
    pub cores: u32,
    /// What all of them deliver.
    pub cpu_millicores: u64,
    /// Memory; null where it is not limited.
    pub memory_bytes: Option<u64>,
    /// Memory allocated to what is on it.
    pub memory_allocated_bytes: u64,
    /// Workloads on it.
    pub workloads: usize,
    /// Expected processor demand of the next step; null before the first forecast.
    pub cpu_expected_millicores: Option<f64>,
    /// The worst that lies ahead without the plan; null before the first forecast.
    pub worst: Option<Worst>,
    /// Labels.
    pub tags: Vec<String>,
}

/// The likeliest overload ahead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Worst {
    /// Of what.
    pub resource: String,
    /// The largest P(demand > limit) in any bucket ahead if nothing is done.
    pub without: f64,
    /// The same with the plan.
    pub with: f64,
    /// Begin of the worst bucket if nothing is done.
    pub begins: Instant,
}

/// A host with what is on it and what lies ahead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostDetail {
    /// The row.
    pub host: HostRow,
    /// What lies ahead, one entry for each resource that flows.
    pub ahead: Vec<HostAhead>,
    /// What is on it, by name.
    pub residents: Vec<WorkloadRow>,
    /// Moves of the plan in force and of the last day that touch it.
    pub moves: Vec<MoveShape>,
}

/// Where one replica of a workload is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReplicaShape {
    /// The host.
    pub host: String,
    /// Its share of the demand in thousandths.
    pub share_permille: u16,
}

/// A workload, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkloadRow {
    /// Its name.
    pub id: String,
    /// Where it is; empty where it runs nowhere.
    pub replicas: Vec<ReplicaShape>,
    /// Whether it runs: false where it has no host or only lost ones.
    pub is_running: bool,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// What all of them may demand.
    pub cpu_millicores: u64,
    /// Memory allocated.
    pub memory_bytes: u64,
    /// Larger is more important.
    pub priority: u8,
    /// Expected processor demand of the next step; null before the first forecast.
    pub cpu_expected_millicores: Option<f64>,
    /// The model that acts on its processor demand; null before the first forecast.
    pub model: Option<String>,
    /// Share of what came that its 95 % intervals had covered; null before any was judged.
    pub coverage: Option<f64>,
    /// The state of its move, if one is planned, waits or runs.
    pub move_state: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
}

/// A workload with why it moves or stays.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkloadDetail {
    /// The row.
    pub workload: WorkloadRow,
    /// Strategies it allows: `live`, `preemptive`, `split`, `recover`.
    pub strategies: Vec<String>,
    /// How fast it writes memory at full processor use.
    pub dirty_rate_bytes_per_second: u64,
    /// `shared` or `local`.
    pub storage: String,
    /// Resources of which there are series.
    pub resources: Vec<String>,
    /// Why it moves, or why it stays.
    pub reason: Reason,
    /// Its moves, newest first: planned, under way, and of the last day.
    pub moves: Vec<MoveShape>,
    /// The hosts that matter to it, ahead: where it is, and where its move goes.
    pub hosts: Vec<HostAhead>,
}

/// Past samples of one series.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct History {
    /// The workload.
    pub workload: String,
    /// The resource.
    pub resource: String,
    /// Its unit.
    pub unit: String,
    /// Start of the first step.
    pub start: Instant,
    /// Distance between two values.
    pub step_seconds: f64,
    /// Means over each step; null for a gap.
    pub values: Vec<Option<f32>>,
    /// Positions of values that may have been higher: use at the cap.
    pub censored: Vec<usize>,
}

/// Regions, zones, links and what is on the way between them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MapShape {
    /// Regions, by name.
    pub regions: Vec<RegionShape>,
    /// Links between them.
    pub links: Vec<LinkShape>,
    /// Moves that run, over links or inside a region.
    pub in_flight: Vec<MoveShape>,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RegionShape {
    /// Its name.
    pub id: String,
    /// Price of a kilowatt-hour.
    pub energy_price_per_kwh: f64,
    /// Its zones.
    pub zones: Vec<ZoneShape>,
}

/// A zone with its hosts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ZoneShape {
    /// Its name.
    pub id: String,
    /// Its hosts.
    pub hosts: Vec<HostRow>,
}

/// A link between two regions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LinkShape {
    /// One end.
    pub from: String,
    /// The other.
    pub to: String,
    /// Round-trip time.
    pub round_trip_seconds: f64,
    /// What migrations may use.
    pub bandwidth_bytes_per_second: u64,
    /// Price of 10^9 bytes.
    pub price_per_gigabyte: f64,
}
