//! What the control loop wants done. The shell carries commands out in order and decides nothing.

use std::sync::Arc;

use weft_core::id::{JobId, MoveId};
use weft_core::observation::{MoveOrder, Observation};
use weft_core::time::Timestamp;

use crate::job::Job;
use crate::record::Entry;

/// One thing to do.
#[derive(Debug)]
pub enum Command {
    /// Make this durable, then answer with `Recorded`.
    Record(Entry),
    /// Ask the driver for the fleet; answer with `Observed` or `ObserveFailed`.
    Observe,
    /// Give the driver this order. Only ever asked after its record is durable.
    Start(MoveOrder),
    /// Ask the driver for a move; answer with `MoveReported`.
    Poll(MoveId),
    /// Ask the driver to stop a move.
    Cancel(MoveId),
    /// Run a job and answer with `JobDone`; on a worker thread, or in line.
    Run(JobId, Job),
    /// Make the forecasters of these workloads anew from stored samples and answer with `JobDone` of an
    /// update.
    Restore(JobId, Arc<Observation>),
    /// Send `Wake` at this instant, or at once if it has passed.
    WakeAt(Timestamp),
}
