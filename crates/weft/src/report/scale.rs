//! Axes: where a value lies between two ends, and which round values get a tick. Zero has no place
//! on a logarithmic axis, so [`Vertical`] gives it a lane of its own below the axis; it must never
//! be drawn as if it were a small number.

use super::markup::plain;

/// Beyond this ratio of its ends a linear axis would press most points into one corner.
const LOGARITHMIC_FROM: f64 = 4.0;
/// The same for an axis that has to begin at zero.
const LOGARITHMIC_FROM_ZERO: f64 = 20.0;
/// Decades below the greatest value that a logarithmic axis shows; smaller ones count as next to
/// nothing.
const DECADES: f64 = 5.0;
/// Mantissas of ticks on a logarithmic axis, from sparse to dense.
const MANTISSAS: [&[f64]; 5] =
    [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], &DENSE];
const DENSE: [f64; 17] =
    [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0];

/// An axis from `low` to `high`, `low < high`; both positive where it is logarithmic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    pub(super) is_logarithmic: bool,
}

impl Scale {
    /// An axis around `values`, logarithmic where they differ much, with room at both ends.
    pub(super) fn around(values: &[f64]) -> Self {
        let (low, high) = ends(values);
        if low > 0.0 && high / low > LOGARITHMIC_FROM {
            return Self::logarithmic(low, high);
        }
        let room = if high > low { (high - low) * 0.08 } else { (high.abs() * 0.1).max(1.0) };
        let low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        Self { low, high: high + room, is_logarithmic: false }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let room = (high / low).powf(0.06).max(1.05);
        Self { low: low / room, high: high * room, is_logarithmic: true }
    }

    /// An axis from zero to a round number at or above every one of `values`.
    pub(super) fn from_zero(values: &[f64], ticks: usize) -> Self {
        let (_, high) = ends(values);
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high, ticks);
        let high = (high / step - 1e-9).ceil() * step;
        Self { low: 0.0, high, is_logarithmic: false }
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end.
    pub(super) fn position(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// The high end.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// Round values inside, about `count` of them, with their labels.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let values = if self.is_logarithmic {
            self.logarithmic_ticks(count)
        } else {
            self.linear_ticks(count)
        };
        values.into_iter().map(|value| (value, plain(value))).collect()
    }

    fn linear_ticks(&self, count: usize) -> Vec<f64> {
        let step = round_step(self.high - self.low, count);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    /// The densest set of mantissas that is not too dense.
    fn logarithmic_ticks(&self, count: usize) -> Vec<f64> {
        let of = |mantissas: &[f64]| -> Vec<f64> {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let values = decades.flat_map(|d| mantissas.iter().map(move |m| m * 10_f64.powi(d)));
            values.filter(|value| (self.low..=self.high).contains(value)).collect()
        };
        let sets = MANTISSAS.iter().rev().map(|mantissas| of(mantissas));
        sets.into_iter().find(|ticks| ticks.len() <= count).unwrap_or_else(|| of(MANTISSAS[0]))
    }
}

/// How much larger than the next a value is that stands apart.
pub(super) const APART: f64 = 1.8;
/// At most one value in so many may stand apart: more of them are no exception.
const ONE_IN: usize = 4;

/// The greatest of `values` that still belongs to the many, where a few stand so far apart that
/// they would press the rest together on a common axis.
pub(super) fn crowd(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let first = sorted.len() - sorted.len() / ONE_IN;
    let is_gap = |pair: &&[f64]| pair[0] > 0.0 && pair[1] >= APART * pair[0];
    sorted[first.saturating_sub(1)..].windows(2).find(is_gap).map(|pair| pair[0])
}

/// The least and the greatest of `values`, or zeros where there are none.
fn ends(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let high = values.iter().copied().reduce(f64::max).unwrap_or(0.0);
    (low, high)
}

/// A step of 1, 2, 2.5 or 5 times a power of ten that cuts `length` into at most `count` parts.
fn round_step(length: f64, count: usize) -> f64 {
    let least = length / count.max(1) as f64;
    let power = 10_f64.powf(least.log10().floor());
    let mantissas = [1.0, 2.0, 2.5, 5.0, 10.0];
    let fitting = mantissas.iter().find(|mantissa| *mantissa * power >= least * (1.0 - 1e-9));
    fitting.unwrap_or(&10.0) * power
}

/// An upright axis for amounts that may be zero: linear from zero, or logarithmic with a lane for
/// zero below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vertical {
    pub(super) scale: Scale,
    /// What the lane below a logarithmic axis holds, where there is one: amounts below this.
    pub(super) lane: Option<Lane>,
}

