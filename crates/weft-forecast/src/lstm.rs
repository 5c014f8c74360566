//! One recurrent network over all workloads: a long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of
//! Gers, Schmidhuber & Cummins 2000) reads the last two days, and a small head says the quantiles of any step ahead from its
//! state and from what is known of that step (the direct multi-horizon form of Wen et al. 2017). It must never look at or
//! after an origin, and its result may not depend on the number of threads.
//!
//! Tensors and gradients are candle's. Its tree has 130 crates, that of burn 0.22 with its ndarray backend 140.

use candle_core::Device;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use weft_core::forecast::ModelName;
use weft_core::resource::Resource;
use weft_core::series::Series;

use crate::boosted::LEVELS;
use crate::boosted::features::Shape;
use crate::model::ModelError;
use network::{Network, Size};
use samples::{Lot, Share, Subject};
use training::{Course, train};

mod network;
mod recurrence;
mod samples;
mod training;
mod weights;

/// A series with what else is known of it. What is not known is left out and costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// The samples.
    pub series: &'a Series,
    /// What is measured.
    pub resource: Option<Resource>,
    /// Number of its cluster, below [`Lstm::clusters`]; others count as unknown.
    pub cluster: Option<usize>,
    /// For each of [`Lstm::events`] kinds of event how strong it is at each step, those to be forecast included; steps that
    /// are missing are at zero.
    pub events: &'a [Vec<f32>],
}

impl<'a> Workload<'a> {
    /// Of which nothing is known but its samples.
    pub const fn plain(series: &'a Series) -> Self {
        Self { series, resource: None, cluster: None, events: &[] }
    }
}

/// The model before it has seen a panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lstm {
    /// Steps in a day.
    pub season: usize,
    /// Steps ahead.
    pub horizon: usize,
    /// Clusters that are told apart.
    pub clusters: usize,
    /// Kinds of event that are told of.
    pub events: usize,
    /// Times that each sample is learned from at most.
    pub epochs: usize,
    /// What the first weights and the order of the samples are drawn from.
    pub seed: u64,
}

/// Units of the recurrence and of each layer of the head.
const HIDDEN: usize = 48;
const WIDTH: usize = 64;
/// Origins learned from in all, and of one series at most.
const ORIGINS: usize = 32_000;
const ORIGINS_PER_SERIES: usize = 800;
/// Origins without which nothing is learned.
const FEWEST_ORIGINS: usize = 32;
/// The share of the samples, at most one season, whose forecasts say when to stop.
const HELD_SHARE: usize = 8;
/// Warm retraining takes this share of the epochs, from a lower rate.
const WARM_SHARE: f64 = 0.5;
const RATE: f64 = 4e-3;
const WARM_RATE: f64 = 1.5e-3;

impl Lstm {
    /// With what did best, of three settings, from one origin on fifty machines of the Azure trace, the `dev` half of
    /// `bench/forecast`.
    pub const fn new(season: usize, horizon: usize) -> Self {
        Self { season, horizon, clusters: 0, events: 0, epochs: 4, seed: 1 }
    }

