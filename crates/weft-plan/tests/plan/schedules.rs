//! Every budget and every window, kept by the schedule; the checker is the judge, and each case
//! shows that the budget is what shapes the plan.

use weft_core::id::{MoveId, PlanId};
use weft_core::observation::HostState;
use weft_core::plan::{Plan, Purpose, Standstill};
use weft_core::policy::{Blackout, Rule, Selector, Window};
use weft_core::time::{Span, Timestamp};
use weft_plan::check::check;
use weft_plan::situation::Situation;
use weft_plan::{Effort, Numbering, make};

use crate::fleets::{Case, NOW};

fn plan(situation: &Situation) -> Plan {
    let numbering = Numbering { plan: PlanId(1), first_move: MoveId(1) };
    let plan = make(situation, None, numbering, Effort { iterations: 500, seed: 3 }, &|| false);
    let violations = check(situation, &plan);
    assert!(violations.is_empty(), "{violations:#?}\n{plan:#?}");
    plan
}

/// Eight workloads on a host to be cleared, with room elsewhere.
fn draining() -> Case {
    let mut case = Case::new().host("a", 32, 256, 0).host("b", 32, 256, 0).host("c", 32, 256, 0);
    for number in 0..8 {
        case = case.workload(&format!("vm-{number}"), "a", (2, 16), |_| 1_000.0, 10.0);
    }
    case.state("a", HostState::Draining)
}

fn most_in_flight(plan: &Plan) -> usize {
    let at = |instant: Timestamp| {
        let flies = |m: &&weft_core::plan::Move| {
            m.start <= instant && instant < m.start + m.prediction.duration
        };
        plan.moves.iter().filter(flies).count()
    };
    plan.moves.iter().map(|planned| at(planned.start)).max().unwrap_or(0)
}

#[test]
fn moves_in_flight_are_limited_per_host_and_in_the_fleet() {
    for (per_host, fleet, expected) in [(2, 64, 2), (8, 3, 3), (1, 1, 1)] {
        let case = draining().policy(|policy| {
            policy.budgets.in_flight_per_host = per_host;
            policy.budgets.in_flight = fleet;
        });
        let plan = plan(&case.situation());
        assert_eq!((plan.moves.len(), most_in_flight(&plan)), (8, expected));
    }
}

#[test]
fn starts_per_hour_count_what_was_started_before() {
    let case = draining().policy(|policy| policy.budgets.starts_per_hour = 3);
    let mut situation = case.situation();
    situation.recent_starts = vec![NOW - Span::from_minutes(30), NOW - Span::from_minutes(10)];
    let plan = plan(&situation);
    assert_eq!(plan.moves.len(), 8);
    let starts: Vec<Timestamp> = plan.moves.iter().map(|planned| planned.start).collect();
    assert_eq!(starts[0], NOW);
    assert_eq!(starts[1], NOW + Span::from_minutes(30));
}

#[test]
fn a_blackout_is_waited_for_or_ends_the_matter() {
    let window = Window { begins: NOW, ends: NOW + Span::from_hours(1) };
    let case = draining().policy(|policy| policy.blackouts = vec![Blackout::Once(window)]);
    let plan_after = plan(&case.situation());
    assert!(plan_after.moves.iter().all(|planned| planned.start >= window.ends));
    assert_eq!(plan_after.moves.len(), 8);

    let rises = |step: usize| if step < 6 { 1_000.0 } else { 3_500.0 };
    let always = Window { begins: NOW, ends: NOW + Span::from_hours(12) };
    let case = Case::new()
        .policy(|policy| policy.blackouts = vec![Blackout::Once(always)])
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 0)
        .workload("one", "a", (4, 8), rises, 10.0)
        .workload("two", "a", (4, 8), rises, 10.0)
        .workload("three", "a", (4, 8), rises, 10.0);
    let refused = plan(&case.situation());
    assert!(refused.moves.is_empty());
    assert_eq!(refused.unanswered[0].why, Standstill::Blackout);
}

#[test]
fn a_host_is_cleared_before_its_maintenance() {
    let window = Window { begins: NOW + Span::from_hours(2), ends: NOW + Span::from_hours(4) };
    let rule = Rule::Maintenance { hosts: Selector::names(["a"]), window };
    let mut case = draining().policy(|policy| policy.rules = vec![rule]);
    case.states.clear();
    let plan = plan(&case.situation());
    assert_eq!(plan.moves.len(), 8);
    for planned in &plan.moves {
        assert_eq!(planned.purpose, Purpose::Drain("a".into()));
        assert!(planned.start + planned.prediction.duration <= window.begins);
        assert!(planned.start > NOW + Span::from_hours(1), "as late as it may: {planned:?}");
    }
}

#[test]
fn what_needs_room_waits_for_what_leaves() {
    // Memory is full on both sides: the swap needs the third host's room in between.
    let high = |_: usize| 5_000.0;
    let low = |_: usize| 1_000.0;
    let case = Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 32, 0)
        .host("b", 8, 32, 0)
        .host("c", 2, 16, 0)
        .workload("a-1", "a", (6, 16), high, 10.0)
        .workload("a-2", "a", (6, 16), high, 10.0)
        .workload("b-1", "b", (2, 16), low, 10.0)
        .workload("b-2", "b", (2, 16), low, 10.0);
    let plan = plan(&case.situation());
    assert_eq!(plan.moves.len(), 2, "{plan:#?}");
    let (first, second) = (&plan.moves[0], &plan.moves[1]);
    assert_eq!(first.purpose, Purpose::MakeRoom(plan.shortages[0].key.clone()));
    assert_eq!((first.from.as_str(), first.to.as_str()), ("b", "c"));
    assert_eq!((second.from.as_str(), second.to.as_str()), ("a", "b"));
    assert_eq!(second.prerequisites, [first.id]);
    assert!(second.start >= first.start + first.prediction.duration);
}

#[test]
fn a_host_is_emptied_whole_or_not_at_all() {
    let calm = |_: usize| 500.0;
    let mut case = Case::new().host("a", 16, 128, 0).host("b", 16, 128, 0);
    for number in 0..4 {
        case = case.workload(&format!("a-{number}"), "a", (1, 8), calm, 5.0);
        case = case.workload(&format!("b-{number}"), "b", (1, 8), calm, 5.0);
    }
    let with_budget = |starts: u32| {
        let case = case.clone().policy(|p| p.budgets.starts_per_hour = starts);
        plan(&case.situation()).moves.len()
    };
    assert_eq!(with_budget(10), 4);
    assert_eq!(with_budget(3), 0, "four moves do not fit into the hour");
}
