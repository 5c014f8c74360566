//! From a situation to a placement problem: who is where, what may move, what it demands.
//!
//! Moves that run count where they go, and hold room where they come from. This module states the
//! problem; it must never judge an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_core::fleet::{Host, Workload};
use weft_core::forecast::Confidence;
use weft_core::id::{HostId, MoveId, RegionId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::plan::{Lack, Move, Purpose, Strategy};
use weft_core::policy::{Domain, Rule, Window};
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::time::{Span, Timestamp};

use crate::demand::Demands;
use crate::problem::{
    Bucket, Constraint, Emptying, Flow, Group, Held, HostIndex, HostTerms, Item, NO_PART, Power,
    Problem, Suggestion, host_set,
};
use crate::situation::Situation;
use crate::strategy::Trip;

/// For how long what is decided now must keep the policy's confidence; what comes later can still
/// be decided later, so the confidence asked for fades with the distance.
pub(crate) const FIRM: Span = Span::from_hours(1);
/// Share of the horizon within which emptying a host must have paid for its moves: forecasts of the
/// second half are for shortages, not for savings.
const PAYBACK_SHARE: f64 = 0.5;
/// Emptying must save half as much again as it costs, so that a small change of the forecast does
/// not turn it round.
const GAIN_FACTOR: f64 = 1.5;
/// Weight of an item that a host to be cleared still has, against one broken rule.
const DRAIN_WEIGHT: f64 = 0.5;
/// "Not limited", small enough that sums do not overflow.
const UNLIMITED: i64 = i64::MAX / 8;

/// Why an item stays where it is, whatever the demand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bond {
    Immovable { rule: usize },
    CoolingDown { until: Timestamp },
    InMotion { id: MoveId },
    OutOfScope,
    Split,
    NoStrategy { lacks: Vec<(Strategy, Lack)> },
}

/// Where an item of the problem comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) workload: Arc<Workload>,
    pub(crate) share_permille: u16,
    pub(crate) bond: Option<Bond>,
    /// Whether it is the part of a workload that a split would take away.
    pub(crate) is_part: bool,
}

/// A host with what the policy and the observation say of it.
#[derive(Debug, Clone)]
pub(crate) struct Site<'s> {
    pub(crate) host: &'s Host,
    pub(crate) region: usize,
    pub(crate) state: Option<HostState>,
    pub(crate) is_ruled: bool,
    /// Whether a maintenance has not ended: nothing goes there.
    is_maintained: bool,
    /// The next maintenance that has not begun: what leaves has left by then.
    pub(crate) maintenance: Option<Window>,
}

impl Site<'_> {
    pub(crate) fn is_lost(&self) -> bool {
        self.state == Some(HostState::Lost)
    }

    fn is_open(&self) -> bool {
        self.is_ruled && self.state == Some(HostState::Ready) && !self.is_maintained
    }

    /// Whether everything shall leave: lost, draining, or maintained within the horizon.
    fn is_evacuated(&self, until: Timestamp) -> bool {
        let is_due = self.maintenance.is_some_and(|window| window.begins < until);
        let must = matches!(self.state, Some(HostState::Lost | HostState::Draining));
        self.is_ruled && (must || is_due)
    }
}

/// How an item may travel.
struct Ways {
    /// The regions that some strategy reaches.
    open: Vec<bool>,
    /// Cost of a move within its own region.
    cost: f64,
    /// Bytes of a move.
    bytes: f64,
    /// What every strategy lacked, where none reaches any region.
    refused: Option<Vec<(Strategy, Lack)>>,
}

/// A bucket of the scenarios that still lies ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    /// Its number in the scenarios.
    pub(crate) number: usize,
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) steps: usize,
}

/// The problem of a situation, with the way back to names.
pub(crate) struct Fleet<'s> {
    pub(crate) situation: &'s Situation,
    pub(crate) sites: Vec<Site<'s>>,
    pub(crate) index: BTreeMap<&'s HostId, HostIndex>,
    pub(crate) flowing: Vec<Resource>,
    pub(crate) held: Vec<Resource>,
    pub(crate) buckets: Vec<Ahead>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) start: Vec<HostIndex>,
    pub(crate) problem: Problem,
    regions: Vec<&'s RegionId>,
    /// Per region the host over which a move takes longest: what it carries, the others do too.
    slowest: Vec<Option<&'s Host>>,
    allowed: BTreeMap<(u32, Vec<bool>, Vec<bool>), u32>,
}

