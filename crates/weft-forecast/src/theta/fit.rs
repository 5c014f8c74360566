//! Least squares for the Theta method. For a given α the errors are linear in the first level and in ω, so both follow
//! exactly and only α is searched for; no random start, no limit by time.

use weft_core::series::Series;

use super::season::Season;
use super::{FittedTheta, Form, State};

/// Below this no line and no level can be told apart.
pub(super) const FEWEST_SAMPLES: usize = 4;
/// Errors before the level has settled are not counted.
const SETTLING: usize = 3;
/// Bounds of α: a smaller one is a constant, a larger one the last value (Fiorucci et al. 2016, section 3).
const ALPHAS: (f64, f64) = (0.1, 0.99);
/// Values of α tried first, and halvings of their distance around the best.
const FIRST_ALPHAS: usize = 16;
const GOLDEN_STEPS: usize = 24;
/// A column with less than this share of the squares tells nothing.
const NEGLIGIBLE: f64 = 1e-14;

/// The best form, or the one that is wanted.
pub(super) fn best(series: &Series, season: Option<usize>, form: Option<Form>) -> FittedTheta {
    let season = season.and_then(|length| Season::find(series, length));
    let adjusted = |(index, value): (usize, Option<f32>)| {
        let value = value.map_or(f64::NAN, f64::from);
        season.as_ref().map_or(value, |season| season.remove(value, index))
    };
    let values: Vec<f64> = series.iter().enumerate().map(adjusted).collect();
    let line = line(&values);
    let forms = form.map_or_else(|| Form::ALL.to_vec(), |form| vec![form]);
    let solved = forms.into_iter().map(|form| (form, search(&values, line, form)));
    let (form, solution) = solved
        .min_by(|a, b| criterion(a.0, &a.1).total_cmp(&criterion(b.0, &b.1)))
        .expect("there is at least one form");
    run(series, season, form, line, &solution)
}

/// The state after all samples.
fn run(
    series: &Series,
    season: Option<Season>,
    form: Form,
    line: (f64, f64),
    solution: &Solution,
) -> FittedTheta {
    let Solution { alpha, level, pull, squares, counted } = *solution;
    let first = if form.is_dynamic() { (0.0, 0.0) } else { line };
    let state = State { level, line: first, mean: 0.0, seen: 0.0, fade: 1.0 };
    let variance = squares / counted.max(1) as f64;
    let mut fitted = FittedTheta { form, alpha, pull, variance, state, season, phase: 0 };
    for index in 0..series.len() {
        let value = series.get(index).map(f64::from);
        if value.is_none() && fitted.state.seen == 0.0 && form.is_dynamic() {
            // A line of nothing yet; the season goes on.
            fitted.phase =
                fitted.season.as_ref().map_or(0, |season| (fitted.phase + 1) % season.len());
            continue;
        }
        fitted.take(value, series.is_censored(index));
    }
    fitted
}

/// The line through all values by least squares, over t = 1, 2, …
fn line(values: &[f64]) -> (f64, f64) {
    let known = || values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let n = known().count() as f64;
    let middle = known().map(|(index, _)| index as f64 + 1.0).sum::<f64>() / n;
    let mean = known().map(|(_, value)| value).sum::<f64>() / n;
    let (mut product, mut square) = (0.0, 0.0);
    for (index, value) in known() {
        let t = index as f64 + 1.0 - middle;
        product += t * (value - mean);
        square += t * t;
    }
    let slope = if square > 0.0 { product / square } else { 0.0 };
    (mean - slope * middle, slope)
}

#[derive(Debug, Clone, Copy)]
struct Solution {
    alpha: f64,
    level: f64,
    pull: f64,
    squares: f64,
    counted: usize,
}

/// AICc: α, the first level and the variance, and ω where it is free.
fn criterion(form: Form, solution: &Solution) -> f64 {
    let n = solution.counted as f64;
    let k = if form.is_optimised() { 4.0 } else { 3.0 };
    if n - k - 1.0 <= 0.0 {
        return f64::MAX / 2.0 * (1.0 - 1.0 / (1.0 + k));
    }
    n * (solution.squares / n).max(f64::MIN_POSITIVE).ln() + 2.0 * k * n / (n - k - 1.0)
}

