//! How hosts look ahead without and with a plan, against the outlook of one host and by hand.

use weft_core::id::{MoveId, PlanId};
use weft_core::observation::HostState;
use weft_core::outlook::{HostAhead, Outlook};
use weft_core::plan::{Move, Plan, Strategy};
use weft_core::time::Span;
use weft_plan::situation::Situation;
use weft_plan::{Effort, Numbering, host_outlook, make, outlook};

use crate::fleets::{Case, NOW, random};

fn plan(situation: &Situation) -> Plan {
    let numbering = Numbering { plan: PlanId(1), first_move: MoveId(1) };
    make(situation, None, numbering, Effort { iterations: 300, seed: 3 }, &|| false)
}

fn row<'a>(outlook: &'a Outlook, host: &str) -> &'a HostAhead {
    outlook.hosts.iter().find(|row| row.host.as_str() == host).expect("a row")
}

fn pair() -> Case {
    Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 1)
        .host("idle", 8, 64, 1)
}

/// Nine cores' worth of three on a host of eight.
fn crowded() -> Case {
    let names = ["one", "three", "two"].iter();
    names.fold(pair(), |case, name| case.workload(name, "a", (4, 8), |_| 3_000.0, 50.0))
}

/// What is expected on host `host` in every bucket, with the plan; `before` until the moves have ended.
fn check(situation: &Situation, plan: &Plan, host: &str, before: f32, after: f32) {
    let found = outlook(situation, plan);
    let ends = plan.moves.iter().map(|planned| planned.start + planned.prediction.duration);
    let end = ends.max().expect("a move");
    let row = row(&found, host);
    assert_eq!(row.mean_with.len(), found.buckets.len());
    for (bucket, mean) in found.buckets.iter().zip(&row.mean_with) {
        let expected = if bucket.begins < end { before } else { after };
        assert!((mean - expected).abs() < 5.0, "{mean} on {host} in {bucket:?}");
    }
    assert!(row.mean_without.iter().all(|mean| (mean - before).abs() < 5.0), "{row:?}");
    let chances = row.overload_without.iter().chain(&row.overload_with);
    assert!(chances.clone().all(|chance| (0.0..=1.0).contains(chance)), "{row:?}");
}

#[test]
fn a_move_counts_on_its_target_from_its_end_on() {
    let situation = crowded().situation();
    let mut plan = plan(&situation);
    assert_eq!((plan.moves.len(), plan.moves[0].strategy), (1, Strategy::Live));
    let target = plan.moves[0].to.to_string();
    for start in [0, 7, 60, 200] {
        plan.moves[0].start = NOW + Span::from_minutes(start);
        check(&situation, &plan, "a", 9_000.0, 6_000.0);
        check(&situation, &plan, &target, 0.0, 3_000.0);
    }
    let found = outlook(&situation, &plan);
    assert!(row(&found, "a").overload_without.iter().all(|chance| *chance > 0.9));
    assert!(row(&found, "a").overload_with.last().is_some_and(|chance| *chance < 0.01));
    assert_eq!(found.hosts.len(), 2, "no row for what nothing demands");
    assert_eq!((found.made_at, found.plan), (NOW, Some(plan.id)));
}

#[test]
fn a_split_takes_its_share_and_a_merge_brings_it_back() {
    let case = |level: f32| {
        pair()
            .workload("large", "a", (12, 8), move |_| level, 50.0)
            .edit("large", |workload| workload.mobility.max_replicas = 2)
    };
    let situation = case(9_000.0).situation();
    let split = plan(&situation);
    assert!(matches!(split.moves[0].strategy, Strategy::Split { share_permille: 500 }));
    check(&situation, &split, "a", 9_000.0, 4_500.0);
    check(&situation, &split, &split.moves[0].to.to_string(), 0.0, 4_500.0);

    let situation = case(5_000.0).split("large", &[("a", 500), ("b", 500)]).situation();
    let merge = plan(&situation);
    assert_eq!(merge.moves[0].strategy, Strategy::Merge);
    check(&situation, &merge, merge.moves[0].from.as_str(), 2_500.0, 0.0);
    check(&situation, &merge, merge.moves[0].to.as_str(), 2_500.0, 5_000.0);
}

#[test]
fn a_lost_host_says_nothing_and_its_workloads_count_where_they_are_restarted() {
    let case = pair().workload("vital", "a", (2, 12), |_| 1_000.0, 10.0);
    let situation = case.state("a", HostState::Lost).situation();
    let recovery = plan(&situation);
    assert_eq!(recovery.moves[0].strategy, Strategy::Recover);
    let found = outlook(&situation, &recovery);
    assert!(row(&found, "a").mean_without.is_empty() && row(&found, "a").overload_with.is_empty());
    check(&situation, &recovery, recovery.moves[0].to.as_str(), 0.0, 1_000.0);
}

#[test]
fn a_running_move_counts_where_it_goes_without_a_plan_too() {
    let mut situation = crowded().situation();
    let mut running: Move = plan(&situation).moves[0].clone();
    running.start = NOW - Span::from_seconds(5);
    running.id = MoveId(90);
    let to = running.to.to_string();
    situation.running = vec![running];
    let nothing = Plan { moves: Vec::new(), ..plan(&situation) };
    let found = outlook(&situation, &nothing);
    for side in [&row(&found, &to).mean_without, &row(&found, &to).mean_with] {
        assert!(side.iter().all(|mean| (mean - 3_000.0).abs() < 5.0), "{side:?}");
    }
}

/// What is shown without a plan is what [`host_outlook`] and with it the trigger see.
#[test]
fn without_a_plan_it_is_the_outlook_of_each_host() {
    for seed in 0..4 {
        let situation = random(seed, 12, 90, 0.7).situation();
        let found = outlook(&situation, &plan(&situation));
        assert!(!found.hosts.is_empty());
        for row in &found.hosts {
            let single = host_outlook(&situation, &row.host);
            let single = single.iter().find(|single| single.resource == row.resource);
            let single = single.expect("the same resource");
            assert_eq!(row.limit, Some(single.limit).filter(|limit| limit.is_finite()));
            for (bucket, expected) in single.buckets.iter().enumerate() {
                let is_close = |found: f32, expected: f64, scale: f64| {
                    (f64::from(found) - expected).abs() <= 1e-3 * (expected.abs() + scale)
                };
                assert!(is_close(row.mean_without[bucket], expected.mean, 1.0));
                assert!(is_close(row.deviation_without[bucket], expected.deviation, 1.0));
                assert!(is_close(row.quantile_without[bucket], expected.quantile, 1.0));
                assert!(is_close(row.overload_without[bucket], expected.overload_probability, 1.0));
            }
        }
    }
}
