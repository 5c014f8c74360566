//! The journal: what was decided and what became of it, one entry a line.
//!
//! A decision is recorded before it is acted on, so that after a crash the journal and a fresh
//! observation tell together where things stand. The journal never holds what can be computed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weft_core::id::{HostId, MoveId, PlanId, RecordId, WorkloadId};
use weft_core::observation::{MoveFailure, MoveMeasure, MoveOrder};
use weft_core::plan::{Move, MoveState, Plan, Purpose};
use weft_core::policy::Policy;
use weft_core::time::Timestamp;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, without gaps.
    pub id: RecordId,
    /// When it was decided.
    pub at: Timestamp,
    /// What.
    pub record: Record,
}

/// What is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A plan was adopted; every move of an older plan that had not started is superseded.
    PlanAdopted {
        /// The plan.
        plan: Arc<Plan>,
    },
    /// The checker refused moves of a plan; the plan is adopted without them. This is a defect of
    /// the solver and says so.
    MovesDropped {
        /// The plan.
        plan: PlanId,
        /// The checker's sentences.
        violations: Vec<String>,
    },
    /// A person approved a move.
    Approved {
        /// The move.
        #[serde(rename = "move")]
        move_id: MoveId,
        /// The workload: an approval belongs to (workload, purpose).
        workload: WorkloadId,
        /// What the move is for.
        purpose: Purpose,
        /// Its cost when it was approved; the approval holds up to 1.2 × this.
        cost: f64,
        /// When the approval ends.
        expires: Timestamp,
    },
    /// A person rejected a move.
    Rejected {
        /// The move.
        #[serde(rename = "move")]
        move_id: MoveId,
        /// The workload.
        workload: WorkloadId,
    },
    /// A move is about to be started.
    Starting {
        /// The order that the driver will get.
        order: MoveOrder,
        /// The move that it carries out.
        #[serde(rename = "move")]
        planned: Box<Move>,
    },
    /// A move reached a final state.
    Ended {
        /// The move.
        #[serde(rename = "move")]
        move_id: MoveId,
        /// The workload.
        workload: WorkloadId,
        /// How it ended.
        state: MoveState,
        /// What it took; none if it never ran.
        measure: Option<MoveMeasure>,
        /// Why it failed, if it did.
        failure: Option<MoveFailure>,
        /// Why it was refused, if it was: the checker's sentence.
        refusal: Option<String>,
    },
    /// Nothing is started from now on.
    Frozen {
        /// Why.
        why: Freeze,
    },
    /// A freeze ended.
    Thawed {
        /// Which.
        why: Freeze,
    },
    /// A person paused, resumed or killed.
    Switched {
        /// What it is from now on.
        to: Switch,
    },
    /// The hosts that shall be emptied, from now on.
    Draining {
        /// All of them.
        hosts: BTreeSet<HostId>,
    },
    /// The policy changed.
    PolicySet {
        /// What holds from now on.
        policy: Arc<Policy>,
    },
}

/// Why nothing is started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "freeze", rename_all = "snake_case")]
pub enum Freeze {
    /// The newest samples are too old, or too few workloads deliver any.
    StaleMetrics,
    /// The driver cannot be reached.
    Unobserved,
    /// Somebody else moved a workload.
    ForeignChange {
        /// Which workload.
        workload: WorkloadId,
        /// The hosts it was on as far as Weft knew.
        from: Vec<HostId>,
        /// The hosts it is on.
        to: Vec<HostId>,
    },
}

impl Freeze {
    /// Its kind, without data: there is at most one freeze of a kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StaleMetrics => "stale_metrics",
            Self::Unobserved => "unobserved",
            Self::ForeignChange { .. } => "foreign_change",
        }
    }
}

/// The operator's switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// As the policy's mode says.
    #[default]
    On,
    /// Start nothing.
    Paused,
    /// Start nothing, cancel what runs.
    Killed,
}
