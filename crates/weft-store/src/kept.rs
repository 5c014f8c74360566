//! What is kept beside the journal: moves with what became of them, scores of forecasts.

use serde::{Deserialize, Serialize};
use weft_core::id::PlanId;
use weft_core::observation::MoveMeasure;
use weft_core::plan::{Move, MoveState};
use weft_core::time::Timestamp;

/// A move with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptMove {
    /// As planned.
    pub planned: Move,
    /// The newest plan that has it.
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

/// How the forecasts of a series have held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// The workload.
    pub workload: String,
    /// What of it is measured, by its word.
    pub measure: String,
    /// The model that acts.
    pub model: String,
    /// Its mean pinball loss, in the unit of the series; none before it was measured.
    pub pinball: Option<f64>,
    /// Share of what came that the 95 % intervals had covered; none before any was judged.
    pub coverage: Option<f64>,
    /// How many intervals were judged.
    pub judged: u32,
}
