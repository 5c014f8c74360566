//! Generated data for tests: a seeded source of noise and series built from it. It stands outside
//! the product; nothing but tests may use it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

/// Seeded normal noise.
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
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A series of five-minute steps from the epoch.
pub(crate) fn series_of(values: impl IntoIterator<Item = f64>) -> Series {
    let values = values.into_iter().map(|value| Some(value as f32));
    Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values)
}
