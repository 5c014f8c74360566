//! The shell of Weft: command line, files, output. It must decide nothing about the fleet; whatever
//! decides lives in the pure crates.

pub mod alert;
pub mod api;
pub mod backtest;
pub mod cli;
mod client;
pub mod cluster;
pub mod config;
pub mod demo;
pub mod detect;
pub mod forecast;
mod known;
mod log;
mod output;
pub mod report;
pub mod run;
mod samples;
pub mod serve;
pub mod simulate;
pub mod table;
pub mod validate;
