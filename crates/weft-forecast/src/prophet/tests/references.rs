//! Reference values: the Python package prophet 1.5.0 on the same data with the same settings (`reference.py`, which
//! says how to make `reference.csv` anew).

use super::*;

const REFERENCE: &str = include_str!("../reference.csv");
/// Root mean square of the difference of forecasts, as a share of the range of the package's.
const TOLERANCE: f64 = 0.01;
/// Of the mean width of the 80 % interval in the future, and of σ.
const WIDTH_TOLERANCE: f64 = 0.1;
/// By how much the package's parameters may be the more probable ones, in log-posterior.
const LOSS_TOLERANCE: f64 = 0.01;
const DRAWS: usize = 300;
const DAYS: i64 = 24;

/// Monday, the first of January 2024.
fn epoch() -> Timestamp {
    "2024-01-01T00:00:00Z".parse().expect("RFC 3339")
}

/// The generator of `reference.py`.
struct Congruential(u32);

impl Congruential {
    fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(self.0) / 2.0_f64.powi(32)
        };
        ((0..4).map(|_| uniform()).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
    }
}

fn wave(hours: f64, period: f64) -> f64 {
    (std::f64::consts::TAU * hours / period).sin()
}

fn load(step: usize) -> f64 {
    let step = step as f64;
    3.0 + 2.0 * wave(step, 37.0) + wave(step, 11.0)
}

fn busy(step: usize) -> f64 {
    f64::from(u8::from(step % 130 >= 118))
}

/// `values_of` of `reference.py`.
fn values_of(case: &str, steps: usize, hours_a_step: f64) -> Vec<Option<f64>> {
    let mut noise = Congruential(7);
    let mut value = |step: usize| {
        let hours = step as f64 * hours_a_step;
        let (day, week, half) = (wave(hours, 24.0), wave(hours + 30.0, 168.0), wave(hours, 12.0));
        let eps = noise.normal();
        let bend = 0.01 * hours + 0.05 * (hours - 300.0).max(0.0);
        let at =
            |every: usize, place: usize, size: f64| if step % every == place { size } else { 0.0 };
        match case {
            "multiplicative" => (40.0 + bend) * (1.0 + 0.2 * day + 0.1 * week) + 1.5 * eps,
            "logistic" => {
                10.0 + 80.0 / (1.0 + (-(hours - 250.0) / 80.0).exp()) + 4.0 * day + 2.0 * eps
            }
            "events" => {
                let lift = at(90, 40, 15.0) + at(90, 41, 6.0) - at(60, 11, 5.0);
                50.0 + 0.01 * step as f64 + 4.0 * wave(step as f64, 7.0) + lift + 1.5 * eps
            }
            "regressors" => {
                let value = 40.0 + 0.01 * hours + 6.0 * day + 2.5 * load(step) + 2.0 * eps;
                value * (1.0 + 0.3 * busy(step))
            }
            "flat" => 20.0 + 5.0 * day + 2.0 * half + 2.0 * eps,
            _ => 60.0 + bend + 10.0 * day + 3.0 * half + 5.0 * week + 3.0 * eps,
        }
    };
    (0..steps).map(|step| Some(value(step))).collect()
}

fn series(start: Timestamp, step: Span, values: impl IntoIterator<Item = Option<f64>>) -> Series {
    let values = values.into_iter().map(|value| value.map(|value| value as f32));
    Series::from_values(start, Step::new(step).expect("whole seconds"), values)
}

fn hours_of(case: &str, steps: usize) -> Series {
    series(epoch(), Span::from_hours(1), values_of(case, steps, 1.0))
}

