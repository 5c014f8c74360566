//! What is known of a series, laid out so that the mean of any window costs two look-ups: prefix sums of values and of
//! their changes over a few lags. Gaps count nowhere. It must never hold a value from after the origin it is asked for:
//! every question carries the end of what may be looked at.

use weft_core::series::Series;

/// Sums up to each index, gaps left out.
#[derive(Debug, Clone)]
struct Sums {
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl Sums {
    fn new(values: impl ExactSizeIterator<Item = f32>) -> Self {
        let (mut sums, mut counts) =
            (Vec::with_capacity(values.len() + 1), Vec::with_capacity(values.len() + 1));
        let (mut sum, mut count) = (0.0, 0);
        sums.push(sum);
        counts.push(count);
        for value in values {
            if !value.is_nan() {
                sum += f64::from(value);
                count += 1;
            }
            sums.push(sum);
            counts.push(count);
        }
        Self { sums, counts }
    }

    /// Sum and number of values in `from..to`, cut to what there is.
    fn over(&self, from: isize, to: isize) -> (f64, u32) {
        let last = self.sums.len() as isize - 1;
        let (from, to) = (from.clamp(0, last) as usize, to.clamp(0, last) as usize);
        if from >= to {
            return (0.0, 0);
        }
        (self.sums[to] - self.sums[from], self.counts[to] - self.counts[from])
    }

    fn mean(&self, from: isize, to: isize) -> f32 {
        let (sum, count) = self.over(from, to);
        if count == 0 { f32::NAN } else { (sum / f64::from(count)) as f32 }
    }
}

/// A series with its prefix sums.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// NaN is a gap.
    values: Vec<f32>,
    plain: Sums,
    squares: Sums,
    /// Absolute and squared changes over one step, a season and a week.
    absolute: [Sums; 3],
    squared: [Sums; 3],
}

impl Past {
    /// Looks at all of `series`, whose season and week have so many steps.
    pub(crate) fn new(series: &Series, season: usize, week: usize) -> Self {
        Self::of(series.iter().map(|value| value.unwrap_or(f32::NAN)).collect(), season, week)
    }

    /// As [`Self::new`], of values whose gaps are NaN.
    pub(crate) fn of(values: Vec<f32>, season: usize, week: usize) -> Self {
        let change = |lag: usize, map: fn(f32) -> f32| {
            let at = |index: usize| {
                if index < lag { f32::NAN } else { map(values[index] - values[index - lag]) }
            };
            Sums::new((0..values.len()).map(at))
        };
        let lags = [1, season, week];
        Self {
            plain: Sums::new(values.iter().copied()),
            squares: Sums::new(values.iter().map(|value| value * value)),
            absolute: lags.map(|lag| change(lag, f32::abs)),
            squared: lags.map(|lag| change(lag, |change| change * change)),
            values,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value at `index`; NaN for a gap and outside.
    pub(crate) fn at(&self, index: isize) -> f32 {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.values.get(index))
            .copied()
            .unwrap_or(f32::NAN)
    }

    /// The last value before `end`, at most `reach` steps back; NaN where there is none.
    pub(crate) fn last(&self, end: usize, reach: usize) -> f32 {
        let values = &self.values[end.saturating_sub(reach)..end];
        values.iter().rev().copied().find(|value| !value.is_nan()).unwrap_or(f32::NAN)
    }

    /// Mean over `from..to`; NaN where there are only gaps.
    pub(crate) fn mean(&self, from: isize, to: isize) -> f32 {
        self.plain.mean(from, to)
    }

    /// Variance over `from..to`.
    pub(crate) fn variance(&self, from: isize, to: isize) -> f32 {
        let (mean, square) =
            (f64::from(self.plain.mean(from, to)), f64::from(self.squares.mean(from, to)));
        (square - mean * mean).max(0.0) as f32
    }

    /// Mean absolute change over lag number `lag` (0: a step, 1: a season, 2: a week) in `from..to`.
    pub(crate) fn change(&self, lag: usize, from: isize, to: isize) -> f32 {
        self.absolute[lag].mean(from, to)
    }

    /// Mean squared change over a lag, as [`Self::change`].
    pub(crate) fn squared_change(&self, lag: usize, from: isize, to: isize) -> f32 {
        self.squared[lag].mean(from, to)
    }

    /// The values of `from..to` that are no gaps.
    pub(crate) fn window(&self, from: usize, to: usize) -> impl Iterator<Item = f32> + '_ {
        self.values[from.min(to)..to].iter().copied().filter(|value| !value.is_nan())
    }
}
