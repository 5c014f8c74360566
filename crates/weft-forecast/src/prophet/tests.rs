//! References against the Python package stand in `tests/references.rs`; here is what must hold of any fit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use weft_core::forecast::Levels;
use weft_core::time::{Span, Step, Timestamp};

use super::*;
use crate::generated::Noise;
use crate::model::FittedModel;

mod posterior;
mod references;

fn hourly(values: impl IntoIterator<Item = Option<f64>>) -> Series {
    let step = Step::new(Span::from_hours(1)).expect("whole seconds");
    let values = values.into_iter().map(|value| value.map(|value| value as f32));
    Series::from_values(Timestamp::default(), step, values)
}

/// A level with a daily wave, a slow rise and noise.
fn daily(seed: u64, steps: usize) -> Vec<Option<f64>> {
    let mut noise = Noise::new(seed);
    let wave = |t: usize| (t as f64 / 24.0 * std::f64::consts::TAU).sin();
    (0..steps).map(|t| Some(50.0 + 0.02 * t as f64 + 8.0 * wave(t) + noise.normal())).collect()
}

fn hour(number: i64) -> Timestamp {
    Timestamp::default() + Span::from_hours(number)
}

fn levels() -> Levels {
    Levels::new(&[0.1, 0.5, 0.9]).expect("levels")
}

fn campaign(occurrences: &[i64]) -> Event {
    Event {
        name: "campaign".to_owned(),
        occurrences: occurrences.iter().map(|number| hour(*number)).collect(),
        window: Window::steps(0, 2),
        prior_scale: 10.0,
        mode: Mode::Additive,
    }
}

#[test]
fn series_that_say_little_are_continued() {
    let check = |values: &[Option<f64>], expected: f64| {
        let fitted = Prophet::default().fit(&hourly(values.iter().copied())).expect("two samples");
        for (ahead, point) in fitted.predict(5).into_iter().enumerate() {
            assert!((point - expected).abs() < 1e-3, "{values:?}: {point} at {ahead}");
        }
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let quantiles = fitted.quantiles(5, &Ahead::default(), &levels(), 50, &mut generator);
        assert!(quantiles.expect("draws").iter().all(|quantile| quantile.is_finite()));
    };
    check(&[Some(7.0); 100], 7.0);
    check(&[Some(0.0); 100], 0.0);
    check(&[Some(3.0), Some(3.0)], 3.0);
    check(&[None, Some(2.0), None, None, Some(2.0), None], 2.0);
    check(&[Some(-4.0); 30], -4.0);
}

#[test]
fn a_line_goes_on() {
    for steps in [2, 3, 10, 200] {
        let series = hourly((0..steps).map(|t| Some(10.0 + 0.5 * f64::from(t))));
        let fitted = Prophet::default().fit(&series).expect("long enough");
        let expected = 10.0 + 0.5 * f64::from(steps + 3);
        let found = fitted.predict(4)[3];
        assert!(
            (found - expected).abs() < 0.01 * expected,
            "{steps} steps: {found}, not {expected}"
        );
    }
}

#[test]
fn every_growth_fits_what_is_flat_or_short() {
    let logistic = Growth::Logistic { capacity: 10.0, floor: 0.0 };
    for growth in [Growth::Linear, Growth::Flat, logistic] {
        let prophet = Prophet { growth, ..Prophet::default() };
        for (steps, value) in [(2, 5.0), (48, 5.0), (48, 0.0), (48, 10.0), (300, 12.0)] {
            let fitted = prophet.fit(&hourly(vec![Some(value); steps])).expect("two samples");
            let off =
                fitted.predict(24).iter().map(|point| (point - value).abs()).fold(0.0, f64::max);
            // A logistic trend lies between floor and capacity and reaches neither.
            let allowed = if growth == logistic && value == 12.0 { 2.5 } else { 0.2 };
            assert!(off < allowed, "{growth:?}, {steps} steps of {value}: {off} off");
        }
    }
}

#[test]
fn parts_sum_up_to_the_point_and_name_the_lift() {
    let mut values = daily(3, 24 * 28);
    for begin in [100, 250, 400, 550] {
        for (slot, lift) in [20.0, 12.0, 6.0].into_iter().enumerate() {
            values[begin + slot] = values[begin + slot].map(|value| value + lift);
        }
    }
    let events = [campaign(&[100, 250, 400, 550, 680])];
    for mode in [Mode::Additive, Mode::Multiplicative] {
        let prophet = Prophet { seasonality_mode: mode, ..Prophet::default() };
        let known = Known { events: &events, ..Known::default() };
        let fitted = prophet.fit_with(&hourly(values.clone()), &known).expect("long enough");
        let effects = fitted.effects("campaign").expect("an event of the fit");
        for (effect, expected) in effects.iter().zip([20.0, 12.0, 6.0]) {
            assert!((effect - expected).abs() < 1.5, "{mode:?}: {effects:?}");
        }
        let occurrences = [("campaign", hour(700))];
        let ahead = Ahead { occurrences: &occurrences, ..Ahead::default() };
        let prediction = fitted.predict_with(48, &ahead).expect("a known event");
        for row in 0..48 {
            let parts: f64 = prediction.components.iter().map(|part| part.lift[row]).sum();
            assert!((prediction.trend[row] + parts - prediction.point[row]).abs() < 1e-9);
        }
        let lift = &prediction.components.last().expect("the event").lift;
        let lifted: Vec<usize> = (0..48).filter(|row| lift[*row] != 0.0).collect();
        assert_eq!(lifted, [8, 9, 10, 28, 29, 30], "at the fit's occurrence and at the new one");
    }
}