/// The package's rows of a case (hours since the first sample, forecast, trend, lower, upper), σ, and the loss it ends
/// at.
fn rows(case: &str) -> (Vec<[f64; 5]>, f64, f64) {
    let (mut rows, mut sigma, mut loss) = (Vec::new(), 0.0, 0.0);
    for line in REFERENCE.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |index: usize| cells[index].parse::<f64>().expect("a number");
        if cells[0] != case {
            continue;
        }
        if cells[1] == "sigma" {
            (sigma, loss) = (number(2), number(3));
        } else {
            rows.push([number(1), number(2), number(3), number(4), number(5)]);
        }
    }
    assert!(rows.len() >= 20 && sigma > 0.0, "{case}");
    (rows, sigma, loss)
}

/// Fits and compares in sample and ahead; `columns` are the regressors over samples and future.
fn check(case: &str, prophet: &Prophet, series: &Series, known: &Known<'_>, columns: &[Vec<f64>]) {
    let fitted = prophet.fit_with(series, known).expect("long enough");
    let (rows, sigma, loss) = rows(case);
    let first = series.iter().position(|value| value.is_some()).expect("samples");
    let step_hours = series.step().hours();
    let place = |hours: f64| first + (hours / step_hours).round() as usize;
    let steps = place(rows[rows.len() - 1][0]) + 1;
    let cut =
        |from: usize| columns.iter().map(|column| column[from..steps].to_vec()).collect::<Vec<_>>();
    let all = cut(0);
    let ahead = Ahead { regressors: &all, ..Ahead::default() };
    let prediction = fitted.predict_from(series.start(), steps, &ahead).expect("columns");
    let most = rows.iter().map(|row| row[1]).fold(f64::MIN, f64::max);
    let range = most - rows.iter().map(|row| row[1]).fold(f64::MAX, f64::min);
    let off = |found: &[f64], cell: usize| {
        let squares = rows.iter().map(|row| (found[place(row[0])] - row[cell]).powi(2));
        (squares.sum::<f64>() / rows.len() as f64).sqrt() / range
    };
    let (point, trend) = (off(&prediction.point, 1), off(&prediction.trend, 2));
    assert!(point < TOLERANCE && trend < TOLERANCE, "{case}: forecast {point} off, trend {trend}");
    let of_sigma = fitted.deviation() / sigma;
    assert!((of_sigma - 1.0).abs() < WIDTH_TOLERANCE, "{case}: σ is {of_sigma} of the package's");

    let behind = -fitted.log_posterior() - loss;
    assert!(behind < LOSS_TOLERANCE, "{case}: the package's point is more probable by {behind}");

    let future = cut(series.len());
    let ahead = Ahead { regressors: &future, ..Ahead::default() };
    let mut generator = ChaCha8Rng::seed_from_u64(2);
    let quantiles =
        fitted.quantiles(steps - series.len(), &ahead, &levels(), DRAWS, &mut generator);
    let quantiles = quantiles.expect("columns");
    let (mut found, mut expected) = (0.0, 0.0);
    for row in rows.iter().filter(|row| place(row[0]) >= series.len()) {
        let ahead = place(row[0]) - series.len();
        found += quantiles[3 * ahead + 2] - quantiles[3 * ahead];
        expected += row[4] - row[3];
    }
    let width = found / expected;
    assert!((width - 1.0).abs() < WIDTH_TOLERANCE, "{case}: {width} times as wide");
}

#[test]
fn hourly_seasons_agree() {
    let usual = Prophet::default();
    check("additive", &usual, &hours_of("additive", 672), &Known::default(), &[]);
    let multiplicative = Prophet { seasonality_mode: Mode::Multiplicative, ..usual.clone() };
    check(
        "multiplicative",
        &multiplicative,
        &hours_of("multiplicative", 672),
        &Known::default(),
        &[],
    );
    let flat = Prophet { growth: Growth::Flat, ..usual };
    check("flat", &flat, &hours_of("flat", 672), &Known::default(), &[]);
}

