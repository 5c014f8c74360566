//! When is a host overloaded, or about to be? The three answers of Beloglazov and Buyya (2012),
//! "Optimal online deterministic algorithms and adaptive heuristics for energy and performance
//! efficient dynamic consolidation of virtual machines in cloud data centers", as CloudSim 3.0.3
//! gives them. It must stay a function of the load: no detector keeps a state.

use super::history::LENGTH;

/// A host's use up to now, if a given set of workloads ran there all the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Demanded now, uncapped, over capacity.
    pub utilisation: f64,
    /// Demand over capacity at the last ticks, newest first; zero where nothing is known.
    pub history: [f64; LENGTH],
    /// In how many ticks from now the host can have got rid of its largest workload.
    pub ticks_to_move: f64,
}

impl Load {
    /// The history up to its oldest value above zero; at least one value.
    fn known(&self) -> &[f64] {
        let length = self.history.iter().rposition(|use_| *use_ != 0.0).map_or(1, |last| last + 1);
        &self.history[..length]
    }
}

/// How overload is detected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detector {
    /// THR: more than this share of the host is demanded.
    Threshold {
        /// The share, in 0..=1.
        utilisation: f64,
    },
    /// IQR (ibid., sec. 5.1): more is demanded than 1 − safety × the interquartile range of the
    /// host's history.
    InterquartileRange {
        /// How careful: larger keeps more free.
        safety: f64,
    },
    /// LR (ibid., sec. 5.2, after Cleveland 1979): safety × the trend's next value reaches the
    /// whole host.
    LocalRegression {
        /// How careful: larger acts earlier.
        safety: f64,
    },
}

/// What decides while the history is too short.
const FALLBACK_UTILISATION: f64 = 0.7;

/// The shortest history for an interquartile range.
const QUARTILE_TICKS: usize = 12;

/// The length of the trend.
const TREND_TICKS: usize = 10;

impl Detector {
    /// Whether a host with this load is overloaded.
    pub fn is_overloaded(&self, load: &Load) -> bool {
        match *self {
            Self::Threshold { utilisation } => load.utilisation > utilisation,
            Self::InterquartileRange { safety } => {
                let history = load.known();
                let threshold = if history.len() < QUARTILE_TICKS {
                    FALLBACK_UTILISATION
                } else {
                    1.0 - safety * interquartile_range(history)
                };
                load.utilisation > threshold
            }
            Self::LocalRegression { safety } => {
                if load.known().len() < TREND_TICKS {
                    return load.utilisation > FALLBACK_UTILISATION;
                }
                safety * trend(&load.history, load.ticks_to_move) >= 1.0
            }
        }
    }
}

/// The third quartile less the first, at the ranks round((n + 1)/4) and round(3(n + 1)/4).
fn interquartile_range(history: &[f64]) -> f64 {
    let mut sorted = [0.0; LENGTH];
    let sorted = &mut sorted[..history.len()];
    sorted.copy_from_slice(history);
    sorted.sort_by(f64::total_cmp);
    let next = (sorted.len() + 1) as f64;
    let at = |share: f64| sorted[(share * next + 0.5).floor() as usize - 1];
    at(0.75) - at(0.25)
}

/// The straight line of least squares through the ten newest values, `ahead` ticks after the
/// newest. The method's tricube weights are computed in CloudSim but never applied, because their
/// condition cannot hold; so they are not applied here.
fn trend(history: &[f64; LENGTH], ahead: f64) -> f64 {
    let count = TREND_TICKS as f64;
    let mean_position = (count + 1.0) / 2.0;
    let newest = &history[..TREND_TICKS];
    let mean = newest.iter().sum::<f64>() / count;
    let (mut rise, mut run) = (0.0, 0.0);
    for (age, value) in newest.iter().enumerate() {
        let offset = count - age as f64 - mean_position;
        rise += offset * (value - mean);
        run += offset * offset;
    }
    mean + rise / run * (count + ahead - mean_position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(utilisation: f64, newest_first: &[f64]) -> Load {
        let mut history = [0.0; LENGTH];
        history[..newest_first.len()].copy_from_slice(newest_first);
        Load { utilisation, history, ticks_to_move: 1.0 }
    }

    #[test]
    fn a_threshold_is_passed_not_reached() {
        let detector = Detector::Threshold { utilisation: 0.8 };
        assert!(!detector.is_overloaded(&load(0.8, &[])));
        assert!(detector.is_overloaded(&load(0.81, &[])));
    }

    #[test]
    fn a_restless_host_keeps_more_free() {
        let detector = Detector::InterquartileRange { safety: 1.5 };
        let calm = [0.5; 12];
        let restless: Vec<f64> = (0..12).map(|tick| f64::from(tick % 2) * 0.2 + 0.4).collect();
        assert!(!detector.is_overloaded(&load(0.95, &calm)));
        assert!(!detector.is_overloaded(&load(0.69, &restless)));
        assert!(detector.is_overloaded(&load(0.71, &restless)));
        assert!(detector.is_overloaded(&load(0.71, &calm[..11])), "a short history: 0.7");
    }

    #[test]
    fn quartiles_are_those_of_the_ranks() {
        let values: Vec<f64> = (1..=13).map(f64::from).collect();
        // Ranks round(3.5) = 4 and round(10.5) = 11.
        assert_eq!(interquartile_range(&values), 7.0);
    }

    #[test]
    fn a_rising_host_is_overloaded_before_it_is() {
        let detector = Detector::LocalRegression { safety: 1.2 };
        let rising: Vec<f64> = (0..10).map(|age| 0.8 - 0.05 * f64::from(age)).collect();
        assert!((trend(&load(0.0, &rising).history, 1.0) - 0.85).abs() < 1e-12);
        assert!(detector.is_overloaded(&load(0.8, &rising)));
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert!(!detector.is_overloaded(&load(0.99, &falling)), "the present does not count");
        assert!(detector.is_overloaded(&load(0.71, &rising[..9])), "a short history: 0.7");
    }
}
