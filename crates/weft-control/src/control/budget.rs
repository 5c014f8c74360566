//! What moves in flight leave of the budgets.

use std::collections::BTreeMap;

use weft_core::fleet::Topology;
use weft_core::id::{HostId, RegionId};
use weft_core::plan::Move;
use weft_core::policy::Budgets;

/// The budgets and what is spent of them.
pub(super) struct Ledger<'a> {
    budgets: Budgets,
    topology: &'a Topology,
    in_flight: u32,
    starts: u32,
    per_host: BTreeMap<HostId, u32>,
    per_link: BTreeMap<(RegionId, RegionId), u32>,
}

impl<'a> Ledger<'a> {
    /// With `in_flight` under way, and `starts` of the last hour.
    pub(super) fn new<'m>(
        budgets: Budgets,
        topology: &'a Topology,
        in_flight: impl Iterator<Item = &'m Move>,
        starts: u32,
    ) -> Self {
        let mut ledger = Self {
            budgets,
            topology,
            in_flight: 0,
            starts,
            per_host: BTreeMap::new(),
            per_link: BTreeMap::new(),
        };
        in_flight.for_each(|running| ledger.occupy(running));
        ledger
    }

    /// Whether one more move may start. One that may not waits: moves take longer than predicted, and
    /// whoever waits for them is not refused for that.
    pub(super) fn allows(&self, planned: &Move) -> bool {
        let Budgets { in_flight_per_host, in_flight_per_link, in_flight, starts_per_hour } =
            self.budgets;
        let at = |host: &HostId| self.per_host.get(host).copied().unwrap_or(0);
        let sharing = |link| self.per_link.get(&link).copied().unwrap_or(0);
        self.in_flight < in_flight
            && self.starts < starts_per_hour
            && at(&planned.from) < in_flight_per_host
            && at(&planned.to) < in_flight_per_host
            && self.link(planned).is_none_or(|link| sharing(link) < in_flight_per_link)
    }

    /// Takes the start of a move into account.
    pub(super) fn start(&mut self, planned: &Move) {
        self.starts += 1;
        self.occupy(planned);
    }

    fn occupy(&mut self, running: &Move) {
        self.in_flight += 1;
        *self.per_host.entry(running.from.clone()).or_default() += 1;
        if running.to != running.from {
            *self.per_host.entry(running.to.clone()).or_default() += 1;
        }
        if let Some(link) = self.link(running) {
            *self.per_link.entry(link).or_default() += 1;
        }
    }

    /// The regions that a move joins, where it leaves one.
    fn link(&self, planned: &Move) -> Option<(RegionId, RegionId)> {
        let region = |host: &HostId| Some(self.topology.region_of(host)?.id.clone());
        let (from, to) = (region(&planned.from)?, region(&planned.to)?);
        (from != to).then(|| if from < to { (from, to) } else { (to, from) })
    }
}
