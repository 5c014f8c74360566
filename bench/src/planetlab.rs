//! `weft-bench planetlab`: the trade of energy against unserved demand on CloudSim's set-up, by the
//! code and the seed of `weft backtest --fleet planetlab --policy all`.

use std::path::Path;

use weft::cli::Failure;
use weft::table::number;
use weft_sim::backtest::outcome::PolicyRow;
use weft_sim::preset::planetlab::reorder;
use weft_sim::setup::{self, FleetChoice};

use crate::cli::Sweep;
use crate::data::{self, input};
use crate::envelope::{Envelope, Point, beats};
use crate::table::{self, name, predictive, reactive};
use crate::verdict::{self, Verdict};

/// Sorted by name: the order that `weft backtest` takes without a seed.
const SEED: u64 = 0;

/// Where the goal is set, on the day it was set for.
const GOAL_DAY: &str = "20110303";
const GOAL_ENERGY_KWH: f64 = 175.0;

/// 175 kWh over the 803 that `none` takes on that day: what "near 175 kWh" is on any other day.
const GOAL_SHARE_OF_NONE: f64 = 0.218;

/// The goals: unserved demand over the best other policy's, moves over a reactive policy's.
const UNSERVED_RATIO: f64 = 0.7;
const MOVES_RATIO: f64 = 0.1;

/// Prints the table and the verdicts of each day.
pub(crate) fn run(data: &Path, sweep: &Sweep) -> Result<(), Failure> {
    let days: Vec<&str> = match sweep.days.as_slice() {
        [] => data::DAYS.to_vec(),
        days => days.iter().map(String::as_str).collect(),
    };
    for day in &days {
        data::archive(data, day)?; // an unknown day is said before the first one has run
    }
    for day in days {
        let mut trace = data::planetlab_day(data, day)?;
        reorder(&mut trace, SEED);
        let mut setup =
            setup::setup(day, Some(&trace), FleetChoice::PlanetLab, SEED).map_err(input)?;
        if !sweep.confidence.is_empty() {
            setup.confidences.clone_from(&sweep.confidence);
        }
        let title = format!("PlanetLab {day} on CloudSim's set-up, files sorted by name");
        let rows = table::run(&title, &setup, &sweep.policies)?;
        if predictive(&rows).next().is_some() {
            print_line(&rows);
            verdict::print(&verdicts(day, &rows));
            println!();
        }
    }
    Ok(())
}

fn point(row: &PolicyRow) -> Point {
    Point { energy_kwh: row.energy_kwh, unserved_core_hours: row.unserved_core_hours }
}

/// Every policy that could be run instead of Weft; the oracle cannot.
fn others(rows: &[PolicyRow]) -> Vec<&PolicyRow> {
    rows.iter().filter(|row| row.policy != "predictive" && row.policy != "oracle").collect()
}

fn envelope<'a>(rows: impl IntoIterator<Item = &'a PolicyRow>) -> Envelope {
    Envelope::of(rows.into_iter().map(point))
}

/// For each row of Weft, the line drawn between the rows of the others.
fn print_line(rows: &[PolicyRow]) {
    let line = envelope(others(rows));
    for row in predictive(rows) {
        let (name, energy) = (name(row), number(row.energy_kwh));
        let unserved = number(row.unserved_core_hours);
        let theirs = line.at(row.energy_kwh).map_or_else(|| "no row".to_owned(), number);
        println!("{name}: {unserved} unserved at {energy} kWh, the others' line has {theirs}");
    }
    println!();
}

fn verdicts(day: &str, rows: &[PolicyRow]) -> Vec<Verdict> {
    let others = others(rows);
    let line = envelope(others.iter().copied());
    let other_points: Vec<Point> = others.iter().map(|row| point(row)).collect();
    let beaten = predictive(rows).filter_map(|row| {
        let by = beats(&other_points, point(row))?;
        Some(format!("{} by {}", name(row), name(others[by])))
    });
    let above = predictive(rows).filter(|row| {
        line.at(row.energy_kwh).is_some_and(|theirs| row.unserved_core_hours > theirs)
    });
    vec![
        near_goal(day, rows, &line),
        none_of(
            "rows that a row of another policy beats at equal energy",
            &beaten.collect::<Vec<_>>(),
        ),
        none_of(
            "rows above the line between the rows of others",
            &above.map(name).collect::<Vec<_>>(),
        ),
        moves(rows),
    ]
}

