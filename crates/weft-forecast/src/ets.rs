//! Exponential smoothing in innovations form (Hyndman, Koehler, Ord & Snyder 2008): additive error;
//! no trend, a damped one, or a level that reverts; no season or an additive one. A step costs O(1)
//! whatever the season's length, which is why the recursion is our own
//! (`docs/adr/0020-ets-of-our-own.md`). A gap moves the state on and teaches nothing; a censored
//! sample below the expectation must never pull the level down.
//!
//! All three trends are one recursion. With the permanent level m, the transient part d, the season
//! s of length L and the error e = y(t) − (m + φd + s(t)):
//!
//! ```text
//! m ← m + μe        d ← φd + δe        s(t) ← s(t) + γe
//! ŷ(t+h) = m + φʰd + s(t+h)
//! ```
//!
//! δ = 0 is simple exponential smoothing with α = μ. δ < 0 is the damped trend: with ℓ and b of
//! Hyndman et al. (2008, table 2.2, ETS(A,Ad,N)) m = ℓ + bφ/(1−φ) and d = −bφ/(1−φ), hence
//! δ = −βφ/(1−φ) and μ = α − δ. δ > 0 is the same model with β < 0, a level that gives back part of
//! each shock (inside the admissible region: Hyndman, Akram & Archibald 2008, table 1): of a shock
//! the share α is believed at once and α·kept stays. This is what processor use does over hours.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use crate::model::{FittedModel, Model, ModelError, require};

mod fit;
mod profile;

/// How the forecast moves away from the present level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trend {
    /// Not at all: ETS(A,N,·).
    None,
    /// On in its direction, less and less: ETS(A,Ad,·).
    Damped,
    /// Back towards a slow level: ETS(A,Ad,·) with a negative trend parameter.
    Reverting,
}

/// Smoothing parameters in the form of the module's equations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothing {
    trend: Trend,
    /// μ, the share of an error that stays.
    permanent: f64,
    /// δ, the share that fades; negative where the trend carries on.
    transient: f64,
    /// φ, what is left of the transient part after a step.
    damping: f64,
    /// γ, the share that the season takes.
    seasonal: f64,
}

impl Smoothing {
    /// Simple exponential smoothing with level parameter `alpha` in [0, 1].
    pub const fn level(alpha: f64) -> Self {
        let (permanent, transient) = (alpha, 0.0);
        Self { trend: Trend::None, permanent, transient, damping: 0.0, seasonal: 0.0 }
    }

    /// A damped trend with the parameters of the book: level `alpha`, trend `beta` in [0, alpha],
    /// `damping` in (0, 1).
    pub const fn damped(alpha: f64, beta: f64, damping: f64) -> Self {
        let transient = -beta * damping / (1.0 - damping);
        let permanent = alpha - transient;
        Self { trend: Trend::Damped, permanent, transient, damping, seasonal: 0.0 }
    }

    /// A level that believes the share `alpha` of a shock and keeps `alpha`·`kept` of it, the rest
    /// fading by `damping` a step; all in [0, 1], `damping` below 1.
    pub const fn reverting(alpha: f64, kept: f64, damping: f64) -> Self {
        let permanent = alpha * kept;
        let transient = alpha - permanent;
        Self { trend: Trend::Reverting, permanent, transient, damping, seasonal: 0.0 }
    }

    /// The same with `gamma` in [0, 1] for the season.
    #[must_use]
    pub const fn with_season(mut self, gamma: f64) -> Self {
        self.seasonal = gamma;
        self
    }

    /// Which trend.
    pub const fn trend(&self) -> Trend {
        self.trend
    }

    /// μ and δ for a state that has seen `seen` samples.
    ///
    /// A young state averages: its first gains are those of the recursive mean, 1/(k+1). Where the
    /// level reverts, an error tells of the slow level only as much as it is not expected to fade,
    /// so that gain falls as 1/(1+(1−φ)k), the recursive mean of an autoregression.
    fn gains(&self, seen: u32) -> (f64, f64) {
        let seen = f64::from(seen);
        let average = 1.0 / (seen + 1.0);
        if self.trend != Trend::Reverting {
            return (self.permanent.max(average), self.transient);
        }
        let total = (self.permanent + self.transient).max(average);
        let slow = 1.0 / (1.0 + (1.0 - self.damping) * seen);
        let permanent = self.permanent.max(slow).min(total);
        (permanent, total - permanent)
    }
}

/// The level and what fades: the state without its season.
#[derive(Debug, Clone, Copy, PartialEq)]
struct State {
    permanent: f64,
    transient: f64,
    /// Samples seen, up to [`State::LONGEST_MEMORY`].
    seen: u32,
}

