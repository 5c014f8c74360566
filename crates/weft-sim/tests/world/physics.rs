//! Contention, censoring, energy and churn, by hand and as properties.

use proptest::prelude::*;
use weft_core::observation::MoveOrder;
use weft_core::resource::Resource;
use weft_core::time::Span;
use weft_driver::Driver;
use weft_sim::judge::Metrics;
use weft_sim::world::{Arrival, Clock, Departure, Physics, World};

use crate::fleet::{MEGABYTE, Small, at, host, live_order, workload};

fn close(name: &str, found: f64, expected: f64) {
    let tolerance = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() < tolerance, "{name}: {found} instead of {expected}");
}

/// Host `one` has 4 cores; `big` wants 4 and `small` 2 of them for an hour, so that each gets two
/// thirds. Host `two` has 4 cores and `calm` uses 1. Then everybody wants half a core.
fn crowded() -> Small {
    let busy = |millicores: f32| [[millicores; 12], [500.0; 12]].concat();
    Small::new(vec![host("one", 4), host("three", 4), host("two", 4)])
        .with(workload("big", 4, 4_000 * MEGABYTE), "one", &busy(4_000.0))
        .with(workload("small", 4, 2_000 * MEGABYTE), "one", &busy(2_000.0))
        .with(workload("calm", 2, 1_000 * MEGABYTE), "two", &busy(1_000.0))
}

#[test]
fn contention_and_the_bill_by_hand() {
    let mut world = crowded().world();
    world.advance(at(3_600));
    let metrics = world.judge().metrics();
    close("requested", metrics.requested_core_hours, 7.0);
    close("overload", metrics.unserved.overload, 2.0);
    close("unserved", metrics.unserved.total(), 2.0);
    close("overload minutes", metrics.overload_minutes, 60.0);
    close("slatah", metrics.slatah, 0.5);
    // Full, a quarter, empty: 200 + 125 + 10 W.
    close("energy", metrics.energy_kwh, 0.335);
    close("bill", metrics.bill.total(), 0.335 * 0.5 + 2.0);
    world.advance(at(7_200));
    let metrics = world.judge().metrics();
    close("overload after the peak", metrics.unserved.overload, 2.0);
    close("slatah after the peak", metrics.slatah, 0.25);
    assert_eq!(world.judge().steps().len(), 25);
    let unserved: f64 = world.judge().steps().iter().map(|s| s.unserved_core_hours).sum();
    close("unserved by step", unserved, 2.0);
    close("unserved by block", world.judge().blocks()[0][0].unserved_core_hours, 2.0);
}

#[test]
fn monitors_are_censored_unless_physics_let_them_see() {
    let check = |sees_demand: bool, expected: f32, censored: bool| {
        let mut small = crowded();
        small.physics = Physics { sees_demand, ..Physics::default() };
        let mut world = small.world();
        world.advance(at(299));
        assert!(world.take_samples().is_empty(), "no sample before its step has ended");
        world.advance(at(300));
        let samples = world.take_samples();
        let big = samples.iter().find(|s| s.key.workload.as_str() == "big").expect("it ran");
        assert_eq!(big.at, at(0));
        assert!((big.value - expected).abs() < 0.01 && big.censored == censored, "{big:?}");
        let calm = samples.iter().find(|s| s.key.workload.as_str() == "calm").expect("it ran");
        assert_eq!((calm.value, calm.censored), (1_000.0, false));
        assert!(world.take_samples().is_empty(), "every sample comes once");
    };
    check(false, 2_666.67, true);
    check(true, 4_000.0, false);
}

#[test]
fn demand_beyond_the_vcpus_stands_apart() {
    let mut world = Small::new(vec![host("one", 4)])
        .with(workload("greedy", 1, MEGABYTE), "one", &[1_500.0])
        .world();
    world.advance(at(3_600));
    let unserved = world.judge().metrics().unserved;
    close("beyond", unserved.beyond_allocation, 0.5);
    close("headline", unserved.total(), 0.0);
    let sample = &world.take_samples()[0];
    assert_eq!((sample.value, sample.censored), (1_000.0, true));
}

