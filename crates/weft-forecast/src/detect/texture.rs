//! How a series moves, whatever its level: how its values follow each other, how large its steps are, how long it
//! stands still.

/// Steps over which correlations are taken: three hours of five-minute steps.
const CORRELATION_STEPS: f64 = 36.0;
/// The lags of the correlations: the next step and half an hour. Two lags tell slow waves from fast ones.
const LONG_LAG: usize = 6;
/// Steps over which the usual correlation is learnt: two days, and how far a step can pull it.
const USUAL_CORRELATION_STEPS: f64 = 576.0;
const LARGEST_PULL: f64 = 0.5;
/// Steps over which changes are averaged, now and usually.
const CHANGE_STEPS: f64 = 12.0;
const USUAL_CHANGE_STEPS: f64 = 1_000.0;
/// Of a change as many times the usual one counts in the usual one.
const LARGEST_CHANGE: f64 = 4.0;

/// Correlation of neighbours, at both lags, against what is usual.
#[derive(Debug, Clone, Default)]
pub(super) struct Correlation {
    past: [f64; LONG_LAG],
    /// Mean products with itself, the value before and that of the long lag.
    products: [f64; 3],
    usual: [f64; 2],
    samples: usize,
}

impl Correlation {
    /// Takes the next winsorised deviation; how far Fisher's z of the correlations is from its usual value.
    pub(super) fn observe(&mut self, deviation: f64) -> [f64; 2] {
        let slot = self.samples % LONG_LAG;
        let (before, earlier) = (self.past[(slot + LONG_LAG - 1) % LONG_LAG], self.past[slot]);
        self.past[slot] = deviation;
        for (mean, product) in self.products.iter_mut().zip([deviation, before, earlier]) {
            *mean += (deviation * product - *mean) / CORRELATION_STEPS;
        }
        self.samples += 1;
        let rate = (1.0 / self.samples as f64).max(1.0 / USUAL_CORRELATION_STEPS);
        let [own, next, long] = self.products;
        let mut distances = [0.0; 2];
        for (index, product) in [next, long].into_iter().enumerate() {
            let z = (product / (own + f64::MIN_POSITIVE)).clamp(-0.99, 0.99).atanh();
            let error = z - self.usual[index];
            distances[index] = error.abs();
            self.usual[index] += rate * error.clamp(-LARGEST_PULL, LARGEST_PULL);
        }
        distances
    }
}

/// Sizes of the steps from value to value, and the run of equal values.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    last: Option<f64>,
    now: f64,
    usual: f64,
    samples: usize,
    run_steps: usize,
}

impl Changes {
    /// Takes the next value; how much larger than usual its changes are of late. Changes below `floor` are alike.
    pub(super) fn observe(&mut self, value: f64, floor: f64) -> f64 {
        let change = self.last.map_or(0.0, |last| (value - last).abs());
        self.run_steps = if self.last == Some(value) { self.run_steps + 1 } else { 0 };
        self.last = Some(value);
        self.now += (change - self.now) / CHANGE_STEPS;
        let ratio = (self.now + floor) / (self.usual + floor);
        let young = (self.samples as f64) < 2.0 * CHANGE_STEPS;
        let most = if young { change } else { LARGEST_CHANGE * self.usual + floor };
        self.samples += 1;
        let rate = (1.0 / self.samples as f64).max(1.0 / USUAL_CHANGE_STEPS);
        self.usual += rate * (change.min(most) - self.usual);
        ratio
    }

    /// Steps since the value last changed.
    pub(super) const fn run_steps(&self) -> usize {
        self.run_steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::injected::Source;

    #[test]
    fn a_wave_in_white_noise_is_far_from_usual() {
        let mut source = Source::new(5);
        let mut correlation = Correlation::default();
        let noise = (0..2_000).map(|_| correlation.observe(source.normal()));
        let usual = noise.skip(500).fold(0.0_f64, |most, [next, _]| most.max(next));
        let wave = (0..60).map(|step| (f64::from(step) / 12.0 * std::f64::consts::TAU).sin());
        let wave = wave.map(|value| correlation.observe(value)).last().expect("a wave");
        assert!(wave.iter().all(|distance| *distance > 2.0 * usual), "{usual}, {wave:?}");
    }

    #[test]
    fn larger_changes_and_runs_are_seen() {
        let mut changes = Changes::default();
        let calm = (0..500).map(|step| changes.observe(f64::from(step % 2), 0.01)).last();
        assert!((calm.expect("a ratio") - 1.0).abs() < 0.1);
        let rough = (0..24).map(|step| changes.observe(5.0 * f64::from(step % 2), 0.01)).last();
        assert!(rough.expect("a ratio") > 3.0);
        for _ in 0..9 {
            changes.observe(2.0, 0.01);
        }
        assert_eq!(changes.run_steps(), 8);
    }
}
