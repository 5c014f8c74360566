//! The chance constraint: no host that a plan moves something to may run short because of it. The
//! joint quantile of a host is computed here from the scenarios and from nothing else.
//!
//! A host's demand in bucket `b` is its mean plus a multiple of its deviation (the form of
//! `weft_core::scenario`, DESIGN.md "Forecasts"): with replicas `i` of share `w_i`,
//!
//! ```text
//! Q_c(b) = mean_s[Σ w_i·demand_i(s, b)] + k_c(b)·√( Var_s[Σ w_i·demand_i(s, b)] + Σ w_i²·within_i(b) )
//! ```
//!
//! with the population variance over scenarios `s`. What has no series demands its allocation;
//! where there is no scenario at all, the deviation is 0.
//!
//! Plans are judged in layers, each against the fleet with the layers below it: recoveries are not
//! judged (what was lost must run), answers may not raise a quantile above its limit in any bucket,
//! and consolidation may not do so within the next hour, nor raise a mean above it later. So
//! nobody is blamed for a layer below, and the verdict does not depend on the order of the moves.
//!
//! A fleet can be too full to keep its confidence. Then the answer to a shortage may share the
//! excess: a quantile of the target may be raised above its limit, but the demand above the limit
//! that is then to be expected, as a share of the limit, stays below that of the worst of the hosts
//! that its load comes from. What is expected `h` > 1 hours ahead counts 1/h of it. So the worst
//! always gets better.

use std::cell::{LazyCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use weft_core::fleet::Placement;
use weft_core::id::{HostId, WorkloadId};
use weft_core::plan::{Purpose, Strategy};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Scenarios;
use weft_core::time::{Span, Timestamp};

use super::fleet::Fleet;
use super::timeline::{self, Flight, State};
use super::violation::Violation;

/// How far above a limit or above what was before counts as above, as a share of the limit: sums of
/// single-precision demands differ in the seventh digit by their order, forecasts in the second.
const TOLERANCE: f64 = 1e-4;

/// How much larger than that of its source the strain of a target may be found: the solver reads it off
/// a table.
const STRAIN_TOLERANCE: f64 = 1.01;

/// For how long a consolidation has to keep the policy's confidence: what becomes tight later can
/// still be answered by then.
const CONSOLIDATION_FORESIGHT: Span = Span::from_hours(1);

/// What is judged how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Recovery,
    Answer,
    Consolidation,
}

fn layer(flight: &Flight<'_>) -> Layer {
    match (flight.order.strategy, &flight.order.purpose) {
        (Strategy::Recover, _) => Layer::Recovery,
        (_, Purpose::Empty(_)) => Layer::Consolidation,
        _ => Layer::Answer,
    }
}

/// Whether a move answers a shortage: only that may share an excess.
const fn answers_shortage(flight: &Flight<'_>) -> bool {
    matches!(flight.order.purpose, Purpose::Shortage(_))
}

/// What is on a host, and its share of each workload's demand.
type Residents<'a> = Vec<(&'a WorkloadId, f64)>;

/// A stretch of time in which the residents of a host stay the same, with the layer and without.
struct Piece<'a> {
    begins: Timestamp,
    /// None for the last.
    ends: Option<Timestamp>,
    with: Residents<'a>,
    without: Residents<'a>,
}

/// The facts about demand.
pub(super) struct Demand<'a> {
    pub(super) fleet: Fleet<'a>,
    pub(super) scenarios: &'a Scenarios,
    pub(super) placement: &'a Placement,
    pub(super) now: Timestamp,
}

/// The most that is too much, on one host of one resource.
struct Worst {
    bucket: usize,
    found: f64,
    before: f64,
    is_mean: bool,
}