/// The lane below a logarithmic axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lane {
    /// Zero and nothing else.
    Zero,
    /// Everything below this.
    Below(f64),
}

impl Vertical {
    /// An axis for `values`, none of them negative.
    pub(super) fn of(values: &[f64], ticks: usize) -> Self {
        let (_, high) = ends(values);
        let floor = high / 10_f64.powf(DECADES);
        let shown: Vec<f64> = values.iter().copied().filter(|value| *value > floor).collect();
        let (low, _) = ends(&shown);
        if high <= 0.0 || high / low <= LOGARITHMIC_FROM_ZERO {
            return Self { scale: Scale::from_zero(values, ticks), lane: None };
        }
        let scale = Scale::logarithmic(low, high);
        let has_zero = values.contains(&0.0);
        let has_less = values.iter().any(|value| *value > 0.0 && *value <= floor);
        let lane = match (has_zero, has_less) {
            (_, true) => Some(Lane::Below(scale.low)),
            (true, false) => Some(Lane::Zero),
            (false, false) => None,
        };
        Self { scale, lane }
    }

    /// Where `value` lies on the scale, or none where it lies in the lane.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        match self.lane {
            Some(Lane::Zero) if value <= 0.0 => None,
            Some(Lane::Below(floor)) if value < floor => None,
            _ => Some(self.scale.position(value)),
        }
    }
}

impl Lane {
    /// What stands beside the lane.
    pub(super) fn label(self) -> String {
        match self {
            Self::Zero => "0".to_owned(),
            Self::Below(floor) => format!("<{}", super::markup::significant(floor)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let check = |scale: Scale, count: usize, expected: &[&str]| {
            let labels: Vec<String> = scale.ticks(count).into_iter().map(|tick| tick.1).collect();
            assert_eq!(labels, expected);
        };
        check(Scale::from_zero(&[38.2], 4), 4, &["0", "10", "20", "30", "40"]);
        check(Scale::from_zero(&[0.0], 2), 2, &["0", "0.5", "1"]);
        check(Scale::from_zero(&[], 2), 2, &["0", "0.5", "1"]);
        check(Scale::around(&[120.0, 780.0]), 6, &["150", "200", "300", "500", "700"]);
        check(Scale::around(&[150.0, 250.0]), 6, &["160", "180", "200", "220", "240"]);
    }

    #[test]
    fn a_few_may_stand_apart() {
        let check = |values: &[f64], expected: Option<f64>| {
            assert_eq!(crowd(values), expected, "{values:?}");
        };
        check(&[764.0, 160.0, 198.0, 176.0], Some(198.0));
        check(&[764.0, 160.0, 198.0], None);
        check(&[764.0, 700.0, 160.0, 198.0, 176.0], None);
        check(&[0.0, 0.0, 0.0, 5.0], None);
        check(&[1.0, 1.1, 1.2, 1.3], None);
        check(&[], None);
    }

    #[test]
    fn zero_gets_a_lane_only_where_it_needs_one() {
        let lane = |values: &[f64]| Vertical::of(values, 5).lane;
        assert_eq!(lane(&[0.0, 1.0, 100.0]), Some(Lane::Zero));
        assert_eq!(lane(&[0.0, 9.0, 10.0]), None);
        assert_eq!(lane(&[1.0, 100.0]), None);
        assert_eq!(lane(&[0.0, 0.0]), None);
        assert_eq!(lane(&[]), None);
        assert!(matches!(lane(&[0.0, 1e-9, 1.0, 100.0]), Some(Lane::Below(_))));
    }

    #[test]
    fn every_value_lies_on_the_axis_or_in_the_lane() {
        let cases: [&[f64]; 8] = [
            &[0.0],
            &[5.0],
            &[3.0, 3.0, 3.0],
            &[0.0, 1e-12, 1e12],
            &[1e-12, 1e12],
            &[0.1, 0.2, 7.9, 0.0],
            &[764.3, 159.4, 198.0],
            &[1e9, 1e9 + 1.0],
        ];
        for values in cases {
            let (vertical, horizontal) = (Vertical::of(values, 5), Scale::around(values));
            for value in values {
                let up = vertical.position(*value).unwrap_or(0.0);
                for position in [up, horizontal.position(*value)] {
                    assert!((0.0..=1.0).contains(&position), "{value} of {values:?}: {position}");
                }
            }
        }
    }
}
