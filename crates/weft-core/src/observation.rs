//! What a driver sees and is told: the common language of control and drivers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fleet::{Placement, Workloads};
use crate::id::{HostId, MoveId, WorkloadId};
use crate::plan::Strategy;
use crate::time::{Span, Timestamp};

/// How a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It runs and takes workloads.
    Ready,
    /// It runs, but shall be emptied.
    Draining,
    /// It is lost: what it carried does not run.
    Lost,
}

/// The fleet as a driver sees it at one instant.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// When it was taken.
    pub at: Timestamp,
    /// Every host that should be there.
    pub hosts: BTreeMap<HostId, HostState>,
    /// Every workload that should run, with its sizes.
    pub workloads: Workloads,
    /// Where they run. What a lost host carried is still listed there until it is recovered.
    pub placement: Placement,
    /// Moves that the machines know to be under way, and those that ended since the driver was
    /// asked last.
    pub moves: BTreeMap<MoveId, MoveStatus>,
}

/// What a driver is told to do. A second order with the same id changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveOrder {
    /// The move; drivers are idempotent by it.
    pub id: MoveId,
    /// Who moves.
    pub workload: WorkloadId,
    /// From where.
    pub from: HostId,
    /// To where.
    pub to: HostId,
    /// How.
    pub strategy: Strategy,
    /// Bytes per second it may use.
    pub bandwidth_bytes_per_second: u64,
    /// The longest stop that is acceptable.
    pub downtime_limit: Span,
}

/// What a move has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MoveMeasure {
    /// Since its start.
    pub duration: Span,
    /// In which the workload did not run.
    pub downtime: Span,
    /// Sent over the network.
    pub transferred_bytes: u64,
}

/// Why a move did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveFailure {
    /// It writes memory faster than the network carries it.
    NotConverging,
    /// The source or the target was lost.
    HostLost(HostId),
    /// The target could not take it.
    NoRoom,
    /// The driver cannot do this; the reason.
    Unsupported(String),
    /// The order does not fit what runs: the workload is not on its source.
    Contradiction,
    /// Anything else; the hypervisor's sentence.
    Other(String),
}

impl fmt::Display for MoveFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConverging => {
                formatter.write_str("it writes memory faster than the network carries it")
            }
            Self::HostLost(host) => write!(formatter, "host {host} was lost"),
            Self::NoRoom => formatter.write_str("the target could not take it"),
            Self::Unsupported(why) => write!(formatter, "the driver cannot do this: {why}"),
            Self::Contradiction => formatter.write_str("the workload was not on its source"),
            Self::Other(why) => formatter.write_str(why),
        }
    }
}

/// What a driver knows of a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveStatus {
    /// Under way.
    Running(MoveMeasure),
    /// The target says that the workload runs there.
    Succeeded(MoveMeasure),
    /// It ended; the workload runs where it ran before.
    Failed(MoveFailure, MoveMeasure),
    /// Stopped on request; the workload runs where it ran before.
    Cancelled(MoveMeasure),
    /// The driver has never heard of it.
    Unknown,
}
