//! The samples as the model sees them: scaled, without gaps, with the columns of every term beside them, and the places
//! where the trend may bend.

use weft_core::series::Series;
use weft_core::time::Timestamp;

use super::term::{Rows, Term, terms};
use super::{Changepoints, Growth, Known, Mode, Prophet};

/// From instants and values to those of the model and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The first sample, where t is 0.
    pub(super) start: Timestamp,
    /// From there to the last sample, where t is 1.
    pub(super) length_millis: f64,
    pub(super) floor: f64,
    /// The largest distance of a value from the floor.
    pub(super) unit: f64,
}

impl Scale {
    fn new(at: &[Timestamp], values: &[f64], floor: f64) -> Self {
        let largest = values.iter().map(|value| (value - floor).abs()).fold(0.0, f64::max);
        Self {
            start: at[0],
            length_millis: (at[at.len() - 1] - at[0]).as_millis() as f64,
            floor,
            unit: if largest > 0.0 { largest } else { 1.0 },
        }
    }

    pub(super) fn time(&self, at: Timestamp) -> f64 {
        (at - self.start).as_millis() as f64 / self.length_millis
    }

    pub(super) fn capacity(&self, capacity: f64) -> f64 {
        (capacity - self.floor) / self.unit
    }
}

/// Samples, columns and changepoints in the scale of the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    pub(super) growth: Growth,
    pub(super) scale: Scale,
    pub(super) time: Vec<f64>,
    pub(super) value: Vec<f64>,
    /// One a row where growth is logistic, else empty.
    pub(super) capacity: Vec<f64>,
    /// Ascending; empty where growth is flat.
    pub(super) changepoints: Vec<f64>,
    /// Column after column, as long as there are samples.
    pub(super) columns: Vec<f64>,
    /// How each column joins the trend.
    pub(super) modes: Vec<Mode>,
}

impl Design {
    /// The design for a series of at least two samples, and the terms whose columns it holds.
    pub(super) fn new(prophet: &Prophet, series: &Series, known: &Known<'_>) -> (Self, Vec<Term>) {
        let samples: Vec<(usize, f64)> = (0..series.len())
            .filter_map(|index| Some((index, f64::from(series.get(index)?))))
            .collect();
        let instant = |index: usize| series.start() + series.step().span() * index as i64;
        let at: Vec<Timestamp> = samples.iter().map(|(index, _)| instant(*index)).collect();
        let values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        let scale = Scale::new(&at, &values, prophet.growth.floor());
        let of_samples = |column: &[f64]| samples.iter().map(|(index, _)| column[*index]).collect();
        let regressors: Vec<Vec<f64>> =
            known.regressors.iter().map(|regressor| of_samples(&regressor.values)).collect();
        let terms = terms(prophet, known, series.step(), &at, &regressors);
        let rows = Rows { at: &at, step: series.step(), regressors: &regressors, occurrences: &[] };
        let capacity = match prophet.growth {
            Growth::Logistic { capacity, .. } if known.capacities.is_empty() => {
                vec![scale.capacity(capacity); at.len()]
            }
            Growth::Logistic { .. } => {
                let capacities: Vec<f64> = of_samples(known.capacities);
                capacities.into_iter().map(|capacity| scale.capacity(capacity)).collect()
            }
            Growth::Linear | Growth::Flat => Vec::new(),
        };
        let time: Vec<f64> = at.iter().map(|at| scale.time(*at)).collect();
        let design = Self {
            growth: prophet.growth,
            scale,
            value: values.iter().map(|value| (value - scale.floor) / scale.unit).collect(),
            capacity,
            changepoints: changepoints(prophet, &scale, &time),
            time,
            columns: terms.iter().flat_map(|term| term.write(&rows)).collect(),
            modes: terms.iter().flat_map(|term| vec![term.mode; term.columns]).collect(),
        };
        (design, terms)
    }

    pub(super) fn column(&self, index: usize) -> &[f64] {
        let rows = self.time.len();
        &self.columns[index * rows..(index + 1) * rows]
    }
}

/// Where the trend may bend, in the model's time.
fn changepoints(prophet: &Prophet, scale: &Scale, time: &[f64]) -> Vec<f64> {
    match &prophet.changepoints {
        _ if prophet.growth == Growth::Flat => Vec::new(),
        Changepoints::Spread { count, share } => {
            let within = (time.len() as f64 * share).floor() as usize;
            let count = (*count).min(within.saturating_sub(1));
            let last = within.saturating_sub(1) as f64;
            // Halves go to the even neighbour, as numpy rounds, so that the places are the package's.
            let place = |number| (number as f64 * last / count as f64).round_ties_even() as usize;
            (1..=count).map(|number| time[place(number)]).collect()
        }
        Changepoints::At(instants) => {
            let mut places: Vec<f64> = instants.iter().map(|at| scale.time(*at)).collect();
            places.retain(|place| (0.0..=1.0).contains(place));
            places.sort_unstable_by(f64::total_cmp);
            places.dedup();
            places
        }
    }
}
