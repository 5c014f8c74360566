//! The Theta method (Assimakopoulos & Nikolopoulos 2000): what the season leaves is smoothed exponentially and drawn
//! towards its line. In the one-error form of Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016, equations 7
//! to 13), with level ℓ, line A + Bt, pull ω = 1 − 1/θ and innovation ε:
//!
//! ```text
//! μ(t) = ℓ(t−1) + ω { (1−α)^(t−1) A + [1 − (1−α)^t] B / α }
//! ℓ(t) = ℓ(t−1) + α (y(t) − ℓ(t−1))
//! ```
//!
//! ω = ½ is the standard method (Hyndman & Billah 2003: simple smoothing with half the line's slope as drift). The line
//! is that of all samples, or, in the dynamic form, that of the samples so far. A gap counts as what was expected of
//! it; no forecast may use a sample after its origin.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use crate::model::{FittedModel, Model, ModelError, require};

mod fit;
mod season;

use season::Season;

/// Which form of the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// θ = 2 and one line.
    Standard,
    /// θ by least squares, and one line.
    Optimised,
    /// θ = 2 and a line that moves with the samples.
    Dynamic,
    /// θ by least squares, and a line that moves.
    DynamicOptimised,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Standard, Self::Optimised, Self::Dynamic, Self::DynamicOptimised];

    const fn is_dynamic(self) -> bool {
        matches!(self, Self::Dynamic | Self::DynamicOptimised)
    }

    const fn is_optimised(self) -> bool {
        matches!(self, Self::Optimised | Self::DynamicOptimised)
    }
}

/// The Theta method, before it has seen data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theta {
    /// Steps in a season; it is taken out where a test finds it. `None`: never.
    pub season: Option<usize>,
    /// The form; `None`: the best by AICc.
    pub form: Option<Form>,
}

/// [`Theta`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTheta {
    form: Form,
    /// α.
    alpha: f64,
    /// ω = 1 − 1/θ.
    pull: f64,
    /// Σε² over all steps but the first three, per step.
    variance: f64,
    state: State,
    season: Option<Season>,
    /// Phase of the next step.
    phase: usize,
}

/// Level and line after some steps.
#[derive(Debug, Clone, Copy, PartialEq)]
struct State {
    level: f64,
    /// A and B.
    line: (f64, f64),
    /// Mean of the values so far.
    mean: f64,
    /// Values so far.
    seen: f64,
    /// (1 − α)^seen.
    fade: f64,
}

impl State {
    /// What the line adds to the next value for a whole pull.
    fn reach(&self, alpha: f64) -> f64 {
        self.fade * self.line.0 + (1.0 - self.fade * (1.0 - alpha)) / alpha * self.line.1
    }

    fn take(&mut self, alpha: f64, value: f64, is_dynamic: bool) {
        if is_dynamic {
            self.bend(value);
        }
        self.level += alpha * (value - self.level);
        self.fade *= 1.0 - alpha;
        self.seen += 1.0;
    }

    /// The least-squares line with one value more (Fiorucci et al. 2016, equations 11 to 13).
    fn bend(&mut self, value: f64) {
        let t = self.seen + 1.0;
        let slope = if self.seen == 0.0 {
            0.0
        } else {
            ((t - 2.0) * self.line.1 + 6.0 / t * (value - self.mean)) / (t + 1.0)
        };
        self.mean = if self.seen == 0.0 { value } else { self.mean + (value - self.mean) / t };
        self.line = (self.mean - slope * (t + 1.0) / 2.0, slope);
    }
}

impl Model for Theta {
    type Fitted = FittedTheta;

    fn name(&self) -> ModelName {
        ModelName::Theta
    }

    fn fit(&self, series: &Series) -> Result<FittedTheta, ModelError> {
        require(self.name(), fit::FEWEST_SAMPLES, series)?;
        Ok(fit::best(series, self.season, self.form))
    }
}

impl FittedTheta {
    /// The form that was chosen.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// α, the share of an error that the level takes.
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// ω = 1 − 1/θ, from 0 (no line) to 1.
    pub const fn pull(&self) -> f64 {
        self.pull
    }

    /// Mean squared error one step ahead, season taken out, without the first three steps.
    pub const fn variance(&self) -> f64 {
        self.variance
    }

    /// Whether a season is taken out.
    pub const fn is_seasonal(&self) -> bool {
        self.season.is_some()
    }

    fn expected(&self, state: &State) -> f64 {
        state.level + self.pull * state.reach(self.alpha)
    }

    fn take(&mut self, value: Option<f64>, is_bound: bool) {
        let expected = self.expected(&self.state);
        let adjusted = value.filter(|value| value.is_finite()).map(|value| match &self.season {
            Some(season) => season.remove(value, self.phase),
            None => value,
        });
        let taken = match adjusted {
            Some(bound) if is_bound => bound.max(expected),
            Some(value) => value,
            None => expected,
        };
        self.state.take(self.alpha, taken, self.form.is_dynamic());
        if let Some(season) = &self.season {
            self.phase = (self.phase + 1) % season.len();
        }
    }
}

impl FittedModel for FittedTheta {
    fn update(&mut self, value: Option<f64>) {
        self.take(value, false);
    }

    fn update_at_least(&mut self, bound: f64) {
        self.take(Some(bound), true);
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        let mut state = self.state;
        let next = |ahead: usize| {
            let value = self.expected(&state);
            state.take(self.alpha, value, self.form.is_dynamic());
            match &self.season {
                Some(season) => season.restore(value, self.phase + ahead),
                None => value,
            }
        };
        (0..horizon).map(next).collect()
    }
}

#[cfg(test)]
mod tests;
