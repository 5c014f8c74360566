//! Forecasts that know of events, by whatever method: the past is freed of the effects that were learned of it, the
//! method forecasts what there would be without events, and what is coming is put onto that. Each lift says where it
//! comes from.

use rayon::iter::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator,
};
use weft_core::forecast::Levels;
use weft_core::series::Series;

use super::{Batch, BatchForecast};
use crate::effects::{Announced, Effects, Lift, Provenance, SeriesEffects};
use crate::model::ModelError;

/// A forecast with the lifts in it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiftedForecast {
    /// The forecast, lifts and their uncertainty included. Its scores are those of a past without events.
    pub forecast: BatchForecast,
    /// By step ahead: the median with all events over the median without; 1 where there is none. Empty where none were
    /// told.
    pub factors: Vec<f32>,
    /// The events in whose windows any of the steps ahead lies, in the order in which they were told within each kind.
    pub lifts: Vec<EventLift>,
}

/// How one event lifts a forecast over the steps of its window.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLift {
    /// Which, and where that is known from.
    pub provenance: Provenance,
    /// What it is taken to be one of.
    pub kind: String,
    /// Median demand with it over median demand without any event.
    pub factor: f64,
    /// The factor between which it lies with 90 %: lower.
    pub low: f64,
    /// And upper.
    pub high: f64,
}

impl From<BatchForecast> for LiftedForecast {
    /// A forecast that knows of no event.
    fn from(forecast: BatchForecast) -> Self {
        Self { forecast, factors: Vec::new(), lifts: Vec::new() }
    }
}

impl Batch<'_> {
    /// Forecasts as [`Batch::forecast`] does, with effects learned from the samples of `panel` and put onto the steps
    /// after each series. An event that becomes known after a series ends, or after the announced origin, does nothing
    /// to it.
    pub fn forecast_with(
        &self,
        panel: &[Series],
        announced: &Announced<'_>,
        levels: &Levels,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<LiftedForecast, ModelError>> {
        let effects = Effects::learn(panel, self.season, announced);
        let clean = |(index, series): (usize, &Series)| effects.of(index).cleaned(series);
        let cleaned: Vec<Series> = panel.par_iter().enumerate().map(clean).collect();
        let forecasts = self.forecast(&cleaned, levels, done);
        let lift = |(index, forecast): (usize, Result<BatchForecast, ModelError>)| {
            let kind = |provenance: &Provenance| {
                let kind = effects.kind_of(&announced.occurrences[provenance.event]);
                kind.unwrap_or_default().to_owned()
            };
            Ok(lifted(forecast?, (effects.of(index), &kind), panel[index].len(), levels))
        };
        forecasts.into_par_iter().enumerate().map(lift).collect()
    }
}

fn lifted(
    mut forecast: BatchForecast,
    (effects, kind): (&SeriesEffects, &dyn Fn(&Provenance) -> String),
    end: usize,
    levels: &Levels,
) -> LiftedForecast {
    let (levels, median) = (levels.as_slice(), levels.median());
    let steps = forecast.quantiles.chunks_exact(levels.len());
    let medians: Vec<f64> = steps.map(|step| f64::from(step[median])).collect();
    let parts = effects.parts(end, medians.len());
    let event_lift = |(provenance, lifts): &(Provenance, Vec<Option<Lift>>)| {
        event_lift(*provenance, kind(provenance), lifts, &medians)
    };
    let lifts = parts.iter().map(event_lift).collect();
    let mut factors = Vec::with_capacity(medians.len());
    let together = effects.over(end, medians.len());
    for (step, lift) in forecast.quantiles.chunks_exact_mut(levels.len()).zip(together) {
        let usual = step[median];
        lift.lift_quantiles(step, levels, median);
        factors.push(if usual > 0.0 { step[median] / usual } else { lift.factor() as f32 });
    }
    LiftedForecast { forecast, factors, lifts }
}

/// The lift of an event over its window, the quietest hours counting least.
pub(crate) fn event_lift(
    provenance: Provenance,
    kind: String,
    lifts: &[Option<Lift>],
    medians: &[f64],
) -> EventLift {
    let inside =
        || lifts.iter().zip(medians).filter_map(|(lift, median)| Some(((*lift)?, *median)));
    let usual: f64 = inside().map(|(_, median)| median).sum();
    let ratio = |of: &dyn Fn(Lift, f64) -> f64| {
        let sum: f64 = inside().map(|(lift, median)| of(lift, median)).sum();
        if usual > 0.0 { sum / usual } else { 1.0 }
    };
    EventLift {
        provenance,
        kind,
        factor: ratio(&|lift, median| lift.put_onto(median)),
        low: ratio(&|lift, median| lift.quantile(median, 0.05)),
        high: ratio(&|lift, median| lift.quantile(median, 0.95)),
    }
}
