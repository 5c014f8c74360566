//! Made-up series with an anomaly put into some: what the detector is measured on. It stands outside the product;
//! nothing but tests and the example `detect_quality` may use it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Five-minute steps of a day.
pub(crate) const DAY: usize = 288;

/// A seeded source of noise.
pub(crate) struct Source(ChaCha8Rng);

impl Source {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// What a series is like where nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    /// A daily wave with noise.
    Seasonal,
    /// A day of office hours, steep edges, noise in proportion.
    Office,
    /// Nothing but noise around a level.
    WhiteNoise,
    /// Noise that depends on what was just before, around a level.
    Autoregressive,
    /// One value for ever.
    Constant,
    /// Nothing most of the time, now and then something.
    Intermittent,
}

/// All of them.
pub(crate) const BACKGROUNDS: [Background; 6] = [
    Background::Seasonal,
    Background::Office,
    Background::WhiteNoise,
    Background::Autoregressive,
    Background::Constant,
    Background::Intermittent,
];

/// What is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Injected {
    /// Two samples, ten deviations up.
    Spike,
    /// Two samples, ten deviations down.
    Drop,
    /// Six deviations, up or down, to the end.
    LevelShift,
    /// The noise fourfold for half a day.
    Variance,
    /// The day turned over for half a day; where there is no day, a wave of an hour's period instead of most of the
    /// noise.
    Shape,
    /// The value stands still for half a day.
    Flat,
}

/// All of them.
pub(crate) const INJECTED: [Injected; 6] = [
    Injected::Spike,
    Injected::Drop,
    Injected::LevelShift,
    Injected::Variance,
    Injected::Shape,
    Injected::Flat,
];

impl Background {
    /// Expected value at `step`, and the deviation of the noise there.
    fn expected(self, step: usize) -> (f64, f64) {
        let part = (step % DAY) as f64 / DAY as f64;
        match self {
            Self::Seasonal => (50.0 - 20.0 * (std::f64::consts::TAU * part).cos(), 2.0),
            Self::Office if (0.375..0.75).contains(&part) => (70.0, 2.5),
            Self::Office => (25.0, 1.0),
            Self::WhiteNoise | Self::Autoregressive => (40.0, 3.0),
            Self::Constant => (40.0, 0.0),
            Self::Intermittent => (0.0, 3.0),
        }
    }

    /// Whether `kind` can happen to it: what never moves cannot move less, and has neither noise nor a shape.
    pub(crate) fn admits(self, kind: Injected) -> bool {
        match kind {
            Injected::Spike | Injected::LevelShift => true,
            Injected::Drop => self != Self::Intermittent,
            Injected::Variance | Injected::Shape | Injected::Flat => {
                !matches!(self, Self::Constant | Self::Intermittent)
            }
        }
    }
}

/// `steps` values of `background`, with `anomaly` from its step on if there is one. A seed gives the same noise with
/// and without.
pub(crate) fn values(
    background: Background,
    seed: u64,
    steps: usize,
    anomaly: Option<(Injected, usize)>,
) -> Vec<f64> {
    let mut source = Source::new(seed);
    let up = if seed.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut carried = 0.0;
    let mut made: Vec<f64> = Vec::with_capacity(steps);
    for step in 0..steps {
        let (expected, deviation) = background.expected(step);
        let (chance, normal) = (source.uniform(), source.normal());
        let noise = match background {
            Background::Autoregressive => {
                carried = 0.7 * carried + 0.71 * normal;
                deviation * carried
            }
            Background::Intermittent if chance < 0.05 => 5.0 + 2.0 * normal.abs(),
            Background::Intermittent => 0.0,
            _ => deviation * normal,
        };
        let since = anomaly.and_then(|(_, start)| step.checked_sub(start));
        let value = match anomaly.map(|(kind, _)| kind).zip(since) {
            None => expected + noise,
            Some((kind, since)) => {
                let unit = deviation.max(1.0);
                injected(
                    kind,
                    since,
                    up,
                    background,
                    step,
                    expected,
                    noise,
                    unit,
                    made.last().copied(),
                )
            }
        };
        made.push(value.max(0.0));
    }
    made
}

#[allow(clippy::too_many_arguments, reason = "all of a step")]
fn injected(
    kind: Injected,
    since: usize,
    up: f64,
    background: Background,
    step: usize,
    expected: f64,
    noise: f64,
    unit: f64,
    before: Option<f64>,
) -> f64 {
    let for_half_a_day = since < DAY / 2;
    match kind {
        Injected::Spike if since < 2 => expected + noise + 10.0 * unit,
        Injected::Drop if since < 2 => expected + noise - 10.0 * unit,
        Injected::LevelShift => {
            let up = if background == Background::Intermittent { 1.0 } else { up };
            expected + noise + 6.0 * up * unit
        }
        Injected::Variance if for_half_a_day => expected + 4.0 * noise,
        Injected::Shape if for_half_a_day => match background {
            Background::Seasonal | Background::Office => {
                background.expected(step + DAY / 2).0 + noise
            }
            _ => {
                let wave = (since as f64 / 12.0 * std::f64::consts::TAU).sin();
                expected + 0.3 * noise + 1.5 * unit * wave
            }
        },
        Injected::Flat if for_half_a_day && since > 0 => before.unwrap_or(expected),
        _ => expected + noise,
    }
}