#[test]
fn a_small_prior_scale_shrinks_an_event() {
    let mut values = daily(4, 24 * 14);
    values[200] = values[200].map(|value| value + 30.0);
    let effect = |prior_scale| {
        let events = [Event { window: Window::steps(0, 0), prior_scale, ..campaign(&[200]) }];
        let known = Known { events: &events, ..Known::default() };
        let fitted =
            Prophet::default().fit_with(&hourly(values.clone()), &known).expect("long enough");
        fitted.effects("campaign").expect("an event of the fit")[0]
    };
    let (free, shrunk) = (effect(10.0), effect(0.01));
    assert!((free - 30.0).abs() < 3.0 && shrunk > 0.0 && shrunk < 0.5 * free, "{free}, {shrunk}");
}

#[test]
fn a_sample_moves_the_clock_only() {
    let series = hourly(daily(5, 24 * 14));
    let mut fitted = Prophet::default().fit(&series).expect("long enough");
    let ahead = fitted.predict(30);
    fitted.update(Some(1e6));
    fitted.update(None);
    fitted.update_at_least(1e6);
    assert_eq!(fitted.next(), series.end() + Span::from_hours(3));
    assert_eq!(fitted.predict(27), ahead[3..]);
}

#[test]
fn quantiles_replay_and_widen() {
    let mut values = daily(6, 24 * 28);
    for (t, value) in values.iter_mut().enumerate().skip(300) {
        *value = value.map(|value| value + 0.1 * (t - 300) as f64);
    }
    let fitted = Prophet::default().fit(&hourly(values)).expect("long enough");
    let quantiles = |seed| {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        fitted.quantiles(24 * 14, &Ahead::default(), &levels(), 400, &mut generator).expect("draws")
    };
    let found = quantiles(1);
    assert_eq!(found, quantiles(1));
    assert_ne!(found, quantiles(2));
    let rows: Vec<&[f64]> = found.chunks_exact(3).collect();
    assert!(rows.iter().all(|row| row[0] < row[1] && row[1] < row[2]));
    let width = |row: usize| rows[row][2] - rows[row][0];
    let noise = 2.0 * 1.2816 * fitted.deviation();
    assert!((width(0) / noise - 1.0).abs() < 0.02, "{} at first, noise alone {noise}", width(0));
    assert!(width(24 * 14 - 1) > 1.2 * width(0), "the trend may bend");
}

#[test]
fn a_warm_start_ends_at_the_same_place_sooner() {
    let values: Vec<Option<f64>> = daily(7, 24 * 30);
    let scaled = |value: &Option<f64>| value.map(|value| 20.0 + 0.6 * value);
    for mode in [Mode::Additive, Mode::Multiplicative] {
        for growth in [Growth::Linear, Growth::Logistic { capacity: 150.0, floor: 5.0 }] {
            let prophet = Prophet { growth, seasonality_mode: mode, ..Prophet::default() };
            let earlier = hourly(values[..24 * 28].iter().map(scaled));
            let earlier = prophet.fit(&earlier).expect("long enough");
            let step = Step::new(Span::from_hours(1)).expect("whole seconds");
            let later =
                values[48..].iter().map(scaled).map(|value| value.map(|value| value as f32));
            let later = Series::from_values(hour(48), step, later);
            let known = Known::default();
            let cold = prophet.fit_with(&later, &known).expect("long enough");
            let warm = prophet.fit_from(&later, &known, Some(&earlier)).expect("long enough");
            assert!(
                warm.rounds() <= cold.rounds(),
                "{} and {} rounds",
                warm.rounds(),
                cold.rounds()
            );
            for (warm, cold) in warm.predict(100).into_iter().zip(cold.predict(100)) {
                assert!((warm - cold).abs() < 0.02, "{mode:?}, {growth:?}: {warm} and {cold}");
            }
        }
    }
}

