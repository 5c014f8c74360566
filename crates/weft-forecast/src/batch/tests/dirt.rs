//! Forecasts stand what real samples are like: gaps, absurd samples, shifts, clocks that jump, pasts that are short, cut off
//! or mostly zero. Every bound that is wider than one would wish says what was measured. Nothing here may be tuned on:
//! seeds and sizes are arbitrary.

use std::f64::consts::TAU;

use weft_core::forecast::Levels;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use crate::batch::{Batch, BatchForecast, Method, local};
use crate::floors::LastValue;
use crate::generated::Noise;
use crate::model::ModelError;
use crate::validation::{pinball, truncated};

/// Half hours, and ten days of them; a day is forecast.
const SEASON: usize = 48;
const ORIGIN: usize = 10 * SEASON;
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];
/// A test of `$check` for each method: together they would take long.
macro_rules! for_every_method {
    ($name:ident, $check:ident) => {
        mod $name {
            use super::$check;
            use crate::batch::Method;

            macro_rules! test {
                ($method:ident, $variant:ident) => {
                    #[test]
                    fn $method() {
                        $check(Method::$variant);
                    }
                };
            }
            test!(auto, Auto);
            test!(naive, Naive);
            test!(ets, Ets);
            test!(theta, Theta);
            test!(mstl, Mstl);
            test!(arima, Arima);
            test!(prophet, Prophet);
            test!(ensemble, Ensemble);
        }
    };
}

/// Samples with `None` for a gap.
type Samples = Vec<Option<f64>>;

/// Demand without dirt until a day after the origin: a day's rhythm, other for each series, and noise with some memory.
fn demand(seed: u64, series: usize) -> Vec<Vec<f64>> {
    let mut noise = Noise::new(seed);
    let mut one = || {
        let (level, share, begin) =
            (20.0 + 60.0 * noise.uniform(), 0.2 + 0.3 * noise.uniform(), noise.uniform());
        let mut memory = 0.0;
        let mut value = |t: usize| {
            memory = 0.7 * memory + 0.05 * noise.normal();
            let angle = (t as f64 / SEASON as f64 + begin) * TAU;
            let rhythm = 1.0 + share * (angle.sin() + 0.4 * (2.0 * angle).sin());
            (level * (rhythm + memory)).max(0.0)
        };
        (0..ORIGIN + SEASON).map(&mut value).collect()
    };
    (0..series).map(|_| one()).collect()
}

fn levels() -> Levels {
    Levels::new(&LEVELS).expect("levels")
}

fn series_of(samples: impl IntoIterator<Item = Option<f64>>) -> Series {
    let step = Step::new(Span::from_minutes(30)).expect("a step");
    let samples = samples.into_iter().map(|sample| sample.map(|value| value as f32));
    Series::from_values(Timestamp::default(), step, samples)
}

/// The samples before the origin, after `dirty` has been at them.
fn pasts(full: &[Vec<f64>], mut dirty: impl FnMut(&mut Samples)) -> Vec<Series> {
    let one = |values: &Vec<f64>| {
        let mut samples: Samples = values[..ORIGIN].iter().copied().map(Some).collect();
        dirty(&mut samples);
        series_of(samples)
    };
    full.iter().map(one).collect()
}

fn ask(method: Method, panel: &[Series], horizon: usize) -> Vec<Result<BatchForecast, ModelError>> {
    Batch { method, season: SEASON, horizon, resources: &[] }.forecast(panel, &levels(), &|_| {})
}

/// The quantiles of the day after each series.
fn forecast(method: Method, panel: &[Series]) -> Vec<Vec<f32>> {
    let answers = ask(method, panel, SEASON).into_iter();
    answers.map(|answer| sound(&answer.expect("long enough"), SEASON).to_vec()).collect()
}

fn sound(answer: &BatchForecast, horizon: usize) -> &[f32] {
    assert_eq!(answer.quantiles.len(), horizon * LEVELS.len());
    for step in answer.quantiles.chunks(LEVELS.len()) {
        assert!(step.iter().all(|value| value.is_finite() && *value >= 0.0), "{step:?}");
        assert!(step.windows(2).all(|pair| pair[0] <= pair[1]), "{step:?}");
    }
    &answer.quantiles
}

