//! The network itself: weights, and the way from a batch to quantiles. Quantiles cannot cross: a median, and gaps that are
//! positive by their form, added up on both sides.

use candle_core::{D, Device, Result, Tensor, Var};
use weft_core::resource::Resource;

use super::recurrence::last_state;
use super::samples::{Batch, DISTANCES, INPUTS, TIME_COLUMNS};
use crate::boosted::features::COLUMNS;
use crate::boosted::{Dice, LEVELS};

/// What decides the form of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) hidden: usize,
    pub(super) width: usize,
    pub(super) clusters: usize,
    pub(super) events: usize,
}

/// Numbers that stand for a cluster.
const CLUSTER_WIDTH: usize = 4;
/// Gaps between the levels.
const GAPS: usize = LEVELS.len() - 1;
/// Place of the median among the levels.
const MEDIAN: usize = LEVELS.len() / 2;
/// The logarithm of the unit of the gaps is kept within this.
const MOST_LOG_UNIT: f32 = 5.0;

/// Names of the weights, in the order of [`Network::weights`].
pub(super) const NAMES: [&str; 11] = [
    "recurrence.input",
    "recurrence.state",
    "clusters",
    "head.state",
    "head.step",
    "head.second",
    "head.second_bias",
    "head.quantiles",
    "head.quantiles_bias",
    "head.median",
    "head.unit",
];

impl Size {
    /// Columns that tell of a step ahead.
    pub(super) const fn columns(self) -> usize {
        1 + COLUMNS + TIME_COLUMNS + Resource::ALL.len() + self.events
    }

    /// Rows and columns of each of [`NAMES`].
    pub(super) const fn shapes(self) -> [(usize, usize); NAMES.len()] {
        let (gates, known) = (4 * self.hidden, self.hidden + CLUSTER_WIDTH);
        [
            (INPUTS, gates),
            (self.hidden, gates),
            (self.clusters + 1, CLUSTER_WIDTH),
            (known, self.width),
            (self.columns(), self.width),
            (self.width, self.width),
            (1, self.width),
            (self.width, LEVELS.len()),
            (1, LEVELS.len()),
            (COLUMNS, DISTANCES),
            (self.columns(), DISTANCES),
        ]
    }
}

/// Weights with their size.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) size: Size,
    pub(super) weights: Vec<Tensor>,
}

impl Network {
    /// Layers drawn evenly by their fan-in (He et al. 2015); biases and the straight ways past the layers begin at zero, the
    /// forget gate open (Jozefowicz, Zaremba & Sutskever 2015).
    pub(super) fn drawn(size: Size, seed: u64, device: &Device) -> Result<Self> {
        let mut dice = Dice(seed);
        let weights = NAMES.iter().zip(size.shapes()).map(|(name, (rows, columns))| {
            let reach = match *name {
                "head.median" | "head.unit" => 0.0,
                "clusters" => 0.1,
                "recurrence.input" | "recurrence.state" => (1.0 / size.hidden as f32).sqrt(),
                "head.quantiles" => 0.5 * (3.0 / rows as f32).sqrt(),
                _ if rows == 1 => 0.0,
                _ => (6.0 / rows as f32).sqrt() * 0.7,
            };
            let mut values: Vec<f32> =
                (0..rows * columns).map(|_| reach * (2.0 * dice.roll() - 1.0)).collect();
            // The last input is always one: its row holds the biases.
            if *name == "recurrence.input" {
                let biases = &mut values[(rows - 1) * columns..];
                biases.fill(0.0);
                biases[size.hidden..2 * size.hidden].fill(1.0);
            }
            Tensor::from_vec(values, (rows, columns), device)
        });
        Ok(Self { size, weights: weights.collect::<Result<_>>()? })
    }

    /// The same with weights that gradients are taken of.
    pub(super) fn trainable(&self) -> Result<(Self, Vec<Var>)> {
        let vars = self.weights.iter().map(Var::from_tensor).collect::<Result<Vec<_>>>()?;
        let weights = vars.iter().map(|var| var.as_tensor().clone()).collect();
        Ok((Self { size: self.size, weights }, vars))
    }

