//! Why this, and why not that: what targets lacked, why shortages stay, why a workload stays.
//!
//! Every reason is an enum with data; prose is for whoever prints it. Nothing here changes a plan.

use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::plan::{Lack, Plan, Purpose, RejectedTarget, Standstill, Strategy};
use weft_core::policy::Rule;
use weft_core::resource::Resource;
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Timestamp};

use crate::build::{Bond, Decided, Fleet, build};
use crate::problem::HostIndex;
use crate::schedule::Proposal;
use crate::situation::Situation;
use crate::solver::state::{NOWHERE, Requirement, State};
use crate::strategy::{Refusals, Trip, Way};

/// How many runner-up targets a move names.
const MOST_REJECTED: usize = 3;

/// What a plan does with a workload, and why.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkloadReason {
    /// It is moved.
    Moves(WhyMoves),
    /// It stays.
    Stays(WhyStays),
}

/// The move of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyMoves {
    /// Which move; its cost, probabilities and rejected targets stand in the plan.
    pub id: MoveId,
    /// What for.
    pub purpose: Purpose,
}

/// Why a workload stays where it is.
#[derive(Debug, Clone, PartialEq)]
pub enum WhyStays {
    /// There is no such workload.
    Unknown,
    /// It runs nowhere.
    Nowhere,
    /// A rule of the policy says so, by its position.
    Immovable {
        /// Position in the policy's list of rules.
        rule: usize,
    },
    /// It was moved a short while ago.
    CoolingDown {
        /// When it may move again.
        until: Timestamp,
    },
    /// It is being moved.
    InMotion {
        /// By which move.
        id: MoveId,
    },
    /// The policy does not rule its host.
    OutOfScope,
    /// It is split: its replicas stay until the peak has passed.
    Split,
    /// No strategy that it allows carries it.
    NoStrategy {
        /// What each lacked.
        lacks: Vec<(Strategy, Lack)>,
    },
    /// Its host is lost, and no move of the plan restarts it.
    Lost {
        /// The host.
        host: HostId,
        /// Up to three hosts that it is not restarted on; one that is merely costlier could take it.
        rejected: Vec<RejectedTarget>,
    },
    /// Its host runs short, and the plan leaves that.
    Unanswered {
        /// The shortage.
        shortage: ShortageKey,
        /// Why the plan leaves it.
        why: Standstill,
    },
    /// Its host runs short, and moving others answers that.
    OthersMove {
        /// The shortage.
        shortage: ShortageKey,
    },
    /// Nothing asks for a move; the targets that were looked at, and what each lacked.
    NoCause {
        /// Up to three.
        rejected: Vec<RejectedTarget>,
    },
}

/// Says what `plan`, made from `situation`, does with `workload`, and why.
pub fn explain_workload(
    situation: &Situation,
    plan: &Plan,
    workload: &WorkloadId,
) -> WorkloadReason {
    if let Some(planned) = plan.moves.iter().find(|planned| planned.workload == *workload) {
        let (id, purpose) = (planned.id, planned.purpose.clone());
        return WorkloadReason::Moves(WhyMoves { id, purpose });
    }
    WorkloadReason::Stays(why_stays(situation, plan, workload))
}

fn why_stays(situation: &Situation, plan: &Plan, workload: &WorkloadId) -> WhyStays {
    if !situation.observation.workloads.contains_key(workload) {
        return WhyStays::Unknown;
    }
    let fleet = build(situation, &Decided::default());
    let Some(item) = fleet.origins.iter().position(|o| o.workload.id == *workload) else {
        return WhyStays::Nowhere;
    };
    let site = &fleet.sites[fleet.start[item].index()];
    let host = &site.host.id;
    let bond = &fleet.origins[item].bond;
    // What is lost is restarted whatever binds it otherwise.
    let is_bound =
        matches!(bond, Some(Bond::InMotion { .. } | Bond::OutOfScope | Bond::NoStrategy { .. }));
    if site.state == Some(HostState::Lost) && !is_bound {
        let mut state = State::new(&fleet.problem, &fleet.start);
        let rejected = rejected(&mut state, &fleet, item, None, Requirement::Bear);
        return WhyStays::Lost { host: host.clone(), rejected };
    }
    if let Some(bond) = bond {
        return bond.clone().into();
    }
    if let Some(left) = plan.unanswered.iter().find(|left| left.shortage.host == *host) {
        let (shortage, why) = (left.shortage.clone(), left.why.clone());
        return WhyStays::Unanswered { shortage, why };
    }
    if let Some(shortage) = plan.shortages.iter().find(|shortage| shortage.key.host == *host) {
        return WhyStays::OthersMove { shortage: shortage.key.clone() };
    }
    let mut state = State::new(&fleet.problem, &fleet.start);
    WhyStays::NoCause { rejected: rejected(&mut state, &fleet, item, None, Requirement::Fill) }
}

