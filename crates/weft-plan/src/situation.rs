//! What a plan is made from and judged by: one value that holds everything, so that planning is a
//! function and a recorded situation replays the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_core::fleet::Topology;
use weft_core::id::{HostId, WorkloadId};
use weft_core::observation::Observation;
use weft_core::plan::Move;
use weft_core::policy::Policy;
use weft_core::scenario::Scenarios;
use weft_core::shortage::ShortageKey;
use weft_core::time::Timestamp;

use crate::precopy::PrecopyModel;

/// A move that ended a while ago: what cool-downs are reckoned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMove {
    /// Where the workload came from.
    pub from: HostId,
    /// When it ended.
    pub ended: Timestamp,
}

/// Everything a plan depends on.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The instant of planning.
    pub now: Timestamp,
    /// Regions, zones, hosts, links.
    pub topology: Arc<Topology>,
    /// What the driver saw last: hosts' states, workloads, placement.
    pub observation: Arc<Observation>,
    /// Moves that run, in order of start. They hold room on both ends and count in every budget.
    pub running: Vec<Move>,
    /// Moves that are approved and wait for their start; the new plan keeps or supersedes them.
    pub waiting: Vec<Move>,
    /// Joint demand. Workloads without series are taken at their full allocation.
    pub scenarios: Arc<Scenarios>,
    /// What the operator wants.
    pub policy: Arc<Policy>,
    /// The last move of each workload that ended, for cool-downs.
    pub past_moves: BTreeMap<WorkloadId, PastMove>,
    /// Starts within the last hour, ascending, for the budget of starts.
    pub recent_starts: Vec<Timestamp>,
    /// Since when every plan has answered each of these shortages, without starting anything.
    pub planned_since: BTreeMap<ShortageKey, Timestamp>,
    /// What moves take, as learned so far.
    pub precopy: PrecopyModel,
}
