//! `weft-bench azure`: 28 days of 100 Azure machines on a derived fleet. The file is wide (a column
//! for each machine); it is turned into the long form that `weft backtest` reads.

use std::fmt::Write;
use std::path::Path;

use anyhow::anyhow;
use weft::cli::Failure;
use weft::table::number;
use weft_core::forecast::Confidence;
use weft_sim::backtest::PolicyChoice;
use weft_sim::backtest::outcome::PolicyRow;
use weft_sim::readers::long_csv;
use weft_sim::setup::{self, FleetChoice};

use crate::data::{self, input};
use crate::table::{self, name, predictive, reactive};
use crate::verdict::{self, Verdict};

/// The first is the default of the policy; the sweep is shorter than PlanetLab's because a row takes
/// minutes.
const CONFIDENCES: [f64; 3] = [0.95, 0.8, 0.99];

/// The file says no time; the trace began on Monday, 14 November 2016, in UTC.
const START_SECONDS: u64 = 1_479_081_600;
const STEP_SECONDS: u64 = 300;

/// The goals: unserved demand and bill over those of the best reactive baseline.
const UNSERVED_RATIO: f64 = 0.5;
const BILL_RATIO: f64 = 1.0;

/// Prints the table and the verdicts.
pub(crate) fn run(data: &Path) -> Result<(), Failure> {
    let path = data::file(data, data::AZURE)?;
    let wide = data::gunzipped(&path)?;
    let long = long(&wide).map_err(|error| input(anyhow!("{}, {error}", path.display())))?;
    let csv = long_csv::read(data::AZURE, long.as_bytes(), None).map_err(input)?;
    let trace = long_csv::trace(data::AZURE, csv).map_err(input)?;
    let mut setup =
        setup::setup(data::AZURE, Some(&trace), FleetChoice::Derived, 0).map_err(input)?;
    let confidences = CONFIDENCES.map(Confidence::new).into_iter().collect::<Result<_, _>>();
    setup.confidences = confidences.map_err(input)?;
    let title = "Azure, 28 days, sizes seeded, hosts at 70 % mean use";
    let rows = table::run(title, &setup, &[PolicyChoice::All])?;
    verdict::print(&verdicts(&rows));
    println!();
    Ok(())
}

/// The long form of a wide CSV whose first line names the series; an empty field stays a gap.
fn long(wide: &str) -> Result<String, String> {
    let mut lines = wide.lines();
    let clean = |field: &str| field.trim().trim_matches('"').to_owned();
    let names: Vec<String> = lines.next().unwrap_or_default().split(',').map(clean).collect();
    if names.iter().any(String::is_empty) {
        return Err("line 1: expected a name for each series, found an empty one".to_owned());
    }
    let mut long = "series,timestamp,value\n".to_owned();
    for (row, line) in (0_u64..).zip(lines) {
        let values: Vec<&str> = line.split(',').collect();
        let (expected, found) = (names.len(), values.len());
        if found != expected {
            return Err(format!("line {}: expected {expected} values, found {found}", row + 2));
        }
        let timestamp = START_SECONDS + row * STEP_SECONDS;
        for (name, value) in names.iter().zip(values) {
            let written = writeln!(long, "{name},{timestamp},{}", value.trim());
            written.expect("a string takes whatever is written");
        }
    }
    Ok(long)
}

/// Each row of Weft against the reactive baseline that leaves the least unserved.
fn verdicts(rows: &[PolicyRow]) -> Vec<Verdict> {
    let best =
        reactive(rows).min_by(|a, b| a.unserved_core_hours.total_cmp(&b.unserved_core_hours));
    let Some(best) = best else { return Vec::new() };
    let of_row = |row: &PolicyRow| {
        let claim = |what: &str, ours: f64, theirs: f64| {
            let (ours, theirs) = (number(ours), number(theirs));
            format!("{}, {what} ÷ that of {}, {ours} ÷ {theirs}", name(row), name(best))
        };
        let unserved = (row.unserved_core_hours, best.unserved_core_hours);
        let bill = (row.cost, best.cost);
        [
            Verdict::new(
                claim("unserved", unserved.0, unserved.1),
                Some(unserved.0 / unserved.1),
                UNSERVED_RATIO,
            ),
            Verdict::new(claim("bill", bill.0, bill.1), Some(bill.0 / bill.1), BILL_RATIO),
        ]
    };
    predictive(rows).flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::example;

    #[test]
    fn columns_become_series() {
        let expected = "series,timestamp,value\n\
            a,1479081600,1.5\nb,1479081600,\na,1479081900,2\nb,1479081900,3\n";
        assert_eq!(long("\"a\",b\r\n1.5,\r\n2, 3\r\n").expect("a clean file"), expected);
    }

    #[test]
    fn a_broken_file_is_answered_with_its_line() {
        let check = |wide: &str, expected: &str| assert_eq!(long(wide).expect_err(wide), expected);
        check("a,b\n1,2\n3\n", "line 3: expected 2 values, found 1");
        check("a,\n", "line 1: expected a name for each series, found an empty one");
        check("", "line 1: expected a name for each series, found an empty one");
    }

    #[test]
    fn rows_are_compared_with_the_reactive_one_that_serves_best() {
        let row = |policy, unserved, cost| PolicyRow { cost, ..example(policy, 1.0, unserved, 1) };
        let rows = [
            row("none", 1.0, 10.0),
            row("reactive-thr", 8.0, 100.0),
            row("reactive-lr", 9.0, 90.0),
            row("predictive", 4.0, 101.0),
        ];
        let found: Vec<_> = verdicts(&rows).iter().map(|v| (v.found, v.is_reached())).collect();
        assert_eq!(found, [(Some(0.5), true), (Some(1.01), false)]);
        assert!(verdicts(&rows[..1]).is_empty(), "there is nothing to compare with");
    }
}
