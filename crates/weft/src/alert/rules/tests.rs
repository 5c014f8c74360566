//! What each rule finds in a loop that stands as the case says, and what it says of it.

use std::sync::Arc;

use weft_core::id::{MoveId, PlanId};
use weft_core::plan::{
    FleetCost, Move, MoveCost, MoveState, Plan, Prediction, Purpose, Standstill, Strategy,
    Unanswered,
};
use weft_core::policy::{Policy, Selector};
use weft_core::resource::Resource;
use weft_core::shortage::{Shortage, ShortageKey};

use super::*;
use crate::alert::fixture::{NOW, view, without};
use crate::run::load::{HostLoad, HostLoads};

/// The matters of a view, each as `severity fingerprint`, with `(covered)` where a wider one tells of it.
fn found(view: &View) -> Vec<String> {
    let line = |matter: &Matter| {
        let covered = if matter.is_covered { " (covered)" } else { "" };
        format!("{} {}{covered}", matter.severity.name(), matter.fingerprint)
    };
    judged(view, &[]).matters.values().map(line).collect()
}

fn summary(view: &View, fingerprint: &str) -> String {
    judged(view, &[]).matters[fingerprint].summary.clone()
}

fn key() -> ShortageKey {
    ShortageKey { host: "a-1".into(), resource: Resource::Cpu }
}

fn shortage(lead: Span, probability: f64) -> Shortage {
    let (begins, key) = (NOW + lead, key());
    let ends = begins + Span::from_minutes(20);
    Shortage { key, begins, ends, probability, quantile: 4_400.0, limit: 4_000.0 }
}

fn planned(id: u64, purpose: Purpose) -> Move {
    Move {
        id: MoveId(id),
        workload: "shop".into(),
        from: "a-1".into(),
        to: "b-1".into(),
        strategy: Strategy::Live,
        purpose,
        earliest_start: NOW,
        start: NOW,
        latest_start: NOW + Span::from_hours(1),
        prerequisites: Vec::new(),
        bandwidth_bytes_per_second: 1_000_000,
        prediction: Prediction {
            duration: Span::from_minutes(4),
            downtime: Span::ZERO,
            transferred_bytes: 0,
        },
        cost: MoveCost::default(),
        overload_without: 0.6,
        overload_with: 0.01,
        rejected: Vec::new(),
    }
}

fn tracked(id: u64, state: MoveState, purpose: Purpose) -> TrackedMove {
    TrackedMove::kept(planned(id, purpose), PlanId(1), state)
}

fn with_moves(view: &mut View, moves: Vec<TrackedMove>) {
    view.moves = Arc::new(moves.into_iter().map(|m| (m.planned.id, m)).collect());
}

/// A view whose plan found `shortage` and answers it by a move in `state`, or says why not.
fn planning(shortage: Shortage, answer: Result<MoveState, Standstill>) -> View {
    let mut view = view();
    let purpose = Purpose::Shortage(shortage.key.clone());
    let (moves, unanswered) = match answer {
        Ok(state) => {
            with_moves(&mut view, vec![tracked(1, state, purpose.clone())]);
            (vec![planned(1, purpose)], Vec::new())
        }
        Err(why) => (Vec::new(), vec![Unanswered { shortage: shortage.key.clone(), why }]),
    };
    view.plan = Some(Arc::new(Plan {
        id: PlanId(1),
        parent: None,
        made_at: NOW,
        until: NOW + Span::from_hours(6),
        shortages: vec![shortage],
        moves,
        unanswered,
        cost_without: FleetCost::default(),
        cost_with: FleetCost::default(),
    }));
    view
}

#[test]
fn a_shortage_is_as_bad_as_its_answer_and_its_lead() {
    let check = |lead_minutes, probability, answer, mode: Mode, may_start, expected: &str| {
        let mut view = planning(shortage(Span::from_minutes(lead_minutes), probability), answer);
        view.policy = Arc::new(Policy { mode, ..Policy::default() });
        view.may_start = may_start;
        let expected =
            (!expected.is_empty()).then(|| format!("{expected} foreseen_shortage/a-1/cpu"));
        let expected: Vec<String> = expected.into_iter().collect();
        assert_eq!(found(&view), expected, "{lead_minutes} {probability} {mode:?}");
    };
    let nothing = || Err(Standstill::NothingMovable);
    check(120, 0.9, Ok(MoveState::Scheduled), Mode::Auto, true, "info");
    check(120, 0.9, Ok(MoveState::Running), Mode::Approve, true, "info");
    check(120, 0.9, Ok(MoveState::Proposed), Mode::Approve, true, "warning");
    check(20, 0.9, Ok(MoveState::Proposed), Mode::Approve, true, "critical");
    check(20, 0.9, Ok(MoveState::Scheduled), Mode::Auto, false, "critical");
    check(120, 0.9, Ok(MoveState::Proposed), Mode::Advise, false, "warning");
    check(120, 0.9, nothing(), Mode::Auto, true, "warning");
    check(30, 0.9, nothing(), Mode::Auto, true, "critical");
    check(-5, 0.9, nothing(), Mode::Auto, true, "critical");
    check(30, 0.2, nothing(), Mode::Auto, true, "warning");
    let decide_by = NOW + Span::from_hours(1);
    check(20, 0.9, Err(Standstill::Later { decide_by }), Mode::Auto, true, "");
    let borne = || Err(Standstill::CheaperToBear { shortage: 0.2, answer: 0.5 });
    check(20, 0.2, borne(), Mode::Auto, true, "info");
    check(120, 0.9, borne(), Mode::Auto, true, "warning");
    check(20, 0.9, borne(), Mode::Auto, true, "critical");
}

