//! The forms of Theta, against statsforecast and on gaps.

use super::*;
use crate::arima::tests::{AIR_PASSENGERS, WWW_USAGE};
use crate::generated::{Noise, series_of};
use weft_core::time::{Step, Timestamp};

/// Forecasts by statsforecast 2.1.1 (`Theta`, `OptimizedTheta`, `DynamicTheta`, `DynamicOptimizedTheta`). It searches
/// by Nelder and Mead's simplex where here two of three parameters are exact, so optima differ a little.
#[test]
fn forecasts_are_those_of_statsforecast() {
    let check = |form, values: &[f64], season, expected: [f64; 6], tolerance: f64| {
        let theta = Theta { season, form: Some(form) };
        let fitted = theta.fit(&series_of(values.iter().copied())).expect("long enough");
        for (found, expected) in fitted.predict(6).into_iter().zip(expected) {
            let off = (found / expected - 1.0).abs();
            assert!(off < tolerance, "{form:?}: {found} for {expected}, {fitted:?}");
        }
    };
    let air = |form, expected| check(form, &AIR_PASSENGERS, Some(12), expected, 3e-3);
    air(Form::Standard, [440.969195, 429.249242, 490.693187, 476.65992, 480.631038, 546.455544]);
    air(Form::Optimised, [442.942532, 432.231016, 495.307935, 482.308003, 487.494847, 555.580947]);
    air(Form::Dynamic, [440.774114, 429.061861, 490.483268, 476.461291, 480.436984, 546.242775]);
    air(
        Form::DynamicOptimised,
        [442.927195, 432.298401, 495.482454, 482.575341, 487.865993, 556.121586],
    );
    let www = |form, expected| check(form, &WWW_USAGE, None, expected, 1e-3);
    www(Form::Standard, [220.332924, 220.642321, 220.951718, 221.261115, 221.570512, 221.879909]);
    www(Form::Dynamic, [220.332924, 220.657618, 220.996479, 221.348605, 221.713147, 222.089311]);
    www(Form::Optimised, [220.645424, 221.264196, 221.882968, 222.501739, 223.120511, 223.739283]);
}

#[test]
fn a_noisy_season_with_a_line_beats_the_last_season() {
    let mut noise = Noise::new(2);
    let shape = |t: usize| 1.0 + 0.3 * (t as f64 / 24.0 * std::f64::consts::TAU).sin();
    let values: Vec<f64> =
        (0..24 * 8).map(|t| (40.0 + 0.1 * t as f64) * shape(t) + 2.0 * noise.normal()).collect();
    let (past, future) = values.split_at(24 * 7);
    let theta = Theta { season: Some(24), form: None };
    let fitted = theta.fit(&series_of(past.iter().copied())).expect("long enough");
    assert!(fitted.is_seasonal());
    let error = |path: &[f64]| path.iter().zip(future).map(|(a, b)| (a - b).abs()).sum::<f64>();
    let (ours, naive) = (error(&fitted.predict(24)), error(&past[24 * 6..]));
    assert!(ours < 0.8 * naive, "{ours} for {naive}");
    let flat: Vec<f64> = (0..200).map(|_| 9.0 + noise.normal()).collect();
    assert!(!theta.fit(&series_of(flat)).expect("long enough").is_seasonal());
}

#[test]
fn what_comes_as_expected_changes_no_forecast() {
    for form in Form::ALL {
        let theta = Theta { season: Some(12), form: Some(form) };
        let mut fitted = theta.fit(&series_of(AIR_PASSENGERS)).expect("long enough");
        let path = fitted.predict(10);
        fitted.update(Some(path[0]));
        fitted.update(None);
        fitted.update_at_least(0.0);
        for (found, expected) in fitted.predict(7).iter().zip(&path[3..]) {
            assert!((found - expected).abs() < 1e-9, "{form:?}: {found} for {expected}");
        }
    }
}

#[test]
fn odd_series_give_finite_forecasts() {
    let constant = vec![Some(5.0_f32); 40];
    let zeros = vec![Some(0.0); 40];
    let spikes = (0..60).map(|t| Some(if t % 17 == 0 { 1e12 } else { 0.0 })).collect();
    let gaps = (0..60).map(|t| Some(t as f32).filter(|_| t % 3 == 1)).collect();
    let end = (0..60).map(|t| Some(1.0 + t as f32).filter(|_| t < 9)).collect();
    for values in [constant, zeros, spikes, gaps, end] {
        let series = Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values);
        for form in Form::ALL {
            let theta = Theta { season: Some(12), form: Some(form) };
            let path = theta.fit(&series).expect("enough").predict(100);
            assert!(
                path.iter().all(|value| value.is_finite()),
                "{form:?}: {series:?} gave {path:?}"
            );
        }
    }
    assert!(Theta { season: None, form: None }.fit(&series_of([1.0; 3])).is_err());
}