impl State {
    /// No mean is kept over more samples than this: about half a week of five-minute steps. What
    /// was before is a regime that has passed.
    const LONGEST_MEMORY: u32 = 1_024;
    const UNSEEN: Self = Self { permanent: 0.0, transient: 0.0, seen: 0 };

    fn expected(&self, smoothing: &Smoothing) -> f64 {
        self.permanent + smoothing.damping * self.transient
    }

    /// Moves on by one step with the error found there, zero for a gap.
    fn step(&mut self, smoothing: &Smoothing, error: f64) {
        let (permanent, transient) = smoothing.gains(self.seen);
        self.permanent += permanent * error;
        self.transient = smoothing.damping * self.transient + transient * error;
    }

    /// Takes a value (season removed); the error, unless it is the first value.
    fn take(&mut self, smoothing: &Smoothing, value: f64, is_bound: bool) -> Option<f64> {
        let is_first = self.seen == 0;
        let error = value - if is_first { 0.0 } else { self.expected(smoothing) };
        let error = if is_bound && !is_first { error.max(0.0) } else { error };
        if is_first {
            self.permanent = value;
        } else {
            self.step(smoothing, error);
        }
        self.seen = (self.seen + 1).min(Self::LONGEST_MEMORY);
        (!is_first).then_some(error)
    }
}

/// Exponential smoothing that has seen no data. Trend and season are chosen by AICc (Hurvich & Tsai
/// 1989) among all that the data allow, parameters by least squares of one-step errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ets {
    /// Steps in a season; a season is tried from two whole ones on. `None`: never.
    pub season: Option<usize>,
}

/// [`Ets`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedEts {
    smoothing: Smoothing,
    state: State,
    /// Additive season by phase; empty where there is none.
    season: Vec<f32>,
    /// Phase of the next step.
    phase: usize,
}

impl Model for Ets {
    type Fitted = FittedEts;

    fn name(&self) -> ModelName {
        ModelName::Ets
    }

    fn fit(&self, series: &Series) -> Result<FittedEts, ModelError> {
        require(self.name(), fit::FEWEST_SAMPLES, series)?;
        Ok(fit::best(series, self.season))
    }
}

impl FittedEts {
    /// A state that has seen nothing, with these parameters and no season: how a young series
    /// begins before anything can be fitted. Its first sample becomes its level.
    pub const fn young(smoothing: Smoothing) -> Self {
        Self { smoothing, state: State::UNSEEN, season: Vec::new(), phase: 0 }
    }

    /// A state from given parts, as a book gives them: `level` and `trend` (zero where there is
    /// none) and the season whose first entry is that of the next step.
    pub fn from_state(smoothing: Smoothing, level: f64, trend: f64, season: Vec<f32>) -> Self {
        let reach = smoothing.damping / (1.0 - smoothing.damping) * trend;
        let seen = State::LONGEST_MEMORY;
        let state = State { permanent: level + reach, transient: -reach, seen };
        Self { smoothing, state, season, phase: 0 }
    }

    /// The parameters.
    pub const fn smoothing(&self) -> &Smoothing {
        &self.smoothing
    }

    /// Whether it has a season.
    pub const fn is_seasonal(&self) -> bool {
        !self.season.is_empty()
    }

    /// Whether it has seen a sample; before, it predicts nothing that could be used.
    pub const fn is_informed(&self) -> bool {
        self.state.seen > 0
    }

    /// The level that forecasts tend to, season aside.
    pub const fn level(&self) -> f64 {
        self.state.permanent
    }

    fn take(&mut self, value: Option<f64>, is_bound: bool) {
        let season = self.season.get(self.phase).copied().map_or(0.0, f64::from);
        let error = match value.filter(|value| value.is_finite()) {
            Some(value) => self.state.take(&self.smoothing, value - season, is_bound),
            None => {
                self.state.step(&self.smoothing, 0.0);
                None
            }
        };
        if self.is_seasonal() {
            self.season[self.phase] += (self.smoothing.seasonal * error.unwrap_or(0.0)) as f32;
            self.phase = (self.phase + 1) % self.season.len();
        }
    }
}

impl FittedModel for FittedEts {
    fn update(&mut self, value: Option<f64>) {
        self.take(value, false);
    }