    /// Learns from all of `panel`: its last day, at most an eighth, decides when to stop. Errs where no series is long enough
    /// to have seen any step come.
    pub fn fit(&self, panel: &[Workload<'_>]) -> Result<FittedLstm, ModelError> {
        let start = Network::drawn(self.size(), self.seed, &device()).map_err(failed)?;
        let course = Course { epochs: self.epochs, rate: RATE, seed: self.seed };
        self.learn(start, panel, course, true)
    }

    /// Learns on from `earlier`, in less time: `panel` may hold other series than those it has seen, and nothing of it is
    /// held out. Errs as [`Self::fit`], and where `earlier` is of another form.
    pub fn refit(
        &self,
        earlier: &FittedLstm,
        panel: &[Workload<'_>],
    ) -> Result<FittedLstm, ModelError> {
        if earlier.network.size != self.size() || earlier.shape != self.shape() {
            return Err(ModelError::Setting {
                model: ModelName::Lstm,
                expected: "weights for the same day, horizon, clusters and events",
                found: format!("{:?}, {:?}", earlier.shape, earlier.network.size),
            });
        }
        let epochs = (self.epochs as f64 * WARM_SHARE).ceil() as usize;
        let course = Course { epochs, rate: WARM_RATE, seed: self.seed.wrapping_add(1) };
        self.learn(earlier.network.clone(), panel, course, false)
    }

    fn learn(
        &self,
        start: Network,
        panel: &[Workload<'_>],
        course: Course,
        holds_out: bool,
    ) -> Result<FittedLstm, ModelError> {
        let (shape, size) = (self.shape(), start.size);
        let longest = panel.iter().map(|workload| workload.series.len()).max().unwrap_or(0);
        let held = if holds_out { self.season.min(longest / HELD_SHARE) } else { 0 };
        let origins = (ORIGINS / panel.len().max(1)).clamp(1, ORIGINS_PER_SERIES);
        let lots: Vec<[Lot; 2]> = panel
            .par_iter()
            .map(|workload| {
                let subject = Subject::new(workload, shape, size);
                [Share::Learned, Share::Held].map(|share| Lot::of(&subject, share, held, origins))
            })
            .collect();
        let (mut learned, mut judged) = (Lot::default(), Lot::default());
        for [more, held] in lots {
            learned.extend(more);
            judged.extend(held);
        }
        if learned.len() < FEWEST_ORIGINS {
            return Err(ModelError::Setting {
                model: ModelName::Lstm,
                expected: "at least 32 samples that change and have a day before them",
                found: learned.len().to_string(),
            });
        }
        let network = train(start, &learned, &judged, course).map_err(failed)?;
        Ok(FittedLstm { shape, network })
    }

    const fn shape(&self) -> Shape {
        Shape { season: self.season, week: 7 * self.season, horizon: self.horizon }
    }

    const fn size(&self) -> Size {
        Size { hidden: HIDDEN, width: WIDTH, clusters: self.clusters, events: self.events }
    }
}

/// The CPU; with `lstm-cuda` the first device where there is one.
fn device() -> Device {
    if cfg!(feature = "lstm-cuda") {
        Device::cuda_if_available(0).unwrap_or(Device::Cpu)
    } else {
        Device::Cpu
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
fn failed(error: candle_core::Error) -> ModelError {
    ModelError::Failed { model: ModelName::Lstm, cause: error.to_string() }
}

/// The model after it has seen a panel.
#[derive(Debug, Clone)]
pub struct FittedLstm {
    shape: Shape,
    network: Network,
}

impl FittedLstm {
    /// The quantiles at [`LEVELS`] of the steps after the samples of `workload`, step after step, ascending. Errs where there
    /// is no sample.
    pub fn predict(&self, workload: &Workload<'_>) -> Result<Vec<[f32; LEVELS.len()]>, ModelError> {
        let all: Vec<usize> = (0..self.shape.horizon).collect();
        let subject = Subject::new(workload, self.shape, self.network.size);
        self.quantiles(&subject, workload.series.len(), &all)
            .map_err(failed)?
            .ok_or(ModelError::TooShort { model: ModelName::Lstm, needed: 1, found: 0 })
    }

    /// The quantiles of the steps `ahead` of `origin`; `None` where nothing is known there.
    pub(crate) fn quantiles(
        &self,
        subject: &Subject<'_>,
        origin: usize,
        ahead: &[usize],
    ) -> candle_core::Result<Option<Vec<[f32; LEVELS.len()]>>> {
        let Some(view) = subject.view(origin) else { return Ok(None) };
        if view.is_constant() {
            return Ok(Some(vec![[view.centre; LEVELS.len()]; ahead.len()]));
        }
        let lot = Lot::asked(subject, &view, origin, ahead);
        let paths = self.network.quantiles(&lot.batch(&[0]))?;
        let restore =
            |path: [f32; LEVELS.len()]| path.map(|level| view.centre + view.scale * level);
        Ok(Some(paths.into_iter().map(restore).collect()))
    }

    /// A series made ready to be forecast from any origin within it, whose ways are taken from its first `known` steps.
    pub(crate) fn subject<'a>(&self, workload: &Workload<'a>, known: usize) -> Subject<'a> {
        Subject::known_to(workload, self.shape, self.network.size, known)
    }
}

#[cfg(test)]
mod tests;
