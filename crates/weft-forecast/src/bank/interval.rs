//! Whether intervals covered. Every few steps a 95 % interval is put around one step ahead; when
//! that step has come, the interval widens or narrows on the side that it tells of (adaptive
//! conformal inference: Gibbs & Candès 2021, in the multiplicative form), and the share that was
//! covered is kept. An interval is never judged by a sample that it was made from.

/// Steps between two judged intervals of a series: at a quarter of all steps the cost is small and
/// a day still gives seventy.
pub(super) const STEPS_BETWEEN: i64 = 4;
/// The ends of the judged interval around the median.
pub(super) const LEVELS: [f64; 3] = [0.025, 0.5, 0.975];
/// The pooled errors of all series weigh as much as this many own ones.
pub(super) const PRIOR_ERRORS: f32 = 10.0;
/// Logarithmic step of the stretch: forty intervals without a miss narrow a side by 5 %, one miss
/// widens it by as much.
const RATE: f32 = 0.05;
/// Bounds of the stretch, beyond which the residuals and not the stretch must follow.
const STRETCH: (f32, f32) = (0.25, 4.0);
/// Intervals that the kept coverage is averaged over: about a week.
const MEMORY: u32 = 500;

#[derive(Debug, Clone, Copy)]
struct Interval {
    step: i64,
    low: f32,
    high: f32,
}

/// How the intervals of one series covered, and how far they are stretched for it.
#[derive(Debug, Clone)]
pub(super) struct Coverage {
    open: Vec<Interval>,
    below: f32,
    above: f32,
    covered: f32,
    judged: u32,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { open: Vec::new(), below: 1.0, above: 1.0, covered: 0.0, judged: 0 }
    }
}

impl Coverage {
    pub(super) fn open(&mut self, step: i64, low: f32, high: f32) {
        self.open.push(Interval { step, low, high });
    }

    /// Judges the intervals of `step`. A censored sample inside an interval tells nothing of it.
    pub(super) fn judge(&mut self, step: i64, sample: Option<(f32, bool)>) {
        let mut index = 0;
        while index < self.open.len() {
            if self.open[index].step > step {
                index += 1;
                continue;
            }
            let interval = self.open.swap_remove(index);
            let Some((value, is_censored)) = sample.filter(|_| interval.step == step) else {
                continue;
            };
            if !is_censored || value > interval.high {
                self.learn(value < interval.low, value > interval.high);
            }
        }
    }

    fn learn(&mut self, is_below: bool, is_above: bool) {
        let missed = |stretch: f32, missed: bool| {
            let share = f32::from(u8::from(missed)) - LEVELS[0] as f32;
            (stretch * (RATE * share).exp()).clamp(STRETCH.0, STRETCH.1)
        };
        self.below = missed(self.below, is_below);
        self.above = missed(self.above, is_above);
        self.judged += 1;
        let covered = f32::from(u8::from(!is_below && !is_above));
        self.covered += (covered - self.covered) / self.judged.min(MEMORY) as f32;
    }

    /// Stretches ascending offsets away from the one at `median`.
    pub(super) fn stretch(&self, offsets: &mut [f32], median: usize) {
        let centre = offsets[median];
        for (index, offset) in offsets.iter_mut().enumerate() {
            let stretch = if index < median { self.below } else { self.above };
            *offset = centre + stretch * (*offset - centre);
        }
    }

    /// The share covered of those judged, and how many were; none before the first.
    pub(super) fn measured(&self) -> Option<(f64, u32)> {
        (self.judged > 0).then(|| (self.covered.into(), self.judged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Noise;

    const NOMINAL: f64 = LEVELS[2] - LEVELS[0];

    #[test]
    fn intervals_grow_or_shrink_until_they_cover() {
        for width in [0.8_f32, 1.0, 3.0] {
            let mut coverage = Coverage::default();
            let mut noise = Noise::new(9);
            for step in 0..4_000 {
                let mut ends = [-1.96 * width, 0.0, 1.96 * width];
                coverage.stretch(&mut ends, 1);
                coverage.open(step, ends[0], ends[2]);
                coverage.judge(step, Some((noise.normal() as f32, false)));
            }
            let (covered, judged) = coverage.measured().expect("judged");
            assert_eq!(judged, 4_000);
            assert!((covered - NOMINAL).abs() < 0.02, "{covered} at width {width}");
        }
    }

    #[test]
    fn a_gap_and_a_cut_off_sample_judge_nothing() {
        let mut coverage = Coverage::default();
        coverage.open(1, 0.0, 2.0);
        coverage.open(2, 0.0, 2.0);
        coverage.judge(1, None);
        coverage.judge(2, Some((1.0, true)));
        assert_eq!(coverage.measured(), None);
        coverage.open(3, 0.0, 2.0);
        coverage.judge(3, Some((3.0, true)));
        assert_eq!(coverage.measured(), Some((0.0, 1)), "at least 3 is above 2");
    }
}
