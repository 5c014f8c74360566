//! The upper tail of one statistic, learnt online: how surprising is a value, given the largest ones of the past? What
//! is kept are order statistics, never a model of the whole distribution, and one long anomaly must never become the
//! measure of all later ones.

/// Samples that count as one: neighbours depend on each other, so the largest of each block is taken (the method of
/// block maxima; Coles 2001, chapter 3). An hour of five-minute steps.
const BLOCK_SAMPLES: u32 = 12;
/// Largest blocks that are kept in each generation.
const KEPT: usize = 16;
/// Of young statistics at most every third block is taken for its tail.
const BLOCKS_PER_KEPT: usize = 3;
/// Blocks of a generation. Two are remembered, so what is older than four to eight weeks of five-minute steps is
/// forgotten.
const GENERATION_BLOCKS: u32 = 672;
/// Blocks of one episode that are learnt from: the third hour of an incident is no third incident.
const EPISODE_BLOCKS: u32 = 2;
/// What is believed of the tail's index before anything is seen, and how many blocks that belief is worth. The index of
/// normal noise at the quantiles that matter here is about 0.15, that of bursts about 0.5.
const PRIOR_INDEX: f32 = 0.3;
const PRIOR_BLOCKS: f32 = 6.0;
/// A past block of this part of a value is its like; a value is no surprise any more once it has more than so many.
const LIKE: f64 = 0.8;
const UNCOUNTED_LIKES: usize = 1;
/// Blocks until a tail is trusted fully; before, its surprise counts in proportion. Two and a half days of five-minute
/// steps.
const TRUSTED_BLOCKS: f64 = 60.0;
/// Larger values count as this one, so that sums of logarithms stay finite.
const LARGEST: f64 = 1e30;

/// The largest blocks of one generation, descending.
#[derive(Debug, Clone, Default)]
struct Generation {
    largest: [f32; KEPT],
    held: usize,
    blocks: u32,
}

impl Generation {
    fn insert(&mut self, block: f32) {
        self.blocks += 1;
        let position = self.held().partition_point(|kept| *kept >= block);
        if position < KEPT {
            self.held = (self.held + 1).min(KEPT);
            self.largest.copy_within(position..self.held - 1, position + 1);
            self.largest[position] = block;
        }
    }

    fn held(&self) -> &[f32] {
        &self.largest[..self.held]
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    current: Generation,
    previous: Generation,
    block_largest: f32,
    block_samples: u32,
    episode_blocks: u32,
    fit: Fit,
}

/// P(block ≥ v) = kept/blocks · (v/threshold)^(−1/index) above the threshold, the smallest of the kept blocks.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    blocks: f32,
    kept: f32,
    threshold: f32,
    index: f32,
}

impl Tail {
    /// −log10 of the chance that a block reaches `value`; 0 in what is usual, and at or below `floor`.
    pub(super) fn surprise(&self, value: f64, floor: f64) -> f64 {
        let fit = &self.fit;
        let threshold = f64::from(fit.threshold).max(floor);
        if fit.kept < 2.0 || value <= threshold {
            return 0.0;
        }
        let blocks = f64::from(fit.blocks);
        let fitted =
            f64::from(fit.kept) / blocks * (value / threshold).powf(-1.0 / f64::from(fit.index));
        let counted = self.likes(value).saturating_sub(UNCOUNTED_LIKES) as f64 / blocks;
        -fitted.max(counted).max(1e-30).log10() * (blocks / TRUSTED_BLOCKS).min(1.0)
    }

    fn likes(&self, value: f64) -> usize {
        let is_like = |kept: &&f32| f64::from(**kept) >= LIKE * value;
        self.current.held().iter().chain(self.previous.held()).filter(is_like).count()
    }

    /// Takes the next value; `in_episode` while something unusual goes on.
    pub(super) fn record(&mut self, value: f64, in_episode: bool) {
        self.block_largest = self.block_largest.max(value.min(LARGEST) as f32);
        self.block_samples += 1;
        if !in_episode {
            self.episode_blocks = 0;
        }
        if self.block_samples == BLOCK_SAMPLES {
            self.end_block(in_episode);
        }
    }

