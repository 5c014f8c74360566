//! The planner of Weft: from forecasts and a fleet to the cheapest safe moves, and the checker that
//! judges them.
//!
//! Pure computation: no clock, no I/O, no randomness that was not passed in as a seed, no work limit
//! that was not passed in as a number or a stop predicate.

pub mod precopy;
pub mod situation;
