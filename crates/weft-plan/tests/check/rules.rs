//! Each rule of a plan: broken, and by the smallest change kept.

use std::collections::BTreeSet;

use weft_core::fleet::Replica;
use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveMeasure, MoveStatus};
use weft_core::plan::{Purpose, Strategy};
use weft_core::policy::{Blackout, Domain, Rule, Selector, Window};
use weft_core::resource::Resource;
use weft_core::time::Span;
use weft_plan::situation::PastMove;

use crate::demand::DEMAND;
use crate::fixture::{Fixture, GIB, KINDS, NOW, Series, kinds, minutes, order, starting};
use crate::{placements, starts};

pub(crate) type Bend = fn(&mut Fixture);

/// What is broken, how, and the twin that keeps it.
pub(crate) type Case = (&'static str, Bend, Bend);

pub(crate) fn split_over(fixture: &mut Fixture, hosts: [&str; 2], most: u32) {
    let replicas = hosts.map(|host| Replica { host: host.into(), share_permille: 500 });
    fixture.placement.0.insert("w1".into(), replicas.to_vec());
    fixture.workload("w1").mobility.max_replicas = most;
}

fn with_rule(fixture: &mut Fixture, rule: Rule) {
    fixture.policy.rules.push(rule);
}

fn past(fixture: &mut Fixture, from: &str, ended_minutes: i64) {
    let past = PastMove { from: from.into(), ended: minutes(ended_minutes) };
    fixture.past_moves.insert("w1".into(), past);
}

fn window(begins_minutes: i64, ends_minutes: i64) -> Window {
    Window { begins: minutes(begins_minutes), ends: minutes(ends_minutes) }
}

fn maintenance(fixture: &mut Fixture, host: &str, window: Window) {
    with_rule(fixture, Rule::Maintenance { hosts: Selector::names([host]), window });
}

/// A consolidation with a mean of `later` on top of 3,000 on the target, an hour from now.
pub(crate) fn consolidation(fixture: &mut Fixture, later: f32) {
    let series = |workload, means| Series { workload, means, residuals: vec![0.0; 4] };
    fixture.cpu = vec![series("w1", vec![100.0, later]), series("w3", vec![3_000.0, 3_000.0])];
    fixture.moves[0].purpose = Purpose::Empty("a".into());
}

const NAMES_AND_TIMES: &[Case] = &[
    ("UnknownWorkload", |f| f.moves[0].workload = "ghost".into(), |_| ()),
    ("UnknownHost", |f| f.moves[0].to = "nowhere".into(), |_| ()),
    ("SameHost", |f| f.moves[0].to = "a".into(), |_| ()),
    (
        "RepeatedMove",
        |f| f.moves.push(order(1, "w2", "a", "c")),
        |f| f.moves.push(order(2, "w2", "a", "c")),
    ),
    (
        "RepeatedMove",
        |f| f.running = vec![starting(order(1, "w2", "a", "c"), NOW)],
        |f| f.running = vec![starting(order(2, "w2", "a", "c"), NOW)],
    ),
    (
        "StartOutsideWindow",
        |f| f.moves[0].start = f.moves[0].latest_start + Span::from_millis(1),
        |f| f.moves[0].start = f.moves[0].latest_start,
    ),
    (
        "StartOutsideWindow",
        |f| f.moves[0].earliest_start = minutes(11),
        |f| f.moves[0].earliest_start = minutes(10),
    ),
    (
        "StartInPast",
        |f| {
            f.moves[0].earliest_start = minutes(-10);
            f.moves[0].start = NOW - Span::from_millis(1);
        },
        |f| f.moves[0].start = NOW,
    ),
    (
        "NegativeDuration",
        |f| f.moves[0].prediction.duration = Span::from_millis(-1),
        |f| f.moves[0].prediction.duration = Span::ZERO,
    ),
];

const SOURCES_AND_TARGETS: &[Case] = &[
    ("WrongSource", |f| f.moves[0].from = "c".into(), |_| ()),
    (
        "WrongSource",
        |f| f.moves.push(starting(order(2, "w1", "a", "c"), minutes(60))),
        |f| f.moves.push(starting(order(2, "w1", "b", "c"), minutes(60))),
    ),
    ("AlreadyThere", |f| split_over(f, ["a", "b"], 2), |f| split_over(f, ["a", "c"], 2)),
    (
        "NothingToMergeInto",
        |f| {
            split_over(f, ["a", "c"], 2);
            f.moves[0].strategy = Strategy::Merge;
        },
        |f| {
            split_over(f, ["a", "b"], 2);
            f.moves[0].strategy = Strategy::Merge;
        },
    ),
    (
        "SplitShare",
        |f| {
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 1_000 };
        },
        |f| {
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 999 };
        },
    ),
    (
        "TooManyReplicas",
        |f| {
            split_over(f, ["a", "c"], 2);
            f.moves[0].strategy = Strategy::Split { share_permille: 250 };
        },
        |f| {
            split_over(f, ["a", "c"], 3);
            f.moves[0].strategy = Strategy::Split { share_permille: 250 };
        },
    ),
    (
        "TargetNotReady",
        |f| f.set_state("b", HostState::Draining),
        |f| f.set_state("a", HostState::Draining),
    ),
    (
        "TargetNotReady",
        |f| {
            split_over(f, ["a", "b"], 2);
            f.moves[0].strategy = Strategy::Merge;
            f.set_state("b", HostState::Lost);
        },
        |f| {
            split_over(f, ["a", "b"], 2);
            f.moves[0].strategy = Strategy::Merge;
            f.set_state("b", HostState::Draining);
        },
    ),
    (
        "SourceLost",
        |f| f.set_state("a", HostState::Lost),
        |f| {
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "SourceNotLost",
        |f| f.moves[0].strategy = Strategy::Recover,
        |f| {
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "OutOfScope",
        |f| f.policy.scope = Selector::names(["a", "c"]),
        |f| f.policy.scope = Selector::names(["a", "b"]),
    ),
    ("OutOfScope", |f| f.policy.scope = Selector::names(["b"]), |_| ()),
    (
        "CoreSpeed",
        |f| f.workload("w1").vcpu_speed_millicores = 1_001,
        |f| f.workload("w1").vcpu_speed_millicores = 1_000,
    ),
    (
        "NotMobile",
        |f| f.workload("w1").mobility.live = false,
        |f| {
            f.workload("w1").mobility.live = false;
            f.moves[0].strategy = Strategy::Preemptive;
        },
    ),
    (
        "NotMobile",
        |f| f.moves[0].strategy = Strategy::Split { share_permille: 500 },
        |f| {
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 500 };
        },
    ),
    (
        "Downtime",
        |f| f.moves[0].prediction.downtime = Span::from_millis(1_001),
        |f| f.moves[0].prediction.downtime = Span::from_millis(1_000),
    ),
    ("NoLink", |f| f.moves[0].to = "x".into(), |f| f.moves[0].to = "d".into()),
    (
        "Room",
        |f| f.workload("w3").allocated[Resource::Memory] = 12 * GIB + 1,
        |f| f.workload("w3").allocated[Resource::Memory] = 12 * GIB,
    ),
];

