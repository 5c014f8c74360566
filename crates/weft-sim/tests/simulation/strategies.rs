//! Every strategy through the whole loop: a seed where the planner chooses it by itself and the judge
//! sees what that was worth, and a seed where it is refused with its reason. The seed draws sizes,
//! demand, noise and the one circumstance on which the strategy depends; nothing here may tell the
//! planner what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_control::control::Config;
use weft_control::event::Request;
use weft_control::record::Record;
use weft_core::event::{Event, EventKind, Occurrence};
use weft_core::fleet::{
    Host, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Workloads, Zone,
};
use weft_core::id::WorkloadId;
use weft_core::plan::{Lack, Move, MoveState, Plan, RejectedTarget, Standstill, Strategy};
use weft_core::policy::{Mode, Policy, Selector, Window};
use weft_core::resource::{Amounts, Capacity, Resource};
use weft_core::time::{Span, Step, Timestamp};
use weft_sim::fault::{Fault, FaultPlan, Place};
use weft_sim::judge::Unserved;
use weft_sim::replay::{Foresight, Replay};
use weft_sim::world::{Demand, Physics, Trace, World, WorldSpec};

const GIB: u64 = 1 << 30;
const MEGABYTE: u64 = 1_000_000;

/// Midnight; the fleet lives from here on.
const START: Timestamp = Timestamp::from_seconds(1_700_006_400);

/// So long the loop only watches: enough for it to know what a day looks like.
const WATCHED: Span = Span::from_days(3);

/// On the day that counts the newcomer on `h0` begins to work at this hour, the daily peak begins to
/// rise at `RISE`, is at its height from `PEAK` and over at `FALLEN`.
const NEWCOMER: i64 = 4;
const RISE: i64 = 10;
const PEAK: i64 = 12;
const FALLEN: i64 = 20;

/// Bytes per second that a move gets: half of a host's card, because two may move at once.
const CARD: u64 = 500 * MEGABYTE;

/// An hour of the day that counts.
fn hour(hour: i64) -> Timestamp {
    START + WATCHED + Span::from_hours(hour)
}

/// A fleet in the making: three hosts of eight cores and what runs on them.
struct Draft {
    random: ChaCha8Rng,
    seed: u64,
    workloads: Workloads,
    placement: Placement,
    trace: Trace,
    faults: FaultPlan,
}

impl Draft {
    fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            seed,
            workloads: BTreeMap::new(),
            placement: Placement::default(),
            trace: Trace::new(),
            faults: FaultPlan::none(),
        }
    }

    /// A number between `low` and `high`, all orders of magnitude alike: circumstances such as a
    /// dirty rate span several of them.
    fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        self.random.random_range(low.ln()..high.ln()).exp()
    }

    /// A workload on `host` whose demand is `cores(hour since the start)` and some noise.
    fn add(&mut self, workload: Workload, host: &str, cores: impl Fn(f64) -> f64) {
        let step = Step::FIVE_MINUTES;
        let steps = (WATCHED + Span::from_days(1)).whole_steps(step);
        let most = workload.cpu_millicores() as f64;
        let mut noise = 0.0;
        let values: Vec<f32> = (0..steps)
            .map(|number| {
                noise = 0.8 * noise + self.random.random_range(-0.02..0.02);
                let wanted = cores(number as f64 * step.hours()) * (1.0 + noise);
                (wanted * 1_000.0).clamp(1.0, most) as f32
            })
            .collect();
        let id = workload.id.clone();
        self.trace.insert(id.clone(), Resource::Cpu, values.into());
        self.placement.put(id.clone(), host.into());
        self.workloads.insert(id, Arc::new(workload));
    }

    /// Steady work on the hosts that could help: `cores` of it on either, `memory` taken.
    fn add_neighbours(&mut self, cores: f64, memory: u64) {
        for host in ["h1", "h2"] {
            let cores = cores + self.random.random_range(-0.3..0.3);
            let mut steady = workload(&format!("steady-{host}"), 6, memory);
            steady.mobility = immobile();
            self.add(steady, host, |_| cores);
        }
    }

    fn spec(self) -> WorldSpec {
        WorldSpec {
            topology: Arc::new(topology()),
            workloads: self.workloads,
            placement: self.placement,
            arrivals: Vec::new(),
            departures: Vec::new(),
            demand: Demand::Trace(self.trace),
            physics: Physics::default(),
            faults: self.faults,
            start: START,
            step: Step::FIVE_MINUTES,
            seed: self.seed,
        }
    }
}

