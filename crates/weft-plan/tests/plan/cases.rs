//! One case for every strategy and every refusal, each made for it.

use std::sync::Arc;

use weft_core::fleet::Storage;
use weft_core::forecast::Confidence;
use weft_core::id::{HostId, MoveId, PlanId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::plan::{Lack, Move, Plan, Purpose, Standstill, Strategy};
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::Resource;
use weft_core::shortage::ShortageKey;
use weft_core::time::Span;
use weft_plan::check::check;
use weft_plan::situation::{PastMove, Situation};
use weft_plan::{
    Effort, Numbering, WhyStays, WorkloadReason, detect, explain_workload, host_outlook, make,
};

use crate::fleets::{Case, NOW};

fn plan(situation: &Situation) -> Plan {
    let numbering = Numbering { plan: PlanId(1), first_move: MoveId(1) };
    let plan = make(situation, None, numbering, Effort { iterations: 500, seed: 3 }, &|| false);
    let violations = check(situation, &plan);
    assert!(violations.is_empty(), "{violations:#?}\n{plan:#?}");
    plan
}

/// Two hosts of 8 cores; three workloads on the first that need more than it has from 14:00 on.
fn crowded() -> Case {
    let rises = |step: usize| if step < 36 { 1_500.0 } else { 3_200.0 };
    Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 1)
        .workload("one", "a", (4, 8), rises, 50.0)
        .workload("three", "a", (4, 8), rises, 50.0)
        .workload("two", "a", (4, 8), rises, 50.0)
}

fn only(plan: &Plan) -> &Move {
    assert_eq!(plan.moves.len(), 1, "{plan:#?}");
    &plan.moves[0]
}

fn key(host: &str) -> ShortageKey {
    ShortageKey { host: host.into(), resource: Resource::Cpu }
}

#[test]
fn a_shortage_ahead_is_answered_live_and_before_it_begins() {
    let situation = crowded().situation();
    let plan = plan(&situation);
    let shortage = &plan.shortages[0];
    assert_eq!(shortage.key, key("a"));
    assert!(shortage.begins >= NOW + Span::from_hours(2), "{shortage:?}");
    let answer = only(&plan);
    assert_eq!((answer.strategy, &answer.to), (Strategy::Live, &HostId::from("b")));
    assert_eq!(answer.purpose, Purpose::Shortage(key("a")));
    let margin = situation.policy.start_margin;
    assert_eq!(answer.start + answer.prediction.duration + margin, shortage.begins);
    assert!(answer.latest_start > answer.start && answer.latest_start < shortage.begins);
    assert!(answer.overload_without > 0.5 && answer.overload_with < 0.05, "{answer:?}");
    assert!(plan.cost_with.overload < plan.cost_without.overload);
    assert!(plan.unanswered.is_empty());
    assert_eq!(detect(&situation), plan.shortages);
}

#[test]
fn a_live_migration_that_does_not_converge_gives_way_to_a_preemptive_one() {
    let fast = |workload: &mut weft_core::fleet::Workload| {
        workload.dirty_rate_bytes_per_second = 10_000_000_000;
    };
    let case = crowded().edit("one", fast).edit("two", fast).edit("three", fast);
    let answered = plan(&case.situation());
    let answer = only(&answered);
    assert_eq!(answer.strategy, Strategy::Preemptive);
    assert!(answer.prediction.downtime >= Span::from_seconds(20));
    assert!(answer.cost.downtime > 0.0);

    let live_only =
        |workload: &mut weft_core::fleet::Workload| workload.mobility.preemptive = false;
    let case = case.edit("one", live_only).edit("two", live_only).edit("three", live_only);
    let refused = plan(&case.situation());
    assert!(refused.moves.is_empty());
    let Standstill::NoStrategy { lacks, .. } = &refused.unanswered[0].why else {
        panic!("{:?}", refused.unanswered)
    };
    assert!(matches!(lacks[0], (Strategy::Live, Lack::Convergence { .. })), "{lacks:?}");
}

#[test]
fn the_stop_of_a_preemptive_move_may_cost_more_than_the_shortage() {
    let precious = |workload: &mut weft_core::fleet::Workload| {
        workload.mobility.live = false;
        workload.downtime_weight = 10_000.0;
    };
    let case = crowded().edit("one", precious).edit("two", precious).edit("three", precious);
    let plan = plan(&case.situation());
    assert!(plan.moves.is_empty());
    let why = &plan.unanswered[0].why;
    assert!(
        matches!(why, Standstill::CheaperToBear { shortage, answer } if answer > shortage),
        "{why:?}"
    );
}

