//! Forecasts of many series at once, for whoever has samples and no running fleet: every method of the command line behind
//! one call. Each series is answered by itself: one that cannot be forecast says why and stops no other.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use weft_core::forecast::{Levels, ModelName};
use weft_core::resource::Resource;
use weft_core::series::Series;

use crate::arima::automatic::AutoArima;
use crate::boosted::FittedBoosted;
use crate::ets::Ets;
use crate::floors::{LastValue, SeasonalNaive};
use crate::model::ModelError;
use crate::mstl::Mstl;
use crate::prophet::Prophet;
use crate::theta::Theta;
use crate::unconstrained;
use auto::trees;
use conformal::Panel;
use local::{Judged, Refit};

pub(crate) use lifted::event_lift;
pub use lifted::{EventLift, LiftedForecast};

pub(crate) mod absurd;
mod auto;
mod conformal;
mod lifted;
mod local;
#[cfg(feature = "lstm")]
mod network;
mod young;

/// How to forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// What does best on each series.
    Auto,
    /// The better of the two floors.
    Naive,
    /// Exponential smoothing.
    Ets,
    /// Theta.
    Theta,
    /// Several seasons by local regression.
    Mstl,
    /// ARIMA of automatic order.
    Arima,
    /// Prophet.
    Prophet,
    /// The recurrent network.
    Lstm,
    /// Quantiles averaged over models.
    Ensemble,
}

impl Method {
    /// All of them, as the command line lists them.
    pub const ALL: [Self; 9] = [
        Self::Auto,
        Self::Naive,
        Self::Ets,
        Self::Theta,
        Self::Mstl,
        Self::Arima,
        Self::Prophet,
        Self::Lstm,
        Self::Ensemble,
    ];

    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Naive => "naive",
            Self::Ets => "ets",
            Self::Theta => "theta",
            Self::Mstl => "mstl",
            Self::Arima => "arima",
            Self::Prophet => "prophet",
            Self::Lstm => "lstm",
            Self::Ensemble => "ensemble",
        }
    }
}

/// What is asked of all series alike, which must share one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    /// How.
    pub method: Method,
    /// Steps in a day.
    pub season: usize,
    /// Steps ahead.
    pub horizon: usize,
    /// What each series of the panel measures; not known of those beyond its end. The recurrent network is told.
    pub resources: &'a [Option<Resource>],
}

/// The answer for one series.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchForecast {
    /// The model that acted.
    pub model: ModelName,
    /// Steps ahead × levels, in the unit of the series; ascending over levels, at least zero.
    pub quantiles: Vec<f32>,
    /// It and its rivals with their mean pinball losses over the held-out origins, in the unit of the series.
    pub scores: Vec<(ModelName, f64)>,
}

/// What was learned from the whole panel before its series are answered.
enum Shared {
    Nothing,
    /// `None` where the panel is too short.
    Trees(Option<Box<Panel<FittedBoosted>>>),
    #[cfg(feature = "lstm")]
    Network(Result<Box<Panel<network::Informed>>, ModelError>),
}

impl Shared {
    fn trees(&self) -> Option<&Panel<FittedBoosted>> {
        match self {
            Self::Trees(trees) => trees.as_deref(),
            _ => None,
        }
    }

    const fn took_time(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Trees(trees) => trees.is_some(),
            #[cfg(feature = "lstm")]
            Self::Network(network) => network.is_ok(),
        }
    }
}

