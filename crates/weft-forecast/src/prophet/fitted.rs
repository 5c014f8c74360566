//! What a fit leaves behind: parameters and a clock. It predicts any step, names what each event and season adds to it,
//! and gives the next fit a place to start from. It keeps no sample.

use rand::Rng;
use weft_core::forecast::Levels;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

use super::design::{Design, Scale};
use super::search::Found;
use super::simulation::{Coming, quantiles};
use super::term::{Kind, Rows, Term};
use super::{Ahead, Growth, Mode, check_column, setting};
use crate::model::{FittedModel, ModelError};

/// [`super::Prophet`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedProphet {
    growth: Growth,
    scale: Scale,
    /// m.
    offset: f64,
    /// k.
    rate: f64,
    /// Changepoints and bends, ascending.
    bends: Vec<(f64, f64)>,
    terms: Vec<Term>,
    /// β, in the order of the terms.
    coefficients: Vec<f64>,
    /// σ, in the model's scale.
    deviation: f64,
    loss: f64,
    rounds: usize,
    step: Step,
    /// The clock: begin of the next step.
    next: Timestamp,
}

/// A forecast with what it is made of: trend and components sum up to the point in every step.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The point forecasts, in the unit of the series.
    pub point: Vec<f64>,
    /// The trend, in the unit of the series.
    pub trend: Vec<f64>,
    /// Everything else, by name.
    pub components: Vec<Component>,
}

/// The part that one season, event or regressor has in a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// As it was named.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How it joins the trend.
    pub mode: Mode,
    /// The lift in each step, in the unit of the series for both modes.
    pub lift: Vec<f64>,
}

/// Sums over the terms in the model's scale, and the components.
struct Explained {
    trend: Vec<f64>,
    /// 1 + Σ β x over what is multiplicative.
    factor: Vec<f64>,
    added: Vec<f64>,
    components: Vec<Component>,
}

impl FittedProphet {
    pub(super) fn new(
        growth: Growth,
        series: &Series,
        design: Design,
        terms: Vec<Term>,
        found: Found,
    ) -> Self {
        let mut parameters = found.parameters.into_iter();
        let mut next = || parameters.next().expect("the posterior has a parameter for each place");
        let offset = next();
        let rate = if growth == Growth::Flat { 0.0 } else { next() };
        let bends = design.changepoints.into_iter().map(|place| (place, next())).collect();
        Self {
            growth,
            scale: design.scale,
            offset,
            rate,
            bends,
            terms,
            coefficients: parameters.collect(),
            deviation: found.deviation,
            loss: found.loss,
            rounds: found.rounds,
            step: series.step(),
            next: series.end(),
        }
    }

    /// Deviation of the noise, in the unit of the series.
    pub fn deviation(&self) -> f64 {
        self.deviation * self.scale.unit
    }

    /// The logarithm of the posterior in the model's scale, up to a constant that the number of samples fixes.
    pub const fn log_posterior(&self) -> f64 {
        -self.loss
    }

    /// Rounds that the search took; a warm one takes few.
    pub const fn rounds(&self) -> usize {
        self.rounds
    }

    /// Begin of the next step.
    pub const fn next(&self) -> Timestamp {
        self.next
    }

    /// The coefficients of the component `name`: one for each slot of an event, a sine and a cosine for each order of a
    /// season, one of a regressor as it was standardised; in the unit of the series, or shares of the trend.
    pub fn effects(&self, name: &str) -> Option<Vec<f64>> {
        let mut first = 0;
        for term in &self.terms {
            let own = &self.coefficients[first..first + term.columns];
            if term.name == name {
                let unit = if term.mode == Mode::Additive { self.scale.unit } else { 1.0 };
                return Some(own.iter().map(|effect| effect * unit).collect());
            }
            first += term.columns;
        }
        None
    }

    /// Predicts the next `horizon` steps with what is known `ahead`. Errs where a regressor or the capacities lack a
    /// value, and on an occurrence of an event that the fit did not know.
    pub fn predict_with(
        &self,
        horizon: usize,
        ahead: &Ahead<'_>,
    ) -> Result<Prediction, ModelError> {
        self.predict_from(self.next, horizon, ahead)
    }