impl From<Bond> for WhyStays {
    fn from(bond: Bond) -> Self {
        match bond {
            Bond::Immovable { rule } => Self::Immovable { rule },
            Bond::CoolingDown { until } => Self::CoolingDown { until },
            Bond::InMotion { id } => Self::InMotion { id },
            Bond::OutOfScope => Self::OutOfScope,
            Bond::Split => Self::Split,
            Bond::NoStrategy { lacks } => Self::NoStrategy { lacks },
        }
    }
}

/// The way of `item` from one host to another by the kind of strategy already chosen for it.
pub(crate) fn way(
    fleet: &Fleet<'_>,
    item: usize,
    from: HostIndex,
    to: HostIndex,
    kind: Strategy,
) -> Result<Way, Refusals> {
    let origin = &fleet.origins[item];
    let trip = Trip {
        situation: fleet.situation,
        workload: &origin.workload,
        from: fleet.sites[from.index()].host,
        to: fleet.sites[to.index()].host,
        cpu_millicores: fleet.cpu_millicores(item),
    };
    match kind {
        Strategy::Recover => Ok(trip.recover()),
        Strategy::Split { share_permille } => {
            trip.split(share_permille).map_err(|lack| vec![(kind, lack)])
        }
        Strategy::Merge => Ok(trip.merge()),
        Strategy::Live | Strategy::Preemptive => trip.whole(),
    }
}

/// The runner-up targets of a proposal in a state in which its item is still on its source.
pub(crate) fn rejected_for(
    state: &mut State<'_>,
    fleet: &Fleet<'_>,
    proposal: &Proposal,
) -> Vec<RejectedTarget> {
    let Some(item) = proposal.item else { return Vec::new() };
    let packs = matches!(proposal.purpose, Purpose::Empty(_));
    let requirement = if packs { Requirement::Pack } else { Requirement::Fill };
    rejected(state, fleet, item, Some(proposal.to), requirement)
}

/// Up to three targets that `item` does not go to: first those that would do at a higher cost, then
/// those that lack something, the emptiest first, and those that take nothing at all last.
pub(crate) fn rejected(
    state: &mut State<'_>,
    fleet: &Fleet<'_>,
    item: usize,
    chosen: Option<HostIndex>,
    requirement: Requirement,
) -> Vec<RejectedTarget> {
    let name = |host: HostIndex| fleet.sites[host.index()].host.id.clone();
    let mut named: Vec<HostIndex> = chosen.into_iter().collect();
    let cost = chosen.and_then(|to| state.arrival(item, to, Requirement::Bear));
    let base = cost.map_or(0.0, |arrival| arrival.cost + state.departure(item).cost);
    let mut rejected = Vec::new();
    while rejected.len() < MOST_REJECTED - 1 {
        let unnamed = |host: HostIndex| !named.contains(&host);
        let Some(target) = state.best_target(item, requirement, &unnamed) else { break };
        let by = (target.change.cost - base).max(0.0);
        rejected.push(RejectedTarget { host: name(target.host), lack: Lack::Costlier { by } });
        named.push(target.host);
    }
    let home = state.assignment[item];
    let others = state.ranking.emptiest_first();
    let mut others: Vec<_> = others.filter(|host| *host != home && !named.contains(host)).collect();
    others.sort_by_key(|host| fleet.sites[host.index()].state != Some(HostState::Ready));
    for host in others {
        if rejected.len() == MOST_REJECTED {
            break;
        }
        if let Some(lack) = lack(state, fleet, item, host, requirement) {
            rejected.push(RejectedTarget { host: name(host), lack });
        }
    }
    rejected
}

/// What `host` lacks to take `item`; none if it lacks nothing.
pub(crate) fn lack(
    state: &mut State<'_>,
    fleet: &Fleet<'_>,
    item: usize,
    host: HostIndex,
    requirement: Requirement,
) -> Option<Lack> {
    let site = &fleet.sites[host.index()];
    let workload = &fleet.origins[item].workload;
    let (needed, found) = (workload.vcpu_speed_millicores, site.host.core_speed_millicores);
    if needed > found {
        return Some(Lack::CoreSpeed { needed, found });
    }
    if site.state != Some(HostState::Ready) || !site.is_ruled {
        return Some(Lack::NotReady);
    }
    if let Some(position) = broken_rule(state, fleet, item, host) {
        return Some(Lack::Rule { position });
    }
    if !fleet.problem.allows(item, host) {
        let from = state.assignment[item];
        let kind = Strategy::Live;
        let refused = way(fleet, item, from, host, kind).err();
        return Some(
            refused
                .and_then(|lacks| lacks.into_iter().next())
                .map_or(Lack::NotReady, |(_, lack)| lack),
        );
    }
    room(state, fleet, item, host).or_else(|| overload(state, fleet, item, host, requirement))
}

