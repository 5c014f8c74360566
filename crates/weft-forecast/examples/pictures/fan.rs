//! A forecast as a fan: the week that is known, and the day ahead with its intervals and what came.

use weft_forecast::batch::{Batch, Method};

use super::svg::{ACTUAL, Axis, Card, FORECAST, Mark};
use super::world::{DAY, demand, levels, panel, weekday};

const LEVELS: [f64; 7] = [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975];
const MEDIAN: usize = 3;
/// Positions of the ends of each interval, the widest first, and how strongly it is painted.
pub(crate) const BANDS: [(usize, usize, f64); 3] = [(0, 6, 0.16), (1, 5, 0.22), (2, 4, 0.34)];
/// Days known, and the workload that is drawn.
const DAYS: usize = 25;
const SERIES: usize = 24;
const SHOWN: usize = 3;

/// The picture.
pub(crate) fn draw() -> String {
    let rows = demand(41, SERIES, (DAYS + 1) * DAY, 0.01);
    let origin = DAYS * DAY;
    let batch = Batch { method: Method::Auto, season: DAY, horizon: DAY, resources: &[] };
    let answers = batch.forecast(&panel(&rows, origin), &levels(&LEVELS), &|_| {});
    let quantiles = answers[SHOWN].as_ref().map(|answer| answer.quantiles.clone());
    let quantiles = quantiles.expect("weeks are enough");
    let value = |step: usize| f64::from(rows[step][SHOWN]);
    let most = (0..rows.len()).map(value).fold(0.0, f64::max);
    let most = quantiles.iter().copied().map(f64::from).fold(most, f64::max);
    let most = 2.0 * (most / 2.0).ceil();

    let mut card = Card::new(860.0, 400.0, "A week of a workload and the day ahead as forecast");
    let days = |from: usize, to: usize| {
        (from..=to).map(|day| (day as f64, weekday(day))).collect::<Vec<_>>()
    };
    let y = Axis::even((0.0, most), 2.0, 0, "processor use (cores)");
    let x = Axis {
        from: (DAYS - 7) as f64,
        to: DAYS as f64,
        ticks: days(DAYS - 7, DAYS - 1),
        label: "the week before, days from midnight (UTC)",
    };
    let mut week = card.chart([66.0, 24.0, 400.0, 310.0], x, y.clone());
    let known: Vec<(f64, f64)> = (origin - 7 * DAY..origin)
        .map(|step| ((step as f64 + 0.5) / DAY as f64, value(step)))
        .collect();
    week.line(&known, ACTUAL, Mark::Line);

    let hours = Axis::even((0.0, 24.0), 4.0, 0, "the day ahead, hours from the origin");
    let mut ahead = card.chart([424.0, 24.0, 836.0, 310.0], hours, y.silent());
    let hour = |step: usize| (step as f64 + 0.5) / 2.0;
    let at = |step: usize, level: usize| f64::from(quantiles[step * LEVELS.len() + level]);
    for (low, high, opacity) in BANDS {
        let band: Vec<(f64, f64, f64)> =
            (0..DAY).map(|step| (hour(step), at(step, low), at(step, high))).collect();
        ahead.band(&band, FORECAST, opacity);
    }
    let median: Vec<(f64, f64)> = (0..DAY).map(|step| (hour(step), at(step, MEDIAN))).collect();
    ahead.line(&median, FORECAST, Mark::Line);
    let came: Vec<(f64, f64)> = (0..DAY).map(|step| (hour(step), value(origin + step))).collect();
    ahead.line(&came, ACTUAL, Mark::Line);
    card.legend(
        378.0,
        &[
            (Mark::Line, ACTUAL, "known, and what came"),
            (Mark::Line, FORECAST, "median"),
            (Mark::Area(0.6), FORECAST, "50 %"),
            (Mark::Area(0.36), FORECAST, "90 %"),
            (Mark::Area(0.16), FORECAST, "95 % interval"),
        ],
    );
    card.finish()
}
