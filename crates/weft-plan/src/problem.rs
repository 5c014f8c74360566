//! The placement problem: one type for what a fleet asks and for what the field's benchmarks ask.
//!
//! **Sets.** Items *i* (replicas of workloads), hosts *h*, held dimensions *r* (memory, space: exact
//! integers), flowing dimensions *d* × scenarios *s* × buckets *b* (CPU, network, I/O), groups *g*.
//!
//! **Variables.** x(i) = the host of item i, starting from x₀(i).
//!
//! **Constraints.** x(i) ∈ allowed(i); items marked fixed stay; hosts marked closed take nothing,
//! hosts marked for evacuation keep nothing. Held: Σ held(i, r) ≤ hard(h, r), where a transient
//! dimension also counts what started on h and has left (ROADEF 2012). Flowing: in every bucket
//! mean + k_b · √(variance over scenarios + Σ within) ≤ limit(h, d): the chance constraint. Groups:
//! apart, together, spread over a domain; dependencies between groups by neighbourhood.
//!
//! **Objective**, lexicographic, see [`Score`]: broken rules; squared violation of the chance
//! constraints, weighted by urgency; cost = Σ soft excess of what is held + price · expected demand above
//! capacity + running hosts (fixed part and power curve) + moves (per item, per pair of sites, per
//! group) + balance. ROADEF 2012's objective is the special case without flowing dimensions.
//!
//! This type says what is asked. It must never say how it is answered.

use crate::demand::Demands;
use crate::solver;

/// Position of a host in its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostIndex(pub u32);

impl HostIndex {
    /// The position as a number.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The part of a host that belongs to none: what is there does not run and counts in no group.
pub const NO_PART: u32 = u32::MAX;

/// How hard to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The most neighbourhoods that are searched.
    pub iterations: u64,
    /// Seed of every random choice.
    pub seed: u64,
}

/// What an item must not break, and what it costs to move it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Which of [`Problem::allowed`] lists its hosts.
    pub allowed: u32,
    /// Whether it stays where it is.
    pub fixed: bool,
    /// Whether it may only be moved for a cause, that is: away from a host that runs short, is
    /// evacuated or is emptied.
    pub needs_cause: bool,
    /// Whether it is a further replica of what stays on its start: it holds nothing there yet.
    pub replica: bool,
    /// How bad it is to leave it on a host that is evacuated, in units of one broken rule.
    pub strand_weight: f64,
    /// Cost of moving it anywhere.
    pub move_cost: f64,
    /// What the cost between two sites is multiplied with.
    pub site_weight: f64,
}

/// One bucket of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Steps it covers: runs shorter than [`Problem::consecutive_steps`] are no violation.
    pub steps: u32,
    /// Weight of a violation in it; the nearest weigh most.
    pub urgency: f64,
    /// What an excess in it weighs against the same excess now, where an excess is shared.
    pub weight: f32,
    /// Hours in it that count for the cost of overload.
    pub overload_hours: f64,
    /// Hours in it that count for the cost of running.
    pub running_hours: f64,
}

/// A flowing dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Price of one unit of demand above capacity for an hour.
    pub overload_price: f64,
    /// Deviations above the mean that must fit, per bucket: beyond, the constraint is violated and
    /// calls for an answer.
    pub keep: Vec<f32>,
    /// What nothing that is moved may push a host beyond; at least `keep`.
    pub full: Vec<f32>,
    /// What a host that takes an item is filled to: at least `full`, so that what was just filled
    /// is not short at the next look.
    pub fill: Vec<f32>,
    /// What a host that takes items of an emptied one is filled to: at least `keep`.
    pub pack: Vec<f32>,
}

/// A held dimension.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Held {
    /// Whether what started on a host goes on holding there after it has left.
    pub transient: bool,
    /// Cost of one unit above the soft capacity.
    pub soft_weight: f64,
}

/// What a host costs by use of one flowing dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// Cost of an hour at 0, 10, … 100 % use.
    pub cost_per_hour: [f64; 11],
}

/// A host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTerms {
    /// Whether it takes items.
    pub open: bool,
    /// Whether everything shall leave it.
    pub evacuate: bool,
    /// Whether it may be emptied to save what it costs.
    pub may_empty: bool,
    /// Its site, for the cost between sites.
    pub site: u32,
    /// Hard capacity per held dimension.
    pub hard: Vec<i64>,
    /// Soft capacity per held dimension.
    pub soft: Vec<i64>,
    /// Limit of the chance constraint per flowing dimension; infinite where nothing limits it.
    pub limit: Vec<f32>,
    /// Capacity per flowing dimension: demand above it is not served.
    pub capacity: Vec<f32>,
    /// Price of an hour with at least one item.
    pub price_per_hour: f64,
    /// Its power curve over the first flowing dimension, while it has items.
    pub power: Option<Power>,
}

/// What a group of items must keep. A domain is a position in [`Problem::domains`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// No two in one domain.
    Apart {
        /// Which division of the hosts.
        domain: usize,
    },
    /// All in one domain.
    Together {
        /// Which division of the hosts.
        domain: usize,
    },
    /// In at least so many domains.
    Spread {
        /// Which division of the hosts.
        domain: usize,
        /// The least number.
        minimum: u32,
        /// How many of the items are further replicas of a workload that is counted already: no more
        /// domains are asked for than there are workloads.
        surplus: u32,
    },
}

/// A constraint on some items.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The items.
    pub members: Vec<u32>,
    /// What they keep.
    pub constraint: Constraint,
    /// Position of the policy's rule that says so, if any.
    pub rule: Option<usize>,
}