    fn end_block(&mut self, in_episode: bool) {
        self.episode_blocks += u32::from(in_episode);
        if self.episode_blocks <= EPISODE_BLOCKS {
            self.current.insert(self.block_largest);
        }
        (self.block_largest, self.block_samples) = (0.0, 0);
        if self.current.blocks >= GENERATION_BLOCKS {
            self.previous = std::mem::take(&mut self.current);
        }
        self.refit();
    }

    /// The index by Hill (1975), shrunk towards the prior.
    fn refit(&mut self) {
        let blocks = self.current.blocks + self.previous.blocks;
        let (merged, held) = self.merged();
        let kept = held.min((blocks as usize / BLOCKS_PER_KEPT).max(2));
        if kept < 2 {
            return;
        }
        let threshold = merged[kept - 1].max(f32::MIN_POSITIVE);
        let logarithms: f32 =
            merged[..kept].iter().map(|each| (each / threshold).max(1.0).ln()).sum();
        let index = (logarithms + PRIOR_INDEX * PRIOR_BLOCKS) / (kept as f32 - 1.0 + PRIOR_BLOCKS);
        self.fit = Fit { blocks: blocks as f32, kept: kept as f32, threshold, index };
    }

    /// The largest of both generations, descending, and how many there are.
    fn merged(&self) -> ([f32; KEPT], usize) {
        let mut merged = [0.0; KEPT];
        let (mut left, mut right) = (self.current.held(), self.previous.held());
        let mut held = 0;
        while held < KEPT && !(left.is_empty() && right.is_empty()) {
            let from = if right.is_empty() || (!left.is_empty() && left[0] >= right[0]) {
                &mut left
            } else {
                &mut right
            };
            merged[held] = from[0];
            *from = &from[1..];
            held += 1;
        }
        (merged, held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::injected::Source;

    /// A tail that has seen `blocks` blocks of normal noise.
    fn learnt(blocks: u32) -> Tail {
        let mut source = Source::new(3);
        let mut tail = Tail::default();
        (0..blocks * BLOCK_SAMPLES).for_each(|_| tail.record(source.normal().max(0.0), false));
        tail
    }

    #[test]
    fn a_young_tail_is_hardly_surprised() {
        assert_eq!(Tail::default().surprise(100.0, 0.0), 0.0);
        assert!(learnt(6).surprise(10.0, 0.0) < 0.5 * learnt(100).surprise(10.0, 0.0));
    }

    #[test]
    fn surprise_is_calibrated_on_what_is_seen_and_grows_beyond() {
        let tail = learnt(600);
        // A block's largest of twelve reaches 3 with a chance of 12 · 0.00135 = 0.016.
        let at_three = tail.surprise(3.0, 0.0);
        assert!((1.4..2.2).contains(&at_three), "{at_three}");
        assert_eq!(tail.surprise(1.0, 0.0), 0.0);
        assert!(tail.surprise(6.0, 0.0) > at_three + 1.0);
        assert_eq!(tail.surprise(6.0, 7.0), 0.0, "below the floor");
    }

    #[test]
    fn what_recurs_is_no_surprise_any_more_and_is_forgotten_at_last() {
        let mut tail = learnt(200);
        let first = tail.surprise(12.0, 0.0);
        for _ in 0..4 {
            tail.record(12.0, false);
            (1..24 * BLOCK_SAMPLES).for_each(|_| tail.record(0.5, false));
        }
        let fifth = tail.surprise(12.0, 0.0);
        assert!(first > 3.0 && fifth < 2.3, "{first}, then {fifth}");
        (0..2 * GENERATION_BLOCKS * BLOCK_SAMPLES)
            .for_each(|step| tail.record(f64::from(step % 7) / 7.0, false));
        assert!(tail.surprise(12.0, 0.0) > 3.0);
    }

    #[test]
    fn a_long_episode_counts_as_two_blocks() {
        let mut tail = learnt(200);
        (0..48 * BLOCK_SAMPLES).for_each(|_| tail.record(12.0, true));
        assert_eq!(tail.likes(12.0), 2);
    }
}