/// Mean pinball loss of `quantiles` where `came` came.
fn loss(quantiles: &[f32], came: &[f64]) -> f64 {
    let of_step = |(step, actual): (&[f32], &f64)| -> f64 {
        LEVELS.iter().zip(step).map(|(level, at)| pinball(*level, f64::from(*at), *actual)).sum()
    };
    let steps = quantiles.chunks(LEVELS.len()).zip(came);
    steps.map(of_step).sum::<f64>() / (came.len() * LEVELS.len()) as f64
}

/// Loss over all series in units of each one's mean.
fn relative_loss(forecasts: &[Vec<f32>], full: &[Vec<f64>]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let pairs = forecasts.iter().zip(full);
    pairs.map(|(quantiles, full)| loss(quantiles, &full[ORIGIN..]) / mean(full)).sum()
}

/// The share of `came` within the 95 % intervals.
fn coverage(forecasts: &[Vec<f32>], full: &[Vec<f64>]) -> f64 {
    let (mut inside, mut judged) = (0, 0);
    for (quantiles, full) in forecasts.iter().zip(full) {
        for (step, actual) in quantiles.chunks(LEVELS.len()).zip(&full[ORIGIN..]) {
            inside += usize::from(f64::from(step[0]) <= *actual && *actual <= f64::from(step[4]));
            judged += 1;
        }
    }
    f64::from(inside as u32) / f64::from(judged)
}

fn medians(quantiles: &[f32]) -> Vec<f64> {
    quantiles.chunks(LEVELS.len()).map(|step| f64::from(step[2])).collect()
}

/// Takes out 15 % of the samples: a third one by one, the rest in bursts of up to half a day.
fn tear(samples: &mut Samples, noise: &mut Noise) {
    let wanted = samples.len() * 15 / 100;
    let missing = |samples: &Samples| samples.iter().filter(|sample| sample.is_none()).count();
    while missing(samples) < wanted {
        let is_burst = missing(samples) * 3 > wanted;
        let length = if is_burst { 4 + (20.0 * noise.uniform()) as usize } else { 1 };
        let from = (noise.uniform() * samples.len() as f64) as usize;
        samples.iter_mut().skip(from).take(length).for_each(|sample| *sample = None);
    }
}

for_every_method!(gaps_cost_little, check_gaps);

fn check_gaps(method: Method) {
    // Some cost more than others: each test is to be short.
    let full = demand(
        1,
        match method {
            Method::Ensemble => 3,
            Method::Auto | Method::Arima => 6,
            _ => 10,
        },
    );
    let mut noise = Noise::new(2);
    let whole = relative_loss(&forecast(method, &pasts(&full, |_| {})), &full);
    let torn = pasts(&full, |samples| tear(samples, &mut noise));
    let ratio = relative_loss(&forecast(method, &torn), &full) / whole;
    // Measured: auto 0.99 here, 1.034 and 1.037 on panels of ten and sixteen; MSTL 1.048, Theta 1.083, the others up to 1.029.
    let most = match method {
        Method::Theta => 1.09,
        Method::Mstl => 1.055,
        _ => 1.03,
    };
    assert!(ratio < most, "{ratio} times the loss without gaps");
}

for_every_method!(an_absurd_sample_reaches_no_further_than_its_step, check_absurd);

/// One sample of a thousand times its worth, at the time of day of a step ahead, in one series of four: how far that moves any
/// quantile of any of them, in means of the series. A gap in its place moves them too.
fn check_absurd(method: Method) {
    let full = demand(3, 4);
    let clean = forecast(method, &pasts(&full, |_| {}));
    let mut series = 0;
    let absurd = |samples: &mut Samples| {
        series += 1;
        let at = ORIGIN - SEASON - SEASON / 2;
        samples[at] = samples[at].map(|value| if series == 1 { 1_000.0 * value } else { value });
    };
    let dirty = forecast(method, &pasts(&full, absurd));
    let mut furthest = 0.0_f64;
    for ((clean, dirty), full) in clean.iter().zip(&dirty).zip(&full) {
        let usual = full.iter().sum::<f64>() / full.len() as f64;
        let apart = clean.iter().zip(dirty).map(|(a, b)| f64::from((a - b).abs()) / usual);
        furthest = apart.fold(furthest, f64::max);
    }
    // Measured: auto 0.14, others up to 0.03; left in, 37 to 42,000.
    assert!(furthest < 0.18, "{furthest} means");
}