/// α on a grid, then by the golden section around its best.
fn search(values: &[f64], line: (f64, f64), form: Form) -> Solution {
    let at = |alpha: f64| solve(values, line, form, alpha);
    let width = (ALPHAS.1 - ALPHAS.0) / (FIRST_ALPHAS - 1) as f64;
    let grid = (0..FIRST_ALPHAS).map(|step| at(ALPHAS.0 + width * step as f64));
    let best = grid.min_by(|a, b| a.squares.total_cmp(&b.squares)).expect("a grid of some points");
    let share = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) =
        ((best.alpha - width).max(ALPHAS.0), (best.alpha + width).min(ALPHAS.1));
    let mut left = at(high - share * (high - low));
    let mut right = at(low + share * (high - low));
    for _ in 0..GOLDEN_STEPS {
        if left.squares < right.squares {
            (high, right) = (right.alpha, left);
            left = at(high - share * (high - low));
        } else {
            (low, left) = (left.alpha, right);
            right = at(low + share * (high - low));
        }
    }
    let ends = [best, left, right];
    ends.into_iter().min_by(|a, b| a.squares.total_cmp(&b.squares)).expect("there are three points")
}

/// The least squares for an α: the level is kept as `known` + `first`·ℓ(0) + `pulled`·ω.
fn solve(values: &[f64], line: (f64, f64), form: Form, alpha: f64) -> Solution {
    let begin = if form.is_dynamic() { (0.0, 0.0) } else { line };
    let mut state = State { level: 0.0, line: begin, mean: 0.0, seen: 0.0, fade: 1.0 };
    let (mut known, mut first, mut pulled) = (0.0, 1.0, 0.0);
    let mut sums = Sums::default();
    for value in values {
        let reach = state.reach(alpha);
        let (from_first, from_pull) = (first, pulled + reach);
        if value.is_nan() {
            pulled += alpha * reach;
            state.fade *= 1.0 - alpha;
            // What is missing lies on the line so far, which then stays as it is.
            let (a, b) = state.line;
            state.mean = if state.seen > 0.0 { a + b * (state.seen + 2.0) / 2.0 } else { 0.0 };
            state.seen += if form.is_dynamic() && state.seen == 0.0 { 0.0 } else { 1.0 };
            continue;
        }
        sums.take(value - known, from_first, from_pull);
        known += alpha * (value - known);
        first *= 1.0 - alpha;
        pulled *= 1.0 - alpha;
        state.take(alpha, *value, form.is_dynamic());
    }
    let first_value = values.iter().copied().find(|value| !value.is_nan()).unwrap_or(0.0);
    sums.solve(alpha, form, first_value)
}

/// Sums of products of an error's three parts, after settling.
#[derive(Default)]
struct Sums {
    taken: usize,
    squares: f64,
    with_first: f64,
    with_pull: f64,
    first: f64,
    both: f64,
    pull: f64,
}

impl Sums {
    fn take(&mut self, error: f64, first: f64, pull: f64) {
        self.taken += 1;
        if self.taken <= SETTLING {
            return;
        }
        self.squares += error * error;
        self.with_first += error * first;
        self.with_pull += error * pull;
        self.first += first * first;
        self.both += first * pull;
        self.pull += pull * pull;
    }

    fn solve(&self, alpha: f64, form: Form, first_value: f64) -> Solution {
        let at = |pull: f64| {
            let level = if self.first > NEGLIGIBLE {
                (self.with_first - pull * self.both) / self.first
            } else {
                first_value
            };
            let squares = self.squares - 2.0 * (level * self.with_first + pull * self.with_pull)
                + level * level * self.first
                + pull * pull * self.pull
                + 2.0 * level * pull * self.both;
            let counted = self.taken.saturating_sub(SETTLING);
            Solution { alpha, level, pull, squares: squares.max(0.0), counted }
        };
        if !form.is_optimised() {
            return at(0.5);
        }
        let (slope, bend) = if self.first > NEGLIGIBLE {
            let share = self.both / self.first;
            (self.with_pull - share * self.with_first, self.pull - share * self.both)
        } else {
            (self.with_pull - first_value * self.both, self.pull)
        };
        at(if bend > NEGLIGIBLE * self.pull.max(1.0) {
            (slope / bend).clamp(0.0, 1.0)
        } else {
            0.5
        })
    }
}
