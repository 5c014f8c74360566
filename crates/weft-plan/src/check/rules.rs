//! The placement rules of the policy, against one state. Rules about one workload and its host
//! (pin, exclude, residency) are answered at once; rules about groups are answered as breaches with
//! an extent, so that what was broken before can be told from what got worse.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::fleet::{Host, Workload};
use weft_core::id::WorkloadId;
use weft_core::policy::{Domain, Rule};

use super::fleet::Fleet;
use super::timeline::State;
use super::violation::{Occasion, Violation};

/// What pin, exclude and residency rules say against `workload` on `host`.
pub(super) fn on_host(
    fleet: &Fleet<'_>,
    occasion: Occasion,
    workload: &Workload,
    host: &Host,
) -> Vec<Violation> {
    let rules = fleet.policy.rules.iter().enumerate();
    rules
        .filter_map(|(rule, stated)| match stated {
            Rule::Pin { workloads, hosts } => (workloads.selects_workload(workload)
                && !hosts.selects_host(host))
            .then(|| Violation::Pin {
                rule,
                occasion,
                workload: workload.id.clone(),
                host: host.id.clone(),
            }),
            Rule::Exclude { workloads, hosts } => (workloads.selects_workload(workload)
                && hosts.selects_host(host))
            .then(|| Violation::Exclude {
                rule,
                occasion,
                workload: workload.id.clone(),
                host: host.id.clone(),
            }),
            Rule::Residency { workloads, regions } => {
                let region = fleet.region(&host.id)?;
                (workloads.selects_workload(workload) && !regions.contains(region)).then(|| {
                    Violation::Residency {
                        rule,
                        occasion,
                        workload: workload.id.clone(),
                        region: region.clone(),
                    }
                })
            }
            _ => None,
        })
        .collect()
}

/// How a group's members want to be to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    Together,
    Apart,
    Spread { minimum: usize },
}

/// A rule about a group, with its members looked up.
pub(super) struct Group<'a> {
    /// Position of the rule.
    pub(super) rule: usize,
    pub(super) bond: Bond,
    domain: Domain,
    members: BTreeSet<&'a WorkloadId>,
}

/// A broken group rule: where, how far, and the sentence.
pub(super) struct Breach {
    /// The domain in which it is broken; none where the rule is about the whole group.
    pub(super) place: Option<String>,
    /// How far: larger is worse.
    pub(super) extent: usize,
    pub(super) violation: Violation,
}

/// The group rules of the policy with their members.
pub(super) fn groups<'a>(fleet: &Fleet<'a>) -> Vec<Group<'a>> {
    let rules = fleet.policy.rules.iter().enumerate();
    rules
        .filter_map(|(rule, stated)| {
            let (bond, workloads, domain) = match stated {
                Rule::Affinity { workloads, domain } => (Bond::Together, workloads, *domain),
                Rule::AntiAffinity { workloads, domain } => (Bond::Apart, workloads, *domain),
                Rule::Spread { workloads, domain, minimum } => {
                    (Bond::Spread { minimum: *minimum as usize }, workloads, *domain)
                }
                _ => return None,
            };
            let all = fleet.workloads.iter();
            let members = all
                .filter(|(_, workload)| workloads.selects_workload(workload))
                .map(|(id, _)| id)
                .collect();
            Some(Group { rule, bond, domain, members })
        })
        .collect()
}

impl<'a> Group<'a> {
    pub(super) fn has(&self, workload: &WorkloadId) -> bool {
        self.members.contains(workload)
    }

    /// Where the rule is broken in `state`. What lies on a lost host does not run and does not
    /// count. Apart counts a workload in flight on both ends, because it ends on one of them and
    /// nobody knows which; the others count it where it runs.
    pub(super) fn breaches(
        &self,
        fleet: &Fleet<'a>,
        state: &State<'a>,
        occasion: Occasion,
    ) -> Vec<Breach> {
        match self.bond {
            Bond::Together => self.torn(fleet, state, occasion).into_iter().collect(),
            Bond::Apart => self.crowded(fleet, state, occasion),
            Bond::Spread { minimum } => {
                self.narrow(fleet, state, occasion, minimum).into_iter().collect()
            }
        }
    }

    fn torn(&self, fleet: &Fleet<'a>, state: &State<'a>, occasion: Occasion) -> Option<Breach> {
        let domains: BTreeSet<&str> =
            self.members.iter().flat_map(|member| self.runs_in(fleet, state, member)).collect();
        (domains.len() > 1).then(|| Breach {
            place: None,
            extent: domains.len() - 1,
            violation: Violation::Affinity {
                rule: self.rule,
                occasion,
                domains: domains.into_iter().map(str::to_owned).collect(),
            },
        })
    }

    fn narrow(
        &self,
        fleet: &Fleet<'a>,
        state: &State<'a>,
        occasion: Occasion,
        minimum: usize,
    ) -> Option<Breach> {
        let mut running = 0;
        let mut domains = BTreeSet::new();
        for member in &self.members {
            let own = self.runs_in(fleet, state, member);
            running += usize::from(!own.is_empty());
            domains.extend(own);
        }
        let minimum = minimum.min(running);
        let found = domains.len();
        (found < minimum).then(|| Breach {
            place: None,
            extent: minimum - found,
            violation: Violation::Spread { rule: self.rule, occasion, minimum, found },
        })
    }

    fn crowded(&self, fleet: &Fleet<'a>, state: &State<'a>, occasion: Occasion) -> Vec<Breach> {
        let mut present: BTreeMap<&str, BTreeSet<&WorkloadId>> = BTreeMap::new();
        for member in &self.members {
            for domain in self.runs_in(fleet, state, member) {
                present.entry(domain).or_default().insert(member);
            }
        }
        for flight in state.in_flight().iter().filter(|flight| flight.reserves()) {
            let order = flight.order;
            let domain = fleet.domain(&order.to, self.domain);
            if let Some((member, domain)) = self.members.get(&order.workload).zip(domain) {
                present.entry(domain).or_default().insert(member);
            }
        }
        let crowds = present.into_iter().filter(|(_, members)| members.len() > 1);
        crowds
            .map(|(domain, members)| Breach {
                place: Some(domain.to_owned()),
                extent: members.len() - 1,
                violation: Violation::AntiAffinity {
                    rule: self.rule,
                    occasion,
                    domain: domain.to_owned(),
                    workloads: members.into_iter().cloned().collect(),
                },
            })
            .collect()
    }

    /// The domains in which `member` runs.
    fn runs_in(
        &self,
        fleet: &Fleet<'a>,
        state: &State<'a>,
        member: &WorkloadId,
    ) -> BTreeSet<&'a str> {
        let replicas = state.replicas(member).iter();
        let alive = replicas.filter(|replica| !fleet.is_lost(&replica.host));
        alive.filter_map(|replica| fleet.domain(&replica.host, self.domain)).collect()
    }
}
