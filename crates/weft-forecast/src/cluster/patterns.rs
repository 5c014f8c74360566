//! How often short patterns occur in a profile, wherever they do: shares of positive values after convolution with a fixed
//! set of 84 kernels of nine weights (−1, three of them 2) at growing dilations (Dempster, Schmidt & Webb 2021), with
//! thresholds taken from a sample. Every share is then standardised over the sample.

/// Which three of the nine weights are 2.
const KERNELS: [[usize; 3]; 84] = kernels();

/// Thresholds for each kernel and dilation. Nine instead of three gained next to nothing on the development sets (mean index .606, .602).
const THRESHOLDS: usize = 3;

/// Profiles of the sample from which thresholds are taken.
const THRESHOLD_PROFILES: usize = 32;

const fn kernels() -> [[usize; 3]; 84] {
    let mut all = [[0; 3]; 84];
    let (mut count, mut a) = (0, 0);
    while a < 9 {
        let mut b = a + 1;
        while b < 9 {
            let mut c = b + 1;
            while c < 9 {
                all[count] = [a, b, c];
                count += 1;
                c += 1;
            }
            b += 1;
        }
        a += 1;
    }
    all
}

/// Thresholds and scales, fitted to a sample.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    dilations: usize,
    /// Dilations × kernels.
    thresholds: Vec<[f32; THRESHOLDS]>,
    /// Mean and inverse deviation of each share over the sample, empty until known.
    scales: Vec<(f32, f32)>,
}

impl Patterns {
    /// Fits them to profiles of one length, at least one; gives the shares of each too.
    pub(super) fn fitted(profiles: &[Vec<f32>]) -> (Self, Vec<Vec<f32>>) {
        let points = profiles.first().map_or(0, Vec::len);
        // The longest reach of a kernel, eight dilations, stays within the profile.
        let dilations = 1 + (points.saturating_sub(1) / 8).checked_ilog2().unwrap_or(0) as usize;
        let every = profiles.len().div_ceil(THRESHOLD_PROFILES).max(1);
        let chosen: Vec<&Vec<f32>> = profiles.iter().step_by(every).collect();
        let thresholds = thresholds(&chosen, dilations);
        let mut patterns = Self { dilations, thresholds, scales: Vec::new() };
        let mut shares: Vec<Vec<f32>> = profiles.iter().map(|each| patterns.of(each)).collect();
        patterns.scales = scales(&shares);
        shares.iter_mut().for_each(|each| patterns.standardise(each));
        (patterns, shares)
    }

    /// The standardised shares of a profile.
    pub(super) fn of(&self, profile: &[f32]) -> Vec<f32> {
        let mut shares = Vec::with_capacity(self.thresholds.len() * THRESHOLDS);
        let mut convolved = vec![0.0; profile.len()];
        for dilation in 0..self.dilations {
            let lags = Lags::new(profile, 1 << dilation);
            for (kernel, weights) in KERNELS.iter().enumerate() {
                lags.convolve(*weights, &mut convolved);
                for threshold in self.thresholds[dilation * KERNELS.len() + kernel] {
                    let above: u32 = convolved.iter().map(|v| u32::from(*v > threshold)).sum();
                    shares.push(above as f32 / profile.len() as f32);
                }
            }
        }
        self.standardise(&mut shares);
        shares
    }

    fn standardise(&self, shares: &mut [f32]) {
        for (share, (mean, inverse)) in shares.iter_mut().zip(&self.scales) {
            *share = (*share - mean) * inverse;
        }
    }
}

/// A profile at nine lags, zeros beyond its ends, and their sum.
struct Lags {
    lagged: [Vec<f32>; 9],
    sum: Vec<f32>,
}

impl Lags {
    fn new(profile: &[f32], dilation: usize) -> Self {
        let value = |at: usize, lag: usize| {
            let index = (at + lag * dilation).checked_sub(4 * dilation);
            index.and_then(|index| profile.get(index)).copied().unwrap_or(0.0)
        };
        let lagged: [Vec<f32>; 9] =
            std::array::from_fn(|lag| (0..profile.len()).map(|at| value(at, lag)).collect());
        let sum = (0..profile.len()).map(|at| lagged.iter().map(|each| each[at]).sum()).collect();
        Self { lagged, sum }
    }

    /// Three weights of 2 and six of −1 are three times the three less all nine.
    fn convolve(&self, [a, b, c]: [usize; 3], into: &mut [f32]) {
        let parts = self.lagged[a].iter().zip(&self.lagged[b]).zip(&self.lagged[c]).zip(&self.sum);
        for (value, (((a, b), c), sum)) in into.iter_mut().zip(parts) {
            *value = 3.0 * (a + b + c) - sum;
        }
    }
}

/// Quantiles of the convolved profiles; which ones differs little, so they are spread by the golden ratio.
fn thresholds(profiles: &[&Vec<f32>], dilations: usize) -> Vec<[f32; THRESHOLDS]> {
    let mut found = Vec::with_capacity(dilations * KERNELS.len());
    for dilation in 0..dilations {
        let lags: Vec<Lags> = profiles.iter().map(|each| Lags::new(each, 1 << dilation)).collect();
        for weights in KERNELS {
            let mut values = Vec::new();
            for (lags, profile) in lags.iter().zip(profiles) {
                let mut convolved = vec![0.0; profile.len()];
                lags.convolve(weights, &mut convolved);
                values.append(&mut convolved);
            }
            values.sort_unstable_by(f32::total_cmp);
            found.push(std::array::from_fn(|index| {
                let level = ((index + 1) as f64 * 0.618_033_988_75).fract();
                let at = (level * values.len().saturating_sub(1) as f64).round() as usize;
                // Of no profile, any threshold is as good.
                values.get(at).copied().unwrap_or(0.0)
            }));
        }
    }
    found
}

fn scales(shares: &[Vec<f32>]) -> Vec<(f32, f32)> {
    let n = shares.len() as f64;
    let columns = shares.first().map_or(0, Vec::len);
    let scale = |column: usize| {
        let values = || shares.iter().map(move |each| f64::from(each[column]));
        let mean = values().sum::<f64>() / n;
        let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let inverse = if deviation > 1e-6 { 1.0 / deviation } else { 0.0 };
        (mean as f32, inverse as f32)
    };
    (0..columns).map(scale).collect()
}
