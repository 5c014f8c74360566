//! The past of a made-up fleet, as noisy as real ones, written straight into a store.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};
use weft_store::{Store, StoreError};

/// The grid.
pub(super) const STEP: Step = Step::FIVE_MINUTES;

/// What is kept of each workload.
pub(super) const RESOURCES: [Resource; 4] =
    [Resource::Cpu, Resource::Memory, Resource::Network, Resource::StorageThroughput];

/// Workloads that are made and stored at once.
const BATCH: usize = 200;

/// A stream of noise for one series (Vigna's splitmix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal: the sum of four uniform numbers, of variance one.
    fn normal(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 3.0_f64.sqrt()
    }
}

/// The name of a workload, as `count` in a fleet file makes it.
pub(super) fn name(number: usize, of: usize) -> String {
    let width = of.to_string().len();
    format!("workload-{:0width$}", number + 1)
}

/// Stores the past of `workloads` workloads over `steps` steps from `begin`.
pub(super) fn fill(
    store: &dyn Store,
    workloads: usize,
    begin: Timestamp,
    steps: usize,
) -> Result<(), StoreError> {
    for from in (0..workloads).step_by(BATCH) {
        let batch = from..(from + BATCH).min(workloads);
        let all = batch.flat_map(|workload| (0..RESOURCES.len()).map(move |of| (workload, of)));
        let series = all.map(|(workload, of)| {
            let key = SeriesKey::resource(name(workload, workloads).into(), RESOURCES[of]);
            (key, made(workload, of, begin, steps))
        });
        store.back_fill_all(&series.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// A daily shape, a quieter weekend, noise that remembers, bursts, and some gaps.
fn made(workload: usize, of: usize, begin: Timestamp, steps: usize) -> Series {
    let mut noise = Noise((workload * RESOURCES.len() + of) as u64);
    let level = [1_500.0, 6e9, 3e6, 2e6][of] * (0.2 + 1.3 * noise.unit());
    let (swing, peak) = (0.5 * noise.unit(), std::f64::consts::TAU * noise.unit());
    // Memory is steady, the rest is restless.
    let spread = [0.12, 0.01, 0.2, 0.25][of] * (0.5 + noise.unit());
    let mut drift = 0.0;
    let values = (0..steps).map(|step| {
        let day = step as f64 / STEP.per_day() as f64;
        let weekend = if day as usize % 7 >= 5 { 0.6 } else { 1.0 };
        let shape = 1.0 + swing * (std::f64::consts::TAU * day - peak).sin();
        drift = 0.7 * drift + noise.normal();
        let burst = if noise.unit() < 0.005 { 1.8 } else { 1.0 };
        let value = level * weekend * shape * (1.0 + spread * drift).max(0.0) * burst;
        (noise.unit() > 0.001).then_some(value as f32)
    });
    Series::from_values(begin, STEP, values)
}
