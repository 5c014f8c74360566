//! How well anomalies are told from what is usual, on generated series: false alarms a week where nothing is wrong, the
//! part of injected anomalies that is found by kind and background, and what a sample costs. With a file of values, one
//! a line (or the last column of a CSV), as argument it prints what the detector says of it. It prints; it must never
//! be a condition of a test, since it measures the machine too.
//!
//! `cargo run --release -p weft-forecast --example detect_quality [FILE]`

use std::io::{self, Write};

use weft_core::time::{Step, Timestamp};
use weft_forecast::detect::{Detector, DetectorConfig, Finding};

#[path = "../src/detect/injected.rs"]
mod injected;

use injected::{BACKGROUNDS, DAY, INJECTED, values};

/// Quiet series of each background and their weeks; series with an anomaly of each kind.
const QUIET_SERIES: u64 = 20;
const QUIET_WEEKS: usize = 8;
const ODD_SERIES: u64 = 50;
/// Steps from its start within which an anomaly must be found.
const WITHIN_STEPS: usize = DAY * 3 / 4;
const MEASURED_SAMPLES: usize = 2_000_000;

#[allow(clippy::disallowed_methods, reason = "an example that prints, outside the pure library")]
fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn findings(values: &[f64]) -> Vec<Finding> {
    let mut detector = Detector::new(DetectorConfig::new(Step::FIVE_MINUTES));
    let at = |step: usize| Timestamp::from_seconds(300 * step as i64);
    values
        .iter()
        .enumerate()
        .map(|(step, value)| detector.observe(at(step), Some(*value)))
        .collect()
}

fn alarms(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.anomaly.is_some()).count()
}

fn quiet() -> io::Result<()> {
    print("false alarms a week on quiet series")?;
    for background in BACKGROUNDS {
        let of_seed = |seed| {
            alarms(&findings(&values(background, 1_000 + seed, 7 * QUIET_WEEKS * DAY, None)))
        };
        let all: usize = (0..QUIET_SERIES).map(of_seed).sum();
        let weeks = QUIET_SERIES as f64 * QUIET_WEEKS as f64;
        let name = format!("{background:?}");
        print(&format!("  {name:<16} {:.2}", all as f64 / weeks))?;
    }
    Ok(())
}

fn odd() -> io::Result<()> {
    print("\ninjected anomalies found, and samples until then (median)")?;
    for kind in INJECTED {
        for background in BACKGROUNDS.into_iter().filter(|background| background.admits(kind)) {
            let delay = |seed: u64| {
                let start = 10 * DAY + 37 * seed as usize;
                let series =
                    values(background, 2_000 + seed, start + WITHIN_STEPS, Some((kind, start)));
                findings(&series)[start..].iter().position(|finding| finding.anomaly.is_some())
            };
            let mut delays: Vec<usize> = (0..ODD_SERIES).filter_map(delay).collect();
            delays.sort_unstable();
            let found = delays.len() as f64 / ODD_SERIES as f64;
            let median =
                delays.get(delays.len() / 2).map_or_else(|| "-".to_owned(), usize::to_string);
            let (kind, background) = (format!("{kind:?}"), format!("{background:?}"));
            print(&format!("  {kind:<12} {background:<16} {found:>5.2} {median:>5}"))?;
        }
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "an example that measures")]
fn cost() -> io::Result<()> {
    let series = values(BACKGROUNDS[0], 7, MEASURED_SAMPLES, None);
    let start = std::time::Instant::now();
    let count = alarms(&findings(&series));
    let microseconds = start.elapsed().as_secs_f64() * 1e6 / MEASURED_SAMPLES as f64;
    print(&format!(
        "\n{microseconds:.2} µs a sample ({count} alarms in {MEASURED_SAMPLES} samples)"
    ))
}

#[allow(
    clippy::disallowed_methods,
    reason = "an example that reads a file, outside the pure library"
)]
fn look_at(path: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let value = |line: &str| line.rsplit(',').next().and_then(|last| last.trim().parse().ok());
    let series: Vec<f64> = text.lines().filter_map(value).collect();
    for (step, finding) in findings(&series).iter().enumerate() {
        if let Some(kind) = finding.anomaly {
            print(&format!(
                "step {step}, value {}: score {:.2}, {kind:?}",
                series[step], finding.score
            ))?;
        }
    }
    print(&format!("{} steps", series.len()))
}

fn main() -> io::Result<()> {
    #[allow(clippy::disallowed_methods, reason = "an example has arguments")]
    let argument = std::env::args().nth(1);
    match argument {
        Some(path) => look_at(&path),
        None => quiet().and_then(|()| odd()).and_then(|()| cost()),
    }
}
