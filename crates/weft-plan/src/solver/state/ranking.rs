//! Hosts from the emptiest to the fullest, kept while loads change: who looks for a few roomy hosts
//! need not go through all of them.

use crate::problem::HostIndex;

/// See the module's page. Hosts that are equally full are in order of their index.
pub(crate) struct Ranking {
    fullness: Vec<f32>,
    order: Vec<HostIndex>,
}

impl Ranking {
    /// Hosts that are all empty.
    pub(super) fn new(hosts: usize) -> Self {
        let order = (0..hosts as u32).map(HostIndex).collect();
        Self { fullness: vec![0.0; hosts], order }
    }

    /// How full `host` is by what it is filled to: 1 is the brim.
    pub(crate) fn fullness(&self, host: HostIndex) -> f32 {
        self.fullness[host.index()]
    }

    /// The host at `rank`, 0 being the emptiest.
    pub(super) fn at(&self, rank: usize) -> HostIndex {
        self.order[rank]
    }

    /// The hosts, the emptiest first.
    pub(crate) fn emptiest_first(&self) -> impl Iterator<Item = HostIndex> + '_ {
        self.order.iter().copied()
    }

    /// Says how full `host` is now.
    pub(super) fn set(&mut self, host: HostIndex, fullness: f32) {
        let old = self.position(host);
        self.order.remove(old);
        self.fullness[host.index()] = fullness;
        let new = self.position(host);
        self.order.insert(new, host);
    }

    /// Where `host` is in the order, or belongs if it is not in it.
    fn position(&self, host: HostIndex) -> usize {
        let own = self.fullness(host);
        self.order.partition_point(|other| {
            self.fullness(*other).total_cmp(&own).then(other.cmp(&host)).is_lt()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_change_rank_with_their_load() {
        let mut ranking = Ranking::new(4);
        let order = |ranking: &Ranking| ranking.emptiest_first().map(|h| h.0).collect::<Vec<_>>();
        assert_eq!(order(&ranking), [0, 1, 2, 3]);
        ranking.set(HostIndex(0), 0.9);
        ranking.set(HostIndex(2), 0.5);
        assert_eq!(order(&ranking), [1, 3, 2, 0]);
        ranking.set(HostIndex(3), 0.9);
        assert_eq!(order(&ranking), [1, 2, 0, 3], "equally full: in order of the index");
        ranking.set(HostIndex(0), 0.0);
        assert_eq!(order(&ranking), [0, 1, 2, 3]);
        assert_eq!((ranking.fullness(HostIndex(3)), ranking.at(3)), (0.9, HostIndex(3)));
    }
}
