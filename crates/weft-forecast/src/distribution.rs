//! Distributions of standardised errors that are learned one error at a time and forgotten
//! exponentially: a histogram with a product-limit quantile, and quantiles of small samples. What is
//! stored here is only ever how forecasts fell, never the samples themselves.

/// Bins cover −8 to 16 deviations: overloads are to the right. What lies outside counts in the
/// outermost bin.
const LOWEST: f32 = -8.0;
const WIDTH: f32 = 0.05;
const BINS: usize = 480;
/// Weights are rescaled once in a while, not at each forgetting.
const LARGEST_UNIT: f64 = 1e9;

/// Weights of errors by size, of which some are only lower bounds (censored).
///
/// Quantiles are the product-limit estimate (Kaplan & Meier 1958, equation 2b): with no censored
/// error the empirical quantile, linear within a bin.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    exact: Vec<f64>,
    censored: Vec<f64>,
    /// What one new error weighs; grows instead of the old ones shrinking.
    unit: f64,
    total: f64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { exact: vec![0.0; BINS], censored: vec![0.0; BINS], unit: 1.0, total: 0.0 }
    }

    /// Lets all errors so far weigh `keep` (0 to 1) of what they weighed.
    pub(crate) fn forget(&mut self, keep: f64) {
        self.unit /= keep;
        if self.unit > LARGEST_UNIT {
            let shrink = 1.0 / self.unit;
            self.exact.iter_mut().chain(&mut self.censored).for_each(|weight| *weight *= shrink);
            self.total *= shrink;
            self.unit = 1.0;
        }
    }

    pub(crate) fn record(&mut self, error: f32, is_censored: bool) {
        if error.is_nan() {
            return;
        }
        let bin = (((error - LOWEST) / WIDTH) as usize).min(BINS - 1);
        let bins = if is_censored { &mut self.censored } else { &mut self.exact };
        bins[bin] += self.unit;
        self.total += self.unit;
    }

    /// How many errors the weights are worth, each new one being one.
    pub(crate) fn count(&self) -> f64 {
        self.total / self.unit
    }

    /// The quantiles at ascending `levels`; those that the errors do not reach are the largest.
    pub(crate) fn quantiles(&self, levels: &[f64]) -> Vec<f32> {
        let mut wanted = levels.iter().peekable();
        let mut quantiles = Vec::with_capacity(levels.len());
        let (mut at_risk, mut surviving) = (self.total, 1.0);
        for bin in 0..BINS {
            let (exact, censored) = (self.exact[bin], self.censored[bin]);
            if exact > 0.0 && at_risk > 0.0 {
                let after = surviving * (1.0 - exact / at_risk).max(0.0);
                while let Some(level) = wanted.next_if(|level| 1.0 - **level >= after) {
                    let part = ((surviving - (1.0 - level)) / (surviving - after)).clamp(0.0, 1.0);
                    quantiles.push(LOWEST + WIDTH * (bin as f32 + part as f32));
                }
                surviving = after;
            }
            at_risk -= exact + censored;
        }
        let largest = self.largest();
        quantiles.resize(levels.len(), largest);
        quantiles
    }

    fn largest(&self) -> f32 {
        let seen = |bin: &usize| self.exact[*bin] + self.censored[*bin] > 0.0;
        let bin = (0..BINS).rev().find(seen);
        bin.map_or(0.0, |bin| LOWEST + WIDTH * (bin + 1) as f32)
    }
}

/// The conformal quantile of an ascending sample: rank level·(n+1) (Vovk, Gammerman & Shafer 2005,
/// section 2.2), linear between ranks, the outermost value where the rank lies outside.
pub(crate) fn conformal_quantile(ascending: &[f32], level: f64) -> f32 {
    let last = ascending.len() - 1;
    let rank = (level * (ascending.len() + 1) as f64 - 1.0).clamp(0.0, last as f64);
    let below = rank.floor() as usize;
    let (low, high) = (ascending[below], ascending[(below + 1).min(last)]);
    low + (high - low) * (rank - below as f64) as f32
}

/// The standard normal quantile (Acklam's rational approximation, 2003; relative error below
/// 1.2e-9), the shape of last resort where no error has been seen.
pub(crate) fn normal_quantile(level: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.383_577_518_672_69e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |share: f64| {
        let q = (-2.0 * share.ln()).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    if level < 0.02425 {
        return tail(level);
    }
    if level > 1.0 - 0.02425 {
        return -tail(1.0 - level);
    }
    let q = level - 0.5;
    let r = q * q;
    polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_quantiles_follow_the_errors() {
        let mut histogram = Histogram::new();
        (0..1_000).for_each(|i| histogram.record(i as f32 / 100.0 - 2.0, false));
        let quantiles = histogram.quantiles(&[0.1, 0.5, 0.99]);
        for (quantile, expected) in quantiles.iter().zip([-1.0, 3.0, 7.9]) {
            assert!((quantile - expected).abs() < WIDTH, "{quantile} for {expected}");
        }
        assert_eq!(histogram.count(), 1_000.0);
        (0..100).for_each(|_| histogram.forget(0.5));
        assert!(histogram.count() < 1e-9);
        histogram.record(5.0, false);
        assert!((histogram.quantiles(&[0.5])[0] - 5.0).abs() < WIDTH);
    }

    #[test]
    fn a_censored_error_counts_as_at_least() {
        let (mut bounded, mut exact) = (Histogram::new(), Histogram::new());
        for i in 0..100 {
            let error = i as f32 / 20.0;
            exact.record(error, false);
            // Half of the larger errors were cut off at 3.
            bounded.record(error.min(3.0), error > 3.0);
        }
        let level = [0.55];
        assert_eq!(
            bounded.quantiles(&level),
            exact.quantiles(&level),
            "below the cut nothing changes"
        );
        bounded.record(4.0, false);
        assert!(bounded.quantiles(&[0.9])[0] > 3.5, "the mass beyond the cut lies beyond it");
    }

    #[test]
    fn small_samples_use_the_conformal_rank() {
        let sample = [1.0, 2.0, 3.0];
        let check = |level, expected| assert_eq!(conformal_quantile(&sample, level), expected);
        check(0.5, 2.0);
        check(0.25, 1.0);
        check(0.99, 3.0);
        check(0.01, 1.0);
        check(0.625, 2.5);
    }

    #[test]
    fn the_normal_quantile_matches_the_table() {
        // Abramowitz & Stegun 1964, table 26.5.
        for (level, expected) in [(0.5, 0.0), (0.975, 1.95996), (0.99, 2.32635), (0.001, -3.09023)]
        {
            assert!((normal_quantile(level) - expected).abs() < 1e-5, "{level}");
        }
    }
}
