//! The one trait through which Weft touches machines.
//!
//! A driver observes, starts, polls and cancels; it decides nothing and retries nothing. Every
//! driver passes the same conformance suite ([`conformance`]).

pub mod conformance;

use thiserror::Error;
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus, Observation};
use weft_core::plan::Strategy;

/// A driver that cannot be reached or does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DriverError {
    /// What it drives does not answer; asking again later may help.
    #[error("{what} does not answer: {why}")]
    Unreachable {
        /// What was asked.
        what: String,
        /// The transport's sentence.
        why: String,
    },
    /// It answered what makes no sense.
    #[error("{what} answered `{answer}`, which makes no sense here")]
    Nonsense {
        /// What was asked.
        what: String,
        /// Its answer.
        answer: String,
    },
}

/// What a driver can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Pre-copy live migration.
    pub live: bool,
    /// Stop, copy, start elsewhere.
    pub preemptive: bool,
    /// Further replicas that share the demand, and their removal.
    pub split: bool,
    /// Restart elsewhere after a loss.
    pub recover: bool,
    /// Cancelling a move under way.
    pub cancel: bool,
}

impl Capabilities {
    /// Whether the driver carries out `strategy`.
    pub const fn supports(&self, strategy: Strategy) -> bool {
        match strategy {
            Strategy::Live => self.live,
            Strategy::Preemptive => self.preemptive,
            Strategy::Split { .. } | Strategy::Merge => self.split,
            Strategy::Recover => self.recover,
        }
    }
}

/// What touches real (or simulated) machines.
pub trait Driver {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The fleet as it is now.
    fn observe(&mut self) -> Result<Observation, DriverError>;

    /// Starts a move. A second order with the same id changes nothing. That an order cannot be
    /// carried out is no error here: the move's status says so.
    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError>;

    /// What is known of a move; [`MoveStatus::Unknown`] if it was never started here.
    fn poll(&mut self, id: MoveId) -> Result<MoveStatus, DriverError>;

    /// Asks to stop a move. Too late or unknown is no error; the status says what became of it.
    fn cancel(&mut self, id: MoveId) -> Result<(), DriverError>;
}
