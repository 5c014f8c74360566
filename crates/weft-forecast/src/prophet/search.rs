//! The search for the most probable parameters: proximal Gauss–Newton (Lee, Sun & Saunders 2014, "Proximal Newton-type
//! methods", algorithm 1). In each round the model is made linear where it stands; the quadratic that is left, with the
//! absolute values of the bends, is solved exactly; then the step is shortened until the true loss falls. Where the
//! model is linear anyway, one round finds the parameters for a σ, and σ and parameters take turns on the products
//! alone. It must give the same on every machine: no random start, no limit by time.

use super::lasso::{Cholesky, Lasso, dot};
use super::posterior::{Point, Posterior, Products};

/// Rounds of linearisation; some ten are usual.
const MOST_ROUNDS: usize = 100;
/// Turns of σ and parameters in a linear model; below twenty are usual.
const MOST_TURNS: usize = 100;
/// The search ends when a round gains less than this a sample in log-posterior: what is left of the way is then below a
/// hundredth of the parameters' own uncertainty.
const TOLERANCE: f64 = 1e-9;
/// Armijo's condition.
const SUFFICIENT: f64 = 1e-4;
const SHORTEST: f64 = 1e-9;

/// The most probable parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) parameters: Vec<f64>,
    /// σ.
    pub(super) deviation: f64,
    /// Minus the logarithm of the posterior, up to a constant.
    pub(super) loss: f64,
    /// Rounds of linearisation that it took.
    pub(super) rounds: usize,
}

/// Searches from `start` on.
pub(super) fn most_probable(posterior: &Posterior<'_>, start: Vec<f64>) -> Found {
    let least_gain = TOLERANCE * posterior.design.value.len() as f64;
    let mut point = posterior.point(start);
    let mut products = None;
    let mut rounds = 0;
    while rounds < MOST_ROUNDS {
        rounds += 1;
        let local = posterior.products(&point, products.take());
        let target = if posterior.is_linear() {
            take_turns(posterior, &point, &local)
        } else {
            minimiser(posterior, &point, &local, point.deviation, &point.parameters)
        };
        let Some(next) = along(posterior, &point, &local, &target) else { break };
        let gain = point.loss - next.loss;
        point = next;
        if gain < least_gain {
            break;
        }
        products = Some(local);
    }
    Found { parameters: point.parameters, deviation: point.deviation, loss: point.loss, rounds }
}

/// The parameters at which a linear model's loss is least over σ too.
fn take_turns(posterior: &Posterior<'_>, point: &Point, products: &Products) -> Vec<f64> {
    let mut parameters = point.parameters.clone();
    let mut deviation = point.deviation;
    for _ in 0..MOST_TURNS {
        parameters = minimiser(posterior, point, products, deviation, &parameters);
        let next = posterior.deviation(squares(point, products, &parameters));
        let is_settled = (next - deviation).abs() <= 1e-7 * deviation;
        deviation = next;
        if is_settled {
            break;
        }
    }
    parameters
}

/// The sum of squares of the linearised model at `parameters`.
fn squares(point: &Point, products: &Products, parameters: &[f64]) -> f64 {
    let step: Vec<f64> = parameters.iter().zip(&point.parameters).map(|(a, b)| a - b).collect();
    let curved: f64 = step
        .iter()
        .zip(products.gram.chunks_exact(step.len()))
        .map(|(own, row)| own * dot(row, &step))
        .sum();
    point.squares - 2.0 * dot(&step, &products.right) + curved
}

/// Where the linearised loss is least for a fixed σ. The parameters with normal priors are eliminated (Schur
/// complement); what is left are the bends with their absolute values, searched from those of `nearby` on.
fn minimiser(
    posterior: &Posterior<'_>,
    point: &Point,
    products: &Products,
    deviation: f64,
    nearby: &[f64],
) -> Vec<f64> {
    let size = posterior.precisions.len();
    let (lines, bends) = (posterior.lines(), posterior.bends());
    let (gram, variance) = (&products.gram, deviation * deviation);
    let right: Vec<f64> = (0..size)
        .map(|row| {
            products.right[row] + dot(&gram[row * size..(row + 1) * size], &point.parameters)
        })
        .collect();
    let smooth: Vec<usize> = (0..lines).chain(lines + bends..size).collect();
    let factor = Cholesky::new(smooth.len(), |row, column| {
        let prior = if row == column { variance * posterior.precisions[smooth[row]] } else { 0.0 };
        gram[smooth[row] * size + smooth[column]] + prior
    });
    let halved = |of: &dyn Fn(usize) -> f64| {
        let mut column: Vec<f64> = smooth.iter().map(|index| of(*index)).collect();
        factor.forward(&mut column);
        column
    };
    let mut own = halved(&|index| right[index]);
    let crossed: Vec<Vec<f64>> =
        (lines..lines + bends).map(|bend| halved(&|index| gram[bend * size + index])).collect();
    let mut matrix = vec![0.0; bends * bends];
    for row in 0..bends {
        for column in 0..bends {
            matrix[row * bends + column] =
                gram[(lines + row) * size + lines + column] - dot(&crossed[row], &crossed[column]);
        }
    }
    let left: Vec<f64> =
        (0..bends).map(|bend| right[lines + bend] - dot(&crossed[bend], &own)).collect();
    let lasso = Lasso { matrix: &matrix, right: &left, penalty: posterior.penalty(deviation) };
    let bent = lasso.least(nearby[lines..lines + bends].to_vec());
    for (bend, crossed) in bent.iter().zip(&crossed) {
        own.iter_mut().zip(crossed).for_each(|(value, entry)| *value -= bend * entry);
    }
    factor.backward(&mut own);
    let mut parameters = vec![0.0; size];
    parameters[lines..lines + bends].copy_from_slice(&bent);
    smooth.iter().zip(own).for_each(|(index, value)| parameters[*index] = value);
    parameters
}

/// The first point on the way to `target`, halving, at which the loss has fallen enough.
fn along(
    posterior: &Posterior<'_>,
    point: &Point,
    products: &Products,
    target: &[f64],
) -> Option<Point> {
    let step: Vec<f64> = target.iter().zip(&point.parameters).map(|(a, b)| a - b).collect();
    let descent = dot(&step, &products.right) / (point.deviation * point.deviation);
    let prior = posterior.prior(&point.parameters) - posterior.prior(target);
    let expected = (descent + prior).max(0.0);
    let mut length = 1.0;
    while length > SHORTEST {
        let moved = point.parameters.iter().zip(&step).map(|(from, step)| from + length * step);
        let next = posterior.point(moved.collect());
        let needed = SUFFICIENT * length * expected;
        if next.loss.is_finite()
            && next.loss < point.loss
            && (length == 1.0 || point.loss - next.loss >= needed)
        {
            return Some(next);
        }
        length *= 0.5;
    }
    None
}
