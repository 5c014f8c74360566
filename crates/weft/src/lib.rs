//! The shell of Weft: command line, files, output. It must decide nothing about the fleet; whatever
//! decides lives in the pure crates.

pub mod backtest;
pub mod cli;
mod output;
pub mod report;
pub mod table;
