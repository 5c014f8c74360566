//! `weft simulate`: a fleet that is played in a process of its own, so that `weft serve` can be rehearsed on it, killed
//! and started again while the fleet lives on. It does what it is told and decides nothing; it listens
//! on loopback only, because whoever reaches it commands it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow};
use axum::extract::{Path as Segment, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus, Observation};
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};
use weft_driver::{Driver, DriverError};
use weft_sim::fault::{FaultPlan, Place};
use weft_sim::generator::demo::demo_fleet;
use weft_sim::setup::{self, FleetChoice};
use weft_sim::world::{Physics, World, WorldSpec};

use crate::cli::{Failure, SimulateArguments};
use crate::output;
use crate::run::clock::Clock;
use crate::run::simulated::{Introduction, Told};
use crate::run::web::Web;

/// The most of the past that is made, and kept to be asked for.
const LONGEST_PAST: Span = Span::from_days(14);

/// Steps that are given at once.
const MOST_STEPS: usize = 24;

/// The days that the demo's fleet has demand for.
const DAYS: u32 = 60;

/// The demo's fleet begins on a Monday.
const START_SECONDS: i64 = 1_772_409_600;

/// Carries `weft simulate` out: until SIGINT or SIGTERM.
pub fn run(arguments: &SimulateArguments) -> Result<(), Failure> {
    let input = |sentence: String| Failure::Input(anyhow!("{sentence}"));
    if !arguments.listen.ip().is_loopback() {
        return Err(input(format!(
            "--listen: expected a loopback address, found {}",
            arguments.listen
        )));
    }
    if arguments.past < Span::ZERO || arguments.past > LONGEST_PAST {
        return Err(input(format!(
            "--past: expected at most {LONGEST_PAST}, found {}",
            arguments.past
        )));
    }
    let spec = spec(arguments.fleet.as_deref(), arguments.seed)?;
    let (web, listener) = Web::listen(arguments.listen)?;
    let fleet = Fleet::new(spec, arguments.past, arguments.speed)?;
    let (stopped, stop) = std::sync::mpsc::channel();
    web.on_signal(move || {
        let _ = stopped.send(());
    });
    web.serve_routes(listener, routes(fleet));
    output::print(&format!("A simulated fleet plays at http://{}\n", web.address()))?;
    let _ = stop.recv();
    web.stop();
    Ok(())
}

fn spec(file: Option<&Path>, seed: u64) -> Result<WorldSpec, Failure> {
    let Some(path) = file else {
        let fleet = demo_fleet(seed, Timestamp::from_seconds(START_SECONDS), DAYS);
        return Ok(fleet.world(Physics::default(), FaultPlan::none(), seed));
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::Input)?;
    let name = path.display().to_string();
    let file = weft_core::files::fleet::read(&name, &text)
        .map_err(|error| Failure::Input(error.into()))?;
    let choice = FleetChoice::File { name, file: Box::new(file) };
    let setup =
        setup::setup("", None, choice, seed).map_err(|error| Failure::Input(error.into()))?;
    Ok(setup.world)
}

/// The fleet as it plays.
struct Fleet {
    world: World,
    clock: Clock,
    step: Step,
    /// End of the step that is under way.
    next_step: Timestamp,
    steps: VecDeque<(Timestamp, Vec<Sample>)>,
    told: BTreeMap<MoveId, Told>,
}

impl Fleet {
    /// A fleet that has lived for `past` and goes on from there.
    fn new(spec: WorldSpec, past: Span, speed: f64) -> Result<Self, Failure> {
        let (step, start) = (spec.step, spec.start);
        let world = World::new(spec).map_err(|error| Failure::Input(error.into()))?;
        let began = start + past;
        let clock = Clock::scaled(began, speed);
        let next_step = start + step.span();
        let (steps, told) = (VecDeque::new(), BTreeMap::new());
        let mut fleet = Self { world, clock, step, next_step, steps, told };
        fleet.live_until(began);
        // The making of the past took its time.
        fleet.clock = Clock::scaled(began, speed);
        Ok(fleet)
    }

    fn live_until(&mut self, now: Timestamp) {
        while self.next_step <= now {
            self.world.advance(self.next_step);
            let samples = self.world.take_samples();
            self.steps.push_back((self.next_step - self.step.span(), samples));
            self.next_step = self.next_step + self.step.span();
            if self.steps.len() > LONGEST_PAST.whole_steps(self.step) {
                self.steps.pop_front();
            }
        }
        self.world.advance(now);
    }

