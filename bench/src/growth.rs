//! `weft-bench growth`: time and memory against the number of workloads. Each size runs in a process
//! of its own, so that its peak of memory is its own.

mod fleet;
mod usage;

use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use weft::cli::Failure;
use weft::table::{grouped, lay_out, number};

use crate::cli::Growth;
use crate::table;
use crate::verdict::{self, Verdict};
use usage::Usage;

/// The most that a workload may cost at the last size over what it costs at the first: cost grows
/// linearly where it stays near 1.
const RATIO: f64 = 1.5;

const HEADER: [&str; 8] =
    ["size", "workloads", "hosts", "CPU s", "peak MB", "CPU ms each", "kB each", "moves"];

/// Prints a row for each size and the verdicts.
pub(crate) fn run(growth: &Growth) -> Result<(), Failure> {
    let usages = growth.sizes.iter().map(|copies| of_child(*copies, growth));
    let usages = usages.collect::<Result<Vec<_>, _>>()?;
    let Growth { policy, hours, sizes } = growth;
    println!(
        "made-up fleets under `{policy}`, {hours} simulated hours from midnight at each size\n"
    );
    let cells: Vec<_> =
        sizes.iter().zip(&usages).map(|(size, usage)| cells(*size, usage)).collect();
    println!("{}", lay_out(&HEADER, &cells));
    verdict::print(&verdicts(sizes, &usages));
    println!();
    Ok(())
}

/// Runs one size and prints what it took as JSON, for the process that asked.
pub(crate) fn run_case(copies: u32, growth: &Growth) -> Result<(), Failure> {
    let setup = fleet::setup(copies, growth.hours);
    let policy = growth.policy.parse().map_err(|error: String| Failure::Input(anyhow!(error)))?;
    let (workloads, hosts) = (setup.world.workloads.len(), setup.world.topology.hosts().len());
    let rows = table::rows(&setup, &[policy])?;
    let moves = rows.iter().map(|row| row.migrations).sum();
    let usage = usage::of_this_process(workloads, hosts, moves).map_err(Failure::Outside)?;
    println!("{}", serde_json::to_string(&usage).map_err(|error| Failure::Outside(error.into()))?);
    Ok(())
}

fn of_child(copies: u32, growth: &Growth) -> Result<Usage, Failure> {
    let run = || {
        let output = Command::new(std::env::current_exe()?)
            .args(["growth-case", "--copies", &copies.to_string()])
            .args(["--policy", &growth.policy, "--hours", &growth.hours.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(anyhow!("its process ended with {}", output.status));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    run().with_context(|| format!("cannot measure size {copies}")).map_err(Failure::Outside)
}

fn cells(size: u32, usage: &Usage) -> Vec<String> {
    vec![
        format!("{size}×"),
        grouped(usage.workloads as f64),
        grouped(usage.hosts as f64),
        number(usage.cpu_seconds),
        number(usage.peak_megabytes),
        number(usage.cpu_per_workload() * 1e3),
        number(usage.memory_per_workload() * 1e3),
        grouped(usage.moves as f64),
    ]
}

/// The last size against the first, per workload.
fn verdicts(sizes: &[u32], usages: &[Usage]) -> Vec<Verdict> {
    let ends = usages.first().zip(usages.last());
    let ratio = |cost: fn(&Usage) -> f64| ends.map(|(first, last)| cost(last) / cost(first));
    let name = |size: Option<&u32>| size.copied().unwrap_or_default();
    let (first, last) = (name(sizes.first()), name(sizes.last()));
    let claim = |what: &str| format!("{what} a workload at {last}× ÷ at {first}×");
    vec![
        Verdict::new(claim("processor time"), ratio(Usage::cpu_per_workload), RATIO),
        Verdict::new(claim("peak memory"), ratio(Usage::memory_per_workload), RATIO),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_per_workload() {
        let usage = |workloads, cpu_seconds, peak_megabytes| Usage {
            workloads,
            hosts: 1,
            moves: 0,
            cpu_seconds,
            peak_megabytes,
        };
        let usages = [usage(10, 1.0, 20.0), usage(40, 5.0, 50.0), usage(160, 32.0, 160.0)];
        let found: Vec<_> =
            verdicts(&[1, 4, 16], &usages).iter().map(|v| (v.found, v.is_reached())).collect();
        assert_eq!(found, [(Some(2.0), false), (Some(0.5), true)]);
    }
}
