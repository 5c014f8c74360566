//! Seasons taken apart, against generated ones and against statsmodels.

use super::*;
use crate::generated::{Noise, series_of};
use crate::stl::tests::reproducible;
use weft_core::time::{Step, Timestamp};

/// Step, trend and seasons by `MSTL` of statsmodels 0.15.0, which computes every local line where here a tenth is
/// computed and the others are interpolated: hence the tolerance, a tenth of the noise's deviation.
#[test]
fn components_are_those_of_statsmodels() {
    let parts = decompose(&reproducible(), &[24, 120], false);
    for (step, trend, day, week) in [
        (0, 19.945039, -0.183549, 1.72469),
        (1, 19.955744, 1.204051, 1.685777),
        (77, 20.762375, 4.630244, -1.113271),
        (240, 22.400707, 0.070851, 1.656142),
        (401, 24.00915, -5.113615, -0.807682),
        (479, 24.767731, -1.176441, 1.95268),
    ] {
        let found = [parts.trend[step], parts.seasons[0][step], parts.seasons[1][step]];
        for (found, expected) in found.into_iter().zip([trend, day, week]) {
            assert!((found - expected).abs() < 0.06, "step {step}: {found} for {expected}");
        }
    }
}

/// A day of 24 steps and a week of 168, noisy, with gaps.
fn weekly(steps: usize, is_holed: bool) -> Vec<f64> {
    let mut noise = Noise::new(12);
    let angle = |t: usize, period: f64| t as f64 / period * std::f64::consts::TAU;
    let value = |t: usize| {
        let seasons = 6.0 * angle(t, 24.0).sin() + 4.0 * angle(t, 168.0).cos();
        let value = 40.0 + seasons + 1.5 * noise.normal();
        if is_holed && (t.is_multiple_of(10) || (400..450).contains(&t)) { f64::NAN } else { value }
    };
    (0..steps).map(value).collect()
}

#[test]
fn two_seasons_beat_the_last_of_either() {
    let steps = 168 * 5;
    let whole = weekly(steps + 96, false);
    let (past, future) = whole.split_at(steps);
    let error = |path: &[f64]| path.iter().zip(future).map(|(a, b)| (a - b).abs()).sum::<f64>();
    let (day, week) = (&past[steps - 24..].repeat(4), &past[steps - 168..steps - 72]);
    for is_holed in [false, true] {
        let values = weekly(steps, is_holed);
        let mstl = Mstl { seasons: vec![24, 168], is_robust: false };
        let fitted = mstl.fit(&series_of(values)).expect("long enough");
        assert_eq!(fitted.periods().collect::<Vec<_>>(), [24, 168]);
        let ours = error(&fitted.predict(96));
        assert!(
            ours < 0.95 * error(week) && ours < 0.6 * error(day),
            "{ours}, {}, {}",
            error(week),
            error(day)
        );
    }
}

#[test]
fn updates_move_the_seasons_on() {
    let mstl = Mstl { seasons: vec![24, 168], is_robust: false };
    let mut fitted = mstl.fit(&series_of(weekly(168 * 3 + 50, false))).expect("long enough");
    let path = fitted.predict(200);
    fitted.update(Some(path[0]));
    fitted.update(None);
    fitted.update_at_least(-100.0);
    for (found, expected) in fitted.predict(190).iter().zip(&path[3..]) {
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    }
}

#[test]
fn odd_series_give_finite_forecasts() {
    let constant = vec![Some(5.0_f32); 60];
    let zeros = vec![Some(0.0); 60];
    let spikes = (0..60).map(|t| Some(if t % 17 == 0 { 1e9 } else { 0.0 })).collect();
    let phases = (0..60).map(|t| Some(t as f32).filter(|_| t % 12 == 1)).collect();
    let end = (0..60).map(|t| Some(1.0 + t as f32).filter(|_| t < 9)).collect();
    for values in [constant, zeros, spikes, phases, end] {
        let known = values.iter().flatten().count();
        let series = Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values);
        for is_robust in [false, true] {
            let fitted = Mstl { seasons: vec![12, 600], is_robust }.fit(&series);
            if known < FEWEST_SAMPLES {
                assert!(fitted.is_err());
                continue;
            }
            let path = fitted.expect("enough").predict(100);
            assert!(path.iter().all(|value| value.is_finite()), "{series:?} gave {path:?}");
        }
    }
}
