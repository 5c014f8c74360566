//! What a fit of Prophet costs in processor time: two weeks of five-minute samples (4,032) with daily and weekly
//! seasons and linear growth, the data of `src/prophet/reference.py speed`, which measures the Python package on it. It
//! prints; it must never be a condition of a test, since it measures the machine too.
//!
//! `cargo run --release -p weft-forecast --example prophet_speed`

use process::{cpu_seconds, print};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use weft_core::forecast::Levels;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};
use weft_forecast::prophet::{Ahead, FittedProphet, Known, Mode, Prophet};

#[path = "measured/process.rs"]
mod process;

const STEPS: usize = 4_032;
const DAY: usize = 288;
const REPEATS: usize = 200;

/// `values_of("additive", …)` of `reference.py`, from step `first` on.
fn series(first: usize, steps: usize) -> Series {
    let mut state = 7_u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / 2.0_f64.powi(32)
    };
    let wave = |hours: f64, period: f64| (std::f64::consts::TAU * hours / period).sin();
    let mut value = |step: usize| {
        let hours = step as f64 / 12.0;
        let noise = ((0..4).map(|_| uniform()).sum::<f64>() - 2.0) * 3.0_f64.sqrt();
        let trend = 60.0 + 0.01 * hours + 0.05 * (hours - 300.0).max(0.0);
        let season =
            10.0 * wave(hours, 24.0) + 3.0 * wave(hours, 12.0) + 5.0 * wave(hours + 30.0, 168.0);
        (trend + season + 3.0 * noise) as f32
    };
    let values: Vec<f32> = (0..first + steps).map(&mut value).collect();
    let monday: Timestamp = "2024-01-01T00:00:00Z".parse().expect("an instant in RFC 3339");
    let start = monday + Step::FIVE_MINUTES.span() * first as i64;
    Series::from_values(start, Step::FIVE_MINUTES, values[first..].iter().copied().map(Some))
}

fn measure(name: &str, mut run: impl FnMut()) {
    let before = cpu_seconds();
    (0..REPEATS).for_each(|_| run());
    let milliseconds = 1e3 * (cpu_seconds() - before) / REPEATS as f64;
    print(&format!("{name}: {milliseconds:.2} CPU milliseconds"));
}

fn main() {
    let (known, ahead) = (Known::default(), Ahead::default());
    let levels = Levels::new(&[0.1, 0.5, 0.9]).expect("levels ascend around the median");
    let (now, later) = (series(0, STEPS), series(DAY, STEPS));
    for (name, mode) in [("additive", Mode::Additive), ("multiplicative", Mode::Multiplicative)] {
        let prophet = Prophet { seasonality_mode: mode, ..Prophet::default() };
        let fit = |series: &Series, earlier: Option<&FittedProphet>| {
            prophet.fit_from(series, &known, earlier).expect("two weeks are enough")
        };
        let fitted = fit(&now, None);
        let (cold, warm) = (fit(&later, None), fit(&later, Some(&fitted)));
        print(&format!("{name}: {} rounds cold, {} warm", cold.rounds(), warm.rounds()));
        measure("  cold fit", || drop(fit(&now, None)));
        measure("  warm fit a day later", || drop(fit(&later, Some(&fitted))));
        measure("  prediction of 288 steps", || {
            fitted.predict_with(DAY, &ahead).expect("nothing ahead is asked for");
        });
        measure("  quantiles of 288 steps from 1000 draws", || {
            let mut generator = ChaCha8Rng::seed_from_u64(1);
            let quantiles = fitted.quantiles(DAY, &ahead, &levels, 1_000, &mut generator);
            quantiles.expect("nothing ahead is asked for");
        });
    }
}