#[test]
fn a_shortage_is_told_with_its_lead_and_its_numbers() {
    let fingerprint = "foreseen_shortage/a-1/cpu";
    let view = planning(shortage(Span::from_hours(3), 0.23), Ok(MoveState::Scheduled));
    assert_eq!(
        summary(&view, fingerprint),
        "a-1 is foreseen to run short of processor time from 2026-03-02T11:00:00Z, in 3.0 h: expected at \
         most 4.0 cores, found 4.4 cores at confidence 0.95, with a chance of 23 % of more than there \
         is; 1 move answers it"
    );
    let begun = shortage(Span::from_minutes(-5), 0.9);
    let view = planning(begun, Err(Standstill::NothingMovable));
    let said = summary(&view, fingerprint);
    assert!(
        said.contains("since 2026-03-02T07:55:00Z: expected") && said.contains("not answered: "),
        "{said}"
    );
    let past = planning(shortage(Span::from_hours(-1), 0.9), Err(Standstill::NothingMovable));
    assert_eq!(found(&past), [""; 0], "a shortage that is over is none");
}

#[test]
fn a_host_that_is_full_is_overloaded() {
    let check = |used: f64, age_minutes, scope: &str, expected: &[&str]| {
        let mut view = view();
        let load =
            HostLoad { host: "a-1".into(), resource: Resource::Cpu, used, capacity: 4_000.0 };
        let until = NOW - Span::from_minutes(age_minutes);
        view.load = Some(Arc::new(HostLoads { until, hosts: vec![load] }));
        let scope = Selector::names((!scope.is_empty()).then_some(scope));
        view.policy = Arc::new(Policy { scope, ..Policy::default() });
        assert_eq!(found(&view), expected, "{used} {age_minutes}");
        judged(&view, &[]).unjudged.contains(&Rule::Overload)
    };
    assert!(!check(3_900.0, 1, "", &[]));
    assert!(!check(3_990.0, 1, "", &["critical overload/a-1/cpu"]));
    assert!(!check(4_100.0, 1, "a-1", &["critical overload/a-1/cpu"]));
    assert!(!check(4_100.0, 1, "b-1", &[]));
    assert!(check(4_100.0, 16, "", &[]), "what is too old says nothing");
}

#[test]
fn moves_that_went_wrong_are_told_once_a_workload() {
    let check = |moves: &[(u64, MoveState, i64)],
                 purpose: Purpose,
                 lost: &[&str],
                 expected: &[&str]| {
        let mut view = view();
        without(&mut view, lost);
        let ended = |(id, state, minutes_ago): &(u64, MoveState, i64)| {
            let mut tracked = tracked(*id, *state, purpose.clone());
            tracked.started = Some(NOW - Span::from_minutes(minutes_ago + 13));
            tracked.ended = Some(NOW - Span::from_minutes(*minutes_ago));
            tracked
        };
        with_moves(&mut view, moves.iter().map(ended).collect());
        let lost_hosts: Vec<String> =
            lost.iter().map(|host| format!("critical host_lost/{host}")).collect();
        let expected: Vec<String> =
            lost_hosts.into_iter().chain(expected.iter().map(|line| (*line).to_owned())).collect();
        assert_eq!(found(&view), expected, "{moves:?}");
    };
    use MoveState::{Cancelled, Failed, Refused, Succeeded, Superseded};
    let short = || Purpose::Shortage(key());
    check(&[(1, Failed, 5)], short(), &[], &["warning migration_failed/shop"]);
    check(&[(1, Failed, 61)], short(), &[], &[]);
    check(&[(1, Failed, 9), (2, Failed, 5)], short(), &[], &["warning migration_failed/shop"]);
    check(&[(1, Failed, 9), (2, Succeeded, 5)], short(), &[], &[]);
    check(&[(1, Failed, 9), (2, Superseded, 5)], short(), &[], &["warning migration_failed/shop"]);
    check(&[(1, Cancelled, 5)], short(), &[], &["warning migration_failed/shop"]);
    check(&[(1, Refused, 5)], short(), &[], &["warning migration_refused/shop"]);
    check(&[(1, Refused, 5)], Purpose::Merge, &[], &["info migration_refused/shop"]);
    let recover = Purpose::Recover("a-1".into());
    check(&[(1, Failed, 5)], recover, &[], &["critical migration_failed/shop"]);
    check(&[(1, Failed, 5)], short(), &["b-1"], &["warning migration_failed/shop (covered)"]);
}

