//! Rates from counters, computed here and not by the server: docs/reference/prometheus.md says why. A
//! counter that went back was set anew, or corrected; what it counted in between is not known, and is a gap
//! rather than a guess.

use std::collections::BTreeMap;

use crate::prometheus::Labels;

/// What stands for "not known, although there are samples": it stays so whatever is added, and no series
/// takes it for a value.
pub(super) const UNKNOWN: f64 = f64::INFINITY;

/// The counters of one metric, read part after part.
#[derive(Debug, Default)]
pub(super) struct Counters(BTreeMap<Labels, (usize, f64)>);

impl Counters {
    /// By how much the counter `labels` rose over each step (by position, from 1) at whose both ends it
    /// has a value. Points come in order.
    pub(super) fn rises<'a>(
        &'a mut self,
        labels: &Labels,
        points: &'a [(usize, f64)],
    ) -> impl Iterator<Item = (usize, f64)> + 'a {
        let last = self.0.entry(labels.clone()).or_insert((usize::MAX, 0.0));
        points.iter().filter_map(move |&(position, value)| {
            let (before, level) = std::mem::replace(last, (position, value));
            let is_next = before != usize::MAX && before + 1 == position;
            is_next.then_some((position, if value < level { UNKNOWN } else { value - level }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&[(usize, f64)]], expected: &[(usize, f64)]) {
        let mut counters = Counters::default();
        let labels = Labels::new();
        let mut found = Vec::new();
        for part in parts {
            found.extend(counters.rises(&labels, part));
        }
        assert_eq!(found, expected, "{parts:?}");
    }

    #[test]
    fn rises_stand_between_neighbours() {
        check(&[&[(0, 5.0), (1, 7.0), (2, 7.0)]], &[(1, 2.0), (2, 0.0)]);
        check(&[&[(0, 5.0), (1, 7.0)], &[(2, 10.0)]], &[(1, 2.0), (2, 3.0)]);
        check(&[&[(0, 5.0), (2, 9.0), (3, 10.0)]], &[(3, 1.0)]);
        check(&[&[(4, 5.0)]], &[]);
    }

    #[test]
    fn a_reset_is_neither_negative_nor_huge() {
        check(&[&[(0, 1e15), (1, 3.0), (2, 5.0)]], &[(1, UNKNOWN), (2, 2.0)]);
        // Not set anew but corrected by a little: Prometheus' rate() would see 1e15 here.
        check(&[&[(0, 1e15), (1, 1e15 - 8.0)]], &[(1, UNKNOWN)]);
    }
}
