//! What a tick of the control loop costs in processor time: observe and scenarios for 1,000 and
//! 10,000 generated series on hosts of about seventeen, every five minutes with a horizon of six
//! hours, after one replayed day, and for 400,000 after the two hours in which trees come first (that
//! takes some minutes and 12 GB). It prints; it must never be a condition of a test, since it
//! measures the machine too.
//!
//! `cargo run --release -p weft-forecast --example tick`

use process::{cpu_seconds, print};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_forecast::bank::{Bank, BankConfig, Group};

#[path = "measured/process.rs"]
mod process;

const SERIES_PER_HOST: usize = 17;
/// Steps before the clock starts, and steps measured: a day; and until a first set of trees is there.
const DAY: (usize, usize) = (290, 30);
const FEW: (usize, usize) = (26, 4);

fn uniform(noise: &mut ChaCha8Rng) -> f32 {
    (noise.next_u64() >> 40) as f32 / (1_u32 << 24) as f32
}

fn measure(series: usize, (warm_steps, measured_steps): (usize, usize)) {
    let step = Step::FIVE_MINUTES;
    let mut bank = Bank::new(BankConfig::new(step, Buckets::covering(72)));
    let keys: Vec<SeriesKey> = (0..series)
        .map(|index| SeriesKey::resource(format!("vm-{index:05}").into(), Resource::Cpu))
        .collect();
    keys.iter().for_each(|key| bank.insert(key.clone(), 4_000.0));
    let groups: Vec<Group> = keys
        .chunks(SERIES_PER_HOST)
        .map(|members| Group {
            resource: Resource::Cpu,
            members: members.iter().map(|key| (key.clone(), 1.0)).collect(),
        })
        .collect();
    let mut noise = ChaCha8Rng::seed_from_u64(1);
    let mut levels = vec![0.0_f32; series];
    let (mut observing, mut fitting, mut begun) = (0.0, 0.0, cpu_seconds());
    for number in 0..warm_steps + measured_steps {
        let at = Timestamp::default() + step.span() * number as i64;
        let mut samples = Vec::with_capacity(series);
        for (key, level) in keys.iter().zip(&mut levels) {
            *level = 0.9 * *level + 200.0 * (uniform(&mut noise) - 0.5);
            let value = (1_000.0 + *level + 300.0 * uniform(&mut noise)).max(0.0);
            samples.push(Sample { key: key.clone(), at, value, censored: false });
        }
        if number == warm_steps {
            print(&format!(
                "{series} series: {warm_steps} steps in {:.2} s",
                cpu_seconds() - begun
            ));
            (observing, fitting) = (0.0, 0.0);
        }
        begun = if number == 0 { cpu_seconds() } else { begun };
        let before = cpu_seconds();
        bank.observe(at, &samples, &groups);
        let scenarios = bank.scenarios();
        observing += cpu_seconds() - before;
        assert_eq!(scenarios.is_some(), number >= 5);
        let before = cpu_seconds();
        bank.refit();
        fitting += cpu_seconds() - before;
    }
    let per_tick = 1_000.0 * observing / measured_steps as f64;
    print(&format!(
        "{series} series: {per_tick:.1} CPU milliseconds a tick ({} hosts)",
        groups.len()
    ));
    print(&format!("{series} series: {fitting:.2} CPU seconds of fitting meanwhile"));
    print(&format!("{series} series: acting {:?}", bank.acting_models()));
}

fn main() {
    for (series, steps) in [(1_000, DAY), (10_000, DAY), (400_000, FEW)] {
        measure(series, steps);
    }
}
