//! What the conformal correction does: the share of what came below each quantile of the boosted trees, as they are and once
//! their misses on held-out days have been put back.

use weft_forecast::batch::{Batch, Method};
use weft_forecast::boosted::{Boosted, LEVELS, Pieces};

use super::svg::{Axis, Card, FORECAST, INK, Mark, OTHER};
use super::world::{DAY, demand, levels, panel};

/// Days known at each origin, days in all, and steps between two origins.
const KNOWN: usize = 14;
const DAYS: usize = 84;
const EVERY: usize = 6 * DAY + 5;
const SERIES: usize = 30;

/// How many of what came lay below each level.
struct Below {
    counts: [u32; LEVELS.len()],
    judged: u32,
}

impl Below {
    const fn new() -> Self {
        Self { counts: [0; LEVELS.len()], judged: 0 }
    }

    fn judge(&mut self, quantiles: &[f32], came: f32) {
        for (count, quantile) in self.counts.iter_mut().zip(quantiles) {
            *count += u32::from(came < *quantile);
        }
        self.judged += 1;
    }

    /// Level in percent, and by how many points the share below it differs.
    fn points(&self) -> Vec<(f64, f64)> {
        let each = LEVELS.iter().zip(self.counts).map(|(level, count)| {
            (100.0 * level, 100.0 * (f64::from(count) / f64::from(self.judged) - level))
        });
        each.collect()
    }
}

fn judge() -> [Below; 2] {
    let rows = demand(97, SERIES, DAYS * DAY, 0.01);
    let batch = Batch { method: Method::Auto, season: DAY, horizon: DAY, resources: &[] };
    let (mut before, mut after) = (Below::new(), Below::new());
    for origin in (KNOWN * DAY..(DAYS - 1) * DAY).step_by(EVERY) {
        let known = panel(&rows[origin - KNOWN * DAY..], KNOWN * DAY);
        let model = Boosted::new(DAY, Pieces::Steps(DAY)).for_panel(SERIES, SERIES * KNOWN * DAY);
        let trees = model.fit(&known).expect("weeks are enough");
        let answers = batch.forecast(&known, &levels(&LEVELS), &|_| {});
        for (index, (series, answer)) in known.iter().zip(answers).enumerate() {
            let plain = trees.predict(series).expect("it has samples");
            let corrected = answer.expect("weeks are enough").quantiles;
            for ahead in 0..DAY {
                let came = rows[origin + ahead][index];
                before.judge(&plain[ahead], came);
                after.judge(&corrected[ahead * LEVELS.len()..][..LEVELS.len()], came);
            }
        }
    }
    [before, after]
}

/// The picture.
pub(crate) fn draw() -> String {
    let [before, after] = judge();
    let title =
        "How far the share below each quantile is from its level, before and after correction";
    let mut card = Card::new(760.0, 390.0, title);
    let x = Axis::even((0.0, 100.0), 10.0, 0, "level of the quantile (%)");
    let y = Axis::even((-8.0, 8.0), 2.0, 0, "share below it − level (points)");
    let mut chart = card.chart([66.0, 24.0, 736.0, 300.0], x, y);
    chart.line(&[(0.0, 0.0), (100.0, 0.0)], INK, Mark::Dashed);
    for (below, colour) in [(&before, OTHER), (&after, FORECAST)] {
        chart.line(&below.points(), colour, Mark::Line);
        below.points().into_iter().for_each(|point| chart.dot(point, None, colour));
    }
    card.legend(
        366.0,
        &[
            (Mark::Line, OTHER, "trees as fitted"),
            (Mark::Line, FORECAST, "after conformal correction (auto)"),
            (Mark::Dashed, INK, "as said"),
        ],
    );
    card.finish()
}
