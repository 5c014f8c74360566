//! Several seasons taken apart in turns, MSTL (Bandara, Hyndman & Bergmeir 2021), and what they leave smoothed
//! exponentially. The seasons stay as they were in their last round until the next fit; a sample moves only the rest. A
//! season must not be taken from fewer than three of it, since two agree by chance.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use crate::ets::{Ets, FittedEts};
use crate::model::{FittedModel, Model, ModelError, require};
use crate::stl::{Decomposition, Stl};

/// Turns over all seasons (Bandara et al. 2021, algorithm 1).
const TURNS: usize = 2;
/// Seasons over which a phase is smoothed: 7 + 4i for the i-th (there, section 2).
const FIRST_WINDOW: usize = 11;
const WIDER: usize = 4;
/// Seasons that must be there to forecast by them.
const FEWEST_SEASONS: usize = 3;
/// What the smoothing of the rest needs.
const FEWEST_SAMPLES: usize = 8;

/// Trend and several seasons.
#[derive(Debug, Clone, PartialEq)]
pub struct SeveralSeasons {
    /// The slow part.
    pub trend: Vec<f64>,
    /// Each season by step, in the order of the periods.
    pub seasons: Vec<Vec<f64>>,
}

/// Takes `values` (NaN: gaps) apart into trend and the seasons of `periods`, ascending; each must fit in twice.
pub fn decompose(values: &[f64], periods: &[usize], is_robust: bool) -> SeveralSeasons {
    let mut seasons = vec![vec![0.0; values.len()]; periods.len()];
    let mut left = values.to_vec();
    let mut trend = vec![0.0; values.len()];
    for _ in 0..TURNS {
        for (index, (period, season)) in periods.iter().zip(&mut seasons).enumerate() {
            left.iter_mut().zip(&*season).for_each(|(left, season)| *left += season);
            let stl = Stl { is_robust, ..Stl::new(*period, FIRST_WINDOW + WIDER * index) };
            let found: Decomposition = stl.decompose(&left);
            left.iter_mut().zip(&found.season).for_each(|(left, season)| *left -= season);
            (*season, trend) = (found.season, found.trend);
        }
    }
    SeveralSeasons { trend, seasons }
}

/// MSTL that has seen no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mstl {
    /// Steps in each season, ascending. One that does not fit in three times is left out.
    pub seasons: Vec<usize>,
    /// Whether outliers are weighed down.
    pub is_robust: bool,
}

/// [`Mstl`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMstl {
    rest: FittedEts,
    /// The last round of each season; the first entry is that of the first step after the fit.
    seasons: Vec<Vec<f64>>,
    /// Steps since the fit.
    passed: usize,
}

impl Model for Mstl {
    type Fitted = FittedMstl;

    fn name(&self) -> ModelName {
        ModelName::Mstl
    }

    fn fit(&self, series: &Series) -> Result<FittedMstl, ModelError> {
        require(self.name(), FEWEST_SAMPLES, series)?;
        let fits = |period: &usize| *period > 1 && FEWEST_SEASONS * period <= series.len();
        let periods: Vec<usize> = self.seasons.iter().copied().filter(fits).collect();
        let values: Vec<f64> = series.iter().map(|v| v.map_or(f64::NAN, f64::from)).collect();
        let seasons = decompose(&values, &periods, self.is_robust).seasons;
        let mut adjusted = Series::new(series.start(), series.step());
        for (index, value) in values.iter().enumerate() {
            let season: f64 = seasons.iter().map(|season| season[index]).sum();
            let left = (value - season) as f32;
            adjusted.push((!left.is_nan()).then_some(left), series.is_censored(index));
        }
        let rest = Ets { season: None }.fit(&adjusted)?;
        let last = |(period, season): (&usize, Vec<f64>)| season[season.len() - period..].to_vec();
        let seasons = periods.iter().zip(seasons).map(last).collect();
        Ok(FittedMstl { rest, seasons, passed: 0 })
    }
}

impl FittedMstl {
    /// The seasons that were used, in steps.
    pub fn periods(&self) -> impl Iterator<Item = usize> + '_ {
        self.seasons.iter().map(Vec::len)
    }

    fn season(&self, ahead: usize) -> f64 {
        self.seasons.iter().map(|season| season[(self.passed + ahead) % season.len()]).sum()
    }
}

impl FittedModel for FittedMstl {
    fn update(&mut self, value: Option<f64>) {
        self.rest.update(value.map(|value| value - self.season(0)));
        self.passed += 1;
    }

    fn update_at_least(&mut self, bound: f64) {
        self.rest.update_at_least(bound - self.season(0));
        self.passed += 1;
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        let rest = self.rest.predict(horizon).into_iter().enumerate();
        rest.map(|(ahead, value)| value + self.season(ahead)).collect()
    }
}

#[cfg(test)]
mod tests;
