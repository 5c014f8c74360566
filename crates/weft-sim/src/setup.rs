//! What a backtest replays, from a trace and a choice of fleet: joins readers, presets, fleet files
//! and the generator. It must not look at the future for anything that a policy could use.

pub mod recorded;

use serde::Deserialize;
use thiserror::Error;
use weft_core::files::fleet::FleetFile;
use weft_core::fleet::Placement;
use weft_core::forecast::Confidence;
use weft_core::policy::{Budgets, Margins, Policy};
use weft_core::time::{Span, Step, Timestamp};

use crate::backtest::Setup;
use crate::baseline::actual::Stays;
use crate::fault::FaultPlan;
use crate::generator::GeneratorSpec;
use crate::preset::planetlab::{self, FirstPlacement};
use crate::preset::{self, PresetError, derived, first_placement};
use crate::readers::Trace;
use crate::world::{Arrival, Demand, Departure, Physics, WorldSpec};

/// The confidences of a sweep that nobody chose: from "as likely as not" to one step in a thousand.
const SWEEP: [f64; 6] = [0.95, 0.5, 0.8, 0.9, 0.99, 0.999];

/// The most days that a generator makes: what is asked of a backtest is seen within a year.
const MOST_DAYS: u32 = 366;

/// Which fleet a trace is replayed on.
#[derive(Debug)]
pub enum FleetChoice {
    /// Derived from the trace: seeded sizes, hosts at 70 % mean use.
    Derived,
    /// CloudSim's set-up for PlanetLab.
    PlanetLab,
    /// From a fleet file.
    File {
        /// The file's name.
        name: String,
        /// What it says.
        file: Box<FleetFile<GeneratorSection>>,
    },
}

/// The `generator` section of a fleet file: demand is made up where there is no trace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSection {
    /// Seed of the demand.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// How many days are made.
    pub days: u32,
    /// Its shape.
    #[serde(default)]
    pub shape: GeneratorSpec,
}

/// A trace and a fleet that do not go together.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The set-up does not fit the trace.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// Neither a trace nor a generator.
    #[error(
        "expected a trace (--trace and --format) or a fleet file with a `generator` section, found neither"
    )]
    NoDemand,
    /// A generator that makes nothing, or without end.
    #[error("{file}: generator.days: expected 1 to {MOST_DAYS}, found {found}")]
    Days {
        /// The fleet file.
        file: String,
        /// What it says.
        found: u32,
    },
    /// A record in which nothing was measured.
    #[error(
        "expected CPU samples in at least two steps of the time that was read, of a workload whose host is known, found none"
    )]
    Unmeasured,
    /// A fleet without the workloads of the trace.
    #[error(
        "{file}: expected the workloads of the trace, such as `{workload}`, found none of that name"
    )]
    Stranger {
        /// The fleet file.
        file: String,
        /// A workload of the trace that it does not have.
        workload: String,
    },
}

/// Joins a trace and a fleet into what is replayed.
pub fn setup(
    trace_name: &str,
    trace: Option<&Trace>,
    fleet: FleetChoice,
    seed: u64,
) -> Result<Setup, SetupError> {
    match (trace, fleet) {
        (Some(trace), FleetChoice::Derived) => {
            let made = derived::setup(trace, seed, derived::MEAN_UTILISATION)?;
            Ok(of(trace_name, "derived", made, Policy::default(), seed))
        }
        (Some(trace), FleetChoice::PlanetLab) => {
            let made = planetlab::setup(trace, FirstPlacement::FirstFit)?;
            let reactive = planetlab::setup(trace, FirstPlacement::PowerAware)?;
            let mut setup = of(trace_name, "planetlab", made, planetlab_policy(), seed);
            setup.world_of_reactive = Some(reactive.world);
            Ok(setup)
        }
        (Some(trace), FleetChoice::File { name, file }) => {
            from_file(trace_name, Some(trace), &name, *file, seed)
        }
        (None, FleetChoice::File { name, file }) => {
            from_file("generated", None, &name, *file, seed)
        }
        (None, _) => Err(SetupError::NoDemand),
    }
}

fn of(trace: &str, fleet: &str, made: preset::Setup, policy: Policy, seed: u64) -> Setup {
    Setup {
        trace: trace.to_owned(),
        fleet: fleet.to_owned(),
        world: made.world,
        world_of_reactive: None,
        recorded: None,
        policy,
        confidences: sweep(),
        end: made.end,
        seed,
        missing: Vec::new(),
        assumed: Vec::new(),
    }
}

fn sweep() -> Vec<Confidence> {
    let levels = SWEEP.iter().map(|level| Confidence::new(*level));
    levels.collect::<Result<_, _>>().expect("the sweep lies in [0.5, 1)")
}

