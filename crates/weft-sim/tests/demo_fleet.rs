//! The fleet of the demo as the control loop meets it: its size, its past, and a day and a quarter under
//! mode auto in which every strategy has to happen, and shortages come only where nothing is moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_control::control::{Config, Control};
use weft_control::record::Record;
use weft_core::plan::{Purpose, Strategy};
use weft_core::policy::{Mode, Policy, Window};
use weft_core::resource::{Measure, Resource};
use weft_core::time::{Span, Timestamp};
use weft_sim::fault::{FaultPlan, Place};
use weft_sim::generator::MadeFleet;
use weft_sim::generator::demo::{demo_fleet, history};
use weft_sim::replay::{Foresight, Replay};
use weft_sim::twin::Twin;
use weft_sim::world::{Physics, World, WorldSpec};

const SEED: u64 = 1;

/// What the forecasters have seen before the loop begins, and how much of it judges them: as in the demo.
const LEARNED: Span = Span::from_hours(3 * 24 + 8);
const JUDGED: Span = Span::from_days(1);

/// Thursday, 5 March 2026, eight in the morning: where the demo begins.
fn start() -> Timestamp {
    Timestamp::from_seconds(1_772_697_600)
}

fn fleet() -> MadeFleet {
    demo_fleet(SEED, start(), 14)
}

fn spec(fleet: &MadeFleet) -> WorldSpec {
    fleet.world(Physics::default(), FaultPlan::none(), SEED)
}

fn world(fleet: &MadeFleet) -> World {
    World::new(spec(fleet)).expect("the demo's fleet contradicts itself not")
}

#[test]
fn it_has_the_size_it_claims() {
    let fleet = fleet();
    assert_eq!((fleet.topology.hosts().len(), fleet.workloads.len()), (60, 402));
    assert_eq!((fleet.topology.regions().count(), fleet.topology.zones().count()), (3, 6));
    assert_eq!(fleet.placement.0.len(), 402);
    let kind = |name: &str| name.rsplit_once('-').expect("kind and number").0.to_owned();
    let kinds: BTreeSet<String> = fleet.workloads.keys().map(|id| kind(id.as_str())).collect();
    assert_eq!(kinds.len(), 13);
    assert!(fleet.workloads.contains_key(&"shop-web-07".into()));
    let labels: BTreeSet<_> = fleet.workloads.values().flat_map(|w| &w.tags).collect();
    assert!(labels.contains(&weft_core::id::Tag::from("shop")), "what a campaign lifts");
    assert!(!fleet.events().is_empty());
}

/// Memory is left for a lost region: what the others have free holds all of it.
#[test]
fn a_region_can_be_recovered_elsewhere() {
    let fleet = fleet();
    let region = |host: &weft_core::id::HostId| &fleet.topology.region_of(host).expect("known").id;
    for lost in fleet.topology.regions() {
        let (mut needed, mut free) = (0, 0);
        for host in fleet.topology.hosts().filter(|host| *region(&host.id) != lost.id) {
            free += host.offers(Resource::Memory).expect("memory is limited");
        }
        for workload in fleet.workloads.values() {
            let home = fleet.placement.sole_host(&workload.id).expect("it is placed whole");
            let memory = workload.allocation(Resource::Memory);
            if *region(home) == lost.id { needed += memory } else { free -= memory }
        }
        assert!(needed < free, "{}: {needed} of {free}", lost.id);
    }
}

/// Left alone a sixth of the hosts or so run short on every day of a week, at all hours, while the fleet
/// has room.
#[test]
fn some_hosts_run_short_every_day_and_at_all_hours() {
    let fleet = fleet();
    let mut world = world(&fleet);
    let capacity: f64 = fleet.topology.hosts().map(|host| host.cpu_millicores() as f64).sum();
    let mut short_by_quarter = [0; 4];
    for day in 0..7 {
        let mut short = BTreeSet::new();
        for step in 0..fleet.step.per_day() {
            world.advance(start() + Span::from_days(day) + fleet.step.span() * step as i64);
            drop(world.take_samples());
            let hosts = 0..world.host_count();
            let now: Vec<usize> = hosts.filter(|host| world.is_overloaded(*host)).collect();
            let hosts = 0..world.host_count();
            let demanded: f64 = hosts.map(|host| world.host_load(host).demanded).sum();
            assert!(demanded < 0.65 * capacity, "{demanded} of {capacity} at {}", world.now());
            short_by_quarter[step * 4 / fleet.step.per_day()] += now.len();
            short.extend(now);
        }
        assert!((6..25).contains(&short.len()), "day {day}: {}", short.len());
    }
    assert!(short_by_quarter.iter().all(|steps| *steps > 50), "{short_by_quarter:?}");
}

#[test]
fn its_history_ends_where_it_begins() {
    let fleet = fleet();
    let past = |length| history(&fleet, length).collect::<Vec<_>>();
    let (short, long) = (past(Span::from_hours(30)), past(Span::from_days(3)));
    assert_eq!(short.len(), long.len());
    let (few, many) = (30 * 12, 72 * 12);
    for (short, long) in short.iter().zip(&long) {
        assert_eq!((&short.key, short.series.end()), (&long.key, fleet.start));
        assert_eq!((short.series.len(), long.series.len()), (few, many));
        assert!(short.series.iter().eq(long.series.iter().skip(many - few)), "{}", short.key);
        assert!(long.series.iter().flatten().all(|value| value <= long.cap), "{}", long.key);
    }
    let cpu = short.iter().filter(|part| part.key.measure == Measure::Resource(Resource::Cpu));
    assert_eq!(cpu.count(), fleet.workloads.len());
}

