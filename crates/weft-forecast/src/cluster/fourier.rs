//! The discrete Fourier transform by halving (Cooley & Tukey 1965), for correlations at all lags at once. Lengths are
//! powers of two.

/// A complex number, real part first.
pub(super) type Complex = (f32, f32);

/// The transform of one length, with its roots of unity.
#[derive(Debug, Clone)]
pub(super) struct Fourier {
    roots: Vec<Complex>,
    /// Where each entry goes before the halves are joined.
    order: Vec<usize>,
}

impl Fourier {
    /// The transform of the smallest power of two that is at least `length`.
    pub(super) fn new(length: usize) -> Self {
        let n = length.next_power_of_two().max(2);
        let angle = |k: usize| -std::f64::consts::TAU * k as f64 / n as f64;
        let roots = (0..n / 2).map(|k| (angle(k).cos() as f32, angle(k).sin() as f32)).collect();
        let shift = usize::BITS - n.trailing_zeros();
        Self { roots, order: (0..n).map(|index| index.reverse_bits() >> shift).collect() }
    }

    pub(super) fn length(&self) -> usize {
        self.order.len()
    }

    /// Of a real signal, filled with zeros.
    pub(super) fn of(&self, signal: &[f32]) -> Vec<Complex> {
        let at = |index: &usize| (signal.get(*index).copied().unwrap_or(0.0), 0.0);
        let mut values: Vec<Complex> = self.order.iter().map(at).collect();
        self.join(&mut values);
        values
    }

    /// The largest correlation over all lags of two signals, from their transforms.
    pub(super) fn largest_correlation(&self, one: &[Complex], other: &[Complex]) -> f32 {
        // The product's conjugate is transformed instead of the inverse: the result is real, so it is the same.
        let product = |index: &usize| {
            let ((a, b), (c, d)) = (one[*index], other[*index]);
            (a * c + b * d, a * d - b * c)
        };
        let mut values: Vec<Complex> = self.order.iter().map(product).collect();
        self.join(&mut values);
        let largest = values.iter().fold(f32::MIN, |most, value| most.max(value.0));
        largest / self.length() as f32
    }

    fn join(&self, values: &mut [Complex]) {
        let n = values.len();
        let mut half = 1;
        while half < n {
            let stride = n / (2 * half);
            for block in values.chunks_exact_mut(2 * half) {
                let (left, right) = block.split_at_mut(half);
                let roots = self.roots.iter().step_by(stride);
                for ((a, b), root) in left.iter_mut().zip(right).zip(roots) {
                    let turned = (b.0 * root.0 - b.1 * root.1, b.0 * root.1 + b.1 * root.0);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_that_of_the_definition() {
        let one: Vec<f32> = (0..13).map(|t| ((t * t) % 7) as f32 - 2.5).collect();
        let other: Vec<f32> = (0..13).map(|t| ((t * 5) % 11) as f32 - 4.0).collect();
        let at = |lag: i64| -> f32 {
            let pair = |t: i64| Some(one.get(t as usize)? * other.get((t + lag) as usize)?);
            (0..13).filter(|t| t + lag >= 0).filter_map(pair).sum()
        };
        let expected = (-12..=12).map(at).fold(f32::MIN, f32::max);
        let fourier = Fourier::new(25);
        let found = fourier.largest_correlation(&fourier.of(&one), &fourier.of(&other));
        assert!((found - expected).abs() < 1e-3, "{found}, {expected}");
    }
}