/// What is decided before the problem is stated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decided {
    /// Workloads that are taken as two parts, the second of which, of this share in thousandths,
    /// may go.
    pub(crate) splits: BTreeMap<WorkloadId, u16>,
    /// Replicas that are taken away: from where, and where their share returns.
    pub(crate) merges: BTreeMap<WorkloadId, (HostId, HostId)>,
}

/// States the problem.
pub(crate) fn build<'s>(situation: &'s Situation, decided: &Decided) -> Fleet<'s> {
    let mut fleet = Fleet::empty(situation);
    fleet.state_hosts();
    fleet.state_flows();
    for (id, workload) in &situation.observation.workloads {
        fleet.add_workload(id, workload, decided);
    }
    fleet.state_rules();
    fleet.state_emptying();
    fleet
}

impl<'s> Fleet<'s> {
    fn empty(situation: &'s Situation) -> Self {
        let regions: Vec<&RegionId> =
            situation.topology.regions().map(|region| &region.id).collect();
        let sites: Vec<Site<'s>> =
            situation.topology.hosts().map(|host| site(situation, host, &regions)).collect();
        let index = sites
            .iter()
            .enumerate()
            .map(|(i, site)| (&site.host.id, HostIndex(i as u32)))
            .collect();
        let held = limited(&sites, Resource::HELD.as_slice());
        let flowing = limited(&sites, Resource::FLOWING.as_slice());
        let slowest_of = |region: usize| {
            let of_region = sites.iter().filter(|site| site.region == region);
            let bandwidth = |host: &&Host| host.migration_bandwidth_bytes_per_second;
            of_region.map(|site| site.host).min_by_key(bandwidth)
        };
        let slowest = (0..regions.len()).map(slowest_of).collect();
        let mut fleet = Self {
            situation,
            sites,
            index,
            flowing,
            held,
            buckets: ahead(situation),
            origins: Vec::new(),
            start: Vec::new(),
            problem: Problem::default(),
            regions,
            slowest,
            allowed: BTreeMap::new(),
        };
        fleet.flowing.retain(|resource| is_demanded(situation, *resource));
        fleet
    }

    // Hosts, time and prices.

