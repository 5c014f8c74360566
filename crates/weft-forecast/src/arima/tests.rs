//! Reference values: `arima` of R 4.2.2 (method CSS-ML) on its own data sets.

use super::*;
use weft_core::time::{Step, Timestamp};

/// Level of Lake Huron in feet, 1875 to 1972 (Brockwell & Davis 1991).
const LAKE_HURON: [f64; 98] = [
    580.38, 581.86, 580.97, 580.8, 579.79, 580.39, 580.42, 580.82, 581.4, 581.32, 581.44, 581.68,
    581.17, 580.53, 580.01, 579.91, 579.14, 579.16, 579.55, 579.67, 578.44, 578.24, 579.1, 579.09,
    579.35, 578.82, 579.32, 579.01, 579.0, 579.8, 579.83, 579.72, 579.89, 580.01, 579.37, 578.69,
    578.19, 578.67, 579.55, 578.92, 578.09, 579.37, 580.13, 580.14, 579.51, 579.24, 578.66, 578.86,
    578.05, 577.79, 576.75, 576.75, 577.82, 578.64, 580.58, 579.48, 577.38, 576.9, 576.94, 576.24,
    576.84, 576.85, 576.9, 577.79, 578.18, 577.51, 577.23, 578.42, 579.61, 579.05, 579.26, 579.22,
    579.38, 579.1, 577.95, 578.12, 579.75, 580.85, 580.41, 579.96, 579.61, 578.76, 578.18, 577.21,
    577.13, 579.1, 578.25, 577.91, 576.89, 575.96, 576.8, 577.68, 578.38, 578.52, 579.74, 579.31,
    579.89, 579.96,
];
/// Users of an internet server by the minute (Durbin & Koopman 2001).
pub(crate) const WWW_USAGE: [f64; 100] = [
    88.0, 84.0, 85.0, 85.0, 84.0, 85.0, 83.0, 85.0, 88.0, 89.0, 91.0, 99.0, 104.0, 112.0, 126.0,
    138.0, 146.0, 151.0, 150.0, 148.0, 147.0, 149.0, 143.0, 132.0, 131.0, 139.0, 147.0, 150.0,
    148.0, 145.0, 140.0, 134.0, 131.0, 131.0, 129.0, 126.0, 126.0, 132.0, 137.0, 140.0, 142.0,
    150.0, 159.0, 167.0, 170.0, 171.0, 172.0, 172.0, 174.0, 175.0, 172.0, 172.0, 174.0, 174.0,
    169.0, 165.0, 156.0, 142.0, 131.0, 121.0, 112.0, 104.0, 102.0, 99.0, 99.0, 95.0, 88.0, 84.0,
    84.0, 87.0, 89.0, 88.0, 85.0, 86.0, 89.0, 91.0, 91.0, 94.0, 101.0, 110.0, 121.0, 135.0, 145.0,
    149.0, 156.0, 165.0, 171.0, 175.0, 177.0, 182.0, 193.0, 204.0, 208.0, 210.0, 215.0, 222.0,
    228.0, 226.0, 222.0, 220.0,
];
/// Monthly airline passengers in thousands, 1949 to 1960 (Box & Jenkins 1976).
pub(crate) const AIR_PASSENGERS: [f64; 144] = [
    112.0, 118.0, 132.0, 129.0, 121.0, 135.0, 148.0, 148.0, 136.0, 119.0, 104.0, 118.0, 115.0,
    126.0, 141.0, 135.0, 125.0, 149.0, 170.0, 170.0, 158.0, 133.0, 114.0, 140.0, 145.0, 150.0,
    178.0, 163.0, 172.0, 178.0, 199.0, 199.0, 184.0, 162.0, 146.0, 166.0, 171.0, 180.0, 193.0,
    181.0, 183.0, 218.0, 230.0, 242.0, 209.0, 191.0, 172.0, 194.0, 196.0, 196.0, 236.0, 235.0,
    229.0, 243.0, 264.0, 272.0, 237.0, 211.0, 180.0, 201.0, 204.0, 188.0, 235.0, 227.0, 234.0,
    264.0, 302.0, 293.0, 259.0, 229.0, 203.0, 229.0, 242.0, 233.0, 267.0, 269.0, 270.0, 315.0,
    364.0, 347.0, 312.0, 274.0, 237.0, 278.0, 284.0, 277.0, 317.0, 313.0, 318.0, 374.0, 413.0,
    405.0, 355.0, 306.0, 271.0, 306.0, 315.0, 301.0, 356.0, 348.0, 355.0, 422.0, 465.0, 467.0,
    404.0, 347.0, 305.0, 336.0, 340.0, 318.0, 362.0, 348.0, 363.0, 435.0, 491.0, 505.0, 404.0,
    359.0, 310.0, 337.0, 360.0, 342.0, 406.0, 396.0, 420.0, 472.0, 548.0, 559.0, 463.0, 407.0,
    362.0, 405.0, 417.0, 391.0, 419.0, 461.0, 472.0, 535.0, 622.0, 606.0, 508.0, 461.0, 390.0,
    432.0,
];

