//! The generated workloads that the pictures are drawn from: half hours of processor use with the rhythm of a day and a week,
//! noise with some memory, shocks common to all, and now and then a burst.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::forecast::Levels;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

/// Steps of a day.
pub(crate) const DAY: usize = 48;
/// The epoch was a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
/// A burst begins in one of so many steps and halves with each.
const STEPS_BETWEEN_BURSTS: f64 = 150.0;

/// Half an hour.
pub(crate) fn step() -> Step {
    Step::new(Span::from_minutes(30)).expect("half an hour is whole seconds")
}

/// The beginning of step `number` from the epoch.
pub(crate) fn at(number: usize) -> Timestamp {
    Timestamp::default() + step().span() * number as i64
}

/// The weekday of the day `number` from the epoch.
pub(crate) fn weekday(number: usize) -> String {
    WEEKDAYS[number % 7].to_owned()
}

pub(crate) fn levels(levels: &[f64]) -> Levels {
    Levels::new(levels).expect("ascending, with the median")
}

/// Seeded noise.
pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }
}

/// What one workload is like.
struct Nature {
    level: f64,
    share: f64,
    begin: f64,
    weekend: f64,
    memory: f64,
    burst: f64,
}

impl Nature {
    fn new(noise: &mut Noise) -> Self {
        Self {
            level: 4.0 + 8.0 * noise.uniform(),
            share: 0.25 + 0.25 * noise.uniform(),
            begin: 0.66 + 0.1 * noise.normal(),
            weekend: 0.55 + 0.4 * noise.uniform(),
            memory: 0.0,
            burst: 0.0,
        }
    }

    fn step(&mut self, number: usize, common: f64, noise: &mut Noise) -> f64 {
        self.memory = 0.8 * self.memory + 0.045 * noise.normal();
        self.burst *= 0.5;
        if noise.uniform() < 1.0 / STEPS_BETWEEN_BURSTS {
            self.burst += 0.15 + 0.3 * noise.uniform();
        }
        let angle = (number as f64 / DAY as f64 + self.begin) * TAU;
        let rhythm = 1.0 + self.share * (angle.sin() + 0.35 * (2.0 * angle).sin());
        let is_weekend = matches!(number / DAY % 7, 2 | 3);
        let usual = rhythm * if is_weekend { self.weekend } else { 1.0 };
        (self.level * (usual + self.memory + self.burst + common)).max(0.0)
    }
}

/// `steps` of `series` workloads, one row a step. `shock` is how much of a common noise all take.
pub(crate) fn demand(seed: u64, series: usize, steps: usize, shock: f64) -> Vec<Vec<f32>> {
    let mut noise = Noise::new(seed);
    let mut natures: Vec<Nature> = (0..series).map(|_| Nature::new(&mut noise)).collect();
    let mut common = 0.0;
    let mut row = |number: usize| {
        common = 0.8 * common + shock * noise.normal();
        natures.iter_mut().map(|nature| nature.step(number, common, &mut noise) as f32).collect()
    };
    (0..steps).map(&mut row).collect()
}

/// What is known of each workload at `origin`.
pub(crate) fn panel(rows: &[Vec<f32>], origin: usize) -> Vec<Series> {
    let one = |index: usize| {
        let values = rows[..origin].iter().map(|row| Some(row[index]));
        Series::from_values(Timestamp::default(), step(), values)
    };
    (0..rows[0].len()).map(one).collect()
}
