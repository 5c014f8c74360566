//! What the operator wants: scope, confidence, mode, budgets, windows, cool-downs, prices, rules.
//!
//! A policy is a value; nothing here acts. Defaults are what a careful operator would start with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fleet::{Host, Workload};
use crate::forecast::Confidence;
use crate::id::{RegionId, Tag};
use crate::resource::Resource;
use crate::time::{Span, Timestamp};

/// A stretch of time: `begins..ends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant inside.
    pub begins: Timestamp,
    /// First instant after.
    pub ends: Timestamp,
}

impl Window {
    /// Whether `instant` lies inside.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.begins <= instant && instant < self.ends
    }

    /// Whether the two windows share an instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.begins < other.ends && other.begins < self.ends
    }
}

/// A time in which no move may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Blackout {
    /// Once.
    Once(Window),
    /// Every day (UTC), from and until a span after midnight; over midnight where `until` is the
    /// smaller.
    Daily {
        /// Begin, after midnight.
        from: Span,
        /// End, after midnight.
        until: Span,
    },
}

impl Blackout {
    /// Whether any instant of `[begin, end]` is blacked out.
    pub fn touches(&self, begin: Timestamp, end: Timestamp) -> bool {
        self.next_clear(begin).is_none_or(|clear| clear > begin)
            || self.next_start(begin).is_some_and(|start| start <= end)
    }

    /// The first instant at or after `instant` outside; none if there is none.
    pub fn next_clear(&self, instant: Timestamp) -> Option<Timestamp> {
        match *self {
            Self::Once(window) => {
                Some(if window.contains(instant) { window.ends } else { instant })
            }
            Self::Daily { from, until } => {
                let into = time_of_day(instant);
                let inside = if from <= until {
                    from <= into && into < until
                } else {
                    into >= from || into < until
                };
                if !inside {
                    return Some(instant);
                }
                let rest = until - into;
                let rest = if rest <= Span::ZERO { rest + Span::from_days(1) } else { rest };
                (from != until).then_some(instant + rest)
            }
        }
    }

    /// The first start at or after `instant`; none if there is none.
    fn next_start(&self, instant: Timestamp) -> Option<Timestamp> {
        match *self {
            Self::Once(window) => (window.begins >= instant).then_some(window.begins),
            Self::Daily { from, .. } => {
                let wait = from - time_of_day(instant);
                let wait = if wait < Span::ZERO { wait + Span::from_days(1) } else { wait };
                Some(instant + wait)
            }
        }
    }
}

fn time_of_day(instant: Timestamp) -> Span {
    Span::from_millis(instant.as_millis().rem_euclid(Span::from_days(1).as_millis()))
}

/// How far Weft may go on its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Forecast and detect; plan nothing.
    #[default]
    Observe,
    /// Plan and explain; nothing can be approved.
    Advise,
    /// Plan, and carry out what a person approved.
    Approve,
    /// Plan and carry out.
    Auto,
}

impl Mode {
    /// The mode's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Advise => "advise",
            Self::Approve => "approve",
            Self::Auto => "auto",
        }
    }
}

/// Which workloads or hosts: by name or by label; everything where both lists are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selector {
    /// Names.
    pub names: BTreeSet<String>,
    /// Labels; one is enough.
    pub tags: BTreeSet<Tag>,
}

impl Selector {
    /// Selects these names.
    pub fn names<I: IntoIterator<Item = S>, S: Into<String>>(names: I) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), tags: BTreeSet::new() }
    }

    /// Whether it selects what has this name and these labels.
    pub fn matches(&self, name: &str, tags: &BTreeSet<Tag>) -> bool {
        (self.names.is_empty() && self.tags.is_empty())
            || self.names.contains(name)
            || !self.tags.is_disjoint(tags)
    }

    /// Whether it selects this workload.
    pub fn selects_workload(&self, workload: &Workload) -> bool {
        self.matches(workload.id.as_str(), &workload.tags)
    }

    /// Whether it selects this host.
    pub fn selects_host(&self, host: &Host) -> bool {
        self.matches(host.id.as_str(), &host.tags)
    }
}

