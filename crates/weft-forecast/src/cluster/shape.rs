//! A profile in three views, and the distance of two profiles in each:
//!
//! - **Differences, warped a little**: move–split–merge (Stefan, Athitsos & Das 2013, equation 5) of the differences, in
//!   a band (Sakoe & Chiba 1978): the order of ups and downs, tolerant to small delays.
//! - **Differences at the best lag**: 1 − the largest normalised cross-correlation over all lags (Paparrizos & Gravano
//!   2015, equation 9), so a phase does not matter.
//! - **Patterns**: the Euclidean distance of how often patterns occur ([`super::patterns`]): neither place nor order
//!   matters, so bursts at any time are alike.
//!
//! On the development sets the three together had a mean index of .60, the best of them alone .55; they were chosen there,
//! among a dozen views and as many unions, so those figures flatter them.

use super::fourier::{Complex, Fourier};
use super::patterns::Patterns;
use super::profile::{FEWEST_POINTS, MOST_POINTS, Profile, normalised};

/// Number of views.
pub(super) const VIEWS: usize = 3;

/// Points of the warped view, whose cost grows with their square.
const WARPED_POINTS: usize = 96;

/// The band is this share of the points on either side: a tenth, as is usual for elastic distances.
const BAND_SHARE: usize = 10;

/// Price of a split or merge, in deviations of the differences. No other price was tried on differences.
const SPLIT_PRICE: f32 = 0.5;

/// Spans that differ by less than this share are the same: half of what the band of the warped view forgives. Not measured.
const SPAN_SHARE: f64 = 0.05;

/// What the views of one sample need.
#[derive(Debug, Clone)]
pub(super) struct Views {
    points: usize,
    /// Median steps of the profiles that they were fitted to.
    steps: usize,
    fourier: Fourier,
    patterns: Patterns,
}

/// A profile as the views see it.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    warped: Vec<f32>,
    transform: Vec<Complex>,
    patterns: Vec<f32>,
}

impl Views {
    /// Views on the grid of the median length, fitted to `sample`; the shapes of the sample too.
    pub(super) fn fitted(sample: &[&Profile]) -> (Self, Vec<Shape>) {
        let points =
            median(sample.iter().map(|each| each.points())).clamp(FEWEST_POINTS, MOST_POINTS);
        let grids: Vec<Vec<f32>> = sample.iter().map(|each| each.on(points)).collect();
        let (patterns, shares) = Patterns::fitted(&grids);
        let steps = median(sample.iter().map(|each| each.steps()));
        let views = Self { points, steps, fourier: Fourier::new(2 * points), patterns };
        let seen = sample.iter().zip(&grids).zip(shares);
        let shapes = seen.map(|((each, grid), shares)| views.joined(each, grid, shares)).collect();
        (views, shapes)
    }

    /// Whether profiles span as many steps as those that the views were fitted to: on the same grid a day would be shorter
    /// if there were more days.
    pub(super) fn have_the_span_of(&self, profiles: &[Profile]) -> bool {
        let steps = median(profiles.iter().filter(|each| !each.is_flat()).map(Profile::steps));
        steps == 0 || (self.steps.abs_diff(steps) as f64) < SPAN_SHARE * self.steps as f64
    }

    /// The shape of a profile that is not flat.
    pub(super) fn of(&self, profile: &Profile) -> Shape {
        let grid = profile.on(self.points);
        let patterns = self.patterns.of(&grid);
        self.joined(profile, &grid, patterns)
    }

    fn joined(&self, profile: &Profile, grid: &[f32], patterns: Vec<f32>) -> Shape {
        let differences = differences(grid);
        let norm = (differences.len() as f32).sqrt();
        let unit: Vec<f32> = differences.iter().map(|value| value / norm).collect();
        let warped = differences_of(profile, self.points.min(WARPED_POINTS));
        Shape { warped, transform: self.fourier.of(&unit), patterns }
    }

    /// The distance in one view: 0 patterns, 1 the best lag, 2 warped, from the cheapest to the dearest.
    pub(super) fn distance(&self, view: usize, one: &Shape, other: &Shape) -> f32 {
        match view {
            0 => euclidean(&one.patterns, &other.patterns),
            1 => self.lagged(one, other),
            _ => move_split_merge(&one.warped, &other.warped),
        }
    }

