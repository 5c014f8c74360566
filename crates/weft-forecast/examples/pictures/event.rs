//! What an announced campaign does to a forecast: the same day ahead without being told of it and told.

use weft_core::event::{Event, EventKind, Occurrence};
use weft_core::policy::{Selector, Window};
use weft_core::time::Span;
use weft_forecast::batch::{Batch, Method};
use weft_forecast::effects::{Announced, Concern};

use super::fan::BANDS;
use super::svg::{ACTUAL, Axis, Card, FORECAST, MARKED, Mark};
use super::world::{DAY, Noise, at, demand, levels, panel};

const LEVELS: [f64; 7] = [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975];
const DAYS: usize = 29;
const SERIES: usize = 16;
const SHOWN: usize = 5;
/// When campaigns begin: day and step of the day; the last one is ahead. None is at the time of another.
const CAMPAIGNS: [(usize, usize); 6] = [(5, 18), (8, 26), (13, 22), (19, 30), (26, 16), (29, 20)];
/// How long each goes on: five hours.
const STEPS: usize = 10;

fn occurrences() -> Vec<Occurrence> {
    let one = |(number, (day, step)): (usize, &(usize, usize))| {
        let begins = day * DAY + step;
        let window = Window { begins: at(begins), ends: at(begins + STEPS) };
        let event = Event {
            id: format!("campaign-{number}").as_str().into(),
            kind: EventKind::Campaign,
            window,
            concerns: Selector::default(),
            expected_lift: None,
        };
        event.into()
    };
    CAMPAIGNS.iter().enumerate().map(one).collect()
}

/// Demand with what the campaigns add: about half as much again, more or less each time.
fn lifted() -> Vec<Vec<f32>> {
    let mut rows = demand(59, SERIES, (DAYS + 1) * DAY, 0.01);
    let mut noise = Noise::new(60);
    for (day, step) in CAMPAIGNS {
        let lift = 1.5 * (0.08 * noise.normal()).exp();
        let from = day * DAY + step;
        rows[from..from + STEPS].iter_mut().flatten().for_each(|value| *value *= lift as f32);
    }
    rows
}

/// The picture.
pub(crate) fn draw() -> String {
    let (rows, origin, occurrences) = (lifted(), DAYS * DAY, occurrences());
    let known = panel(&rows, origin);
    let batch = Batch { method: Method::Auto, season: DAY, horizon: DAY, resources: &[] };
    let ask = |events: Vec<usize>| {
        let concerns = vec![Concern { events, phase: Span::ZERO }; SERIES];
        let announced = Announced {
            occurrences: &occurrences,
            concerns: &concerns,
            clusters: &[],
            origin: at(origin),
        };
        let answers = batch.forecast_with(&known, &announced, &levels(&LEVELS), &|_| {});
        let quantiles = answers[SHOWN].as_ref().map(|answer| answer.forecast.quantiles.clone());
        quantiles.expect("weeks are enough")
    };
    let forecasts = [ask(Vec::new()), ask((0..occurrences.len()).collect())];
    let most = forecasts.iter().flatten().copied().map(f64::from).fold(0.0, f64::max);
    let value = |step: usize| f64::from(rows[step][SHOWN]);
    let most = (origin..origin + DAY).map(value).fold(most, f64::max);
    let most = 2.0 * (most / 2.0).ceil();

    let mut card = Card::new(860.0, 420.0, "A day ahead with a campaign, not told and told of it");
    let y = Axis::even((0.0, most), 2.0, 0, "processor use (cores)");
    for (panel, quantiles) in forecasts.iter().enumerate() {
        let left = 66.0 + 397.0 * panel as f64;
        let x = Axis::even((0.0, 24.0), 4.0, 0, "hours from the origin");
        let y = if panel == 0 { y.clone() } else { y.clone().silent() };
        let mut chart = card.chart([left, 40.0, left + 373.0, 330.0], x, y);
        let hour = |step: usize| (step as f64 + 0.5) / 2.0;
        let begin = CAMPAIGNS[CAMPAIGNS.len() - 1].1 as f64 / 2.0;
        let window = [begin, begin + STEPS as f64 / 2.0].map(|hour| (hour, 0.0, most));
        chart.band(&window, MARKED, 0.14);
        let at = |step: usize, level: usize| f64::from(quantiles[step * LEVELS.len() + level]);
        for (low, high, opacity) in BANDS {
            let band: Vec<(f64, f64, f64)> =
                (0..DAY).map(|step| (hour(step), at(step, low), at(step, high))).collect();
            chart.band(&band, FORECAST, opacity);
        }
        let median: Vec<(f64, f64)> = (0..DAY).map(|step| (hour(step), at(step, 3))).collect();
        chart.line(&median, FORECAST, Mark::Line);
        let came: Vec<(f64, f64)> =
            (0..DAY).map(|step| (hour(step), value(origin + step))).collect();
        chart.line(&came, ACTUAL, Mark::Line);
        let words = ["not told of the campaign", "told, after five earlier ones"][panel];
        card.text((left + 186.0, 28.0), "middle", words);
    }
    card.legend(
        398.0,
        &[
            (Mark::Line, ACTUAL, "what came"),
            (Mark::Line, FORECAST, "median"),
            (Mark::Area(0.6), FORECAST, "50 %"),
            (Mark::Area(0.36), FORECAST, "90 %"),
            (Mark::Area(0.16), FORECAST, "95 % interval"),
            (Mark::Area(0.14), MARKED, "campaign"),
        ],
    );
    card.finish()
}
