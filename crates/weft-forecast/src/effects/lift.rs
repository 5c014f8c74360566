//! A lift of one step: taken off a sample, put onto quantiles. Quantiles must stay in order and at least zero.

use super::course::Form;
use crate::distribution::normal_quantile;

/// What the events of one step do together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// Mean and variance of the logarithm of what usual demand is multiplied by.
    log: (f64, f64),
    /// Mean and variance of what is added, in units of `scale`.
    share: (f64, f64),
    scale: f64,
}

impl Lift {
    pub(super) const fn none(scale: f64) -> Self {
        Self { log: (0.0, 0.0), share: (0.0, 0.0), scale }
    }

    pub(super) fn add(&mut self, form: Form, mean: f64, variance: f64) {
        let effect = match form {
            Form::Factor => &mut self.log,
            Form::Addition => &mut self.share,
        };
        *effect = (effect.0 + mean, effect.1 + variance);
    }

    /// Whether it moves anything.
    pub(crate) fn is_any(&self) -> bool {
        *self != Self::none(self.scale)
    }

    /// Deviation of the effect itself around `usual` demand, in its unit.
    pub(crate) fn deviation(&self, usual: f64) -> f64 {
        self.factor_offset(usual, 1.0).hypot(self.addition_offset(1.0))
    }

    /// What usual demand is multiplied by.
    pub fn factor(&self) -> f64 {
        self.log.0.exp()
    }

    /// What is then added, in the unit of the series.
    pub fn addition(&self) -> f64 {
        self.scale * self.share.0
    }

    /// A sample as it would have been without the events.
    pub fn taken_off(&self, value: f32) -> f32 {
        if self.log.0 == 0.0 && self.share.0 == 0.0 {
            return value;
        }
        ((f64::from(value) - self.addition()).max(0.0) / self.factor()) as f32
    }

    /// Usual demand as it will be with the events.
    pub fn put_onto(&self, value: f64) -> f64 {
        self.moved(value).max(0.0)
    }

    /// The level's quantile of lifted demand around `usual`, with the uncertainty of the effect alone.
    pub fn quantile(&self, usual: f64, level: f64) -> f64 {
        let score = normal_quantile(level);
        let offset = self.factor_offset(usual, score).hypot(self.addition_offset(score));
        (self.moved(usual) + offset.copysign(score)).max(0.0)
    }

    /// Lifts the quantiles of a step at ascending `levels`, the median at `median`: distances from the median grow with
    /// the lift, and the effect's own uncertainty joins them as independent errors do, by squares.
    pub fn lift_quantiles(&self, quantiles: &mut [f32], levels: &[f64], median: usize) {
        if *self == Self::none(self.scale) {
            return;
        }
        let usual = f64::from(quantiles[median]);
        let middle = self.moved(usual);
        for (quantile, level) in quantiles.iter_mut().zip(levels) {
            let score = normal_quantile(*level);
            let spread = (f64::from(*quantile) - usual) * self.factor();
            let effect = self.factor_offset(usual, score).hypot(self.addition_offset(score));
            *quantile = (middle + spread.hypot(effect).copysign(level - 0.5)).max(0.0) as f32;
        }
        quantiles[median] = middle.max(0.0) as f32;
    }

    fn moved(&self, value: f64) -> f64 {
        value * self.factor() + self.addition()
    }

    fn factor_offset(&self, usual: f64, score: f64) -> f64 {
        usual * self.factor() * ((score * self.log.1.sqrt()).exp() - 1.0)
    }

    fn addition_offset(&self, score: f64) -> f64 {
        self.scale * score * self.share.1.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [f64; 5] = [0.01, 0.1, 0.5, 0.9, 0.99];

    fn lifted(parts: &[(Form, f64, f64)]) -> Vec<f32> {
        let mut lift = Lift::none(10.0);
        parts.iter().for_each(|(form, mean, variance)| lift.add(*form, *mean, *variance));
        let mut quantiles = [0.0, 8.0, 10.0, 13.0, 20.0];
        lift.lift_quantiles(&mut quantiles, &LEVELS, 2);
        quantiles.to_vec()
    }

    #[test]
    fn quantiles_are_lifted_widened_and_in_order() {
        let check = |parts: &[(Form, f64, f64)], expected: [f32; 5]| {
            let found = lifted(parts);
            let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.05);
            assert!(near, "{parts:?}: {found:?}");
        };
        check(&[], [0.0, 8.0, 10.0, 13.0, 20.0]);
        check(&[(Form::Factor, 2.0_f64.ln(), 0.0)], [0.0, 16.0, 20.0, 26.0, 40.0]);
        check(&[(Form::Addition, 0.5, 0.0)], [5.0, 13.0, 15.0, 18.0, 25.0]);
        check(&[(Form::Addition, -0.9, 0.0)], [0.0, 0.0, 1.0, 4.0, 11.0]);
        // 1.2816 deviations of 0.1 at the level 0.9: √(3² + (10·0.1367)²).
        check(&[(Form::Factor, 0.0, 0.01)], [0.0, 7.67, 10.0, 13.3, 20.34]);
        for parts in [[(Form::Factor, -3.0, 2.0)], [(Form::Addition, -0.9, 4.0)]] {
            let found = lifted(&parts);
            assert!(found.windows(2).all(|pair| pair[0] <= pair[1] && pair[0] >= 0.0), "{found:?}");
        }
    }

    #[test]
    fn what_is_put_on_can_be_taken_off() {
        let mut lift = Lift::none(10.0);
        lift.add(Form::Factor, 0.4, 0.1);
        lift.add(Form::Addition, 0.3, 0.1);
        assert!((f64::from(lift.taken_off(lift.put_onto(7.0) as f32)) - 7.0).abs() < 1e-5);
        assert!(lift.quantile(7.0, 0.1) < lift.quantile(7.0, 0.5));
    }
}