#[test]
fn wrong_settings_are_answered() {
    let series = hourly(daily(8, 48));
    let check = |prophet: &Prophet, known: &Known<'_>, expected: &str| {
        let error = prophet.fit_with(&series, known).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} without {expected:?}");
    };
    let (usual, nothing) = (Prophet::default(), Known::default());
    check(
        &Prophet { changepoint_prior_scale: 0.0, ..usual.clone() },
        &nothing,
        "prior scales above 0",
    );
    let growth = Growth::Logistic { capacity: 1.0, floor: 1.0 };
    check(
        &Prophet { growth, ..usual.clone() },
        &nothing,
        "expected a capacity above the floor for prophet, found 1 and 1",
    );
    let changepoints = Changepoints::Spread { count: 3, share: 0.0 };
    check(&Prophet { changepoints, ..usual.clone() }, &nothing, "a share above 0");
    let twice = [campaign(&[3]), campaign(&[4])];
    check(&usual, &Known { events: &twice, ..nothing }, "`campaign` twice");
    let regressors = [Regressor {
        name: "load".to_owned(),
        values: vec![1.0; 47],
        prior_scale: 10.0,
        standardisation: Standardisation::Automatic,
        mode: Mode::Additive,
    }];
    let short = Known { regressors: &regressors, ..nothing };
    check(&usual, &short, "expected a regressor of 48 finite values, found one of 47 values");
    let season = Seasonality {
        name: "x".to_owned(),
        period: Span::ZERO,
        order: 1,
        prior_scale: 1.0,
        mode: Mode::Additive,
    };
    check(&Prophet { seasonalities: vec![season], ..usual.clone() }, &nothing, "a positive period");
    let error = usual.fit(&hourly([Some(1.0), None])).expect_err("one sample");
    assert_eq!(error.to_string(), "expected at least 2 samples to fit prophet, found 1");
    let fitted = usual.fit(&series).expect("long enough");
    let occurrences = [("never seen", hour(50))];
    let ahead = Ahead { occurrences: &occurrences, ..Ahead::default() };
    let error = fitted.predict_with(3, &ahead).expect_err("an unknown event").to_string();
    assert!(error.contains("`never seen`"), "{error}");
}

#[test]
fn changepoints_stand_where_the_package_puts_them() {
    // `m.changepoints` of prophet 1.5.0 for 48 hourly samples with n_changepoints=5, and for 4 with 25.
    let check = |samples: usize, count: usize, expected: &[usize]| {
        let changepoints = Changepoints::Spread { count, share: 0.8 };
        let prophet = Prophet { changepoints, ..Prophet::default() };
        let series = hourly(daily(9, samples));
        let (design, _) = design::Design::new(&prophet, &series, &Known::default());
        let expected: Vec<f64> = expected.iter().map(|index| design.time[*index]).collect();
        assert_eq!(design.changepoints, expected, "{samples} samples");
    };
    check(48, 5, &[7, 15, 22, 30, 37]);
    check(4, 25, &[1, 2]);
    check(2, 25, &[]);
}

#[test]
fn a_capacity_may_change_from_step_to_step() {
    let capacities: Vec<f64> = (0..300).map(|t| if t < 150 { 80.0 } else { 160.0 }).collect();
    let mut noise = Noise::new(10);
    let values = capacities.iter().map(|capacity| Some(0.5 * capacity + noise.normal()));
    let series = hourly(values.collect::<Vec<_>>());
    let prophet = Prophet {
        growth: Growth::Logistic { capacity: 160.0, floor: 0.0 },
        daily: Calendar::Off,
        ..Prophet::default()
    };
    let known = Known { capacities: &capacities, ..Known::default() };
    let fitted = prophet.fit_with(&series, &known).expect("long enough");
    let ahead = Ahead { capacities: &[80.0, 160.0, 320.0], ..Ahead::default() };
    let points = fitted.predict_with(3, &ahead).expect("a capacity for each step").point;
    for (point, expected) in points.iter().zip([40.0, 80.0, 160.0]) {
        assert!((point / expected - 1.0).abs() < 0.05, "{points:?}");
    }
    let ahead = Ahead { capacities: &[80.0], ..Ahead::default() };
    assert!(fitted.predict_with(3, &ahead).is_err(), "two capacities lack");
}

#[test]
fn a_bend_is_found_where_it_may_be() {
    let mut noise = Noise::new(11);
    let bent = |t: i32| 20.0 + 0.3 * f64::from((t - 120).max(0));
    let values: Vec<_> = (0..240).map(|t| Some(bent(t) + noise.normal())).collect();
    let changepoints = Changepoints::At(vec![hour(120), hour(900)]);
    let prophet = Prophet { changepoints, changepoint_prior_scale: 1.0, ..Prophet::default() };
    let fitted = prophet.fit(&hourly(values)).expect("long enough");
    let ahead = fitted.predict(49);
    let rate = (ahead[48] - ahead[0]) / 48.0;
    assert!((rate - 0.3).abs() < 0.03, "{rate}");
}
