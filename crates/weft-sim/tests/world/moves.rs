//! What moves take, by hand: pre-copy rounds, shared bandwidth, and for each strategy a case where
//! it is the answer and one where it is refused with its reason.

use weft_core::fleet::{Replica, Storage};
use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveFailure, MoveMeasure, MoveOrder, MoveStatus};
use weft_core::plan::Strategy;
use weft_core::policy::Window;
use weft_core::time::Span;
use weft_driver::Driver;
use weft_sim::fault::{Fault, FaultPlan, Place};
use weft_sim::world::{Physics, World};

use crate::fleet::{MEGABYTE, Small, at, host, live_order, outcome, workload};

fn close(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{name}: {found} instead of {expected}");
}

/// One guest of 2 vCPUs on `one`, always at one core, 1,000 MB; full use writes `dirty` MB/s, so
/// half of that is written. Hosts `two` (zone b) and `three` (region there) are empty.
fn guest(dirty: u64) -> Small {
    let mut guest = workload("guest", 2, 1_000 * MEGABYTE);
    guest.dirty_rate_bytes_per_second = dirty * MEGABYTE;
    guest.mobility.max_replicas = 2;
    let (mut two, mut three) = (host("two", 4), host("three", 4));
    two.zone = "b".into();
    three.zone = "c".into();
    Small::new(vec![host("one", 4), three, two]).with(guest, "one", &[1_000.0])
}

fn with(strategy: Strategy, id: u64, to: &str) -> MoveOrder {
    MoveOrder { strategy, ..live_order(id, "guest", "one", to) }
}

fn succeeded(status: MoveStatus) -> MoveMeasure {
    match status {
        MoveStatus::Succeeded(measure) => measure,
        other => panic!("a success was expected, not {other:?}"),
    }
}

fn failed(status: MoveStatus) -> MoveFailure {
    match status {
        MoveStatus::Failed(failure, _) => failure,
        other => panic!("a failure was expected, not {other:?}"),
    }
}

fn place(world: &World) -> Vec<Replica> {
    world.placement().replicas(&"guest".into()).to_vec()
}

/// While it is copied the guest runs at 0.9 cores of 2 and writes 45 % of its dirty rate.
#[test]
fn precopy_rounds_by_hand() {
    // 1,000 MB at 100 MB/s: 10 s, of which 18 MB/s are written again: 180 MB, 1.8 s; then 32.4 MB,
    // which 0.5 s carry: the stop, 0.324 s.
    let mut world = guest(40).world();
    let measure = succeeded(outcome(&mut world, &with(Strategy::Live, 1, "two"), 60));
    assert_eq!(measure.transferred_bytes, 1_212_400_000);
    assert_eq!(measure.downtime, Span::from_millis(324));
    assert_eq!(measure.duration, Span::from_millis(12_124));
    let metrics = world.judge().metrics();
    close("migration", metrics.unserved.migration, 0.1 * 11.8 / 3_600.0);
    close("downtime", metrics.unserved.downtime, 0.324 / 3_600.0);
    close("downtime seconds", metrics.downtime_seconds, 0.324);
    close("pdm", metrics.pdm, (0.1 * 11.8 + 0.324) / 60.0);
    assert_eq!((metrics.migrations, metrics.moved_bytes), (1, 1_212_400_000));
}

#[test]
fn between_regions_the_link_counts() {
    // 50 MB/s: 20 s, 360 MB again 7.2 s, 129.6 MB 2.592 s, 46.656 MB 0.93312 s (the whole
    // milliseconds of a round count: 0.934 s), then 16.8 MB fit: 0.337 s and a round trip of 0.05 s.
    let mut world = guest(40).world();
    let measure = succeeded(outcome(&mut world, &with(Strategy::Live, 1, "three"), 60));
    assert_eq!(measure.downtime, Span::from_millis(387));
    assert_eq!(measure.duration, Span::from_millis(20_000 + 7_200 + 2_592 + 934 + 387));
    let bytes = measure.transferred_bytes as f64;
    close("egress", world.judge().metrics().bill.egress, bytes / 1e9 * 0.1);
}