fn topology() -> Topology {
    let host = |name: &str| Host {
        id: name.into(),
        zone: "a".into(),
        cores: 8,
        core_speed_millicores: 1_000,
        capacity: Capacity::UNLIMITED.with(Resource::Memory, 64 * GIB),
        migration_bandwidth_bytes_per_second: CARD,
        price_per_hour: 0.05,
        power: PowerCurve { watts: [100.0; 11], empty_watts: 0.0 },
        tags: BTreeSet::new(),
    };
    let region = Region { id: "here".into(), energy_price_per_kwh: 0.2 };
    let zone = Zone { id: "a".into(), region: "here".into() };
    Topology::new(vec![region], vec![zone], ["h0", "h1", "h2"].map(host).into(), Vec::new())
        .expect("the topology is consistent")
}

fn workload(name: &str, vcpus: u32, memory: u64) -> Workload {
    Workload {
        id: name.into(),
        vcpus,
        vcpu_speed_millicores: 1_000,
        allocated: Amounts::ZERO.with(Resource::Memory, memory),
        priority: 1,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: 50 * MEGABYTE,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

fn immobile() -> Mobility {
    Mobility { live: false, preemptive: false, max_replicas: 1, recover: false }
}

/// Every day the same: `night`, up to `peak` in the middle of the day.
fn daily(night: f64, peak: f64) -> impl Fn(f64) -> f64 {
    move |hours| {
        let of_day = hours % 24.0;
        let up = (of_day - RISE as f64) / (PEAK - RISE) as f64;
        let down = (FALLEN as f64 - of_day) / 2.0;
        night + (peak - night) * up.min(down).clamp(0.0, 1.0)
    }
}

/// Hardly anything, until on the day that counts it works at `cores`: what the host did not have to
/// carry on the days that were watched.
fn newcomer(cores: f64) -> impl Fn(f64) -> f64 {
    let begins = WATCHED.as_hours_f64() + NEWCOMER as f64;
    move |hours| if hours < begins { 0.2 } else { cores }
}

/// `h0` with three workloads of a daily peak and a newcomer, together more than it has; any of them
/// would do elsewhere. `edit` says how they may move.
fn crowded(draft: &mut Draft, edit: impl Fn(&mut Workload)) {
    for name in ["newcomer", "one", "three", "two"] {
        let memory = draft.random.random_range(4..8) * GIB;
        let mut guest = workload(name, 4, memory);
        edit(&mut guest);
        if name == "newcomer" {
            let cores = draft.random.random_range(2.9..3.3);
            draft.add(guest, "h0", newcomer(cores));
        } else {
            let peak = draft.random.random_range(2.0..2.2);
            draft.add(guest, "h0", daily(0.7, peak));
        }
    }
    draft.add_neighbours(2.5, 8 * GIB);
}

/// What may only move live; the seed draws how fast it writes memory.
fn live(seed: u64) -> WorldSpec {
    let mut draft = Draft::new(seed);
    let dirty_rate = draft.magnitude(5e6, 5e10) as u64;
    crowded(&mut draft, |guest| {
        guest.dirty_rate_bytes_per_second = dirty_rate;
        guest.mobility.preemptive = false;
    });
    draft.spec()
}

/// What writes too fast to move live; the seed draws how dear its stop is.
fn preemptive(seed: u64) -> WorldSpec {
    let mut draft = Draft::new(seed);
    let downtime_weight = draft.magnitude(0.1, 1e6);
    crowded(&mut draft, |guest| {
        guest.dirty_rate_bytes_per_second = 50_000 * MEGABYTE;
        guest.downtime_weight = downtime_weight;
    });
    draft.spec()
}

/// One that is too large for any other host, beside a newcomer that may not move. The seed draws
/// into how many replicas it may be split, and how much memory there is for one.
fn split(seed: u64) -> WorldSpec {
    let mut draft = Draft::new(seed);
    let mut large = workload("large", 8, 16 * GIB);
    large.mobility.max_replicas = draft.random.random_range(1..3);
    let taken = draft.random.random_range(8..64) * GIB;
    let peak = draft.random.random_range(6.6..6.9);
    draft.add(large, "h0", daily(1.0, peak));
    let mut beside = workload("newcomer", 4, 4 * GIB);
    beside.mobility = immobile();
    let cores = draft.random.random_range(2.0..2.4);
    draft.add(beside, "h0", newcomer(cores));
    draft.add_neighbours(3.5, taken);
    draft.spec()
}

/// `h0` is lost for the whole peak; the seed draws how much memory the others have for its guests.
fn recover(seed: u64) -> WorldSpec {
    let mut draft = Draft::new(seed);
    let taken = draft.random.random_range(8..64) * GIB;
    for name in ["one", "three", "two"] {
        let memory = draft.random.random_range(6..12) * GIB;
        let peak = draft.random.random_range(1.2..1.6);
        draft.add(workload(name, 2, memory), "h0", daily(0.7, peak));
    }
    draft.add_neighbours(2.5, taken);
    let window = Window { begins: hour(RISE), ends: hour(FALLEN) };
    draft.faults.faults.push(Fault::Lose { place: Place::Host("h0".into()), window });
    draft.spec()
}

/// What a campaign multiplies demand by, and its hours.
const LIFT: f64 = 2.3;
const CAMPAIGN: (i64, i64) = (13, 17);

/// `h0` has room for its three guests, but not for a campaign that lifts all of them at once on the day that counts.
fn campaign(seed: u64) -> WorldSpec {
    let mut draft = Draft::new(seed);
    for name in ["shop-0", "shop-1", "shop-2"] {
        let memory = draft.random.random_range(4..8) * GIB;
        let cores = draft.random.random_range(1.3..1.5);
        draft.add(workload(name, 6, memory), "h0", |hours| {
            let of_day = hours - WATCHED.as_hours_f64();
            let is_on = (CAMPAIGN.0 as f64..CAMPAIGN.1 as f64).contains(&of_day);
            if is_on { cores * LIFT } else { cores }
        });
    }
    draft.add_neighbours(2.0, 8 * GIB);
    draft.spec()
}

/// What is told of it.
fn told_campaign() -> Arc<[Occurrence]> {
    let event = Event {
        id: "spring sale".into(),
        kind: EventKind::Campaign,
        window: Window { begins: hour(CAMPAIGN.0), ends: hour(CAMPAIGN.1) },
        concerns: Selector::names(["shop-0", "shop-1", "shop-2"]),
        expected_lift: Some(LIFT),
    };
    [event.into()].into()
}

fn policy(mode: Mode) -> Arc<Policy> {
    Arc::new(Policy { mode, consolidate: false, ..Policy::default() })
}

/// What became of a fleet, with the loop and without.
struct Lived {
    replay: Replay,
    /// Every plan that the loop held on the day that counts, whether or not it was news enough for
    /// the journal.
    plans: Vec<Arc<Plan>>,
    unserved: Unserved,
    /// The same world if nobody ever moves anything.
    unserved_alone: Unserved,
}

/// The whole loop over `spec` until the end of the day that counts: it watches, then it acts on its
/// own. Beside it the judge's figures of the same world left alone, so that a strategy is measured
/// and not only seen.
fn lived(spec: &WorldSpec) -> Lived {
    lived_told(spec, Arc::default())
}

/// The same where the loop is told of events.
fn lived_told(spec: &WorldSpec, events: Arc<[Occurrence]>) -> Lived {
    let world = || World::new(spec.clone()).expect("the fleet is consistent");
    let topology = spec.topology.clone();
    let mut config = Config::new(topology, policy(Mode::Observe), spec.step, spec.seed);
    config.iterations = 2_000;
    config.history_steps = 4 * spec.step.per_day();
    let mut replay = Replay::new(world(), config, Foresight::Forecast);
    replay.announce(events, &mut |_| {});
    replay.run(hour(0), &mut |_| {});
    replay.ask(Request::SetPolicy(policy(Mode::Auto)), &mut |_| {});
    let mut plans: Vec<Arc<Plan>> = Vec::new();
    replay.run(hour(24), &mut |look| {
        let held = look.control.plan();
        let is_new = |plan: &&Arc<Plan>| plans.last().is_none_or(|last| last.id != plan.id);
        plans.extend(held.filter(is_new).cloned());
    });
    let mut alone = world();
    alone.advance(hour(24));
    let unserved_alone = alone.judge().metrics().unserved;
    Lived { unserved: replay.world.judge().metrics().unserved, replay, plans, unserved_alone }
}

impl Lived {
    /// The moves whose start was recorded, and when. No person approves anything here: whatever
    /// starts is the planner's own choice.
    fn started(&self) -> impl Iterator<Item = (Timestamp, &Move)> {
        self.replay.journal.iter().filter_map(|entry| match &entry.record {
            Record::Starting { planned, .. } => Some((entry.at, &**planned)),
            _ => None,
        })
    }

    /// How the journal says that a move ended.
    fn end(&self, planned: &Move) -> Option<MoveState> {
        self.replay.journal.iter().find_map(|entry| match &entry.record {
            Record::Ended { move_id, state, .. } if *move_id == planned.id => Some(*state),
            _ => None,
        })
    }

    /// That the planner answered `h0` by `strategy` and nothing else, before `latest`, and that all
    /// of it succeeded.
    fn assert_answered_by(&self, is_strategy: fn(Strategy) -> bool, latest: Timestamp) {
        let is_answer =
            |planned: &Move| planned.from.as_str() == "h0" && planned.strategy != Strategy::Merge;
        let answers: Vec<_> = self.started().filter(|(_, planned)| is_answer(planned)).collect();
        assert!(!answers.is_empty(), "nothing was started");
        for (at, planned) in answers {
            assert!(is_strategy(planned.strategy), "{planned:#?}");
            assert!(at < latest, "it comes too late: {planned:#?}");
            assert_eq!(self.end(planned), Some(MoveState::Succeeded), "{planned:#?}");
        }
    }

    /// That the judge counts less than half of what it counts without moves.
    fn assert_worth_it(&self) {
        let (with, without) = (self.unserved.total(), self.unserved_alone.total());
        assert!(without > 1.0, "the fleet has a shortage worth an answer: {without} core-hours");
        assert!(with < without / 2.0, "{with} core-hours instead of {without}");
    }

    /// That nothing was started, that it went as it does alone, and that from the time when the
    /// shortage (or the loss) of `h0` could not wait any more until it was over every plan gave a
    /// reason for it that `is_reason` accepts.
    fn assert_refused(&self, is_reason: fn(&Standstill) -> bool) {
        let started: Vec<_> = self.started().collect();
        assert!(started.is_empty(), "{started:#?}");
        let (with, without) = (self.unserved.total(), self.unserved_alone.total());
        assert!(without > 1.0 && (with - without).abs() < 1e-6, "{with} instead of {without}");
        let at_peak = Window { begins: hour(PEAK), ends: hour(PEAK + 3) };
        let plans: Vec<_> = self.plans.iter().filter(|p| at_peak.contains(p.made_at)).collect();
        assert!(plans.len() >= 30, "there is a plan every five minutes, not {}", plans.len());
        for plan in plans {
            let of_h0 = plan.unanswered.iter().filter(|left| left.shortage.host.as_str() == "h0");
            let reasons: Vec<_> = of_h0.map(|left| &left.why).collect();
            let is_told = !reasons.is_empty() && reasons.iter().all(|why| is_reason(why));
            assert!(is_told, "{:?} at {:?}", reasons, plan.made_at);
        }
        self.assert_recorded(at_peak.ends, is_reason);
    }

    /// That whoever reads the journal at `at` finds the reason in the last plan that it holds.
    fn assert_recorded(&self, at: Timestamp, is_reason: fn(&Standstill) -> bool) {
        let mut recorded = self.replay.journal.iter().filter_map(|entry| match &entry.record {
            Record::PlanAdopted { plan } if entry.at < at => Some(plan),
            _ => None,
        });
        let last = recorded.next_back().expect("the first plan is always recorded");
        assert!(last.unanswered.iter().any(|left| is_reason(&left.why)), "{:?}", last.unanswered);
    }
}

/// Whether somebody was to go somewhere and every target that is named lacked the same kind of thing.
fn all_lack(rejected: &[RejectedTarget], is_lack: fn(&Lack) -> bool) -> bool {
    !rejected.is_empty() && rejected.iter().all(|target| is_lack(&target.lack))
}

fn is_room(lack: &Lack) -> bool {
    matches!(lack, Lack::Room { resource: Resource::Memory, needed, free } if needed > free)
}

fn is_overload(lack: &Lack) -> bool {
    matches!(lack, Lack::Overload { resource: Resource::Cpu, quantile, limit } if quantile > limit)
}

#[test]
fn live_wins_where_the_memory_is_written_slowly() {
    for seed in [1, 5] {
        let lived = lived(&live(seed));
        lived.assert_answered_by(|strategy| strategy == Strategy::Live, hour(PEAK));
        lived.assert_worth_it();
    }
}

#[test]
fn live_is_refused_where_it_does_not_converge() {
    for seed in [0, 2] {
        lived(&live(seed)).assert_refused(|why| {
            let Standstill::NoStrategy { lacks, .. } = why else { return false };
            let limit = Policy::default().downtime_limit;
            let [(Strategy::Live, Lack::Convergence { downtime })] = lacks[..] else {
                return false;
            };
            downtime > limit
        });
    }
}

#[test]
fn preemptive_wins_where_live_does_not_converge_and_a_stop_is_cheap() {
    for seed in [1, 5] {
        let spec = preemptive(seed);
        assert!(spec.workloads.values().any(|workload| workload.mobility.live), "live is allowed");
        let lived = lived(&spec);
        lived.assert_answered_by(|strategy| strategy == Strategy::Preemptive, hour(PEAK));
        lived.assert_worth_it();
        assert!(lived.unserved.downtime > 0.0, "it stops, and the judge sees it");
    }
}

#[test]
fn preemptive_is_refused_where_its_stop_costs_more_than_the_shortage() {
    for seed in [2, 3] {
        lived(&preemptive(seed)).assert_refused(|why| {
            matches!(why, Standstill::CheaperToBear { shortage, answer } if answer > shortage)
        });
    }
}

#[test]
fn split_wins_where_no_host_carries_the_whole_and_ends_after_the_peak() {
    for seed in [0, 4] {
        let lived = lived(&split(seed));
        lived.assert_answered_by(|strategy| matches!(strategy, Strategy::Split { .. }), hour(PEAK));
        lived.assert_worth_it();
        let merges: Vec<_> =
            lived.started().filter(|(_, planned)| planned.strategy == Strategy::Merge).collect();
        let [(at, merge)] = merges[..] else { panic!("one merge is enough: {merges:#?}") };
        assert!(at > hour(PEAK + 4), "the peak has passed");
        assert_eq!(lived.end(merge), Some(MoveState::Succeeded));
        let placement = lived.replay.world.placement();
        assert_eq!(placement.sole_host(&"large".into()), Some(&merge.to), "it is whole again");
    }
}

#[test]
fn split_is_refused_where_only_one_replica_is_allowed() {
    let spec = split(2);
    assert_eq!(spec.workloads[&WorkloadId::from("large")].mobility.max_replicas, 1);
    lived(&spec).assert_refused(
        |why| matches!(why, Standstill::NoTarget { rejected } if all_lack(rejected, is_overload)),
    );
}

#[test]
fn split_is_refused_where_no_host_has_memory_for_a_replica() {
    let spec = split(1);
    assert_eq!(spec.workloads[&WorkloadId::from("large")].mobility.max_replicas, 2);
    lived(&spec).assert_refused(
        |why| matches!(why, Standstill::NoTarget { rejected } if all_lack(rejected, is_room)),
    );
}

#[test]
fn recover_wins_where_the_others_have_room() {
    for seed in [0, 3] {
        let lived = lived(&recover(seed));
        let soon = hour(RISE) + Span::from_minutes(5);
        lived.assert_answered_by(|strategy| strategy == Strategy::Recover, soon);
        let (with, without) = (lived.unserved.lost, lived.unserved_alone.lost);
        assert!(without > 10.0 && with < without / 100.0, "{with} core-hours of {without}");
        let placement = lived.replay.world.placement();
        for name in ["one", "three", "two"] {
            let host = placement.sole_host(&name.into()).expect("it runs");
            assert_ne!(host.as_str(), "h0", "{name} runs again elsewhere");
        }
    }
}

#[test]
fn recover_is_refused_where_no_host_has_memory() {
    lived(&recover(2)).assert_refused(|why| {
        let Standstill::NoStrategy { lacks, .. } = why else { return false };
        let is_lack =
            |(strategy, lack): &(Strategy, Lack)| *strategy == Strategy::Recover && is_room(lack);
        !lacks.is_empty() && lacks.iter().all(is_lack)
    });
}

#[test]
fn a_campaign_that_is_told_is_answered_before_it_begins() {
    for seed in 0..2 {
        let spec = campaign(seed);
        let (told, untold) = (lived_told(&spec, told_campaign()), lived(&spec));
        let first = |lived: &Lived| lived.started().map(|(at, _)| at).min();
        let begins = hour(CAMPAIGN.0);
        assert!(first(&told).is_some_and(|at| at < begins), "seed {seed}: {:?}", first(&told));
        assert!(first(&untold).is_none_or(|at| at >= begins), "seed {seed}: {:?}", first(&untold));
        told.assert_worth_it();
        let (with, without) = (told.unserved.total(), untold.unserved.total());
        assert!(with < without / 2.0, "seed {seed}: {with} told, {without} surprised");
    }
}
