//! Lag polynomials: products of the plain and the seasonal part, differencing, and the map from any
//! real numbers to coefficients of a stationary polynomial.

/// Coefficients c of 1 − c₁B − … − cₙBⁿ from unconstrained numbers: partial autocorrelations
/// tanh(x), by the recursion of Durbin and Levinson (Jones 1980, equation 4.2). Whatever goes in, all roots lie
/// outside the unit circle.
pub(super) fn stationary(free: &[f64]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = Vec::with_capacity(free.len());
    for raw in free {
        let partial = raw.tanh();
        let before = coefficients.clone();
        for (index, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient -= partial * before[before.len() - 1 - index];
        }
        coefficients.push(partial);
    }
    coefficients
}

/// The partial autocorrelations that give these coefficients: the recursion backwards.
fn partials(coefficients: &[f64]) -> Vec<f64> {
    let mut left = coefficients.to_vec();
    let mut partials = vec![0.0; left.len()];
    while let Some(partial) = left.pop() {
        partials[left.len()] = partial;
        let rest = 1.0 - partial * partial;
        let before = left.clone();
        for (index, coefficient) in left.iter_mut().enumerate() {
            *coefficient = (*coefficient + partial * before[before.len() - 1 - index]) / rest;
        }
    }
    partials
}

/// The unconstrained numbers of which [`stationary`] makes these coefficients.
pub(super) fn unconstrained(coefficients: &[f64]) -> Vec<f64> {
    partials(coefficients)
        .into_iter()
        .map(|partial| partial.clamp(-0.9999, 0.9999).atanh())
        .collect()
}

/// Whether all roots of 1 − c₁B − … − cₙBⁿ are farther than `distance` from zero: whether it is stationary with B in
/// units of that.
pub(super) fn has_roots_beyond(coefficients: &[f64], distance: f64) -> bool {
    let mut power = 1.0;
    let scaled = coefficients.iter().map(|coefficient| {
        power *= distance;
        coefficient * power
    });
    partials(&scaled.collect::<Vec<_>>()).iter().all(|partial| partial.abs() < 1.0)
}

/// The product of 1 − Σ a_i B^i and 1 − Σ b_j B^{sj}, as coefficients c of 1 − Σ c_k B^k.
pub(super) fn product(plain: &[f64], seasonal: &[f64], season: usize) -> Vec<f64> {
    let mut full = vec![0.0; plain.len() + seasonal.len() * season];
    full[..plain.len()].copy_from_slice(plain);
    for (index, outer) in seasonal.iter().enumerate() {
        let lag = (index + 1) * season;
        full[lag - 1] += outer;
        for (inner, coefficient) in plain.iter().enumerate() {
            full[lag + inner] -= outer * coefficient;
        }
    }
    full
}

/// The coefficients δ of 1 − Σ δ_k B^k = (1 − B)^d (1 − B^s)^D.
pub(super) fn differencing(plain: usize, seasonal: usize, season: usize) -> Vec<f64> {
    let once = |coefficients: Vec<f64>, lag: usize| {
        let mut factor = vec![0.0; lag];
        factor[lag - 1] = 1.0;
        product(&factor, &coefficients, 1)
    };
    let plain = (0..plain).fold(Vec::new(), |coefficients, _| once(coefficients, 1));
    (0..seasonal).fold(plain, |coefficients, _| once(coefficients, season))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_differences_are_those_of_polynomials() {
        assert_eq!(product(&[0.5], &[0.2], 4), [0.5, 0.0, 0.0, 0.2, -0.1]);
        assert_eq!(differencing(1, 0, 1), [1.0]);
        assert_eq!(differencing(2, 0, 1), [2.0, -1.0]);
        assert_eq!(differencing(1, 1, 3), [1.0, 0.0, 1.0, -1.0]);
        assert!(differencing(0, 0, 12).is_empty());
    }

    #[test]
    fn any_numbers_give_a_stationary_polynomial() {
        assert_eq!(stationary(&[]), [0.0; 0]);
        for (found, expected) in
            unconstrained(&stationary(&[0.5, -0.3, 1.2])).iter().zip([0.5, -0.3, 1.2])
        {
            assert!((found - expected).abs() < 1e-12);
        }
        // 1 − 1.5B + 0.56B² has its roots at 1/0.8 and 1/0.7.
        assert!(has_roots_beyond(&[1.5, -0.56], 1.24) && !has_roots_beyond(&[1.5, -0.56], 1.26));
        let [one, two] = stationary(&[0.5, -0.3])[..] else { panic!("two coefficients") };
        let partial = (0.5_f64.tanh(), (-0.3_f64).tanh());
        assert!((one - partial.0 * (1.0 - partial.1)).abs() < 1e-12 && two == partial.1);
        // The triangle of an autoregression of order two.
        for (x, y) in [(3.0, 2.0), (-4.0, 1.0), (0.1, -5.0)] {
            let c = stationary(&[x, y]);
            assert!(c[1] + c[0] < 1.0 && c[1] - c[0] < 1.0 && c[1].abs() < 1.0);
        }
    }
}