const UNUSUAL_STRATEGIES: &[Case] = &[
    (
        "SplitShare",
        |f| {
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 0 };
        },
        |f| {
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 1 };
        },
    ),
    (
        "NoLink",
        |f| f.moves[0].to = "x".into(),
        |f| {
            f.moves[0].to = "x".into();
            f.moves[0].strategy = Strategy::Recover;
            f.set_state("a", HostState::Lost);
        },
    ),
    (
        "Downtime",
        |f| f.moves[0].prediction.downtime = Span::from_minutes(1),
        |f| {
            f.moves[0].prediction.downtime = Span::from_minutes(1);
            f.moves[0].strategy = Strategy::Preemptive;
        },
    ),
    (
        "Room",
        |f| f.workload("w3").allocated[Resource::Memory] = 17 * GIB,
        |f| {
            f.workload("w3").allocated[Resource::Memory] = 17 * GIB;
            split_over(f, ["a", "b"], 2);
            f.moves[0].strategy = Strategy::Merge;
        },
    ),
    (
        "Room",
        |f| {
            f.host("b").capacity = f.host("b").capacity.with(Resource::StorageSpace, GIB);
            f.workload("w3").allocated[Resource::StorageSpace] = 2 * GIB;
            f.workload("w1").allocated[Resource::StorageSpace] = 1;
        },
        |f| {
            f.host("b").capacity = f.host("b").capacity.with(Resource::StorageSpace, GIB);
            f.workload("w3").allocated[Resource::StorageSpace] = 2 * GIB;
        },
    ),
    (
        "Room",
        |f| {
            // The split leaves its source where it was: nothing is freed there.
            f.workload("w1").mobility.max_replicas = 2;
            f.moves[0].strategy = Strategy::Split { share_permille: 500 };
            f.workload("w3").allocated[Resource::Memory] = 9 * GIB;
            two_moves(f, 5, ("w3", "b", "a"));
        },
        |f| {
            f.workload("w3").allocated[Resource::Memory] = 9 * GIB;
            two_moves(f, 5, ("w3", "b", "a"));
        },
    ),
    (
        "Exclude",
        |f| {
            let (workloads, hosts) = (Selector::names(["w1"]), Selector::names(["b"]));
            with_rule(f, Rule::Exclude { workloads, hosts });
        },
        |f| {
            let (workloads, hosts) = (Selector::names(["w1"]), Selector::names(["b"]));
            with_rule(f, Rule::Exclude { workloads, hosts });
            split_over(f, ["a", "b"], 2);
            f.moves[0].strategy = Strategy::Merge;
        },
    ),
];

