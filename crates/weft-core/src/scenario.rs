//! Scenarios: joint sample paths of the demand of many series.
//!
//! What happens together stays together: scenario `s` adds to every series the residuals of the
//! same past window, so the load of a host is a sum per scenario and a common peak is seen as one.
//! A scenario is therefore only a column of a shared residual store in half precision, over a few
//! unequal buckets (fine now, coarse later): 100,000 workloads × 4 resources × 30 windows × 48
//! buckets are 1.2 GB instead of the 29 GB of explicit paths.
//!
//! About thirty windows cannot show a 99th percentile. A host's quantile is therefore its mean plus
//! a multiple of its deviation over the scenarios, and the multiples come from how past sums over
//! hosts really fell: see [`Tail`].

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use thiserror::Error;

use crate::forecast::Confidence;
use crate::resource::SeriesKey;
use crate::time::{Span, Step, Timestamp};

/// Parts of scenarios that do not fit together.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScenarioError {
    /// Bucket ends that do not ascend, or too many of them.
    #[error("expected 1 to 48 ascending bucket ends, found {0:?}")]
    Buckets(Vec<u32>),
    /// An array of another length than its shape says.
    #[error("expected {expected} values in {what}, found {found}")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Values by its shape.
        expected: usize,
        /// Values given.
        found: usize,
    },
}

/// Unequal pieces of the horizon: bucket `b` covers the steps `ends[b-1]..ends[b]` ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets(Arc<[u32]>);

impl Buckets {
    /// The most buckets that memory allows at fleet size.
    pub const MOST: usize = 48;

    /// Buckets with these ends, in steps ahead.
    pub fn new(ends: &[u32]) -> Result<Self, ScenarioError> {
        let ascending = ends.windows(2).all(|pair| pair[0] < pair[1]);
        let sized = (1..=Self::MOST).contains(&ends.len());
        if sized && ascending && ends[0] > 0 {
            return Ok(Self(ends.into()));
        }
        Err(ScenarioError::Buckets(ends.to_vec()))
    }

    /// Buckets that cover `steps` steps: single steps at first, each later one about a third of
    /// its distance wide, so that the relative error of *when* stays the same.
    pub fn covering(steps: usize) -> Self {
        let last = steps.max(1) as u32;
        let mut ends = vec![1_u32];
        while let Some(end) = ends.last().copied().filter(|end| *end < last) {
            let width = if ends.len() + 1 >= Self::MOST { last } else { (end / 3).max(1) };
            ends.push((end + width).min(last));
        }
        Self(ends.into())
    }

    /// Number of buckets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is at least one bucket.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps ahead that bucket `bucket` covers.
    pub fn steps(&self, bucket: usize) -> std::ops::Range<usize> {
        let begin = if bucket == 0 { 0 } else { self.0[bucket - 1] };
        begin as usize..self.0[bucket] as usize
    }

    /// Steps ahead that all buckets cover together.
    pub fn horizon_steps(&self) -> usize {
        self.0[self.0.len() - 1] as usize
    }

    /// The bucket in which `span` after the origin lies; none beyond the horizon.
    pub fn at(&self, span: Span, step: Step) -> Option<usize> {
        let ahead = span.whole_steps(step) as u32;
        self.0.iter().position(|end| ahead < *end)
    }
}

/// How the sums over hosts fell around their forecast, in deviations: the tail of every host,
/// recalibrated (conformal) on past sums.
///
/// `multipliers[level][bucket]` is the number of deviations above the mean below which a share
/// `level` of the past host sums lay.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    levels: Arc<[f64]>,
    multipliers: Arc<[f32]>,
    buckets: usize,
}

impl Tail {
    /// The levels at which tails are kept: dense where policies choose.
    pub const LEVELS: [f64; 12] =
        [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9999];

    /// The standard normal quantiles at [`Tail::LEVELS`]: the tail of a sum of many independent
    /// demands, and the start before any host sum has been seen. Values: Abramowitz & Stegun 1964,
    /// table 26.5, to four digits.
    pub const NORMAL: [f32; 12] = [
        0.0, 0.2533, 0.5244, 0.8416, 1.0364, 1.2816, 1.6449, 1.9600, 2.3263, 2.5758, 3.0902, 3.7190,
    ];

    /// The normal tail over `buckets` buckets.
    pub fn normal(buckets: usize) -> Self {
        let multipliers = Self::NORMAL.iter().flat_map(|k| std::iter::repeat_n(*k, buckets));
        Self { levels: Self::LEVELS.as_slice().into(), multipliers: multipliers.collect(), buckets }
    }

