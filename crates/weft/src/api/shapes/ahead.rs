//! What lies ahead: shortages, probabilities of overload per host and time, forecasts with their
//! accuracy.

use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;
use super::plans::{MoveShape, Reason};
use super::signals::EventShape;

/// A foreseen shortage.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Shortage {
    /// The host that runs short.
    pub host: String,
    /// Its region.
    pub region: String,
    /// Of what.
    pub resource: String,
    /// The unit of quantile and limit.
    pub unit: String,
    /// Start of the first short step.
    pub begins: Instant,
    /// End of the last.
    pub ends: Instant,
    /// Seconds from now until it begins; 0 where it has begun.
    pub lead_seconds: f64,
    /// The largest P(demand > limit) in that time.
    pub probability: f64,
    /// The largest quantile of demand at the policy's confidence.
    pub quantile: f64,
    /// Capacity − reserve.
    pub limit: f64,
    /// Moves of the plan that answer it.
    pub moves: Vec<u64>,
    /// Why the plan leaves it; null where moves answer it.
    pub unanswered: Option<Reason>,
}

/// The heat map: P(overload) of every host over time, with what happens meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Outlook {
    /// When its inputs were known.
    pub made_at: Instant,
    /// The plan that `with` counts; null before the first.
    pub plan: Option<u64>,
    /// P above which the policy calls a host short: 1 − confidence.
    pub threshold: f64,
    /// Pieces of the time ahead, unequal: fine now, coarse later.
    pub buckets: Vec<BucketShape>,
    /// A row for each host and resource with any demand, likeliest overload first.
    pub hosts: Vec<HostAhead>,
    /// Outside events in that time.
    pub events: Vec<EventShape>,
    /// Planned and running moves in that time.
    pub moves: Vec<MoveShape>,
}

/// A piece of the time ahead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BucketShape {
    /// Its begin.
    pub begins: Instant,
    /// Its end.
    pub ends: Instant,
}

/// What lies ahead of a host, for one resource; arrays are one value a bucket.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostAhead {
    /// The host.
    pub host: String,
    /// Its zone.
    pub zone: String,
    /// Its region.
    pub region: String,
    /// `ready`, `draining` or `lost`; a lost host has no values ahead.
    pub state: String,
    /// Of what.
    pub resource: String,
    /// The unit of limit, mean and quantile.
    pub unit: String,
    /// Capacity − reserve; null where nothing limits it.
    pub limit: Option<f64>,
    /// The pieces of time; the same for every host of one answer.
    pub buckets: Vec<BucketShape>,
    /// P(demand > limit) if nothing is done.
    pub overload_without: Vec<f32>,
    /// P(demand > limit) with the plan.
    pub overload_with: Vec<f32>,
    /// Expected demand if nothing is done.
    pub mean_without: Vec<f32>,
    /// Expected demand with the plan.
    pub mean_with: Vec<f32>,
    /// Quantile of demand at the policy's confidence if nothing is done.
    pub quantile_without: Vec<f32>,
    /// The same with the plan.
    pub quantile_with: Vec<f32>,
}

/// Who wants how much of a host in one step ahead: what stands behind its probability of overload.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostDemand {
    /// The host.
    pub host: String,
    /// Of what.
    pub resource: String,
    /// The unit of the amounts.
    pub unit: String,
    /// Begin of the step.
    pub at: Instant,
    /// What is on the host now, largest demand first; without those that have no forecast yet.
    pub workloads: Vec<WorkloadDemand>,
}

/// What one workload wants of its host in one step ahead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkloadDemand {
    /// The workload.
    pub workload: String,
    /// The median of its demand, its replica's share of it.
    pub expected: f64,
    /// The highest level forecast, its replica's share of it.
    pub high: f64,
    /// Outside events that concern it in that step.
    pub events: Vec<String>,
}

/// A forecast of one series with what is known of its worth.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ForecastShape {
    /// The workload.
    pub workload: String,
    /// The resource.
    pub resource: String,
    /// The unit of the quantiles.
    pub unit: String,
    /// End of the last known step: the first step ahead begins here.
    pub origin: Instant,
    /// Distance between two steps.
    pub step_seconds: f64,
    /// The levels of the columns, ascending, 0.5 among them.
    pub levels: Vec<f64>,
    /// One row a step, one column a level.
    pub quantiles: Vec<Vec<f32>>,
    /// The most it can demand (its vCPUs); null where nothing caps it.
    pub cap: Option<f64>,
    /// The outside events that are in it.
    pub lifts: Vec<LiftShape>,
    /// Its worth.
    pub accuracy: SeriesAccuracy,
}

/// What an outside event does to a forecast, over the part of its window that lies ahead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiftShape {
    /// The event.
    pub event: String,
    /// What it is taken to be one of.
    pub kind: String,
    /// Median demand with it over median demand without any event.
    pub factor: f64,
    /// The factor between which it lies with 90 %: lower.
    pub low: f64,
    /// And upper.
    pub high: f64,
    /// What most of it was learned from: `own` past events, those of the `cluster` or of the `kind`, or `prior`: what its
    /// author expects.
    pub source: String,
    /// How many past events that were.
    pub learned_from: usize,
}

/// How the forecasts of one series have held.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SeriesAccuracy {
    /// The workload.
    pub workload: String,
    /// The resource.
    pub resource: String,
    /// The model that acts.
    pub model: String,
    /// It and its rivals, the floors first.
    pub scores: Vec<ModelScore>,
    /// Share of what came that its 95 % intervals had covered; null before any was judged.
    pub coverage: Option<f64>,
    /// How many intervals were judged.
    pub judged: u32,
    /// Samples seen.
    pub samples: u64,
}

/// How a model did on a series.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ModelScore {
    /// The model.
    pub model: String,
    /// Mean pinball loss at 0.5 and 0.9 over about the last day, in the unit of the series; null
    /// before it was measured.
    pub pinball: Option<f64>,
}
