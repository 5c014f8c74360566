//! The conditional sum of squares (Box & Jenkins 1970, section 7.1.2): innovations by the recursion itself, with
//! nothing before the first step. Cheap, and close to the exact likelihood where the series is long. A gap is filled
//! with what was expected and counts for nothing, so differences need no two values that are neighbours.

use crate::arima::filter::Process;
use crate::arima::polynomial::product;

/// Terms of a polynomial that are not zero: lag and coefficient.
fn terms(coefficients: &[f64]) -> Vec<(usize, f64)> {
    let all = coefficients.iter().enumerate().map(|(index, value)| (index + 1, *value));
    all.filter(|(_, value)| *value != 0.0).collect()
}

/// Writes the innovations of `levels` (NaN where unknown, zero on average or at the beginning) under `process`; zero
/// where unknown and in the first `skipped` steps.
pub(super) fn innovations(process: &Process, levels: &[f64], skipped: usize, out: &mut Vec<f64>) {
    let whole = product(&process.ar, &process.differencing, 1);
    let (ar, ma) = (terms(&whole), terms(&process.ma));
    let before = whole.len().max(process.ma.len());
    let mut values = vec![0.0; before + levels.len()];
    out.clear();
    out.resize(before + levels.len(), 0.0);
    for (index, value) in levels.iter().enumerate() {
        let at = before + index;
        let from_values: f64 = ar.iter().map(|(lag, c)| c * values[at - lag]).sum();
        let from_errors: f64 = ma.iter().rev().map(|(lag, c)| c * out[at - lag]).sum();
        let expected = from_values + from_errors;
        let is_known = !value.is_nan();
        values[at] = if is_known { *value } else { expected };
        out[at] = if is_known { *value - expected } else { 0.0 };
    }
    out.drain(..before);
    out.iter_mut().take(skipped).for_each(|error| *error = 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn innovations_are_those_of_the_recursion() {
        let process = Process { ar: vec![0.5], ma: vec![0.0, 0.4], differencing: Vec::new() };
        let mut found = Vec::new();
        innovations(&process, &[2.0, 3.0, f64::NAN, 1.0], 0, &mut found);
        // 2; 3 − 1; expected 1.5 + 0.4·2 = 2.3; 1 − (1.15 + 0.4·2).
        assert_eq!(found[..3], [2.0, 2.0, 0.0]);
        assert!((found[3] - (1.0 - 1.95)).abs() < 1e-12);
    }
}
