//! Forecasts: models behind one pair of steps (fit, then predict), intervals that are calibrated on
//! rolling origins, joint scenarios of a whole fleet, and the tail of host sums. This crate computes
//! and nothing else: it must never read a clock, a file or randomness of its own, and no forecast
//! may depend on a sample later than its origin. The page is `docs/forecasting.md`.

pub mod arima;
pub mod bank;
pub mod batch;
pub mod boosted;
pub mod cluster;
pub mod detect;
mod distribution;
pub mod effects;
pub mod ets;
pub mod floors;
#[cfg(feature = "lstm")]
pub mod lstm;
pub mod model;
pub mod mstl;
mod past;
pub mod prophet;
pub mod stl;
pub mod theta;
mod unconstrained;
pub mod validation;

#[cfg(test)]
mod generated;