#[test]
fn months_with_a_year_agree() {
    let passengers = crate::arima::tests::AIR_PASSENGERS;
    let start: Timestamp = "1949-01-01T00:00:00Z".parse().expect("RFC 3339");
    let mut months = series(start, Span::from_days(1), []);
    for (month, value) in passengers.into_iter().enumerate() {
        let at = format!("{}-{:02}-01T00:00:00Z", 1949 + month / 12, 1 + month % 12);
        months.record(at.parse().expect("RFC 3339"), value as f32, false).expect("in order");
    }
    for (case, mode) in
        [("air additive", Mode::Additive), ("air multiplicative", Mode::Multiplicative)]
    {
        let prophet = Prophet { seasonality_mode: mode, ..Prophet::default() };
        check(case, &prophet, &months, &Known::default(), &[]);
    }
}

#[test]
fn gaps_agree() {
    let is_gap = |step: usize| (step * 7_919).is_multiple_of(11) || (200..250).contains(&step);
    let values = values_of("additive", 672, 1.0).into_iter().enumerate();
    let values = values.map(|(step, value)| value.filter(|_| !is_gap(step)));
    let series = series(epoch(), Span::from_hours(1), values);
    check("gaps", &Prophet::default(), &series, &Known::default(), &[]);
}

#[test]
fn five_minute_steps_agree() {
    let values = values_of("additive", 4_032, 1.0 / 12.0);
    let series = series(epoch(), Span::from_minutes(5), values);
    check("five minutes", &Prophet::default(), &series, &Known::default(), &[]);
}

#[test]
fn saturation_agrees() {
    let growth = Growth::Logistic { capacity: 100.0, floor: 5.0 };
    let prophet = Prophet { growth, ..Prophet::default() };
    check("logistic", &prophet, &hours_of("logistic", 672), &Known::default(), &[]);
}

#[test]
fn events_with_windows_agree() {
    let days =
        |every: i64, place: i64| (0..600).filter(|day| day % every == place).collect::<Vec<_>>();
    let event = |name: &str, days: Vec<i64>, window: Window, prior_scale: f64| Event {
        name: name.to_owned(),
        occurrences: days.into_iter().map(|day| epoch() + Span::from_hours(day * DAYS)).collect(),
        window,
        prior_scale,
        mode: Mode::Additive,
    };
    let events = [
        event("sale", days(90, 40), Window::days(1, 2), 10.0),
        event("repair", days(60, 10), Window::days(0, 1), 0.02),
    ];
    let prophet = Prophet { yearly: Calendar::Off, ..Prophet::default() };
    let series = series(epoch(), Span::from_days(1), values_of("events", 500, 24.0));
    check("events", &prophet, &series, &Known { events: &events, ..Known::default() }, &[]);
}

#[test]
fn regressors_agree() {
    let columns = [(0..840).map(load).collect::<Vec<_>>(), (0..840).map(busy).collect()];
    let regressor = |index: usize, name: &str, prior_scale: f64, mode: Mode| Regressor {
        name: name.to_owned(),
        values: columns[index][..672].to_vec(),
        prior_scale,
        standardisation: Standardisation::Automatic,
        mode,
    };
    let regressors = [
        regressor(0, "load", 0.5, Mode::Additive),
        regressor(1, "campaign", 10.0, Mode::Multiplicative),
    ];
    let known = Known { regressors: &regressors, ..Known::default() };
    check("regressors", &Prophet::default(), &hours_of("regressors", 672), &known, &columns);
}

#[test]
fn seasons_of_ones_own_agree() {
    let season = |name: &str, hours: i64, order: usize, prior_scale: f64, mode: Mode| Seasonality {
        name: name.to_owned(),
        period: Span::from_hours(hours),
        order,
        prior_scale,
        mode,
    };
    let prophet = Prophet {
        daily: Calendar::Off,
        weekly: Calendar::Order(2),
        seasonalities: vec![
            season("half day", 12, 2, 0.01, Mode::Additive),
            season("day", 24, 3, 10.0, Mode::Multiplicative),
        ],
        ..Prophet::default()
    };
    check("custom", &prophet, &hours_of("additive", 672), &Known::default(), &[]);
}
