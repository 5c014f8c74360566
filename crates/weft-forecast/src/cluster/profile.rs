//! Profiles: what of a series is compared. Gaps are bridged, long series are averaged onto a bounded grid, and level and
//! scale are taken away, so nothing later can depend on them.

use weft_core::series::Series;

/// The most points of a profile: a day of 5-minute steps nearly keeps its resolution, and a correlation of two fits into a
/// transform of 512.
pub(super) const MOST_POINTS: usize = 256;

/// The fewest points of a shape; shorter series are interpolated.
pub(super) const FEWEST_POINTS: usize = 8;

/// A deviation below this share of the largest value is rounding of f32, no shape.
const FLATNESS: f64 = 1e-6;

/// The shape of a series: mean 0 and deviation 1 on a grid of at most 256 points, or nothing where the series is flat.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    values: Vec<f32>,
    /// Steps of what it was made of.
    steps: usize,
}

impl Profile {
    /// The profile of values on a grid; those that are not finite are gaps.
    pub fn new(values: &[f32]) -> Self {
        let known = values.iter().filter(|value| value.is_finite());
        let largest = known.clone().fold(0.0_f64, |most, value| most.max(f64::from(value.abs())));
        if known.count() < 2 {
            return Self { values: Vec::new(), steps: values.len() };
        }
        let points = values.len().clamp(FEWEST_POINTS, MOST_POINTS);
        let averaged = resampled(&bridged(values), points);
        let shape = normalised(&averaged, FLATNESS * largest).unwrap_or_default();
        Self { values: shape, steps: values.len() }
    }

    /// The mean day, or other season, of a series: one point for each phase of `steps`, counted from the epoch, so that
    /// series that begin at different hours can be compared.
    pub fn of_season(series: &Series, steps: usize) -> Self {
        let steps = steps.max(1);
        let (mut sums, mut counts) = (vec![0.0_f64; steps], vec![0_u32; steps]);
        let since_epoch = series.start() - weft_core::time::Timestamp::default();
        let first = since_epoch.whole_steps(series.step()) % steps;
        for (index, value) in series.iter().enumerate() {
            let Some(value) = value else { continue };
            let phase = (first + index) % steps;
            sums[phase] += f64::from(value);
            counts[phase] += 1;
        }
        let mean = |(sum, count): (&f64, &u32)| (*sum / f64::from(*count)) as f32;
        Self::new(&sums.iter().zip(&counts).map(mean).collect::<Vec<_>>())
    }

    /// Whether it has no shape: constant, or fewer than two samples.
    pub fn is_flat(&self) -> bool {
        self.values.is_empty()
    }

    /// Steps of the series, gaps included.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }

    /// Points of its grid.
    pub(super) fn points(&self) -> usize {
        self.values.len()
    }

    /// Its values on a grid of `points`, with mean 0 and deviation 1.
    pub(super) fn on(&self, points: usize) -> Vec<f32> {
        let values: Vec<f64> = self.values.iter().map(|value| f64::from(*value)).collect();
        normalised(&resampled(&values, points), 1e-9).unwrap_or_else(|| vec![0.0; points])
    }
}

impl From<&Series> for Profile {
    fn from(series: &Series) -> Self {
        let values: Vec<f32> = series.iter().map(|value| value.unwrap_or(f32::NAN)).collect();
        Self::new(&values)
    }
}

/// Mean 0 and deviation 1; `None` where the deviation is not above `least`.
pub(super) fn normalised(values: &[f64], least: f64) -> Option<Vec<f32>> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    (deviation > least)
        .then(|| values.iter().map(|value| ((value - mean) / deviation) as f32).collect())
}

/// Gaps become straight lines between what is known around them; at the ends, the nearest known value.
fn bridged(values: &[f32]) -> Vec<f64> {
    let mut filled: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    let known: Vec<usize> = (0..values.len()).filter(|at| values[*at].is_finite()).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return filled };
    let (left, right) = (filled[*first], filled[*last]);
    filled[..*first].fill(left);
    filled[last + 1..].fill(right);
    for pair in known.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let slope = (filled[to] - filled[from]) / (to - from) as f64;
        for at in from + 1..to {
            filled[at] = filled[from] + slope * (at - from) as f64;
        }
    }
    filled
}

/// Means over equal parts where `points` are fewer, straight lines between values where they are more.
fn resampled(values: &[f64], points: usize) -> Vec<f64> {
    let n = values.len();
    if n > points {
        let mut sums = Vec::with_capacity(n + 1);
        sums.push(0.0);
        for value in values {
            sums.push(sums[sums.len() - 1] + value);
        }
        let upto = |edge: usize| between(&sums, edge as f64 * n as f64 / points as f64);
        let share = points as f64 / n as f64;
        return (0..points).map(|part| (upto(part + 1) - upto(part)) * share).collect();
    }
    if n == points {
        return values.to_vec();
    }
    let stretch = (n - 1) as f64 / (points - 1) as f64;
    (0..points).map(|point| between(values, point as f64 * stretch)).collect()
}

fn between(values: &[f64], at: f64) -> f64 {
    let left = (at as usize).min(values.len() - 1);
    let right = (left + 1).min(values.len() - 1);
    values[left] + (values[right] - values[left]) * (at - left as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_scale_and_gaps_do_not_matter() {
        let values: Vec<f32> = (0..64).map(|t| ((t % 16) as f32 - 4.0).max(0.0)).collect();
        let other: Vec<f32> = values.iter().map(|value| 512.0 * value + 4_096.0).collect();
        let (one, two) = (Profile::new(&values), Profile::new(&other));
        for (a, b) in one.values.iter().zip(&two.values) {
            assert!((a - b).abs() < 1e-5, "{a}, {b}");
        }
        let mut gappy = values;
        gappy[9] = f32::NAN;
        let gappy = Profile::new(&gappy);
        assert_eq!(gappy.values, one.values, "a gap on a straight line");
    }

    #[test]
    fn flat_series_have_no_shape() {
        for values in [&[][..], &[3.0], &[3.0; 50], &[f32::NAN, 1.0, f32::NAN], &[1e6; 300]] {
            assert!(Profile::new(values).is_flat(), "{values:?}");
        }
        assert!(!Profile::new(&[1.0, 2.0]).is_flat());
    }

    #[test]
    fn long_series_are_averaged_and_short_ones_stretched() {
        assert_eq!(resampled(&[1.0, 3.0, 5.0, 7.0], 2), [2.0, 6.0]);
        assert_eq!(resampled(&[1.0, 2.0, 3.0], 2), [4.0 / 3.0, 8.0 / 3.0]);
        assert_eq!(resampled(&[0.0, 2.0], 3), [0.0, 1.0, 2.0]);
    }
}
