//! The recurrent network over the whole panel, put right as the trees are. The network that acts learns on from the one that
//! was judged, so that both together cost little more than one.

use weft_core::forecast::{Levels, ModelName};
use weft_core::series::Series;

use super::conformal::{self, Answering, Global, Panel, Paths};
use super::{Batch, BatchForecast};
use crate::lstm::{FittedLstm, Lstm, Workload};
use crate::model::ModelError;

impl Global for FittedLstm {
    fn predict(&self, series: &Series) -> Option<Paths> {
        Self::predict(self, &Workload::plain(series)).ok()
    }

    fn vantage<'a>(&'a self, series: &'a Series, known: usize) -> Answering<'a> {
        let subject = self.subject(&Workload::plain(series), known);
        Box::new(move |origin, ahead| self.quantiles(&subject, origin, ahead).ok().flatten())
    }
}

/// The panel's network and its corrections. Errs where the panel is too short to learn from.
pub(super) fn network(
    batch: &Batch,
    panel: &[Series],
    done: &(dyn Fn(usize) + Sync),
) -> Result<Panel<FittedLstm>, ModelError> {
    let held = conformal::held(batch, panel).ok_or_else(|| ModelError::TooShort {
        model: ModelName::Lstm,
        needed: 2 * batch.season.max(batch.horizon),
        found: panel.iter().map(Series::len).max().unwrap_or(0),
    })?;
    let model = Lstm::new(batch.season, batch.horizon);
    let known = conformal::known(panel, held);
    let judged = model.fit(&plain(&known)).ok();
    done(panel.len() / 4);
    let acting = match &judged {
        Some(judged) => model.refit(judged, &plain(panel))?,
        None => model.fit(&plain(panel))?,
    };
    done(panel.len() / 2);
    Ok(Panel::new(batch, panel, held, judged.as_ref(), acting))
}

fn plain(panel: &[Series]) -> Vec<Workload<'_>> {
    panel.iter().map(Workload::plain).collect()
}

/// What the network says of series `index`.
pub(super) fn answer(
    network: &Result<Box<Panel<FittedLstm>>, ModelError>,
    index: usize,
    series: &Series,
    levels: &Levels,
) -> Result<BatchForecast, ModelError> {
    let network = network.as_ref().map_err(Clone::clone)?;
    let nothing = ModelError::TooShort { model: ModelName::Lstm, needed: 1, found: 0 };
    let quantiles = network.quantiles(series, levels).ok_or(nothing)?;
    let scores = network.scores(index, ModelName::Lstm);
    Ok(BatchForecast { model: ModelName::Lstm, quantiles, scores })
}
