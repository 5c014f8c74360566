//! The simulated fleet of Weft: a world that is a driver, its faults, the readers of traces, the
//! baselines, the replay of the control loop and the backtest that compares them.
//!
//! Deterministic: a world, a configuration and a seed give the same run. Nothing here reads a clock
//! or a file, and only the judge and the oracle know the true demand.

pub mod backtest;
pub mod baseline;
pub mod fault;
pub mod generator;
pub mod judge;
pub mod oracle;
pub mod preset;
pub mod readers;
pub mod replay;
pub mod setup;
pub mod twin;
pub mod world;
