//! Plans: immutable sets of moves with their reasons.
//!
//! A plan is made once and never changed; what becomes of its moves is kept beside it by control.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{HostId, MoveId, PlanId, WorkloadId};
use crate::resource::Resource;
use crate::shortage::{Shortage, ShortageKey};
use crate::time::{Span, Timestamp};

/// How a workload is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Pre-copy while it runs, a short stop at the end.
    Live,
    /// Snapshot and copy ahead of the peak, stop, copy the rest, start elsewhere.
    Preemptive,
    /// A further replica elsewhere takes a share of the demand, in thousandths, for the time of
    /// the peak.
    Split {
        /// Share of the workload's demand that the new replica takes, in thousandths.
        share_permille: u16,
    },
    /// Takes a replica away again after the peak: its share returns to the move's target.
    Merge,
    /// Restart elsewhere after its host was lost.
    Recover,
}

impl Strategy {
    /// The strategy's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Preemptive => "preemptive",
            Self::Split { .. } => "split",
            Self::Merge => "merge",
            Self::Recover => "recover",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What a move is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To answer a shortage.
    Shortage(ShortageKey),
    /// To make room on its source for a move that answers a shortage (a swap or a chain).
    MakeRoom(ShortageKey),
    /// To empty a host, so that it need not run.
    Empty(HostId),
    /// To clear a host that is drained or about to be maintained.
    Drain(HostId),
    /// To restart what a lost host carried.
    Recover(HostId),
    /// To end a split whose peak has passed.
    Merge,
    /// To mend a placement that breaks a rule.
    Rule,
}

impl Purpose {
    /// The shortage that it answers, if any: an approval belongs to (workload, shortage).
    pub const fn shortage(&self) -> Option<&ShortageKey> {
        match self {
            Self::Shortage(key) | Self::MakeRoom(key) => Some(key),
            _ => None,
        }
    }
}

/// What a move is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// From start to success.
    pub duration: Span,
    /// In which the workload does not run.
    pub downtime: Span,
    /// Sent over the network.
    pub transferred_bytes: u64,
}

/// What a move costs, by part, in the policy's currency.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MoveCost {
    /// Bytes × the link's price.
    pub transfer: f64,
    /// Downtime × the workload's weight × the policy's price.
    pub downtime: f64,
    /// Demand not served because the move takes processor time.
    pub slowdown: f64,
    /// The policy's price of any move.
    pub attention: f64,
}

impl MoveCost {
    /// All parts together.
    pub fn total(&self) -> f64 {
        self.transfer + self.downtime + self.slowdown + self.attention
    }
}

/// What a target lacked, or why it was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// The host does not take workloads now: lost, draining or out of scope.
    NotReady,
    /// Its cores are slower than the workload's vCPUs, in millicores.
    CoreSpeed {
        /// The workload's vCPU speed.
        needed: u32,
        /// The host's core speed.
        found: u32,
    },
    /// Not enough of what is held.
    Room {
        /// Of what.
        resource: Resource,
        /// Needed, in its unit.
        needed: u64,
        /// Free, in its unit.
        free: u64,
    },
    /// It would itself run short.
    Overload {
        /// Of what.
        resource: Resource,
        /// Its c-quantile with the workload, in the unit of the resource.
        quantile: f64,
        /// Its limit.
        limit: f64,
    },
    /// A rule of the policy, by its position.
    Rule {
        /// Position in the policy's list of rules.
        position: usize,
    },
    /// The move's network cannot carry it in time.
    Time {
        /// The move would take.
        needed: Span,
        /// There is.
        left: Span,
    },
    /// The move would not converge, or stop the workload for too long.
    Convergence {
        /// Predicted downtime.
        downtime: Span,
    },
    /// It would do, but costs more than the chosen one.
    Costlier {
        /// By how much, in the policy's currency.
        by: f64,
    },
}

/// A target that was considered and not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedTarget {
    /// The host.
    pub host: HostId,
    /// What it lacked.
    pub lack: Lack,
}

