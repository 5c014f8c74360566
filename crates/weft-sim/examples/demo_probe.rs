//! Scratch: what happens in the demo fleet, per six hours, and how long its history takes.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use weft_control::control::{Config, Control};
use weft_control::record::Record;
use weft_core::plan::Purpose;
use weft_core::policy::{Mode, Policy};
use weft_core::time::{Span, Timestamp};
use weft_sim::fault::{FaultPlan, Place};
use weft_sim::generator::demo::{demo_fleet, history};
use weft_sim::replay::{Foresight, Replay};
use weft_sim::twin::Twin;
use weft_sim::world::{Physics, World};

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (seed, days, learned) = (arguments[0], arguments[1], arguments[2]);
    let iterations = arguments.get(3).copied().unwrap_or(20_000);
    let lose_at = arguments.get(4).copied().unwrap_or(30);
    let start = Timestamp::from_seconds(1_772_438_400);
    let fleet = demo_fleet(seed, start, 60);
    println!("{} hosts {} workloads {} zones", fleet.topology.hosts().len(), fleet.workloads.len(), fleet.topology.zones().count());
    let spec = fleet.world(Physics::default(), FaultPlan::none(), seed);
    let policy = Policy {
        name: "demo".to_owned(), mode: Mode::Auto, horizon: Span::from_hours(24),
        rules: fleet.rules.clone(), ..Policy::default()
    };
    let mut config = Config::new(fleet.topology.clone(), Arc::new(policy), fleet.step, seed);
    config.publish = false;
    config.iterations = iterations;
    config.history_steps = learned as usize * fleet.step.per_day();
    let clock = Instant::now();
    let past = history(&fleet, learned as u32);
    println!("history {} series {:.2} s", past.len(), clock.elapsed().as_secs_f64());
    let clock = Instant::now();
    let mut bank = config.new_bank();
    for part in past { bank.insert_history(part.key, part.cap, &part.series); }
    println!("bank {:.2} s", clock.elapsed().as_secs_f64());
    if days == 0 { return; }
    let mut twin = Twin::new(spec.clone()).unwrap();
    let mut replay = Replay::new(World::new(spec).unwrap(), config.clone(), Foresight::Forecast)
        .live(Control::new(config).with_bank(bank));
    let mut seen = 0;
    let mut plan_id = None;
    let capacity: f64 = fleet.topology.hosts().map(|h| h.cpu_millicores() as f64).sum();
    for part in 0..days * 4 {
        let clock = Instant::now();
        let end = start + Span::from_hours(6 * (part as i64 + 1));
        let lost = Place::Host(fleet.placement.0.values().next().unwrap()[0].host.clone());
        let (mut most, mut least, mut demand) = (0, usize::MAX, 0.0);
        while replay.world.now() < end {
            let hour = (replay.world.now() - start).as_hours_f64();
            if (hour - lose_at as f64).abs() < 0.01 { replay.world.lose_place(&lost); twin.lose_place(&lost); }
            if (hour - lose_at as f64 - 6.0).abs() < 0.01 { replay.world.bring_back(&lost); twin.bring_back(&lost); }
            let to = replay.world.now() + fleet.step.span();
            replay.run(to, &mut |look| twin.follow(look.world));
            twin.follow(&replay.world);
            let load: f64 = (0..replay.world.host_count()).map(|h| replay.world.host_load(h).demanded).sum();
            let used = (0..replay.world.host_count()).filter(|h| replay.world.residents(*h).next().is_some()).count();
            most = most.max(used); least = least.min(used); demand += load / capacity / 72.0;
            if let Some(plan) = replay.control.plan() && plan_id != Some(plan.id) {
                plan_id = Some(plan.id);
                for s in &plan.shortages {
                    let moves: Vec<_> = plan.moves.iter().filter(|m| m.purpose.shortage() == Some(&s.key)).map(|m| m.id).collect();
                    if !moves.is_empty() { twin.watch(&s.key, weft_core::policy::Window { begins: s.begins, ends: s.ends }, &moves); }
                }
            }
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &replay.journal[seen..] {
            match &entry.record {
                Record::Starting { planned, .. } => {
                    let purpose = match planned.purpose { Purpose::Shortage(_) => "shortage", Purpose::MakeRoom(_) => "room", Purpose::Empty(_) => "empty", Purpose::Drain(_) => "drain", Purpose::Recover(_) => "recover", Purpose::Merge => "merge", Purpose::Rule => "rule" };
                    *counts.entry(format!("{}/{purpose}", planned.strategy)).or_default() += 1;
                }
                Record::Ended { state, .. } if state.name() != "succeeded" => { *counts.entry(format!("end:{}", state.name())).or_default() += 1; }
                Record::Frozen { why, .. } => { *counts.entry(format!("frozen:{why:?}")).or_default() += 1; }
                _ => {}
            }
        }
        seen = replay.journal.len();
        let plan = replay.control.plan().unwrap();
        println!("+{:3} h: use {demand:.2} hosts {least}-{most} shortages {} waiting {} unanswered {} avoided {} {counts:?} {:.1} s",
            6 * (part + 1), plan.shortages.len(), plan.moves.len(), plan.unanswered.len(), twin.avoided().count(), clock.elapsed().as_secs_f64());
        let us = replay.world.judge().metrics();
        let them = twin.world().judge().metrics();
        println!("        overload minutes {:.0} / twin {:.0}, unserved {:.1} ({:?}) / {:.1}", us.overload_minutes, them.overload_minutes, us.unserved.total(), us.unserved, them.unserved.total());
    }
    for a in twin.avoided().take(12) { println!("{} {} {:?} twin {} s, moves {:?}", a.host, a.window.begins, (a.window.ends-a.window.begins).as_hours_f64(), a.twin_overload_seconds, a.move_ids); }
    if let Some(plan) = replay.control.plan() { for u in plan.unanswered.iter().take(10) { println!("{:?}", u); } }
}