#[test]
fn slow_cores_limit_fast_vcpus() {
    let mut slow = host("one", 4);
    slow.core_speed_millicores = 600;
    let mut world =
        Small::new(vec![slow]).with(workload("quick", 1, MEGABYTE), "one", &[900.0]).world();
    world.advance(at(3_600));
    close("overload", world.judge().metrics().unserved.overload, 0.3);
}

#[test]
fn a_gap_of_the_trace_is_a_gap_of_the_monitor() {
    let demand = [800.0, f32::NAN, 400.0];
    let mut world =
        Small::new(vec![host("one", 4)]).with(workload("w", 1, MEGABYTE), "one", &demand).world();
    world.advance(at(900));
    let values: Vec<(i64, f32)> =
        world.take_samples().iter().map(|s| (s.at.as_millis() / 1_000, s.value)).collect();
    assert_eq!(values, [(0, 800.0), (600, 400.0)]);
    close("requested", world.judge().metrics().requested_core_hours, (0.8 + 0.8 + 0.4) / 12.0);
    assert_eq!(world.true_demand(&"w".into(), Resource::Cpu, at(700)), 400.0);
    assert_eq!(world.true_demands(&"w".into(), Resource::Cpu, at(0), 4), [800., 800., 400., 400.]);
}

/// Two values a step apart, 1000 then 2000 millicores of 4000. The look at 300.1 s sees the line at
/// its beginning.
#[test]
fn cloudsims_clock_by_hand() {
    let demand = [0.0, 1_000.0, 2_000.0];
    let mut small = Small::new(vec![host("one", 4), host("two", 4)]).with(
        workload("w", 4, 100 * MEGABYTE),
        "one",
        &demand,
    );
    small.physics = Physics::cloudsim();
    let mut world = small.world();
    assert_eq!(world.next_tick().as_millis(), 300_100);
    world.advance(world.next_tick());
    let first = 1_000.0 + 1_000.0 * (0.1 / 300.0);
    close("the first look", world.demand(0), first);
    close("nothing before it", world.judge().metrics().energy_kwh, 0.0);
    let samples = world.take_samples();
    assert_eq!((samples.len(), samples[0].at, samples[0].censored), (1, at(300), false));
    world.advance(world.next_tick());
    let metrics = world.judge().metrics();
    let watts = |millicores: f64| 100.0 + 100.0 * millicores / 4_000.0;
    let mean = f64::midpoint(watts(first), watts(2_000.0));
    // The second host is off: the interval begins at zero use, at 10 W.
    close("energy", metrics.energy_kwh, (mean + 10.0) * 300.0 / 3.6e6);
    close("requested", metrics.requested_core_hours, first / 1_000.0 * 300.0 / 3_600.0);
}

#[test]
fn what_rests_leaves_where_physics_say_so() {
    let mut small = Small::new(vec![host("one", 4)]).with(
        workload("dozy", 1, MEGABYTE),
        "one",
        &[100.0, 0.0, 0.0, 100.0],
    );
    small.physics = Physics { leaves_when_idle: true, ..Physics::default() };
    let mut world = small.world();
    world.advance(at(2_000));
    assert!(world.placement().0.is_empty());
    assert!(world.observe().expect("it answers").workloads.is_empty());
    close("requested", world.judge().metrics().requested_core_hours, 0.1 / 12.0);
}