    pub(super) fn device(&self) -> &Device {
        self.weights[0].device()
    }

    /// (origins · steps) × levels.
    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor> {
        let device = self.device();
        let [
            input,
            recurrent,
            clusters,
            of_state,
            of_step,
            second,
            second_bias,
            quantiles,
            quantiles_bias,
            median,
            unit,
        ] = self.weights.as_slice()
        else {
            candle_core::bail!("expected {} weights, found {}", NAMES.len(), self.weights.len());
        };
        let (origins, steps, columns) = (batch.origins, batch.steps, self.size.columns());
        let windows = batch.windows.len() / (origins * INPUTS);
        let told = Tensor::from_slice(&batch.windows, (windows, origins, INPUTS), device)?;
        let state = last_state(&told, input, recurrent)?;
        let cluster =
            clusters.index_select(&Tensor::from_slice(&batch.clusters, origins, device)?, 0)?;
        let state = Tensor::cat(&[state, cluster], D::Minus1)?.matmul(of_state)?;

        let rows = Tensor::from_slice(&batch.rows, (origins * steps, columns), device)?;
        let straight = Tensor::from_slice(&batch.straight, (origins * steps, COLUMNS), device)?;
        let hidden = rows.matmul(of_step)?;
        let hidden = hidden.reshape((origins, steps, self.size.width))?;
        let hidden = hidden.broadcast_add(&state.unsqueeze(1)?)?;
        let hidden = hidden.reshape((origins * steps, self.size.width))?.relu()?;
        let deeper = hidden.matmul(second)?.broadcast_add(second_bias)?.relu()?;
        let out = (deeper + hidden)?.matmul(quantiles)?.broadcast_add(quantiles_bias)?;

        let distances = Tensor::from_slice(&batch.distances, (origins * steps, DISTANCES), device)?;
        let at_distance = |lines: Tensor| (lines * &distances)?.sum_keepdim(1);
        let unit = at_distance(rows.matmul(unit)?)?.clamp(-MOST_LOG_UNIT, MOST_LOG_UNIT)?.exp()?;
        let median = (at_distance(straight.matmul(median)?)? + (out.narrow(1, 0, 1)? * &unit)?)?;
        let gaps = softplus(&out.narrow(1, 1, GAPS)?)?.broadcast_mul(&unit)?;
        median.broadcast_add(&gaps.matmul(&sums(device)?)?)
    }

    /// The quantiles of each step of a batch.
    pub(super) fn quantiles(&self, batch: &Batch) -> Result<Vec<[f32; LEVELS.len()]>> {
        let rows = self.forward(batch)?.to_vec2::<f32>()?;
        Ok(rows.into_iter().map(|row| std::array::from_fn(|level| row[level])).collect())
    }

    /// The mean pinball loss over levels and known steps, times their share of `total`.
    pub(super) fn loss(&self, batch: &Batch, total: f32) -> Result<Tensor> {
        let (device, rows) = (self.device(), batch.origins * batch.steps);
        let targets = Tensor::from_slice(&batch.targets, (rows, 1), device)?;
        let weights = Tensor::from_slice(&batch.weights, (rows, 1), device)?;
        let levels = Tensor::new(&LEVELS.map(|level| level as f32), device)?;
        let misses = targets.broadcast_sub(&self.forward(batch)?)?;
        let losses = (misses.broadcast_mul(&levels)? - misses.minimum(0.0_f32)?)?;
        losses.broadcast_mul(&weights)?.sum_all()? / f64::from(total * LEVELS.len() as f32)
    }
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

/// Adds gaps up from the median to both sides: gaps × levels.
fn sums(device: &Device) -> Result<Tensor> {
    let mut sums = [[0.0_f32; LEVELS.len()]; GAPS];
    for (gap, row) in sums.iter_mut().enumerate() {
        for (level, entry) in row.iter_mut().enumerate() {
            if gap < MEDIAN && level <= gap {
                *entry = -1.0;
            } else if gap >= MEDIAN && level > gap {
                *entry = 1.0;
            }
        }
    }
    Tensor::new(&sums, device)
}
