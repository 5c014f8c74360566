//! The last look before a start, against a fresh observation.

use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveMeasure, MoveStatus};
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};
use weft_plan::check::Violation;

use crate::fixture::{Fixture, GIB, NOW, kind, minutes, order, starting};

/// What is seen here and in no plan.
pub(crate) const COVERED: &[&str] = &["UnmetPrerequisite"];

fn check_at(at: Timestamp, expected: Option<&str>, bend: impl Fn(&mut Fixture)) {
    let mut fixture = Fixture::default();
    bend(&mut fixture);
    assert_eq!(fixture.check_start(at).err().as_ref().map(kind), expected);
}

fn check(expected: Option<&str>, bend: impl Fn(&mut Fixture)) {
    check_at(minutes(10), expected, bend);
}

#[test]
fn a_start_is_right_within_its_window_only() {
    check(None, |_| ());
    check_at(minutes(20), None, |_| ());
    check_at(minutes(20) + Span::from_millis(1), Some("StartOutsideWindow"), |_| ());
    check_at(NOW, Some("StartOutsideWindow"), |f| f.moves[0].earliest_start = minutes(1));
}

#[test]
fn what_changed_since_the_plan_is_seen() {
    check(Some("WrongSource"), |f| f.placement.put("w1".into(), "c".into()));
    check(Some("UnknownWorkload"), |f| {
        f.workloads.remove(&"w1".into());
    });
    check(Some("TargetNotReady"), |f| f.set_state("b", HostState::Draining));
    check(Some("SourceLost"), |f| f.set_state("a", HostState::Lost));
    check(Some("Room"), |f| f.workload("w3").allocated[Resource::Memory] = 13 * GIB);
    check(Some("TwiceAtOnce"), |f| f.running = vec![order(2, "w1", "a", "c")]);
    check(Some("RepeatedMove"), |f| f.running = vec![order(1, "w1", "a", "b")]);
    check(Some("HostBudget"), |f| {
        f.policy.budgets.in_flight_per_host = 1;
        f.running = vec![order(2, "w2", "a", "c")];
    });
    check(Some("StartBudget"), |f| {
        f.policy.budgets.starts_per_hour = 1;
        f.recent_starts = vec![minutes(-10)];
    });
    check(Some("AntiAffinity"), |f| {
        let workloads = Selector::names(["w1", "w3"]);
        f.policy.rules = vec![Rule::AntiAffinity { workloads, domain: Domain::Host }];
    });
}

#[test]
fn what_is_overdue_at_the_start_still_counts() {
    let overdue = |f: &mut Fixture| {
        f.policy.budgets.in_flight_per_host = 1;
        f.running = vec![starting(order(2, "w2", "a", "c"), minutes(1))];
    };
    check_at(minutes(2), Some("HostBudget"), overdue);
    check_at(minutes(4), Some("HostBudget"), overdue);
    check_at(minutes(20), Some("HostBudget"), overdue);
}

#[test]
fn demand_is_left_to_the_next_plan() {
    check(None, |f| f.workload("w3").vcpus = 4);
}

#[test]
fn prerequisites_must_have_succeeded() {
    let needs = |f: &mut Fixture| f.moves[0].prerequisites = vec![MoveId(2)];
    check(None, needs);
    let other = || starting(order(2, "w2", "a", "c"), minutes(5));
    check(Some("UnmetPrerequisite"), |f| {
        needs(f);
        f.running = vec![other()];
    });
    check(Some("UnmetPrerequisite"), |f| {
        needs(f);
        f.waiting = vec![other()];
    });
    let status = |f: &mut Fixture, status| {
        needs(f);
        f.statuses.insert(MoveId(2), status);
    };
    check(None, |f| status(f, MoveStatus::Succeeded(MoveMeasure::default())));
    check(None, |f| status(f, MoveStatus::Unknown));
    check(Some("UnmetPrerequisite"), |f| {
        status(f, MoveStatus::Unknown);
        f.waiting = vec![other()];
    });
    check(Some("UnmetPrerequisite"), |f| {
        status(f, MoveStatus::Cancelled(MoveMeasure::default()));
    });
}

#[test]
fn a_group_in_transit_starts_as_long_as_the_rest_will_follow() {
    let group = |f: &mut Fixture| {
        let workloads = Selector::names(["w1", "w2"]);
        f.policy.rules = vec![Rule::Affinity { workloads, domain: Domain::Host }];
    };
    check(Some("Affinity"), group);
    check(None, |f| {
        group(f);
        f.waiting = vec![f.moves[0].clone(), order(2, "w2", "a", "b")];
    });
    check(Some("Affinity"), |f| {
        group(f);
        f.waiting = vec![order(2, "w2", "a", "c")];
    });
    check(None, |f| {
        group(f);
        f.placement.put("w2".into(), "b".into());
    });
    check(None, |f| {
        group(f);
        let later = starting(order(3, "w2", "c", "b"), minutes(60));
        f.waiting = vec![later, order(2, "w2", "a", "c")];
    });
}

#[test]
fn the_reason_is_one_sentence() {
    let mut fixture = Fixture::default();
    fixture.placement.put("w1".into(), "c".into());
    let refused = fixture.check_start(minutes(10)).expect_err("it is elsewhere");
    assert!(matches!(refused, Violation::WrongSource { .. }));
    assert_eq!(
        refused.to_string(),
        "move-1 at 2011-03-13T07:16:40Z: expected workload `w1` on host `a`, found it on `c`"
    );
}
