//! The detector on generated series: what it finds, what it leaves alone, what it gives to forecasts. The larger table
//! is `examples/detect_quality.rs`.

use super::injected::{BACKGROUNDS, Background, DAY, INJECTED, Injected, Source, values};
use super::{Detector, DetectorConfig, Direction, Finding, Kind};
use weft_core::time::{Step, Timestamp};

fn observe_all(values: impl IntoIterator<Item = Option<f64>>) -> Vec<Finding> {
    let mut detector = Detector::new(DetectorConfig::new(Step::FIVE_MINUTES));
    let at = |step: usize| Timestamp::from_seconds(300 * step as i64);
    let steps = values.into_iter().enumerate();
    steps.map(|(step, value)| detector.observe(at(step), value)).collect()
}

fn findings(values: &[f64]) -> Vec<Finding> {
    observe_all(values.iter().copied().map(Some))
}

fn alarms(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.anomaly.is_some()).count()
}

#[test]
fn quiet_series_bring_at_most_one_false_alarm_a_week() {
    const WEEKS: usize = 4;
    for background in BACKGROUNDS {
        let of_seed = |seed| alarms(&findings(&values(background, seed, 7 * WEEKS * DAY, None)));
        let false_alarms: usize = (0..3).map(of_seed).sum();
        assert!(false_alarms <= 3 * WEEKS, "{background:?}: {false_alarms} in {} weeks", 3 * WEEKS);
    }
}

#[test]
fn four_of_five_injected_anomalies_of_every_kind_are_found() {
    for kind in INJECTED {
        let (mut found, mut all) = (0, 0);
        for background in BACKGROUNDS.into_iter().filter(|background| background.admits(kind)) {
            for seed in 0..4 {
                let start = 10 * DAY + 61 * seed as usize;
                let series = values(background, seed, start + DAY * 3 / 4, Some((kind, start)));
                found += usize::from(alarms(&findings(&series)[start..]) > 0);
                all += 1;
            }
        }
        assert!(5 * found >= 4 * all, "{kind:?}: {found} of {all}");
    }
}

#[test]
fn verdicts_name_the_kind() {
    let check = |background, injected, seed, is_right: fn(&Kind) -> bool| {
        let start = 10 * DAY + 50;
        let series = values(background, seed, start + DAY / 2, Some((injected, start)));
        let kinds: Vec<Kind> =
            findings(&series)[start..].iter().filter_map(|finding| finding.anomaly).collect();
        assert!(kinds.iter().any(is_right), "{injected:?}: {kinds:?}");
    };
    check(
        Background::Seasonal,
        Injected::Spike,
        2,
        |kind| matches!(kind, Kind::Spike { expected, deviations } if (20.0..80.0).contains(expected) && *deviations > 5.0),
    );
    check(Background::WhiteNoise, Injected::Drop, 2, |kind| matches!(kind, Kind::Drop { .. }));
    check(
        Background::Seasonal,
        Injected::LevelShift,
        2,
        |kind| matches!(kind, Kind::LevelShift { direction: Direction::Up, by, .. } if *by > 5.0),
    );
    check(Background::Seasonal, Injected::LevelShift, 3, |kind| {
        matches!(kind, Kind::LevelShift { direction: Direction::Down, .. })
    });
    check(Background::WhiteNoise, Injected::Flat, 2, |kind| matches!(kind, Kind::Flat { .. }));
    check(Background::WhiteNoise, Injected::Shape, 2, |kind| matches!(kind, Kind::Shape { .. }));
}

#[test]
fn no_finding_depends_on_a_later_sample_or_on_the_unit() {
    let clean = values(Background::Seasonal, 5, 8 * DAY, Some((Injected::Spike, 6 * DAY)));
    let mut poisoned = clean.clone();
    poisoned[7 * DAY..].fill(1e9);
    let (clean_findings, poisoned) = (findings(&clean), findings(&poisoned));
    assert_eq!(clean_findings[..7 * DAY], poisoned[..7 * DAY]);
    assert!(poisoned[7 * DAY].score > 0.6, "the poison is strong enough to be seen");
    let scaled: Vec<f64> = clean.iter().map(|value| 1e6 * value).collect();
    for (left, right) in clean_findings.iter().zip(findings(&scaled)) {
        assert!((left.score - right.score).abs() < 0.02, "{} and {}", left.score, right.score);
    }
}

