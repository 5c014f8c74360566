//! Orders that are chosen, against what made the series and against published choices.

use super::*;
use crate::arima::tests::{AIR_PASSENGERS, WWW_USAGE};
use crate::generated::{Noise, series_of};
use weft_core::time::{Step, Timestamp};

fn auto(season: usize, values: impl IntoIterator<Item = f64>) -> FittedAutoArima {
    AutoArima { season }.fit(&series_of(values)).expect("long enough")
}

fn orders(fitted: &FittedAutoArima) -> [usize; 6] {
    let (plain, seasonal) = (fitted.model().order, fitted.model().seasonal);
    [plain.ar, plain.differences, plain.ma, seasonal.ar, seasonal.differences, seasonal.ma]
}

/// The log-likelihoods of R's `auto.arima` (forecast 8), which statsforecast 2.1.1 repeats on the last two.
#[test]
fn orders_are_those_of_r() {
    let check = |fitted: &FittedAutoArima, expected: [usize; 6], aicc: f64| {
        let found = fitted.fitted().aicc();
        assert_eq!(orders(fitted), expected, "AICc {found} for {aicc}");
        assert!((found - aicc).abs() < 0.15, "{found} for {aicc}");
    };
    check(&auto(12, AIR_PASSENGERS.map(f64::ln)), [0, 1, 1, 0, 1, 1], -483.2082);
    check(&auto(1, WWW_USAGE), [1, 1, 1, 0, 0, 0], 514.549);
    let air = auto(12, AIR_PASSENGERS);
    assert_eq!(orders(&air)[1..5], [1, orders(&air)[2], orders(&air)[3], 1]);
    assert!(air.fitted().aicc() < 1_020.6, "{:?} {}", orders(&air), air.fitted().aicc());
}

/// A day as two waves under an autoregression.
fn daily(seed: u64, steps: usize) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let mut left = 0.0;
    let angle = |t: usize| t as f64 / 96.0 * std::f64::consts::TAU;
    let value = |t: usize| {
        left = 0.6 * left + noise.normal();
        50.0 + 6.0 * angle(t).sin() + 3.0 * (2.0 * angle(t)).cos() + left
    };
    (0..steps).map(value).collect()
}

#[test]
fn a_long_season_is_taken_as_waves_and_beats_the_last_day() {
    let values = daily(3, 96 * 9);
    let (past, future) = values.split_at(96 * 8);
    let fitted = auto(96, past.iter().copied());
    let (period, harmonics) = fitted.harmonics().next().expect("waves");
    assert!(period == 96 && harmonics >= 2, "{harmonics} and {:?}", orders(&fitted));
    let error =
        |path: &[f64]| path.iter().zip(future).map(|(a, b)| (a - b).abs()).sum::<f64>() / 96.0;
    let (ours, naive) = (error(&fitted.predict(96)), error(&past[96 * 7..]));
    assert!(ours < 0.85 * naive, "{ours} for {naive}");
    let pairs = fitted.predict_with(&vec![Vec::new(); 96]);
    assert!(pairs.iter().zip(fitted.predict(96)).all(|(a, b)| (a.0 - b).abs() < 1e-9));
}

#[test]
fn a_warm_start_keeps_orders_and_ends_where_the_fit_did() {
    let series = series_of(daily(4, 96 * 6));
    let model = AutoArima { season: 96 };
    let cold = model.fit(&series).expect("long enough");
    let warm = model.fit_from(&cold, &series, &[]).expect("long enough");
    assert_eq!(orders(&cold), orders(&warm));
    assert!((cold.fitted().aicc() - warm.fitted().aicc()).abs() < 1e-3);
    let other = model.fit_from(&cold, &series_of(daily(5, 96 * 5)), &[]).expect("long enough");
    assert_eq!(orders(&cold), orders(&other));
}

#[test]
fn updates_move_the_waves_on() {
    let values = daily(6, 96 * 6 + 30);
    let mut fitted = auto(96, values[..96 * 6].iter().copied());
    let ahead = fitted.predict(60)[30..].to_vec();
    let expected = fitted.predict(30);
    for value in expected {
        fitted.update(Some(value));
    }
    for (found, expected) in fitted.predict(30).iter().zip(ahead) {
        assert!((found - expected).abs() < 1e-6, "what came as expected changes no forecast");
    }
    let before = fitted.predict(2)[1];
    fitted.update_at_least(0.0);
    assert!((fitted.predict(1)[0] - before).abs() < 1e-9, "a low bound is a gap");
}

#[test]
fn regressors_pass_through_and_gaps_do_no_harm() {
    let mut noise = Noise::new(8);
    let column: Vec<f64> = (0..400).map(|t| f64::from(u8::from(t % 40 < 7))).collect();
    let values = column.iter().enumerate().map(|(t, each)| {
        let value = 20.0 + 4.0 * each + noise.normal();
        (t % 11 != 0 && !(100..120).contains(&t)).then_some(value as f32)
    });
    let series = Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values);
    let fitted = AutoArima { season: 1 }.fit_with(&series, &[column]).expect("long enough");
    let next = fitted.predict_with(&[vec![0.0], vec![1.0]]);
    assert!((next[1].0 - next[0].0 - 4.0).abs() < 0.6, "{next:?}");
    let wrong = AutoArima { season: 1 }.fit_with(&series, &[vec![1.0]]);
    assert_eq!(wrong, Err(ModelError::Regressors { expected: 400, found: 1 }));
}

#[test]
fn odd_series_give_finite_forecasts() {
    let constant = vec![Some(5.0_f32); 60];
    let zeros = vec![Some(0.0); 60];
    let line = (0..60).map(|t| Some(t as f32)).collect();
    let spikes = (0..80).map(|t| Some(if t % 17 == 0 { 1e9 } else { 0.0 })).collect();
    let gaps = (0..90).map(|t| Some((t % 7) as f32).filter(|_| t % 3 == 0)).collect();
    let short = vec![Some(1.0), None, Some(3.0), Some(2.0)];
    for values in [constant, zeros, line, spikes, gaps, short] {
        let series = Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values);
        for season in [1, 6, 30] {
            let path = AutoArima { season }.fit(&series).expect("enough").predict(50);
            assert!(path.iter().all(|value| value.is_finite()), "{series:?} gave {path:?}");
        }
    }
    assert!(AutoArima { season: 1 }.fit(&series_of([1.0; 2])).is_err());
}
