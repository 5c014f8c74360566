//! The slopes of the posterior against differences of its values, and the point that the search ends at against points
//! around it, for every form of the model.

use super::super::design::Design;
use super::super::posterior::Posterior;
use super::super::search::most_probable;
use super::*;

/// Runs `judge` over all growths and modes, with gaps, an event and a regressor.
fn for_each_form(mut judge: impl FnMut(&str, &Posterior<'_>)) {
    let mut values = daily(21, 24 * 20);
    (30..45).for_each(|gap| values[gap] = None);
    let series = hourly(values);
    let logistic = Growth::Logistic { capacity: 90.0, floor: 10.0 };
    for growth in [Growth::Linear, Growth::Flat, logistic] {
        for mode in [Mode::Additive, Mode::Multiplicative] {
            let changepoints = Changepoints::Spread { count: 5, share: 0.8 };
            let prophet =
                Prophet { growth, changepoints, seasonality_mode: mode, ..Prophet::default() };
            let regressors = [Regressor {
                name: "load".to_owned(),
                values: (0..series.len()).map(|t| (t as f64 / 7.0).sin()).collect(),
                prior_scale: 2.0,
                standardisation: Standardisation::Automatic,
                mode: Mode::Additive,
            }];
            let events = [Event { mode, ..campaign(&[60, 200]) }];
            let known = Known { events: &events, regressors: &regressors, capacities: &[] };
            let (design, terms) = Design::new(&prophet, &series, &known);
            judge(&format!("{growth:?}, {mode:?}"), &Posterior::new(&design, &terms, 0.05));
        }
    }
}

#[test]
fn products_are_the_slopes_of_the_squares() {
    for_each_form(|form, posterior| {
        let mut noise = Noise::new(4);
        let mut start = posterior.start();
        start.iter_mut().for_each(|parameter| *parameter += 0.1 * noise.normal());
        let point = posterior.point(start.clone());
        let products = posterior.products(&point, None);
        let size = start.len();
        let moved = |index: usize, by: f64| {
            let mut there = start.clone();
            there[index] += by;
            posterior.point(there)
        };
        for index in 0..size {
            let width = 1e-5;
            let (above, below) = (moved(index, width), moved(index, -width));
            let slope = -0.5 * (above.squares - below.squares) / (2.0 * width);
            let found = products.right[index];
            assert!(
                (found - slope).abs() < 1e-4 * (1.0 + slope.abs()),
                "{form}, {index}: {found}, {slope}"
            );
            // Jᵀ times the change of the residual in one direction is a row of the Gram matrix.
            let change = |other: usize| {
                let (above, below) =
                    (posterior.products(&above, None), posterior.products(&below, None));
                (below.right[other] - above.right[other]) / (2.0 * width)
            };
            let gram = products.gram[index * size + index];
            if posterior.is_linear() {
                assert!(
                    (gram - change(index)).abs() < 1e-5 * (1.0 + gram),
                    "{form}, {index}: {gram}"
                );
            }
            for other in 0..size {
                let mirrored = products.gram[other * size + index];
                assert!(
                    (products.gram[index * size + other] - mirrored).abs()
                        < 1e-9 * (1.0 + mirrored.abs())
                );
            }
        }
    });
}

#[test]
fn no_point_nearby_is_more_probable() {
    for_each_form(|form, posterior| {
        let found = most_probable(posterior, posterior.start());
        let best = posterior.point(found.parameters.clone());
        let mut noise = Noise::new(6);
        for trial in 0..400 {
            let mut there = found.parameters.clone();
            let width = 10.0_f64.powi(-(trial % 5) - 1);
            let only = trial as usize % there.len();
            for (index, parameter) in there.iter_mut().enumerate() {
                // In turn along one axis, where the absolute values have their edges, and anywhere.
                if trial % 2 == 0 || index == only {
                    *parameter += width * noise.normal();
                }
            }
            let other = posterior.point(there);
            assert!(other.loss > best.loss - 1e-5, "{form}: {} and {}", other.loss, best.loss);
        }
    });
}