#[test]
fn what_recurs_each_night_is_learnt() {
    let mut source = Source::new(8);
    let night = |step: usize| (30..36).contains(&(step % DAY));
    let backup = |step: usize| if night(step) { 60.0 } else { 0.0 };
    // It begins on the sixth day.
    let value =
        |step: usize| 20.0 + source.normal() + if step > 5 * DAY { backup(step) } else { 0.0 };
    let found = findings(&(0..20 * DAY).map(value).collect::<Vec<_>>());
    let told: Vec<usize> = (0..found.len()).filter(|step| found[*step].anomaly.is_some()).collect();
    // Of the backup is what is told while it runs and in the hour after it; the rest is a false alarm of the noise.
    let of_nights = |first: usize, last: usize| {
        let nights = told.iter().filter(|step| (first * DAY..last * DAY).contains(*step));
        nights.filter(|step| (30..48).contains(&(**step % DAY))).count()
    };
    assert!(of_nights(5, 6) >= 1, "the first is told");
    assert_eq!(of_nights(10, 20), 0, "after five nights: {told:?}");
    let others = told.iter().filter(|step| **step >= 10 * DAY).count();
    assert!(others <= 1, "one in ten days is what noise may bring: {told:?}");
}

#[test]
fn a_spike_is_cut_for_forecasts_and_a_lasting_shift_is_taken() {
    let mut series = values(Background::Seasonal, 6, 12 * DAY, None);
    series[8 * DAY] += 500.0;
    series[10 * DAY..].iter_mut().for_each(|value| *value += 60.0);
    let accepted: Vec<f64> = findings(&series).iter().filter_map(Finding::accepted).collect();
    assert_eq!(accepted.len(), series.len());
    assert!(accepted[8 * DAY] < 60.0, "{}", accepted[8 * DAY]);
    assert!(accepted[10 * DAY] < series[10 * DAY] - 20.0, "one odd sample is no shift");
    assert_eq!(accepted[10 * DAY + 12..11 * DAY], series[10 * DAY + 12..11 * DAY]);
    let same =
        accepted[..8 * DAY].iter().zip(&series).filter(|(left, right)| left == right).count();
    assert!(same > 8 * DAY - 10, "usual samples pass: {same}");
}

#[test]
fn gaps_odd_values_and_short_series_are_no_trouble() {
    let odd = [
        None,
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(0.0),
        Some(1e300),
        Some(-1e300),
        Some(0.0),
    ];
    for finding in observe_all(odd.into_iter().cycle().take(3_000)) {
        assert!((0.0..=1.0).contains(&finding.score), "{finding:?}");
        assert!(finding.accepted().is_none_or(f64::is_finite), "{finding:?}");
    }
    let short = findings(&[1.0, 1.0, 1_000.0, 1.0]);
    assert!(short.iter().all(|finding| finding.score < 0.1 && finding.anomaly.is_none()));
    let gaps = values(Background::Seasonal, 4, 10 * DAY, None);
    let holed = gaps.iter().enumerate().map(|(step, value)| (step % 50 < 40).then_some(*value));
    assert!(alarms(&observe_all(holed)) <= 2);
}

#[test]
fn a_series_without_noise_that_keeps_its_ways_is_never_odd() {
    let square = |step: usize| if step % DAY < DAY / 2 { 20.0 } else { 80.0 };
    let found = findings(&(0..14 * DAY).map(square).collect::<Vec<_>>());
    assert_eq!(alarms(&found[3 * DAY..]), 0);
    assert_eq!(alarms(&findings(&vec![45.0; 14 * DAY])), 0);
}
