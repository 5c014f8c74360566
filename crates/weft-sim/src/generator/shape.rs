//! One made-up series: a day at a time, each day a pure function of the seed. The noise of a day
//! begins a while before midnight, so that days join without a seam that could be told from noise.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use weft_core::policy::Window;
use weft_core::resource::Resource;
use weft_core::time::{Span, Step, Timestamp};

/// A daily shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Archetype {
    /// Busy on weekdays from nine to six.
    OfficeHours,
    /// Busy in the evening, at weekends more so.
    EveningWeb,
    /// Idle but for some hours of the night.
    NightlyBatch,
    /// The same at all times.
    Flat,
    /// Low, with short bursts.
    Bursty,
}

/// Demand at each full hour, relative to each other; weekday, then weekend. The shapes are the
/// field's usual ones (office systems: two humps and lunch; web: a slow rise to a peak at nine in
/// the evening); only their form matters, their mean is scaled to the workload's.
const OFFICE: [[f64; 24]; 2] = [
    [
        1., 1., 1., 1., 1., 1., 1.5, 3., 6., 9., 10., 10., 8., 9., 10., 10., 9., 7., 4., 2.5, 2.,
        1.5, 1., 1.,
    ],
    [
        1., 1., 1., 1., 1., 1., 1., 1., 1.2, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.2, 1., 1., 1.,
        1., 1., 1., 1.,
    ],
];
const EVENING: [[f64; 24]; 2] = [
    [
        4., 2.5, 1.5, 1., 1., 1., 1.5, 2.5, 3.5, 4., 4., 4.5, 5., 5., 5., 5., 5.5, 6., 7., 8.5,
        10., 10., 8.5, 6.,
    ],
    [
        5., 3.5, 2., 1.5, 1., 1., 1.5, 2.5, 4., 5., 6., 6.5, 7., 7., 7., 7., 7.5, 8., 9., 10.5,
        12., 12., 10., 7.,
    ],
];
const NIGHTLY: [[f64; 24]; 2] = [[
    6., 10., 10., 10., 6., 1., 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
    0.5, 0.5, 0.5, 0.5, 1.,
]; 2];
const FLAT: [[f64; 24]; 2] = [[1.; 24]; 2];

/// How long a burst lasts.
const BURST: Span = Span::from_minutes(30);
/// Steps before midnight at which the noise of a day begins: at the largest memory of 0.95 less
/// than a thousandth of what was before is left.
const RUN_UP: usize = 144;
/// Demand of a workload never exceeds its vCPUs by more: users give up.
const MOST: f64 = 1.25;

impl Archetype {
    fn table(self) -> &'static [[f64; 24]; 2] {
        match self {
            Self::OfficeHours => &OFFICE,
            Self::EveningWeb => &EVENING,
            Self::NightlyBatch => &NIGHTLY,
            Self::Flat | Self::Bursty => &FLAT,
        }
    }

    /// Demand at an instant relative to the mean of a week.
    fn at(self, instant: Timestamp, shift_hours: f64) -> f64 {
        let table = self.table();
        let week =
            (5.0 * table[0].iter().sum::<f64>() + 2.0 * table[1].iter().sum::<f64>()) / 168.0;
        let since = instant.as_millis() as f64 / 3_600_000.0 - shift_hours;
        let hour = since.floor();
        let value = |hour: f64| {
            // The epoch was a Thursday.
            let day = (hour / 24.0).floor() + 3.0;
            let is_weekend = day.rem_euclid(7.0) >= 5.0;
            table[usize::from(is_weekend)][hour.rem_euclid(24.0) as usize]
        };
        (value(hour) + (value(hour + 1.0) - value(hour)) * (since - hour)) / week
    }
}

/// A window in which demand is a multiple; it rises in its first tenth and falls in its last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lift {
    begins: f64,
    ends: f64,
    factor: f64,
}

impl Lift {
    pub(super) fn new(window: Window, factor: f64, start: Timestamp) -> Self {
        let seconds = |instant: Timestamp| (instant - start).as_seconds_f64();
        Self { begins: seconds(window.begins), ends: seconds(window.ends), factor }
    }

    fn at(&self, seconds: f64) -> f64 {
        let ramp = (self.ends - self.begins) / 10.0;
        let edge = (seconds - self.begins).min(self.ends - seconds);
        if edge <= 0.0 { 1.0 } else { 1.0 + (self.factor - 1.0) * (edge / ramp).min(1.0) }
    }
}

/// What one workload is like.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) archetype: Archetype,
    pub(super) seed: u64,
    pub(super) number: u64,
    pub(super) step: Step,
    pub(super) start: Timestamp,
    pub(super) millicores: f64,
    pub(super) memory: f64,
    pub(super) mean_use: f64,
    pub(super) shift_hours: f64,
    pub(super) noise: f64,
    pub(super) noise_memory: f64,
    pub(super) trend_per_week: f64,
    /// Chance that a burst begins in a step.
    pub(super) burst_chance: f64,
    pub(super) burst_height: (f64, f64),
    /// Share of the memory that is always in use.
    pub(super) memory_floor: f64,
    pub(super) bytes_per_millicore: f64,
    pub(super) lifts: Arc<[Lift]>,
}