/// Over what members of a group are kept apart or together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Hosts.
    Host,
    /// Zones.
    Zone,
    /// Regions.
    Region,
}

/// A rule that every placement must keep, in every intermediate state of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// These workloads share one domain.
    Affinity {
        /// Who stays together.
        workloads: Selector,
        /// In one of what.
        domain: Domain,
    },
    /// No two of these workloads share a domain.
    AntiAffinity {
        /// Who stays apart.
        workloads: Selector,
        /// In different what.
        domain: Domain,
    },
    /// These workloads cover at least `minimum` domains.
    Spread {
        /// Who is spread.
        workloads: Selector,
        /// Over what.
        domain: Domain,
        /// The least number of domains.
        minimum: u32,
    },
    /// These workloads run only on these hosts.
    Pin {
        /// Who.
        workloads: Selector,
        /// Where.
        hosts: Selector,
    },
    /// These workloads never run on these hosts.
    Exclude {
        /// Who.
        workloads: Selector,
        /// Where not.
        hosts: Selector,
    },
    /// These workloads stay in these regions.
    Residency {
        /// Who.
        workloads: Selector,
        /// Where.
        regions: BTreeSet<RegionId>,
    },
    /// These workloads are never moved, but to be recovered.
    Immovable {
        /// Who.
        workloads: Selector,
    },
    /// No move into these hosts, and moves out of them before the window begins.
    Maintenance {
        /// Which hosts.
        hosts: Selector,
        /// When.
        window: Window,
    },
}

/// How much may move at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Moves in flight that touch one host, in or out.
    pub in_flight_per_host: u32,
    /// Moves in flight over one link between two regions.
    pub in_flight_per_link: u32,
    /// Moves in flight in the whole fleet.
    pub in_flight: u32,
    /// Starts in any 60 minutes in the whole fleet.
    pub starts_per_hour: u32,
}

impl Default for Budgets {
    /// Two per host is libvirt's and VMware's usual advice for 10 Gbit/s; 60 an hour lets a person
    /// still follow what happens.
    fn default() -> Self {
        Self { in_flight_per_host: 2, in_flight_per_link: 4, in_flight: 16, starts_per_hour: 60 }
    }
}

/// What things cost, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// An hour of one reference core that was demanded and not served.
    pub unserved_core_hour: f64,
    /// An hour of downtime of a workload of weight 1.
    pub downtime_hour: f64,
    /// Any move: the attention and the risk that it takes.
    pub per_move: f64,
}

impl Default for Prices {
    /// A cloud sells a core-hour for about 0.04; not serving one that was sold costs a customer,
    /// some fifty times that. A move costs about as much as the energy of an idle host for ten
    /// minutes.
    fn default() -> Self {
        Self { unserved_core_hour: 2.0, downtime_hour: 5.0, per_move: 0.003 }
    }
}

/// The part of a host kept free, and how far what is held may be overcommitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Margins {
    /// Share of every flowing resource that forecasts must leave free, in 0..1.
    pub reserve: f64,
    /// Allocated memory over memory.
    pub memory_overcommit: f64,
    /// Allocated space over space.
    pub storage_overcommit: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self { reserve: 0.0, memory_overcommit: 1.0, storage_overcommit: 1.0 }
    }
}

impl Margins {
    /// How far `resource` may be overcommitted: 1 for what flows.
    pub const fn overcommit(&self, resource: Resource) -> f64 {
        match resource {
            Resource::Memory => self.memory_overcommit,
            Resource::StorageSpace => self.storage_overcommit,
            _ => 1.0,
        }
    }

