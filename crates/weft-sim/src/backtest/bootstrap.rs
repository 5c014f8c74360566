//! How sure a saving is: a block bootstrap (Künsch 1989) over days, or over hosts where there are too
//! few days. Whole blocks are drawn because what happens within one hangs together.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Samples drawn; the 2.5 % and 97.5 % points are then the 50th from each end.
const DRAWS: usize = 2_000;

/// The mean-preserving 95 % interval of Σ `differences` when blocks are drawn with replacement.
/// One block tells nothing about its own variation: the interval is then infinite.
pub(super) fn interval(differences: &[f64], seed: u64) -> (f64, f64) {
    if differences.len() < 2 {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || differences[random.random_range(0..differences.len())];
    let mut sums: Vec<f64> =
        (0..DRAWS).map(|_| (0..differences.len()).map(|_| draw()).sum()).collect();
    sums.sort_by(f64::total_cmp);
    let tail = DRAWS / 40;
    (sums[tail], sums[DRAWS - 1 - tail])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_differences_leave_no_doubt_and_mixed_ones_do() {
        let (low, high) = interval(&[2.0; 10], 1);
        assert!((low - 20.0).abs() < 1e-9 && (high - 20.0).abs() < 1e-9);
        let (low, high) = interval(&[5.0, -5.0, 4.0, -4.0, 3.0, -3.0], 1);
        assert!(low < 0.0 && high > 0.0, "{low} to {high}");
        assert_eq!(interval(&[1.0], 1), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn the_interval_is_about_that_of_the_normal_distribution() {
        let differences: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 1.0 } else { 0.0 }).collect();
        let (low, high) = interval(&differences, 7);
        let expected = 1.96 * (400.0_f64 * 0.25).sqrt();
        assert!((200.0 - low - expected).abs() < 3.0, "{low}");
        assert!((high - 200.0 - expected).abs() < 3.0, "{high}");
    }
}