    /// The same from `start` on, which may lie among the samples: what the model makes of them.
    pub fn predict_from(
        &self,
        start: Timestamp,
        horizon: usize,
        ahead: &Ahead<'_>,
    ) -> Result<Prediction, ModelError> {
        self.check(horizon, ahead)?;
        let explained = self.explained(&self.instants(start, horizon), ahead);
        let (unit, floor) = (self.scale.unit, self.scale.floor);
        let point = |row: usize| {
            floor + unit * (explained.trend[row] * explained.factor[row] + explained.added[row])
        };
        Ok(Prediction {
            point: (0..horizon).map(point).collect(),
            trend: explained.trend.iter().map(|trend| floor + unit * trend).collect(),
            components: explained.components,
        })
    }

    /// Quantiles of the next `horizon` steps, steps × levels, row after row: noise as in the samples, and a trend that
    /// goes on bending as often and as much as it did, in `draws` simulated futures (Taylor & Letham 2018, section
    /// 3.1.4). The same generator gives the same quantiles. They are the model's own, neither calibrated nor cut at
    /// zero. Errs as [`Self::predict_with`], and without draws.
    pub fn quantiles(
        &self,
        horizon: usize,
        ahead: &Ahead<'_>,
        levels: &Levels,
        draws: usize,
        generator: &mut impl Rng,
    ) -> Result<Vec<f64>, ModelError> {
        self.check(horizon, ahead)?;
        if draws == 0 {
            return Err(setting("at least one draw", "0".to_owned()));
        }
        let at = self.instants(self.next, horizon);
        let explained = self.explained(&at, ahead);
        let time: Vec<f64> = at.iter().map(|at| self.scale.time(*at)).collect();
        let lines: Vec<f64> = time.iter().map(|time| self.line(*time)).collect();
        let paths = self.coming().paths(&time, draws, generator);
        let value = |row: usize, bent: f64, noise: f64| {
            let trend = if bent == 0.0 {
                explained.trend[row]
            } else {
                self.saturated(lines[row] + bent, self.capacity(row, ahead))
            };
            let scaled =
                trend * explained.factor[row] + explained.added[row] + self.deviation * noise;
            self.scale.floor + self.scale.unit * scaled
        };
        Ok(quantiles(&paths, horizon, levels, value))
    }

    fn instants(&self, start: Timestamp, horizon: usize) -> Vec<Timestamp> {
        (0..horizon).map(|ahead| start + self.step.span() * ahead as i64).collect()
    }

    fn check(&self, horizon: usize, ahead: &Ahead<'_>) -> Result<(), ModelError> {
        let regressors = self.terms.iter().filter(|term| term.kind() == Kind::Regressor).count();
        if !ahead.regressors.is_empty() && ahead.regressors.len() != regressors {
            let found = format!("{} columns for {regressors}", ahead.regressors.len());
            return Err(setting("a column ahead for each regressor", found));
        }
        ahead.regressors.iter().try_for_each(|column| check_column(column, horizon))?;
        if let Growth::Logistic { floor, .. } = self.growth
            && !ahead.capacities.is_empty()
        {
            check_column(ahead.capacities, horizon)?;
            if let Some(wrong) = ahead.capacities.iter().find(|capacity| **capacity <= floor) {
                return Err(setting("a capacity above the floor", format!("{wrong} and {floor}")));
            }
        }
        let is_event = |name: &str| {
            self.terms.iter().any(|term| term.kind() == Kind::Event && term.name == name)
        };
        match ahead.occurrences.iter().find(|(name, _)| !is_event(name)) {
            Some((name, _)) => {
                Err(setting("occurrences of events in the fit", format!("`{name}`")))
            }
            None => Ok(()),
        }
    }

    fn explained(&self, at: &[Timestamp], ahead: &Ahead<'_>) -> Explained {
        let rows = Rows {
            at,
            step: self.step,
            regressors: ahead.regressors,
            occurrences: ahead.occurrences,
        };
        let g = |(row, at): (usize, &Timestamp)| {
            self.saturated(self.line(self.scale.time(*at)), self.capacity(row, ahead))
        };
        let trend: Vec<f64> = at.iter().enumerate().map(g).collect();
        let (mut factor, mut added) = (vec![1.0; at.len()], vec![0.0; at.len()]);
        let mut components = Vec::with_capacity(self.terms.len());
        let mut coefficients = self.coefficients.iter();
        for term in &self.terms {
            let mut lift = vec![0.0; at.len()];
            for column in term.write(&rows).chunks_exact(at.len().max(1)) {
                let own = coefficients.next().copied().unwrap_or(0.0);
                lift.iter_mut().zip(column).for_each(|(lift, x)| *lift += own * x);
            }
            let sums = if term.mode == Mode::Additive { &mut added } else { &mut factor };
            sums.iter_mut().zip(&lift).for_each(|(sum, lift)| *sum += lift);
            for (lift, trend) in lift.iter_mut().zip(&trend) {
                let of = if term.mode == Mode::Additive { 1.0 } else { *trend };
                *lift *= of * self.scale.unit;
            }
            let (name, kind, mode) = (term.name.clone(), term.kind(), term.mode);
            components.push(Component { name, kind, mode, lift });
        }
        Explained { trend, factor, added, components }
    }

