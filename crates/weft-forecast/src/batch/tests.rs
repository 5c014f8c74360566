//! Every method on whatever comes, and what auto is worth on generated waves.

use super::*;
use crate::generated::{Noise, series_of};
use weft_core::time::{Step, Timestamp};

mod dirt;

const SEASON: usize = 24;

fn levels() -> Levels {
    Levels::new(&[0.01, 0.025, 0.1, 0.5, 0.9, 0.975, 0.99]).expect("levels")
}

/// A day's wave with noise, other for each seed.
fn wave(seed: u64, steps: usize) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let (height, shift) = (5.0 + 20.0 * noise.uniform(), noise.uniform());
    let angle = |t: usize| (t as f64 / SEASON as f64 + shift) * std::f64::consts::TAU;
    (0..steps).map(|t| (30.0 + height * angle(t).sin() + 3.0 * noise.normal()).max(0.0)).collect()
}

fn hourly(values: &[Option<f64>]) -> Series {
    let step = Step::new(weft_core::time::Span::from_hours(1)).expect("a step");
    Series::from_values(
        Timestamp::default(),
        step,
        values.iter().map(|value| value.map(|value| value as f32)),
    )
}

fn whole(values: &[f64]) -> Series {
    hourly(&values.iter().map(|value| Some(*value)).collect::<Vec<_>>())
}

fn batch(method: Method) -> Batch<'static> {
    Batch { method, season: SEASON, horizon: SEASON, resources: &[] }
}

fn forecast(method: Method, panel: &[Series]) -> Vec<BatchForecast> {
    let answers = batch(method).forecast(panel, &levels(), &|_| {});
    answers.into_iter().map(|answer| answer.expect("long enough")).collect()
}

fn assert_sound(answer: &BatchForecast, horizon: usize) {
    let count = levels().as_slice().len();
    assert_eq!(answer.quantiles.len(), horizon * count);
    for step in answer.quantiles.chunks(count) {
        assert!(step.iter().all(|value| value.is_finite() && *value >= 0.0), "{step:?}");
        assert!(step.windows(2).all(|pair| pair[0] <= pair[1]), "{step:?}");
    }
}

/// Every method that this build has, on what real series are like: gaps, constants, zeros, bursts and short pasts. Half
/// hours: ARIMA takes a season of 24 into its states, which is slow where nothing is optimised.
#[test]
fn every_method_answers_whatever_comes() {
    const LENGTH: usize = 48 * 6;
    let mut gappy: Vec<Option<f64>> = wave(1, LENGTH).into_iter().map(Some).collect();
    gappy[100..130].fill(None);
    gappy[270..].fill(None);
    let bursts = (0..LENGTH).map(|t| if t % 37 == 0 { 80.0 } else { 0.0 });
    let panel = [
        whole(&wave(2, LENGTH)),
        hourly(&gappy),
        whole(&[7.0; LENGTH]),
        whole(&[0.0; LENGTH]),
        whole(&bursts.collect::<Vec<_>>()),
        whole(&wave(3, 36)),
        whole(&[]),
        hourly(&[None; 100]),
    ];
    let is_built_in = |method: &Method| cfg!(feature = "lstm") || *method != Method::Lstm;
    for method in Method::ALL.into_iter().filter(is_built_in) {
        let batch = Batch { method, season: 48, horizon: 60, resources: &[] };
        for (index, answer) in batch.forecast(&panel, &levels(), &|_| {}).into_iter().enumerate() {
            match answer {
                Ok(answer) => assert_sound(&answer, 60),
                // What has no sample cannot be forecast; some models need more than three dozen.
                Err(error) => assert!(index >= 5, "{method:?}, series {index}: {error}"),
            }
        }
    }
    let unasked = Batch { method: Method::Auto, season: 48, horizon: 60, resources: &[] }.forecast(
        &panel[5..6],
        &levels(),
        &|_| {},
    );
    assert!(unasked[0].is_ok(), "three dozen samples are enough for auto");
}

#[cfg(not(feature = "lstm"))]
#[test]
fn a_model_that_is_not_built_in_says_so() {
    let answers = batch(Method::Lstm).forecast(&[whole(&wave(1, 100))], &levels(), &|_| {});
    let error = answers[0].as_ref().expect_err("no network in this build");
    assert_eq!(error.to_string(), "lstm is not part of this build: choose another model");
}

#[test]
fn a_constant_stays_what_it_is() {
    let mut panel: Vec<Series> = (10..18).map(|seed| whole(&wave(seed, 24 * 15))).collect();
    panel.push(whole(&[7.0; 24 * 15]));
    let answers = forecast(Method::Auto, &panel);
    assert!(
        answers[8].quantiles.iter().all(|value| (*value - 7.0).abs() < 1e-3),
        "{:?}",
        &answers[8].quantiles[..7]
    );
}

