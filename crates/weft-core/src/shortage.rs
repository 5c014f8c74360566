//! The trigger of the mission: when does a host run short?
//!
//! One function decides, here and nowhere else: [`foreseen`]. Its page is `docs/trigger.md`.
//! Cost never enters: it decides only what answers a shortage, doing nothing included.

use serde::{Deserialize, Serialize};

use crate::id::HostId;
use crate::resource::Resource;
use crate::time::Timestamp;

/// Which shortage: of what, where. It stays the same from one tick to the next, so that an
/// approval given for it survives re-planning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShortageKey {
    /// The host that runs short.
    pub host: HostId,
    /// Of what.
    pub resource: Resource,
}

/// A host, a resource and the time in which demand exceeds what the policy accepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shortage {
    /// Of what, where.
    pub key: ShortageKey,
    /// Start of the first step in which the host runs short.
    pub begins: Timestamp,
    /// End of the last step of this first run of short steps.
    pub ends: Timestamp,
    /// The largest P(demand > limit) in that time.
    pub probability: f64,
    /// The largest c-quantile of demand in that time, in the unit of the resource.
    pub quantile: f64,
    /// Capacity − reserve, in the unit of the resource.
    pub limit: f64,
}

/// A run of steps ahead: `begin..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortRun {
    /// First short step.
    pub begin: usize,
    /// One past the last.
    pub end: usize,
}

/// The first run of at least `consecutive` steps in which the host's joint c-quantile of demand
/// exceeds `limit` (capacity − reserve); none if there is no such run.
///
/// `quantiles[i]` is the c-quantile of the host's demand in step `i` ahead, c being the policy's
/// confidence: it exceeds the limit exactly when P(demand > limit) > 1 − c. A higher c looks at a
/// higher quantile and so triggers earlier. A single short step is noise where `consecutive` is
/// larger; a quantile equal to the limit is no shortage. A quantile that is not a number never
/// triggers: what is not known is answered by the freeze on stale metrics, not by a move.
pub fn foreseen(quantiles: &[f64], limit: f64, consecutive: usize) -> Option<ShortRun> {
    let wanted = consecutive.max(1);
    let mut begin = 0;
    for (step, quantile) in quantiles.iter().enumerate() {
        if *quantile > limit {
            continue;
        }
        if step - begin >= wanted {
            return Some(ShortRun { begin, end: step });
        }
        begin = step + 1;
    }
    let end = quantiles.len();
    (end - begin >= wanted).then_some(ShortRun { begin, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_long_enough_run_triggers() {
        let check = |quantiles: &[f64], consecutive, expected: Option<(usize, usize)>| {
            let run = foreseen(quantiles, 10.0, consecutive).map(|run| (run.begin, run.end));
            assert_eq!(run, expected, "{quantiles:?} for {consecutive}");
        };
        check(&[], 1, None);
        check(&[9.0, 10.0, 9.0], 1, None);
        check(&[9.0, 11.0, 9.0], 1, Some((1, 2)));
        check(&[9.0, 11.0, 9.0], 2, None);
        check(&[11.0, 9.0, 11.0, 12.0, 9.0], 2, Some((2, 4)));
        check(&[9.0, 11.0, 11.0], 2, Some((1, 3)));
        check(&[11.0, f64::NAN, 11.0, 11.0], 2, Some((2, 4)));
        check(&[11.0], 0, Some((0, 1)));
    }
}