#[test]
fn a_fleet_too_full_for_its_confidence_shares_the_excess() {
    // 12 cores' worth on one host of 8, 5 on the other: nothing keeps 0.999, and 10 : 7 is better.
    let case = Case::new()
        .policy(|policy| {
            policy.consolidate = false;
            policy.confidence = Confidence::new(0.999).expect("in [0.5, 1)");
        })
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 1);
    let demand = |_: usize| 3_000.0;
    let case = ["one", "two", "three", "four"]
        .iter()
        .fold(case, |case, name| case.workload(name, "a", (4, 8), demand, 400.0));
    let case = case.workload("other", "b", (8, 8), |_: usize| 5_000.0, 400.0);
    let plan = plan(&case.situation());
    let answer = only(&plan);
    assert_eq!((&answer.to, &answer.purpose), (&"b".into(), &Purpose::Shortage(key("a"))));
    assert!(plan.cost_with.overload < plan.cost_without.overload);
    assert!(!plan.unanswered.is_empty(), "what is left of the shortage is told");
}

/// A workload that needs more than either host has left, and may be split in two.
fn oversized() -> Case {
    let high = |_: usize| 9_000.0;
    Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 1)
        .workload("large", "a", (12, 8), high, 50.0)
        .edit("large", |workload| workload.mobility.max_replicas = 2)
}

#[test]
fn what_no_host_can_carry_whole_is_split() {
    let case = oversized();
    let split = plan(&case.situation());
    let answer = only(&split);
    assert_eq!(answer.strategy, Strategy::Split { share_permille: 500 });
    assert_eq!(answer.prediction.downtime, Span::ZERO);

    let whole = oversized().edit("large", |workload| workload.mobility.max_replicas = 1);
    let refused = plan(&whole.situation());
    assert!(refused.moves.is_empty());
    let Standstill::NoTarget { rejected } = &refused.unanswered[0].why else {
        panic!("{:?}", refused.unanswered)
    };
    assert!(matches!(rejected[0].lack, Lack::Overload { .. }), "{rejected:?}");
}

#[test]
fn a_split_ends_when_the_whole_fits_again() {
    let case = |level: f32| {
        Case::new()
            .policy(|policy| policy.consolidate = false)
            .host("a", 8, 64, 0)
            .host("b", 8, 64, 1)
            .workload("large", "a", (12, 8), move |_| level, 50.0)
            .edit("large", |workload| workload.mobility.max_replicas = 2)
            .split("large", &[("a", 500), ("b", 500)])
    };
    let merged = plan(&case(5_000.0).situation());
    let merge = only(&merged);
    assert_eq!((merge.strategy, &merge.purpose), (Strategy::Merge, &Purpose::Merge));
    assert!(plan(&case(9_000.0).situation()).moves.is_empty(), "the peak lasts");
}

#[test]
fn what_a_lost_host_carried_is_restarted_by_priority() {
    let calm = |_: usize| 1_000.0;
    let case = Case::new()
        .host("a", 8, 64, 0)
        .host("b", 8, 16, 1)
        .workload("minor", "a", (2, 12), calm, 10.0)
        .workload("vital", "a", (2, 12), calm, 10.0)
        .edit("vital", |workload| workload.priority = 9)
        .state("a", HostState::Lost);
    let plan = plan(&case.situation());
    let recovery = only(&plan);
    assert_eq!((recovery.strategy, recovery.workload.as_str()), (Strategy::Recover, "vital"));
    assert_eq!(recovery.start, NOW);
    assert_eq!(plan.unanswered.len(), 1, "{:?}", plan.unanswered);
    let Standstill::NoStrategy { workload, lacks } = &plan.unanswered[0].why else {
        panic!("{:?}", plan.unanswered)
    };
    assert_eq!(workload.as_str(), "minor");
    let is_room = |(strategy, lack): &(Strategy, Lack)| {
        *strategy == Strategy::Recover && matches!(lack, Lack::Room { .. })
    };
    assert!(lacks.iter().any(is_room), "{lacks:?}");
}