/// Every dependent needs a provider in its domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// Who needs.
    pub dependents: Vec<u32>,
    /// Whom it needs.
    pub providers: Vec<u32>,
    /// Which division of the hosts.
    pub domain: usize,
}

/// Free room of two held dimensions shall be in proportion: the cost is
/// `weight` · Σ max(0, `target` · free(`first`) − free(`second`)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// The dimension that asks for the other.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// How much of the other per unit of the first.
    pub target: i64,
    /// Cost of one missing unit.
    pub weight: f64,
}

/// When hosts are emptied to save what they cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emptying {
    /// The most moves it may take altogether.
    pub most_moves: usize,
    /// The saving over the running hours must exceed the cost of the moves this many times.
    pub gain_factor: f64,
}

/// Moves that belong together and are worth trying first: those of the plan before.
pub type Suggestion = Vec<(u32, HostIndex)>;

/// A placement problem; see the module's page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Problem {
    /// The items.
    pub items: Vec<Item>,
    /// The hosts.
    pub hosts: Vec<HostTerms>,
    /// Held dimensions.
    pub held: Vec<Held>,
    /// What items hold: item × held dimension.
    pub holds: Vec<i64>,
    /// Flowing dimensions.
    pub flows: Vec<Flow>,
    /// What items demand of them.
    pub demands: Demands,
    /// The buckets of time.
    pub buckets: Vec<Bucket>,
    /// How many steps in a row make a violation.
    pub consecutive_steps: u32,
    /// Sets of hosts, one bit each, 64 to a word.
    pub allowed: Vec<Vec<u64>>,
    /// Divisions of the hosts: division × host → number of the part, or [`NO_PART`].
    pub domains: Vec<Vec<u32>>,
    /// Constraints on groups.
    pub groups: Vec<Group>,
    /// Dependencies between groups.
    pub dependencies: Vec<Dependency>,
    /// Balance costs.
    pub balances: Vec<Balance>,
    /// Cost between sites, site × site, per unit of an item's weight; infinite where there is no way.
    pub site_cost: Vec<f64>,
    /// Number of sites.
    pub sites: usize,
    /// Groups whose largest number of moved items costs `move_group_weight` each.
    pub move_groups: Vec<Vec<u32>>,
    /// See `move_groups`.
    pub move_group_weight: f64,
    /// Whether and when hosts are emptied.
    pub emptying: Option<Emptying>,
    /// What to try first.
    pub suggestions: Vec<Suggestion>,
}

impl Problem {
    /// Whether the item's set of hosts has `host`.
    pub fn allows(&self, item: usize, host: HostIndex) -> bool {
        let set = &self.allowed[self.items[item].allowed as usize];
        set[host.index() / 64] >> (host.index() % 64) & 1 == 1
    }

    /// What the item holds, per held dimension.
    pub(crate) fn holds(&self, item: usize) -> &[i64] {
        let count = self.held.len();
        &self.holds[item * count..(item + 1) * count]
    }

    /// Cost of having `item` on `to` when it started on `from`; infinite where there is no way.
    pub(crate) fn move_cost(&self, item: usize, from: HostIndex, to: HostIndex) -> f64 {
        if from == to {
            return 0.0;
        }
        let item = &self.items[item];
        if self.sites == 0 {
            return item.move_cost;
        }
        let (from, to) = (self.hosts[from.index()].site, self.hosts[to.index()].site);
        let between = self.site_cost[from as usize * self.sites + to as usize];
        item.move_cost + if between == 0.0 { 0.0 } else { between * item.site_weight }
    }
}

/// A set of hosts as bits, for [`Problem::allowed`].
pub fn host_set(hosts: usize, contains: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut set = vec![0_u64; hosts.div_ceil(64)];
    for host in (0..hosts).filter(|host| contains(*host)) {
        set[host / 64] |= 1 << (host % 64);
    }
    set
}

/// How good a placement is; the smaller part decides only where the larger ones are equal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Rules broken, and items stranded on hosts that are evacuated.
    pub broken: f64,
    /// Excess over the limits of the chance constraints, relative, squared, weighted by urgency.
    pub violation: f64,
    /// Everything that costs.
    pub cost: f64,
}

impl Score {
    /// Smaller differences are rounding.
    pub(crate) const TOLERANCE: f64 = 1e-7;

    /// Whether this difference between two scores is an improvement.
    pub(crate) fn improves(&self) -> bool {
        let sign = |part: f64, tolerance: f64| match part {
            part if part < -tolerance => -1,
            part if part > tolerance => 1,
            _ => 0,
        };
        let (broken, violation) =
            (sign(self.broken, Self::TOLERANCE), sign(self.violation, Self::TOLERANCE));
        broken < 0
            || (broken == 0 && violation < 0)
            || (broken == 0 && violation == 0 && self.cost < -Self::TOLERANCE)
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self {
            broken: self.broken - other.broken,
            violation: self.violation - other.violation,
            cost: self.cost - other.cost,
        }
    }
}

/// An answer to a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The host of each item.
    pub assignment: Vec<HostIndex>,
    /// Its score.
    pub score: Score,
    /// The score of the start.
    pub start_score: Score,
    /// Neighbourhoods searched.
    pub iterations: u64,
}

/// Answers `problem` from `start`, the present host of each item; never worse than the start.
///
/// The same inputs give the same answer. `stop` is asked between neighbourhoods; once it says yes,
/// the best answer so far is returned.
///
/// # Panics
/// If `start` is not one host of the problem for each item.
pub fn solve(
    problem: &Problem,
    start: &[HostIndex],
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Solution {
    assert_eq!(start.len(), problem.items.len(), "one host for each item");
    solver::run(problem, start, effort, stop)
}