/// Pinball losses over a day of what `method` says of waves whose next day is known, and the share inside 95 %.
fn judge(method: Method) -> (f64, f64) {
    let full: Vec<Vec<f64>> = (20..50).map(|seed| wave(seed, 24 * 16)).collect();
    let panel: Vec<Series> = full.iter().map(|values| whole(&values[..24 * 15])).collect();
    let (levels, mut loss, mut inside) = (levels(), 0.0, 0);
    for (answer, values) in forecast(method, &panel).iter().zip(&full) {
        for (step, actual) in answer.quantiles.chunks(7).zip(&values[24 * 15..]) {
            let each = levels.as_slice().iter().zip(step);
            loss += each
                .map(|(level, at)| crate::validation::pinball(*level, f64::from(*at), *actual))
                .sum::<f64>();
            inside += usize::from(f64::from(step[1]) <= *actual && *actual <= f64::from(step[5]));
        }
    }
    (loss, inside as f64 / (30.0 * 24.0))
}

#[test]
fn auto_beats_the_floors_and_covers_what_it_says() {
    let (floors, _) = judge(Method::Naive);
    let (auto, coverage) = judge(Method::Auto);
    assert!(auto < 0.8 * floors, "{auto} against {floors}");
    assert!((0.90..=0.985).contains(&coverage), "{coverage}");
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let panel: Vec<Series> = (70..74).map(|seed| whole(&wave(seed, 24 * 10))).collect();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| forecast(Method::Auto, &panel))
    };
    assert_eq!(on(1), on(3));
}

#[cfg(feature = "lstm")]
mod network {
    use super::*;
    use weft_core::resource::Resource;

    /// Of a panel that is large enough to be clustered.
    fn answers(panel: &[Series], resources: &[Option<Resource>]) -> Vec<BatchForecast> {
        let batch = Batch { method: Method::Lstm, season: SEASON, horizon: SEASON, resources };
        let answers = batch.forecast(panel, &levels(), &|_| {});
        answers.into_iter().map(|answer| answer.expect("long enough")).collect()
    }

    #[test]
    fn it_is_told_what_is_known_on_any_number_of_threads() {
        let panel: Vec<Series> = (90..102).map(|seed| whole(&wave(seed, 24 * 3))).collect();
        let resources: Vec<Option<Resource>> =
            (0..12).map(|index| Some(Resource::ALL[index % 2])).collect();
        let on = |threads: usize, resources: &[Option<Resource>]| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| answers(&panel, resources))
        };
        let told = on(1, &resources);
        told.iter().for_each(|answer| assert_sound(answer, SEASON));
        assert_eq!(told, on(3, &resources));
        assert_ne!(told, on(3, &[]));
    }

    #[test]
    fn a_series_that_is_too_short_says_so_once() {
        let check = |values: &[f64], expected: &str| {
            let answers = batch(Method::Lstm).forecast(&[whole(values)], &levels(), &|_| {});
            let errors: Vec<String> = answers
                .iter()
                .filter_map(|answer| Some(answer.as_ref().err()?.to_string()))
                .collect();
            assert_eq!(errors, [expected]);
        };
        check(&[], "expected at least 48 samples to fit lstm, found 0");
        check(&wave(1, 47), "expected at least 48 samples to fit lstm, found 47");
        let few = |found: usize| {
            let what = "32 samples that change and have a day before them";
            format!("expected at least {what} for lstm, found {found}")
        };
        check(&wave(1, 48), &few(18));
        check(&[7.0; 200], &few(0));
    }
}

/// What is told after an origin within the series must not change what the trees are told of that origin.
#[test]
fn scores_do_not_see_beyond_their_origins() {
    let clean: Vec<Vec<f64>> = (80..88).map(|seed| wave(seed, 24 * 15)).collect();
    let trees = |values: &[Vec<f64>]| {
        let known: Vec<Series> =
            values.iter().map(|values| series_of(values[..24 * 12].to_vec())).collect();
        crate::boosted::Boosted::new(SEASON, crate::boosted::Pieces::Steps(SEASON))
            .fit(&known)
            .expect("long enough")
    };
    let fitted = trees(&clean);
    for values in &clean {
        let mut poisoned = values.clone();
        poisoned[24 * 13..].fill(1e6);
        let said = |values: &[f64]| {
            let series = series_of(values.to_vec());
            let vantage = crate::boosted::Vantage::new(&fitted, &series, 24 * 12);
            vantage.quantiles(24 * 13, &[0, 5, 23]).expect("samples")
        };
        assert_eq!(said(values), said(&poisoned));
        let later = |values: &[f64]| {
            let series = series_of(values.to_vec());
            crate::boosted::Vantage::new(&fitted, &series, 24 * 12)
                .quantiles(24 * 13 + 6, &[0])
                .expect("samples")
        };
        assert_ne!(
            later(values),
            later(&poisoned),
            "the poison is strong enough to be seen after it"
        );
    }
}
