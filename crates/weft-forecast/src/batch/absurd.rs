//! Samples that cannot have been demand: one that is many times all others of its series, from a counter that was set anew or
//! a unit that was mistaken. Left in, it pulls whatever is fitted by squares and stretches every upper quantile. It becomes a
//! gap. What comes a second time must never be taken out: it is a habit, however rare.

use std::borrow::Cow;

use weft_core::series::Series;

/// An absurd sample is more than so many times all others. Nightly jobs on idle machines are that too, but they come again.
pub(crate) const TIMES: f32 = 20.0;
/// One sample is taken out for so many of a series, and one more.
const SAMPLES_PER_ABSURD: usize = 5_000;
/// Samples that must be known before one is called absurd.
pub(crate) const FEWEST_SAMPLES: usize = 12;

/// `panel` without absurd samples; as it is where there is none.
pub(super) fn without(panel: &[Series]) -> Cow<'_, [Series]> {
    let limits: Vec<Option<f32>> = panel.iter().map(limit).collect();
    if limits.iter().all(Option::is_none) {
        return Cow::Borrowed(panel);
    }
    let pairs = panel.iter().zip(limits);
    pairs
        .map(|(series, limit)| limit.map_or_else(|| series.clone(), |l| below(series, l)))
        .collect()
}

/// The size above which samples of `series` are absurd, if any are.
fn limit(series: &Series) -> Option<f32> {
    let sizes: Vec<f32> = series.iter().flatten().map(f32::abs).collect();
    if sizes.len() < FEWEST_SAMPLES {
        return None;
    }
    // The largest few, descending.
    let few = sizes.len() / SAMPLES_PER_ABSURD + 2;
    let mut largest: Vec<f32> = Vec::with_capacity(few + 1);
    for size in sizes {
        let place = largest.partition_point(|larger| *larger >= size);
        largest.insert(place, size);
        largest.truncate(few);
    }
    // Where all else is zero nothing tells what is much.
    let is_cleft = |pair: &&[f32]| pair[1] > 0.0 && pair[0] > TIMES * pair[1];
    largest.windows(2).find(is_cleft).map(|pair| TIMES * pair[1])
}

/// `series` with gaps where it is above `limit`. The last sample stays: what goes on from it is not known yet.
fn below(series: &Series, limit: f32) -> Series {
    let mut clean = Series::new(series.start(), series.step());
    for (index, value) in series.iter().enumerate() {
        let is_last = index + 1 == series.len();
        let value = value.filter(|value| is_last || value.abs() <= limit);
        clean.push(value, value.is_some() && series.is_censored(index));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::series_of;

    fn gaps(values: &[f64]) -> Vec<usize> {
        let panel = [series_of(values.iter().copied())];
        let clean = without(&panel)[0].clone();
        (0..values.len()).filter(|index| clean.get(*index).is_none()).collect()
    }

    #[test]
    fn what_is_many_times_all_others_once_is_a_gap() {
        let with = |odd: &[(usize, f64)]| {
            let mut values: Vec<f64> = (0..60).map(|t| 10.0 + f64::from(t % 7)).collect();
            odd.iter().for_each(|(at, value)| values[*at] = *value);
            values
        };
        assert_eq!(gaps(&with(&[(30, 1e4)])), [30]);
        assert_eq!(gaps(&with(&[(30, -1e4)])), [30], "as from a counter that was set anew");
        assert_eq!(gaps(&with(&[(30, 200.0)])), [0; 0], "a high peak");
        assert_eq!(gaps(&with(&[(30, 1e4), (40, 1e4)])), [0; 0], "a habit");
        assert_eq!(gaps(&with(&[(59, 1e4)])), [0; 0], "it may go on");
        let mut rare = [0.0; 60];
        rare[20] = 5.0;
        assert_eq!(gaps(&rare), [0; 0], "nothing tells what is much");
        assert_eq!(gaps(&[1.0, 1e6, 1.0]), [0; 0], "nothing is known yet");
    }
}
