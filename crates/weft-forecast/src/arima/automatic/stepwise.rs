//! The stepwise search of Hyndman & Khandakar (2008, section 3.2) over orders: from four models to whichever neighbour
//! is better by AICc, until none is. Coefficients begin at those of the model next door.

use std::collections::BTreeMap;

use super::super::least_squares::least_squares;
use super::super::{Arima, Data, Order};
use super::{
    MOST_FOR_FINALISTS, MOST_SEARCH_WORK, NEAREST_ROOT, conditional, differences, is_sound, states,
};

const MOST_TERMS: usize = 5;
const MOST_SEASONAL_TERMS: usize = 2;
/// Models tried at most, as `auto.arima` does.
const MOST_MODELS: usize = 94;
/// A gain below this share of the squares does not change an order.
const TOLERANCE: f64 = 1e-5;
/// Just beyond the nearest root that is allowed.
const MOVED_ROOT: f64 = NEAREST_ROOT + 1e-4;
/// Steps left out of a conditional sum at most, as a share of the series: one over this.
const SKIPPED_PART: usize = 5;

/// Orders by name, so that they can be compared and told apart.
type Orders = (usize, usize, usize, usize, bool);

/// A model that was tried.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) orders: Orders,
    pub(super) has_drift: bool,
    /// Its coefficients, unconstrained.
    pub(super) free: Vec<f64>,
    /// Whether its roots had to be moved to where they are allowed: its coefficients are no optimum of their own.
    pub(super) is_moved: bool,
    criterion: f64,
}

/// What is searched in.
pub(super) struct Search {
    plain: usize,
    seasonal: usize,
    season: usize,
    /// Regressors that are fitted anyway.
    columns: usize,
    /// The rest less a level, and less a line where there may be a drift.
    levelled: [Vec<f64>; 2],
    /// The same for an exact search.
    exact: Option<[Data; 2]>,
    is_constant: bool,
    present: usize,
}

impl Search {
    /// A search over what regressors left, with so many differences.
    pub(super) fn new(
        rest: &[f64],
        plain: usize,
        seasonal: usize,
        season: usize,
        columns: usize,
    ) -> Self {
        let mut differenced = rest.to_vec();
        (0..seasonal).for_each(|_| differenced = differences::differenced(&differenced, season));
        (0..plain).for_each(|_| differenced = differences::differenced(&differenced, 1));
        let known = || rest.iter().copied().filter(|value| !value.is_nan());
        let level = if plain + seasonal == 0 { mean(rest) } else { known().next().unwrap_or(0.0) };
        let lag = if seasonal > 0 { season } else { 1 };
        let slope = if plain + seasonal == 1 { mean(&differenced) / lag as f64 } else { 0.0 };
        let without = |slope: f64| -> Vec<f64> {
            let line = |step: usize| level + slope * step as f64;
            rest.iter().enumerate().map(|(step, value)| value - line(step)).collect()
        };
        let levelled = [without(0.0), without(slope)];
        let largest = Arima::new(Order::new(MOST_TERMS, plain, MOST_TERMS));
        let is_exact = season == 1 && rest.len() * states(&largest).pow(2) <= MOST_SEARCH_WORK;
        let exact = is_exact.then(|| levelled.clone().map(Data::alone));
        let is_constant = differences::is_constant(&differenced);
        let present = known().count();
        Self { plain, seasonal, season, columns, levelled, exact, is_constant, present }
    }

    /// The model of a candidate.
    pub(super) fn model(&self, candidate: &Candidate) -> Arima {
        self.model_of(candidate.orders)
    }

    const fn model_of(&self, (p, q, seasonal_p, seasonal_q, _): Orders) -> Arima {
        Arima::new(Order::new(p, self.plain, q))
            .with_season(Order::new(seasonal_p, self.seasonal, seasonal_q), self.season)
    }

