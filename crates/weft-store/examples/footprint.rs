//! How much room samples take at rest and how fast the store is with them: `cargo run --release -p
//! weft-store --example footprint -- 10000` for 10,000 workloads of 4 resources over 28 days at 5 minutes.

use std::error::Error;
use std::time::{Duration, Instant};

use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Step, Timestamp};
use weft_store::{SqliteStore, Store};

type Outcome<T> = Result<T, Box<dyn Error>>;

const STEP: Step = Step::FIVE_MINUTES;
const DAYS: usize = 28;
const RESOURCES: [Resource; 4] =
    [Resource::Cpu, Resource::Memory, Resource::Network, Resource::StorageThroughput];
/// Workloads that are made and back-filled at once.
const BATCH: usize = 100;
/// Histories that are read for the quantile.
const READS: usize = 1_000;
/// Steps that are written for the quantile.
const WRITES: usize = 24;

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

/// A plausible series: a daily shape, a quieter weekend, noise that remembers, bursts, and some gaps.
struct Shape {
    noise: Noise,
    level: f64,
    swing: f64,
    peak: f64,
    spread: f64,
    drift: f64,
}

impl Shape {
    fn new(workload: usize, resource: usize) -> Self {
        let mut noise = Noise((workload * RESOURCES.len() + resource) as u64);
        let level = [1_500.0, 6e9, 3e6, 2e6][resource] * (0.2 + 2.0 * noise.unit());
        let (swing, peak) = (0.5 * noise.unit(), std::f64::consts::TAU * noise.unit());
        // Memory is steady, the rest is restless.
        let spread = [0.12, 0.01, 0.2, 0.25][resource] * (0.5 + noise.unit());
        Self { noise, level, swing, peak, spread, drift: 0.0 }
    }

    fn value(&mut self, step: usize) -> Option<f32> {
        let day = step as f64 / STEP.per_day() as f64;
        let weekend = if day as usize % 7 >= 5 { 0.6 } else { 1.0 };
        let shape = 1.0 + self.swing * (std::f64::consts::TAU * day - self.peak).sin();
        self.drift = 0.7 * self.drift + self.noise.normal();
        let burst = if self.noise.unit() < 0.005 { 1.8 } else { 1.0 };
        let value =
            self.level * weekend * shape * (1.0 + self.spread * self.drift).max(0.0) * burst;
        (self.noise.unit() > 0.001).then_some(value as f32)
    }
}

fn key(workload: usize, resource: usize) -> SeriesKey {
    SeriesKey::resource(format!("workload-{workload:05}").into(), RESOURCES[resource])
}

fn begin() -> Timestamp {
    Timestamp::from_seconds(86_400 * 20_000)
}

fn at(step: usize) -> Timestamp {
    begin() + STEP.span() * step as i64
}

fn batch(workloads: std::ops::Range<usize>) -> Vec<(SeriesKey, Series)> {
    let steps = DAYS * STEP.per_day();
    let all = workloads.flat_map(|workload| (0..RESOURCES.len()).map(move |of| (workload, of)));
    let series = |(workload, resource)| {
        let mut shape = Shape::new(workload, resource);
        let values = (0..steps).map(|step| shape.value(step));
        (key(workload, resource), Series::from_values(begin(), STEP, values))
    };
    all.map(series).collect()
}

fn fill(store: &dyn Store, workloads: usize) -> Outcome<Duration> {
    let mut spent = Duration::ZERO;
    for from in (0..workloads).step_by(BATCH) {
        let all = batch(from..(from + BATCH).min(workloads));
        let start = Instant::now();
        store.back_fill_all(&all)?;
        spent += start.elapsed();
    }
    Ok(spent)
}

fn write_steps(store: &dyn Store, workloads: usize) -> Outcome<Vec<Duration>> {
    let mut shapes: Vec<(SeriesKey, Shape)> = (0..workloads)
        .flat_map(|workload| (0..RESOURCES.len()).map(move |of| (workload, of)))
        .map(|(workload, resource)| (key(workload, resource), Shape::new(workload, resource)))
        .collect();
    let mut spent = Vec::new();
    let first = DAYS * STEP.per_day();
    for step in first..first + WRITES {
        let sample = |(key, shape): &mut (SeriesKey, Shape)| {
            let value = shape.value(step)?;
            Some(Sample { key: key.clone(), at: at(step), value, censored: false })
        };
        let samples: Vec<Sample> = shapes.iter_mut().filter_map(sample).collect();
        let start = Instant::now();
        store.write_step(at(step), &samples)?;
        spent.push(start.elapsed());
    }
    Ok(spent)
}

fn read(store: &dyn Store, workloads: usize) -> Outcome<Vec<Duration>> {
    let mut noise = Noise(7);
    let until = at(DAYS * STEP.per_day());
    let mut spent = Vec::new();
    for _ in 0..READS {
        let workload = noise.next() as usize % workloads;
        let start = Instant::now();
        for resource in 0..RESOURCES.len() {
            store.history(&key(workload, resource), begin(), until)?;
        }
        spent.push(start.elapsed());
    }
    Ok(spent)
}

/// The quantile of some durations in milliseconds.
fn quantile(mut all: Vec<Duration>, share: f64) -> f64 {
    all.sort_unstable();
    let index = ((all.len() - 1) as f64 * share).ceil() as usize;
    all[index].as_secs_f64() * 1_000.0
}

fn main() -> Outcome<()> {
    let workloads: usize = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("weft.db");
    let store = SqliteStore::open(&path, STEP)?;
    let filled = fill(&store, workloads)?;
    drop(store);
    let samples = workloads * RESOURCES.len() * DAYS * STEP.per_day();
    let size = std::fs::metadata(&path)?.len();
    println!("samples               {samples}");
    println!("bytes a sample        {:.3}", size as f64 / samples as f64);
    println!("back-fill, seconds    {:.1}", filled.as_secs_f64());
    let start = Instant::now();
    let store = SqliteStore::open(&path, STEP)?;
    println!("open, seconds         {:.3}", start.elapsed().as_secs_f64());
    let reads = read(&store, workloads)?;
    println!("history p50, ms       {:.2}", quantile(reads.clone(), 0.5));
    println!("history p99, ms       {:.2}", quantile(reads, 0.99));
    let writes = write_steps(&store, workloads)?;
    println!("write_step p50, ms    {:.1}", quantile(writes.clone(), 0.5));
    println!("write_step worst, ms  {:.1}", quantile(writes, 1.0));
    let start = Instant::now();
    store.compact()?;
    println!("compact, seconds      {:.3}", start.elapsed().as_secs_f64());
    Ok(())
}