/// Of coefficients and log-likelihood, relative where they are above one.
const TOLERANCE: f64 = 1e-3;

fn series(values: impl Iterator<Item = Option<f64>>) -> Series {
    let values = values.map(|value| value.map(|value| value as f32));
    Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values)
}

fn known(values: &[f64]) -> Series {
    series(values.iter().copied().map(Some))
}

fn close(name: &str, found: f64, expected: f64) {
    let off = (found - expected).abs() / expected.abs().max(1.0);
    assert!(off < TOLERANCE, "{name}: expected {expected}, found {found}");
}

/// Fits and compares coefficients in R's order (ar, ma, sar, sma, mean, regressors) and the log-likelihood.
fn check(
    model: Arima,
    series: &Series,
    regressors: &[Vec<f64>],
    expected: &[f64],
    log_likelihood: f64,
) -> FittedArima {
    let fitted = model.fit_with(series, regressors).expect("long enough");
    let mut found = [fitted.ar(), fitted.ma(), fitted.seasonal_ar(), fitted.seasonal_ma()].concat();
    found.extend(fitted.mean());
    found.extend(fitted.regression());
    assert_eq!(found.len(), expected.len());
    close("log-likelihood", fitted.log_likelihood(), log_likelihood);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        close(&format!("coefficient {index}"), *found, *expected);
    }
    fitted
}

#[test]
fn coefficients_and_likelihood_are_those_of_r() {
    let huron = known(&LAKE_HURON);
    let model = |p, d, q| Arima::new(Order::new(p, d, q));
    let fitted = check(
        model(2, 0, 0),
        &huron,
        &[],
        &[1.0436135737, -0.2494976548, 579.0473216057],
        -103.6332226,
    );
    close("variance", fitted.variance(), 0.4788206233);
    for (step, (found, expected)) in fitted
        .predict(4)
        .iter()
        .zip([579.7895589, 579.5942194, 579.4328851, 579.3132512])
        .enumerate()
    {
        close(&format!("step {step}"), *found, expected);
    }
    for ((_, found), expected) in fitted.predict_with(&vec![vec![]; 4]).iter().zip([
        0.6919686577,
        1.0001590820,
        1.1566666622,
        1.2326773816,
    ]) {
        close("deviation", *found, expected);
    }
    let years = (0..huron.len()).map(|year| year as f64 + 1875.0 - 1920.0).collect();
    check(
        model(2, 0, 0),
        &huron,
        &[years],
        &[1.00480374416, -0.29131982223, 579.09934482081, -0.02156882822],
        -101.1982673,
    );
    check(model(1, 0, 1), &huron, &[], &[0.7448993197, 0.3205890685, 579.0554555560], -103.2452606);
    let usage = known(&WWW_USAGE);
    let fitted = check(
        model(3, 1, 0),
        &usage,
        &[],
        &[1.1513401325, -0.6612265340, 0.3407127645],
        -251.996992,
    );
    close("variance", fitted.variance(), 9.363338549);
    check(model(1, 1, 1), &usage, &[], &[0.6503759762, 0.5255958890], -254.1497358);
}

