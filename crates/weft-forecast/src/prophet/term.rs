//! The terms beside the trend: seasons, events and regressors, and the columns that they stand for. A column depends on
//! the instant and on what is known of it, never on a value of the series.

use std::f64::consts::TAU;

use weft_core::time::{Span, Step, Timestamp};

use super::{Calendar, Known, Mode, Prophet, Regressor, Standardisation};

/// What a component comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A season.
    Season,
    /// An event.
    Event,
    /// A regressor.
    Regressor,
}

/// One component: a few neighbouring columns under one name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) prior_scale: f64,
    pub(super) source: Source,
    pub(super) columns: usize,
}

/// What the columns are made from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Season {
        period: Span,
    },
    Event {
        occurrences: Vec<Timestamp>,
        slot: Span,
        before: usize,
    },
    /// The `index`-th regressor, standardised by mean and deviation.
    Regressor {
        index: usize,
        mean: f64,
        deviation: f64,
    },
}

/// Rows to write columns for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    /// Ascending.
    pub(super) at: &'a [Timestamp],
    pub(super) step: Step,
    /// Regressors by row; none stands for their means.
    pub(super) regressors: &'a [Vec<f64>],
    /// Occurrences besides those of the terms.
    pub(super) occurrences: &'a [(&'a str, Timestamp)],
}

impl Term {
    pub(super) const fn kind(&self) -> Kind {
        match self.source {
            Source::Season { .. } => Kind::Season,
            Source::Event { .. } => Kind::Event,
            Source::Regressor { .. } => Kind::Regressor,
        }
    }

    /// The columns over `rows`, one after the other.
    pub(super) fn write(&self, rows: &Rows<'_>) -> Vec<f64> {
        let mut columns = vec![0.0; self.columns * rows.at.len()];
        match &self.source {
            Source::Season { period } => write_season(*period, rows.at, &mut columns),
            Source::Event { occurrences, slot, before } => {
                let new = rows.occurrences.iter().filter(|(name, _)| *name == self.name);
                for at in occurrences.iter().copied().chain(new.map(|(_, at)| *at)) {
                    let first = at.floor(rows.step) - *slot * *before as i64;
                    mark(first, *slot, rows.at, &mut columns);
                }
            }
            Source::Regressor { index, mean, deviation } => {
                if let Some(values) = rows.regressors.get(*index) {
                    let standard = values.iter().map(|value| (value - mean) / deviation);
                    columns.iter_mut().zip(standard).for_each(|(to, value)| *to = value);
                }
            }
        }
        columns
    }
}

/// Sines and cosines of 1, 2, … turns a period, by the addition theorem from those of one turn.
fn write_season(period: Span, at: &[Timestamp], columns: &mut [f64]) {
    let rows = at.len();
    let period = period.as_millis();
    for (row, at) in at.iter().enumerate() {
        // In whole milliseconds: decades after the epoch no digit is lost.
        let turn = at.as_millis().rem_euclid(period) as f64 / period as f64;
        let (sine, cosine) = (TAU * turn).sin_cos();
        let (mut s, mut c) = (sine, cosine);
        for pair in columns.chunks_exact_mut(2 * rows) {
            (pair[row], pair[rows + row]) = (s, c);
            (s, c) = (s * cosine + c * sine, c * cosine - s * sine);
        }
    }
}

/// Ones in the rows of each slot, one column a slot.
fn mark(first: Timestamp, slot: Span, at: &[Timestamp], columns: &mut [f64]) {
    for (number, column) in columns.chunks_exact_mut(at.len().max(1)).enumerate() {
        let begin = first + slot * number as i64;
        let from = at.partition_point(|at| *at < begin);
        let to = at.partition_point(|at| *at < begin + slot);
        column[from..to].fill(1.0);
    }
}

/// All terms for samples at `at`: the package's order of seasons, then events, then regressors.
pub(super) fn terms(
    prophet: &Prophet,
    known: &Known<'_>,
    step: Step,
    at: &[Timestamp],
    regressors: &[Vec<f64>],
) -> Vec<Term> {
    let mut terms = calendar(prophet, at);
    terms.extend(prophet.seasonalities.iter().map(|season| Term {
        name: season.name.clone(),
        mode: season.mode,
        prior_scale: season.prior_scale,
        source: Source::Season { period: season.period },
        columns: 2 * season.order,
    }));
    terms.extend(known.events.iter().map(|event| Term {
        name: event.name.clone(),
        mode: event.mode,
        prior_scale: event.prior_scale,
        source: Source::Event {
            occurrences: event.occurrences.clone(),
            slot: event.window.slot.unwrap_or(step.span()),
            before: event.window.before,
        },
        columns: event.window.slots(),
    }));
    let regressors = known.regressors.iter().zip(regressors).enumerate();
    terms.extend(regressors.map(|(index, (regressor, values))| {
        let (mean, deviation) = standard(regressor, values);
        Term {
            name: regressor.name.clone(),
            mode: regressor.mode,
            prior_scale: regressor.prior_scale,
            source: Source::Regressor { index, mean, deviation },
            columns: 1,
        }
    }));
    terms
}

/// The seasons of the calendar that take part.
fn calendar(prophet: &Prophet, at: &[Timestamp]) -> Vec<Term> {
    let span = at[at.len() - 1] - at[0];
    let closest = at.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(Span::ZERO);
    let (day, week) = (Span::from_days(1), Span::from_days(7));
    // A year of 365.25 days, in hours.
    let year = Span::from_hours(8_766);
    let of = |name: &str, setting: Calendar, period: Span, is_enough: bool, usual: usize| {
        let order = match setting {
            Calendar::Automatic if is_enough => usual,
            Calendar::Automatic | Calendar::Off => 0,
            Calendar::Order(order) => order,
        };
        let is_replaced = prophet.seasonalities.iter().any(|season| season.name == name);
        (order > 0 && !is_replaced).then(|| Term {
            name: name.to_owned(),
            mode: prophet.seasonality_mode,
            prior_scale: prophet.seasonality_prior_scale,
            source: Source::Season { period },
            columns: 2 * order,
        })
    };
    let yearly = of("yearly", prophet.yearly, year, span >= Span::from_days(730), 10);
    let is_weekly = span >= week * 2 && closest < week;
    let weekly = of("weekly", prophet.weekly, week, is_weekly, 3);
    let daily = of("daily", prophet.daily, day, span >= day * 2 && closest < day, 4);
    [yearly, weekly, daily].into_iter().flatten().collect()
}

/// Mean and deviation to standardise with; 0 and 1 where nothing is to be done.
fn standard(regressor: &Regressor, values: &[f64]) -> (f64, f64) {
    let is_constant = values.iter().all(|value| *value == values[0]);
    let is_binary = values.iter().all(|value| *value == 0.0 || *value == 1.0);
    let is_left = match regressor.standardisation {
        Standardisation::Automatic => is_constant || is_binary,
        Standardisation::Always => is_constant,
        Standardisation::Never => true,
    };
    if is_left {
        return (0.0, 1.0);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}
