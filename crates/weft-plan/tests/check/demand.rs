//! The chance constraint: what of a plan's demand is too much, broken, and by the smallest change kept.

use std::collections::BTreeSet;

use weft_core::observation::HostState;
use weft_core::plan::{Purpose, Strategy};

use crate::fixture::{Fixture, Series, kinds, minutes, order, starting};
use crate::rules::{Case, consolidation, split_over, two_moves};

pub(crate) const DEMAND: &[Case] = &[
    ("Overload", |f| f.workload("w3").vcpus = 4, |f| f.workload("w3").vcpus = 3),
    (
        "Overload",
        |f| {
            f.workload("w3").vcpus = 3;
            f.policy.margins.reserve = 0.01;
        },
        |f| {
            f.workload("w3").vcpus = 4;
            f.set_state("a", HostState::Lost);
            f.moves[0].strategy = Strategy::Recover;
        },
    ),
    (
        "Overload",
        |f| {
            // Half of w1 comes from `c`; half of its three cores fit, all of them do not.
            split_over(f, ["a", "c"], 2);
            f.workload("w1").vcpus = 3;
            f.workload("w3").vcpus = 3;
            f.moves[0].from = "c".into();
        },
        |f| {
            split_over(f, ["a", "c"], 2);
            f.workload("w1").vcpus = 3;
            f.workload("w3").vcpus = 2;
            f.moves[0].from = "c".into();
        },
    ),
    (
        "Overload",
        |f| {
            // What runs already will take its room on the target.
            f.workload("w2").vcpus = 3;
            f.running = vec![starting(order(2, "w2", "a", "b"), minutes(-1))];
        },
        |f| {
            f.workload("w2").vcpus = 2;
            f.running = vec![starting(order(2, "w2", "a", "b"), minutes(-1))];
        },
    ),
    (
        "Overload",
        |f| {
            // A consolidation takes w1 to `c`; an answer takes it on to `b`.
            f.workload("w3").vcpus = 4;
            f.moves[0].to = "c".into();
            f.moves[0].purpose = Purpose::Empty("a".into());
            two_moves(f, 40, ("w1", "c", "b"));
        },
        |f| {
            f.workload("w3").vcpus = 3;
            f.moves[0].to = "c".into();
            f.moves[0].purpose = Purpose::Empty("a".into());
            two_moves(f, 40, ("w1", "c", "b"));
        },
    ),
    (
        "Overload",
        |f| {
            // `b` was overloaded before: a swap may leave it so, but not make it worse.
            f.workload("w3").vcpus = 5;
            f.workload("w2").vcpus = 6;
            f.moves = vec![order(2, "w3", "b", "c"), order(3, "w2", "a", "b")];
            f.moves[1].purpose = Purpose::Rule;
            f.host("c").cores = 6;
        },
        |f| {
            f.workload("w3").vcpus = 6;
            f.workload("w2").vcpus = 5;
            f.moves = vec![order(2, "w3", "b", "c"), order(3, "w2", "a", "b")];
            f.host("c").cores = 6;
        },
    ),
    (
        "Overload",
        |f| {
            // Sharing an excess: `b` must not end shorter than `a` was.
            f.workload("w2").vcpus = 6;
            f.workload("w3").vcpus = 3;
            f.moves = vec![order(3, "w2", "a", "b")];
        },
        |f| {
            f.workload("w2").vcpus = 6;
            f.workload("w3").vcpus = 1;
            f.moves = vec![order(3, "w2", "a", "b")];
        },
    ),
    ("MeanOverload", |f| consolidation(f, 1_002.0), |f| consolidation(f, 1_000.0)),
];

/// Three windows in which w1 and w3 peak together or one after another.
fn peaks(fixture: &mut Fixture, together: bool) {
    let residuals = |peak: usize| {
        let of_window = |window| [if window == peak { 1_000.0 } else { -500.0 }; 2];
        (0..3).flat_map(of_window).collect()
    };
    let other = if together { 0 } else { 1 };
    fixture.cpu = vec![
        Series { workload: "w1", means: vec![1_000.0; 2], residuals: residuals(0) },
        Series { workload: "w3", means: vec![1_000.0; 2], residuals: residuals(other) },
    ];
}

#[test]
fn a_common_peak_is_seen_as_one() {
    // Deviation of one: √((1000² + 500² + 500²)/3) = 707. Together 1,414, one after another
    // √((500² + 500² + 1000²)/3) = 707; × 1.645 on a mean of 2,000.
    let mut fixture = Fixture::default();
    peaks(&mut fixture, true);
    let found = fixture.check();
    assert_eq!(kinds(&found), BTreeSet::from(["Overload"]));
    assert_eq!(
        found[0].to_string(),
        "host `b` at 2011-03-13T07:06:40Z: expected a 0.95-quantile of cpu of at most 4000, \
         found 4326 with the plan and 2163 without"
    );
    peaks(&mut fixture, false);
    assert_eq!(fixture.check(), []);
}

