//! `weft-bench loop`: how well the forecasters of the control loop say what comes on the Azure machines, with and without
//! the boosted trees, and how often hosts of ten machines demand more than the quantile that shortages are found by. Both go through the same samples step by step; a forecast is judged by samples that came after it.

use std::path::Path;

use anyhow::Context;
use weft::cli::Failure;
use weft_core::forecast::{Confidence, Levels};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_forecast::bank::{Bank, BankConfig, Group};

use crate::data;

/// Steps ahead: six hours of five-minute steps.
const HORIZON: usize = 72;
/// Steps ahead up to which losses are told.
const REACHES: [usize; 4] = [1, 12, 36, HORIZON];
/// Steps between two origins: no divisor of a day, so that all its hours are seen.
const EVERY: usize = 23;
/// Days before the first origin. How often trees are fitted and on how much was chosen on the days before it.
const KNOWN_DAYS: usize = 10;
/// Those between are the deciles of the loss, the outer ones the interval.
const LEVELS: [f64; 11] = [0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975];

/// Machines on a host, in the order of the file.
const EACH: usize = 10;
/// The upper quantiles of hosts that are counted.
const UPPER: [f64; 4] = [0.9, 0.95, 0.99, 0.999];

/// How often single steps of hosts lay above their quantiles.
#[derive(Debug, Clone, Copy, Default)]
struct Above {
    counts: [f64; UPPER.len()],
    steps: f64,
}

/// Sums over the origins of one series, up to one reach.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    loss: f64,
    demand: f64,
    steps: f64,
    covered: f64,
}

/// Prints both banks' losses and their ratio.
pub(crate) fn run(data: &Path) -> Result<(), Failure> {
    let machines = machines(data)?;
    let (without, hosts_without) = judge(&machines, Some(0));
    let (with, hosts_with) = judge(&machines, None);
    println!(
        "{} machines, judged from day {KNOWN_DAYS} on; loss: pinball at 0.1 … 0.9 over demand",
        machines.len()
    );
    println!("up to step  without trees  with trees  ratio  95 % cover  without  with");
    for (index, reach) in REACHES.iter().enumerate() {
        let [before, after] = [&without, &with].map(|sums| geometric_mean(sums, index));
        let [covered, covers] = [&without, &with].map(|sums| 100.0 * coverage(sums, index));
        println!(
            "{reach:10}  {before:13.4}  {after:10.4}  {:5.3}  {:10}  {covered:7.2}  {covers:4.2}",
            after / before,
            ""
        );
    }
    println!("\nsteps of hosts of {EACH} above their quantile, percent (wanted: what it leaves)");
    for (name, above) in [("without trees", hosts_without), ("with trees", hosts_with)] {
        let shares: Vec<String> = UPPER
            .iter()
            .zip(above.counts)
            .map(|(level, count)| format!("{level}: {:.2}", 100.0 * count / above.steps))
            .collect();
        println!("{name:13}  {}", shares.join("  "));
    }
    Ok(())
}

/// The use of each machine, step by step; NaN is a gap.
fn machines(data: &Path) -> Result<Vec<Vec<f32>>, Failure> {
    let text = data::gunzipped(&data::file(data, data::AZURE)?)?;
    let mut lines = text.lines();
    let count =
        lines.next().context("expected a line of names, found none").map_err(Failure::Input)?;
    let mut machines = vec![Vec::new(); count.split(',').count()];
    for line in lines {
        for (machine, field) in machines.iter_mut().zip(line.split(',')) {
            machine.push(field.trim_matches('"').parse().unwrap_or(f32::NAN));
        }
    }
    Ok(machines)
}

