//! The decomposition, against statsmodels and on gaps and outliers.

use super::*;
use crate::generated::Noise;

fn made(steps: usize, period: usize, is_holed: bool) -> (Vec<f64>, Vec<f64>) {
    let mut noise = Noise::new(9);
    let season = |t: usize| 4.0 * (t as f64 / period as f64 * std::f64::consts::TAU).sin();
    let values = (0..steps).map(|t| {
        let value = 30.0 + 0.01 * t as f64 + season(t) + 0.3 * noise.normal();
        if is_holed && (t % 9 == 0 || (200..215).contains(&t)) { f64::NAN } else { value }
    });
    (values.collect(), (0..steps).map(season).collect())
}

#[test]
fn season_and_trend_are_found_again_with_gaps_and_outliers() {
    for (is_holed, is_robust) in [(false, false), (true, false), (true, true)] {
        let (mut values, season) = made(480, 24, is_holed);
        if is_robust {
            values[101] += 60.0;
        }
        let stl = Stl { is_robust, ..Stl::new(24, 11) };
        let parts = stl.decompose(&values);
        for (t, expected) in season.iter().enumerate() {
            let (found, trend) = (parts.season[t], parts.trend[t]);
            assert!((found - expected).abs() < 0.8, "{found} for {expected} at {t}");
            assert!((trend - 30.0 - 0.01 * t as f64).abs() < 0.4, "{trend} at {t}");
        }
        assert!(parts.seasonal_strength(&values) > if is_robust { 0.4 } else { 0.97 });
    }
}

#[test]
fn a_line_is_its_own_trend() {
    let values: Vec<f64> = (0..60).map(|t| 2.0 + 0.5 * f64::from(t)).collect();
    let parts = Stl::new(6, 7).decompose(&values);
    let off = parts.rest(&values).iter().chain(&parts.season).fold(0.0_f64, |m, v| m.max(v.abs()));
    assert!(off < 1e-9, "{off}");
}

/// Two waves, a line and a noise of integers, so that anyone can make it.
pub(crate) fn reproducible() -> Vec<f64> {
    let wave = |t: i64, period: f64| t as f64 * std::f64::consts::TAU / period;
    let value = |t: i64| {
        let noise = ((t * 7919) % 101 - 50) as f64 / 50.0;
        20.0 + 0.01 * t as f64 + 5.0 * wave(t, 24.0).sin() + 2.0 * wave(t, 120.0).cos() + noise
    };
    (0..480).map(value).collect()
}

/// Step, trend and season by `STL` of statsmodels 0.15.0 with the same windows and jumps.
#[test]
fn components_are_those_of_statsmodels() {
    let check = |is_robust: bool, expected: [(usize, f64, f64); 6], tolerance: f64| {
        let stl = Stl { is_robust, ..Stl::new(24, 11) };
        let parts = stl.decompose(&reproducible());
        for (step, trend, season) in expected {
            let off = (parts.trend[step] - trend).abs().max((parts.season[step] - season).abs());
            assert!(off < tolerance, "robust {is_robust}, step {step}: {off}");
        }
    };
    let plain = [
        (0, 22.0643271, -0.35799782),
        (1, 22.02181466, 1.1431994),
        (77, 19.59705883, 4.64044845),
        (240, 24.2367092, 0.14230571),
        (401, 23.00190521, -5.08987405),
        (479, 26.99595987, -1.19704048),
    ];
    check(false, plain, 1e-6);
    let robust = [
        (0, 22.08752892, -0.39692121),
        (1, 22.04344199, 1.12903651),
        (77, 19.62235255, 4.61963972),
        (240, 24.19674892, 0.16254966),
        (401, 23.02052556, -5.10328895),
        (479, 26.96504268, -1.18400548),
    ];
    check(true, robust, 1e-6);
}
