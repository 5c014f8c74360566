//! The world's invariants under random faults and random orders, and each disturbance by itself.

use proptest::prelude::*;
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus};
use weft_core::plan::Strategy as How;
use weft_core::policy::Window;
use weft_core::resource::Resource;
use weft_core::time::Span;
use weft_driver::Driver;
use weft_sim::fault::{Fault, FaultPlan};
use weft_sim::world::World;

use crate::fleet::{MEGABYTE, Small, at, host, live_order, outcome, workload};

fn always() -> Window {
    Window { begins: at(0), ends: at(100_000) }
}

fn disturbed(fault: Fault) -> World {
    let mut small = Small::new(vec![host("one", 4), host("two", 4)]).with(
        workload("guest", 2, 1_000 * MEGABYTE),
        "one",
        &[1_000.0],
    );
    small.faults = FaultPlan { faults: vec![fault] };
    small.world()
}

#[test]
fn a_doomed_move_leaves_the_workload() {
    for fault in
        [Fault::FailMoves { share: 1.0, window: always() }, Fault::FailStart { ordinal: 1 }]
    {
        let mut world = disturbed(fault);
        let status = outcome(&mut world, &live_order(1, "guest", "one", "two"), 60);
        let MoveStatus::Failed(_, measure) = status else { panic!("{status:?}") };
        assert_eq!(measure.duration, Span::from_seconds(5), "half of ten seconds");
        assert_eq!(world.placement().sole_host(&"guest".into()), Some(&"one".into()));
    }
}

#[test]
fn a_lost_completion_is_told_late() {
    let delay = Span::from_seconds(100);
    for (id, before) in [(2, "running"), (3, "unknown")] {
        let fault = Fault::LoseCompletions { share: 1.0, delay, window: always() };
        let mut world = disturbed(fault);
        let order = live_order(id, "guest", "one", "two");
        let status = outcome(&mut world, &order, 20);
        let is_hidden = match before {
            "running" => matches!(status, MoveStatus::Running(_)),
            _ => status == MoveStatus::Unknown,
        };
        assert!(is_hidden, "{status:?}");
        assert!(!world.observe().expect("it answers").moves.contains_key(&order.id));
        world.advance(at(120));
        let status = world.poll(order.id).expect("it answers");
        assert!(matches!(status, MoveStatus::Succeeded(_)), "{status:?}");
        assert!(world.observe().expect("it answers").moves.contains_key(&order.id));
    }
}

#[test]
fn a_repeated_completion_is_told_three_times() {
    let fault = Fault::RepeatCompletions { share: 1.0, window: always() };
    let mut world = disturbed(fault);
    outcome(&mut world, &live_order(1, "guest", "one", "two"), 20);
    let mut told = || world.observe().expect("it answers").moves.contains_key(&MoveId(1));
    assert_eq!([told(), told(), told(), told()], [true, true, true, false]);
}

#[test]
fn samples_get_lost_and_come_late() {
    let mut world = disturbed(Fault::Gaps { share: 1.0, window: always() });
    world.advance(at(900));
    assert!(world.take_samples().is_empty());
    let delay = Span::from_seconds(450);
    let mut world = disturbed(Fault::LateSamples { share: 1.0, delay, window: always() });
    world.advance(at(700));
    assert!(world.take_samples().is_empty());
    world.advance(at(750));
    let samples = world.take_samples();
    assert_eq!((samples.len(), samples[0].at), (1, at(0)));
}

#[test]
fn another_hand_moves_what_is_at_rest() {
    let hand = || Fault::ForeignHand { at: at(5), workload: "guest".into(), to: "two".into() };
    let mut world = disturbed(hand());
    world.advance(at(6));
    assert_eq!(world.placement().sole_host(&"guest".into()), Some(&"two".into()));
    let mut world = disturbed(hand());
    let status = outcome(&mut world, &live_order(1, "guest", "one", "two"), 60);
    assert!(matches!(status, MoveStatus::Succeeded(_)), "it keeps off a move: {status:?}");
}

#[test]
fn a_driver_cut_off_may_still_hear() {
    for orders_get_through in [true, false] {
        let window = Window { begins: at(0), ends: at(10) };
        let mut world = disturbed(Fault::Unreachable { window, orders_get_through });
        let order = live_order(1, "guest", "one", "two");
        assert!(world.start(&order).is_err());
        assert!(world.observe().is_err() && world.poll(order.id).is_err());
        world.advance(at(20));
        let status = world.poll(order.id).expect("it answers again");
        assert_eq!(matches!(status, MoveStatus::Succeeded(_)), orders_get_through, "{status:?}");
    }
}

