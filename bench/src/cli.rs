//! The command line of `weft-bench`: raw arguments are resolved here, once, into plain values.
//!
//! Exit codes are those of `weft`: 0 measured (whatever the verdicts), 2 wrong usage or input, 3
//! something outside failed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use weft::cli::Failure;
use weft_core::forecast::Confidence;
use weft_sim::backtest::PolicyChoice;

use crate::{azure, cloudsim, data, example, growth, looped, nab, planetlab, serving, ucr};

/// Prints every number of docs/results.md.
#[derive(Debug, Parser)]
#[command(name = "weft-bench", version, max_term_width = 100)]
struct Arguments {
    /// The folder of the real data.
    #[arg(long, value_name = "DIR", default_value = "../shared/data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Energy against unserved demand of all policies on PlanetLab days.
    Planetlab(Sweep),
    /// The baselines against the figures of CloudSim 3.0.3.
    Cloudsim {
        /// Over how many orders of the files the median is taken.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        orders: u64,
    },
    /// All policies on 28 days of 100 Azure machines.
    Azure,
    /// The shipped example at six confidences.
    Example {
        /// The example's fleet file.
        #[arg(long, value_name = "FILE", default_value = example::FLEET)]
        fleet: PathBuf,
    },
    /// Time and memory of a fleet of 1, 4 and 16 times the size.
    Growth(Growth),
    /// One size of `growth`, in a process of its own.
    #[command(hide = true)]
    GrowthCase {
        #[arg(long)]
        copies: u32,
        #[command(flatten)]
        growth: Growth,
    },
    /// What `weft serve` takes with a large fleet's past in its store.
    Serving(Serving),
    /// The anomaly detector on the CloudWatch files of the Numenta Anomaly Benchmark, scored as that benchmark scores.
    Nab,
    /// Clusters of labelled sets of the UCR archive, against their labels.
    Ucr,
    /// How well the control loop's forecasters do on the Azure machines, with and without the boosted trees.
    Loop,
    /// Everything of a backtest, in order.
    All,
}

/// What of the days of PlanetLab is run.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// A day; may be given several times [default: 20110303 and 20110306].
    #[arg(long = "day", value_name = "YYYYMMDD", value_delimiter = ',')]
    pub(crate) days: Vec<String>,
    /// Which policies to compare.
    #[arg(long, value_name = "POLICY", value_delimiter = ',', default_value = "all")]
    pub(crate) policies: Vec<PolicyChoice>,
    /// How sure the policy wants to be; one row for each [default: that of `weft backtest`].
    #[arg(long, value_name = "C", value_delimiter = ',', value_parser = confidence)]
    pub(crate) confidence: Vec<Confidence>,
}

/// What is run at each size.
#[derive(Debug, Clone, Args)]
pub(crate) struct Growth {
    /// The policy whose cost is measured.
    #[arg(long, default_value = "predictive", value_parser = policy_name)]
    pub(crate) policy: String,
    /// How many hours from midnight on are simulated, the same at each size. The made-up fleet is
    /// busy from nine on and planning is dear then: 12 has that, and takes some ten times as long.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) hours: u32,
    /// How many times the smallest fleet of 120 workloads is run, smallest first.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,4,16", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) sizes: Vec<u32>,
}

/// How large the fleet is that is served.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serving {
    /// How many workloads, of four resources each.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) workloads: usize,
    /// How many days of their past are stored.
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) days: usize,
    /// Where the files lie, to be used again [default: a temporary folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

fn confidence(text: &str) -> Result<Confidence, String> {
    let number: f64 = text.parse().map_err(|_| format!("expected a number, found `{text}`"))?;
    Confidence::new(number).map_err(|error| error.to_string())
}

/// A policy as it was written, because it is handed on to other processes.
fn policy_name(text: &str) -> Result<String, String> {
    text.parse::<PolicyChoice>().map(|_| text.to_owned())
}

/// Reads the command line and measures.
pub(crate) fn run() -> ExitCode {
    let Arguments { data, command } = Arguments::parse();
    let Err(failure) = measure(&data, command) else { return ExitCode::SUCCESS };
    let (error, code) = match failure {
        Failure::No(error) => (error, 1),
        Failure::Input(error) => (error, 2),
        Failure::Outside(error) => (error, 3),
    };
    eprintln!("weft-bench: {error:#}");
    ExitCode::from(code)
}

fn measure(data: &std::path::Path, command: Command) -> Result<(), Failure> {
    match command {
        Command::Planetlab(sweep) => planetlab::run(data, &sweep),
        Command::Cloudsim { orders } => cloudsim::run(data, orders),
        Command::Azure => azure::run(data),
        Command::Example { fleet } => example::run(&fleet),
        Command::Growth(growth) => growth::run(&growth),
        Command::GrowthCase { copies, growth } => growth::run_case(copies, &growth),
        Command::Serving(serving) => serving::run(&serving),
        Command::Nab => nab::run(data),
        Command::Ucr => ucr::run(data),
        Command::Loop => looped::run(data),
        Command::All => {
            // What is missing is said before the first hour of work, not after it.
            data::check(data)?;
            for name in ["planetlab", "example", "cloudsim", "azure", "growth"] {
                println!("# {name}\n");
                let command = Arguments::try_parse_from(["weft-bench", name])
                    .expect("every command has a default for each of its arguments")
                    .command;
                measure(data, command)?;
            }
            Ok(())
        }
    }
}