/// The policy for CloudSim's set-up. Its baselines have no budgets at all, so ours are as wide as 800
/// hosts allow: one move at a time on each, because every migration has half a network card to itself.
/// Memory does not bind after the first placement there, which an overcommit without bound says.
fn planetlab_policy() -> Policy {
    Policy {
        budgets: Budgets {
            in_flight_per_host: 1,
            in_flight_per_link: 400,
            in_flight: 400,
            starts_per_hour: 2_000,
        },
        margins: Margins { memory_overcommit: 1e6, ..Margins::default() },
        horizon: Span::from_hours(6),
        ..Policy::default()
    }
}

fn from_file(
    trace_name: &str,
    trace: Option<&Trace>,
    name: &str,
    file: FleetFile<GeneratorSection>,
    seed: u64,
) -> Result<Setup, SetupError> {
    let demand = match (trace, &file.generator) {
        (Some(trace), _) => recorded(trace, name, &file)?,
        (None, Some(section)) if !(1..=MOST_DAYS).contains(&section.days) => {
            return Err(SetupError::Days { file: name.to_owned(), found: section.days });
        }
        (None, Some(section)) => generated(section, &file),
        (None, None) => return Err(SetupError::NoDemand),
    };
    let is_placed =
        |placement: &Placement| file.workloads.keys().all(|id| !placement.replicas(id).is_empty());
    let is_recorded = file.placement.as_ref().is_some_and(is_placed);
    let placement = match file.placement {
        Some(placement) => placement,
        None => first_placement::place(&file.topology, &file.workloads, &|id| {
            first_placement::first_mean(&demand.demand, id)
        })?,
    };
    let mut world = WorldSpec {
        topology: file.topology.into(),
        workloads: file.workloads,
        placement,
        arrivals: Vec::new(),
        departures: Vec::new(),
        demand: demand.demand,
        physics: Physics::default(),
        faults: FaultPlan::default(),
        start: demand.start,
        step: demand.step,
        seed,
    };
    add_churn(&mut world, demand.arrivals, demand.departures);
    let made = preset::Setup { world, end: demand.end };
    let policy = file.policy.unwrap_or_default();
    let own = policy.confidence;
    let mut setup = of(trace_name, name, made, policy, seed);
    setup.recorded = is_recorded.then(Stays::new);
    setup.confidences.retain(|level| *level != own);
    setup.confidences.insert(0, own);
    Ok(setup)
}

/// Demand with the time it covers.
struct Made {
    demand: Demand,
    start: Timestamp,
    step: Step,
    end: Timestamp,
    arrivals: Vec<(Timestamp, weft_core::id::WorkloadId)>,
    departures: Vec<(Timestamp, weft_core::id::WorkloadId)>,
}

fn recorded(
    trace: &Trace,
    name: &str,
    file: &FleetFile<GeneratorSection>,
) -> Result<Made, SetupError> {
    let known = |row: &str| file.workloads.contains_key(&row.into());
    if let Some(row) = trace.rows.iter().find(|row| !known(&row.name)) {
        return Err(SetupError::Stranger { file: name.to_owned(), workload: row.name.clone() });
    }
    Ok(Made {
        demand: preset::demand(trace, &file.workloads),
        start: trace.start,
        step: trace.step,
        end: trace.start + trace.step.span() * trace.steps() as i64,
        arrivals: Vec::new(),
        departures: Vec::new(),
    })
}

fn generated(section: &GeneratorSection, file: &FleetFile<GeneratorSection>) -> Made {
    let step = Step::FIVE_MINUTES;
    let made =
        section.shape.generate(section.seed, &file.workloads, section.start, step, section.days);
    Made {
        demand: Demand::Generated(made.generator),
        start: section.start,
        step,
        end: section.start + Span::from_days(i64::from(section.days)),
        arrivals: made.arrivals,
        departures: made.departures,
    }
}

/// Workloads that arrive later have no place at first and may be put on any host of their region.
fn add_churn(
    world: &mut WorldSpec,
    arrivals: Vec<(Timestamp, weft_core::id::WorkloadId)>,
    departures: Vec<(Timestamp, weft_core::id::WorkloadId)>,
) {
    let topology = world.topology.clone();
    for (at, workload) in arrivals {
        let candidates = region_mates(&topology, &world.placement, &workload);
        world.placement.0.remove(&workload);
        world.arrivals.push(Arrival { at, workload, home: None, candidates });
    }
    let leaves = departures.into_iter().map(|(at, workload)| Departure { at, workload });
    world.departures.extend(leaves);
}

fn region_mates(
    topology: &weft_core::fleet::Topology,
    placement: &Placement,
    workload: &weft_core::id::WorkloadId,
) -> Vec<weft_core::id::HostId> {
    let home = placement.replicas(workload).first();
    let region = home.and_then(|replica| topology.region_of(&replica.host)).map(|r| &r.id);
    topology
        .hosts()
        .filter(|host| topology.region_of(&host.id).map(|r| &r.id) == region)
        .map(|host| host.id.clone())
        .collect()
}
