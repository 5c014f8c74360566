//! How often 95 % intervals cover, by the distance ahead: those of the control loop, and those of `auto`, each over many
//! origins and workloads that nothing was chosen on.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::Sample;
use weft_forecast::bank::{Bank, BankConfig};
use weft_forecast::batch::{Batch, Method};

use super::svg::{Axis, Card, FORECAST, MARKED, Mark, OTHER};
use super::world::{DAY, at, demand, levels, panel, step};

const LEVELS: [f64; 3] = [0.025, 0.5, 0.975];
/// The loop is judged from this day on until the last.
const LOOP: (usize, usize) = (12, 45);
const LOOP_SERIES: usize = 30;
/// Steps between two judged origins of the loop: no divisor of a day, so that all times of the day come up.
const LOOP_EVERY: usize = 5;
/// The same of `auto`, which grows its trees anew at each origin.
const AUTO: (usize, usize) = (21, 70);
const AUTO_SERIES: usize = 30;
const AUTO_EVERY: usize = 3 * DAY + 5;

/// Hits and judgements by step ahead.
struct Covered {
    hits: Vec<u32>,
    judged: u32,
}

impl Covered {
    fn new() -> Self {
        Self { hits: vec![0; DAY], judged: 0 }
    }

    fn judge(&mut self, quantiles: &[f32], came: impl Fn(usize) -> f32) {
        for (ahead, row) in quantiles.chunks(LEVELS.len()).enumerate() {
            self.hits[ahead] += u32::from(row[0] <= came(ahead) && came(ahead) <= row[2]);
        }
        self.judged += 1;
    }

    /// Hours ahead and percent covered.
    fn line(&self) -> Vec<(f64, f64)> {
        let share = |hits: &u32| 100.0 * f64::from(*hits) / f64::from(self.judged);
        self.hits.iter().enumerate().map(|(a, hits)| ((a + 1) as f64 / 2.0, share(hits))).collect()
    }
}

fn key(index: usize) -> SeriesKey {
    SeriesKey::resource(format!("vm-{index:03}").as_str().into(), Resource::Cpu)
}

fn of_loop() -> Covered {
    let rows = demand(71, LOOP_SERIES, (LOOP.1 + 1) * DAY, 0.01);
    let mut bank = Bank::new(BankConfig::new(step(), Buckets::covering(DAY)));
    (0..LOOP_SERIES).for_each(|index| bank.insert(key(index), f32::INFINITY));
    let mut covered = Covered::new();
    for t in 0..LOOP.1 * DAY {
        let sample = |(index, value): (usize, &f32)| Sample {
            key: key(index),
            at: at(t),
            value: *value,
            censored: false,
        };
        let samples: Vec<Sample> = rows[t].iter().enumerate().map(sample).collect();
        bank.observe(at(t), &samples, &[]);
        bank.refit();
        if t < LOOP.0 * DAY || !t.is_multiple_of(LOOP_EVERY) {
            continue;
        }
        for index in 0..LOOP_SERIES {
            let forecast =
                bank.forecast(&key(index), DAY, &levels(&LEVELS)).expect("days are known by then");
            let quantiles: Vec<f32> = (0..DAY).flat_map(|a| forecast.at(a).to_vec()).collect();
            let came = &rows[t + 1..];
            covered.judge(&quantiles, |ahead| came[ahead][index]);
        }
    }
    covered
}

fn of_auto() -> Covered {
    let rows = demand(72, AUTO_SERIES, (AUTO.1 + 1) * DAY, 0.01);
    let batch = Batch { method: Method::Auto, season: DAY, horizon: DAY, resources: &[] };
    let mut covered = Covered::new();
    for origin in (AUTO.0 * DAY..AUTO.1 * DAY).step_by(AUTO_EVERY) {
        let known = panel(&rows[origin - AUTO.0 * DAY..], AUTO.0 * DAY);
        let answers = batch.forecast(&known, &levels(&LEVELS), &|_| {});
        for (index, answer) in answers.into_iter().enumerate() {
            let quantiles = answer.expect("weeks are enough").quantiles;
            covered.judge(&quantiles, |ahead| rows[origin + ahead][index]);
        }
    }
    covered
}

/// The picture.
pub(crate) fn draw() -> String {
    let (of_loop, of_auto) = (of_loop(), of_auto());
    let mut card = Card::new(760.0, 390.0, "Share covered by the 95 % interval by hours ahead");
    let x = Axis::even((0.0, 24.0), 4.0, 0, "hours ahead");
    let y = Axis::even((80.0, 100.0), 5.0, 0, "share covered (%)");
    let mut chart = card.chart([66.0, 24.0, 736.0, 300.0], x, y);
    chart.band(&[(0.0, 94.0, 96.0), (24.0, 94.0, 96.0)], MARKED, 0.18);
    chart.line(&[(0.0, 95.0), (24.0, 95.0)], MARKED, Mark::Dashed);
    chart.line(&of_loop.line(), FORECAST, Mark::Line);
    chart.line(&of_auto.line(), OTHER, Mark::Line);
    let loop_words = format!("control loop ({} forecasts a step)", thousands(of_loop.judged));
    let auto_words = format!("auto ({})", thousands(of_auto.judged));
    card.legend(
        366.0,
        &[
            (Mark::Line, FORECAST, &loop_words),
            (Mark::Line, OTHER, &auto_words),
            (Mark::Area(0.18), MARKED, "94 to 96 %"),
        ],
    );
    card.finish()
}

/// A count as it is read.
pub(crate) fn thousands(count: u32) -> String {
    if count < 1_000 {
        return count.to_string();
    }
    format!("{},{:03}", count / 1_000, count % 1_000)
}