    fn lagged(&self, one: &Shape, other: &Shape) -> f32 {
        (1.0 - self.fourier.largest_correlation(&one.transform, &other.transform)).max(0.0)
    }
}

/// The upper median; 0 of nothing.
fn median(values: impl Iterator<Item = usize>) -> usize {
    let mut values: Vec<usize> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn differences_of(profile: &Profile, points: usize) -> Vec<f32> {
    differences(&profile.on(points))
}

fn differences(grid: &[f32]) -> Vec<f32> {
    let raw: Vec<f64> = grid.windows(2).map(|pair| f64::from(pair[1] - pair[0])).collect();
    normalised(&raw, 1e-9).unwrap_or_else(|| vec![0.0; raw.len()])
}

fn euclidean(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums side by side, in a fixed order, so that the compiler may use wide registers.
    let mut sums = [0.0_f32; 8];
    for (a, b) in one.chunks(8).zip(other.chunks(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum::<f32>().sqrt()
}

/// The price of splitting or merging `new` off `before`, with `across` on the other series.
fn split(new: f32, before: f32, across: f32) -> f32 {
    let (low, high) = if before < across { (before, across) } else { (across, before) };
    let outside = (low - new).max(new - high).max(0.0);
    // Outside of both, the nearer one is the distance; between them it is 0.
    SPLIT_PRICE + outside
}

/// Move–split–merge of two series of one length, in the band.
fn move_split_merge(one: &[f32], other: &[f32]) -> f32 {
    let n = one.len();
    let band = (n / BAND_SHARE).max(1);
    let mut last = vec![f32::INFINITY; n];
    let mut row = vec![f32::INFINITY; n];
    for i in 0..n {
        let (from, to) = (i.saturating_sub(band), (i + band + 1).min(n));
        if from > 0 {
            row[from - 1] = f32::INFINITY;
        }
        for j in from..to {
            let apart = (one[i] - other[j]).abs();
            if i == 0 && j == 0 {
                row[0] = apart;
                continue;
            }
            let mut least = f32::INFINITY;
            if i > 0 {
                least = last[j] + split(one[i], one[i - 1], other[j]);
            }
            if j > 0 {
                least = least.min(row[j - 1] + split(other[j], other[j - 1], one[i]));
            }
            if i > 0 && j > 0 {
                least = least.min(last[j - 1] + apart);
            }
            row[j] = least;
        }
        row[to..].fill(f32::INFINITY);
        std::mem::swap(&mut last, &mut row);
    }
    last[n - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_cost_what_the_definition_says() {
        for (new, before, across, outside) in
            [(2.0, 1.0, 3.0, 0.0), (2.0, 3.0, 1.0, 0.0), (4.0, 1.0, 3.0, 1.0), (0.0, 1.0, 3.0, 1.0)]
        {
            assert_eq!(split(new, before, across), SPLIT_PRICE + outside);
        }
    }

    #[test]
    fn one_move_one_delay() {
        let series = [0.0, 0.0, 3.0, 0.0, 0.0, 0.0];
        let mut moved = series;
        moved[2] = 4.0;
        assert_eq!(move_split_merge(&series, &moved), 1.0, "one value moved by one");
        let delayed = [0.0, 0.0, 0.0, 3.0, 0.0, 0.0];
        assert_eq!(move_split_merge(&series, &delayed), 2.0 * SPLIT_PRICE, "a split and a merge");
        assert_eq!(move_split_merge(&delayed, &series), 2.0 * SPLIT_PRICE, "symmetric");
        assert_eq!(move_split_merge(&series, &series), 0.0);
    }

    #[test]
    fn a_lag_does_not_matter_where_lags_are_free() {
        let pulse = |at: usize| -> Vec<f32> {
            (0..100).map(|t| if t >= at && t < at + 9 { (t - at) as f32 } else { 0.0 }).collect()
        };
        let (early, late) = (Profile::new(&pulse(20)), Profile::new(&pulse(60)));
        let (views, shapes) = Views::fitted(&[&early, &late]);
        assert!(views.distance(1, &shapes[0], &shapes[1]) < 1e-4);
        assert!(views.distance(2, &shapes[0], &shapes[1]) > 1.0, "the band is narrower");
    }
}