#[test]
fn a_host_is_emptied_only_where_that_pays() {
    let calm = |_: usize| 1_000.0;
    let case = || {
        Case::new()
            .host("a", 8, 64, 0)
            .host("b", 8, 64, 0)
            .workload("one", "a", (2, 8), calm, 10.0)
            .workload("two", "b", (2, 8), calm, 10.0)
    };
    let emptied = plan(&case().situation());
    let saving = only(&emptied);
    assert!(matches!(saving.purpose, Purpose::Empty(_)), "{saving:?}");
    assert!(emptied.cost_with.total() < emptied.cost_without.total());
    assert!(plan(&case().policy(|p| p.consolidate = false).situation()).moves.is_empty());
    let dear = case().policy(|policy| policy.prices.per_move = 10.0);
    assert!(plan(&dear.situation()).moves.is_empty(), "a move that costs more than it saves");
}

#[test]
fn a_draining_host_is_cleared_and_takes_nothing() {
    let case = crowded().state("b", HostState::Draining).host("c", 8, 64, 2);
    let case = case.workload("guest", "b", (1, 4), |_| 500.0, 10.0);
    let plan = plan(&case.situation());
    assert!(plan.moves.iter().all(|planned| planned.to.as_str() == "c"), "{plan:#?}");
    let drains = |planned: &&Move| matches!(planned.purpose, Purpose::Drain(_));
    assert_eq!(plan.moves.iter().filter(drains).count(), 1);
}

#[test]
fn a_broken_rule_is_mended() {
    let workloads = || Selector::names(["one", "two"]);
    let rule = Rule::AntiAffinity { workloads: workloads(), domain: Domain::Host };
    let calm = |_: usize| 500.0;
    let case = Case::new()
        .policy(|policy| policy.rules = vec![rule])
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 0)
        .workload("one", "a", (2, 8), calm, 10.0)
        .workload("two", "a", (2, 8), calm, 10.0);
    let mended = plan(&case.situation());
    assert_eq!(only(&mended).purpose, Purpose::Rule);
}

#[test]
fn a_full_fleet_is_answered_by_a_swap() {
    let high = |_: usize| 3_000.0;
    let low = |_: usize| 2_000.0;
    let case = Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 0)
        .workload("a-1", "a", (4, 8), high, 10.0)
        .workload("a-2", "a", (4, 8), high, 10.0)
        .workload("a-3", "a", (4, 8), low, 10.0)
        .workload("b-1", "b", (4, 8), low, 10.0)
        .workload("b-2", "b", (4, 8), low, 10.0)
        .workload("b-3", "b", (4, 8), |_| 2_500.0, 10.0);
    // 8.0 and 6.5 of 8 cores: nothing fits across, but 3.0 against 2.0 does.
    let plan = plan(&case.situation());
    assert_eq!(plan.moves.len(), 2, "{plan:#?}");
    assert!(plan.unanswered.is_empty(), "{:?}", plan.unanswered);
    let makes_room = |planned: &Move| planned.purpose == Purpose::MakeRoom(key("a"));
    assert!(plan.moves.iter().any(makes_room), "{plan:#?}");
}

#[test]
fn higher_confidence_acts_where_lower_waits() {
    let at = |confidence: f64| {
        let steady = |_: usize| 2_300.0;
        let case = Case::new()
            .policy(|policy| {
                policy.confidence = Confidence::new(confidence).expect("a level");
                policy.consolidate = false;
            })
            .host("a", 8, 64, 0)
            .host("b", 8, 64, 1)
            .workload("one", "a", (4, 8), steady, 250.0)
            .workload("two", "a", (4, 8), steady, 250.0)
            .workload("three", "a", (4, 8), steady, 250.0);
        plan(&case.situation())
    };
    assert!(at(0.7).shortages.is_empty());
    assert_eq!(at(0.999).moves.len(), 1);
}