#[test]
fn moves_share_a_card_equally() {
    let small = guest(0).with(workload("other", 2, 500 * MEGABYTE), "one", &[0.0]).with(
        workload("third", 2, 500 * MEGABYTE),
        "two",
        &[0.0],
    );
    let mut world = small.world();
    world.start(&with(Strategy::Live, 1, "two")).expect("it answers");
    world.start(&live_order(2, "other", "one", "three")).expect("it answers");
    world.advance(at(60));
    let mut duration = |id| succeeded(world.poll(MoveId(id)).expect("it answers")).duration;
    // Both have 50 MB/s; the other needs 10 s for its 500 MB; then the guest's other half goes at
    // 100 MB/s.
    assert_eq!(duration(2), Span::from_millis(10_050));
    assert_eq!(duration(1), Span::from_seconds(15));
}

#[test]
fn a_slow_network_stretches_what_is_under_way() {
    let mut small = guest(0);
    let window = Window { begins: at(5), ends: at(9) };
    small.faults = FaultPlan { faults: vec![Fault::SlowNetwork { factor: 0.5, window }] };
    let mut world = small.world();
    let measure = succeeded(outcome(&mut world, &with(Strategy::Live, 1, "two"), 60));
    assert_eq!(measure.duration, Span::from_seconds(12));
}

#[test]
fn what_writes_too_fast_goes_preemptively() {
    // 250 MB/s at full use: 112.5 MB/s are written against 100 MB/s.
    let mut world = guest(250).world();
    let failure = failed(outcome(&mut world, &with(Strategy::Live, 1, "two"), 900));
    assert_eq!(failure, MoveFailure::NotConverging);
    assert_eq!(place(&world), [Replica::whole("one".into())]);
    // The snapshot takes 10 s; then 1,000 MB were written again: 10 s, and 40 s to stop and start.
    let measure = succeeded(outcome(&mut world, &with(Strategy::Preemptive, 2, "two"), 900));
    assert_eq!(measure.downtime, Span::from_seconds(50));
    assert_eq!(measure.transferred_bytes, 2_000_000_000);
    assert_eq!(place(&world), [Replica::whole("two".into())]);
}

#[test]
fn a_big_one_is_split_and_merged() {
    let mut big = workload("guest", 6, 1_000 * MEGABYTE);
    big.mobility.max_replicas = 2;
    let mut world =
        Small::new(vec![host("one", 4), host("two", 4)]).with(big, "one", &[6_000.0]).world();
    let split = with(Strategy::Split { share_permille: 500 }, 1, "two");
    let measure = succeeded(outcome(&mut world, &split, 60));
    // The template's 1,000 MB, then a start.
    assert_eq!(measure.duration, Span::from_seconds(40));
    assert_eq!(measure.downtime, Span::ZERO);
    assert_eq!((world.host_load(0).demanded, world.host_load(1).demanded), (3_000.0, 3_000.0));
    let unserved = world.judge().metrics().unserved.overload;
    close("unserved until the split", unserved, 2.0 * 40.0 / 3_600.0);
    let again = failed(outcome(&mut world, &MoveOrder { id: MoveId(2), ..split }, 60));
    assert!(matches!(again, MoveFailure::Unsupported(_)), "{again:?}");
    let merge =
        MoveOrder { from: "two".into(), to: "one".into(), ..with(Strategy::Merge, 3, "one") };
    let measure = succeeded(outcome(&mut world, &merge, 60));
    assert_eq!(measure.duration, Span::from_seconds(10));
    assert_eq!(place(&world), [Replica::whole("one".into())]);
}