fn near_goal(day: &str, rows: &[PolicyRow], line: &Envelope) -> Verdict {
    let none = rows.iter().find(|row| row.policy == "none");
    let energy = match day {
        GOAL_DAY => Some(GOAL_ENERGY_KWH),
        _ => none.map(|none| none.energy_kwh * GOAL_SHARE_OF_NONE),
    };
    let ours = energy.and_then(|energy| envelope(predictive(rows)).at(energy));
    let theirs = energy.and_then(|energy| line.at(energy));
    let figure = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), number);
    let claim = format!(
        "unserved at {} kWh ÷ the best other policy's, {} ÷ {}",
        figure(energy),
        figure(ours),
        figure(theirs)
    );
    let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    Verdict::new(claim, ratio, UNSERVED_RATIO)
}

/// A goal of none, with the names of those that there are.
fn none_of(claim: &str, names: &[String]) -> Verdict {
    let count = names.len() as f64;
    let claim = match names {
        [] => claim.to_owned(),
        names => format!("{claim} ({})", names.join(", ")),
    };
    Verdict::new(claim, Some(count), 0.0)
}

/// The busiest row of Weft against the calmest reactive one: any other pair looks better.
fn moves(rows: &[PolicyRow]) -> Verdict {
    let ours = predictive(rows).map(|row| row.migrations).max();
    let theirs = reactive(rows).map(|row| row.migrations).min();
    let ratio = ours.zip(theirs).map(|(ours, theirs)| ours as f64 / theirs as f64);
    Verdict::new("most moves of a row ÷ fewest of a reactive one", ratio, MOVES_RATIO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::example;

    fn check(day: &str, rows: &[PolicyRow], expected: [(Option<f64>, bool); 4]) {
        let verdicts = verdicts(day, rows);
        let found: Vec<_> = verdicts.iter().map(|v| (v.found, v.is_reached())).collect();
        assert_eq!(found, expected, "{verdicts:?}");
    }

    #[test]
    fn a_clear_gain_reaches_every_goal() {
        let rows = [
            example("none", 800.0, 0.0, 0),
            example("pack-once", 170.0, 4.0, 700),
            example("pack-once", 180.0, 2.0, 700),
            example("reactive-thr", 190.0, 2.5, 20_000),
            example("predictive", 170.0, 2.0, 1_000),
            example("predictive", 180.0, 1.0, 1_500),
            example("oracle", 160.0, 0.0, 10),
        ];
        let reached = [(Some(0.5), true), (Some(0.0), true), (Some(0.0), true)];
        let [near, beaten, above] = reached;
        check("20110303", &rows, [near, beaten, above, (Some(0.075), true)]);
    }

    #[test]
    fn a_row_may_lie_above_the_line_and_still_be_beaten_by_no_row() {
        let rows = [
            example("pack-once", 170.0, 4.0, 700),
            example("pack-once", 180.0, 2.0, 700),
            example("predictive", 175.0, 3.5, 900),
        ];
        let near = (Some(3.5 / 3.0), false);
        check("20110303", &rows, [near, (Some(0.0), true), (Some(1.0), false), (None, false)]);
        // Another day without `none` has no energy to look at.
        check(
            "20110306",
            &rows,
            [(None, false), (Some(0.0), true), (Some(1.0), false), (None, false)],
        );
    }

    #[test]
    fn a_beaten_row_is_named_with_who_beats_it() {
        let rows = [example("pack-once", 170.0, 3.0, 1), example("predictive", 170.0, 3.5, 1)];
        let found = verdicts("20110303", &rows)[1].to_string();
        let who = "(predictive by pack-once): 1.00 (goal: at most 0)";
        assert!(found.starts_with("missed") && found.ends_with(who), "{found}");
    }
}