impl Batch<'_> {
    /// Forecasts the steps after each series of `panel`. `done` is told how many series have been dealt with, now and then,
    /// from any thread. The result is the same for any number of threads. A series errs where the method cannot be fitted
    /// to it. A sample that is more than twenty times all others of its series is taken for a gap.
    pub fn forecast(
        &self,
        panel: &[Series],
        levels: &Levels,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<BatchForecast, ModelError>> {
        let panel = &*absurd::without(panel);
        // The models of one series know bounds, those of the panel do not.
        let told = &*unconstrained::panel(panel, self.season);
        let shared = match self.method {
            Method::Auto | Method::Ensemble => Shared::Trees(trees(self, told, done).map(Box::new)),
            #[cfg(feature = "lstm")]
            Method::Lstm => Shared::Network(network::network(self, told, done).map(Box::new)),
            _ => Shared::Nothing,
        };
        let finished = AtomicUsize::new(if shared.took_time() { panel.len() / 2 } else { 0 });
        let each = |(index, series): (usize, &Series)| {
            let answer = self.one(&shared, index, (series, &told[index]), levels);
            done(finished.fetch_add(1, Ordering::Relaxed).min(panel.len() - 1) + 1);
            answer
        };
        panel.par_iter().enumerate().with_max_len(4).map(each).collect()
    }

    fn one(
        &self,
        shared: &Shared,
        index: usize,
        (series, told): (&Series, &Series),
        levels: &Levels,
    ) -> Result<BatchForecast, ModelError> {
        match self.method {
            Method::Auto => self.auto(shared.trees(), index, (series, told), levels),
            Method::Ensemble => self.ensemble(shared.trees(), index, (series, told), levels),
            Method::Naive => Ok(answer(&self.floors(series)?, levels, series)),
            Method::Lstm => match shared {
                #[cfg(feature = "lstm")]
                Shared::Network(network) => network::answer(network, index, told, levels),
                _ => Err(ModelError::Absent { model: ModelName::Lstm }),
            },
            Method::Ets | Method::Theta | Method::Mstl | Method::Arima | Method::Prophet => {
                let mut judged = vec![self.judge(self.method, series)?];
                judged.extend(self.floors(series)?);
                Ok(answer_by(0, &judged, levels, series))
            }
        }
    }

    fn judge(&self, method: Method, series: &Series) -> Result<Judged, ModelError> {
        let (season, lengths) = (self.season, (self.season, self.horizon));
        let fits = series.len() >= 2 * season;
        match method {
            Method::Theta => {
                let model = Theta { season: fits.then_some(season), form: None };
                local::judge(&model, series, lengths, Refit::Never)
            }
            Method::Mstl => {
                let model = Mstl { seasons: vec![season, 7 * season], is_robust: false };
                local::judge(&model, series, lengths, Refit::Always)
            }
            Method::Arima => local::judge(&AutoArima { season }, series, lengths, Refit::Never),
            Method::Prophet => local::judge(&Prophet::default(), series, lengths, Refit::Always),
            _ => local::judge(&Ets { season: Some(season) }, series, lengths, Refit::Never),
        }
    }

    /// Both floors.
    fn floors(&self, series: &Series) -> Result<Vec<Judged>, ModelError> {
        let lengths = (self.season, self.horizon);
        Ok(vec![
            local::judge(&LastValue, series, lengths, Refit::Never)?,
            local::judge(&SeasonalNaive { season: self.season }, series, lengths, Refit::Never)?,
        ])
    }

    fn auto(
        &self,
        shared: Option<&Panel<FittedBoosted>>,
        index: usize,
        (series, told): (&Series, &Series),
        levels: &Levels,
    ) -> Result<BatchForecast, ModelError> {
        // Too short for the panel's trees: what little there is decides.
        let Some(shared) = shared.filter(|_| series.len() >= 2 * self.season) else {
            let mut judged = self.floors(series)?;
            judged.extend(self.judge(Method::Ets, series).ok().filter(|ets| ets.loss.is_finite()));
            let mut answer = answer(&judged, levels, series);
            if answer.model != ModelName::SeasonalNaive && series.len() < 2 * self.season {
                let least = local::floor_of(series);
                young::return_to_usual(&mut answer.quantiles, levels, series, least);
            }
            return Ok(answer);
        };
        let scores = shared.scores(index, ModelName::Boosted);
        if let Some(floor) = shared.better_floor(index) {
            let floor = self.floors(series)?.into_iter().find(|judged| judged.model == floor);
            let floor = floor.expect("both floors were judged");
            return Ok(BatchForecast {
                model: floor.model,
                quantiles: floor.quantiles(levels, series),
                scores,
            });
        }
        let quantiles = shared.quantiles(index, told, levels);
        let quantiles = quantiles.ok_or(ModelError::TooShort {
            model: ModelName::Boosted,
            needed: 1,
            found: 0,
        })?;
        Ok(BatchForecast { model: ModelName::Boosted, quantiles, scores })
    }

    /// Quantiles averaged over the trees, exponential smoothing and ARIMA: members that err in different ways.
    fn ensemble(
        &self,
        shared: Option<&Panel<FittedBoosted>>,
        index: usize,
        (series, told): (&Series, &Series),
        levels: &Levels,
    ) -> Result<BatchForecast, ModelError> {
        let judged: Vec<Judged> = [Method::Ets, Method::Arima]
            .into_iter()
            .filter_map(|method| self.judge(method, series).ok())
            .collect();
        let mut members: Vec<Vec<f32>> =
            judged.iter().map(|judged| judged.quantiles(levels, series)).collect();
        members.extend(shared.and_then(|shared| shared.quantiles(index, told, levels)));
        if members.is_empty() {
            return Ok(answer(&self.floors(series)?, levels, series));
        }
        let mean = |index: usize| {
            members.iter().map(|member| member[index]).sum::<f32>() / members.len() as f32
        };
        let quantiles = (0..members[0].len()).map(mean).collect();
        let scores = judged.iter().map(|judged| (judged.model, judged.loss)).collect();
        Ok(BatchForecast { model: ModelName::Ensemble, quantiles, scores })
    }
}

/// The best of `judged` answers.
fn answer(judged: &[Judged], levels: &Levels, series: &Series) -> BatchForecast {
    let best =
        (0..judged.len()).min_by(|a, b| judged[*a].loss.total_cmp(&judged[*b].loss)).unwrap_or(0);
    answer_by(best, judged, levels, series)
}

fn answer_by(acting: usize, judged: &[Judged], levels: &Levels, series: &Series) -> BatchForecast {
    let scores = judged
        .iter()
        .filter(|judged| judged.loss.is_finite())
        .map(|judged| (judged.model, judged.loss));
    BatchForecast {
        model: judged[acting].model,
        quantiles: judged[acting].quantiles(levels, series),
        scores: scores.collect(),
    }
}

#[cfg(test)]
mod tests;