#[test]
fn what_is_lost_is_recovered() {
    let mut small = guest(0);
    let window = Window { begins: at(100), ends: at(4_000) };
    let fault = Fault::Lose { place: Place::Zone("a".into()), window };
    small.faults = FaultPlan { faults: vec![fault] };
    let mut world = small.world();
    let early = failed(outcome(&mut world, &with(Strategy::Recover, 1, "two"), 50));
    assert_eq!(early, MoveFailure::Contradiction, "what runs is not recovered");
    world.advance(at(160));
    let live = failed(outcome(&mut world, &with(Strategy::Live, 2, "two"), 0));
    assert_eq!(live, MoveFailure::HostLost("one".into()));
    let measure = succeeded(outcome(&mut world, &with(Strategy::Recover, 3, "two"), 60));
    assert_eq!(measure.duration, Span::from_seconds(30));
    close("lost", world.judge().metrics().unserved.lost, 90.0 / 3_600.0);
    world.advance(at(5_000));
    assert_eq!(place(&world), [Replica::whole("two".into())], "it does not come back twice");
}

#[test]
fn a_host_that_comes_back_starts_what_it_carried() {
    let mut small = guest(0);
    let window = Window { begins: at(100), ends: at(400) };
    let fault = Fault::Lose { place: Place::Region("here".into()), window };
    small.faults = FaultPlan { faults: vec![fault] };
    let mut world = small.world();
    world.advance(at(1_000));
    close("lost", world.judge().metrics().unserved.lost, 330.0 / 3_600.0);
    let samples = world.take_samples();
    let values: Vec<(i64, f32)> =
        samples.iter().map(|s| (s.at.as_millis() / 1_000, s.value)).collect();
    // Steps are seen as far as the guest ran in them.
    assert_eq!(values, [(0, 1_000.0), (300, 1_000.0), (600, 1_000.0)]);
}

#[test]
fn a_move_dies_with_its_hosts() {
    for (lost, place) in [("one", "one"), ("two", "one")] {
        let mut small = guest(0);
        let window = Window { begins: at(5), ends: at(4_000) };
        let fault = Fault::Lose { place: Place::Host(lost.into()), window };
        small.faults = FaultPlan { faults: vec![fault] };
        let mut world = small.world();
        let failure = failed(outcome(&mut world, &with(Strategy::Live, 1, "two"), 60));
        assert_eq!(failure, MoveFailure::HostLost(lost.into()));
        assert_eq!(self::place(&world), [Replica::whole(place.into())]);
    }
}

#[test]
fn room_counts_what_is_on_its_way() {
    let heavy = |name: &str| workload(name, 1, 6_000 * MEGABYTE);
    let mut world = Small::new(vec![host("one", 4), host("three", 4), host("two", 4)])
        .with(heavy("guest"), "one", &[100.0])
        .with(heavy("other"), "three", &[100.0])
        .world();
    world.start(&with(Strategy::Live, 1, "two")).expect("it answers");
    let crowded = failed(outcome(&mut world, &live_order(2, "other", "three", "two"), 0));
    assert_eq!(crowded, MoveFailure::NoRoom);
    world.cancel(MoveId(1)).expect("it answers");
    succeeded(outcome(&mut world, &live_order(3, "other", "three", "two"), 600));
}

#[test]
fn local_disks_are_copied_too() {
    use weft_core::resource::Resource;
    let mut guest = workload("guest", 2, 1_000 * MEGABYTE);
    guest.storage = Storage::Local;
    guest.allocated[Resource::StorageSpace] = 3_000 * MEGABYTE;
    let mut world =
        Small::new(vec![host("one", 4), host("two", 4)]).with(guest, "one", &[0.0]).world();
    let measure = succeeded(outcome(&mut world, &with(Strategy::Live, 1, "two"), 60));
    assert_eq!(measure.duration, Span::from_seconds(40));
}