/// One series of one workload.
#[derive(Debug, Clone)]
pub struct SeriesShape {
    profile: Profile,
    resource: Resource,
    skipped_days: usize,
}

impl SeriesShape {
    pub(super) fn new(profile: Profile, resource: Resource, skipped_days: usize) -> Self {
        Self { profile, resource, skipped_days }
    }

    /// How many steps a day has.
    pub fn steps_per_day(&self) -> usize {
        self.profile.step.per_day()
    }

    /// The demand of every step of day `day` after the start, in the unit of the resource: millicores
    /// for CPU, bytes for memory, bytes per second for network and storage throughput.
    pub fn day(&self, day: usize) -> Vec<f32> {
        let profile = &self.profile;
        let day = day + self.skipped_days;
        let processor = profile.processor(day);
        let noise = profile.noise(day, 1 + self.resource.position() as u64);
        let other = |of_cpu: &dyn Fn(f64) -> f64| {
            let values = processor.iter().zip(noise).map(|(cpu, noise)| {
                (of_cpu(*cpu) * (1.0 + profile.noise * 0.5 * noise)).max(0.0) as f32
            });
            values.collect()
        };
        match self.resource {
            Resource::Memory => {
                let in_use = |cpu: f64| profile.memory_floor + 0.2 * cpu / profile.millicores;
                let values = processor.iter();
                values.map(|cpu| (profile.memory * in_use(*cpu).min(1.0)) as f32).collect()
            }
            Resource::Network => other(&|cpu| cpu * profile.bytes_per_millicore),
            Resource::StorageThroughput => other(&|cpu| cpu * profile.bytes_per_millicore * 0.5),
            _ => processor.into_iter().map(|cpu| cpu as f32).collect(),
        }
    }
}

impl Profile {
    /// Processor demand of every step of a day, in millicores.
    fn processor(&self, day: usize) -> Vec<f64> {
        let per_day = self.step.per_day();
        let noise = self.noise(day, 0);
        let bursts = self.bursts(day);
        let value = |index: usize| {
            let since = self.step.span() * (day * per_day + index) as i64;
            let seconds = since.as_seconds_f64();
            let shape = self.archetype.at(self.start + since, self.shift_hours);
            let trend = (1.0 + self.trend_per_week * seconds / 604_800.0).max(0.2);
            let lift: f64 = self.lifts.iter().map(|lift| lift.at(seconds)).product();
            let noise = (1.0 + self.noise * noise[index]).max(0.0);
            let share = self.mean_use * shape * trend * lift * noise + bursts[index];
            self.millicores * share.min(MOST)
        };
        (0..per_day).map(value).collect()
    }

    /// Two draws in 0..1 for every step from `first` on, of stream `stream` of this workload.
    fn draws(&self, first: i64, count: usize, stream: u64) -> Vec<(f64, f64)> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(2 + self.number * 16 + stream);
        random.set_word_pos((first.max(0) as u128) * 4);
        let mut draw = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        (0..count).map(|_| (draw(), draw())).collect()
    }

    /// AR(1) noise of unit variance for every step of a day.
    fn noise(&self, day: usize, stream: u64) -> Vec<f64> {
        let per_day = self.step.per_day();
        let run_up = RUN_UP.min(day * per_day);
        let first = (day * per_day - run_up) as i64;
        let fresh = (1.0 - self.noise_memory * self.noise_memory).sqrt();
        let mut state = 0.0;
        let mut values = Vec::with_capacity(per_day);
        for (index, pair) in self.draws(first, run_up + per_day, stream).into_iter().enumerate() {
            state = self.noise_memory * state + fresh * bell(pair);
            if index >= run_up {
                values.push(state);
            }
        }
        values
    }

    /// What bursts add in every step of a day, as a share of the vCPUs.
    fn bursts(&self, day: usize) -> Vec<f64> {
        let per_day = self.step.per_day();
        let length = BURST.whole_steps(self.step).max(1);
        let back = length.min(day * per_day);
        let draws = self.draws((day * per_day - back) as i64, back + per_day, 15);
        let (low, high) = self.burst_height;
        let mut values = vec![0.0; per_day];
        for (index, (begins, height)) in draws.into_iter().enumerate() {
            if begins >= self.burst_chance {
                continue;
            }
            let height = low + (high - low) * height;
            for step in index.max(back)..(index + length).min(back + per_day) {
                values[step - back] = f64::max(values[step - back], height);
            }
        }
        values
    }
}

/// Close to a standard normal: the scaled sum of eight uniform parts of two draws (Irwin–Hall).
fn bell((one, two): (f64, f64)) -> f64 {
    let parts = |draw: f64| {
        let bits = (draw * (1_u64 << 52) as f64) as u64;
        (0..4).map(|part| ((bits >> (13 * part)) & 0x1fff) as f64 / 8_192.0).sum::<f64>()
    };
    (parts(one) + parts(two) - 4.0) * 1.5_f64.sqrt()
}
