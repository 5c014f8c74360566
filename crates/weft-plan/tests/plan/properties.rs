//! Solver and checker argue over random fleets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use weft_core::id::{MoveId, PlanId};
use weft_core::observation::{HostState, Observation};
use weft_core::plan::{Plan, Strategy as How};
use weft_core::policy::{Domain, Rule, Selector};
use weft_plan::check::check;
use weft_plan::situation::Situation;
use weft_plan::{Effort, Numbering, WhyStays, WorkloadReason, explain_workload, make};

use crate::fleets::{self, Case};

const NUMBERING: Numbering = Numbering { plan: PlanId(7), first_move: MoveId(100) };

fn plan(situation: &Situation, seed: u64) -> Plan {
    make(situation, None, NUMBERING, Effort { iterations: 300, seed }, &|| false)
}

/// After so many plans in a row that were carried out nothing is left to do.
const SETTLED_WITHIN: u64 = 8;

/// The observation after every move of a plan has succeeded.
pub(crate) fn carried_out(situation: &Situation, plan: &Plan) -> Situation {
    let mut observation: Observation = (*situation.observation).clone();
    for planned in &plan.moves {
        match planned.strategy {
            How::Split { .. } | How::Merge => {}
            _ => observation.placement.put(planned.workload.clone(), planned.to.clone()),
        }
    }
    Situation { observation: Arc::new(observation), ..situation.clone() }
}

