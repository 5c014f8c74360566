//! `weft-bench cloudsim`: the baselines on day 20110303 against what CloudSim 3.0.3 gave for it, in
//! the archive's own order of files and in the median over others, since the order decides sizes.

use std::io::IsTerminal;
use std::path::Path;

use weft::cli::Failure;
use weft::table::{grouped, lay_out};
use weft_sim::backtest::PolicyChoice;
use weft_sim::backtest::outcome::PolicyRow;
use weft_sim::preset::planetlab::reorder;
use weft_sim::readers::Trace;
use weft_sim::setup::{self, FleetChoice};

use crate::data::{self, input};
use crate::table;
use crate::verdict::{self, Verdict};

const DAY: &str = "20110303";

/// How far `none` may be off, which depends on nothing but the order of the files, and how far the
/// energy and the other figures of a reactive policy, in percent.
const NONE_PERCENT: f64 = 2.0;
const ENERGY_PERCENT: f64 = 15.0;
const OTHER_PERCENT: f64 = 25.0;

/// What is compared: energy in kWh, SLATAH and PDM in percent, migrations.
const FIGURES: [(&str, f64); 4] = [
    ("kWh", ENERGY_PERCENT),
    ("SLATAH", OTHER_PERCENT),
    ("PDM", OTHER_PERCENT),
    ("migrations", OTHER_PERCENT),
];

/// Figures in that order.
type Figures = [f64; 4];

/// Measured with CloudSim 3.0.3, archive's order; for `none` only its energy says anything.
const CLOUDSIM: [(&str, Figures); 4] = [
    ("none", [764.96, 0.0, 0.0, 0.0]),
    ("reactive-thr", [198.08, 5.00, 0.07, 27_728.0]),
    ("reactive-iqr", [193.63, 5.02, 0.07, 27_592.0]),
    ("reactive-lr", [167.83, 5.72, 0.08, 27_649.0]),
];

const HEADER: [&str; 6] = ["order", "policy", "kWh", "SLATAH %", "PDM %", "migrations"];

/// Prints a row for each order and policy, the medians, CloudSim's rows and the verdicts.
pub(crate) fn run(data: &Path, orders: u64) -> Result<(), Failure> {
    let archive = data::planetlab_day(data, DAY)?;
    let own = figures(&archive, "archive")?;
    let mut seeded = Vec::new();
    for seed in 0..orders {
        let mut trace = archive.clone();
        reorder(&mut trace, seed);
        seeded.push(figures(&trace, &seed.to_string())?);
    }
    let median = medians(&seeded);
    let published = CLOUDSIM.map(|(_, figures)| figures);

    let mut cells = cells("archive", &own);
    for (seed, figures) in seeded.iter().enumerate() {
        cells.extend(self::cells(&seed.to_string(), figures));
    }
    cells.extend(self::cells("median", &median));
    cells.extend(self::cells("CloudSim", &published));
    println!("PlanetLab {DAY}, orders of the files: the archive's own, and by seed\n");
    println!("{}", lay_out(&HEADER, &cells));
    verdict::print(&verdicts("archive's order", &own));
    println!();
    verdict::print(&verdicts(&format!("median of {orders}"), &median));
    println!();
    Ok(())
}

/// The figures of each policy of [`CLOUDSIM`].
fn figures(trace: &Trace, order: &str) -> Result<[Figures; 4], Failure> {
    let setup = setup::setup(DAY, Some(trace), FleetChoice::PlanetLab, 0).map_err(input)?;
    let rows = table::rows(&setup, &[PolicyChoice::None, PolicyChoice::Reactive])?;
    if std::io::stderr().is_terminal() {
        eprintln!("done: order {order}");
    }
    let of_policy = |(policy, _): (&str, Figures)| {
        let row = rows.iter().find(|row| row.policy == policy);
        of_row(row.expect("the backtest ran `none` and the reactive policies"))
    };
    Ok(CLOUDSIM.map(of_policy))
}

fn of_row(row: &PolicyRow) -> Figures {
    [row.energy_kwh, row.slatah * 100.0, row.pdm * 100.0, row.migrations as f64]
}

fn medians(orders: &[[Figures; 4]]) -> [Figures; 4] {
    std::array::from_fn(|policy| {
        std::array::from_fn(|figure| median(orders.iter().map(|order| order[policy][figure])))
    })
}

/// The middle one, or the mean of the two middle ones.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn cells(order: &str, of_policies: &[Figures; 4]) -> Vec<Vec<String>> {
    let rows = CLOUDSIM.iter().zip(of_policies);
    let row = |((policy, _), [energy, slatah, pdm, moves]): (&(&str, Figures), &Figures)| {
        let two = |value: &f64| format!("{value:.2}");
        let policy = (*policy).to_owned();
        vec![
            order.to_owned(),
            policy,
            two(energy),
            two(slatah),
            format!("{pdm:.3}"),
            grouped(*moves),
        ]
    };
    rows.map(row).collect()
}

fn verdicts(order: &str, of_policies: &[Figures; 4]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for ((policy, published), found) in CLOUDSIM.iter().zip(of_policies) {
        for (figure, (name, percent)) in FIGURES.iter().enumerate() {
            let percent = if *policy == "none" { NONE_PERCENT } else { *percent };
            if published[figure] > 0.0 {
                let claim = format!("{order}, {policy}, {name} off CloudSim's");
                let (found, published) = (found[figure], published[figure]);
                verdicts.push(Verdict::deviation(claim, found, published, percent));
            }
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let check = |values: &[f64], expected| {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        };
        check(&[3.0], 3.0);
        check(&[3.0, 1.0], 2.0);
        check(&[9.0, 1.0, 3.0], 3.0);
        check(&[9.0, 1.0, 3.0, 4.0], 3.5);
    }

    #[test]
    fn each_published_figure_has_a_verdict() {
        let mut found = CLOUDSIM.map(|(_, figures)| figures);
        let reached =
            |found: &[Figures; 4]| verdicts("x", found).iter().filter(|v| v.is_reached()).count();
        assert_eq!((verdicts("x", &found).len(), reached(&found)), (13, 13));
        found[0][0] *= 1.03;
        found[1][0] *= 1.14;
        found[2][3] *= 0.74;
        assert_eq!(reached(&found), 11);
    }
}
