//! Futures of the trend: bends that come as they came (Taylor & Letham 2018, section 3.1.4), and quantiles over them.
//! Randomness is what the caller passes in; the noise of the samples is not drawn but laid out evenly.

use rand::Rng;
use weft_core::forecast::Levels;

use crate::distribution::normal_quantile;

/// How the trend goes on bending.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coming {
    /// Bends a unit of the model's time, which is as long as the samples were.
    pub(super) rate: f64,
    /// Mean of their absolute sizes.
    pub(super) size: f64,
}

/// What simulated bends add to z: draws × rows, row after row of a draw.
pub(super) struct Paths {
    draws: usize,
    added: Vec<f64>,
}

impl Coming {
    /// Bends at the events of a Poisson process after time 1, Laplace in size, over rows at ascending `time`.
    pub(super) fn paths(self, time: &[f64], draws: usize, generator: &mut impl Rng) -> Paths {
        let mut added = vec![0.0; draws * time.len()];
        let end = time.last().copied().unwrap_or(0.0);
        if self.rate * self.size > 0.0 && end > 1.0 {
            for path in added.chunks_exact_mut(time.len()) {
                self.draw(time, end, path, generator);
            }
        }
        Paths { draws, added }
    }

    fn draw(self, time: &[f64], end: f64, path: &mut [f64], generator: &mut impl Rng) {
        let mut place = 1.0;
        loop {
            place -= uniform(generator).ln() / self.rate;
            if place >= end {
                return;
            }
            let both_sides = 2.0 * uniform(generator) - 1.0;
            let bend = -self.size * both_sides.signum() * (1.0 - both_sides.abs()).ln();
            let first = time.partition_point(|time| *time < place);
            for (added, time) in path[first..].iter_mut().zip(&time[first..]) {
                *added += bend * (time - place);
            }
        }
    }
}

/// The quantiles of `value(row, added to z, standard noise)` over all draws, rows × levels.
///
/// The noise of the i-th draw is the normal quantile at (i + ½)/draws. Draws are independent, so their order is no
/// arrangement, and the outer quantiles carry no error of a second sampling.
pub(super) fn quantiles(
    paths: &Paths,
    rows: usize,
    levels: &Levels,
    value: impl Fn(usize, f64, f64) -> f64,
) -> Vec<f64> {
    let level = |draw: usize| (draw as f64 + 0.5) / paths.draws as f64;
    let noise: Vec<f64> = (0..paths.draws).map(|draw| normal_quantile(level(draw))).collect();
    let mut quantiles = Vec::with_capacity(rows * levels.as_slice().len());
    let mut sample = vec![0.0; paths.draws];
    for row in 0..rows {
        for (draw, (to, noise)) in sample.iter_mut().zip(&noise).enumerate() {
            *to = value(row, paths.added[draw * rows + row], *noise);
        }
        sample.sort_unstable_by(f64::total_cmp);
        quantiles.extend(levels.as_slice().iter().map(|level| quantile(&sample, *level)));
    }
    quantiles
}

/// Linear between the ranks of an ascending sample (Hyndman & Fan 1996, definition 7), as the package takes it.
fn quantile(ascending: &[f64], level: f64) -> f64 {
    let last = ascending.len() - 1;
    let rank = level * last as f64;
    let below = rank.floor() as usize;
    let (low, high) = (ascending[below], ascending[(below + 1).min(last)]);
    low + (high - low) * (rank - below as f64)
}

/// Uniform in (0, 1).
fn uniform(generator: &mut impl Rng) -> f64 {
    ((generator.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}