#[test]
fn who_arrives_is_housed_and_who_leaves_is_gone() {
    let small = Small::new(vec![host("one", 4), host("two", 4)])
        .with(workload("old", 1, 6_000 * MEGABYTE), "one", &[100.0])
        .with(workload("new", 1, 6_000 * MEGABYTE), "two", &[200.0])
        .with(workload("late", 1, 6_000 * MEGABYTE), "one", &[400.0]);
    let mut spec = small.spec();
    for (seconds, name) in [(600, "new"), (700, "late")] {
        spec.placement.0.remove(&name.into());
        let candidates = vec!["one".into(), "two".into()];
        let workload = name.into();
        spec.arrivals.push(Arrival { at: at(seconds), workload, home: None, candidates });
    }
    spec.departures.push(Departure { at: at(1_000), workload: "old".into() });
    let mut world = World::new(spec).expect("it contradicts itself not");
    world.advance(at(650));
    assert_eq!(world.sole_host(0), None, "`late` is not there yet");
    assert_eq!(world.placement().0.len(), 2);
    world.advance(at(1_100));
    assert_eq!(world.placement().0.len(), 1, "`late` waits and `old` has left");
    world.advance(at(1_300));
    let placement = world.placement();
    assert_eq!(placement.sole_host(&"late".into()).map(|h| h.as_str()), Some("one"));
    let unserved = world.judge().metrics().unserved;
    close("lost", unserved.lost, 0.4 * 500.0 / 3_600.0);
}

fn conserved(metrics: &Metrics) -> bool {
    let sum =
        metrics.served_core_hours + metrics.unserved.total() + metrics.unserved.beyond_allocation;
    (sum - metrics.requested_core_hours).abs() < 1e-6 * metrics.requested_core_hours.max(1.0)
}

fn busy_world(demands: &[Vec<u16>], clock: Clock, seed: u64) -> World {
    let mut small = Small::new(vec![host("h0", 2), host("h1", 3), host("h2", 4)]);
    for (number, demand) in demands.iter().enumerate() {
        let mut guest = workload(&format!("w{number}"), 2, 500 * MEGABYTE);
        guest.dirty_rate_bytes_per_second = 30 * MEGABYTE;
        let demand: Vec<f32> = demand.iter().map(|d| f32::from(*d)).collect();
        small = small.with(guest, &format!("h{}", number % 3), &demand);
    }
    small.physics = Physics { clock, ..Physics::default() };
    small.seed = seed;
    small.world()
}

fn shuffle(world: &mut World, moves: &[(u8, u8)]) {
    for (number, (who, whither)) in moves.iter().enumerate() {
        let who = usize::from(*who) % world.workload_count();
        if let Some(from) = world.sole_host(who) {
            let to = world.host_id(usize::from(*whither) % 3).clone();
            let name = world.workload(who).id.clone();
            let order = MoveOrder {
                from: world.host_id(from).clone(),
                to,
                workload: name,
                ..live_order(number as u64, "", "", "")
            };
            world.start(&order).expect("the world answers");
        }
        world.advance(world.now() + Span::from_seconds(137));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_core_is_served_or_counted(
        demands in prop::collection::vec(prop::collection::vec(0_u16..3_000, 1..20), 1..8),
        moves in prop::collection::vec((any::<u8>(), any::<u8>()), 0..20),
        sampled in any::<bool>(),
    ) {
        let clock = match sampled {
            true => Clock::Sampled { first: Span::from_millis(300_100) },
            false => Clock::Held,
        };
        let mut world = busy_world(&demands, clock, 1);
        shuffle(&mut world, &moves);
        world.advance(at(7_000));
        let metrics = world.judge().metrics();
        prop_assert!(conserved(&metrics), "{metrics:?}");
        if !sampled {
            let demanded: f64 = (0..demands.len()).map(|number| {
                let row = world.true_demands(&format!("w{number}").as_str().into(), Resource::Cpu, at(0), 24);
                let whole: f64 = row[..23].iter().map(|v| f64::from(*v) * 300.0).sum();
                whole + f64::from(row[23]) * 100.0
            }).sum();
            prop_assert!((metrics.requested_core_hours - demanded / 3.6e6).abs() < 1e-6);
        }
    }

    #[test]
    fn the_same_seed_is_the_same_run(
        demands in prop::collection::vec(prop::collection::vec(0_u16..3_000, 1..20), 1..6),
        moves in prop::collection::vec((any::<u8>(), any::<u8>()), 0..20),
    ) {
        let run = || {
            let mut world = busy_world(&demands, Clock::Held, 7);
            shuffle(&mut world, &moves);
            (world.take_samples(), world.placement(), world.judge().metrics())
        };
        prop_assert_eq!(run(), run());
    }
}
