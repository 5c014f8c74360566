//! The search for parameters: bounded pattern search on one-step squared errors, and the choice of
//! trend and season by AICc. Everything here is rare work; it must give the same result whatever
//! the machine, so there is no random start and no limit by time.

use weft_core::series::Series;

use super::profile::{self, Profile};
use super::{FittedEts, Smoothing, State, Trend};
use crate::model::take_step;

/// Below this the corrected criterion has no denominator.
pub(super) const FEWEST_SAMPLES: usize = 8;
/// Parameters are fitted to at most this many steps, the newest: smoothing parameters are few, and
/// what a thousand errors do not tell of them, two thousand do not either.
const MOST_STEPS: usize = 1_024;
/// Errors before the level has settled are not counted.
const SETTLING_ERRORS: usize = 3;
/// Steps of the pattern search in units of each parameter's range: it ends when a parameter is
/// known to about 2 %, below which the criterion is flat.
const FIRST_STRIDE: f64 = 0.25;
const LAST_STRIDE: f64 = 0.02;

/// A value with its season removed; NaN for a gap.
#[derive(Clone, Copy)]
struct Point {
    value: f64,
    is_bound: bool,
}

/// A candidate after its search.
struct Candidate {
    smoothing: Smoothing,
    season: Option<Profile>,
    criterion: f64,
}

/// The best exponential smoothing for `series`, at its end.
pub(super) fn best(series: &Series, season: Option<usize>) -> FittedEts {
    let profile = season.filter(|length| *length > 1);
    let profile = profile.and_then(|length| profile::estimate(series, length));
    let mut candidates = candidates(series, None);
    if profile.is_some() {
        candidates.extend(self::candidates(series, profile.as_ref()));
    }
    let chosen = candidates.into_iter().min_by(|a, b| a.criterion.total_cmp(&b.criterion));
    fitted(series, chosen.expect("there is one candidate per trend"))
}

fn fitted(series: &Series, chosen: Candidate) -> FittedEts {
    let Candidate { smoothing, season, .. } = chosen;
    let (season, gain) = season.map_or((Vec::new(), 0.0), |p| (p.season, p.gain));
    // The profile already holds every sample of the past: it learns only from here on.
    let mut fitted = FittedEts { smoothing, state: State::UNSEEN, season, phase: 0 };
    (0..series.len()).for_each(|index| take_step(&mut fitted, series, index));
    fitted.smoothing = smoothing.with_season(gain);
    fitted
}

fn candidates(series: &Series, season: Option<&Profile>) -> Vec<Candidate> {
    let points = points(series, season);
    let searched = |trend: Trend| {
        let (smoothing, squares) = search(trend, &points);
        let parameters = dimensions(trend) as f64 + season.map_or(0.0, |p| p.parameters);
        let criterion = corrected_criterion(&points, squares, parameters + 2.0);
        Candidate { smoothing, season: season.cloned(), criterion }
    };
    [Trend::None, Trend::Damped, Trend::Reverting].map(searched).into()
}

fn points(series: &Series, season: Option<&Profile>) -> Vec<Point> {
    let begin = series.len().saturating_sub(MOST_STEPS);
    let point = |index: usize| {
        let shape = season.map_or(0.0, |p| f64::from(p.season[index % p.season.len()]));
        let value = series.get(index).map_or(f64::NAN, |value| f64::from(value) - shape);
        Point { value, is_bound: series.is_censored(index) }
    };
    (begin..series.len()).map(point).collect()
}

/// Sum of squared one-step errors after settling, and their number.
fn squared_errors(smoothing: &Smoothing, points: &[Point]) -> (f64, usize) {
    let mut state = State::UNSEEN;
    let (mut sum, mut count) = (0.0, 0_usize);
    for point in points {
        if point.value.is_nan() {
            state.step(smoothing, 0.0);
        } else if let Some(error) = state.take(smoothing, point.value, point.is_bound) {
            count += 1;
            sum += if count > SETTLING_ERRORS { error * error } else { 0.0 };
        }
    }
    (sum, count.saturating_sub(SETTLING_ERRORS))
}

/// AICc for `parameters` parameters (variance included): n ln(SSE/n) + 2k + 2k(k+1)/(n−k−1).
fn corrected_criterion(points: &[Point], squares: f64, parameters: f64) -> f64 {
    let present = points.iter().filter(|point| !point.value.is_nan()).count();
    let n = present.saturating_sub(1 + SETTLING_ERRORS) as f64;
    let rest = n - parameters - 1.0;
    if rest <= 0.0 {
        // Too many parameters for the data; among such, fewer are better.
        return f64::MAX / 2.0 * (1.0 - 1.0 / (1.0 + parameters));
    }
    let penalty = 2.0 * parameters + 2.0 * parameters * (parameters + 1.0) / rest;
    n * (squares / n).max(f64::MIN_POSITIVE).ln() + penalty
}

const fn dimensions(trend: Trend) -> usize {
    match trend {
        Trend::None => 1,
        Trend::Damped | Trend::Reverting => 3,
    }
}

