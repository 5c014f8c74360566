//! The strip that every page carries: mode, freshness, moves in flight, the next foreseen shortage.

use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;
use super::ahead::Shortage;

/// How things stand, at one glance.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Status {
    /// The loop's present instant: the clock's, or in the demo the simulated one.
    pub now: Instant,
    /// This program's version.
    pub version: String,
    /// How far Weft may go on its own: `observe`, `advise`, `approve`, `auto`.
    pub mode: String,
    /// The operator's switch: `on`, `paused`, `killed`.
    pub switch: String,
    /// Whether moves may be started now.
    pub may_start: bool,
    /// Why nothing is started besides mode and switch; empty where nothing stands in the way.
    pub freezes: Vec<FreezeShape>,
    /// How fresh the metrics are.
    pub metrics: Freshness,
    /// Moves that run now.
    pub moves_in_flight: usize,
    /// Moves that wait for a person.
    pub moves_to_approve: usize,
    /// The earliest foreseen shortage; null where none is foreseen.
    pub next_shortage: Option<Shortage>,
    /// How many shortages are foreseen.
    pub shortages: usize,
    /// Alerts that are open.
    pub open_alerts: usize,
    /// What the fleet has.
    pub fleet: FleetCounts,
    /// The policy in force.
    pub policy: PolicySummary,
    /// The plan in force; null before the first.
    pub plan: Option<u64>,
    /// How forecasts have held, over all series.
    pub accuracy: Accuracy,
    /// The demo's clock and twin; null when serving a real fleet.
    pub demo: Option<Demo>,
}

/// Why nothing is started.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FreezeShape {
    /// `stale_metrics`, `unobserved`, `foreign_change`, `unstored`.
    pub kind: String,
    /// One sentence for people, with the change that was seen where another hand was at work.
    pub sentence: String,
    /// Since when.
    pub since: Instant,
}

/// How fresh the metrics are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Freshness {
    /// End of the newest step that at least half of the workloads delivered; null before the first.
    pub sampled_until: Option<Instant>,
    /// Seconds since then.
    pub age_seconds: Option<f64>,
    /// Older than this freezes every start.
    pub stale_after_seconds: f64,
    /// Distance between two samples.
    pub step_seconds: f64,
}

/// What the fleet has.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FleetCounts {
    /// Regions.
    pub regions: usize,
    /// Zones.
    pub zones: usize,
    /// Hosts.
    pub hosts: usize,
    /// Hosts that are lost.
    pub hosts_lost: usize,
    /// Hosts that are being emptied.
    pub hosts_draining: usize,
    /// Workloads that should run.
    pub workloads: usize,
    /// Workloads that run nowhere or only on lost hosts.
    pub workloads_down: usize,
}

/// The policy in force, in brief.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PolicySummary {
    /// Its name.
    pub name: String,
    /// How sure it wants to be that no host runs short, in 0.5..1.
    pub confidence: f64,
    /// How far it looks ahead.
    pub horizon_seconds: f64,
}

/// How forecasts have held.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Accuracy {
    /// Share of what came that the 95 % intervals had covered; null before any was judged.
    pub coverage: Option<f64>,
    /// How many intervals were judged.
    pub judged: u64,
    /// Series forecast.
    pub series: usize,
    /// How many series each model acts on.
    pub models: std::collections::BTreeMap<String, usize>,
}

/// The demo's clock and twin.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Demo {
    /// Simulated seconds a second.
    pub speed: f64,
    /// When the simulation began.
    pub began: Instant,
    /// Host-minutes of overload since then, as it went.
    pub overload_minutes: f64,
    /// Host-minutes of overload since then in the twin that never moves.
    pub twin_overload_minutes: f64,
    /// Core-hours that were demanded and not served, as it went.
    pub unserved_core_hours: f64,
    /// Core-hours not served in the twin.
    pub twin_unserved_core_hours: f64,
    /// Shortages that came in the twin and not here, newest first, at most 20.
    pub avoided: Vec<AvoidedShortage>,
    /// What is lost by a button: places such as `host ap-1-fast-1`.
    pub lost: Vec<LostPlace>,
}

/// A shortage that came in the twin.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AvoidedShortage {
    /// The host.
    pub host: String,
    /// The resource.
    pub resource: String,
    /// When it began to be short.
    pub begins: Instant,
    /// When it ended.
    pub ends: Instant,
    /// Minutes of overload in the twin.
    pub twin_overload_minutes: f64,
    /// Minutes of overload here.
    pub overload_minutes: f64,
    /// The moves that answered it.
    pub moves: Vec<u64>,
}

/// A place that a button of the demo has lost.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LostPlace {
    /// `host`, `zone` or `region`.
    pub kind: String,
    /// Its name.
    pub name: String,
}
