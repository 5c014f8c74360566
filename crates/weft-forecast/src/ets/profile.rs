//! The shape of a season, estimated from whole seasons: how wide to smooth it over neighbouring
//! steps and how far to shrink it are judged by leaving one season out at a time, so that a season
//! of pure noise comes out flat. It must never see a sample outside the seasons it is given.

use weft_core::series::Series;

/// Half-widths of smoothing that are tried, in steps: from none to two hours of five-minute steps.
const HALF_WIDTHS: [usize; 6] = [0, 1, 3, 6, 12, 24];
/// A season counts where at least this share of its steps has samples.
const FEWEST_SHARE: f64 = 0.5;

/// An additive season.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    /// Mean zero, by phase; phase 0 is the first step of the series.
    pub(super) season: Vec<f32>,
    /// How many parameters it is worth.
    pub(super) parameters: f64,
    /// The share that the season should take of an error: as a mean over the seasons seen would.
    pub(super) gain: f64,
}

/// Deviations from the mean of their season, season after season; NaN for gaps.
struct Deviations {
    values: Vec<f64>,
    length: usize,
}

impl Deviations {
    /// Of the last whole seasons of `series`; seasons with too many gaps are left out.
    fn of(series: &Series, length: usize) -> Self {
        let seasons = series.len() / length;
        let begin = series.len() - seasons * length;
        let all: Vec<f64> = series.iter().map(|v| v.map_or(f64::NAN, f64::from)).collect();
        let enough = |season: &&[f64]| {
            season.iter().filter(|v| !v.is_nan()).count() as f64 >= FEWEST_SHARE * length as f64
        };
        let mut values = Vec::new();
        for season in all[begin..].chunks_exact(length).filter(enough) {
            let present = season.iter().filter(|v| !v.is_nan());
            let mean = present.clone().sum::<f64>() / present.count() as f64;
            values.extend(season.iter().map(|value| value - mean));
        }
        Self { values, length }
    }

    fn seasons(&self) -> impl Iterator<Item = &[f64]> + Clone {
        self.values.chunks_exact(self.length)
    }

    /// Mean deviation by phase over all seasons but `left_out`; zero where there is no sample.
    fn mean_without(&self, left_out: Option<usize>) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0_f64); self.length];
        let kept = self.seasons().enumerate().filter(|(index, _)| Some(*index) != left_out);
        for (sum, value) in kept.flat_map(|(_, season)| sums_with(season)) {
            let slot: &mut (f64, f64) = &mut sums[sum];
            slot.0 += value;
            slot.1 += 1.0;
        }
        sums.into_iter().map(|(sum, count)| sum / count.max(1.0)).collect()
    }
}

fn sums_with(season: &[f64]) -> impl Iterator<Item = (usize, f64)> + '_ {
    season.iter().copied().enumerate().filter(|(_, value)| !value.is_nan())
}

/// The mean over `half_width` neighbours on both sides, around the circle.
fn smoothed(profile: &[f64], half_width: usize) -> Vec<f64> {
    let length = profile.len();
    let width = 2 * half_width + 1;
    let at = |index: usize| profile[index % length];
    let mut sum: f64 = (0..width).map(|k| at(length * width - half_width + k)).sum();
    let mut result = Vec::with_capacity(length);
    for phase in 0..length {
        result.push(sum / width as f64);
        sum += at(phase + half_width + 1) - at(length * width + phase - half_width);
    }
    result
}

/// How well a profile from the other seasons foretells each season: the best factor and the squares
/// that it saves.
fn judge(deviations: &Deviations, half_width: usize) -> (f64, f64) {
    let (mut product, mut square) = (0.0, 0.0);
    for (index, season) in deviations.seasons().enumerate() {
        let foretold = smoothed(&deviations.mean_without(Some(index)), half_width);
        for (phase, value) in sums_with(season) {
            product += foretold[phase] * value;
            square += foretold[phase] * foretold[phase];
        }
    }
    if square <= 0.0 {
        return (0.0, 0.0);
    }
    let factor = (product / square).clamp(0.0, 1.0);
    (factor, 2.0 * factor * product - factor * factor * square)
}

/// The additive season of `length` steps; none where no whole two seasons are there or none helps.
pub(super) fn estimate(series: &Series, length: usize) -> Option<Profile> {
    let deviations = Deviations::of(series, length);
    let seasons = deviations.seasons().count();
    if seasons < 2 {
        return None;
    }
    let widths = HALF_WIDTHS.into_iter().filter(|half_width| 4 * half_width < length);
    let judged = widths.map(|half_width| (half_width, judge(&deviations, half_width)));
    let (half_width, (factor, saved)) = judged.max_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
    if saved <= 0.0 {
        return None;
    }
    let shape = smoothed(&deviations.mean_without(None), half_width);
    let mean = shape.iter().sum::<f64>() / length as f64;
    let offset = series.len() % length;
    // The last whole seasons begin `offset` steps after the first step of the series.
    let at = |phase: usize| shape[(phase + length - offset) % length] - mean;
    Some(Profile {
        season: (0..length).map(|phase| (factor * at(phase)) as f32).collect(),
        parameters: factor * length as f64 / (2 * half_width + 1) as f64,
        gain: factor / (seasons + 1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{Noise, series_of};

    #[test]
    fn a_season_is_found_at_its_phase_and_noise_is_flat() {
        let mut noise = Noise::new(1);
        let wave = |t: usize| (t as f64 / 48.0 * std::f64::consts::TAU).sin();
        let seasonal = series_of((0..48 * 4 + 7).map(|t| 10.0 + 3.0 * wave(t) + noise.normal()));
        let profile = estimate(&seasonal, 48).expect("a season");
        for (phase, value) in profile.season.iter().enumerate() {
            assert!((f64::from(*value) - 3.0 * wave(phase)).abs() < 1.0, "{phase}: {value}");
        }
        let flat = series_of((0..48 * 4).map(|_| 10.0 + noise.normal()));
        let left = estimate(&flat, 48).map_or(0.0, |profile| {
            profile.season.iter().map(|value| value.abs()).fold(0.0, f32::max)
        });
        assert!(left < 0.3, "noise of deviation 1 left a season of {left}");
        assert!(estimate(&flat, 100).is_none(), "fewer than two seasons");
    }

    #[test]
    fn smoothing_goes_around_the_circle() {
        assert_eq!(smoothed(&[3.0, 0.0, 0.0, 6.0], 1), [3.0, 1.0, 2.0, 3.0]);
        assert_eq!(smoothed(&[3.0, 0.0, 0.0, 6.0], 0), [3.0, 0.0, 0.0, 6.0]);
    }
}
