//! Demand where only a lower bound of it was seen. A sample that was cut off, at the cap of its vCPUs or by a full host, would
//! teach the models of a whole panel, which know no bounds, that demand ends there. Here it becomes one of the values that
//! came at the same time of earlier days and lie beyond the bound, or the bound and a chance excess where none does: what
//! revenue management calls unconstraining (Talluri & van Ryzin 2004, section 9.4). No later sample has a part in it.

use std::borrow::Cow;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use weft_core::series::Series;

use crate::boosted::Dice;

/// Earlier days at whose same time is looked, and the share of a day on each side that counts as the same time.
const DAYS: usize = 7;
const AROUND_SHARE: usize = 48;
/// The mean excess over a bound amid normal noise, in mean absolute changes from one day to the next: √(2/π) σ to 2/√π σ.
const EXCESS: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// `panel` with values for the samples that are only lower bounds; as it is where there is none.
pub(crate) fn panel(panel: &[Series], season: usize) -> Cow<'_, [Series]> {
    let all: Vec<Cow<'_, Series>> =
        panel.par_iter().map(|series| unconstrained(series, season)).collect();
    if all.iter().all(|series| matches!(series, Cow::Borrowed(_))) {
        return Cow::Borrowed(panel);
    }
    all.into_iter().map(Cow::into_owned).collect()
}

/// `series` with values for its samples that are only lower bounds; as it is where there is none. `season` is a day's steps.
pub(crate) fn unconstrained(series: &Series, season: usize) -> Cow<'_, Series> {
    let is_bound = |index: &usize| series.is_censored(*index) && series.get(*index).is_some();
    if !(0..series.len()).any(|index| is_bound(&index)) {
        return Cow::Borrowed(series);
    }
    let first = series.start().as_millis().div_euclid(series.step().span().as_millis());
    let values = Vec::with_capacity(series.len());
    let mut demand = Demand { values, first, season, changes: (0.0, 0) };
    for index in 0..series.len() {
        let value = series.get(index).unwrap_or(f32::NAN);
        if is_bound(&index) {
            demand.values.push(demand.beyond(value));
            continue;
        }
        let before = index.checked_sub(season).filter(|before| !is_bound(before));
        let change = before.map_or(f32::NAN, |before| value - demand.values[before]);
        if !change.is_nan() {
            demand.changes = (demand.changes.0 + f64::from(change.abs()), demand.changes.1 + 1);
        }
        demand.values.push(value);
    }
    let values = demand.values.into_iter().map(|value| Some(value).filter(|value| !value.is_nan()));
    Cow::Owned(Series::from_values(series.start(), series.step(), values))
}

/// Demand so far.
struct Demand {
    /// NaN is a gap.
    values: Vec<f32>,
    /// Step of the first since the epoch: chance is the same for a sample wherever its series begins.
    first: i64,
    season: usize,
    /// Sum and number of the changes from one day to the next.
    changes: (f64, u32),
}

impl Demand {
    /// What the next value may have been, of which only `bound` was seen.
    fn beyond(&self, bound: f32) -> f32 {
        let index = self.values.len();
        let around = self.season / AROUND_SHARE;
        let mut beyond: Vec<f32> = (1..=DAYS)
            .filter_map(|day| index.checked_sub(day * self.season))
            .flat_map(|middle| middle.saturating_sub(around)..(middle + around + 1).min(index))
            .map(|earlier| self.values[earlier])
            .filter(|value| *value > bound)
            .collect();
        let share = Dice((self.first + index as i64) as u64).roll();
        if beyond.is_empty() {
            let (sum, count) = self.changes;
            let excess = EXCESS * sum / f64::from(count.max(1));
            return bound - (excess * f64::from(1.0 - share).ln()) as f32;
        }
        beyond.sort_unstable_by(f32::total_cmp);
        beyond[(share * beyond.len() as f32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Noise;
    use weft_core::time::{Step, Timestamp};

    const SEASON: usize = 288;

    /// Days of noise of 10 around 100, of which some are cut off.
    fn days(cap_of: impl Fn(usize) -> f64) -> (Vec<f64>, Series) {
        let mut noise = Noise::new(7);
        let full: Vec<f64> = (0..10 * SEASON).map(|_| 100.0 + 10.0 * noise.normal()).collect();
        let mut series = Series::new(Timestamp::default(), Step::FIVE_MINUTES);
        for (index, value) in full.iter().enumerate() {
            let cap = cap_of(index / SEASON);
            series.push(Some(value.min(cap) as f32), *value >= cap);
        }
        (full, series)
    }

    /// How far the last day as found is from the real one, at most, over some of its quantiles.
    fn worst_of_last_day(found: &Series, full: &[f64]) -> f64 {
        let quantiles = |mut day: Vec<f64>| {
            day.sort_unstable_by(f64::total_cmp);
            [0.5, 0.9, 0.98].map(|share| day[(share * day.len() as f64) as usize])
        };
        let found = found.iter().flatten().map(f64::from).skip(9 * SEASON).collect();
        let pairs = quantiles(found).into_iter().zip(quantiles(full[9 * SEASON..].to_vec()));
        pairs.map(|(found, full)| (found - full).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn what_was_cut_off_is_distributed_as_on_other_days() {
        let (full, series) = days(|day| if day == 9 { 95.0 } else { f64::INFINITY });
        let worst = worst_of_last_day(&unconstrained(&series, SEASON), &full);
        assert!(worst < 4.0, "{worst}");
    }

    #[test]
    fn what_is_always_cut_off_exceeds_by_about_its_noise() {
        let (full, series) = days(|_| 105.0);
        let worst = worst_of_last_day(&unconstrained(&series, SEASON), &full);
        assert!(worst < 8.0, "{worst}");
    }

    #[test]
    fn nothing_below_a_bound_and_nothing_of_the_future() {
        let (_, series) = days(|day| if day % 2 == 0 { 90.0 } else { 110.0 });
        let whole = unconstrained(&series, SEASON).into_owned();
        let start = crate::validation::truncated(&series, 5 * SEASON + 7);
        let start = unconstrained(&start, SEASON).into_owned();
        for index in 0..series.len() {
            let (came, found) = (series.get(index), whole.get(index));
            assert!(if series.is_censored(index) { found >= came } else { found == came });
            assert!(index >= start.len() || start.get(index) == found);
        }
    }

    #[test]
    fn without_bounds_nothing_is_copied() {
        let (_, series) = days(|_| f64::INFINITY);
        assert!(matches!(unconstrained(&series, SEASON), Cow::Borrowed(_)));
    }
}