#[test]
fn a_random_plan_heals() {
    let small = Small::new(vec![host("one", 4), host("two", 4)]).with(
        workload("guest", 2, MEGABYTE),
        "one",
        &[1_000.0],
    );
    let window = Window { begins: at(1_000), ends: at(90_000) };
    let (topology, workloads) = (small.topology(), small.workloads());
    let plan = |seed| FaultPlan::random(seed, 2.0, window, &topology, workloads);
    assert_eq!(plan(3), plan(3));
    assert_ne!(plan(3), plan(4));
    for fault in plan(3).faults.iter().chain(&plan(4).faults) {
        let (begins, healed) = match fault {
            Fault::Lose { window, .. }
            | Fault::SlowNetwork { window, .. }
            | Fault::FailMoves { window, .. }
            | Fault::RepeatCompletions { window, .. }
            | Fault::Gaps { window, .. }
            | Fault::Unreachable { window, .. } => (window.begins, window.ends),
            Fault::LoseCompletions { window, delay, .. }
            | Fault::LateSamples { window, delay, .. } => (window.begins, window.ends + *delay),
            Fault::ForeignHand { at, .. } => (*at, *at),
            Fault::FailStart { .. } => panic!("a random plan knows no ordinals"),
        };
        assert!(window.begins <= begins && healed <= window.ends, "{fault:?}");
    }
    assert!(FaultPlan::random(3, 0.0, window, &topology, workloads).faults.is_empty());
}

/// A fleet of 5 hosts in 3 zones and 12 guests of several kinds.
fn busy(seed: u64, intensity: f64) -> World {
    let hosts = (0..5).map(|number| {
        let mut host = host(&format!("h{number}"), 4);
        host.zone = ["a", "b", "c"][number % 3].into();
        host
    });
    let mut small = Small::new(hosts.collect());
    for number in 0..12_u16 {
        let mut guest = workload(&format!("w{number:02}"), 2, 700 * MEGABYTE);
        guest.mobility.max_replicas = 3;
        guest.dirty_rate_bytes_per_second = u64::from(number) * 20 * MEGABYTE;
        let demand: Vec<f32> =
            (0..24).map(|step| f32::from((number * 7 + step) % 20) * 100.0).collect();
        small = small.with(guest, &format!("h{}", number % 5), &demand);
    }
    let window = Window { begins: at(0), ends: at(7_200) };
    let plan = FaultPlan::random(seed, intensity, window, &small.topology(), small.workloads());
    small.faults = plan;
    small.seed = seed;
    small.world()
}

fn check_places(world: &World) -> Result<(), TestCaseError> {
    let placement = world.placement();
    prop_assert_eq!(placement.0.len(), 12, "nothing is lost");
    for (id, replicas) in &placement.0 {
        let sum: u32 = replicas.iter().map(|replica| u32::from(replica.share_permille)).sum();
        prop_assert_eq!(sum, 1_000, "{}", id);
        let mut hosts: Vec<_> = replicas.iter().map(|replica| &replica.host).collect();
        hosts.sort();
        hosts.dedup();
        prop_assert_eq!(hosts.len(), replicas.len(), "{} is on its hosts once", id);
    }
    for host in 0..world.host_count() {
        let mut here: Vec<usize> = world.residents(host).collect();
        let listed = here.len();
        here.sort_unstable();
        here.dedup();
        prop_assert_eq!(here.len(), listed);
        for workload in here {
            let replicas = placement.replicas(&world.workload(workload).id);
            prop_assert!(replicas.iter().any(|replica| replica.host == *world.host_id(host)));
        }
        let residents = world.residents(host).map(|w| world.workload(w));
        let memory: u64 = residents.map(|w| w.allocation(Resource::Memory)).sum();
        prop_assert!(memory <= 10_000 * MEGABYTE);
    }
    let replicas: usize = placement.0.values().map(Vec::len).sum();
    let listed: usize = (0..world.host_count()).map(|host| world.residents(host).count()).sum();
    prop_assert_eq!(replicas, listed);
    Ok(())
}

fn any_strategy() -> impl Strategy<Value = How> {
    prop_oneof![
        4 => Just(How::Live),
        2 => Just(How::Preemptive),
        2 => (1_u16..1_000).prop_map(|share_permille| How::Split { share_permille }),
        2 => Just(How::Merge),
        2 => Just(How::Recover),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_is_lost_or_doubled(
        seed in any::<u64>(),
        orders in prop::collection::vec((0_usize..12, 0_usize..5, 0_usize..3, any_strategy(), any::<bool>()), 0..60),
    ) {
        let mut world = busy(seed, 1.5);
        for (number, (who, whither, part, strategy, is_cancelled)) in orders.into_iter().enumerate() {
            let id = world.workload(who).id.clone();
            let placement = world.placement();
            let replicas = placement.replicas(&id);
            let order = MoveOrder {
                from: replicas[part % replicas.len()].host.clone(),
                to: world.host_id(whither).clone(),
                strategy,
                workload: id,
                ..live_order(number as u64, "", "", "")
            };
            let _unheard = world.start(&order);
            check_places(&world)?;
            world.advance(world.now() + Span::from_seconds(61));
            if is_cancelled {
                let _unheard = world.cancel(order.id);
            }
            check_places(&world)?;
        }
        world.advance(at(12_000));
        check_places(&world)?;
        for host in 0..world.host_count() {
            prop_assert_eq!(world.host_state(host), weft_core::observation::HostState::Ready);
        }
        prop_assert!(world.observe().expect("it has healed").moves.values().all(
            |status| !matches!(status, MoveStatus::Running(_))
        ));
        let metrics = world.judge().metrics();
        let sum = metrics.served_core_hours + metrics.unserved.total() + metrics.unserved.beyond_allocation;
        prop_assert!((sum - metrics.requested_core_hours).abs() < 1e-6, "{:?}", metrics);
    }
}