    /// What a host may be filled to: capacity − reserve for what flows, capacity × overcommit for
    /// what is held; none where the host does not limit the resource.
    pub fn limit(&self, host: &Host, resource: Resource) -> Option<f64> {
        let capacity = host.offers(resource)? as f64;
        Some(if resource.is_held() {
            capacity * self.overcommit(resource)
        } else {
            capacity * (1.0 - self.reserve)
        })
    }
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The hosts it rules; others are neither sources nor targets.
    pub scope: Selector,
    /// How far it looks ahead.
    pub horizon: Span,
    /// How sure it wants to be that a host does not run short.
    pub confidence: Confidence,
    /// How many steps in a row a host must be short.
    pub consecutive_steps: usize,
    /// How far it may go.
    pub mode: Mode,
    /// What stays free, what may be overcommitted.
    pub margins: Margins,
    /// How much may move at once.
    pub budgets: Budgets,
    /// How long a workload stays where a move put it.
    pub cool_down: Span,
    /// When nothing may move.
    pub blackouts: Vec<Blackout>,
    /// Metrics older than this freeze the scope.
    pub stale_after: Span,
    /// How long before its latest start a move is started: room for a retry.
    pub start_margin: Span,
    /// A move that has not finished after this many times its predicted duration is cancelled.
    pub give_up_factor: f64,
    /// A live migration whose predicted downtime exceeds this is refused.
    pub downtime_limit: Span,
    /// Whether hosts are emptied where that saves more than it costs.
    pub consolidate: bool,
    /// What things cost.
    pub prices: Prices,
    /// What every placement must keep.
    pub rules: Vec<Rule>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            scope: Selector::default(),
            horizon: Span::from_hours(6),
            confidence: Confidence::new(0.95).expect("0.95 lies in [0.5, 1)"),
            consecutive_steps: 1,
            mode: Mode::Observe,
            margins: Margins::default(),
            budgets: Budgets::default(),
            cool_down: Span::from_minutes(30),
            blackouts: Vec::new(),
            stale_after: Span::from_minutes(15),
            start_margin: Span::from_minutes(5),
            give_up_factor: 3.0,
            downtime_limit: Span::from_seconds(1),
            consolidate: true,
            prices: Prices::default(),
            rules: Vec::new(),
        }
    }
}

impl Policy {
    /// The longest horizon: further ahead nothing is known of a workload's hours.
    pub const LONGEST_HORIZON: Span = Span::from_days(31);

    /// Whether the policy rules `host`.
    pub fn rules_host(&self, host: &Host) -> bool {
        self.scope.selects_host(host)
    }

    /// Whether a rule forbids `workload` to move (other than to be recovered).
    pub fn forbids_moving(&self, workload: &Workload) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Immovable { workloads } => workloads.selects_workload(workload),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_blackout_goes_over_midnight() {
        let night = Blackout::Daily { from: Span::from_hours(22), until: Span::from_hours(6) };
        let at = |hours: i64| Timestamp::from_seconds(hours * 3_600);
        assert_eq!(night.next_clear(at(23)), Some(at(30)));
        assert_eq!(night.next_clear(at(29)), Some(at(30)));
        assert_eq!(night.next_clear(at(12)), Some(at(12)));
        assert!(night.touches(at(20), at(23)));
        assert!(!night.touches(at(7), at(21)));
        let always = Blackout::Daily { from: Span::ZERO, until: Span::ZERO };
        assert_eq!(always.next_clear(at(3)), Some(at(3)), "an empty window forbids nothing");
    }

    #[test]
    fn a_window_in_the_past_touches_nothing() {
        let at = Timestamp::from_seconds;
        let once = Blackout::Once(Window { begins: at(10), ends: at(20) });
        assert!(once.touches(at(5), at(10)) && once.touches(at(19), at(30)));
        assert!(!once.touches(at(20), at(30)) && !once.touches(at(0), at(9)));
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        assert!(Selector::default().matches("any", &BTreeSet::new()));
        assert!(!Selector::names(["a"]).matches("b", &BTreeSet::new()));
    }
}