    fn introduction(&self) -> Introduction {
        let topology = self.world.topology();
        Introduction {
            now: self.world.now(),
            speed: self.clock.speed(),
            step: self.step,
            regions: topology.regions().cloned().collect(),
            zones: topology.zones().cloned().collect(),
            hosts: topology.hosts().cloned().collect(),
            links: topology.links().to_vec(),
        }
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        let now = self.world.now();
        self.world.start(order)?;
        let first = Told {
            order: order.clone(),
            at: now,
            times: 0,
            is_contradicted: false,
            status: MoveStatus::Unknown,
        };
        let told = self.told.entry(order.id).or_insert(first);
        told.times += 1;
        told.is_contradicted |= told.order != *order;
        Ok(())
    }

    fn told(&mut self) -> Result<Vec<Told>, DriverError> {
        let mut all: Vec<Told> = self.told.values().cloned().collect();
        for told in &mut all {
            told.status = self.world.poll(told.order.id)?;
        }
        Ok(all)
    }
}

type Shared = Arc<Mutex<Fleet>>;

fn routes(fleet: Fleet) -> Router {
    Router::new()
        .route("/introduction", get(introduction))
        .route("/observation", get(observation))
        .route("/steps", get(steps))
        .route("/moves", post(start).get(told))
        .route("/moves/{id}", get(poll))
        .route("/moves/{id}/cancel", post(cancel))
        .route("/hosts/{host}/lose", post(lose))
        .route("/hosts/{host}/bring-back", post(bring_back))
        .with_state(Arc::new(Mutex::new(fleet)))
}

/// The fleet as of now.
fn now(fleet: &Shared) -> MutexGuard<'_, Fleet> {
    let mut fleet = fleet.lock().unwrap_or_else(PoisonError::into_inner);
    let now = fleet.clock.now();
    fleet.live_until(now);
    fleet
}

/// A driver that does not answer.
struct Silent(DriverError);

impl IntoResponse for Silent {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.0.to_string()).into_response()
    }
}

async fn introduction(State(fleet): State<Shared>) -> Json<Introduction> {
    Json(now(&fleet).introduction())
}

async fn observation(State(fleet): State<Shared>) -> Result<Json<Observation>, Silent> {
    now(&fleet).world.observe().map(Json).map_err(Silent)
}

#[derive(Debug, Deserialize)]
struct From {
    /// Milliseconds since 1970.
    from: i64,
}

async fn steps(
    State(fleet): State<Shared>,
    Query(From { from }): Query<From>,
) -> Json<Vec<(Timestamp, Vec<Sample>)>> {
    let fleet = now(&fleet);
    let from = Timestamp::from_millis(from);
    let wanted = fleet.steps.iter().filter(|(at, _)| *at >= from);
    Json(wanted.take(MOST_STEPS).cloned().collect())
}

async fn start(
    State(fleet): State<Shared>,
    Json(order): Json<MoveOrder>,
) -> Result<&'static str, Silent> {
    now(&fleet).start(&order).map_err(Silent)?;
    Ok("told\n")
}

async fn told(State(fleet): State<Shared>) -> Result<Json<Vec<Told>>, Silent> {
    now(&fleet).told().map(Json).map_err(Silent)
}

async fn poll(
    State(fleet): State<Shared>,
    Segment(id): Segment<u64>,
) -> Result<Json<MoveStatus>, Silent> {
    now(&fleet).world.poll(MoveId(id)).map(Json).map_err(Silent)
}

async fn cancel(
    State(fleet): State<Shared>,
    Segment(id): Segment<u64>,
) -> Result<&'static str, Silent> {
    now(&fleet).world.cancel(MoveId(id)).map_err(Silent)?;
    Ok("told\n")
}

async fn lose(State(fleet): State<Shared>, Segment(host): Segment<String>) -> &'static str {
    now(&fleet).world.lose_place(&Place::Host(host.into()));
    "lost\n"
}

async fn bring_back(State(fleet): State<Shared>, Segment(host): Segment<String>) -> &'static str {
    now(&fleet).world.bring_back(&Place::Host(host.into()));
    "back\n"
}
