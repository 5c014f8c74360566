//! Made-up outcomes for the tests: shaped like a day of a real fleet, with every policy and a sweep
//! of confidences. The numbers mean nothing and must never be quoted.

use weft_core::time::{Span, Timestamp};
use weft_sim::backtest::outcome::{CourseStep, Outcome, PolicyRow, Verdict};

/// Policy, confidence, energy, unserved from overload, from migration, moves, hosts.
type Shape = (&'static str, Option<f64>, f64, f64, f64, u64, f64);

const SHAPES: &[Shape] = &[
    ("none", None, 764.3, 0.0, 0.0, 0, 800.0),
    ("pack-once", None, 176.8, 96.4, 0.0, 0, 118.0),
    ("reactive-thr", None, 198.1, 61.3, 14.2, 27_728, 96.0),
    ("reactive-iqr", None, 193.6, 63.9, 14.0, 27_592, 94.0),
    ("reactive-lr", None, 167.8, 88.1, 15.1, 27_649, 82.0),
    ("predictive", Some(0.8), 161.2, 71.0, 1.4, 1_312, 78.0),
    ("predictive", Some(0.9), 168.9, 44.2, 1.3, 1_204, 83.0),
    ("predictive", Some(0.95), 175.4, 27.5, 1.2, 1_188, 88.0),
    ("predictive", Some(0.99), 188.2, 11.9, 1.1, 1_093, 96.0),
    ("predictive", Some(0.999), 214.7, 3.8, 1.0, 1_041, 112.0),
    ("oracle", None, 159.4, 2.1, 0.9, 962, 79.0),
];

/// A day of a fleet of 800 hosts under every policy.
pub(super) fn day() -> Outcome {
    outcome("20110303", 288)
}

/// Four weeks of the same.
pub(super) fn four_weeks() -> Outcome {
    outcome("azure", 28 * 288)
}

/// The day without its rows.
pub(super) fn empty() -> Outcome {
    let verdict = Verdict { predictive: None, against: None, ..day().verdict };
    Outcome { policies: Vec::new(), verdict, ..day() }
}

fn outcome(trace: &str, steps: usize) -> Outcome {
    let policies = SHAPES.iter().enumerate().map(|(seed, shape)| row(shape, seed, steps)).collect();
    Outcome {
        trace: trace.to_owned(),
        fleet: "planetlab".to_owned(),
        seed: 7,
        policies,
        verdict: Verdict {
            predictive: Some(7),
            against: Some(4),
            saving: 41.7,
            share: 0.12,
            interval: (29.3, 55.1),
            blocks: "hosts",
            sentence: "Weft would have saved 41.7 (between 29.3 and 55.1) against reactive-lr: \
                       less demand unserved, with 26,461 fewer moves."
                .to_owned(),
        },
        missing: Vec::new(),
        assumed: Vec::new(),
    }
}

fn row(shape: &Shape, seed: usize, steps: usize) -> PolicyRow {
    let &(policy, confidence, energy_kwh, overload, migration, migrations, _) = shape;
    let (slatah, pdm) = ((overload / 1_500.0).min(1.0), migration / 20_000.0);
    let cost = energy_kwh * 0.15;
    PolicyRow {
        policy: policy.to_owned(),
        confidence,
        fill: None,
        energy_kwh,
        unserved_core_hours: overload + migration,
        unserved_overload_core_hours: overload,
        unserved_migration_core_hours: migration,
        unserved_downtime_core_hours: 0.0,
        unserved_lost_core_hours: 0.0,
        overload_minutes: overload * 210.0,
        slatah,
        pdm,
        slav: slatah * pdm,
        esv: energy_kwh * slatah * pdm,
        migrations,
        moved_bytes: migrations * 1_230_000_000,
        downtime_seconds: migrations as f64 * 0.21,
        cost,
        regret: cost + (overload + migration) * 0.5 - 24.9,
        course: course(shape, seed, steps),
    }
}

fn course(shape: &Shape, seed: usize, steps: usize) -> Vec<CourseStep> {
    let &(_, _, energy, overload, _, migrations, hosts) = shape;
    let begin = Timestamp::from_seconds(1_299_110_400);
    let step = |index: usize| {
        let phase = (index % 288) as f64 / 288.0 * std::f64::consts::TAU;
        let day = 1.0 - 0.35 * phase.cos() + 0.08 * noise(index, seed);
        let settled = if index < 6 { 3.0 - index as f64 / 3.0 } else { 1.0 };
        let burst = if noise(index, seed + 50) > 0.8 { 3.0 } else { 0.4 };
        CourseStep {
            at: begin + Span::from_minutes(5) * index as i64,
            watts: energy / 24.0 * 1_000.0 * (0.55 + 0.45 * day) * settled.min(1.6),
            requested_cores: 210.0 * day,
            unserved_cores: overload / 24.0 * day * burst * (noise(index, seed + 90) + 1.0),
            active_hosts: hosts * (0.7 + 0.3 * day) * settled.min(1.8),
            migrations: (migrations as f64 / 288.0 * burst * (noise(index, seed) + 1.0)) as u64,
        }
    };
    (0..steps).map(step).collect()
}

/// A number in -1..1 that looks like chance (the golden ratio's multiples, folded).
fn noise(index: usize, seed: usize) -> f64 {
    let folded = ((index * 7 + seed * 131 + index * index % 53) as f64 * 0.618_033_988_75).fract();
    folded * 2.0 - 1.0
}
