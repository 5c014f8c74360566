//! The recurrent network over the whole panel, put right as the trees are. The network that acts learns on from the one that
//! was judged, so that both together cost little more than one. It is told what each series measures and which have a similar
//! day. Of events it is told nothing: [`Batch::forecast_with`] takes their effects off before and puts them on after.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use weft_core::forecast::{Levels, ModelName};
use weft_core::resource::Resource;
use weft_core::series::Series;

use super::conformal::{self, Answering, Global, Panel, Paths};
use super::{Batch, BatchForecast};
use crate::cluster::{Clusters, Count, Profile};
use crate::lstm::{FittedLstm, Lstm, Workload};
use crate::model::ModelError;

/// Fewer series than this are one cluster: in several there would be too few to learn from.
const FEWEST_CLUSTERED: usize = 12;

/// What the network is told of each series beside its samples.
#[derive(Debug)]
struct Told {
    resources: Vec<Option<Resource>>,
    /// Empty where there are too few series to tell any apart.
    clusters: Vec<usize>,
}

impl Told {
    /// `known` is what of the panel the judged network may see.
    fn new(batch: &Batch<'_>, known: &[Series]) -> Self {
        Self { resources: batch.resources.to_vec(), clusters: clusters(known, batch.season) }
    }

    fn count(&self) -> usize {
        self.clusters.iter().max().map_or(0, |last| last + 1)
    }

    fn workload<'a>(&self, index: usize, series: &'a Series) -> Workload<'a> {
        Workload {
            resource: self.resources.get(index).copied().flatten(),
            cluster: self.clusters.get(index).copied(),
            ..Workload::plain(series)
        }
    }

    fn workloads<'a>(&self, panel: &'a [Series]) -> Vec<Workload<'a>> {
        panel.iter().enumerate().map(|(index, series)| self.workload(index, series)).collect()
    }
}

/// The cluster of each series, by its mean day.
fn clusters(panel: &[Series], season: usize) -> Vec<usize> {
    if panel.len() < FEWEST_CLUSTERED {
        return Vec::new();
    }
    let profiles: Vec<Profile> =
        panel.par_iter().map(|series| Profile::of_season(series, season)).collect();
    let found = Clusters::find(&profiles, Count::Auto, 0);
    let numbers = |found: Clusters| found.assignment().iter().map(|id| id.0 as usize).collect();
    found.map(numbers).unwrap_or_default()
}

/// A network with what it is told.
pub(super) struct Informed {
    network: FittedLstm,
    told: Arc<Told>,
}

impl Global for Informed {
    fn predict(&self, index: usize, series: &Series) -> Option<Paths> {
        self.network.predict(&self.told.workload(index, series)).ok()
    }

    fn vantage<'a>(&'a self, index: usize, series: &'a Series, known: usize) -> Answering<'a> {
        let subject = self.network.subject(&self.told.workload(index, series), known);
        let network = &self.network;
        Box::new(move |origin, ahead| network.quantiles(&subject, origin, ahead).ok().flatten())
    }
}

/// The panel's network and its corrections. Errs where the panel is too short to learn from.
pub(super) fn network(
    batch: &Batch<'_>,
    panel: &[Series],
    done: &(dyn Fn(usize) + Sync),
) -> Result<Panel<Informed>, ModelError> {
    let held = conformal::held(batch, panel).ok_or_else(|| ModelError::TooShort {
        model: ModelName::Lstm,
        needed: 2 * batch.season.max(batch.horizon),
        found: panel.iter().map(Series::len).max().unwrap_or(0),
    })?;
    let known = conformal::known(panel, held);
    let told = Arc::new(Told::new(batch, &known));
    let model = Lstm { clusters: told.count(), ..Lstm::new(batch.season, batch.horizon) };
    let judged = model.fit(&told.workloads(&known)).ok();
    done(panel.len() / 4);
    let acting = match &judged {
        Some(judged) => model.refit(judged, &told.workloads(panel))?,
        None => model.fit(&told.workloads(panel))?,
    };
    done(panel.len() / 2);
    let informed = |network: FittedLstm| Informed { network, told: Arc::clone(&told) };
    Ok(Panel::new(batch, panel, held, judged.map(informed).as_ref(), informed(acting)))
}

/// What the network says of series `index`.
pub(super) fn answer(
    network: &Result<Box<Panel<Informed>>, ModelError>,
    index: usize,
    series: &Series,
    levels: &Levels,
) -> Result<BatchForecast, ModelError> {
    let network = network.as_ref().map_err(Clone::clone)?;
    let nothing = ModelError::TooShort { model: ModelName::Lstm, needed: 1, found: 0 };
    let quantiles = network.quantiles(index, series, levels).ok_or(nothing)?;
    let scores = network.scores(index, ModelName::Lstm);
    Ok(BatchForecast { model: ModelName::Lstm, quantiles, scores })
}
