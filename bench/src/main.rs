//! The measurements of Weft: prints every number of `docs/results.md`. It must never tune anything:
//! what it prints is what is reported, and a missed goal is a measurement, not a failure.

mod azure;
mod cli;
mod cloudsim;
mod data;
mod envelope;
mod example;
mod growth;
mod looped;
mod nab;
mod planetlab;
mod serving;
mod table;
mod ucr;
mod verdict;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
