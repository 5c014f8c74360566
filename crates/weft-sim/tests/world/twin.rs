//! The twin beside a fleet that moves: what is counted, what is avoided, what must not depend on how
//! often the twin follows.

use weft_core::id::MoveId;
use weft_core::policy::{Selector, Window};
use weft_core::resource::Resource;
use weft_core::shortage::ShortageKey;
use weft_driver::Driver;
use weft_sim::fault::Place;
use weft_sim::twin::{Avoided, Twin};
use weft_sim::world::World;

use crate::fleet::{MEGABYTE, Small, at, host, live_order, workload};

/// Four cores, of which three guests want 4.5 in the second step and 3 else; an empty host beside it.
fn crowded() -> Small {
    let demand = [1_000.0, 1_500.0, 1_000.0];
    ["a", "b", "c"]
        .into_iter()
        .fold(Small::new(vec![host("one", 4), host("two", 4)]), |small, name| {
            small.with(workload(name, 2, 100 * MEGABYTE), "one", &demand)
        })
}

fn twins() -> (World, Twin) {
    let spec = crowded().spec();
    (World::new(spec.clone()).expect("a world"), Twin::new(spec).expect("a twin"))
}

fn key(resource: Resource) -> ShortageKey {
    ShortageKey { host: "one".into(), resource }
}

fn second_step() -> Window {
    Window { begins: at(300), ends: at(600) }
}

/// Moves `a` away at 100 s, or does not, and lets the twin follow every `seconds`.
fn run(moves: bool, seconds: i64) -> Twin {
    let (mut ours, mut twin) = twins();
    twin.watch(&key(Resource::Cpu), second_step(), &[MoveId(1), MoveId(2)]);
    twin.watch(&key(Resource::Network), second_step(), &[MoveId(1)]);
    let mut now = 0;
    while now < 900 {
        now += seconds;
        if moves && !ours.has_started(MoveId(1)) && now >= 100 {
            ours.advance(at(100));
            ours.start(&live_order(1, "a", "one", "two")).expect("the world answers");
        }
        ours.advance(at(now));
        twin.follow(&ours);
    }
    twin
}

#[test]
fn what_comes_in_the_twin_only_was_avoided() {
    let expected = Avoided {
        host: "one".into(),
        resource: Resource::Cpu,
        window: second_step(),
        twin_overload_seconds: 300.0,
        our_overload_seconds: 0.0,
        twin_unserved_core_seconds: 150.0,
        our_unserved_core_seconds: 0.0,
        move_ids: vec![MoveId(1)],
    };
    for seconds in [1, 90, 300, 900] {
        let twin = run(true, seconds);
        let rounded = |avoided: &Avoided| Avoided {
            twin_unserved_core_seconds: avoided.twin_unserved_core_seconds.round(),
            ..avoided.clone()
        };
        let avoided: Vec<Avoided> = twin.avoided().map(rounded).collect();
        assert_eq!(avoided, std::slice::from_ref(&expected), "followed every {seconds} s");
        assert_eq!(run(false, seconds).avoided().count(), 0, "it came here too");
    }
}

/// Regression: a shortage foreseen for the whole of a working day was told as avoided in the evening only.
#[test]
fn what_comes_in_the_twin_only_is_told_while_it_lasts() {
    let (mut ours, mut twin) = twins();
    let long = Window { begins: at(300), ends: at(3_600) };
    twin.watch(&key(Resource::Cpu), long, &[MoveId(1)]);
    ours.start(&live_order(1, "a", "one", "two")).expect("the world answers");
    for (now, minutes_there) in [(290, None), (420, Some(2.0)), (900, Some(5.0))] {
        ours.advance(at(now));
        twin.follow(&ours);
        let lasting = twin.being_avoided(&ours);
        let found = lasting.first().map(|avoided| avoided.twin_overload_seconds / 60.0);
        assert_eq!(found, minutes_there, "after {now} s");
        assert_eq!(twin.avoided().count(), 0, "it may still come");
    }
    ours.advance(at(3_600));
    twin.follow(&ours);
    assert_eq!((twin.avoided().count(), twin.being_avoided(&ours).len()), (1, 0));
}

#[test]
fn a_shortage_without_a_move_that_was_started_was_not_avoided_by_any() {
    let (mut ours, mut twin) = twins();
    twin.watch(&key(Resource::Cpu), second_step(), &[MoveId(7)]);
    ours.start(&live_order(1, "a", "one", "two")).expect("the world answers");
    ours.advance(at(900));
    twin.follow(&ours);
    assert_eq!(twin.avoided().count(), 0);
    let found = twin.compare(&ours, &"one".into(), second_step()).expect("a host");
    assert_eq!((found.twin.overload_seconds, found.ours.overload_seconds), (300.0, 0.0));
    assert!(twin.compare(&ours, &"nowhere".into(), second_step()).is_none());
}

/// Regression: times of one host were watched as one from the first to the last, so that a host that is
/// short every evening was never judged.
#[test]
fn times_apart_are_judged_apart() {
    let (mut ours, mut twin) = twins();
    ours.start(&live_order(1, "a", "one", "two")).expect("the world answers");
    let far = Window { begins: at(86_400), ends: at(90_000) };
    twin.watch(&key(Resource::Cpu), Window { begins: at(300), ends: at(500) }, &[MoveId(1)]);
    twin.watch(&key(Resource::Cpu), far, &[MoveId(2)]);
    twin.watch(&key(Resource::Cpu), second_step(), &[]);
    ours.advance(at(600));
    twin.follow(&ours);
    let windows: Vec<Window> = twin.avoided().map(|avoided| avoided.window).collect();
    assert_eq!(windows, [second_step()]);
}

#[test]
fn the_twin_suffers_what_the_fleet_suffers() {
    let (mut ours, mut twin) = twins();
    let place = Place::Host("one".into());
    ours.advance(at(310));
    twin.follow(&ours);
    ours.lose_place(&place);
    twin.lose_place(&place);
    assert_eq!(twin.lost_hosts(), 1);
    let lift = Window { begins: at(600), ends: at(900) };
    for seconds in [700, 1_300] {
        ours.advance(at(seconds));
        twin.follow(&ours);
        ours.bring_back(&place);
        twin.bring_back(&place);
        ours.campaign(&Selector::default(), lift, 1.1);
        twin.campaign(&Selector::default(), lift, 1.1);
    }
    assert_eq!(twin.lost_hosts(), 0);
    assert_eq!(twin.world().judge().metrics(), ours.judge().metrics(), "nothing was moved");
}
