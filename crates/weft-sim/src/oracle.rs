//! Scenarios of the true future: what the planner would do if forecasts were right.

use half::f16;
use weft_core::resource::Measure;
use weft_core::scenario::{ScenarioParts, Scenarios, Tail};

use crate::world::World;

/// The true demand of the series and buckets of `guess`: one scenario without residuals. What is
/// left inside a bucket is its true variance over the bucket's steps.
pub fn truth(world: &World, guess: &Scenarios) -> Scenarios {
    let (series, buckets) = (guess.series(), guess.buckets());
    let cells = series.len() * buckets.len();
    let (mut mean, mut within_variance) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
    for key in series {
        let Measure::Resource(resource) = &key.measure else {
            unreachable!("hosts are packed by resources only")
        };
        let steps = buckets.horizon_steps();
        let truth = world.true_demands(&key.workload, *resource, guess.origin(), steps);
        for bucket in 0..buckets.len() {
            let demands = &truth[buckets.steps(bucket)];
            let count = demands.len() as f32;
            let average = demands.iter().sum::<f32>() / count;
            mean.push(average);
            let spread = demands.iter().map(|d| (d - average).powi(2)).sum::<f32>() / count;
            within_variance.push(spread);
        }
    }
    let parts = ScenarioParts {
        origin: guess.origin(),
        step: guess.step(),
        buckets: buckets.clone(),
        series: series.into(),
        windows: 1,
        mean,
        within_variance,
        residuals: vec![f16::ZERO; cells],
        cap: vec![f32::INFINITY; series.len()],
        tail: Tail::normal(buckets.len()),
    };
    Scenarios::new(parts).expect("shapes are those of the guess")
}
