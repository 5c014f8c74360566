//! Backtests: the same demand under several policies, and what each would have cost.
//!
//! Every policy gets a world of its own, made from the same specification, and sees only samples up
//! to now. The predictive policy is the product's own control loop; the oracle is the same loop fed
//! the true future. Nothing here may favour a policy.

pub mod outcome;

mod bootstrap;
pub mod verdict;

use std::str::FromStr;
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use thiserror::Error;
use weft_control::control::Config;
use weft_core::forecast::Confidence;
use weft_core::policy::{Mode, Policy};
use weft_core::time::Timestamp;

use crate::baseline::actual::{self, Stays};
use crate::baseline::pack_once::PackOnce;
use crate::baseline::{self, Baseline};
use crate::judge::{Block, Judge};
use crate::replay::{Foresight, Replay};
use crate::world::{World, WorldError, WorldSpec};
use outcome::{CourseStep, Outcome, PolicyRow};

/// Which policies to compare, as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChoice {
    /// Never move.
    None,
    /// Pack tightly after the first samples, then never move.
    PackOnce,
    /// The three reactive baselines.
    Reactive,
    /// Weft.
    Predictive,
    /// Weft fed the true future.
    Oracle,
    /// What really happened: the recorded placement and its history.
    Actual,
    /// All that can be run.
    All,
}

impl FromStr for PolicyChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "pack-once" => Self::PackOnce,
            "reactive" => Self::Reactive,
            "predictive" => Self::Predictive,
            "oracle" => Self::Oracle,
            "actual" => Self::Actual,
            "all" => Self::All,
            other => {
                return Err(format!(
                    "expected none, pack-once, reactive, predictive, oracle, actual or all, found `{other}`"
                ));
            }
        })
    }
}

/// What cannot be backtested.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BacktestError {
    /// The world's specification contradicts itself.
    #[error(transparent)]
    World(#[from] WorldError),
    /// `actual` needs a placement that was recorded.
    #[error(
        "policy `actual` needs a recorded placement: give every workload a host in the fleet file"
    )]
    NothingRecorded,
}

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The trace's name.
    pub trace: String,
    /// The fleet's name.
    pub fleet: String,
    /// The world in which policies begin.
    pub world: WorldSpec,
    /// The world of the reactive policies, where their first placement is another (CloudSim's is).
    pub world_of_reactive: Option<WorldSpec>,
    /// What was recorded of where workloads were, from the first placement on; none where that placement
    /// is made up, so that there is no `actual`.
    pub recorded: Option<Stays>,
    /// The policy of the loop: prices, budgets, rules; mode and confidence are set per row.
    pub policy: Policy,
    /// The confidences of the sweep.
    pub confidences: Vec<Confidence>,
    /// When the replay ends.
    pub end: Timestamp,
    /// Seed of everything random.
    pub seed: u64,
    /// What is not known of the fleet and what that costs, a sentence each.
    pub missing: Vec<String>,
    /// What was taken to be so because nobody said, a sentence each.
    pub assumed: Vec<String>,
}

/// Series that the trees are asked about in a step: a day of a thousand machines under all policies is to take minutes. They
/// are then asked about every quarter of an hour.
const LOOK_UPS: usize = 400;

/// How full `pack-once` packs hosts, one row for each. An hour of samples tells little of a day, so
/// a confidence alone reaches only the tight end of the trade of energy against unserved demand.
const FILLS: [f64; 8] = [0.95, 0.875, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5];

/// One row to be run.
#[derive(Debug, Clone, Copy)]
enum Run {
    Still,
    /// The moves of the record.
    Actual,
    /// Fills hosts up to this share.
    PackOnce(f64),
    Reactive(Baseline),
    Loop(Foresight, Confidence),
}

impl Run {
    fn name(self) -> &'static str {
        match self {
            Self::Still => "none",
            Self::Actual => "actual",
            Self::PackOnce(_) => "pack-once",
            Self::Reactive(baseline) => baseline.name(),
            Self::Loop(Foresight::Forecast, _) => "predictive",
            Self::Loop(Foresight::Truth, _) => "oracle",
        }
    }

    fn confidence(self) -> Option<f64> {
        match self {
            Self::Loop(_, confidence) => Some(confidence.get()),
            _ => None,
        }
    }

    fn fill(self) -> Option<f64> {
        match self {
            Self::PackOnce(fill) => Some(fill),
            _ => None,
        }
    }
}

/// One row with what the verdict needs of it.
struct Finished {
    row: PolicyRow,
    blocks: Vec<Vec<Block>>,
}