    /// All models tried that are sound, the best first, one without coefficients last.
    pub(super) fn run(&self) -> Vec<Candidate> {
        let may_drift = self.plain + self.seasonal == 1;
        let mut tried: BTreeMap<Orders, Option<Candidate>> = BTreeMap::new();
        let mut best: Option<Candidate> = None;
        let seasonal = usize::from(self.season > 1);
        if !self.is_constant {
            let first = [
                (2, 2, seasonal, seasonal),
                (1, 0, seasonal, 0),
                (0, 1, 0, seasonal),
                (0, 0, 0, 0),
            ];
            for (p, q, big_p, big_q) in first {
                self.step_to((p, q, big_p, big_q, may_drift), &mut best, &mut tried);
            }
            if may_drift {
                self.step_to((0, 0, 0, 0, false), &mut best, &mut tried);
            }
            while let Some(orders) = best.as_ref().map(|best| best.orders) {
                let mut around = self.neighbours(orders, may_drift).into_iter();
                if tried.len() >= MOST_MODELS
                    || !around.any(|next| self.step_to(next, &mut best, &mut tried))
                {
                    break;
                }
            }
        }
        let mut ranking: Vec<Candidate> = tried.into_values().flatten().collect();
        ranking.sort_by(|a, b| a.criterion.total_cmp(&b.criterion));
        let orders = (0, 0, 0, 0, false);
        ranking.push(Candidate {
            orders,
            has_drift: false,
            free: Vec::new(),
            is_moved: false,
            criterion: f64::INFINITY,
        });
        ranking
    }

    /// Tries `orders` unless that was done; whether they are the best so far.
    fn step_to(
        &self,
        orders: Orders,
        best: &mut Option<Candidate>,
        tried: &mut BTreeMap<Orders, Option<Candidate>>,
    ) -> bool {
        if tried.contains_key(&orders) {
            return false;
        }
        let found = self.fit(orders, best.as_ref());
        tried.insert(orders, found.clone());
        let Some(found) = found else { return false };
        let is_better = best.as_ref().is_none_or(|best| found.criterion < best.criterion);
        if is_better {
            *best = Some(found);
        }
        is_better
    }

    fn neighbours(&self, orders: Orders, may_drift: bool) -> Vec<Orders> {
        let seasonal = [(0, 0, -1, 0), (0, 0, 1, 0), (0, 0, 0, -1), (0, 0, 0, 1), (0, 0, -1, -1)];
        let more = [(0, 0, -1, 1), (0, 0, 1, -1), (0, 0, 1, 1)];
        let plain = [(-1, 0, 0, 0), (1, 0, 0, 0), (0, -1, 0, 0), (0, 1, 0, 0)];
        let both = [(-1, -1, 0, 0), (-1, 1, 0, 0), (1, -1, 0, 0), (1, 1, 0, 0)];
        let moved = |(p, q, big_p, big_q): (isize, isize, isize, isize)| -> Option<Orders> {
            let sum = |order: usize, change: isize, most: usize| {
                order.checked_add_signed(change).filter(|order| *order <= most)
            };
            let most_seasonal = if self.season > 1 { MOST_SEASONAL_TERMS } else { 0 };
            Some((
                sum(orders.0, p, MOST_TERMS)?,
                sum(orders.1, q, MOST_TERMS)?,
                sum(orders.2, big_p, most_seasonal)?,
                sum(orders.3, big_q, most_seasonal)?,
                orders.4,
            ))
        };
        let changes = seasonal.into_iter().chain(more).chain(plain).chain(both);
        let mut around: Vec<Orders> = changes.filter_map(moved).collect();
        around.extend(may_drift.then_some((orders.0, orders.1, orders.2, orders.3, !orders.4)));
        around
    }