for_every_method!(a_level_shift_of_yesterday_is_followed, check_shift_of_yesterday);
for_every_method!(a_level_shift_of_today_is_followed, check_shift_of_today);

fn check_shift_of_yesterday(method: Method) {
    check_shift(method, SEASON);
}

fn check_shift_of_today(method: Method) {
    check_shift(method, 8);
}

/// Half as much again from a day, or from four hours, before the origin on, in two series of eight. How much of it the
/// medians follow on average, and how much of what comes the intervals of those two cover.
fn check_shift(method: Method, since: usize) {
    let mut full = demand(5, 8);
    let mut shifts = Vec::new();
    for values in &mut full[..2] {
        let by = 0.5 * values.iter().sum::<f64>() / values.len() as f64;
        values[ORIGIN - since..].iter_mut().for_each(|value| *value += by);
        shifts.push(by);
    }
    let forecasts = forecast(method, &pasts(&full, |_| {}));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let followed = |index: usize| {
        let missed = mean(&medians(&forecasts[index])) - mean(&full[index][ORIGIN..]);
        1.0 + missed / shifts[index]
    };
    let followed = f64::midpoint(followed(0), followed(1));
    let covered = coverage(&forecasts[..2], &full[..2]);
    let (least, most, least_covered) = shift_bounds(method, since);
    assert!((least..most).contains(&followed), "{followed} of the shift, since {since}");
    assert!(covered >= least_covered, "{covered} covered, since {since}");
}

/// Least and most of the shift that is followed, and the least covered. What was measured is within 0.1 of these. After a day
/// MSTL and Prophet take part of the shift for the day's rhythm or for a trend, Theta for a trend; after four hours all but
/// Theta follow a quarter only, and the intervals of auto cover 12 %: it has seen no shift, so it takes this one for a burst.
const fn shift_bounds(method: Method, since: usize) -> (f64, f64, f64) {
    match (method, since == SEASON) {
        (Method::Auto, true) => (0.85, 1.05, 0.85),
        (Method::Mstl, true) => (1.0, 1.45, 0.45),
        (Method::Prophet, true) => (1.0, 1.65, 0.2),
        (Method::Theta, true) => (1.0, 2.1, 0.3),
        (_, true) => (0.95, 1.2, 0.9),
        (Method::Auto, false) => (0.15, 0.5, 0.1),
        (Method::Theta, false) => (0.15, 2.0, 0.3),
        (Method::Naive | Method::Ensemble, false) => (0.2, 0.5, 0.55),
        (_, false) => (0.2, 0.5, 0.85),
    }
}

/// A rhythm with a narrow peak, whose clock is an hour ahead from `jump` on.
fn local_time(jump: usize) -> Vec<Vec<f64>> {
    let mut noise = Noise::new(7);
    let mut one = |index: usize| {
        let peak = 10.0 + 5.0 * index as f64;
        let mut value = |t: usize| {
            let local = if t >= jump { t + 2 } else { t } % SEASON;
            let apart = (local as f64 - peak) / 2.0;
            30.0 + 40.0 * (-0.5 * apart * apart).exp() + 1.5 * noise.normal()
        };
        (0..ORIGIN + SEASON).map(&mut value).collect()
    };
    (0..5).map(&mut one).collect()
}

for_every_method!(a_clock_that_jumped_four_days_ago_is_followed, check_clock_of_four_days);
for_every_method!(a_clock_that_jumped_a_week_ago_is_followed, check_clock_of_a_week);

fn check_clock_of_four_days(method: Method) {
    check_clock(method, 4);
}

fn check_clock_of_a_week(method: Method) {
    check_clock(method, 7);
}