#[test]
fn a_seed_is_a_fleet() {
    let (one, same) = (fleet(), fleet());
    let other = demo_fleet(SEED + 1, start(), 14);
    let id = &"billing-app-20".into();
    let day = |fleet: &MadeFleet| {
        let series = fleet.generated.generator.series(id, Resource::Cpu);
        series.expect("it is made").day(0)
    };
    assert_eq!(day(&one), day(&same));
    assert_ne!(day(&one), day(&other));
    assert_eq!(one.placement, same.placement);
}

/// The loop with forecasters that have learned, and its twin.
struct Demo {
    replay: Replay,
    twin: Twin,
    /// How many hosts each plan found short.
    hosts_short: Vec<usize>,
}

impl Demo {
    fn new(fleet: &MadeFleet) -> Self {
        let policy = Policy {
            mode: Mode::Auto,
            horizon: Span::from_hours(24),
            rules: fleet.rules.clone(),
            ..Policy::default()
        };
        let topology = fleet.topology.clone();
        let mut config = Config::new(topology, Arc::new(policy), fleet.step, SEED);
        (config.iterations, config.publish) = (2_000, true);
        // Every series every few steps: the day is to be over in a minute or two.
        config.look_ups = 100;
        config.history_steps = LEARNED.whole_steps(fleet.step);
        let mut bank = config.new_bank();
        let pasts = history(fleet, LEARNED).map(|part| (part.key, part.cap, part.series)).collect();
        bank.insert_histories(pasts, JUDGED.whole_steps(fleet.step));
        let control = Control::new(config.clone()).with_bank(bank);
        let replay = Replay::new(world(fleet), config, Foresight::Forecast).live(control);
        let twin = Twin::new(spec(fleet)).expect("as the fleet");
        Self { replay, twin, hosts_short: Vec::new() }
    }

    fn run(&mut self, end: Timestamp) {
        let mut newest = None;
        while self.replay.world.now() < end {
            let next = self.replay.world.now() + self.replay.world.step().span();
            let twin = &mut self.twin;
            self.replay.run(next.min(end), &mut |look| twin.follow(look.world));
            self.twin.follow(&self.replay.world);
            drop(self.replay.take_steps());
            let Some(plan) = self.replay.control.plan() else { continue };
            if newest.replace(plan.id) == Some(plan.id) {
                continue;
            }
            let short: BTreeSet<_> = plan.shortages.iter().map(|s| &s.key.host).collect();
            self.hosts_short.push(short.len());
            for shortage in &plan.shortages {
                let answers =
                    plan.moves.iter().filter(|m| m.purpose.shortage() == Some(&shortage.key));
                let moves: Vec<_> = answers.map(|planned| planned.id).collect();
                if !moves.is_empty() {
                    let window = Window { begins: shortage.begins, ends: shortage.ends };
                    self.twin.watch(&shortage.key, window, &moves);
                }
            }
        }
    }

    /// The share of the judged intervals that covered what came.
    fn coverage(&self) -> f64 {
        let book = self.replay.control.book().expect("it is published");
        let covered = book.reports().filter_map(|report| report.coverage);
        let (sum, count) = covered.fold((0.0, 0.0), |(sum, count), (share, judged)| {
            (sum + share * f64::from(judged), count + f64::from(judged))
        });
        sum / count
    }

    fn busiest_host(&self) -> Place {
        let world = &self.replay.world;
        let busiest = (0..world.host_count()).max_by_key(|host| world.residents(*host).count());
        Place::Host(world.host_id(busiest.expect("there are hosts")).clone())
    }

    fn starts(&self) -> BTreeMap<&'static str, usize> {
        let mut starts = BTreeMap::new();
        for entry in &self.replay.journal {
            if let Record::Starting { planned, .. } = &entry.record {
                assert_ne!(
                    planned.purpose,
                    Purpose::Rule,
                    "the fleet keeps its rules from the start"
                );
                *starts.entry(planned.strategy.name()).or_default() += 1;
            }
        }
        starts
    }
}

#[test]
fn every_strategy_happens_within_a_day_and_shortages_are_avoided() {
    let mut demo = Demo::new(&fleet());
    demo.run(start() + Span::from_hours(24));
    let lost = demo.busiest_host();
    demo.replay.world.lose_place(&lost);
    demo.twin.lose_place(&lost);
    demo.run(start() + Span::from_hours(27));
    demo.replay.world.bring_back(&lost);
    demo.twin.bring_back(&lost);
    demo.run(start() + Span::from_hours(30));
    let starts = demo.starts();
    let split = Strategy::Split { share_permille: 500 };
    for strategy in
        [Strategy::Live, Strategy::Preemptive, split, Strategy::Merge, Strategy::Recover]
    {
        assert!(starts.contains_key(strategy.name()), "no {strategy} among {starts:?}");
    }
    assert!(demo.twin.avoided().count() > 0, "a shortage comes in the twin only");
    let ours = demo.replay.world.judge().metrics().overload_minutes;
    let theirs = demo.twin.world().judge().metrics().overload_minutes;
    assert!(ours * 5.0 < theirs, "{ours} minutes of overload instead of {theirs}");
    let mean_short = demo.hosts_short.iter().sum::<usize>() as f64 / demo.hosts_short.len() as f64;
    assert!(mean_short < 15.0, "{mean_short} of 60 hosts are foreseen short in an average plan");
    let coverage = demo.coverage();
    assert!((0.92..0.98).contains(&coverage), "intervals of 95 % covered {coverage}");
}