    fn state_hosts(&mut self) {
        let policy = &self.situation.policy;
        let until = self.situation.now + policy.horizon;
        let region_price = |region: usize| {
            let region = self.situation.topology.region(self.regions[region]);
            region.map_or(0.0, |region| region.energy_price_per_kwh)
        };
        let amounts = |host: &Host, resources: &[Resource]| -> Vec<f64> {
            let limit = |r: &Resource| policy.margins.limit(host, *r).unwrap_or(f64::INFINITY);
            resources.iter().map(limit).collect()
        };
        // What a running move leaves still demands there until it ends, so nothing goes there.
        let running = self.situation.running.iter();
        let copies = running.filter(|moving| moving.strategy != Strategy::Recover);
        let left: BTreeSet<&HostId> = copies.map(|moving| &moving.from).collect();
        let terms = |site: &Site<'_>| {
            let held = amounts(site.host, &self.held).into_iter();
            let hard: Vec<i64> = held.map(|a| a.min(UNLIMITED as f64).floor() as i64).collect();
            let capacity =
                |r: &Resource| site.host.offers(*r).map_or(f32::INFINITY, |amount| amount as f32);
            let price = region_price(site.region) / 1_000.0;
            HostTerms {
                open: site.is_open() && !left.contains(&site.host.id),
                evacuate: site.is_evacuated(until),
                may_empty: site.is_ruled && site.state == Some(HostState::Ready),
                site: site.region as u32,
                soft: hard.clone(),
                hard,
                limit: amounts(site.host, &self.flowing).into_iter().map(|a| a as f32).collect(),
                capacity: self.flowing.iter().map(capacity).collect(),
                price_per_hour: site.host.price_per_hour,
                power: Some(Power {
                    cost_per_hour: site
                        .host
                        .power
                        .watts
                        .map(|watts| (watts - site.host.power.empty_watts) * price),
                }),
            }
        };
        self.problem.hosts = self.sites.iter().map(terms).collect();
        self.problem.held = vec![Held::default(); self.held.len()];
        self.state_links();
    }

    /// Sites are regions: a move between two of them pays its bytes.
    fn state_links(&mut self) {
        let regions = &self.regions;
        let cost = |from: &RegionId, to: &RegionId| match self.situation.topology.link(from, to) {
            _ if from == to => 0.0,
            Some(link) => link.price_per_gigabyte,
            None => f64::INFINITY,
        };
        let cost = regions.iter().flat_map(|from| regions.iter().map(|to| cost(from, to)));
        self.problem.site_cost = cost.collect();
        self.problem.sites = regions.len();
    }

    fn state_flows(&mut self) {
        let situation = self.situation;
        let policy = &situation.policy;
        let now = situation.now;
        let hours =
            |begins: Timestamp, ends: Timestamp| (ends - begins.max(now)).as_hours_f64().max(0.0);
        let payback_ends = now
            + Span::from_seconds_f64(
                (policy.horizon.as_seconds_f64() * PAYBACK_SHARE).max(FIRM.as_seconds_f64()),
            );
        let bucket = |ahead: &Ahead| {
            let distance = (ahead.begins - now).as_hours_f64().max(0.0);
            let hours_in = hours(ahead.begins, ahead.ends);
            Bucket {
                steps: ahead.steps as u32,
                urgency: hours_in / ((1.0 + distance) * (1.0 + distance)),
                weight: fade(distance) as f32,
                overload_hours: hours_in * fade(distance),
                running_hours: hours(ahead.begins, ahead.ends.min(payback_ends)),
            }
        };
        self.problem.buckets = self.buckets.iter().map(bucket).collect();
        self.problem.consecutive_steps = policy.consecutive_steps.max(1) as u32;
        let tail = situation.scenarios.tail();
        let stricter = Confidence::new((1.0 + policy.confidence.get()) / 2.0)
            .expect("the mean of 1 and a number in [0.5, 1) lies in [0.5, 1)");
        let multipliers = |confidence, fades: bool| -> Vec<f32> {
            let of = |ahead: &Ahead| {
                let distance = (ahead.begins - now).as_hours_f64().max(0.0);
                let share = if fades { fade(distance) as f32 } else { 1.0 };
                share * tail.multiplier(confidence, ahead.number).max(0.0)
            };
            self.buckets.iter().map(of).collect()
        };
        let flow = |resource: &Resource| Flow {
            overload_price: self.overload_price(*resource),
            keep: multipliers(policy.confidence, true),
            full: multipliers(policy.confidence, false),
            fill: multipliers(stricter, false),
            pack: multipliers(stricter, true),
        };
        self.problem.flows = self.flowing.iter().map(flow).collect();
        let scenarios = situation.scenarios.len();
        self.problem.demands = Demands::new(self.flowing.len(), scenarios, self.buckets.len());
        self.problem.demands.reserve(self.situation.observation.workloads.len());
    }

    /// A share of the fleet's capacity costs the same whatever the resource: CPU by the policy's
    /// price, the others by what they are to the fleet's cores.
    fn overload_price(&self, resource: Resource) -> f64 {
        let sum = |resource: Resource| -> f64 {
            self.sites.iter().filter_map(|site| site.host.offers(resource)).sum::<u64>() as f64
        };
        let fleet = self.situation.policy.prices.unserved_core_hour * sum(Resource::Cpu) / 1_000.0;
        fleet / sum(resource).max(1.0)
    }

    // Items.

    fn add_workload(&mut self, id: &WorkloadId, workload: &Arc<Workload>, decided: &Decided) {
        let situation = self.situation;
        let replicas = situation.observation.placement.replicas(id);
        let running = situation.running.iter().find(|running| running.workload == *id);
        let is_split = replicas.len() > 1;
        let (split, merge) = (decided.splits.get(id).copied(), decided.merges.get(id));
        for replica in replicas {
            let Some(host) = self.index.get(&replica.host).copied() else { continue };
            let share = replica.share_permille;
            match (running, split) {
                (Some(running), _) if running.from == replica.host => {
                    self.add_running(workload, running, host, share);
                }
                _ if merge.is_some_and(|(from, _)| *from == replica.host) => {
                    let to = merge.and_then(|(_, to)| self.index.get(to)).copied();
                    self.add_merging(workload, host, to.unwrap_or(host), share, Bond::Split);
                }
                (_, Some(part)) if !is_split && part < share => {
                    let bond = self.bond(workload, host, is_split);
                    let rest = Some(bond.clone().unwrap_or(Bond::Split));
                    self.add_item(workload, host, share - part, rest, false);
                    self.add_item(workload, host, part, bond, true);
                }
                _ => {
                    let bond = running.map(|running| Bond::InMotion { id: running.id });
                    let bond = bond.or_else(|| self.bond(workload, host, is_split));
                    self.add_item(workload, host, share, bond, false);
                }
            }
        }
    }

    /// A moving replica demands where it goes and holds room on both ends.
    fn add_running(
        &mut self,
        workload: &Arc<Workload>,
        moving: &Move,
        from: HostIndex,
        share: u16,
    ) {
        let bond = || Some(Bond::InMotion { id: moving.id });
        let to = self.index.get(&moving.to).copied().unwrap_or(from);
        match moving.strategy {
            Strategy::Split { share_permille } => {
                let taken = share_permille.min(share);
                self.add_item(workload, from, share - taken, bond(), false);
                self.add_item(workload, to, taken, bond(), false);
            }
            Strategy::Merge => {
                self.add_merging(workload, from, to, share, Bond::InMotion { id: moving.id });
            }
            _ => {
                self.add_item(workload, to, share, bond(), false);
                if to != from && moving.strategy != Strategy::Recover {
                    self.add_item(workload, from, 0, bond(), false);
                }
            }
        }
    }

    /// A replica that is taken away demands where its share returns, which holds it already.
    fn add_merging(
        &mut self,
        workload: &Arc<Workload>,
        from: HostIndex,
        to: HostIndex,
        share: u16,
        bond: Bond,
    ) {
        self.add_item(workload, to, share, Some(bond.clone()), true);
        self.add_item(workload, from, 0, Some(bond), false);
    }

    /// Why the workload on `host` stays, if it does.
    fn bond(&self, workload: &Workload, host: HostIndex, is_split: bool) -> Option<Bond> {
        let situation = self.situation;
        let policy = &situation.policy;
        let site = &self.sites[host.index()];
        if !site.is_ruled {
            return Some(Bond::OutOfScope);
        }
        if let Some(id) = self.house_mover(workload) {
            return Some(Bond::InMotion { id });
        }
        if site.is_lost() {
            let lacks = vec![(Strategy::Recover, Lack::NotReady)];
            return (!workload.mobility.recover).then_some(Bond::NoStrategy { lacks });
        }
        let immovable = policy.rules.iter().position(|rule| match rule {
            Rule::Immovable { workloads } => workloads.selects_workload(workload),
            _ => false,
        });
        if let Some(rule) = immovable {
            return Some(Bond::Immovable { rule });
        }
        let rested =
            situation.past_moves.get(&workload.id).map(|past| past.ended + policy.cool_down);
        if let Some(until) = rested.filter(|until| *until > situation.now) {
            return Some(Bond::CoolingDown { until });
        }
        let stays_split = is_split && site.state == Some(HostState::Ready);
        stays_split.then_some(Bond::Split)
    }

    /// The running move of another member that takes an affinity group of this workload into
    /// another domain: until it has ended, nobody knows where the group belongs.
    fn house_mover(&self, workload: &Workload) -> Option<MoveId> {
        let situation = self.situation;
        let host = |id: &HostId| self.index.get(id).map(|index| &self.sites[index.index()]);
        let crosses = |running: &&Move, domain: Domain| {
            let (Some(from), Some(to)) = (host(&running.from), host(&running.to)) else {
                return false;
            };
            match domain {
                Domain::Host => from.host.id != to.host.id,
                Domain::Zone => from.host.zone != to.host.zone,
                Domain::Region => from.region != to.region,
            }
        };
        situation.policy.rules.iter().find_map(|rule| {
            let Rule::Affinity { workloads, domain } = rule else { return None };
            let members = &situation.observation.workloads;
            let is_member = |running: &&Move| {
                members.get(&running.workload).is_some_and(|w| workloads.selects_workload(w))
            };
            let concerned = workloads.selects_workload(workload);
            let mut running = situation.running.iter().filter(|_| concerned);
            running.find(|running| is_member(running) && crosses(running, *domain)).map(|r| r.id)
        })
    }

    fn add_item(
        &mut self,
        workload: &Arc<Workload>,
        host: HostIndex,
        share_permille: u16,
        bond: Option<Bond>,
        is_part: bool,
    ) {
        let number = self.origins.len();
        let split = matches!(bond, Some(Bond::Split)) || is_part;
        self.push_demand(workload, share_permille, split);
        let holds = self.held.iter().map(|resource| workload.allocation(*resource) as i64);
        self.problem.holds.extend(holds);
        let ways = self.ways(number, workload, host, share_permille, is_part, bond.is_some());
        let lacks = ways.refused.filter(|_| bond.is_none());
        let bond = bond.or(lacks.map(|lacks| Bond::NoStrategy { lacks }));
        let site = &self.sites[host.index()];
        let priority = f64::from(workload.priority);
        let strand_weight = if site.is_lost() { 1.0 + priority } else { DRAIN_WEIGHT };
        self.problem.items.push(Item {
            allowed: 0,
            fixed: bond.is_some(),
            needs_cause: true,
            replica: is_part,
            strand_weight,
            move_cost: ways.cost,
            site_weight: ways.bytes / 1e9,
        });
        self.problem.items[number].allowed = self.allowed_set(workload, ways.open);
        self.start.push(host);
        self.origins.push(Origin { workload: workload.clone(), share_permille, bond, is_part });
    }

    /// What an item demands. The variance inside buckets grows with the square of a share; parts of
    /// one workload on one host vary together, which `splits` allows for by taking it as linear:
    /// then parts add up to the whole, and a part alone is overestimated.
    fn push_demand(&mut self, workload: &Workload, share_permille: u16, splits: bool) {
        let scenarios = &self.situation.scenarios;
        let share = f32::from(share_permille) / 1_000.0;
        let first = self.buckets.first().map_or(0, |bucket| bucket.number);
        let numbers = first..first + self.buckets.len();
        let mut whole = vec![0.0_f32; scenarios.buckets().len()];
        for resource in self.flowing.clone() {
            let key = SeriesKey::resource(workload.id.clone(), resource);
            let Some(row) = scenarios.position(&key) else {
                let constant = share * workload.allocation(resource) as f32;
                let mean = vec![constant; numbers.len()];
                let within = vec![0.0; numbers.len()];
                self.problem.demands.push(&mean, |_, out| out.fill(constant), &within);
                continue;
            };
            let mean = numbers.clone().map(|bucket| share * scenarios.mean(row, bucket));
            let mean: Vec<f32> = mean.collect();
            let factor = if splits { share } else { share * share };
            let within = |bucket: usize| factor * scenarios.within_variance(row, bucket);
            let within: Vec<f32> = numbers.clone().map(within).collect();
            let path = |scenario: usize, out: &mut [f32]| {
                scenarios.path(row, scenario, &mut whole);
                let ahead = out.iter_mut().zip(&whole[numbers.clone()]);
                ahead.for_each(|(out, demand)| *out = share * demand);
            };
            self.problem.demands.push(&mean, path, &within);
        }
    }

    /// Expected processor demand of an item over the first hour, in millicores.
    pub(crate) fn cpu_millicores(&self, item: usize) -> f64 {
        let Some(dimension) = self.flowing.iter().position(|r| *r == Resource::Cpu) else {
            return 0.0;
        };
        let near = self.buckets.iter().take_while(|b| b.begins < self.situation.now + FIRM).count();
        let means = &self.problem.demands.mean(item, dimension)[..near.max(1)];
        f64::from(means.iter().sum::<f32>()) / means.len() as f64
    }

    /// Whereto strategies carry an item, at what cost.
    fn ways(
        &self,
        item: usize,
        workload: &Workload,
        host: HostIndex,
        share_permille: u16,
        is_part: bool,
        is_fixed: bool,
    ) -> Ways {
        let site = &self.sites[host.index()];
        let regions = self.regions.len();
        if is_fixed || site.is_lost() {
            let attention = self.situation.policy.prices.per_move;
            return Ways { open: vec![true; regions], cost: attention, bytes: 0.0, refused: None };
        }
        let cpu_millicores = self.cpu_millicores(item);
        let (mut open, mut lacks) = (vec![false; regions], Vec::new());
        let (mut cost, mut bytes) = (f64::INFINITY, 0.0);
        for (region, is_open) in open.iter_mut().enumerate() {
            let Some(to) = self.slowest[region] else { continue };
            let (situation, from) = (self.situation, site.host);
            let trip = Trip { situation, workload, from, to, cpu_millicores };
            let way = if is_part {
                trip.split(share_permille)
                    .map_err(|lack| vec![(Strategy::Split { share_permille }, lack)])
            } else {
                trip.whole()
            };
            match way {
                Ok(way) => {
                    *is_open = true;
                    let here = way.cost.total() - way.cost.transfer;
                    if region == site.region || cost == f64::INFINITY {
                        (cost, bytes) = (here, way.prediction.transferred_bytes as f64);
                    }
                }
                Err(refused) => lacks.extend(refused),
            }
        }
        let is_refused = !open.contains(&true);
        let cost = if is_refused { 0.0 } else { cost };
        Ways { open, cost, bytes, refused: is_refused.then_some(lacks) }
    }

    /// The number of the set of hosts that rules, core speed and strategies leave a workload.
    fn allowed_set(&mut self, workload: &Workload, open_regions: Vec<bool>) -> u32 {
        let rules = &self.situation.policy.rules;
        let concerns = |rule: &Rule| match rule {
            Rule::Pin { workloads, .. }
            | Rule::Exclude { workloads, .. }
            | Rule::Residency { workloads, .. } => workloads.selects_workload(workload),
            _ => false,
        };
        let selected: Vec<bool> = rules.iter().map(concerns).collect();
        let speed = workload.vcpu_speed_millicores;
        let key = (speed, selected, open_regions);
        if let Some(number) = self.allowed.get(&key) {
            return *number;
        }
        let contains = |host: usize| {
            let site = &self.sites[host];
            let stated = rules.iter().enumerate().filter(|(position, _)| key.1[*position]);
            site.host.core_speed_millicores >= speed
                && key.2[site.region]
                && stated.into_iter().all(|(_, rule)| self.rule_allows(rule, site))
        };
        let number = self.problem.allowed.len() as u32;
        self.problem.allowed.push(host_set(self.sites.len(), contains));
        self.allowed.insert(key, number);
        number
    }

    /// Whether a rule about one workload, which it concerns, allows this host.
    pub(crate) fn rule_allows(&self, rule: &Rule, site: &Site<'_>) -> bool {
        match rule {
            Rule::Pin { hosts, .. } => hosts.selects_host(site.host),
            Rule::Exclude { hosts, .. } => !hosts.selects_host(site.host),
            Rule::Residency { regions, .. } => regions.contains(self.regions[site.region]),
            _ => true,
        }
    }

    // Rules and wishes.

    fn state_rules(&mut self) {
        let zones: BTreeMap<_, u32> =
            self.situation.topology.zones().zip(0..).map(|(zone, n)| (&zone.id, n)).collect();
        let part = |site: &Site<'_>, part: u32| if site.is_lost() { NO_PART } else { part };
        let by = |part_of: &dyn Fn(usize, &Site<'_>) -> u32| -> Vec<u32> {
            self.sites.iter().enumerate().map(|(i, site)| part(site, part_of(i, site))).collect()
        };
        self.problem.domains = vec![
            by(&|index, _| index as u32),
            by(&|_, site| zones[&site.host.zone]),
            by(&|_, site| site.region as u32),
        ];
        let position = |domain: Domain| match domain {
            Domain::Host => 0,
            Domain::Zone => 1,
            Domain::Region => 2,
        };
        let mut groups = Vec::new();
        for (number, rule) in self.situation.policy.rules.iter().enumerate() {
            let (workloads, constraint) = match rule {
                Rule::Affinity { workloads, domain } => {
                    (workloads, Constraint::Together { domain: position(*domain) })
                }
                Rule::AntiAffinity { workloads, domain } => {
                    (workloads, Constraint::Apart { domain: position(*domain) })
                }
                Rule::Spread { workloads, domain, minimum } => {
                    let (domain, minimum) = (position(*domain), *minimum);
                    (workloads, Constraint::Spread { domain, minimum, surplus: 0 })
                }
                _ => continue,
            };
            let all = self.origins.iter().zip(0_u32..);
            let members = all.filter(|(origin, _)| workloads.selects_workload(&origin.workload));
            let members: Vec<u32> = members.map(|(_, item)| item).collect();
            let is_shadow = |item: &u32| self.origins[*item as usize].share_permille == 0;
            let solid = || members.iter().copied().filter(|item| !is_shadow(item)).collect();
            let lists: Vec<Vec<u32>> = match constraint {
                Constraint::Apart { .. } => vec![members],
                Constraint::Together { .. } => vec![solid()],
                // Nobody knows yet on which end a running move will be found: both must hold.
                Constraint::Spread { .. } => {
                    let is_member = |item: &u32| members.binary_search(item).is_ok();
                    let leaves = |item: &u32| is_member(&(item + 1)) && is_shadow(&(item + 1));
                    let begun = members.iter().copied().filter(|item| !leaves(item)).collect();
                    vec![solid(), begun]
                }
            };
            groups.extend(lists.into_iter().map(|members| {
                let constraint = self.with_surplus(constraint, &members);
                Group { members, constraint, rule: Some(number) }
            }));
        }
        groups.extend(self.replica_groups());
        self.problem.groups = groups;
    }

    /// A spread told how many of its members are further replicas of a workload that runs.
    fn with_surplus(&self, constraint: Constraint, members: &[u32]) -> Constraint {
        let Constraint::Spread { domain, minimum, .. } = constraint else { return constraint };
        let runs = |item: &&u32| !self.sites[self.start[**item as usize].index()].is_lost();
        let running: Vec<_> = members.iter().filter(runs).collect();
        let name = |item: &&u32| &self.origins[**item as usize].workload.id;
        let workloads: BTreeSet<_> = running.iter().map(name).collect();
        let surplus = (running.len() - workloads.len()) as u32;
        Constraint::Spread { domain, minimum, surplus }
    }

    /// Replicas of one workload are on different hosts, unless a split is only being considered.
    fn replica_groups(&self) -> Vec<Group> {
        let mut members: BTreeMap<&WorkloadId, Vec<u32>> = BTreeMap::new();
        for (item, origin) in self.origins.iter().enumerate() {
            members.entry(&origin.workload.id).or_default().push(item as u32);
        }
        let is_real = |items: &Vec<u32>| {
            items.len() > 1 && items.iter().all(|item| !self.origins[*item as usize].is_part)
        };
        let lists = members.into_values().filter(is_real);
        let constraint = Constraint::Apart { domain: 0 };
        lists.map(|members| Group { members, constraint, rule: None }).collect()
    }

    /// Emptying takes no more moves than may start within an hour, half of them where shortages
    /// need the other half.
    fn state_emptying(&mut self) {
        let policy = &self.situation.policy;
        if policy.consolidate {
            let hour_ago = self.situation.now - Span::from_hours(1);
            let recent = self.situation.recent_starts.iter().filter(|start| **start > hour_ago);
            let left = (policy.budgets.starts_per_hour as usize).saturating_sub(recent.count());
            self.problem.emptying = Some(Emptying { most_moves: left, gain_factor: GAIN_FACTOR });
        }
    }

    /// What moves of an earlier plan ask for, together where they have one purpose.
    pub(crate) fn suggest<'m>(&mut self, moves: impl Iterator<Item = &'m Move>) {
        let mut by_purpose: Vec<(&'m Purpose, Suggestion)> = Vec::new();
        for wanted in moves {
            let whole = !matches!(wanted.strategy, Strategy::Split { .. } | Strategy::Merge);
            let item = self.origins.iter().position(|o| o.workload.id == wanted.workload);
            let (Some(item), Some(to)) = (item, self.index.get(&wanted.to)) else { continue };
            if !whole || self.sites[self.start[item].index()].host.id != wanted.from {
                continue;
            }
            let step = (item as u32, *to);
            let is_one = |purpose: &Purpose| match (purpose.shortage(), wanted.purpose.shortage()) {
                (Some(one), Some(other)) => one == other,
                _ => *purpose == wanted.purpose,
            };
            match by_purpose.iter_mut().find(|(purpose, _)| is_one(purpose)) {
                Some((_, list)) => list.push(step),
                None => by_purpose.push((&wanted.purpose, vec![step])),
            }
        }
        self.problem.suggestions = by_purpose.into_iter().map(|(_, list)| list).collect();
    }
}