    /// A tail from multipliers, [`Tail::LEVELS`] × `buckets`. Each bucket's multipliers are made to
    /// ascend, so quantiles cannot cross.
    pub fn new(mut multipliers: Vec<f32>, buckets: usize) -> Result<Self, ScenarioError> {
        let expected = Self::LEVELS.len() * buckets;
        if multipliers.len() != expected {
            let found = multipliers.len();
            return Err(ScenarioError::Shape { what: "tail multipliers", expected, found });
        }
        for index in buckets..multipliers.len() {
            multipliers[index] = multipliers[index].max(multipliers[index - buckets]);
        }
        Ok(Self {
            levels: Self::LEVELS.as_slice().into(),
            multipliers: multipliers.into(),
            buckets,
        })
    }

    /// Deviations above the mean at `confidence` in `bucket`; linear in the logarithm of the
    /// exceedance between two levels, level beyond the last.
    pub fn multiplier(&self, confidence: Confidence, bucket: usize) -> f32 {
        let level = confidence.get();
        let above = self.levels.iter().position(|l| *l >= level).unwrap_or(self.levels.len() - 1);
        let upper = self.multipliers[above * self.buckets + bucket];
        if above == 0 || self.levels[above] <= level {
            return upper;
        }
        let lower = self.multipliers[(above - 1) * self.buckets + bucket];
        let depth = |l: f64| -(1.0 - l).ln();
        let (low, high) = (depth(self.levels[above - 1]), depth(self.levels[above]));
        lower + (upper - lower) * ((depth(level) - low) / (high - low)) as f32
    }

    /// P(sum > limit) for a sum with this mean and deviation in `bucket`: the inverse of
    /// [`Tail::multiplier`], at most 0.5 where the limit is above the mean, 1 − the level reached.
    pub fn exceedance(&self, mean: f32, deviation: f32, limit: f32, bucket: usize) -> f64 {
        if deviation <= 0.0 {
            return if mean > limit { 1.0 } else { 0.0 };
        }
        let at = |level: usize| self.multipliers[level * self.buckets + bucket];
        let wanted = (limit - mean) / deviation;
        let lowest = at(0);
        if wanted < lowest {
            // Below the median the tail is mirrored: the share below is the share above the mirror.
            let mirrored = 2.0 * lowest - wanted;
            return 1.0 - self.share_above(mirrored, at);
        }
        self.share_above(wanted, at)
    }

    fn share_above(&self, wanted: f32, at: impl Fn(usize) -> f32) -> f64 {
        let last = self.levels.len() - 1;
        let Some(above) = (1..=last).find(|level| at(*level) > wanted) else {
            return 1.0 - self.levels[last];
        };
        let (low, high) = (at(above - 1), at(above));
        let share = f64::from(((wanted - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0., 1.));
        let (begin, end) = (1.0 - self.levels[above - 1], 1.0 - self.levels[above]);
        begin * (end / begin).powf(share)
    }
}

/// Joint demand of many series after `origin`.
///
/// Arrays are row-major in the order their documentation gives.
#[derive(Debug, Clone)]
pub struct Scenarios {
    origin: Timestamp,
    step: Step,
    buckets: Buckets,
    series: Arc<[SeriesKey]>,
    windows: usize,
    mean: Vec<f32>,
    within_variance: Vec<f32>,
    residuals: Vec<f16>,
    /// What one unit of a residual is worth, per series.
    scale: Vec<f32>,
    cap: Vec<f32>,
    tail: Tail,
}

/// What the demands of several series add up to in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Mean over the scenarios.
    pub mean: f32,
    /// Deviation of a single step: over the scenarios, plus what varies inside the bucket.
    pub deviation: f32,
}

/// The arrays of [`Scenarios`], before they are checked against each other.
#[derive(Debug, Clone)]
pub struct ScenarioParts {
    /// End of the last step whose samples were known.
    pub origin: Timestamp,
    /// Distance between two steps.
    pub step: Step,
    /// The pieces of the horizon.
    pub buckets: Buckets,
    /// Which series, ascending.
    pub series: Arc<[SeriesKey]>,
    /// Number of past windows, one per scenario.
    pub windows: usize,
    /// Expected demand, series × bucket: the mean over the steps of the bucket.
    pub mean: Vec<f32>,
    /// Variance of the steps inside a bucket around its mean, series × bucket: the correction for
    /// the peak inside. Zero for buckets of one step.
    pub within_variance: Vec<f32>,
    /// What past windows added to their forecast, series × window × bucket.
    pub residuals: Vec<f16>,
    /// The most a series can demand (its vCPUs), per series; infinite where nothing caps it.
    pub cap: Vec<f32>,
    /// The tail of sums over hosts.
    pub tail: Tail,
}

