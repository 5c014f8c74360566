//! What acts where nothing was chosen: boosted trees over the whole panel, put right by what they missed on the last days
//! that they had not seen; and a naive floor wherever the trees did not beat both of them there.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use super::Batch;
use super::conformal::{self, Answering, Global, Panel, Paths};
use crate::boosted::{Boosted, FittedBoosted, Pieces, Vantage};

/// The trees that are judged are fewer than those that act: their misses are much the same.
const JUDGED_SHARE: f64 = 0.6;
/// A floor acts where its loss was below this share of the trees'. Two days say little of one series: of the floors that
/// win there by a hair most lose on the next day. Without a margin the loss a day ahead was 1.4 % higher on the series of the
/// Azure trace that choices are made on.
const MARGIN: f64 = 0.85;

impl Global for FittedBoosted {
    fn predict(&self, _: usize, series: &Series) -> Option<Paths> {
        Self::predict(self, series)
    }

    fn vantage<'a>(&'a self, _: usize, series: &'a Series, known: usize) -> Answering<'a> {
        let vantage = Vantage::new(self, series, known);
        Box::new(move |origin, ahead| vantage.quantiles(origin, ahead))
    }
}

/// The panel's trees and their corrections; `None` where the panel is too short to learn from.
pub(super) fn trees(
    batch: &Batch<'_>,
    panel: &[Series],
    done: &(dyn Fn(usize) + Sync),
) -> Option<Panel<FittedBoosted>> {
    let held = conformal::held(batch, panel)?;
    let model = Boosted::new(batch.season, Pieces::Steps(batch.horizon))
        .for_panel(panel.len(), panel.iter().map(Series::len).sum());
    let judged = Boosted { trees: (model.trees as f64 * JUDGED_SHARE) as usize, ..model.clone() }
        .fit(&conformal::known(panel, held))
        .ok();
    done(panel.len() / 4);
    let trees = model.fit(panel).ok()?;
    done(panel.len() / 2);
    Some(Panel::new(batch, panel, held, judged.as_ref(), trees))
}

impl Panel<FittedBoosted> {
    /// The floor that did at least as well as the trees on series `index`, if any.
    pub(super) fn better_floor(&self, index: usize) -> Option<ModelName> {
        let [last, season, trees] = self.losses[index]?;
        let floor = if last <= season { ModelName::LastValue } else { ModelName::SeasonalNaive };
        (last.min(season) < MARGIN * trees).then_some(floor)
    }
}