    /// The model of these orders; `None` where the samples do not suffice or a root is near the unit circle.
    fn fit(&self, orders: Orders, near: Option<&Candidate>) -> Option<Candidate> {
        let model = self.model_of(orders);
        let has_drift = orders.4;
        let columns = self.columns + usize::from(has_drift);
        let longest = model.order.ar.max(model.order.ma)
            + model.seasonal.ar.max(model.seasonal.ma) * self.season;
        if model.fewest(columns) > self.present || 3 * longest > self.present {
            return None;
        }
        let start = near.map_or_else(
            || vec![0.0; model.coefficients()],
            |near| model.free(&self.model_of(near.orders).parts(&near.free)),
        );
        let (free, criterion) = self.searched(&model, start, has_drift, columns, TOLERANCE);
        let candidate = |free: Vec<f64>, criterion: f64, is_moved: bool| {
            let is_sound = criterion.is_finite() && is_sound(&model.process(&model.parts(&free)));
            is_sound.then_some(Candidate { orders, has_drift, free, is_moved, criterion })
        };
        let found = candidate(free.clone(), criterion, false);
        if found.is_some() || self.levelled[0].len() <= MOST_FOR_FINALISTS {
            return found;
        }
        // An endless tolerance searches no further: the criterion where the roots were moved to.
        let (inside, criterion) =
            self.searched(&model, moved_in(&model, &free), has_drift, columns, f64::INFINITY);
        candidate(inside, criterion, true)
    }

    fn searched(
        &self,
        model: &Arima,
        start: Vec<f64>,
        has_drift: bool,
        columns: usize,
        tolerance: f64,
    ) -> (Vec<f64>, f64) {
        let process = |free: &[f64]| model.process(&model.parts(free));
        let (found, counted) = if let Some(data) = &self.exact {
            let data = &data[usize::from(has_drift)];
            let mut residuals =
                |free: &[f64], out: &mut Vec<f64>| data.standardised(process(free), out);
            let lost = self.plain + self.seasonal * self.season;
            (least_squares(start, tolerance, &mut residuals), self.present - lost)
        } else {
            let values = &self.levelled[usize::from(has_drift)];
            // The same steps for all orders, or the criterion would compare different series.
            let lost = self.plain + self.seasonal * self.season;
            let longest = lost
                + MOST_TERMS
                + if self.season > 1 { MOST_SEASONAL_TERMS * self.season } else { 0 };
            let skipped = longest.min(values.len() / SKIPPED_PART).max(lost);
            let counted = values.iter().skip(skipped).filter(|value| !value.is_nan()).count();
            let mut residuals = |free: &[f64], out: &mut Vec<f64>| {
                conditional::innovations(&process(free), values, skipped, out);
            };
            (least_squares(start, tolerance, &mut residuals), counted)
        };
        let ((free, squares), n) = (found, counted as f64);
        let constants = usize::from(model.has_mean());
        let k = (model.coefficients() + columns + constants + 1) as f64;
        let criterion = if n - k - 1.0 > 0.0 {
            n * (squares / n).max(f64::MIN_POSITIVE).ln() + 2.0 * k * n / (n - k - 1.0)
        } else {
            f64::INFINITY
        };
        (free, criterion)
    }
}

/// The moving average with its roots moved to where they are not refused. A series that was differenced once too often
/// has a root near one, and without a moving average at all nothing describes it.
fn moved_in(model: &Arima, free: &[f64]) -> Vec<f64> {
    let mut parts = model.parts(free);
    let shrink = |part: &mut Vec<f64>, lag: usize| {
        for (index, coefficient) in part.iter_mut().enumerate() {
            *coefficient *= MOVED_ROOT.powi(-(((index + 1) * lag) as i32));
        }
    };
    shrink(&mut parts.ma, 1);
    shrink(&mut parts.seasonal_ma, model.season);
    model.free(&parts)
}

fn mean(values: &[f64]) -> f64 {
    let known = || values.iter().filter(|value| !value.is_nan());
    known().sum::<f64>() / known().count().max(1) as f64
}