/// Runs the chosen policies side by side; `progress` is told of each row that is done.
pub fn run(
    setup: &Setup,
    choices: &[PolicyChoice],
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Outcome, BacktestError> {
    let runs = runs(setup, choices)?;
    let finished = runs
        .par_iter()
        .map(|run| {
            let finished = finish(setup, *run)?;
            progress(run.name());
            Ok(finished)
        })
        .collect::<Result<Vec<_>, BacktestError>>()?;
    let (mut rows, blocks): (Vec<_>, Vec<_>) =
        finished.into_iter().map(|done| (done.row, done.blocks)).unzip();
    let prices = &setup.policy.prices;
    verdict::fill_regret(&mut rows, prices);
    let verdict = verdict::judge(&rows, &blocks, prices, setup.seed);
    Ok(Outcome {
        trace: setup.trace.clone(),
        fleet: setup.fleet.clone(),
        seed: setup.seed,
        policies: rows,
        verdict,
        missing: setup.missing.clone(),
        assumed: setup.assumed.clone(),
    })
}

/// The rows, in the order in which they are shown.
fn runs(setup: &Setup, choices: &[PolicyChoice]) -> Result<Vec<Run>, BacktestError> {
    let chosen = |choice| choices.contains(&PolicyChoice::All) || choices.contains(&choice);
    let sweep = || setup.confidences.iter().copied();
    let mut runs = Vec::new();
    if chosen(PolicyChoice::None) {
        runs.push(Run::Still);
    }
    if choices.contains(&PolicyChoice::Actual) && setup.recorded.is_none() {
        return Err(BacktestError::NothingRecorded);
    }
    if chosen(PolicyChoice::Actual) && setup.recorded.is_some() {
        runs.push(Run::Actual);
    }
    if chosen(PolicyChoice::PackOnce) {
        runs.extend(FILLS.map(Run::PackOnce));
    }
    if chosen(PolicyChoice::Reactive) {
        runs.extend(Baseline::REACTIVE.map(Run::Reactive));
    }
    if chosen(PolicyChoice::Predictive) {
        runs.extend(sweep().map(|confidence| Run::Loop(Foresight::Forecast, confidence)));
    }
    if chosen(PolicyChoice::Oracle) {
        // Who knows the future need not be sure of it: one row stands for all confidences.
        runs.extend(sweep().take(1).map(|confidence| Run::Loop(Foresight::Truth, confidence)));
    }
    Ok(runs)
}

fn finish(setup: &Setup, run: Run) -> Result<Finished, BacktestError> {
    let spec = match run {
        Run::Reactive(_) => setup.world_of_reactive.as_ref().unwrap_or(&setup.world),
        _ => &setup.world,
    };
    let mut world = World::new(spec.clone())?;
    let world = match run {
        Run::Still => {
            world.advance(setup.end);
            world
        }
        Run::Actual => {
            let stays = setup.recorded.as_ref();
            actual::run(world, stays.expect("it is run only where it was recorded"), setup.end)
        }
        Run::PackOnce(fill) => {
            let packing = Baseline::PackOnce(PackOnce::with_fill(fill));
            baseline::run(world, &packing, setup.end)
        }
        Run::Reactive(policy) => baseline::run(world, &policy, setup.end),
        Run::Loop(foresight, confidence) => {
            let mut replay = Replay::new(world, config(setup, confidence), foresight);
            replay.run(setup.end, &mut |_| {});
            replay.world
        }
    };
    Ok(collect(world, run, setup.end))
}

/// The product's loop as it would be set up for this fleet, in mode auto.
fn config(setup: &Setup, confidence: Confidence) -> Config {
    let policy = Policy { confidence, mode: Mode::Auto, ..setup.policy.clone() };
    let step = setup.world.step;
    let steps = (setup.end - setup.world.start).whole_steps(step);
    let mut config = Config::new(setup.world.topology.clone(), Arc::new(policy), step, setup.seed);
    config.look_ups = LOOK_UPS;
    config.history_steps = config.history_steps.min(steps);
    config.observe_every = step.span();
    config
}

fn collect(mut world: World, run: Run, end: Timestamp) -> Finished {
    let step = world.step();
    let judge: &Judge = world.judge();
    let metrics = judge.metrics();
    let hours = step.hours();
    // The world begins a step at the very end, in which no time passes any more.
    let passed = judge.steps().iter().filter(|totals| totals.at < end);
    let course = passed
        .map(|totals| CourseStep {
            at: totals.at,
            watts: totals.mean_watts(step),
            requested_cores: totals.requested_core_hours / hours,
            unserved_cores: totals.unserved_core_hours / hours,
            active_hosts: totals.occupied_host_hours / hours,
            migrations: totals.migrations,
        })
        .collect();
    let row = PolicyRow {
        policy: run.name().to_owned(),
        confidence: run.confidence(),
        fill: run.fill(),
        energy_kwh: metrics.energy_kwh,
        unserved_core_hours: metrics.unserved.total(),
        unserved_overload_core_hours: metrics.unserved.overload,
        unserved_migration_core_hours: metrics.unserved.migration,
        unserved_downtime_core_hours: metrics.unserved.downtime,
        unserved_lost_core_hours: metrics.unserved.lost,
        overload_minutes: metrics.overload_minutes,
        slatah: metrics.slatah,
        pdm: metrics.pdm,
        slav: metrics.slav,
        esv: metrics.esv,
        migrations: metrics.migrations,
        moved_bytes: metrics.moved_bytes,
        downtime_seconds: metrics.downtime_seconds,
        cost: metrics.bill.total(),
        regret: 0.0,
        course,
    };
    Finished { row, blocks: judge.blocks().to_vec() }
}