/// The clock jumps so many days before the origin.
fn check_clock(method: Method, days: usize) {
    let (full, old) = (local_time(ORIGIN - days * SEASON), local_time(usize::MAX));
    let forecasts = forecast(method, &pasts(&full, |_| {}));
    let [new, old] = [&full, &old].map(|full| relative_loss(&forecasts, full));
    let furthest = (0..full.len()).map(|index| {
        let path = medians(&forecasts[index]);
        let peak = (0..SEASON).max_by(|a, b| path[*a].total_cmp(&path[*b])).expect("a day");
        peak.abs_diff(10 + 5 * index - 2)
    });
    let furthest = furthest.max().expect("five series");
    let covered = coverage(&forecasts, &full);
    // Of the loss against the old hour. Means over all days follow slowly: after four days ETS, ARIMA, Theta and Prophet
    // still do better at the old hour, after a week none does.
    let most = match (method, days) {
        (Method::Auto | Method::Naive | Method::Mstl, _) => 0.3,
        (Method::Ensemble, 4) => 0.9,
        (_, 4) => 1.3,
        (Method::Ensemble, _) => 0.45,
        (Method::Prophet, _) => 0.8,
        _ => 0.6,
    };
    assert!(new < most * old, "{new} at the new hour, {old} at the old one, after {days} days");
    assert!(furthest <= if method == Method::Theta { 2 } else { 1 }, "{furthest} steps apart");
    assert!(covered >= 0.91, "{covered} covered after {days} days");
}

for_every_method!(flat_and_rare_demand_is_what_it_is, check_flat);

fn check_flat(method: Method) {
    let mut noise = Noise::new(9);
    let mut rare = || if noise.uniform() < 0.06 { 20.0 + 60.0 * noise.uniform() } else { 0.0 };
    let rare: Samples = (0..ORIGIN).map(|_| Some(rare())).collect();
    let flat = |value: f64| series_of(vec![Some(value); ORIGIN]);
    let answers = forecast(method, &[flat(7.0), flat(0.0), series_of(rare)]);
    assert!(answers[0].iter().all(|value| (value - 7.0).abs() < 1e-3), "{:?}", &answers[0][..5]);
    assert!(answers[1].iter().all(|value| *value < 1e-3), "{:?}", &answers[1][..5]);
    let upper = |level: usize| answers[2].chunks(5).map(move |step| step[level]);
    let most = upper(4).fold(0.0, f32::max);
    let mean = upper(4).sum::<f32>() / SEASON as f32;
    let median = medians(&answers[2]).iter().sum::<f64>() / SEASON as f64;
    // The largest ever was 80, and 97.5 % are below 55. Auto and the ensemble are held down by twice the range only: one
    // series is too few for the trees.
    let (furthest, usual) = match method {
        Method::Auto => (161.0, 80.0),
        Method::Ensemble => (161.0, 70.0),
        Method::Naive => (120.0, 60.0),
        Method::Mstl => (85.0, 60.0),
        _ => (65.0, 56.0),
    };
    assert!((40.0..furthest).contains(&most), "{most}");
    assert!((30.0..usual).contains(&mean), "{mean}");
    assert!(median < 5.0, "{median}");
}

for_every_method!(short_pasts_are_answered_or_refused, check_short);

/// Pasts of a few samples: sound, or one clear error; and at three dozen nothing is much worse than the last value.
fn check_short(method: Method) {
    const HORIZON: usize = 24;
    let full = demand(11, 24);
    for samples in [1, 2, 5, 12, 36] {
        let past = |values: &Vec<f64>| {
            series_of(values[ORIGIN - samples..ORIGIN].iter().copied().map(Some))
        };
        let panel: Vec<Series> = full.iter().map(past).collect();
        let floor = |series: &Series| {
            let lengths = (SEASON, HORIZON);
            let judged = local::judge(&LastValue, series, lengths, local::Refit::Never);
            judged.expect("one sample is enough").quantiles(&levels(), series)
        };
        let (mut floors, mut found) = (0.0, 0.0);
        for ((answer, series), values) in ask(method, &panel, HORIZON).iter().zip(&panel).zip(&full)
        {
            let came = &values[ORIGIN..ORIGIN + HORIZON];
            match answer {
                Ok(answer) => {
                    found += loss(sound(answer, HORIZON), came) / values[0];
                    floors += loss(&floor(series), came) / values[0];
                }
                Err(error) => {
                    assert!(samples < 12, "{error}");
                    assert!(error.to_string().starts_with("expected at least"), "{error}");
                }
            }
        }
        // Auto takes the better floor; whoever asks for another model gets it, for better or worse.
        let most = match method {
            Method::Arima => 1.35,
            Method::Theta => 1.5,
            Method::Prophet => 1.8,
            _ => 1.1,
        };
        assert!(samples < 36 || found < most * floors, "{found}, the last value {floors}");
    }
}

