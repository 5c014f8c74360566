//! What is kept beside the journal: moves with what became of them, approvals, scores of forecasts, how the
//! readings of outside sources went.

use serde::{Deserialize, Serialize};
use weft_core::id::{MoveId, PlanId, WorkloadId};
use weft_core::observation::MoveMeasure;
use weft_core::plan::{Move, MoveState, Purpose};
use weft_core::resource::SeriesKey;
use weft_core::time::{Span, Timestamp};

/// A move with what became of it, as far as the journal tells. The journal does not tell the mode: in
/// mode auto, where every move of a plan is scheduled at once, one that waits is `Proposed` here, and in
/// mode advise, where no approval counts, one with an approval is `Scheduled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptMove {
    /// As planned.
    pub planned: Move,
    /// The newest plan that had it before it started; plan 0 for a start without a plan in the journal.
    pub plan: PlanId,
    /// Where it is in its life.
    pub state: MoveState,
    /// When its start was recorded.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it took.
    pub measure: Option<MoveMeasure>,
    /// Why it failed or was refused.
    pub why_not: Option<String>,
}

/// What a person allowed: to move a workload for a purpose, at about a cost, until an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The move that was approved; a later move of the same workload and purpose takes it over.
    #[serde(rename = "move")]
    pub move_id: MoveId,
    /// The workload.
    pub workload: WorkloadId,
    /// What the move is for.
    pub purpose: Purpose,
    /// Its cost when it was approved, in the policy's currency; it holds up to 1.2 × this.
    pub cost: f64,
    /// When it was given.
    pub approved: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// How the forecasts of a series have held. A figure that is not finite comes back as none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// The series.
    pub key: SeriesKey,
    /// The model that acts.
    pub model: String,
    /// Its mean pinball loss, in the unit of the series; none before it was measured.
    pub pinball: Option<f64>,
    /// Share of what came that the 95 % intervals had covered; none before any was judged.
    pub coverage: Option<f64>,
    /// How many intervals were judged.
    pub judged: u32,
}

/// A source of outside events, and how its last reading went. While it cannot be read its events stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSource {
    /// Its configured name.
    pub name: String,
    /// The word for its kind: `calendar`, `campaigns` or `feed`.
    pub kind: String,
    /// Where it lies, as it may be shown.
    pub place: String,
    /// Whether moves may rest on it.
    pub is_trusted: bool,
    /// How often it is read.
    pub every: Span,
    /// When it was last tried.
    pub tried: Timestamp,
    /// When it was last read; none where it never was.
    pub read: Option<Timestamp>,
    /// How many events it gave then.
    pub events: usize,
    /// Why the last try failed; none where it did not.
    pub error: Option<String>,
    /// What was left out when it was last read, one sentence each; the first of many.
    pub problems: Vec<String>,
    /// How many such sentences there were in all.
    pub problem_count: usize,
}
