//! The boosted trees of a bank: one set over all its series, for the means of the buckets. They are fitted rarely, on the
//! samples of a share of the series; what they say of a series is looked up every step where there are few series and at
//! least every hour where there are many. They learn from what has been observed and from nothing else.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use weft_core::series::Series;

use super::lanes::Lanes;
use crate::boosted::local::Local;
use crate::boosted::{Boosted, FittedBoosted, LEVELS, Pieces};
use crate::unconstrained;

/// Series that are learned from at most: more of them bring little and cost a second each hundred.
const MOST_SERIES: usize = 1_000;
/// Rows learned from, for each series and for each sample: one that is told of from more origins teaches nothing new.
const ROWS_PER_SERIES: usize = 600;
const ROWS_PER_SAMPLE: usize = 2;
/// Rows learned from at most, trees, and what each adds of what it found. With 100,000 rows and 100 trees the loss is lower
/// by half a percent at twice the time.
const MOST_ROWS: usize = 60_000;
const TREES: usize = 70;
const RATE: f32 = 0.17;
/// The share of a season between two look-ups of a series at most: an hour of a day.
const REFRESH_SHARE: i64 = 24;
/// The share of a season that must have been observed before trees are fitted: two hours of a day.
const FIRST_SHARE: i64 = 12;
/// The median among the levels.
const MEDIAN: usize = LEVELS.len() / 2;

/// The trees, if any, and when they are due.
#[derive(Debug, Clone)]
pub(super) struct Trees {
    /// Series that are looked up in a step at most.
    look_ups: usize,
    fitted: Option<Arc<FittedBoosted>>,
    /// Steps observed at which the next fit is due.
    fit_at: i64,
    /// Steps between two look-ups of a series.
    every: i64,
}

impl Trees {
    pub(super) const fn new(look_ups: usize) -> Self {
        Self { look_ups, fitted: None, fit_at: 0, every: 1 }
    }

    pub(super) const fn are_grown(&self) -> bool {
        self.fitted.is_some()
    }

    /// Whether a fit is due after `observed` steps.
    pub(super) fn are_due(&self, observed: i64, season: i64) -> bool {
        self.look_ups > 0 && observed >= self.fit_at.max(season / FIRST_SHARE)
    }

    /// Learns from `panel`, of whose series `observed` steps are known; first after two hours, then at each doubling up to a
    /// week, then once a week. A panel that is too short leaves what there was.
    pub(super) fn fit(&mut self, panel: &[Series], observed: i64, lanes: &Lanes) {
        self.fit_at = observed + observed.clamp(1, 7 * lanes.season());
        let panel = &*unconstrained::panel(panel, lanes.season() as usize);
        let pieces = Pieces::Means(lanes.buckets().clone());
        let samples: usize = panel.iter().map(Series::len).sum();
        let rows = (panel.len() * ROWS_PER_SERIES).min(MOST_ROWS).min(samples * ROWS_PER_SAMPLE);
        let model = Boosted::new(lanes.season() as usize, pieces);
        let model = Boosted { rows, trees: TREES, rate: RATE, ..model };
        if let Ok(fitted) = model.fit(panel) {
            self.fitted = Some(Arc::new(fitted));
        }
    }

    /// Which of `count` series are learned from: all, or every so many-th.
    pub(super) fn learned_from(count: usize) -> impl Iterator<Item = usize> {
        (0..count).step_by(count.div_ceil(MOST_SERIES).max(1))
    }

    /// Sets how often each of `count` series is looked up.
    pub(super) fn pace(&mut self, count: usize, season: i64) {
        let slowest = (season / REFRESH_SHARE).max(1);
        self.every = (count.div_ceil(self.look_ups.max(1)) as i64).clamp(1, slowest);
    }

    /// As for very many series, whatever their number: for the past.
    pub(super) fn hurried(&self, season: i64) -> Self {
        Self { every: (season / REFRESH_SHARE).max(1), ..self.clone() }
    }

    /// Whether series `number` is to be looked up at `now`.
    pub(super) fn are_asked(&self, number: u32, now: i64) -> bool {
        self.fitted.is_some() && (now + i64::from(number)).rem_euclid(self.every.max(1)) == 0
    }

    /// The path over the horizon after `values`, the last of which was at step `now - 1`; none where nothing is known.
    pub(super) fn path(
        &self,
        values: Vec<f32>,
        now: i64,
        local: &Local,
        lanes: &Lanes,
    ) -> Option<Vec<f32>> {
        let begin = now - values.len() as i64;
        let quantiles = self.fitted.as_ref()?.predict_after(values, begin, local)?;
        let means: Vec<f32> = quantiles.iter().map(|levels| levels[MEDIAN].max(0.0)).collect();
        Some(path_through(&means, lanes))
    }
}

/// A path whose mean over each bucket is that of `means`: lines between the middles of the buckets, moved.
fn path_through(means: &[f32], lanes: &Lanes) -> Vec<f32> {
    let middle = |bucket: usize| (lanes.get(bucket).begin + lanes.get(bucket).end - 1) as f32 / 2.0;
    let mut path = Vec::with_capacity(lanes.buckets().horizon_steps());
    for (bucket, mean) in means.iter().enumerate() {
        let steps = lanes.buckets().steps(bucket);
        let from = path.len();
        for step in steps.clone() {
            let at = step as f32;
            let other = if at < middle(bucket) {
                bucket.saturating_sub(1)
            } else {
                (bucket + 1).min(means.len() - 1)
            };
            let apart = middle(other) - middle(bucket);
            let share = if apart == 0.0 { 0.0 } else { (at - middle(bucket)) / apart };
            path.push(mean + share * (means[other] - mean));
        }
        let off = mean - path[from..].iter().sum::<f32>() / steps.len() as f32;
        path[from..].iter_mut().for_each(|value| *value = (*value + off).max(0.0));
    }
    path
}

/// The panel that trees learn from, of forecasters' histories in order.
pub(super) fn panel<'a, T: Sync>(
    all: &'a [T],
    series: impl Fn(&'a T) -> Series + Sync,
) -> Vec<Series> {
    let chosen: Vec<&T> = Trees::learned_from(all.len()).map(|index| &all[index]).collect();
    chosen.par_iter().map(|one| series(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::scenario::Buckets;

    #[test]
    fn a_path_keeps_the_means_of_its_buckets() {
        let lanes = Lanes::new(&Buckets::covering(72), 288, 8);
        let means: Vec<f32> = (0..lanes.len()).map(|b| 100.0 + ((b * 37) % 11) as f32).collect();
        let path = path_through(&means, &lanes);
        assert_eq!(path.len(), 72);
        for (bucket, mean) in means.iter().enumerate() {
            let steps = lanes.buckets().steps(bucket);
            let found = path[steps.clone()].iter().sum::<f32>() / steps.len() as f32;
            assert!((found - mean).abs() < 1e-3, "{bucket}: {found}, not {mean}");
        }
    }

    #[test]
    fn every_series_is_looked_up_at_least_once_an_hour() {
        let mut trees = Trees::new(40_000);
        for (count, every) in [(1, 1), (40_000, 1), (90_000, 3), (400_000, 10), (4_000_000, 12)] {
            trees.pace(count, 288);
            assert_eq!(trees.every, every, "{count} series");
        }
        assert_eq!(Trees::learned_from(10).count(), 10);
        assert!((500..=1_000).contains(&Trees::learned_from(400_001).count()));
    }
}
