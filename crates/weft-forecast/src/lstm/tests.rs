//! What the network promises: quantiles in order, the same for the same seed, weights that come back as they went, and
//! waves foretold better than by their last value.

use weft_core::series::Series;

use super::*;
use crate::generated::{Noise, series_of};

const SEASON: usize = 24;
const HORIZON: usize = 24;

/// Small enough for a test.
fn model() -> Lstm {
    Lstm { epochs: 2, ..Lstm::new(SEASON, HORIZON) }
}

fn wave(seed: u64, steps: usize) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let (level, swing) = (20.0 + 10.0 * seed as f64, 4.0 + seed as f64);
    (0..steps)
        .map(|t| {
            let angle = (t % SEASON) as f64 / SEASON as f64 * std::f64::consts::TAU;
            level + swing * angle.sin() + noise.normal()
        })
        .collect()
}

fn panel() -> Vec<Series> {
    (1..9).map(|seed| series_of(wave(seed, 10 * SEASON))).collect()
}

fn plain(panel: &[Series]) -> Vec<Workload<'_>> {
    panel.iter().map(Workload::plain).collect()
}

fn fitted(panel: &[Series]) -> FittedLstm {
    model().fit(&plain(panel)).expect("learns")
}

fn median_error(paths: &[[f32; LEVELS.len()]], truth: &[f64]) -> f64 {
    let misses = paths.iter().zip(truth).map(|(path, truth)| (f64::from(path[4]) - truth).abs());
    misses.sum::<f64>() / truth.len() as f64
}

#[test]
fn it_learns_the_day_and_its_quantiles_are_in_order() {
    let full: Vec<Vec<f64>> = (1..9).map(|seed| wave(seed, 10 * SEASON + HORIZON)).collect();
    let known: Vec<Series> =
        full.iter().map(|values| series_of(values[..10 * SEASON].to_vec())).collect();
    let fitted = Lstm { epochs: 6, ..model() }.fit(&plain(&known)).expect("learns");
    let (mut network, mut last) = (0.0, 0.0);
    for (series, full) in known.iter().zip(&full) {
        let paths = fitted.predict(&Workload::plain(series)).expect("forecasts");
        assert_eq!(paths.len(), HORIZON);
        assert!(paths.iter().all(|path| path.is_sorted() && path.iter().all(|q| q.is_finite())));
        network += median_error(&paths, &full[10 * SEASON..]);
        last += median_error(
            &vec![[full[10 * SEASON - 1] as f32; LEVELS.len()]; HORIZON],
            &full[10 * SEASON..],
        );
    }
    assert!(network < 0.6 * last, "{network} against {last}");
}

#[test]
fn the_result_does_not_depend_on_threads_and_weights_survive_a_file() {
    let panel = panel();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| fitted(&panel).to_safetensors().expect("bytes"))
    };
    let (one, three) = (with(1), with(3));
    assert!(one == three, "weights differ between one thread and three");
    let read = FittedLstm::from_safetensors(&one).expect("reads");
    assert!(read.to_safetensors().expect("bytes") == one);
    let ask = |model: &FittedLstm| model.predict(&Workload::plain(&panel[0])).expect("forecasts");
    assert_eq!(ask(&read), ask(&fitted(&panel)));
}

#[test]
fn what_is_no_network_is_refused() {
    let bytes = fitted(&panel()).to_safetensors().expect("bytes");
    for wrong in [&b"nothing"[..], &bytes[..bytes.len() - 8], &[]] {
        let error = FittedLstm::from_safetensors(wrong).expect_err("no weights");
        assert!(error.to_string().starts_with("expected weights in safetensors"), "{error}");
    }
}

#[test]
fn warm_retraining_starts_from_what_is_known() {
    let panel = panel();
    let cold = fitted(&panel);
    let warm = model().refit(&cold, &plain(&panel)).expect("learns");
    assert!(warm.to_safetensors().expect("bytes") != cold.to_safetensors().expect("bytes"));
    let other = Lstm { horizon: HORIZON + 1, ..model() };
    let error = other.refit(&cold, &plain(&panel)).expect_err("another horizon");
    assert!(error.to_string().contains("the same day, horizon"), "{error}");
}

#[test]
fn events_resources_and_clusters_are_told() {
    let strength: Vec<f32> =
        (0..11 * SEASON).map(|t| f32::from(u8::from(t / SEASON % 3 == 1))).collect();
    let lifted = |seed: u64| {
        let values = wave(seed, 10 * SEASON).into_iter().zip(&strength);
        series_of(values.map(|(value, lift)| value + 30.0 * f64::from(*lift)))
    };
    let series: Vec<Series> = (1..9).map(lifted).collect();
    let events = vec![strength.clone()];
    let none = vec![vec![0.0; 11 * SEASON]];
    let told = |events| {
        let of = move |(index, series)| Workload {
            series,
            resource: Some(Resource::ALL[index % 2]),
            cluster: Some(index % 3),
            events,
        };
        series.iter().enumerate().map(of).collect::<Vec<Workload<'_>>>()
    };
    let model = Lstm { clusters: 3, events: 1, epochs: 6, ..model() };
    let fitted = model.fit(&told(&events)).expect("learns");
    let mean = |events| {
        let paths = fitted.predict(&told(events)[0]).expect("forecasts");
        paths.iter().map(|path| path[4]).sum::<f32>() / HORIZON as f32
    };
    assert!(mean(&events) > mean(&none) + 3.0, "{} {}", mean(&events), mean(&none));
}

#[test]
fn what_cannot_be_learned_from_says_so() {
    let none = series_of(vec![]);
    let error = model().fit(&[Workload::plain(&none)]).expect_err("no sample");
    let few =
        "expected at least 32 samples that change and have a day before them for lstm, found 0";
    assert_eq!(error.to_string(), few);
    let fitted = fitted(&panel());
    assert!(fitted.predict(&Workload::plain(&none)).is_err());
    let constant = series_of(vec![7.0; 10 * SEASON]);
    let paths = fitted.predict(&Workload::plain(&constant)).expect("forecasts");
    assert!(paths.iter().flatten().all(|value| *value == 7.0));
}