fn judge(machines: &[Vec<f32>], look_ups: Option<usize>) -> (Vec<[Sum; REACHES.len()]>, Above) {
    let (step, steps) = (Step::FIVE_MINUTES, machines.iter().map(Vec::len).min().unwrap_or(0));
    let mut config = BankConfig::new(step, Buckets::covering(HORIZON));
    config.history_steps = 28 * step.per_day();
    config.look_ups = look_ups.unwrap_or(config.look_ups);
    let mut bank = Bank::new(config);
    let key = |index: usize| SeriesKey::resource(format!("vm-{index:04}").into(), Resource::Cpu);
    (0..machines.len()).for_each(|index| bank.insert(key(index), f32::INFINITY));
    let levels = Levels::new(&LEVELS).expect("they ascend within (0, 1) around 0.5");
    let mut sums = vec![[Sum::default(); REACHES.len()]; machines.len()];
    let mut above = Above::default();
    let hosts: Vec<Group> = (0..machines.len() / EACH)
        .map(|host| Group {
            resource: Resource::Cpu,
            members: (host * EACH..(host + 1) * EACH).map(|index| (key(index), 1.0)).collect(),
        })
        .collect();
    for now in 0..steps {
        let at = Timestamp::default() + step.span() * now as i64;
        let values = machines.iter().map(|machine| machine[now]).enumerate();
        let samples: Vec<Sample> = values
            .filter(|(_, value)| value.is_finite())
            .map(|(index, value)| Sample { key: key(index), at, value, censored: false })
            .collect();
        bank.observe(at, &samples, &hosts);
        if now % (step.per_day() / 24) == 0 {
            bank.refit();
        }
        let is_origin = now >= KNOWN_DAYS * step.per_day() && now % EVERY == 0;
        if !is_origin || now + 1 + HORIZON > steps {
            continue;
        }
        (0..hosts.len()).for_each(|host| count(&mut above, &bank, machines, host, now));
        for (index, sums) in sums.iter_mut().enumerate() {
            if let Ok(forecast) = bank.forecast(&key(index), HORIZON, &levels) {
                let coming = &machines[index][now + 1..];
                coming.iter().zip(0..HORIZON).for_each(|(came, ahead)| {
                    learn(sums, ahead, *came, forecast.at(ahead));
                });
            }
        }
    }
    (sums, above)
}

/// Counts the steps after `now` in which a host demands more than its quantiles.
fn count(above: &mut Above, bank: &Bank, machines: &[Vec<f32>], host: usize, now: usize) {
    let Some(scenarios) = bank.scenarios() else { return };
    let members: Vec<(usize, f32)> =
        (host * EACH..(host + 1) * EACH).map(|row| (row, 1.0)).collect();
    for bucket in 0..scenarios.buckets().len() {
        let load = scenarios.load(&members, bucket);
        for ahead in scenarios.buckets().steps(bucket) {
            let came: f32 = members.iter().map(|(row, _)| machines[*row][now + 1 + ahead]).sum();
            if came.is_nan() {
                continue;
            }
            above.steps += 1.0;
            for (count, level) in above.counts.iter_mut().zip(UPPER) {
                let level = Confidence::new(level).expect("within 0 and 1");
                let most = load.mean + scenarios.tail().multiplier(level, bucket) * load.deviation;
                *count += f64::from(u8::from(came > most));
            }
        }
    }
}

/// Adds what `came` so far ahead to the sums of every reach that includes it.
fn learn(sums: &mut [Sum; REACHES.len()], ahead: usize, came: f32, quantiles: &[f32]) {
    if came.is_nan() {
        return;
    }
    let deciles = LEVELS.iter().zip(quantiles).skip(1).take(LEVELS.len() - 2);
    let loss: f64 = deciles
        .map(|(level, quantile)| {
            let miss = f64::from(came - quantile);
            (level * miss).max((level - 1.0) * miss)
        })
        .sum();
    let is_covered = came >= quantiles[0] && came <= quantiles[LEVELS.len() - 1];
    for (sum, _) in sums.iter_mut().zip(REACHES).filter(|(_, reach)| ahead < *reach) {
        sum.loss += loss;
        sum.demand += f64::from(came.abs());
        sum.steps += 1.0;
        sum.covered += f64::from(u8::from(is_covered));
    }
}

/// Over the series whose loss is not zero.
fn geometric_mean(sums: &[[Sum; REACHES.len()]], reach: usize) -> f64 {
    let losses = sums.iter().map(|sums| sums[reach].loss / sums[reach].demand);
    let logs: Vec<f64> = losses.filter(|loss| loss.is_normal()).map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

fn coverage(sums: &[[Sum; REACHES.len()]], reach: usize) -> f64 {
    let total = |of: fn(&Sum) -> f64| sums.iter().map(|sums| of(&sums[reach])).sum::<f64>();
    total(|sum| sum.covered) / total(|sum| sum.steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_knows_its_reach() {
        let mut sums = [Sum::default(); REACHES.len()];
        learn(&mut sums, 5, 10.0, &[10.0; LEVELS.len()]);
        learn(&mut sums, 40, 12.0, &[10.0; LEVELS.len()]);
        learn(&mut sums, 0, f32::NAN, &[10.0; LEVELS.len()]);
        assert_eq!(sums.map(|sum| sum.steps), [0.0, 1.0, 1.0, 2.0]);
        assert_eq!((sums[1].loss, sums[1].covered), (0.0, 1.0));
        assert!((sums[3].loss - 9.0).abs() < 1e-9, "2 × (0.1 + … + 0.9)");
        assert!((coverage(&[sums], 3) - 0.5).abs() < 1e-9);
        assert!((geometric_mean(&[sums], 3) - 9.0 / 22.0).abs() < 1e-9);
    }
}
