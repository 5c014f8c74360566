//! The domain of Weft: fleet, series, forecasts, scenarios, shortages, policies, plans and moves.
//!
//! Everything here is a value. This crate must never read a clock, a file or the network, and it
//! names no hypervisor. The words are those of the vocabulary in ARCHITECTURE.md, one per concept.

pub mod book;
pub mod event;
pub mod files;
pub mod fleet;
pub mod forecast;
pub mod id;
pub mod observation;
pub mod outlook;
pub mod plan;
pub mod policy;
pub mod resource;
pub mod scenario;
pub mod series;
pub mod shortage;
pub mod time;