#[test]
fn moves_of_before_a_restart_are_told() {
    let mut failed = tracked(7, MoveState::Failed, Purpose::Rule);
    failed.ended = Some(NOW - Span::from_minutes(1));
    failed.why_not = Some("the target could not take it".to_owned());
    let findings = judged(&view(), &[failed]);
    assert_eq!(
        findings.matters["migration_failed/shop"].summary,
        "move-7 of shop (live, a-1 to b-1) failed at 2026-03-02T07:59:00Z: the target could not take it"
    );
}

#[test]
fn a_move_is_slow_beyond_half_as_long_again() {
    let check = |minutes, expected: &[&str]| {
        let mut view = view();
        let mut running = tracked(1, MoveState::Running, Purpose::Rule);
        running.started = Some(NOW - Span::from_minutes(minutes));
        with_moves(&mut view, vec![running]);
        assert_eq!(found(&view), expected, "{minutes}");
    };
    check(4, &[]);
    check(6, &[]);
    check(7, &["warning migration_slow/shop"]);
}

#[test]
fn what_freezes_the_loop_is_told_with_the_change() {
    let check = |freeze: Freeze, mode, expected: &str, words: &str| {
        let mut view = view();
        view.policy = Arc::new(Policy { mode, ..Policy::default() });
        view.sampled_until = Some(NOW - Span::from_minutes(20));
        view.freezes = vec![(freeze, NOW)];
        assert_eq!(found(&view), [expected]);
        let said = judged(&view, &[]).matters.into_values().next().expect("one").summary;
        assert!(said.contains(words), "{said}");
    };
    let stale = "expected samples no older than 15 min, found the newest of 2026-03-02T07:40:00Z, 20 min old";
    check(Freeze::StaleMetrics, Mode::Auto, "warning stale_metrics", stale);
    let silent = "expected an answer of the fleet, found none";
    check(Freeze::Unobserved, Mode::Auto, "critical unobserved", silent);
    check(Freeze::Unobserved, Mode::Advise, "warning unobserved", silent);
    let change = || Freeze::ForeignChange {
        workload: "shop".into(),
        from: vec!["a-1".into()],
        to: vec!["b-1".into()],
    };
    let moved = "expected shop on a-1, found it on b-1 by another hand";
    check(change(), Mode::Auto, "warning foreign_change", moved);
    check(change(), Mode::Advise, "info foreign_change", moved);
}

#[test]
fn a_loss_is_told_at_the_widest_place() {
    let check = |lost: &[&str], expected: &[&str]| {
        let mut view = view();
        without(&mut view, lost);
        assert_eq!(found(&view), expected, "{lost:?}");
    };
    check(&[], &[]);
    check(&["a-1"], &["critical host_lost/a-1"]);
    let zone = [
        "critical host_lost/a-1 (covered)",
        "critical host_lost/a-2 (covered)",
        "critical zone_lost/eu-1",
    ];
    check(&["a-1", "a-2"], &zone);
    check(&["c-1"], &["critical host_lost/c-1"]);
    let covered = |name: &str| format!("critical {name} (covered)");
    let hosts = ["a-1", "a-2", "b-1", "b-2"];
    let expected: Vec<String> = hosts
        .iter()
        .map(|host| covered(&format!("host_lost/{host}")))
        .chain(["critical region_lost/eu".to_owned()])
        .chain(["eu-1", "eu-2"].map(|zone| covered(&format!("zone_lost/{zone}"))))
        .collect();
    check(&hosts, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_loss_that_took_nothing_down_is_less_bad() {
    let mut view = view();
    without(&mut view, &["a-1"]);
    let said = summary(&view, "host_lost/a-1");
    assert_eq!(
        said,
        "host a-1 is lost: expected it to run, found it lost; 1 workload runs nowhere"
    );
    view.residents = Arc::default();
    assert_eq!(found(&view), ["warning host_lost/a-1"]);
}

#[test]
fn what_is_not_known_is_not_judged() {
    let mut blind = view();
    blind.observation = None;
    let expected =
        [Rule::ForeseenShortage, Rule::Overload, Rule::HostLost, Rule::ZoneLost, Rule::RegionLost];
    assert_eq!(judged(&blind, &[]).unjudged, BTreeSet::from(expected));
}

#[test]
fn a_rule_is_found_by_its_name() {
    for rule in Rule::ALL {
        assert_eq!(Rule::named(rule.name()), Some(rule));
    }
    assert_eq!(Rule::named("ForeseenShortage"), None);
}