/// How much of the confidence is still asked for at this distance in hours.
pub(crate) fn fade(distance_hours: f64) -> f64 {
    let firm = FIRM.as_hours_f64();
    if distance_hours <= firm { 1.0 } else { firm / distance_hours }
}

fn site<'s>(situation: &'s Situation, host: &'s Host, regions: &[&RegionId]) -> Site<'s> {
    let region = situation.topology.region_of(&host.id).map(|region| &region.id);
    let windows = situation.policy.rules.iter().filter_map(|rule| match rule {
        Rule::Maintenance { hosts, window } if hosts.selects_host(host) => Some(*window),
        _ => None,
    });
    Site {
        host,
        region: regions
            .iter()
            .position(|known| Some(*known) == region)
            .expect("a host of a topology stands in a region of it"),
        state: situation.observation.hosts.get(&host.id).copied(),
        is_ruled: situation.policy.rules_host(host),
        is_maintained: windows.clone().any(|window| window.ends > situation.now),
        maintenance: windows
            .filter(|window| window.begins > situation.now)
            .min_by_key(|window| window.begins),
    }
}

/// Of `resources` those that some host limits.
fn limited(sites: &[Site<'_>], resources: &[Resource]) -> Vec<Resource> {
    let is_limited = |r: &Resource| sites.iter().any(|site| site.host.offers(*r).is_some());
    resources.iter().copied().filter(is_limited).collect()
}

/// Whether anybody demands `resource`. CPU always counts: power follows it.
fn is_demanded(situation: &Situation, resource: Resource) -> bool {
    let measures = Measure::Resource(resource);
    let mut workloads = situation.observation.workloads.values();
    resource == Resource::Cpu
        || situation.scenarios.series().iter().any(|key| key.measure == measures)
        || workloads.any(|workload| workload.allocation(resource) > 0)
}

/// The buckets that overlap with the time from now to the policy's horizon.
fn ahead(situation: &Situation) -> Vec<Ahead> {
    let (scenarios, now) = (&situation.scenarios, situation.now);
    let until = now + situation.policy.horizon;
    let at = |step: usize| scenarios.origin() + scenarios.step().span() * step as i64;
    let buckets = (0..scenarios.buckets().len()).map(|number| {
        let steps = scenarios.buckets().steps(number);
        let (begins, ends) = (at(steps.start), at(steps.end));
        let passed = (now - begins).whole_steps(scenarios.step());
        Ahead { number, begins, ends, steps: steps.len().saturating_sub(passed) }
    });
    buckets.filter(|bucket| bucket.ends > now && bucket.begins < until).collect()
}
