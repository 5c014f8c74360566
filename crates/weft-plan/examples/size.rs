//! Prints how long `make` takes on fleets of the usual size: `cargo run --release -p weft-plan
//! --example size`. Its inputs are drawn from a seed.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time")]

use std::io::{self, Write};
use std::time::Instant;

use weft_core::id::{MoveId, PlanId};
use weft_plan::{Effort, Numbering, detect, make};

#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
#[path = "../tests/plan/fleets.rs"]
mod fleets;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    let numbering = Numbering { plan: PlanId(1), first_move: MoveId(1) };
    let effort = Effort { iterations: 20_000, seed: 1 };
    for (hosts, workloads, fill) in [
        (60, 1_000, 0.3),
        (60, 1_000, 0.55),
        (60, 1_000, 0.7),
        (350, 1_000, 0.1),
        (350, 3_000, 0.5),
    ] {
        let mut situation = fleets::random(7, hosts, workloads, fill).situation();
        let begin = Instant::now();
        let shortages = detect(&situation).len();
        let detected = begin.elapsed();
        let begin = Instant::now();
        let plan = make(&situation, None, numbering, effort, &|| false);
        let first = begin.elapsed();
        let mut placement = situation.observation.placement.clone();
        for planned in &plan.moves {
            placement.put(planned.workload.clone(), planned.to.clone());
        }
        let mut after = (*situation.observation).clone();
        after.placement = placement;
        situation.observation = after.into();
        let begin = Instant::now();
        let next = make(&situation, Some(&plan), numbering, effort, &|| false);
        writeln!(
            out,
            "{hosts} hosts, {workloads} workloads, {fill}: detect {detected:?} ({shortages}), \
             first plan {first:?} ({} moves, {} left), next {:?} ({} moves, {} left)",
            plan.moves.len(),
            plan.unanswered.len(),
            begin.elapsed(),
            next.moves.len(),
            next.unanswered.len(),
        )?;
        writeln!(out, "  {:?}\n  {:?}", plan.cost_without, plan.cost_with)?;
    }
    Ok(())
}
