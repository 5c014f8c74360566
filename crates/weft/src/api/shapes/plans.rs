//! Plans, moves and reasons, as they go over the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;
use super::ahead::Shortage;

/// Why something is done, or is not: a code for programs, a sentence for people, the data of both.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reason {
    /// Which reason, such as `cheaper_to_bear`, `no_target`, `cooling_down`, `overload`.
    pub code: String,
    /// One sentence for people.
    pub sentence: String,
    /// The numbers and names in it.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// A plan, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanRow {
    /// Its number.
    pub id: u64,
    /// The plan it replaced.
    pub parent: Option<u64>,
    /// When its inputs were known.
    pub made_at: Instant,
    /// Whether it is in force.
    pub is_current: bool,
    /// Shortages it found.
    pub shortages: usize,
    /// Moves in it.
    pub moves: usize,
    /// Shortages it leaves.
    pub unanswered: usize,
    /// What is expected to be paid if nothing is done.
    pub cost_without: f64,
    /// What is expected to be paid with it.
    pub cost_with: f64,
}

/// A plan with everything that speaks for and against it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanDetail {
    /// The row.
    pub plan: PlanRow,
    /// How far it looks.
    pub until: Instant,
    /// Expected costs if nothing is done, by part.
    pub cost_without: CostShape,
    /// Expected costs with it, by part.
    pub cost_with: CostShape,
    /// What it found.
    pub shortages: Vec<Shortage>,
    /// What shall be done, in order of start.
    pub moves: Vec<MoveShape>,
    /// Before and after for every host that it touches; empty for a plan that is not in force.
    pub impact: Vec<HostImpact>,
}

/// Expected costs by part, in the policy's currency.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CostShape {
    /// Demand not served × its price.
    pub overload: f64,
    /// Hosts that run: price and energy.
    pub running: f64,
    /// Moves.
    pub moves: f64,
    /// All together.
    pub total: f64,
}

/// A host before and after a plan. Each risk stands for itself: nothing is summed into one score.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostImpact {
    /// The host.
    pub host: String,
    /// The resource.
    pub resource: String,
    /// The unit of the loads.
    pub unit: String,
    /// Capacity − reserve; null where nothing limits it.
    pub limit: Option<f64>,
    /// The largest P(overload) in any bucket if nothing is done.
    pub overload_before: f64,
    /// The same with the plan.
    pub overload_after: f64,
    /// The largest quantile of demand at the policy's confidence if nothing is done.
    pub peak_before: f64,
    /// The same with the plan.
    pub peak_after: f64,
    /// Workloads on it now.
    pub workloads_before: usize,
    /// Workloads on it after the plan.
    pub workloads_after: usize,
    /// Memory allocated now.
    pub memory_before_bytes: u64,
    /// Memory allocated after the plan.
    pub memory_after_bytes: u64,
    /// Memory of the host; null where it is not limited.
    pub memory_limit_bytes: Option<u64>,
}

/// A move with its reasons and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MoveShape {
    /// Its number.
    pub id: u64,
    /// The plan it belongs to.
    pub plan: u64,
    /// Who moves.
    pub workload: String,
    /// From where.
    pub from: String,
    /// Region of the source.
    pub from_region: String,
    /// To where.
    pub to: String,
    /// Region of the target.
    pub to_region: String,
    /// `live`, `preemptive`, `split`, `merge`, `recover`.
    pub strategy: String,
    /// Share of the demand that a split takes over, in thousandths; null for others.
    pub share_permille: Option<u16>,
    /// `proposed`, `approved`, `scheduled`, `running`, `succeeded`, `failed`, `cancelled`, `refused`,
    /// `expired`, `superseded`.
    pub state: String,
    /// What for.
    pub purpose: Reason,
    /// Not before.
    pub earliest_start: Instant,
    /// When it shall start.
    pub start: Instant,
    /// Later than this it comes too late; an approval expires here.
    pub latest_start: Instant,
    /// When it was started; null before.
    pub started: Option<Instant>,
    /// When it ended; null before.
    pub ended: Option<Instant>,
    /// Share of the predicted duration that has passed, in 0..=1, for a running move; null for others.
    pub progress: Option<f64>,
    /// What it is expected to take.
    pub predicted: MeasureShape,
    /// What it has taken so far, or took; null before the driver told anything.
    pub measured: Option<MeasureShape>,
    /// What it costs, by part.
    pub cost: MoveCostShape,
    /// P(source overloaded) in the time of its shortage without the plan.
    pub overload_without: f64,
    /// The same with the plan.
    pub overload_with: f64,
    /// Runner-up targets and what each lacked.
    pub rejected: Vec<RejectedShape>,
    /// Moves that must have succeeded before.
    pub prerequisites: Vec<u64>,
    /// Why it failed or was refused; null where it did not.
    pub why_not: Option<String>,
    /// What can be asked of it now: `approve`, `reject`, `cancel`.
    pub actions: Vec<String>,
}

/// What a move takes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MeasureShape {
    /// From start to success.
    pub duration_seconds: f64,
    /// In which the workload does not run.
    pub downtime_seconds: f64,
    /// Sent over the network.
    pub transferred_bytes: u64,
}

/// What a move costs, by part, in the policy's currency.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MoveCostShape {
    /// Bytes × the link's price.
    pub transfer: f64,
    /// Downtime × its price.
    pub downtime: f64,
    /// Demand not served because the move takes processor time.
    pub slowdown: f64,
    /// The price of any move.
    pub attention: f64,
    /// All together.
    pub total: f64,
}

/// A target that was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RejectedShape {
    /// The host.
    pub host: String,
    /// What it lacked.
    pub lack: Reason,
}