    fn update_at_least(&mut self, bound: f64) {
        self.take(Some(bound), true);
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        let mut path = Vec::with_capacity(horizon);
        let mut transient = self.state.transient;
        for _ in 0..horizon {
            transient *= self.smoothing.damping;
            path.push(self.state.permanent + transient);
        }
        if self.is_seasonal() {
            let ring = self.season.iter().cycle().skip(self.phase);
            path.iter_mut().zip(ring).for_each(|(value, season)| *value += f64::from(*season));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Annual oil production of Saudi Arabia in millions of tonnes, 1996 to 2013: the example of
    /// Hyndman & Athanasopoulos (2021, section 8.1).
    const OIL: [f64; 18] = [
        445.36, 453.20, 454.41, 422.38, 456.04, 440.39, 425.19, 486.21, 500.43, 521.28, 508.95,
        488.89, 509.87, 456.72, 473.82, 525.95, 549.83, 542.34,
    ];

    fn run(mut fitted: FittedEts, values: &[f64]) -> FittedEts {
        values.iter().for_each(|value| fitted.update(Some(*value)));
        fitted
    }

    #[test]
    fn simple_smoothing_matches_the_book() {
        // α = 0.834 and ℓ₀ = 446.59 of the book give the forecast 542.68 (to the rounding of the
        // parameters, 0.05), and the weights α(1−α)ʲ of its equation 8.1 give it exactly.
        let (alpha, first) = (0.834, 446.59);
        let start = FittedEts::from_state(Smoothing::level(alpha), first, 0.0, Vec::new());
        let forecast = run(start, &OIL).predict(3);
        let rest = 1.0_f64 - alpha;
        let weighted = OIL.iter().rev().enumerate();
        let weighted: f64 = weighted.map(|(j, y)| alpha * rest.powi(j as i32) * y).sum();
        let expected = weighted + rest.powi(18) * first;
        for value in &forecast {
            assert!((value - expected).abs() < 1e-9, "{value} for {expected}");
            assert!((value - 542.68).abs() < 0.05, "{value} for the book's 542.68");
        }
    }

    #[test]
    fn damped_trend_and_season_match_the_textbook_recursion() {
        // ETS(A,Ad,A) of Hyndman et al. 2008, table 2.2, written out with ℓ and b.
        let (alpha, beta, phi, gamma) = (0.4, 0.15, 0.9, 0.2);
        let smoothing = Smoothing::damped(alpha, beta, phi).with_season(gamma);
        let season = vec![5.0_f32, -2.0, -3.0];
        let fitted = run(FittedEts::from_state(smoothing, 440.0, 2.0, season.clone()), &OIL);

        let (mut level, mut trend) = (440.0, 2.0);
        let mut season: Vec<f64> = season.into_iter().map(f64::from).collect();
        for (t, value) in OIL.iter().enumerate() {
            let error = value - (level + phi * trend + season[t % 3]);
            level += phi * trend + alpha * error;
            trend = phi * trend + beta * error;
            season[t % 3] += gamma * error;
        }
        let (mut reach, mut power) = (0.0, 1.0);
        for (ahead, found) in fitted.predict(7).into_iter().enumerate() {
            power *= phi;
            reach += power;
            let expected = level + reach * trend + season[(OIL.len() + ahead) % 3];
            // The season is kept in single precision: seven digits of 500.
            assert!((found - expected).abs() < 1e-4, "{found} for {expected}, {ahead} ahead");
        }
    }

    #[test]
    fn a_reverting_level_gives_back_what_it_does_not_keep() {
        let smoothing = Smoothing::reverting(0.5, 0.2, 0.8);
        let start = FittedEts::from_state(smoothing, 10.0, 0.0, Vec::new());
        let path = run(start, &[20.0]).predict(200);
        assert!((path[0] - (10.0 + 1.0 + 0.8 * 4.0)).abs() < 1e-12, "{}", path[0]);
        assert!((path[199] - 11.0).abs() < 1e-9, "{}", path[199]);
    }

    #[test]
    fn a_bound_below_the_expectation_is_no_news() {
        let smoothing = Smoothing::reverting(0.5, 0.2, 0.8);
        let start = FittedEts::from_state(smoothing, 10.0, 0.0, Vec::new());
        let after = |value: f64| {
            let mut fitted = start.clone();
            fitted.update_at_least(value);
            fitted.predict(1)[0]
        };
        let mut gap = start.clone();
        gap.update(None);
        assert_eq!(after(4.0), gap.predict(1)[0]);
        assert!(after(16.0) > 12.0, "a bound above it is");
    }

    #[test]
    fn a_young_state_averages() {
        let young = FittedEts::young(Smoothing::level(0.1));
        assert!(!young.is_informed());
        let fitted = run(young, &[2.0, 4.0, 9.0]);
        assert!((fitted.predict(1)[0] - 5.0).abs() < 1e-12);
    }
}
