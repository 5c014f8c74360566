//! What happens to the control loop: everything that can ever influence a decision.

use std::sync::Arc;

use weft_core::event::Occurrence;
use weft_core::fleet::Topology;
use weft_core::id::{HostId, JobId, MoveId, RecordId};
use weft_core::observation::{MoveStatus, Observation};
use weft_core::policy::Policy;
use weft_core::series::Sample;
use weft_core::time::Timestamp;

use crate::job::JobResult;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// A wake-up that was asked for, or the beat of the clock.
    Wake,
    /// The regions, zones, hosts and links that are known from now on. Comes before the first observation
    /// that tells of a new host.
    Charted(Arc<Topology>),
    /// The driver was asked and answered.
    Observed(Arc<Observation>),
    /// The driver was asked and could not answer; the reason.
    ObserveFailed(String),
    /// The samples of the step that begins at `at`, and late ones of earlier steps.
    Sampled {
        /// Start of the step that has just ended.
        at: Timestamp,
        /// Its samples; a series without one has a gap.
        samples: Vec<Sample>,
    },
    /// The outside events that forecasts may heed, past and to come, in place of those of before: only such as are vouched for.
    Announced(Arc<[Occurrence]>),
    /// Stored samples now hold a past that was not delivered step by step: forecasters are to be made anew.
    BackFilled,
    /// A record is durable.
    Recorded(RecordId),
    /// A job has ended.
    JobDone(JobId, JobResult),
    /// A job has broken off without a result; the reason.
    JobFailed(JobId, String),
    /// The driver told of a move.
    MoveReported(MoveId, MoveStatus),
    /// The driver could not be told to start a move, or was not reached to ask for it; the reason.
    DriverFailed(MoveId, String),
    /// Somebody decided something.
    Asked(Request),
}

/// What a person (or the API on their behalf) can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Let a proposed move go ahead.
    Approve(MoveId),
    /// Do not let a proposed move go ahead; it is not proposed again for a cool-down.
    Reject(MoveId),
    /// Stop a move, waiting or running.
    Cancel(MoveId),
    /// Start nothing until resumed.
    Pause,
    /// End a pause, a kill and every freeze.
    Resume,
    /// The kill switch: start nothing, cancel what runs.
    Kill,
    /// Empty a host and send nothing there.
    Drain(HostId),
    /// Take a drained host back.
    Undrain(HostId),
    /// From now on, this policy.
    SetPolicy(Arc<Policy>),
}
