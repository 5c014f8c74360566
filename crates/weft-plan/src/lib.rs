//! The planner of Weft: from forecasts and a fleet to the cheapest safe moves, and the checker that
//! judges them.
//!
//! [`make`] turns a [`situation::Situation`] into a plan: `build` states the placement problem
//! ([`problem::Problem`]), `solver` answers it, `strategy` and [`precopy`] say how each workload
//! moves, `schedule` when, `reasons` why and why not. [`check`] shares no code with any of them.
//!
//! Pure computation: no clock, no I/O, no randomness that was not passed in as a seed, no work limit
//! that was not passed in as a number or a stop predicate.

mod build;
pub mod check;
mod demand;
mod detect;
mod make;
mod outlook;
pub mod precopy;
pub mod problem;
mod reasons;
mod schedule;
pub mod situation;
mod solver;
mod strategy;

pub use crate::demand::Demands;
pub use crate::detect::{BucketOutlook, HostOutlook, detect, host_outlook};
pub use crate::make::{Numbering, make};
pub use crate::outlook::outlook;
pub use crate::problem::Effort;
pub use crate::reasons::{WhyMoves, WhyStays, WorkloadReason, explain_workload};