impl Scenarios {
    /// Joins the parts; an error names the first array of the wrong length.
    pub fn new(parts: ScenarioParts) -> Result<Self, ScenarioError> {
        let (series, buckets) = (parts.series.len(), parts.buckets.len());
        let check = |what, expected: usize, found: usize| {
            if expected == found {
                return Ok(());
            }
            Err(ScenarioError::Shape { what, expected, found })
        };
        check("mean", series * buckets, parts.mean.len())?;
        check("within-bucket variance", series * buckets, parts.within_variance.len())?;
        check("residuals", series * parts.windows * buckets, parts.residuals.len())?;
        check("cap", series, parts.cap.len())?;
        check("tail multipliers", buckets, parts.tail.buckets)?;
        Ok(Self {
            origin: parts.origin,
            step: parts.step,
            buckets: parts.buckets,
            series: parts.series,
            windows: parts.windows,
            mean: parts.mean,
            within_variance: parts.within_variance,
            residuals: parts.residuals,
            scale: vec![1.0; series],
            cap: parts.cap,
            tail: parts.tail,
        })
    }

    /// The same scenarios with residuals in units of `scale`, one per series: half precision ends
    /// at 65,504, and some measures count bytes.
    pub fn with_scale(mut self, scale: Vec<f32>) -> Result<Self, ScenarioError> {
        let (expected, found) = (self.series.len(), scale.len());
        if expected != found {
            return Err(ScenarioError::Shape { what: "scale", expected, found });
        }
        self.scale = scale;
        Ok(self)
    }

    /// End of the last step whose samples were known.
    pub const fn origin(&self) -> Timestamp {
        self.origin
    }

    /// Distance between two steps.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The pieces of the horizon.
    pub const fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Which series, ascending.
    pub fn series(&self) -> &[SeriesKey] {
        &self.series
    }

    /// The row of a series.
    pub fn position(&self, key: &SeriesKey) -> Option<usize> {
        self.series.binary_search(key).ok()
    }

    /// Number of scenarios.
    pub const fn len(&self) -> usize {
        self.windows
    }

    /// Whether there is no scenario: then only means are known.
    pub const fn is_empty(&self) -> bool {
        self.windows == 0
    }

    /// The tail of sums over hosts.
    pub const fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Expected demand of row `series` in `bucket`, capped and never negative.
    pub fn mean(&self, series: usize, bucket: usize) -> f32 {
        self.mean[series * self.buckets.len() + bucket].clamp(0.0, self.cap[series])
    }

    /// Variance inside the bucket around its mean.
    pub fn within_variance(&self, series: usize, bucket: usize) -> f32 {
        self.within_variance[series * self.buckets.len() + bucket]
    }

    /// Demand of row `series` in `bucket` under `scenario`, capped and never negative.
    pub fn demand(&self, series: usize, scenario: usize, bucket: usize) -> f32 {
        let buckets = self.buckets.len();
        let residual = self.residuals[(series * self.windows + scenario) * buckets + bucket];
        let mean = self.mean[series * buckets + bucket];
        (mean + residual.to_f32() * self.scale[series]).clamp(0.0, self.cap[series])
    }

    /// [`Scenarios::demand`] in every bucket at once, into `out`, one number for each.
    ///
    /// # Panics
    /// If `out` has another length than there are buckets.
    pub fn path(&self, series: usize, scenario: usize, out: &mut [f32]) {
        let buckets = self.buckets.len();
        let begin = (series * self.windows + scenario) * buckets;
        self.residuals[begin..begin + buckets].convert_to_f32_slice(out);
        let (scale, cap) = (self.scale[series], self.cap[series]);
        for (demand, mean) in out.iter_mut().zip(&self.mean[series * buckets..]) {
            *demand = (mean + *demand * scale).clamp(0.0, cap);
        }
    }

    /// What `members` (row and share of its demand) add up to in `bucket`. Its quantile at a
    /// confidence is mean + [`Tail::multiplier`] × deviation: the tail is calibrated on these sums.
    ///
    /// mean = meanₛ Σ share·demandₛ, deviation² = varianceₛ Σ share·demandₛ + Σ share²·within.
    pub fn load(&self, members: &[(usize, f32)], bucket: usize) -> Load {
        let sum = |scenario| -> f32 {
            members.iter().map(|(row, share)| self.demand(*row, scenario, bucket) * share).sum()
        };
        let sums: Vec<f32> = (0..self.windows).map(sum).collect();
        self.load_of(members, bucket, &sums)
    }