/// CloudSim's migration: memory over half a network card, a tenth of the processor time held on the
/// target, a tenth lost on the source, and the whole demand of what comes counted as requested.
#[test]
fn cloudsims_move_by_hand() {
    let mut small = Small::new(vec![host("one", 4), host("two", 4)])
        .with(workload("guest", 2, 870 * MEGABYTE), "one", &[1_000.0])
        .with(workload("other", 2, 870 * MEGABYTE), "one", &[1_000.0]);
    small.physics = Physics::cloudsim();
    let mut world = small.world();
    world.advance(world.next_tick());
    let mut order = with(Strategy::Live, 1, "two");
    order.bandwidth_bytes_per_second = 62_500_000;
    world.start(&order).expect("it answers");
    assert_eq!(world.host_load(0).allocated, 1_900.0);
    assert_eq!(world.host_load(0).utilisation, 0.5);
    assert_eq!(world.host_load(1).allocated, 100.0);
    // A chained order: both count, and the second ends at once after the first.
    let chained = MoveOrder { id: MoveId(2), from: "two".into(), ..order.clone() };
    let failure = failed(outcome(&mut world, &chained, 0));
    assert_eq!(failure, MoveFailure::Contradiction, "to the same target");
    world.advance(world.next_tick());
    let measure = succeeded(world.poll(MoveId(1)).expect("it answers"));
    assert_eq!(measure.duration, Span::from_millis(13_920));
    let metrics = world.judge().metrics();
    close("migration", metrics.unserved.migration, 0.1 * 13.92 / 3_600.0);
    close("slatah", metrics.slatah, 13.92 / 600.0);
    close("pdm", metrics.pdm, 0.1 * 13.92 / 600.0);
}

#[test]
fn chained_orders_end_in_order() {
    let mut small = guest(0);
    small.physics = Physics { chains_moves: true, ..Physics::default() };
    let mut world = small.world();
    world.start(&with(Strategy::Live, 1, "two")).expect("it answers");
    world.start(&MoveOrder { from: "two".into(), ..with(Strategy::Live, 2, "three") }).expect("ok");
    assert_eq!(place(&world), [Replica::whole("one".into())]);
    world.advance(at(200));
    succeeded(world.poll(MoveId(1)).expect("it answers"));
    succeeded(world.poll(MoveId(2)).expect("it answers"));
    assert_eq!(place(&world), [Replica::whole("three".into())]);
}

#[test]
fn what_may_not_be_stopped_or_moved_is_refused_with_the_reason() {
    let check = |live: bool, preemptive: bool, strategy: Strategy, reason: &str| {
        let mut guest = workload("guest", 2, 1_000 * MEGABYTE);
        (guest.mobility.live, guest.mobility.preemptive) = (live, preemptive);
        let hosts = vec![host("one", 4), host("two", 4)];
        let mut world = Small::new(hosts).with(guest, "one", &[100.0]).world();
        match failed(outcome(&mut world, &with(strategy, 1, "two"), 60)) {
            MoveFailure::Unsupported(why) => assert!(why.contains(reason), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(place(&world), [Replica::whole("one".into())]);
        assert_eq!(world.judge().metrics().migrations, 0, "a refused order is no migration");
    };
    check(false, true, Strategy::Live, "live");
    check(true, false, Strategy::Preemptive, "stopped");
    check(true, true, Strategy::Split { share_permille: 500 }, "replica");
}

#[test]
fn regions_without_a_link_are_apart() {
    let mut small = guest(0);
    small.is_linked = false;
    let mut world = small.world();
    let failure = failed(outcome(&mut world, &with(Strategy::Live, 1, "three"), 60));
    assert!(matches!(&failure, MoveFailure::Other(why) if why.contains("no link")), "{failure:?}");
}

#[test]
fn a_drained_host_is_marked_until_it_is_not() {
    let mut world = guest(0).world();
    let mut state = |is_draining| {
        world.set_draining(&"one".into(), is_draining);
        world.observe().expect("it answers").hosts[&"one".into()]
    };
    assert_eq!(state(true), HostState::Draining);
    assert_eq!(state(false), HostState::Ready);
}
