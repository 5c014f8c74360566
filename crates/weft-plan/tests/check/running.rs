//! Moves that run while a plan is made: what they hold, when they count as over.

use std::collections::BTreeSet;

use weft_core::observation::HostState;
use weft_core::plan::Strategy;
use weft_core::resource::Resource;
use weft_core::time::Span;

use crate::fixture::{Fixture, GIB, NOW, kinds, minutes, order, starting};

#[test]
fn what_runs_holds_its_target_and_counts_when_overdue() {
    let check = |started: i64, expected: &[&str]| {
        let mut fixture = Fixture::default();
        fixture.workload("w1").allocated[Resource::Memory] = 9 * GIB;
        fixture.running = vec![starting(order(2, "w2", "a", "b"), minutes(started))];
        fixture.running[0].prediction.duration = Span::from_minutes(10);
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{started}");
    };
    check(-1, &["Room"]);
    check(-30, &["Room"]);

    let mut fixture = Fixture::default();
    fixture.workload("w1").allocated[Resource::Memory] = 9 * GIB;
    assert_eq!(fixture.check(), [], "without it there is room");
}

#[test]
fn an_overdue_move_keeps_its_workload_until_it_is_given_up() {
    let running = vec![starting(order(2, "w1", "a", "c"), minutes(-15))];
    let mut fixture = Fixture { running, ..Fixture::default() };
    fixture.running[0].prediction.duration = Span::from_minutes(10);
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["TwiceAtOnce"]));
}

#[test]
fn what_runs_is_under_way_at_the_instant_of_planning_however_overdue() {
    let check = |start_millis: i64, expected: &[&str]| {
        let mut fixture = Fixture::default();
        fixture.policy.cool_down = Span::ZERO;
        fixture.running = vec![starting(order(2, "w1", "c", "a"), minutes(-60))];
        fixture.placement.put("w1".into(), "c".into());
        fixture.moves[0].start = NOW + Span::from_millis(start_millis);
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{start_millis}");
    };
    check(0, &["TwiceAtOnce"]);
    check(1, &[]);
}

#[test]
fn a_running_move_from_or_to_a_lost_host_fails_and_leaves_its_workload() {
    let check = |lost: &str, then_from: &str| {
        let mut fixture = Fixture::default();
        fixture.placement.put("w1".into(), "c".into());
        fixture.workload("w1").vcpus = 4;
        fixture.running = vec![starting(order(2, "w1", "c", "d"), minutes(-1))];
        fixture.set_state(lost, HostState::Lost);
        fixture.moves[0].from = then_from.into();
        fixture.moves[0].to = "a".into();
        fixture.workload("w2").vcpus = 0;
        if lost == "c" {
            fixture.moves[0].strategy = Strategy::Recover;
        }
        assert_eq!(fixture.check(), [], "{lost} is lost");
    };
    check("c", "c");
    check("d", "c");

    let mut fixture = Fixture::default();
    fixture.placement.put("w2".into(), "c".into());
    fixture.workload("w2").vcpus = 3;
    fixture.running = vec![starting(order(2, "w2", "c", "b"), minutes(-1))];
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Overload"]));
    fixture.set_state("c", HostState::Lost);
    assert_eq!(fixture.check(), [], "what fails burdens no target");
}

#[test]
fn what_has_arrived_while_listed_as_running_is_counted_once() {
    let arrived = || {
        let mut fixture = Fixture::default();
        fixture.placement.put("w2".into(), "b".into());
        fixture.running = vec![starting(order(2, "w2", "a", "b"), minutes(-1))];
        fixture
    };
    // `b` holds w2 and w3, 8 GiB; w1 of 8 GiB fits just once.
    let mut fixture = arrived();
    fixture.workload("w1").allocated[Resource::Memory] = 8 * GIB;
    assert_eq!(fixture.check(), []);
    // `a` holds w1 only; what has left it frees nothing once more.
    let mut fixture = arrived();
    fixture.workload("w3").allocated[Resource::Memory] = 12 * GIB;
    fixture.workload("w2").allocated[Resource::Memory] = 4 * GIB;
    fixture.moves = vec![order(1, "w3", "b", "a")];
    assert_eq!(fixture.check(), []);
    fixture.workload("w3").allocated[Resource::Memory] = 12 * GIB + 1;
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Room"]));
}
