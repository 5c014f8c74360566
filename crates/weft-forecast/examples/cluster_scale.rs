//! What clustering costs: processor seconds and memory for 10,000 and 100,000 generated workloads with a mean day of 288 points. It
//! prints; it must never be a condition of a test, since it measures the machine too.
//!
//! `cargo run --release -p weft-forecast --example cluster_scale`

use process::{cpu_seconds, print};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_forecast::cluster::{Clusters, Count, Profile, adjusted_rand_index};

#[path = "measured/process.rs"]
mod process;

const POINTS: usize = 288;
const FAMILIES: usize = 6;

/// The most memory that the process has held, in MB.
#[allow(clippy::disallowed_methods, reason = "an example that measures, outside the pure library")]
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells its processes");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1_000.0
}

fn uniform(noise: &mut ChaCha8Rng) -> f32 {
    (noise.next_u64() >> 40) as f32 / (1_u32 << 24) as f32
}

fn workload(family: usize, noise: &mut ChaCha8Rng) -> Profile {
    let (phase, scale) = ((uniform(noise) * 24.0) as usize, 1.0 + 999.0 * uniform(noise));
    let values: Vec<f32> = (0..POINTS)
        .map(|t| {
            let hour = ((t + phase) % POINTS) as f32 / 12.0;
            let holds = |yes: bool| if yes { 1.0 } else { 0.0 };
            let value = match family {
                0 => (hour / 24.0 * std::f32::consts::TAU).sin(),
                1 => holds((8.0..18.0).contains(&hour)),
                2 => holds((1.0..3.0).contains(&hour)),
                3 => 3.0 * holds(uniform(noise) < 0.03),
                4 => 2.0 * t as f32 / POINTS as f32,
                _ => hour % 4.0 / 2.0,
            };
            scale * (3.0 + value + 0.2 * (uniform(noise) - 0.5))
        })
        .collect();
    Profile::new(&values)
}

fn measure(count: usize) {
    let mut noise = ChaCha8Rng::seed_from_u64(1);
    let families: Vec<usize> = (0..count).map(|index| index % FAMILIES).collect();
    let profiles: Vec<Profile> = families.iter().map(|f| workload(*f, &mut noise)).collect();
    let began = cpu_seconds();
    let clusters =
        Clusters::find(&profiles, Count::Auto, 1).expect("there is more than one profile");
    let finding = cpu_seconds() - began;
    let began = cpu_seconds();
    let later = Clusters::find_from(&clusters, &profiles, &[], Count::Auto, 2)
        .expect("there is more than one profile");
    let again = cpu_seconds() - began;
    let pairs = clusters.assignment().iter().zip(later.assignment());
    let changed = pairs.filter(|(one, other)| one != other).count();
    let agreement = adjusted_rand_index(clusters.assignment(), &families);
    let (found, memory) = (clusters.count(), peak_megabytes());
    print(&format!(
        "{count} workloads: {found} clusters in {finding:.1} CPU s, ARI {agreement:.3}"
    ));
    print(&format!(
        "{count} workloads: the next day {again:.1} CPU s, {changed} changed; peak {memory:.0} MB"
    ));
}

fn main() {
    for count in [10_000, 100_000] {
        measure(count);
    }
}
