//! How reliable the probability of a shortage is: P(sum of a host's workloads > limit) from the loop's scenarios, against
//! the share that came true.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::{Buckets, Scenarios};
use weft_core::series::Sample;
use weft_forecast::bank::{Bank, BankConfig, Group};

use super::coverage::thousands;
use super::svg::{Axis, Card, FORECAST, INK, Mark};
use super::world::{DAY, at, demand, step};

const HOSTS: usize = 16;
const EACH: usize = 5;
const HORIZON: usize = 24;
/// Judged from this day on until the last; before it models come and go.
const DAYS: (usize, usize) = (14, 60);
/// Steps between two judged origins, no divisor of a day.
const EVERY: usize = 5;
/// A host's limits are these quantiles of what it summed up to before the first judged day.
const LIMITS: [f64; 3] = [0.7, 0.85, 0.95];
/// Edges of the classes of probability: narrow where policies look.
const EDGES: [f64; 13] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0];
/// Two-sided 95 %.
const SCORE: f64 = 1.959_964;

/// Forecasts whose probability lay in one class.
#[derive(Debug, Clone, Copy, Default)]
struct Class {
    said: f64,
    came: u32,
    count: u32,
}

fn key(index: usize) -> SeriesKey {
    SeriesKey::resource(format!("vm-{index:03}").as_str().into(), Resource::Cpu)
}

fn sum(row: &[f32], host: usize) -> f32 {
    row[host * EACH..(host + 1) * EACH].iter().sum()
}

fn limits(rows: &[Vec<f32>]) -> Vec<[f32; 3]> {
    let of_host = |host: usize| {
        let mut sums: Vec<f32> = rows[..DAYS.0 * DAY].iter().map(|row| sum(row, host)).collect();
        sums.sort_unstable_by(f32::total_cmp);
        LIMITS.map(|level| sums[(level * sums.len() as f64) as usize])
    };
    (0..HOSTS).map(of_host).collect()
}

/// One step of every host and limit, scattered over the horizon.
fn judge(
    classes: &mut [Class],
    scenarios: &Scenarios,
    (rows, now): (&[Vec<f32>], usize),
    limits: &[[f32; 3]],
) {
    for (host, limits) in limits.iter().enumerate() {
        let ahead = (now / EVERY * 7 + host * 5) % HORIZON;
        let buckets = scenarios.buckets();
        let bucket = (0..buckets.len()).find(|bucket| buckets.steps(*bucket).contains(&ahead));
        let bucket = bucket.expect("the horizon is covered");
        let members: Vec<(usize, f32)> = (0..EACH)
            .filter_map(|i| Some((scenarios.position(&key(host * EACH + i))?, 1.0)))
            .collect();
        let load = scenarios.load(&members, bucket);
        for limit in limits {
            let said = scenarios.tail().exceedance(load.mean, load.deviation, *limit, bucket);
            let class = EDGES[1..].partition_point(|edge| *edge < said).min(classes.len() - 1);
            classes[class].said += said;
            classes[class].came += u32::from(sum(&rows[now + 1 + ahead], host) > *limit);
            classes[class].count += 1;
        }
    }
}

fn classes() -> Vec<Class> {
    let rows = demand(83, HOSTS * EACH, DAYS.1 * DAY + HORIZON + 1, 0.02);
    let limits = limits(&rows);
    let members = |host: usize| (0..EACH).map(|i| (key(host * EACH + i), 1.0)).collect();
    let groups: Vec<Group> =
        (0..HOSTS).map(|h| Group { resource: Resource::Cpu, members: members(h) }).collect();
    let mut bank = Bank::new(BankConfig::new(step(), Buckets::covering(HORIZON)));
    (0..HOSTS * EACH).for_each(|index| bank.insert(key(index), f32::INFINITY));
    let mut classes = vec![Class::default(); EDGES.len() - 1];
    for t in 0..DAYS.1 * DAY {
        let sample = |(index, value): (usize, &f32)| Sample {
            key: key(index),
            at: at(t),
            value: *value,
            censored: false,
        };
        let samples: Vec<Sample> = rows[t].iter().enumerate().map(sample).collect();
        bank.observe(at(t), &samples, &groups);
        bank.refit();
        if t >= DAYS.0 * DAY && t.is_multiple_of(EVERY) {
            let scenarios = bank.scenarios().expect("days are known");
            judge(&mut classes, &scenarios, (&rows, t), &limits);
        }
    }
    classes
}

/// The interval of a share by its score (Wilson 1927).
fn interval(came: u32, count: u32) -> (f64, f64) {
    let (n, share, z) = (f64::from(count), f64::from(came) / f64::from(count), SCORE);
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (centre - half, centre + half)
}

/// The picture.
pub(crate) fn draw() -> String {
    let classes = classes();
    let title = "Probability of a shortage as said, and the share that came true";
    let mut card = Card::new(860.0, 450.0, title);
    let known: Vec<Class> = classes.into_iter().filter(|class| class.count > 0).collect();
    let views = [
        ([66.0, 40.0, 430.0, 350.0], (0.0, 1.0), 0.2, 1, "all probabilities"),
        ([490.0, 40.0, 836.0, 350.0], (0.0, 0.2), 0.05, 2, "the corner in which policies decide"),
    ];
    for (panel, (frame, range, every, decimals, words)) in views.into_iter().enumerate() {
        let x = Axis::even(range, every, decimals, "probability as said");
        let label = if panel == 0 { "share that came true" } else { "" };
        let y = Axis::even(range, every, decimals, label);
        let mut chart = card.chart(frame, x, y);
        chart.line(&[(0.0, 0.0), (1.0, 1.0)], INK, Mark::Dashed);
        for class in &known {
            let said = class.said / f64::from(class.count);
            let share = f64::from(class.came) / f64::from(class.count);
            if said > range.1 || interval(class.came, class.count).1 > range.1 {
                continue;
            }
            chart.dot((said, share), Some(interval(class.came, class.count)), FORECAST);
            let (moved, anchor) = match said / range.1 {
                // The whole view is crowded there; the corner shows them.
                ..0.2 if panel == 0 => continue,
                ..0.02 => ((10.0, -3.0), "start"),
                ..0.1 => ((9.0, 3.0), "start"),
                // On the side away from the diagonal.
                _ if share > said => ((-9.0, -6.0), "end"),
                0.9.. => ((-10.0, -2.0), "end"),
                _ => ((9.0, 16.0), "start"),
            };
            chart.note((said, share), moved, anchor, &thousands(class.count));
        }
        card.text(((frame[0] + frame[2]) / 2.0, 28.0), "middle", words);
    }
    card.legend(
        424.0,
        &[
            (Mark::Dot, FORECAST, "share with its binomial 95 % interval; beside it the count"),
            (Mark::Dashed, INK, "as said"),
        ],
    );
    card.finish()
}