/// Why nothing is done about a shortage, or why a workload stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standstill {
    /// Whatever could be done costs more than the shortage itself.
    CheaperToBear {
        /// The expected cost of the shortage.
        shortage: f64,
        /// The cost of the cheapest answer.
        answer: f64,
    },
    /// No host could take any of its workloads; the best candidate and what its targets lacked.
    NoTarget {
        /// The runner-up targets of the best candidate.
        rejected: Vec<RejectedTarget>,
    },
    /// Every workload on the host is immovable, in motion or cooling down.
    NothingMovable,
    /// The budget of moves is spent until then.
    Budget {
        /// When there is budget again.
        until: Timestamp,
    },
    /// A blackout window covers every possible start.
    Blackout,
    /// It lies so far ahead that its answer can still be decided later, on a better forecast.
    Later {
        /// When it is decided at the latest.
        decide_by: Timestamp,
    },
    /// Strategies the workloads allow do not finish in time or do not converge.
    NoStrategy {
        /// The best candidate.
        workload: WorkloadId,
        /// What each strategy lacked.
        lacks: Vec<(Strategy, Lack)>,
    },
}

/// One move of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Its number; drivers are idempotent by it.
    pub id: MoveId,
    /// Who moves.
    pub workload: WorkloadId,
    /// From where.
    pub from: HostId,
    /// To where.
    pub to: HostId,
    /// How.
    pub strategy: Strategy,
    /// What for.
    pub purpose: Purpose,
    /// Not before.
    pub earliest_start: Timestamp,
    /// When it shall start: backwards from the peak, in the cheapest time.
    pub start: Timestamp,
    /// Later than this it comes too late; an approval expires here.
    pub latest_start: Timestamp,
    /// Moves that must have succeeded before: they make the room.
    pub prerequisites: Vec<MoveId>,
    /// Bytes per second the move may use.
    pub bandwidth_bytes_per_second: u64,
    /// What it is expected to take.
    pub prediction: Prediction,
    /// What it costs.
    pub cost: MoveCost,
    /// P(source overloaded) in the time of its shortage without and with the plan.
    pub overload_without: f64,
    /// See `overload_without`.
    pub overload_with: f64,
    /// The runner-up targets and what each lacked.
    pub rejected: Vec<RejectedTarget>,
}

/// A shortage that the plan leaves, with the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Which.
    pub shortage: ShortageKey,
    /// Why.
    pub why: Standstill,
}

/// What a plan expects of the fleet over its horizon, by part, in the policy's currency.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct FleetCost {
    /// Expected unserved demand × its price.
    pub overload: f64,
    /// Hosts that run: price and energy.
    pub running: f64,
    /// Moves.
    pub moves: f64,
}

impl FleetCost {
    /// All parts together.
    pub fn total(&self) -> f64 {
        self.overload + self.running + self.moves
    }
}

/// An immutable plan. Doing nothing is a plan too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// The plan it replaces.
    pub parent: Option<PlanId>,
    /// When its inputs were known.
    pub made_at: Timestamp,
    /// How far it looks.
    pub until: Timestamp,
    /// The shortages it found.
    pub shortages: Vec<Shortage>,
    /// What shall be done, in order of start.
    pub moves: Vec<Move>,
    /// What it leaves, and why.
    pub unanswered: Vec<Unanswered>,
    /// What is expected if nothing is done.
    pub cost_without: FleetCost,
    /// What is expected with the plan.
    pub cost_with: FleetCost,
}

/// Where a move is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// In a plan; waits for an approval.
    Proposed,
    /// Approved by a person or by mode auto; waits for its plan to be recorded.
    Approved,
    /// Waits for its start.
    Scheduled,
    /// Started; not yet known to have ended.
    Running,
    /// The target says that the workload runs there.
    Succeeded,
    /// It ended without success; the workload runs where it ran.
    Failed,
    /// Stopped on request.
    Cancelled,
    /// A last check before the start found a reason not to.
    Refused,
    /// Not approved before its latest start.
    Expired,
    /// A newer plan does without it.
    Superseded,
}

impl MoveState {
    /// All of them, in the order in which a move meets them.
    pub const ALL: [Self; 10] = [
        Self::Proposed,
        Self::Approved,
        Self::Scheduled,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
        Self::Expired,
        Self::Superseded,
    ];

    /// The state's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// Whether nothing further can happen to it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Proposed | Self::Approved | Self::Scheduled | Self::Running)
    }
}
