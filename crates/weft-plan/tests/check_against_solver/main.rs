//! The checker against the solver: on random situations, plans that are made break nothing,
//! neither as a whole nor when they are carried out start by start. The two share no code; where they
//! differ, one of them is wrong.

mod fleets;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestCaseError;
use weft_core::fleet::{Placement, Replica};
use weft_core::id::{MoveId, PlanId};
use weft_core::observation::Observation;
use weft_core::plan::{Move, Plan, Strategy as MoveStrategy};
use weft_core::time::Timestamp;
use weft_plan::check::{check, check_start};
use weft_plan::situation::{PastMove, Situation};
use weft_plan::{Effort, Numbering, make};

use crate::fleets::{Knobs, knobs, situation};

const EFFORT: Effort = Effort { iterations: 2_000, seed: 7 };

fn plan(situation: &Situation, parent: Option<&Plan>) -> Plan {
    let numbering = Numbering { plan: PlanId(1), first_move: MoveId(100) };
    make(situation, parent, numbering, EFFORT, &|| false)
}

fn assert_passes(situation: &Situation, plan: &Plan) -> Result<(), TestCaseError> {
    let found = check(situation, plan);
    if found.is_empty() {
        return Ok(());
    }
    let sentences: Vec<String> = found.iter().map(ToString::to_string).collect();
    let moves: Vec<String> = plan.moves.iter().map(describe).collect();
    let message = format!("{}\nof the plan\n{}", sentences.join("\n"), moves.join("\n"));
    Err(TestCaseError::fail(message))
}

fn describe(order: &Move) -> String {
    format!(
        "  {} {} {} from {} to {}, {} for {} ({:?}), after {:?}",
        order.id,
        order.strategy,
        order.workload,
        order.from,
        order.to,
        order.start,
        order.prediction.duration,
        order.purpose,
        order.prerequisites
    )
}

/// Carries a plan out as predicted: before each start the fleet is observed and the move is judged
/// once more.
fn carry_out(situation: &Situation, plan: &Plan) -> Result<(), TestCaseError> {
    let mut now = situation.clone();
    let mut moves: Vec<Move> = plan.moves.clone();
    moves.sort_by_key(|order| (order.start, order.id));
    now.waiting.clone_from(&moves);
    for order in &moves {
        advance(&mut now, situation, order.start);
        now.waiting.retain(|other| other.id != order.id);
        let fresh = now.observation.as_ref().clone();
        if let Err(refused) = check_start(&now, order, &fresh) {
            let moves: Vec<String> = plan.moves.iter().map(describe).collect();
            let message = format!("{refused}\nof the plan\n{}", moves.join("\n"));
            return Err(TestCaseError::fail(message));
        }
        now.running.push(order.clone());
        now.recent_starts.push(order.start);
    }
    Ok(())
}

/// Ends what has ended by `at`. What is overdue when planning goes on until it is given up.
fn advance(now: &mut Situation, begun: &Situation, at: Timestamp) {
    let patience = begun.policy.give_up_factor;
    let end = |order: &Move| {
        let predicted = order.start + order.prediction.duration;
        if predicted > begun.now {
            return predicted;
        }
        let whole = order.prediction.duration.as_seconds_f64() * patience;
        let given_up = order.start + weft_core::time::Span::from_seconds_f64(whole);
        given_up.max(begun.now + weft_core::time::Span::from_millis(1))
    };
    let mut observation = Observation { at, ..now.observation.as_ref().clone() };
    let (mut ended, running): (Vec<Move>, Vec<Move>) =
        std::mem::take(&mut now.running).into_iter().partition(|order| end(order) <= at);
    ended.sort_by_key(|order| (end(order), order.id));
    for order in &ended {
        land(&mut observation.placement, order);
        let past = PastMove { from: order.from.clone(), ended: end(order) };
        now.past_moves.insert(order.workload.clone(), past);
    }
    now.running = running;
    now.now = at;
    now.observation = Arc::new(observation);
}

fn land(placement: &mut Placement, order: &Move) {
    let replicas = placement.0.entry(order.workload.clone()).or_default();
    let by_host: BTreeMap<_, _> =
        replicas.iter().enumerate().map(|(n, replica)| (replica.host.clone(), n)).collect();
    let source = by_host[&order.from];
    match order.strategy {
        MoveStrategy::Split { share_permille } => {
            replicas[source].share_permille -= share_permille;
            replicas.push(Replica { host: order.to.clone(), share_permille });
        }
        MoveStrategy::Merge => {
            let share = replicas[source].share_permille;
            replicas[by_host[&order.to]].share_permille += share;
            replicas.remove(source);
        }
        _ => replicas[source].host = order.to.clone(),
    }
}

fn judge(knobs: &Knobs) -> Result<usize, TestCaseError> {
    judge_situation(situation(knobs))
}

fn judge_situation(situation: Situation) -> Result<usize, TestCaseError> {
    let made = plan(&situation, None);
    assert_passes(&situation, &made)?;
    carry_out(&situation, &made)?;
    let mut later = situation;
    later.waiting.clone_from(&made.moves);
    let again = plan(&later, Some(&made));
    assert_passes(&later, &again)?;
    Ok(made.moves.len())
}

/// Random situations, the same in every run.
const SITUATIONS: usize = 2_000;

#[test]
fn no_plan_breaks_anything() {
    assert_none_breaks(SITUATIONS, |_| {});
}

/// A fleet with a split workload under a spread rule. As long as one replica stood for all of a
/// workload, a move that left too few domains passed the solver in more than half of these.
#[test]
fn no_plan_narrows_a_spread_of_split_workloads() {
    assert_none_breaks(200, |knobs| {
        (knobs.seed, knobs.hosts, knobs.workloads) = (7_617_355_705_021_367_827, 7, 19);
        (knobs.rules, knobs.splits) = (1, true);
    });
}

/// As long as answers and savings were ordered together, a host was emptied onto one that an answer
/// then filled.
#[test]
fn no_answer_fills_a_host_that_another_was_emptied_onto() {
    let mut situation = situation(&Knobs {
        seed: 7_617_355_705_021_367_827,
        hosts: 7,
        workloads: 19,
        load_percent: 82,
        windows: 9,
        rules: 0,
        running: 0,
        lost: 0,
        draining: 1,
        splits: true,
        tight_budgets: false,
        blackout: false,
        past_moves: true,
        scoped: true,
    });
    Arc::make_mut(&mut situation.policy).prices.per_move = 0.005;
    let moves = judge_situation(situation).expect("no state on the way breaks anything");
    assert!(moves > 0, "the situation calls for moves");
}

fn assert_none_breaks(situations: usize, narrow: impl Fn(&mut Knobs)) {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut broken = 0;
    for _ in 0..situations {
        let mut knobs = knobs().new_tree(&mut runner).expect("knobs").current();
        narrow(&mut knobs);
        if let Err(why) = judge(&knobs) {
            broken += 1;
            eprintln!("{why}\n{knobs:?}");
        }
    }
    println!("{broken} of {situations} situations led to a plan that breaks something");
    assert!(broken == 0, "{broken} of {situations}, see above");
}

/// The property above says nothing if the random situations call for no moves.
#[test]
fn random_situations_call_for_moves() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let moves: usize = (0..60)
        .map(|_| knobs().new_tree(&mut runner).expect("knobs").current())
        .map(|knobs| plan(&situation(&knobs), None).moves.len())
        .sum();
    assert!(moves > 60, "{moves} moves in 60 situations");
}