for_every_method!(what_was_cut_off_may_have_been_more, check_censored);

/// Use that is cut off at the cap of the vCPUs for a seventh of the time, and says so: of the steps ahead in which demand is
/// beyond the cap, the share in which the upper quantile is.
fn check_censored(method: Method) {
    let full = demand(13, 6);
    let cut_off = |values: &Vec<f64>| {
        let mut ascending = values.clone();
        ascending.sort_unstable_by(f64::total_cmp);
        let cap = ascending[ascending.len() * 85 / 100];
        let mut series = series_of([]);
        values[..ORIGIN]
            .iter()
            .for_each(|value| series.push(Some(value.min(cap) as f32), *value >= cap));
        (series, cap)
    };
    let (panel, caps): (Vec<Series>, Vec<f64>) = full.iter().map(cut_off).unzip();
    let (mut beyond, mut cut) = (0.0, 0.0);
    for ((quantiles, full), cap) in forecast(method, &panel).iter().zip(&full).zip(&caps) {
        for (step, _) in quantiles.chunks(5).zip(&full[ORIGIN..]).filter(|(_, came)| *came > cap) {
            cut += 1.0;
            beyond += f64::from(u8::from(f64::from(step[4]) > 1.02 * cap));
        }
    }
    // What is always cut off at the same cap leaves the trees to guess by how much.
    let least = if method == Method::Auto { 0.8 } else { 0.9 };
    assert!(cut > 30.0 && beyond >= least * cut, "{beyond} of {cut}");
}

/// A host that was full on the last three days cut off the peaks; it is not any more. The loss over that of samples that were
/// never cut off, where the samples say so and where they do not.
#[test]
fn auto_sees_through_a_full_host() {
    let full = demand(29, 12);
    let losses = [(true, true), (true, false), (false, false)].map(|(is_cut, says_so)| {
        let cut = |values: &Vec<f64>| cut_off_lately(values, is_cut, says_so);
        let panel: Vec<Series> = full.iter().map(cut).collect();
        let answers = forecast(Method::Auto, &panel);
        let each = answers.iter().zip(&full).map(|(answer, came)| loss(answer, &came[ORIGIN..]));
        each.sum::<f64>()
    });
    let [told, untold, uncut] = losses;
    assert!(told < 1.1 * uncut && untold > 1.3 * uncut, "{told}, {untold} untold, {uncut} uncut");
}

fn cut_off_lately(values: &[f64], is_cut: bool, says_so: bool) -> Series {
    let mut ascending = values.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let cap = ascending[ascending.len() * 70 / 100];
    let mut series = series_of([]);
    for (t, value) in values[..ORIGIN].iter().enumerate() {
        let is_beyond = is_cut && t >= ORIGIN - 3 * SEASON && *value >= cap;
        series.push(Some(if is_beyond { cap } else { *value } as f32), is_beyond && says_so);
    }
    series
}

for_every_method!(the_future_changes_nothing, check_future);

fn check_future(method: Method) {
    let full = demand(15, 2);
    let poisoned = |values: &Vec<f64>| {
        let steps = values.iter().enumerate();
        series_of(steps.map(|(t, value)| Some(if t < ORIGIN { *value } else { 1e3 })))
    };
    let poisoned: Vec<Series> = full.iter().map(poisoned).collect();
    let until = |steps: usize| -> Vec<Series> {
        poisoned.iter().map(|series| truncated(series, steps)).collect()
    };
    let clean = pasts(&full, |_| {});
    let [known, told, later] =
        [&clean, &until(ORIGIN), &until(ORIGIN + 1)].map(|panel| ask(method, panel, SEASON));
    assert_eq!(known, told);
    assert!(known != later, "poison that has come is seen");
}