    /// [`Scenarios::load`] in every bucket, several times faster than one after the other.
    pub fn loads(&self, members: &[(usize, f32)]) -> Vec<Load> {
        let buckets = self.buckets.len();
        let cells = self.windows * buckets;
        let (mut residuals, mut sums) = (vec![0.0_f32; cells], vec![0.0_f32; cells]);
        for (row, share) in members {
            self.residuals[row * cells..][..cells].convert_to_f32_slice(&mut residuals);
            let means = &self.mean[row * buckets..][..buckets];
            let (scale, cap) = (self.scale[*row], self.cap[*row]);
            let scenarios = sums.chunks_exact_mut(buckets).zip(residuals.chunks_exact(buckets));
            for (sums, residuals) in scenarios {
                for ((sum, residual), mean) in sums.iter_mut().zip(residuals).zip(means) {
                    *sum += (mean + residual * scale).clamp(0.0, cap) * share;
                }
            }
        }
        let of_bucket = |bucket| {
            let sums: Vec<f32> = sums.iter().skip(bucket).step_by(buckets).copied().collect();
            self.load_of(members, bucket, &sums)
        };
        (0..buckets).map(of_bucket).collect()
    }

    /// The load of `members` from their sum in each scenario.
    fn load_of(&self, members: &[(usize, f32)], bucket: usize, sums: &[f32]) -> Load {
        let within =
            |(row, share): &(usize, f32)| self.within_variance(*row, bucket) * share * share;
        let inside: f32 = members.iter().map(within).sum();
        if sums.is_empty() {
            let mean = members.iter().map(|(row, share)| self.mean(*row, bucket) * share).sum();
            return Load { mean, deviation: inside.sqrt() };
        }
        let mean = sums.iter().sum::<f32>() / sums.len() as f32;
        let squares: f32 = sums.iter().map(|sum| (sum - mean) * (sum - mean)).sum();
        Load { mean, deviation: (squares / sums.len() as f32 + inside).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;

    #[test]
    fn buckets_are_fine_now_and_coarse_later() {
        let day = Buckets::covering(288);
        assert_eq!(day.horizon_steps(), 288);
        assert!(day.len() <= 24, "{} buckets", day.len());
        assert_eq!((day.steps(0), day.steps(3)), (0..1, 3..4));
        assert_eq!(day.at(Span::from_minutes(7), Step::FIVE_MINUTES), Some(1));
        assert_eq!(day.at(Span::from_days(2), Step::FIVE_MINUTES), None);
        assert!(Buckets::new(&[1, 1]).is_err() && Buckets::new(&[]).is_err());
        assert_eq!(Buckets::covering(100_000).horizon_steps(), 100_000);
        assert!(Buckets::covering(100_000_000).len() <= Buckets::MOST);
    }

    #[test]
    fn loads_keep_what_happens_together() {
        let keys = ["a", "b"].map(|name| SeriesKey::resource(name.into(), Resource::Network));
        let residuals = [[-1.0_f32, 1.0], [-2.0, 2.0]].concat();
        let parts = ScenarioParts {
            origin: Timestamp::default(),
            step: Step::FIVE_MINUTES,
            buckets: Buckets::new(&[2]).expect("one bucket"),
            series: keys.to_vec().into(),
            windows: 2,
            mean: vec![1e7, 2e7],
            within_variance: vec![0.0, 16e12],
            residuals: residuals.into_iter().map(f16::from_f32).collect(),
            cap: vec![f32::INFINITY; 2],
            tail: Tail::normal(1),
        };
        let scenarios = Scenarios::new(parts).expect("shapes").with_scale(vec![1e6; 2]);
        let scenarios = scenarios.expect("two scales");
        assert_eq!(scenarios.demand(1, 0, 0), 1.8e7);
        let mut path = [0.0];
        scenarios.path(1, 0, &mut path);
        assert_eq!(path, [1.8e7]);
        let load = scenarios.load(&[(0, 1.0), (1, 0.5)], 0);
        assert!((load.mean - 2e7).abs() < 10.0, "{load:?}");
        assert!((load.deviation - 8e12_f32.sqrt()).abs() < 10.0, "{load:?}");
        assert_eq!(scenarios.loads(&[(0, 1.0), (1, 0.5)]), [load]);
        assert!(scenarios.with_scale(vec![]).is_err());
    }

    #[test]
    fn multiplier_and_exceedance_are_inverse() {
        let tail = Tail::normal(2);
        for level in [0.5, 0.7, 0.93, 0.95, 0.99, 0.997] {
            let confidence = Confidence::new(level).expect("level");
            let k = tail.multiplier(confidence, 1);
            let exceedance = tail.exceedance(10.0, 2.0, 10.0 + 2.0 * k, 1);
            assert!((exceedance - (1.0 - level)).abs() < 1e-4, "{level}: {exceedance}");
        }
        assert!(tail.exceedance(10.0, 2.0, 6.0, 0) > 0.95);
        assert_eq!(tail.exceedance(10.0, 0.0, 9.0, 0), 1.0);
    }
}