fn broken_rule(
    state: &State<'_>,
    fleet: &Fleet<'_>,
    item: usize,
    host: HostIndex,
) -> Option<usize> {
    let site = &fleet.sites[host.index()];
    let workload = &fleet.origins[item].workload;
    let rules = fleet.situation.policy.rules.iter();
    let stated = rules.enumerate().position(|(_, rule)| match rule {
        Rule::Pin { workloads, .. }
        | Rule::Exclude { workloads, .. }
        | Rule::Residency { workloads, .. } => {
            workloads.selects_workload(workload) && !fleet.rule_allows(rule, site)
        }
        Rule::Maintenance { hosts, window } => {
            hosts.selects_host(site.host) && window.ends > fleet.situation.now
        }
        _ => false,
    });
    let mut groups = state.groups_broken(item, host).into_iter();
    stated.or_else(|| groups.find_map(|group| fleet.problem.groups[group].rule))
}

fn room(state: &State<'_>, fleet: &Fleet<'_>, item: usize, host: HostIndex) -> Option<Lack> {
    if state.has_room(item, host) {
        return None;
    }
    let (held, hard) = (state.held(host), &fleet.problem.hosts[host.index()].hard);
    let holds = fleet.problem.holds(item);
    let short = (0..held.len()).find(|d| holds[*d] > 0 && held[*d] + holds[*d] > hard[*d])?;
    let free = (hard[short] - held[short]).max(0) as u64;
    Some(Lack::Room { resource: fleet.held[short], needed: holds[short] as u64, free })
}

fn overload(
    state: &mut State<'_>,
    fleet: &Fleet<'_>,
    item: usize,
    host: HostIndex,
    requirement: Requirement,
) -> Option<Lack> {
    if state.arrival(item, host, requirement).is_some() {
        return None;
    }
    state.arrival(item, host, Requirement::Bear)?;
    let width = fleet.problem.demands.width();
    let outlook = state.last_outlook();
    let mut worst: Option<(f64, Resource, f64, f64)> = None;
    for (dimension, flow) in fleet.problem.flows.iter().enumerate() {
        let limit = f64::from(fleet.problem.hosts[host.index()].limit[dimension]);
        for (bucket, multiplier) in flow.fill.iter().enumerate() {
            let row = dimension * width + bucket;
            let quantile = f64::from(outlook.mean[row] + multiplier * outlook.spread[row]);
            let share = quantile / limit.max(1.0);
            if worst.is_none_or(|(most, ..)| share > most) {
                worst = Some((share, fleet.flowing[dimension], quantile, limit));
            }
        }
    }
    worst.map(|(_, resource, quantile, limit)| Lack::Overload { resource, quantile, limit })
}

/// Why nothing more is done about a host that is still short: what its items lack.
pub(crate) fn why_short(state: &mut State<'_>, fleet: &Fleet<'_>, host: HostIndex) -> Standstill {
    let members: Vec<usize> = state.members(host).iter().map(|item| *item as usize).collect();
    let free = members.iter().copied().filter(|item| fleet.origins[*item].bond.is_none());
    let largest = free.max_by(|a, b| state.size(*a).total_cmp(&state.size(*b)));
    if let Some(item) = largest {
        let rejected = rejected(state, fleet, item, None, Requirement::Fill);
        return Standstill::NoTarget { rejected };
    }
    let refused = members.iter().find_map(|item| match &fleet.origins[*item].bond {
        Some(Bond::NoStrategy { lacks }) if !lacks.is_empty() => {
            let workload = fleet.origins[*item].workload.id.clone();
            Some(Standstill::NoStrategy { workload, lacks: lacks.clone() })
        }
        _ => None,
    });
    refused.unwrap_or(Standstill::NothingMovable)
}

/// Why what a lost host carried cannot be restarted: the targets and what each lacked.
pub(crate) fn why_lost(state: &mut State<'_>, fleet: &Fleet<'_>, item: usize) -> Standstill {
    let workload = fleet.origins[item].workload.id.clone();
    if let Some(Bond::NoStrategy { lacks }) = &fleet.origins[item].bond {
        return Standstill::NoStrategy { workload, lacks: lacks.clone() };
    }
    debug_assert!(state.assignment[item] != NOWHERE, "what was taken out was put back");
    let rejected = rejected(state, fleet, item, None, Requirement::Bear);
    let lacks = rejected.into_iter().map(|target| (Strategy::Recover, target.lack)).collect();
    Standstill::NoStrategy { workload, lacks }
}

/// How far ahead a shortage that can wait is decided.
pub(crate) fn decide_by(begins: Timestamp, now: Timestamp, foresight: Span) -> Timestamp {
    (begins - foresight).max(now)
}