#[test]
fn variance_within_a_bucket_adds_with_the_square_of_the_share() {
    // Mean 2,000 of w3 and half of w1; deviation √(1 + ¼)·1,000 = 1,118, × 1.645 = 1,839.
    let check = |mean: f32, expected: &[&str]| {
        let mut fixture = Fixture { within_variance: 1_000_000.0, ..Fixture::default() };
        split_over(&mut fixture, ["a", "c"], 2);
        fixture.moves[0].from = "c".into();
        fixture.cpu = [("w1", 1_000.0), ("w3", mean)]
            .map(|(workload, mean)| Series {
                workload,
                means: vec![mean; 2],
                residuals: vec![0.0; 2],
            })
            .into();
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{mean}");
    };
    check(1_650.0, &[]);
    check(1_670.0, &["Overload"]);
}

#[test]
fn without_scenarios_only_means_are_known() {
    let mut fixture = Fixture { within_variance: 1e9, ..Fixture::default() };
    fixture.cpu = ["w1", "w3"]
        .map(|workload| Series { workload, means: vec![2_000.0; 2], residuals: vec![] })
        .into();
    assert_eq!(fixture.check(), []);
    fixture.cpu[0].means[1] = 2_001.0;
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Overload"]));
}

#[test]
fn a_bucket_after_the_departure_is_not_blamed() {
    let mut fixture = Fixture { bucket_ends: vec![12, 36], ..Fixture::default() };
    let series =
        |workload| Series { workload, means: vec![100.0, 3_500.0], residuals: vec![0.0; 2] };
    fixture.cpu = vec![series("w1"), series("w3")];
    two_moves(&mut fixture, 40, ("w1", "b", "c"));
    assert_eq!(fixture.check(), []);
    fixture.moves.pop();
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Overload"]));
}

#[test]
fn a_bucket_before_the_arrival_is_not_blamed() {
    let check = |peak: usize, expected: &[&str]| {
        let mut fixture = Fixture { bucket_ends: vec![1, 2, 3, 36], ..Fixture::default() };
        let mut means = vec![100.0; 4];
        means[peak] = 3_500.0;
        fixture.cpu = ["w1", "w3"]
            .map(|workload| Series { workload, means: means.clone(), residuals: vec![0.0; 4] })
            .into();
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{peak}");
    };
    check(0, &[]);
    check(1, &[]);
    check(2, &["Overload"]);
    check(3, &["Overload"]);
}

#[test]
fn a_swap_within_a_step_is_a_transient_and_a_longer_one_is_not() {
    let check = |wait: i64, expected: &[&str]| {
        let mut fixture = Fixture::default();
        fixture.workload("w1").vcpus = 3;
        fixture.workload("w3").vcpus = 3;
        two_moves(&mut fixture, wait, ("w3", "b", "c"));
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{wait}");
    };
    check(2, &[]);
    check(5, &["Overload"]);
}

#[test]
fn a_consolidation_keeps_the_quantile_within_the_hour() {
    let check = |mean: [f32; 2], expected: &[&str]| {
        let mut fixture = Fixture::default();
        consolidation(&mut fixture, 0.0);
        let spread = [1.0, 1.0, -1.0, -1.0].map(|sign| sign * 500.0);
        let residuals = spread.to_vec();
        fixture.cpu[0] = Series { workload: "w1", means: mean.to_vec(), residuals };
        fixture.cpu[1].means = vec![2_000.0; 2];
        assert_eq!(kinds(&fixture.check()), expected.iter().copied().collect(), "{mean:?}");
    };
    // The deviation is 500, the 0.95-quantile 822 above the mean.
    check([1_100.0, 1_900.0], &[]);
    check([1_300.0, 1_900.0], &["Overload"]);
    check([1_100.0, 2_100.0], &["MeanOverload"]);
}

#[test]
fn the_layers_do_not_blame_each_other() {
    // An answer brings w1 to `b`, a consolidation w2: together they pass the quantile later than
    // in an hour, which only the consolidation may do.
    let mut fixture = Fixture::default();
    let flat = |workload, mean, spread: f32| Series {
        workload,
        means: vec![mean, mean],
        residuals: vec![0.0, spread, 0.0, -spread],
    };
    fixture.cpu =
        vec![flat("w1", 1_000.0, 200.0), flat("w2", 900.0, 200.0), flat("w3", 1_900.0, 200.0)];
    two_moves(&mut fixture, 0, ("w2", "a", "b"));
    assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Overload"]));
    fixture.moves[1].purpose = Purpose::Empty("a".into());
    assert_eq!(fixture.check(), []);
}