/// Parameters from coordinates in the unit cube.
///
/// α spans [0.02, 1]: a smaller one is a constant. A damped trend has φ in [0.8, 0.98] (Hyndman et
/// al. 2008, section 2.5.1) and β up to α/2. A reverting level forgets with half-lives between one
/// step and half a day of five-minute steps, on a logarithmic scale.
fn smoothing(trend: Trend, at: &[f64; 3]) -> Smoothing {
    let alpha = 0.02 + 0.98 * at[0];
    match trend {
        Trend::None => Smoothing::level(alpha),
        Trend::Damped => Smoothing::damped(alpha, 0.5 * at[1] * alpha, 0.8 + 0.18 * at[2]),
        Trend::Reverting => {
            let (fast, slow) = (0.5_f64, 0.005_f64);
            Smoothing::reverting(alpha, at[1], 1.0 - fast * (slow / fast).powf(at[2]))
        }
    }
}

/// The least squared errors within the cube by pattern search (Hooke & Jeeves 1961, exploratory
/// moves): each coordinate is tried in both directions; where none helps, the stride is halved.
fn search(trend: Trend, points: &[Point]) -> (Smoothing, f64) {
    let cost = |at: &[f64; 3]| squared_errors(&smoothing(trend, at), points).0;
    let mut best = [0.3, 0.2, 0.5];
    let mut least = cost(&best);
    let mut stride = FIRST_STRIDE;
    while stride > LAST_STRIDE {
        let before = least;
        for coordinate in 0..dimensions(trend) {
            for direction in [-stride, stride] {
                let mut tried = best;
                tried[coordinate] = (tried[coordinate] + direction).clamp(0.0, 1.0);
                let found = cost(&tried);
                if found < least {
                    (best, least) = (tried, found);
                }
            }
        }
        if least >= before * (1.0 - 1e-4) {
            stride /= 2.0;
        }
    }
    (smoothing(trend, &best), least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ets::Ets;
    use crate::generated::{Noise, series_of};
    use crate::model::{FittedModel, Model};
    use weft_core::series::Series;
    use weft_core::time::{Step, Timestamp};

    fn fit(values: impl IntoIterator<Item = f64>, season: Option<usize>) -> FittedEts {
        Ets { season }.fit(&series_of(values)).expect("long enough")
    }

    #[test]
    fn the_search_finds_the_level_parameter() {
        // An ETS(A,N,N) path with α = 0.3 is ARIMA(0,1,1); the estimate's deviation at n = 1,000 is
        // about √(α(2−α)/n) = 0.02.
        let mut noise = Noise::new(7);
        let mut level = 100.0;
        let path: Vec<f64> = (0..1_000)
            .map(|_| {
                let error = noise.normal();
                let value = level + error;
                level += 0.3 * error;
                value
            })
            .collect();
        let (found, _) = search(Trend::None, &points(&series_of(path), None));
        assert!((found.permanent - 0.3).abs() < 0.08, "{found:?}");
    }

    #[test]
    fn an_autoregression_reverts() {
        let mut noise = Noise::new(3);
        let mut deviation = 0.0;
        let path: Vec<f64> = (0..600)
            .map(|_| {
                deviation = 0.9 * deviation + noise.normal();
                50.0 + deviation
            })
            .collect();
        let fitted = fit(path.clone(), None);
        assert_eq!(fitted.smoothing().trend(), Trend::Reverting);
        let far = fitted.predict(300)[299];
        let mean = path.iter().sum::<f64>() / 600.0;
        assert!((far - mean).abs() < 3.0, "{far} should have gone back to about {mean}");
    }

    #[test]
    fn a_season_is_taken_where_there_is_one() {
        let mut noise = Noise::new(5);
        let wave = |t: usize| 10.0 * (t as f64 / 24.0 * std::f64::consts::TAU).sin();
        let seasonal: Vec<f64> = (0..24 * 5).map(|t| 40.0 + wave(t) + noise.normal()).collect();
        let fitted = fit(seasonal, Some(24));
        assert!(fitted.is_seasonal());
        for (ahead, value) in fitted.predict(24).into_iter().enumerate() {
            let expected = 40.0 + wave(ahead);
            assert!((value - expected).abs() < 2.5, "{value} for {expected}, {ahead} ahead");
        }
        let flat: Vec<f64> = (0..24 * 5).map(|_| 40.0 + noise.normal()).collect();
        let flat = fit(flat, Some(24)).predict(24);
        assert!(flat.iter().all(|value| (value - 40.0).abs() < 1.5), "{flat:?}");
    }

    #[test]
    fn odd_series_give_finite_forecasts() {
        let constant = vec![Some(5.0_f32); 40];
        let zeros = vec![Some(0.0); 40];
        let spikes = (0..60).map(|t| Some(if t % 17 == 0 { 1e12 } else { 0.0 })).collect();
        let gaps = (0..60).map(|t| Some(t as f32).filter(|_| t % 3 == 0)).collect();
        let end = (0..60).map(|t| Some(1.0).filter(|_| t < 9)).collect();
        for values in [constant, zeros, spikes, gaps, end] {
            let series = Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values);
            let path = Ets { season: Some(12) }.fit(&series).expect("enough").predict(100);
            assert!(path.iter().all(|value| value.is_finite()), "{series:?} gave {path:?}");
        }
        let short = series_of([1.0; 3]);
        assert!(Ets { season: None }.fit(&short).is_err());
    }
}