impl<'a> Demand<'a> {
    /// What the flights of a plan break, layer by layer.
    pub(super) fn judge(&self, flights: &[Flight<'a>]) -> Vec<Violation> {
        let by_host = residents_by_host(self.placement);
        let mut violations = Vec::new();
        for judged in [Layer::Answer, Layer::Consolidation] {
            let own = |flight: &Flight<'_>| flight.planned && layer(flight) == judged;
            let targets: BTreeSet<&'a HostId> =
                flights.iter().filter(|flight| own(flight)).map(|f| &f.order.to).collect();
            if targets.is_empty() {
                continue;
            }
            let up_to = |highest: Layer| {
                let wanted = |flight: &&Flight<'a>| !flight.planned || layer(flight) <= highest;
                flights.iter().filter(wanted).copied().collect::<Vec<_>>()
            };
            let with = up_to(judged);
            let without: Vec<_> = with.iter().filter(|flight| !own(flight)).copied().collect();
            let answers: Vec<_> = with.iter().filter(|f| own(f) && answers_shortage(f)).collect();
            let pieces = self.pieces(&by_host, &targets, &with, &without);
            let sources = Sources::new(self, &by_host, &without);
            for (host, pieces) in pieces {
                // Most targets keep their limit, and nobody asks.
                let excess = LazyCell::new(|| match judged {
                    Layer::Answer => self.worst_source(host, &answers, &sources),
                    _ => 0.0,
                });
                violations.extend(self.judge_host(host, &pieces, judged, &|| *excess));
            }
        }
        violations
    }

    /// The largest strain, without the layer, of any of the hosts from which the load of `host` comes,
    /// directly or through others.
    fn worst_source(
        &self,
        host: &'a HostId,
        answers: &[&Flight<'a>],
        sources: &Sources<'a, '_>,
    ) -> f64 {
        let mut reached = BTreeSet::from([host]);
        loop {
            let known = reached.len();
            let into = answers.iter().filter(|flight| reached.contains(&flight.order.to));
            let from: Vec<_> = into.map(|flight| &flight.order.from).collect();
            reached.extend(from);
            if reached.len() == known {
                break;
            }
        }
        reached.remove(host);
        reached.iter().map(|source| sources.strain(self, source)).fold(0.0, f64::max)
    }

    /// The largest strain in any bucket, of any resource, with these residents.
    fn most_strain(&self, host: &HostId, residents: &Residents<'a>) -> f64 {
        let Some(known) = self.fleet.host(host) else { return 0.0 };
        let mut most = 0.0_f64;
        for resource in Resource::FLOWING {
            let Some(limit) = self.fleet.policy.margins.limit(known, resource) else { continue };
            let load = Load::new(self, residents, resource);
            let ahead = (0..self.scenarios.buckets().len())
                .filter(|bucket| self.bucket(*bucket).1 > self.now)
                .map(|bucket| self.strain(&load, bucket, limit));
            most = ahead.fold(most, f64::max);
        }
        most
    }

    /// What is expected above `limit` in a bucket, as a share of it; what comes later than in an hour
    /// counts less, by its distance.
    fn strain(&self, load: &Load<'_>, bucket: usize, limit: f64) -> f64 {
        let distance = (self.bucket(bucket).0 - self.now).as_hours_f64().max(1.0);
        load.expected_excess(bucket, limit) / limit.max(1.0) / distance
    }

    /// Per target its pieces, by replaying the ends of both sets of flights side by side.
    fn pieces(
        &self,
        by_host: &BTreeMap<&'a HostId, BTreeSet<&'a WorkloadId>>,
        targets: &BTreeSet<&'a HostId>,
        with: &[Flight<'a>],
        without: &[Flight<'a>],
    ) -> BTreeMap<&'a HostId, Vec<Piece<'a>>> {
        let (with, without) = (timeline::turns(with), timeline::turns(without));
        let instants: BTreeSet<Timestamp> = with.keys().chain(without.keys()).copied().collect();
        let mut upper = State::new(self.placement);
        let mut lower = State::new(self.placement);
        let none = BTreeSet::new();
        let piece = |host: &HostId, begins, upper: &State<'a>, lower: &State<'a>| {
            let standing = by_host.get(host).unwrap_or(&none);
            let (with, without) =
                (residents(upper, standing, host), residents(lower, standing, host));
            Piece { begins, ends: None, with, without }
        };
        let mut pieces: BTreeMap<&'a HostId, Vec<Piece<'a>>> = targets
            .iter()
            .map(|host| (*host, vec![piece(host, self.now, &upper, &lower)]))
            .collect();
        for at in instants {
            let mut affected = BTreeSet::new();
            for (turns, state) in [(&with, &mut upper), (&without, &mut lower)] {
                let ends = turns.get(&at).map_or(&[][..], |turn| turn.ends.as_slice());
                for flight in ends.iter().filter(|flight| !flight.is_doomed(&self.fleet)) {
                    state.land(flight.order);
                    affected.extend([&flight.order.from, &flight.order.to]);
                }
            }
            for host in affected {
                if let Some(of_host) = pieces.get_mut(host) {
                    if let Some(last) = of_host.last_mut() {
                        last.ends = Some(at);
                    }
                    of_host.push(piece(host, at, &upper, &lower));
                }
            }
        }
        pieces
    }

    fn judge_host(
        &self,
        host: &HostId,
        pieces: &[Piece<'a>],
        judged: Layer,
        excess: &dyn Fn() -> f64,
    ) -> Vec<Violation> {
        let Some(known) = self.fleet.host(host) else { return Vec::new() };
        let mut violations = Vec::new();
        for resource in Resource::FLOWING {
            let Some(limit) = self.fleet.policy.margins.limit(known, resource) else { continue };
            let lasting = pieces.iter().filter(|piece| self.lasts(piece));
            let worst = lasting
                .filter_map(|piece| self.worst(piece, resource, limit, judged, excess))
                .reduce(|worst, other| if other.found > worst.found { other } else { worst });
            if let Some(worst) = worst {
                violations.push(self.violation(host, resource, limit, &worst));
            }
        }
        violations
    }

    /// A state shorter than a step is a transient that forecasts cannot see.
    fn lasts(&self, piece: &Piece<'_>) -> bool {
        piece.ends.is_none_or(|ends| ends - piece.begins >= self.scenarios.step().span())
    }

    /// The worst bucket of a piece, if one is broken.
    fn worst(
        &self,
        piece: &Piece<'a>,
        resource: Resource,
        limit: f64,
        judged: Layer,
        excess: &dyn Fn() -> f64,
    ) -> Option<Worst> {
        let with = Load::new(self, &piece.with, resource);
        let without = Load::new(self, &piece.without, resource);
        let slack = limit * TOLERANCE;
        let broken = (0..self.scenarios.buckets().len()).filter_map(|bucket| {
            let (begins, ends) = self.bucket(bucket);
            let apart = ends <= piece.begins || piece.ends.is_some_and(|last| last <= begins);
            if apart {
                return None;
            }
            let is_mean =
                judged == Layer::Consolidation && begins >= self.now + CONSOLIDATION_FORESIGHT;
            let of = |load: &Load<'_>| {
                if is_mean { load.mean(bucket) } else { load.quantile(&self.fleet, bucket) }
            };
            let found = of(&with);
            let shares = || {
                let most = excess();
                most > 0.0 && self.strain(&with, bucket, limit) <= most * STRAIN_TOLERANCE
            };
            if found <= limit + slack || shares() {
                return None;
            }
            let before = of(&without);
            (found > before + slack).then_some(Worst { bucket, found, before, is_mean })
        });
        broken.reduce(|worst, other| if other.found > worst.found { other } else { worst })
    }

    /// Begin and end of a bucket.
    fn bucket(&self, bucket: usize) -> (Timestamp, Timestamp) {
        let steps = self.scenarios.buckets().steps(bucket);
        let at = |step: usize| self.scenarios.origin() + self.scenarios.step().span() * step as i64;
        (at(steps.start), at(steps.end))
    }

    fn violation(&self, host: &HostId, resource: Resource, limit: f64, worst: &Worst) -> Violation {
        let (host, at) = (host.clone(), self.bucket(worst.bucket).0);
        let Worst { found, before, is_mean, .. } = *worst;
        if is_mean {
            return Violation::MeanOverload { host, resource, at, mean: found, before, limit };
        }
        let confidence = self.fleet.policy.confidence.get();
        Violation::Overload { host, resource, at, confidence, quantile: found, before, limit }
    }
}

/// What the hosts that load comes from are strained by without the layer, each reckoned once.
struct Sources<'a, 'b> {
    by_host: &'b BTreeMap<&'a HostId, BTreeSet<&'a WorkloadId>>,
    state: State<'a>,
    known: RefCell<BTreeMap<HostId, f64>>,
}

impl<'a, 'b> Sources<'a, 'b> {
    fn new(
        demand: &Demand<'a>,
        by_host: &'b BTreeMap<&'a HostId, BTreeSet<&'a WorkloadId>>,
        without: &[Flight<'a>],
    ) -> Self {
        let mut state = State::new(demand.placement);
        for flight in without.iter().filter(|flight| !flight.is_doomed(&demand.fleet)) {
            state.land(flight.order);
        }
        Self { by_host, state, known: RefCell::default() }
    }

    fn strain(&self, demand: &Demand<'a>, host: &HostId) -> f64 {
        if let Some(known) = self.known.borrow().get(host) {
            return *known;
        }
        let none = BTreeSet::new();
        let standing = self.by_host.get(host).unwrap_or(&none);
        let strain = demand.most_strain(host, &residents(&self.state, standing, host));
        self.known.borrow_mut().insert(host.clone(), strain);
        strain
    }
}

fn residents_by_host(placement: &Placement) -> BTreeMap<&HostId, BTreeSet<&WorkloadId>> {
    let mut by_host: BTreeMap<&HostId, BTreeSet<&WorkloadId>> = BTreeMap::new();
    for (workload, replicas) in &placement.0 {
        for replica in replicas {
            by_host.entry(&replica.host).or_default().insert(workload);
        }
    }
    by_host
}

/// Who is on `host` in `state`: of those that stood there and those that moved since.
fn residents<'a>(
    state: &State<'a>,
    standing: &BTreeSet<&'a WorkloadId>,
    host: &HostId,
) -> Residents<'a> {
    let candidates: BTreeSet<&'a WorkloadId> =
        standing.iter().copied().chain(state.changed()).collect();
    candidates
        .into_iter()
        .flat_map(|workload| {
            let replicas = state.replicas(workload).iter();
            let here = replicas.filter(|replica| replica.host == *host);
            here.map(|replica| (workload, replica.share())).collect::<Vec<_>>()
        })
        .collect()
}

/// One resource of one set of residents.
struct Load<'a> {
    scenarios: &'a Scenarios,
    /// What residents without series demand, by allocation.
    constant: f64,
    /// Rows of the scenarios and their shares.
    rows: Vec<(usize, f64)>,
}

impl<'a> Load<'a> {
    fn new(demand: &Demand<'a>, residents: &Residents<'a>, resource: Resource) -> Self {
        let scenarios = demand.scenarios;
        let mut load = Self { scenarios, constant: 0.0, rows: Vec::new() };
        for &(id, share) in residents {
            match scenarios.position(&SeriesKey::resource(id.clone(), resource)) {
                Some(row) => load.rows.push((row, share)),
                None => {
                    let known = demand.fleet.workload(id);
                    let allocated = known.map_or(0, |workload| workload.allocation(resource));
                    load.constant += share * allocated as f64;
                }
            }
        }
        load
    }

    /// The mean over the scenarios of what is capped in each of them: the tail is calibrated on it.
    fn mean(&self, bucket: usize) -> f64 {
        let scenarios = self.scenarios.len();
        let of_row = |row: usize| match scenarios {
            0 => f64::from(self.scenarios.mean(row, bucket)),
            _ => {
                let demand = |scenario| f64::from(self.scenarios.demand(row, scenario, bucket));
                (0..scenarios).map(demand).sum::<f64>() / scenarios as f64
            }
        };
        self.constant + self.rows.iter().map(|(row, share)| share * of_row(*row)).sum::<f64>()
    }

    fn quantile(&self, fleet: &Fleet<'_>, bucket: usize) -> f64 {
        let multiplier = self.scenarios.tail().multiplier(fleet.policy.confidence, bucket);
        self.mean(bucket) + f64::from(multiplier) * self.variance(bucket).sqrt()
    }

    /// E[(X − limit)⁺] of a normal X with this mean and variance, by Simpson's rule over eight
    /// deviations above the limit.
    fn expected_excess(&self, bucket: usize, limit: f64) -> f64 {
        const PIECES: i32 = 64;
        const REACH: f64 = 8.0;
        let (mean, deviation) = (self.mean(bucket), self.variance(bucket).sqrt());
        if deviation <= 0.0 {
            return (mean - limit).max(0.0);
        }
        let from = (limit - mean) / deviation;
        if from < -REACH {
            return mean - limit;
        }
        let width = REACH.max(REACH - from) / f64::from(PIECES);
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let weighed = |piece: i32| {
            let above = width * f64::from(piece);
            let weight = match piece {
                0 | PIECES => 1.0,
                odd if odd % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * above * density(from + above)
        };
        deviation * width / 3.0 * (0..=PIECES).map(weighed).sum::<f64>()
    }

    fn variance(&self, bucket: usize) -> f64 {
        if self.scenarios.is_empty() {
            return 0.0;
        }
        let sums: Vec<f64> = (0..self.scenarios.len())
            .map(|scenario| {
                let rows = self.rows.iter();
                let demand = |row| f64::from(self.scenarios.demand(row, scenario, bucket));
                rows.map(|(row, share)| share * demand(*row)).sum()
            })
            .collect();
        let count = sums.len() as f64;
        let centre = sums.iter().sum::<f64>() / count;
        let across = sums.iter().map(|sum| (sum - centre).powi(2)).sum::<f64>() / count;
        let within = |row| f64::from(self.scenarios.within_variance(row, bucket));
        across + self.rows.iter().map(|(row, share)| share * share * within(*row)).sum::<f64>()
    }
}
