//! What a fit of each model of a single series costs in processor time: 4,032 generated five-minute samples (two weeks)
//! with a day, an autoregression and noise. It prints; it must never be a condition of a test, since it measures the
//! machine too.
//!
//! `cargo run --release -p weft-forecast --example local_models`

use process::{cpu_seconds, print};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};
use weft_forecast::arima::automatic::AutoArima;
use weft_forecast::ets::Ets;
use weft_forecast::model::{FittedModel, Model};
use weft_forecast::mstl::Mstl;
use weft_forecast::theta::Theta;

#[path = "measured/process.rs"]
mod process;

const STEPS: usize = 4_032;
const DAY: usize = 288;
/// Fits of each model: the kernel's clock ticks only a hundred times a second.
const SERIES: u64 = 20;

fn generated(seed: u64) -> Series {
    let mut noise = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (noise.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    let mut left = 0.0;
    let value = |step: usize| {
        left = 0.95 * left + 2.0 * uniform();
        let angle = step as f64 / DAY as f64 * std::f64::consts::TAU;
        Some(
            (60.0 + 12.0 * angle.sin() + 5.0 * (2.0 * angle).cos() + left + 3.0 * uniform()) as f32,
        )
    };
    Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, (0..STEPS).map(value))
}

fn measure<M: Model>(name: &str, model: &M) {
    let series: Vec<Series> = (0..SERIES).map(generated).collect();
    let before = cpu_seconds();
    let fitted: Vec<M::Fitted> =
        series.iter().map(|series| model.fit(series).expect("two weeks are enough")).collect();
    let seconds = (cpu_seconds() - before) / SERIES as f64;
    let far = fitted[0].predict(DAY)[DAY - 1];
    print(&format!(
        "{name}: {:.1} CPU milliseconds a fit (a day ahead: {far:.1})",
        1_000.0 * seconds
    ));
}

fn main() {
    let arima = AutoArima { season: DAY };
    measure("ets", &Ets { season: Some(DAY) });
    measure("theta", &Theta { season: Some(DAY), form: None });
    measure("mstl", &Mstl { seasons: vec![DAY, 7 * DAY], is_robust: false });
    measure("mstl, robust", &Mstl { seasons: vec![DAY, 7 * DAY], is_robust: true });
    measure("arima", &arima);
    let series = generated(0);
    let cold = arima.fit(&series).expect("two weeks are enough");
    let before = cpu_seconds();
    (0..SERIES).for_each(|_| drop(arima.fit_from(&cold, &series, &[])));
    let seconds = (cpu_seconds() - before) / SERIES as f64;
    print(&format!("arima, from the last fit: {:.1} CPU milliseconds", 1_000.0 * seconds));
}