#[test]
fn seasons_and_gaps_are_those_of_r() {
    let logarithms = || AIR_PASSENGERS.iter().map(|passengers| passengers.ln());
    let air = series(logarithms().map(Some));
    let model = |p, q| Arima::new(Order::new(p, 1, q)).with_season(Order::new(0, 1, 1), 12);
    check(model(0, 1), &air, &[], &[-0.4018280168, -0.5569448384], 244.6995306);
    check(
        model(2, 1),
        &air,
        &[],
        &[0.5580016466, 0.2470452756, -0.9646274606, -0.5574077557],
        246.1361322,
    );
    let is_lost = |month: usize| matches!(month, 19..25 | 59 | 99..110);
    let holed =
        series(logarithms().enumerate().map(|(month, value)| (!is_lost(month)).then_some(value)));
    let fitted = check(model(0, 1), &holed, &[], &[-0.4304150067, -0.5666627822], 204.824392);
    for (found, expected) in
        fitted.predict(4).iter().zip([6.113793263, 6.059827519, 6.180203248, 6.205874955])
    {
        close("a step", *found, expected);
    }
    for ((_, found), expected) in fitted.predict_with(&vec![vec![]; 4]).iter().zip([
        0.03772500604,
        0.04339428127,
        0.04830764048,
        0.05283499454,
    ]) {
        close("deviation", *found, expected);
    }
}

#[test]
fn updates_go_where_a_longer_series_would() {
    let model = Arima::new(Order::new(1, 1, 1));
    let fitted = model.fit(&known(&WWW_USAGE)).expect("long enough");
    let mut updated = Arima { ..model }.fit(&known(&WWW_USAGE)).expect("long enough");
    for value in [Some(223.0), None, Some(230.0)] {
        updated.update(value);
    }
    let mut longer = fitted.clone();
    longer.update(Some(223.0));
    longer.update(None);
    let expected = longer.predict(1)[0];
    longer.update_at_least(expected - 10.0);
    assert_eq!(
        longer.predict(1),
        fitted_after_gap(&fitted),
        "a bound below the expectation is no news"
    );
    longer.update_at_least(1e3);
    assert!(longer.predict(1)[0] > 500.0);
    assert!(updated.predict(1)[0] > 225.0);
}

fn fitted_after_gap(fitted: &FittedArima) -> Vec<f64> {
    let mut fitted = fitted.clone();
    fitted.update(Some(223.0));
    fitted.update(None);
    fitted.update(None);
    fitted.predict(1)
}

/// An autoregression with gaps and a regressor, made here.
#[test]
fn what_made_a_series_is_found_again() {
    let mut noise = crate::generated::Noise::new(5);
    let (mut left, phi, effect) = (0.0, 0.7, 3.0);
    let regressor: Vec<f64> = (0..800).map(|step| f64::from(u8::from(step % 50 < 10))).collect();
    let values: Vec<Option<f64>> = regressor
        .iter()
        .enumerate()
        .map(|(step, each)| {
            left = phi * left + noise.normal();
            (step % 17 != 0 && !(300..340).contains(&step)).then_some(40.0 + effect * each + left)
        })
        .collect();
    let model = Arima::new(Order::new(1, 0, 0));
    let fitted = model.fit_with(&series(values.into_iter()), &[regressor]).expect("long enough");
    assert!((fitted.ar()[0] - phi).abs() < 0.06, "{:?}", fitted.ar());
    assert!((fitted.regression()[0] - effect).abs() < 0.4, "{:?}", fitted.regression());
    assert!((fitted.variance() - 1.0).abs() < 0.12, "{}", fitted.variance());
    let next = fitted.predict_with(&[vec![0.0], vec![1.0]]);
    assert!(next[1].1 > next[0].1, "what is further ahead is less sure");
    let far = fitted.predict_with(&vec![vec![0.0]; 200])[199];
    assert!((far.0 - fitted.mean().expect("a mean")).abs() < 1e-6);
    assert!((far.1 - (fitted.variance() / (1.0 - fitted.ar()[0].powi(2))).sqrt()).abs() < 1e-6);
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let model = Arima::new(Order::new(2, 1, 1));
    let short = model.fit(&known(&[1.0, 2.0, 3.0]));
    assert!(matches!(short, Err(ModelError::TooShort { needed: 7, found: 3, .. })));
    let wrong = model.fit_with(&known(&WWW_USAGE), &[vec![0.0; 3]]);
    assert_eq!(wrong, Err(ModelError::Regressors { expected: 100, found: 3 }));
}