#[test]
fn a_workload_that_stays_says_why() {
    let stays = |situation: &Situation, name: &str| {
        let WorkloadReason::Stays(why) =
            explain_workload(situation, &plan(situation), &name.into())
        else {
            panic!("{name} moves")
        };
        why
    };
    let mut cooling = crowded().situation();
    for name in ["one", "two", "three"] {
        let past = PastMove { from: "b".into(), ended: NOW - Span::from_minutes(5) };
        cooling.past_moves.insert(WorkloadId::from(name), past);
    }
    let until = NOW + Span::from_minutes(25);
    assert_eq!(stays(&cooling, "one"), WhyStays::CoolingDown { until });
    let plan_of = plan(&cooling);
    assert_eq!(plan_of.unanswered[0].why, Standstill::NothingMovable);
    assert_eq!(stays(&cooling, "nobody"), WhyStays::Unknown);

    let scope = Selector::names(["b"]);
    let outside = crowded().policy(|policy| policy.scope = scope).situation();
    assert_eq!(stays(&outside, "two"), WhyStays::OutOfScope);

    // Lost, and bound to hosts that are: the rule is the reason, not the other lost host.
    let pinned =
        Rule::Pin { workloads: Selector::names(["one"]), hosts: Selector::names(["a", "c"]) };
    let lost = crowded()
        .host("c", 8, 64, 0)
        .policy(|policy| policy.rules.push(pinned))
        .state("a", HostState::Lost)
        .state("c", HostState::Lost)
        .situation();
    let WhyStays::Lost { host, rejected } = stays(&lost, "one") else { panic!("its host is lost") };
    assert_eq!((host.as_str(), rejected[0].host.as_str()), ("a", "b"));
    assert_eq!(rejected[0].lack, Lack::Rule { position: 0 });

    let calm = crowded().workload("calm", "b", (1, 2), |_| 100.0, 1.0).situation();
    let WhyStays::NoCause { rejected } = stays(&calm, "calm") else { panic!("it has a cause") };
    assert!(!rejected.is_empty());
}

#[test]
fn a_shortage_that_can_wait_waits() {
    // The mean stays below the limit; only the tail, hours ahead, exceeds it.
    let late = |step: usize| if step < 60 { 1_000.0 } else { 2_550.0 };
    let case = Case::new()
        .policy(|policy| policy.consolidate = false)
        .host("a", 8, 64, 0)
        .host("b", 8, 64, 1)
        .workload("one", "a", (4, 8), late, 250.0)
        .workload("two", "a", (4, 8), late, 250.0)
        .workload("three", "a", (4, 8), late, 250.0);
    let plan = plan(&case.situation());
    assert_eq!(plan.shortages.len(), 1);
    assert!(plan.moves.is_empty(), "{plan:#?}");
    let Standstill::Later { decide_by } = plan.unanswered[0].why else {
        panic!("{:?}", plan.unanswered)
    };
    assert_eq!(decide_by + Span::from_hours(1), plan.shortages[0].begins);
}

#[test]
fn between_regions_a_link_is_needed_and_the_disk_goes_along() {
    let two_regions = |regions: usize| {
        let mut case = crowded();
        case.regions = regions;
        for workload in case.workloads.values_mut() {
            workload.storage = Storage::Shared;
            workload.allocated[Resource::StorageSpace] = 100_000_000_000;
        }
        plan(&case.situation())
    };
    let near = two_regions(1);
    let far = two_regions(2);
    assert!(only(&near).cost.transfer == 0.0);
    assert!(only(&far).cost.transfer > 1.0, "{:?}", only(&far).cost);
    assert!(only(&far).prediction.duration > only(&near).prediction.duration * 5);
}

#[test]
fn a_running_move_counts_where_it_goes() {
    let mut situation = crowded().situation();
    let first = plan(&situation);
    let mut running = only(&first).clone();
    running.start = NOW - Span::from_seconds(5);
    running.id = MoveId(90);
    situation.running = vec![running.clone()];
    let next = plan(&situation);
    assert!(next.moves.is_empty() && next.shortages.is_empty(), "{next:#?}");
    let why = explain_workload(&situation, &next, &running.workload);
    assert_eq!(why, WorkloadReason::Stays(WhyStays::InMotion { id: MoveId(90) }));
    let outlook = &host_outlook(&situation, &"b".into())[0];
    assert!(outlook.buckets[0].mean > 1_000.0, "{outlook:?}");
    assert!(host_outlook(&situation, &"nowhere".into()).is_empty());
}

#[test]
fn what_has_no_series_counts_with_its_allocation() {
    let case = crowded().workload("unknown", "b", (8, 8), |_| 0.0, 0.0);
    let mut case = case;
    case.demands.remove("unknown");
    let situation = case.situation();
    let refused = plan(&Situation { policy: Arc::clone(&situation.policy), ..situation });
    assert!(refused.moves.is_empty());
    assert!(matches!(refused.unanswered[0].why, Standstill::NoTarget { .. }));
}