    /// z at a time of the model.
    fn line(&self, time: f64) -> f64 {
        let base = match self.growth {
            Growth::Logistic { .. } => self.rate * (time - self.offset),
            Growth::Linear | Growth::Flat => self.rate * time + self.offset,
        };
        let passed = self.bends.iter().take_while(|(place, _)| *place <= time);
        base + passed.map(|(place, bend)| bend * (time - place)).sum::<f64>()
    }

    /// g of z.
    fn saturated(&self, line: f64, capacity: f64) -> f64 {
        match self.growth {
            Growth::Logistic { .. } => capacity / (1.0 + (-line).exp()),
            Growth::Linear | Growth::Flat => line,
        }
    }

    /// In the model's scale; where nothing saturates it is not read.
    fn capacity(&self, row: usize, ahead: &Ahead<'_>) -> f64 {
        let Growth::Logistic { capacity, .. } = self.growth else { return f64::INFINITY };
        self.scale.capacity(ahead.capacities.get(row).copied().unwrap_or(capacity))
    }

    fn coming(&self) -> Coming {
        let sizes: f64 = self.bends.iter().map(|(_, bend)| bend.abs()).sum();
        let count = self.bends.len() as f64;
        Coming { rate: count, size: if count > 0.0 { sizes / count } else { 0.0 } }
    }

    /// These parameters in the scale and the places of another design: where the next search begins. `None` where the
    /// growth is another.
    pub(super) fn start_of(&self, design: &Design, terms: &[Term]) -> Option<Vec<f64>> {
        if std::mem::discriminant(&self.growth) != std::mem::discriminant(&design.growth) {
            return None;
        }
        let to_time = |time: f64| {
            let millis = (self.scale.start - design.scale.start).as_millis() as f64;
            (millis + time * self.scale.length_millis) / design.scale.length_millis
        };
        let is_logistic = matches!(self.growth, Growth::Logistic { .. });
        let unit = self.scale.unit / design.scale.unit;
        // A bend by a unit of time there, in units of time and value here; z of a logistic trend has no unit.
        let bent = if is_logistic { 1.0 } else { unit } / (to_time(1.0) - to_time(0.0));
        let begin = self.scale.time(design.scale.start);
        let passed = self.bends.iter().take_while(|(place, _)| *place <= begin);
        let rate = bent * (self.rate + passed.map(|(_, bend)| bend).sum::<f64>());
        let level = self.line(begin);
        let mut start = vec![if is_logistic {
            if rate == 0.0 { 0.0 } else { -level / rate }
        } else {
            level * unit + (self.scale.floor - design.scale.floor) / design.scale.unit
        }];
        start.extend((self.growth != Growth::Flat).then_some(rate));
        let first = start.len();
        start.resize(first + design.changepoints.len(), 0.0);
        for (place, bend) in self.bends.iter().filter(|(place, _)| *place > begin) {
            if let Some(nearest) = nearest(&design.changepoints, to_time(*place)) {
                start[first + nearest] += bent * bend;
            }
        }
        for term in terms {
            let own = self.effects(&term.name).filter(|own| own.len() == term.columns);
            let scale = if term.mode == Mode::Additive { 1.0 / design.scale.unit } else { 1.0 };
            let own = own.unwrap_or_else(|| vec![0.0; term.columns]);
            start.extend(own.iter().map(|effect| effect * scale));
        }
        start.iter().all(|parameter| parameter.is_finite()).then_some(start)
    }
}

fn nearest(places: &[f64], place: f64) -> Option<usize> {
    let distance = |index: &usize| (places[*index] - place).abs();
    (0..places.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

impl FittedModel for FittedProphet {
    /// Moves the clock: see the module.
    fn update(&mut self, _value: Option<f64>) {
        self.next = self.next + self.step.span();
    }

    fn update_at_least(&mut self, bound: f64) {
        self.update(Some(bound));
    }

    /// With every regressor at its mean (0 where it was not standardised), and with the occurrences known at the fit.
    fn predict(&self, horizon: usize) -> Vec<f64> {
        let prediction = self.predict_with(horizon, &Ahead::default());
        prediction.expect("nothing is given that could be wrong").point
    }
}
