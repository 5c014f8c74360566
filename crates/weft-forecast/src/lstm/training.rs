//! Learning: stochastic gradients of the pinball loss by Adam with decoupled decay (Kingma & Ba 2015; Loshchilov & Hutter
//! 2019), a rate that falls by half a cosine, weights averaged over the last steps (Polyak & Juditsky 1992), and an end where
//! the held-out days get no better. Batches are cut into a fixed number of parts, so that nothing depends on the threads.

use candle_core::{Result, Tensor, Var};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::network::Network;
use super::samples::Lot;
use crate::boosted::Dice;

/// How long and how boldly to learn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) epochs: usize,
    pub(super) rate: f64,
    pub(super) seed: u64,
}

/// Origins in a batch, fewer where there would be fewer steps than these in an epoch; and in each of the parts that are
/// worked on side by side.
const BATCH: usize = 256;
const SMALLEST_BATCH: usize = 16;
const FEWEST_STEPS: usize = 32;
const PART: usize = 64;
/// Steps over which the rate rises at first, and at most this share of all.
const WARM_UP: f64 = 50.0;
const WARM_UP_SHARE: f64 = 0.1;
/// Adam's memory of gradients and of their squares, and what keeps it from dividing by zero.
const MOMENTA: [f64; 2] = [0.9, 0.99];
const LEAST: f64 = 1e-7;
const DECAY: f64 = 1e-3;
/// How much of the averaged weights stays at each step.
const KEPT: f64 = 0.995;
/// Epochs without a better loss after which it ends.
const PATIENCE: usize = 3;

/// The best of the averaged weights on `held`; the last ones where nothing is held.
pub(super) fn train(start: Network, learned: &Lot, held: &Lot, course: Course) -> Result<Network> {
    let batch = (learned.len() / FEWEST_STEPS).clamp(SMALLEST_BATCH, BATCH);
    let mut learner = Learner::new(&start, course, learned.len().div_ceil(batch))?;
    let mut order: Vec<u32> = (0..learned.len() as u32).collect();
    let mut dice = Dice(course.seed);
    let (mut best, mut least, mut waited) = (start, f32::INFINITY, 0);
    for _ in 0..course.epochs {
        shuffle(&mut order, &mut dice);
        for chosen in order.chunks(batch) {
            learner.step(learned, chosen)?;
        }
        let average = learner.average();
        if held.len() == 0 {
            best = average;
            continue;
        }
        let loss = judge(&average, held)?;
        if loss < least {
            (best, least, waited) = (average, loss, 0);
        } else {
            waited += 1;
            if waited >= PATIENCE {
                break;
            }
        }
    }
    Ok(best)
}

/// In place (Fisher & Yates 1938).
fn shuffle(order: &mut [u32], dice: &mut Dice) {
    for last in (1..order.len()).rev() {
        let other = (f64::from(dice.roll()) * (last + 1) as f64) as usize;
        order.swap(last, other.min(last));
    }
}

/// The mean loss over a lot.
fn judge(network: &Network, lot: &Lot) -> Result<f32> {
    let all: Vec<u32> = (0..lot.len() as u32).collect();
    let parts: Vec<&[u32]> = all.chunks(BATCH).collect();
    let total = lot.known_steps();
    let losses: Vec<Result<f32>> = parts
        .par_iter()
        .map(|chosen| network.loss(&lot.batch(chosen), total)?.to_scalar::<f32>())
        .collect();
    losses.into_iter().sum()
}

/// Weights on their way.
struct Learner {
    network: Network,
    vars: Vec<Var>,
    /// Means of gradients and of their squares.
    moments: Vec<[Tensor; 2]>,
    averages: Vec<Tensor>,
    course: Course,
    steps: f64,
    all_steps: f64,
}

impl Learner {
    fn new(start: &Network, course: Course, steps_per_epoch: usize) -> Result<Self> {
        let (network, vars) = start.trainable()?;
        let moments = start.weights.iter().map(|weight| {
            let zeros = weight.zeros_like()?;
            Ok([zeros.clone(), zeros])
        });
        Ok(Self {
            network,
            vars,
            moments: moments.collect::<Result<_>>()?,
            averages: start.weights.clone(),
            course,
            steps: 0.0,
            all_steps: (steps_per_epoch * course.epochs) as f64,
        })
    }

    fn rate(&self) -> f64 {
        let rise = (self.steps / WARM_UP.min(self.all_steps * WARM_UP_SHARE).max(1.0)).min(1.0);
        let fall = 0.5 + 0.5 * (std::f64::consts::PI * self.steps / self.all_steps).cos();
        self.course.rate * rise * fall.max(0.01)
    }

    /// One step on these origins.
    fn step(&mut self, lot: &Lot, chosen: &[u32]) -> Result<()> {
        let total = (chosen.len() * super::samples::STEPS) as f32;
        let parts: Vec<&[u32]> = chosen.chunks(PART).collect();
        let each = |part: &&[u32]| {
            let loss = self.network.loss(&lot.batch(part), total)?;
            let mut gradients = loss.backward()?;
            let of_weights: Vec<Option<Tensor>> =
                self.vars.iter().map(|var| gradients.remove(var)).collect();
            Ok(of_weights)
        };
        let parts: Vec<Result<Vec<Option<Tensor>>>> = parts.par_iter().map(each).collect();
        let mut sums = vec![None; self.vars.len()];
        for part in parts {
            for (sum, gradient) in sums.iter_mut().zip(part?) {
                *sum = match (sum.take(), gradient) {
                    (Some(sum), Some(gradient)) => Some((sum + gradient)?),
                    (sum, gradient) => sum.or(gradient),
                };
            }
        }
        self.steps += 1.0;
        let rate = self.rate();
        for (index, gradient) in sums.into_iter().enumerate() {
            if let Some(gradient) = gradient {
                self.move_weight(index, &gradient.detach(), rate)?;
            }
        }
        Ok(())
    }

    fn move_weight(&mut self, index: usize, gradient: &Tensor, rate: f64) -> Result<()> {
        let weight = self.vars[index].as_tensor().detach();
        let [first, second] = &self.moments[index];
        let first = ((first * MOMENTA[0])? + (gradient * (1.0 - MOMENTA[0]))?)?;
        let second = ((second * MOMENTA[1])? + (gradient.sqr()? * (1.0 - MOMENTA[1]))?)?;
        let grown = MOMENTA.map(|kept| 1.0 - kept.powf(self.steps));
        let spread = ((&second / grown[1])?.sqrt()? + LEAST)?;
        let change = ((&first / grown[0])? / spread)?;
        let moved = ((weight * (1.0 - rate * DECAY))? - (change * rate)?)?;
        let kept = KEPT.min(self.steps / (self.steps + 10.0));
        self.averages[index] = ((&self.averages[index] * kept)? + (&moved * (1.0 - kept))?)?;
        self.moments[index] = [first, second];
        self.vars[index].set(&moved)
    }

    fn average(&self) -> Network {
        Network { size: self.network.size, weights: self.averages.clone() }
    }
}
