//! The table of a backtest as results report it, and the run that makes it.

use std::io::IsTerminal;
use std::time::Instant;

use weft::cli::Failure;
use weft::table::{grouped, lay_out, number};
use weft_sim::backtest::outcome::PolicyRow;
use weft_sim::backtest::{self, PolicyChoice, Setup};

use crate::data::input;

const HEADER: [&str; 9] =
    ["policy", "setting", "kWh", "unserved", "moves", "SLATAH %", "PDM %", "ESV", "bill"];

/// Runs policies by the code of `weft backtest` and prints their rows.
pub(crate) fn run(
    title: &str,
    setup: &Setup,
    choices: &[PolicyChoice],
) -> Result<Vec<PolicyRow>, Failure> {
    let began = Instant::now();
    let rows = rows(setup, choices)?;
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    println!("{title}; unserved demand in core-hours\n\n{}", lay_out(&HEADER, &cells));
    println!("{:.0} s for these rows\n", began.elapsed().as_secs_f64());
    Ok(rows)
}

/// The rows alone.
pub(crate) fn rows(setup: &Setup, choices: &[PolicyChoice]) -> Result<Vec<PolicyRow>, Failure> {
    let is_terminal = std::io::stderr().is_terminal();
    let progress = |row: &str| {
        if is_terminal {
            eprintln!("done: {row}");
        }
    };
    let outcome = backtest::run(setup, choices, &progress).map_err(input)?;
    Ok(outcome.policies)
}

fn cells(row: &PolicyRow) -> Vec<String> {
    vec![
        row.policy.clone(),
        row.setting().map_or_else(|| "–".to_owned(), |setting| setting.to_string()),
        number(row.energy_kwh),
        number(row.unserved_core_hours),
        grouped(row.migrations as f64),
        number(row.slatah * 100.0),
        number(row.pdm * 100.0),
        number(row.esv),
        number(row.cost),
    ]
}

/// A row by its policy and its setting, as in a sentence.
pub(crate) fn name(row: &PolicyRow) -> String {
    match row.setting() {
        Some(setting) => format!("{} at {setting}", row.policy),
        None => row.policy.clone(),
    }
}

/// The rows of the three reactive baselines.
pub(crate) fn reactive(rows: &[PolicyRow]) -> impl Iterator<Item = &PolicyRow> {
    rows.iter().filter(|row| row.policy.starts_with("reactive"))
}

/// The rows of Weft.
pub(crate) fn predictive(rows: &[PolicyRow]) -> impl Iterator<Item = &PolicyRow> {
    rows.iter().filter(|row| row.policy == "predictive")
}

/// A row of which only the figures that verdicts look at are told.
#[cfg(test)]
pub(crate) fn example(policy: &str, energy_kwh: f64, unserved: f64, migrations: u64) -> PolicyRow {
    PolicyRow {
        policy: policy.to_owned(),
        confidence: None,
        fill: None,
        energy_kwh,
        unserved_core_hours: unserved,
        unserved_overload_core_hours: 0.0,
        unserved_migration_core_hours: 0.0,
        unserved_downtime_core_hours: 0.0,
        unserved_lost_core_hours: 0.0,
        overload_minutes: 0.0,
        slatah: 0.0,
        pdm: 0.0,
        slav: 0.0,
        esv: 0.0,
        migrations,
        moved_bytes: 0,
        downtime_seconds: 0.0,
        cost: 0.0,
        regret: 0.0,
        course: Vec::new(),
    }
}