const RULES: &[Case] = &[
    (
        "Affinity",
        |f| {
            let workloads = Selector::names(["w1", "w2"]);
            with_rule(f, Rule::Affinity { workloads, domain: Domain::Host });
        },
        |f| {
            let workloads = Selector::names(["w1", "w2"]);
            with_rule(f, Rule::Affinity { workloads, domain: Domain::Host });
            f.moves.push(starting(order(2, "w2", "a", "b"), minutes(13)));
        },
    ),
    (
        "AntiAffinity",
        |f| {
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
        },
        |f| {
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
            f.moves[0].to = "c".into();
        },
    ),
    (
        "Spread",
        |f| {
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::Spread { workloads, domain: Domain::Zone, minimum: 2 });
            f.placement.put("w3".into(), "c".into());
            f.moves[0].to = "c".into();
        },
        |f| {
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::Spread { workloads, domain: Domain::Zone, minimum: 2 });
            f.placement.put("w3".into(), "c".into());
        },
    ),
    (
        "Pin",
        |f| {
            let (workloads, hosts) = (Selector::names(["w1"]), Selector::names(["a", "c"]));
            with_rule(f, Rule::Pin { workloads, hosts });
        },
        |f| {
            let (workloads, hosts) = (Selector::names(["w1"]), Selector::names(["a", "b"]));
            with_rule(f, Rule::Pin { workloads, hosts });
        },
    ),
    (
        "Exclude",
        |f| {
            let (workloads, hosts) = (Selector::names(["w1"]), Selector::names(["b"]));
            with_rule(f, Rule::Exclude { workloads, hosts });
        },
        |f| {
            let (workloads, hosts) = (Selector::names(["w2"]), Selector::names(["b"]));
            with_rule(f, Rule::Exclude { workloads, hosts });
        },
    ),
    (
        "Residency",
        |f| {
            let (workloads, regions) = (Selector::names(["w1"]), BTreeSet::from(["eu".into()]));
            with_rule(f, Rule::Residency { workloads, regions });
            f.moves[0].to = "d".into();
        },
        |f| {
            let regions = BTreeSet::from(["eu".into(), "us".into()]);
            with_rule(f, Rule::Residency { workloads: Selector::names(["w1"]), regions });
            f.moves[0].to = "d".into();
        },
    ),
    (
        "Immovable",
        |f| with_rule(f, Rule::Immovable { workloads: Selector::names(["w1"]) }),
        |f| {
            with_rule(f, Rule::Immovable { workloads: Selector::names(["w1"]) });
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "IntoMaintenance",
        |f| maintenance(f, "b", window(0, 11)),
        |f| maintenance(f, "b", window(0, 10)),
    ),
    (
        "LateForMaintenance",
        |f| maintenance(f, "a", window(11, 60)),
        |f| maintenance(f, "a", window(12, 60)),
    ),
    (
        "LateForMaintenance",
        |f| maintenance(f, "a", window(1, 60)),
        |f| maintenance(f, "a", window(0, 60)),
    ),
    (
        "LateForMaintenance",
        |f| maintenance(f, "a", window(1, 11)),
        |f| maintenance(f, "a", window(1, 10)),
    ),
    (
        "LateForMaintenance",
        |f| maintenance(f, "a", window(11, 60)),
        |f| {
            maintenance(f, "a", window(11, 60));
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "AntiAffinity",
        |f| {
            // w3 leaves `b` while w1 is already on its way there.
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
            f.moves.insert(0, starting(order(2, "w3", "b", "c"), minutes(9)));
        },
        |f| {
            let workloads = Selector::names(["w1", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
            f.moves.insert(0, starting(order(2, "w3", "b", "c"), minutes(8)));
        },
    ),
    (
        "AntiAffinity",
        |f| {
            // w1 leaves w2 alone on `a`; w3 must not take its place, though it was taken before.
            let workloads = Selector::names(["w1", "w2", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
            f.moves[0].to = "c".into();
            two_moves(f, 5, ("w3", "b", "a"));
        },
        |f| {
            let workloads = Selector::names(["w1", "w2", "w3"]);
            with_rule(f, Rule::AntiAffinity { workloads, domain: Domain::Host });
            f.moves[0].to = "c".into();
            two_moves(f, 5, ("w3", "b", "d"));
        },
    ),
    (
        "Blackout",
        |f| f.policy.blackouts.push(Blackout::Once(window(11, 60))),
        |f| f.policy.blackouts.push(Blackout::Once(window(13, 60))),
    ),
];

/// `w1` from `a` at ten minutes and, after `wait` minutes, `other` to `to`.
pub(crate) fn two_moves(fixture: &mut Fixture, wait: i64, other: (&str, &str, &str)) {
    let second = order(2, other.0, other.1, other.2);
    fixture.moves.push(starting(second, minutes(10 + wait)));
}

const BUDGETS_AND_ORDER: &[Case] = &[
    (
        "HostBudget",
        |f| {
            f.policy.budgets.in_flight_per_host = 1;
            two_moves(f, 1, ("w2", "a", "c"));
        },
        |f| {
            f.policy.budgets.in_flight_per_host = 1;
            two_moves(f, 2, ("w2", "a", "c"));
        },
    ),
    (
        "LinkBudget",
        |f| {
            f.policy.budgets.in_flight_per_link = 1;
            f.moves[0].to = "d".into();
            two_moves(f, 1, ("w3", "b", "d"));
        },
        |f| {
            f.policy.budgets.in_flight_per_link = 1;
            f.moves[0].to = "d".into();
            two_moves(f, 1, ("w3", "b", "c"));
        },
    ),
    (
        "LinkBudget",
        |f| {
            f.policy.budgets.in_flight_per_link = 1;
            f.placement.put("w3".into(), "d".into());
            f.moves[0].to = "d".into();
            two_moves(f, 1, ("w3", "d", "b"));
        },
        |f| {
            f.policy.budgets.in_flight_per_link = 1;
            f.placement.put("w3".into(), "d".into());
            f.moves[0].to = "d".into();
            two_moves(f, 2, ("w3", "d", "b"));
        },
    ),
    (
        "FleetBudget",
        |f| {
            f.policy.budgets.in_flight = 1;
            f.running = vec![starting(order(2, "w3", "b", "c"), minutes(-1))];
            f.running[0].prediction.duration = Span::from_minutes(12);
        },
        |f| {
            f.policy.budgets.in_flight = 1;
            f.running = vec![starting(order(2, "w3", "b", "c"), minutes(-1))];
            f.running[0].prediction.duration = Span::from_minutes(11);
        },
    ),
    (
        "StartBudget",
        |f| {
            f.policy.budgets.starts_per_hour = 2;
            f.recent_starts = vec![minutes(-49), minutes(-40)];
        },
        |f| {
            f.policy.budgets.starts_per_hour = 2;
            f.recent_starts = vec![minutes(-50), minutes(-40)];
        },
    ),
    (
        "StartBudget",
        |f| {
            f.policy.budgets.starts_per_hour = 1;
            two_moves(f, 59, ("w2", "a", "c"));
        },
        |f| {
            f.policy.budgets.starts_per_hour = 1;
            two_moves(f, 60, ("w2", "a", "c"));
        },
    ),
    ("CoolDown", |f| past(f, "c", -19), |f| past(f, "c", -20)),
    ("CoolDown", |f| two_moves(f, 31, ("w1", "b", "c")), |f| two_moves(f, 32, ("w1", "b", "c"))),
    ("Return", |f| past(f, "b", -19), |f| past(f, "b", -20)),
    (
        "CoolDown",
        |f| past(f, "c", -19),
        |f| {
            past(f, "c", -19);
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "TwiceAtOnce",
        |f| {
            f.policy.cool_down = Span::ZERO;
            two_moves(f, 1, ("w1", "b", "c"));
        },
        |f| {
            f.policy.cool_down = Span::ZERO;
            two_moves(f, 2, ("w1", "b", "c"));
        },
    ),
    (
        "UnknownPrerequisite",
        |f| f.moves[0].prerequisites = vec![MoveId(9)],
        |f| {
            f.moves[0].prerequisites = vec![MoveId(9)];
            f.statuses.insert(MoveId(9), MoveStatus::Succeeded(MoveMeasure::default()));
        },
    ),
    (
        "LatePrerequisite",
        |f| {
            two_moves(f, 1, ("w2", "a", "c"));
            f.moves[1].prerequisites = vec![MoveId(1)];
        },
        |f| {
            two_moves(f, 2, ("w2", "a", "c"));
            f.moves[1].prerequisites = vec![MoveId(1)];
        },
    ),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    let all = [
        NAMES_AND_TIMES,
        SOURCES_AND_TARGETS,
        UNUSUAL_STRATEGIES,
        RULES,
        BUDGETS_AND_ORDER,
        DEMAND,
    ];
    all.into_iter().flatten()
}

#[test]
fn each_rule_is_seen_broken_and_seen_kept() {
    for (number, (name, breaks, keeps)) in cases().enumerate() {
        let (mut broken, mut kept) = (Fixture::default(), Fixture::default());
        breaks(&mut broken);
        keeps(&mut kept);
        assert_eq!(kinds(&broken.check()), BTreeSet::from([*name]), "case {number}");
        assert_eq!(kept.check(), [], "the twin of case {number}, {name}");
    }
}

#[test]
fn every_kind_of_violation_has_a_case() {
    let mut covered: BTreeSet<&str> = cases().map(|case| case.0).collect();
    covered.extend(starts::COVERED.iter().chain(placements::COVERED));
    covered.insert("PrerequisiteCycle");
    let missing: Vec<_> = KINDS.iter().filter(|kind| !covered.contains(**kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_cycle_of_prerequisites_is_named() {
    let mut fixture = Fixture::default();
    two_moves(&mut fixture, 2, ("w2", "a", "c"));
    fixture.moves[1].prerequisites = vec![MoveId(1)];
    assert_eq!(fixture.check(), []);
    fixture.moves[0].prerequisites = vec![MoveId(2)];
    let found = fixture.check();
    assert_eq!(kinds(&found), BTreeSet::from(["LatePrerequisite", "PrerequisiteCycle"]));
    assert_eq!(
        found[0].to_string(),
        "expected prerequisites without a cycle, found `move-1`, `move-2` waiting for each other"
    );
}

#[test]
fn room_is_held_on_both_ends_until_the_end() {
    let check = |second_start: i64, expected: &[&str]| {
        let mut fixture = Fixture::default();
        for name in ["w1", "w2", "w3"] {
            fixture.workload(name).allocated[Resource::Memory] = 8 * GIB;
        }
        fixture.moves[0].to = "c".into();
        let into_a = order(2, "w3", "b", "a");
        fixture.moves.push(starting(into_a, minutes(second_start)));
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{second_start}");
    };
    check(11, &["Room"]);
    check(12, &[]);
}

#[test]
fn a_move_that_takes_no_time_ends_an_instant_after_its_start() {
    let check = |wait_millis: i64, expected: &[&str]| {
        let mut fixture = Fixture::default();
        fixture.moves[0].prediction.duration = Span::ZERO;
        let start = minutes(10) + Span::from_millis(wait_millis);
        fixture.moves.push(starting(order(2, "w2", "a", "c"), start));
        fixture.moves[1].prerequisites = vec![MoveId(1)];
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{wait_millis}");
    };
    check(0, &["LatePrerequisite"]);
    check(1, &[]);
}

#[test]
fn shares_follow_splits_and_merges() {
    let check = |second: Strategy, third: u16, expected: &[&str]| {
        let mut fixture = Fixture::default();
        fixture.policy.cool_down = Span::ZERO;
        fixture.workload("w1").mobility.max_replicas = 3;
        fixture.moves[0].strategy = Strategy::Split { share_permille: 600 };
        let (from, to) = match second {
            Strategy::Merge => ("b", "a"),
            _ => ("a", "c"),
        };
        two_moves(&mut fixture, 5, ("w1", from, to));
        fixture.moves[1].strategy = second;
        two_moves(&mut fixture, 10, ("w1", "a", "d"));
        fixture.moves[2].id = MoveId(3);
        fixture.moves[2].strategy = Strategy::Split { share_permille: third };
        fixture.workload("w1").mobility.max_replicas = 4;
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{second} {third}");
    };
    let split = |share_permille| Strategy::Split { share_permille };
    check(split(300), 99, &[]);
    check(split(300), 100, &["SplitShare"]);
    check(Strategy::Merge, 999, &[]);
    check(Strategy::Merge, 1_000, &["SplitShare"]);
}

#[test]
fn what_was_broken_before_is_not_blamed_unless_it_gets_worse() {
    let mut fixture = Fixture::default();
    let workloads = Selector::names(["w1", "w2", "w3"]);
    with_rule(&mut fixture, Rule::AntiAffinity { workloads, domain: Domain::Host });
    fixture.moves[0].to = "c".into();
    assert_eq!(fixture.check(), [], "w1 and w2 shared `a` before; the move mends it");
    fixture.moves[0].to = "b".into();
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["AntiAffinity"]), "now `b` is shared");

    let mut fixture = Fixture::default();
    fixture.workload("w3").vcpus = 5;
    fixture.moves[0] = order(1, "w3", "b", "c");
    fixture.host("c").cores = 5;
    assert_eq!(fixture.check(), [], "`b` was overloaded before and is relieved");
}

#[test]
fn what_a_move_has_mended_no_later_move_may_break() {
    let mut fixture = Fixture::default();
    let workloads = Selector::names(["w1", "w2"]);
    with_rule(&mut fixture, Rule::AntiAffinity { workloads, domain: Domain::Host });
    fixture.moves.push(starting(order(2, "w2", "a", "b"), minutes(13)));
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["AntiAffinity"]));
}

#[test]
fn a_lost_member_counts_in_no_group() {
    let mut fixture = Fixture::default();
    fixture.set_state("a", HostState::Lost);
    let workloads = Selector::names(["w1", "w2", "w3"]);
    with_rule(&mut fixture, Rule::AntiAffinity { workloads, domain: Domain::Host });
    fixture.moves[0].strategy = Strategy::Recover;
    fixture.moves[0].to = "c".into();
    two_moves(&mut fixture, 0, ("w2", "a", "d"));
    fixture.moves[1].strategy = Strategy::Recover;
    assert_eq!(fixture.check(), []);
    fixture.moves[1].to = "b".into();
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["AntiAffinity"]));
}

#[test]
fn a_recovery_burdens_its_target_only() {
    let mut fixture = Fixture::default();
    fixture.policy.budgets.in_flight_per_host = 1;
    fixture.set_state("a", HostState::Lost);
    two_moves(&mut fixture, 0, ("w2", "a", "c"));
    fixture.moves.iter_mut().for_each(|order| order.strategy = Strategy::Recover);
    assert_eq!(fixture.check(), []);

    // Merges that take replicas off the lost host are no reason to wait either.
    fixture.moves.remove(0);
    for (id, workload) in [(8, "w1"), (9, "w3")] {
        let replicas = ["a", "b"].map(|host| Replica { host: host.into(), share_permille: 500 });
        fixture.placement.0.insert(workload.into(), replicas.to_vec());
        let mut merge = starting(order(id, workload, "a", "b"), NOW);
        merge.strategy = Strategy::Merge;
        merge.prediction.duration = Span::from_hours(1);
        fixture.running.push(merge);
    }
    assert_eq!(fixture.check(), []);
}