/// A plan in a few lines, for messages.
fn told(plan: &Plan) -> String {
    let line = |m: &weft_core::plan::Move| {
        let (begins, duration) = (m.start - fleets::NOW, m.prediction.duration);
        let (id, purpose, needs) = (m.id, &m.purpose, &m.prerequisites);
        format!(
            "{id} {} {}→{} {} at {begins} for {duration}, {purpose:?}, after {needs:?}",
            m.workload, m.from, m.to, m.strategy
        )
    };
    plan.moves.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn rules(kind: u8) -> Vec<Rule> {
    let some = |numbers: &[usize]| Selector::names(numbers.iter().map(|n| format!("vm-{n:05}")));
    let hosts = |numbers: &[usize]| Selector::names(numbers.iter().map(|n| format!("host-{n:04}")));
    match kind % 6 {
        0 => vec![],
        1 => vec![Rule::AntiAffinity { workloads: some(&[0, 1, 2, 3]), domain: Domain::Host }],
        2 => vec![Rule::Spread {
            workloads: some(&[0, 1, 2, 3, 4]),
            domain: Domain::Zone,
            minimum: 2,
        }],
        3 => vec![Rule::Pin { workloads: some(&[5, 6]), hosts: hosts(&[0, 1, 2]) }],
        4 => vec![
            Rule::Exclude { workloads: some(&[7, 8]), hosts: hosts(&[1]) },
            Rule::AntiAffinity { workloads: some(&[1, 2]), domain: Domain::Zone },
        ],
        _ => vec![Rule::Affinity { workloads: some(&[0, 1]), domain: Domain::Zone }],
    }
}

fn fleet() -> impl Strategy<Value = Case> {
    let sizes = (any::<u64>(), 3_usize..9, 10_usize..40, 0.15_f32..0.9, any::<u8>(), 0_u8..8);
    sizes.prop_map(|(seed, hosts, workloads, fill, kind, trouble)| {
        let case = fleets::random(seed, hosts, workloads, fill);
        let case = case.policy(|policy| policy.rules = rules(kind));
        match trouble {
            0 => case.state("host-0001", HostState::Lost),
            1 => case.state("host-0001", HostState::Draining),
            2 => case.policy(|policy| policy.budgets.in_flight_per_host = 1),
            3 => case.policy(|policy| policy.consecutive_steps = 2),
            _ => case,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_checker_finds_nothing_wrong(case in fleet(), seed in any::<u64>()) {
        let situation = case.situation();
        let plan = plan(&situation, seed);
        let violations = check(&situation, &plan);
        prop_assert!(violations.is_empty(), "{violations:?}\n{}", told(&plan));
        // The journal refuses what does not read back as it was written.
        let written = serde_json::to_string(&plan).expect("a plan can be written");
        let read: Plan = serde_json::from_str(&written).expect("what was written can be read");
        prop_assert_eq!(&read, &plan);
        for (number, planned) in plan.moves.iter().enumerate() {
            prop_assert_eq!(planned.id, MoveId(100 + number as u64));
            prop_assert!(planned.earliest_start <= planned.start);
            prop_assert!(planned.start <= planned.latest_start);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_plan(case in fleet(), seed in any::<u64>()) {
        let situation = case.situation();
        prop_assert_eq!(plan(&situation, seed), plan(&situation, seed));
    }

    /// Without rules: mending one comes first and may take the room that the plan before used.
    #[test]
    fn a_plan_stands_until_a_better_one_is_found(case in fleet(), seed in any::<u64>()) {
        let situation = case.situation();
        let first = plan(&situation, seed);
        let effort = Effort { iterations: 300, seed };
        let next = make(&situation, Some(&first), NUMBERING, effort, &|| false);
        let targets = |plan: &Plan| {
            let moves = plan.moves.iter();
            moves.map(|m| (m.workload.clone(), m.to.clone())).collect::<BTreeSet<_>>()
        };
        let (before, after) = (targets(&first), targets(&next));
        let kept = before.intersection(&after).count();
        let is_better = next.unanswered.len() < first.unanswered.len()
            || next.cost_with.total() < first.cost_with.total();
        let ruled = !situation.policy.rules.is_empty();
        let stands = ruled || 2 * kept >= before.len().max(after.len());
        prop_assert!(stands || is_better, "{}\nthen\n{}", told(&first), told(&next));
    }

    #[test]
    fn a_plan_that_was_stopped_is_still_sound(case in fleet(), questions in 0_u32..200) {
        let situation = case.situation();
        let asked = AtomicU32::new(0);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) >= questions;
        let effort = Effort { iterations: u64::MAX, seed: 1 };
        let plan = make(&situation, None, NUMBERING, effort, &stop);
        prop_assert!(check(&situation, &plan).is_empty(), "{:?}\n{}", check(&situation, &plan), told(&plan));
        if questions == 0 {
            prop_assert!(plan.moves.is_empty());
        }
    }

    #[test]
    fn one_unmovable_workload_never_sinks_a_plan(case in fleet(), seed in any::<u64>()) {
        let name = "vm-00004";
        let workloads = Selector::names([name]);
        let case = case.policy(|policy| policy.rules.push(Rule::Immovable { workloads }));
        let situation = case.situation();
        let plan = plan(&situation, seed);
        prop_assert!(check(&situation, &plan).is_empty(), "{:?}\n{}", check(&situation, &plan), told(&plan));
        let lost = case.states.values().any(|state| *state == HostState::Lost);
        let stays = plan.moves.iter().all(|planned| planned.workload != name.into());
        prop_assert!(stays || lost);
        if stays && !lost {
            let why = explain_workload(&situation, &plan, &name.into());
            let is_rule = matches!(why, WorkloadReason::Stays(WhyStays::Immovable { .. }));
            prop_assert!(is_rule, "{why:?}");
        }
    }

    #[test]
    fn a_plan_never_expects_more_overload_by_consolidating(case in fleet(), seed in any::<u64>()) {
        let situation = case.situation();
        let plan = plan(&situation, seed);
        let with = plan.cost_with;
        let saved = plan.cost_without.total() - with.total();
        let answers = !plan.shortages.is_empty();
        let lost = case.states.values().any(|state| *state != HostState::Ready);
        let ruled = !situation.policy.rules.is_empty();
        prop_assert!(answers || lost || ruled || plan.moves.is_empty() || saved > 0.0, "{plan:#?}");
    }

    /// What the order on the way kept a plan from doing, a later one does, and each of them pays; then nothing is
    /// left. Nobody is moved back, unless a plan on the way had to leave a shortage, which is answered, or shared
    /// anew, once a host has gained room; and a rule that only becomes mendable when a host is empty may call
    /// it back.
    #[test]
    fn plans_that_are_carried_out_settle(case in fleet(), seed in any::<u64>()) {
        let mut situation = case.situation();
        let mut last = plan(&situation, seed);
        let mut left: BTreeSet<_> = BTreeSet::new();
        let (mut returns, mut has_left_some, mut story) = (0, false, String::new());
        for round in 1..=SETTLED_WITHIN {
            story = format!("{story}\nround {round}\n{}", told(&last));
            for planned in &last.moves {
                let target = (planned.workload.clone(), planned.to.clone());
                returns += usize::from(left.contains(&target));
            }
            has_left_some |= !last.unanswered.is_empty();
            left.extend(last.moves.iter().map(|m| (m.workload.clone(), m.from.clone())));
            situation = carried_out(&situation, &last);
            let effort = Effort { iterations: 300, seed: seed.wrapping_add(round) };
            last = make(&situation, Some(&last), NUMBERING, effort, &|| false);
        }
        prop_assert!(last.moves.is_empty(), "{story}\nand then\n{}", told(&last));
        let is_ruled = !case.policy.rules.is_empty();
        prop_assert!(returns == 0 || is_ruled || has_left_some, "{story}");
    }
}
