//! `weft serve`: the control loop day and night, with its API and dashboard, over a real fleet. It opens
//! what the configuration names and puts the parts together.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use weft_control::control;
use weft_core::time::{Span, Timestamp};
use weft_store::{SqliteStore, Store, StoreError};

use crate::alert::Alerts;
use crate::api::{App, Gate, Token};
use crate::cli::{Failure, ServeArguments};
use crate::config::{Config, Source};
use crate::output;
use crate::run::clock::Clock;
use crate::run::desk::{Ask, Desk};
use crate::run::serve::intake::Metrics;
use crate::run::serve::machines::Machines;
use crate::run::serve::{Founded, Parts};
use crate::run::simulated::Simulated;
use crate::run::watched::Watched;
use crate::run::web::Web;

/// An observation through metrics, or of many machines, takes its time.
const FRESH_FOR: Span = Span::from_seconds(10);

/// Carries `weft serve` out: until SIGINT or SIGTERM.
pub fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.config)?;
    let policy = config.read_policy().map_err(Failure::Input)?;
    let store = SqliteStore::open(&config.store, config.step).map_err(outside)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let receivers = config.alerts.receivers().map_err(Failure::Input)?;
    let parts = parts(&config, store.as_ref())?;
    let clock = parts.clock;
    let topology = parts.machines.topology();
    let mut settings = control::Config::new(topology, policy, config.step, seed());
    settings.publish = true;
    settings.history_steps = config.learn.whole_steps(config.step);
    settings.fresh_for = FRESH_FOR.max(Span::from_seconds_f64(clock.speed()));
    if matches!(config.source, Source::Prometheus(_)) {
        // The placement is read from the metrics of whole steps: it is no newer in between.
        settings.observe_every = config.step.span();
    }
    let founded = Founded::new(settings, store.as_ref()).map_err(outside)?;
    let (web, listener) = Web::listen(config.listen)?;
    let desk = founded.desk(clock.now(), store.clone());
    let alerts = Alerts::start(&desk, receivers, clock);
    let alerts = alerts.map_err(|error| Failure::Outside(error.into()))?;
    // Only now: a start that fails must not make a token that nobody has seen.
    let token = token(store.as_ref(), arguments.new_token)?;
    let hash = store.token_hash().map_err(outside)?;
    let hash = hash.expect("the store has the hash of the token: made above");
    let gate = Gate::new(hash, web.address().ip().is_loopback());
    web.serve(listener, App { desk: desk.clone(), gate: Arc::new(gate) });
    obey_signals(&web, &desk);
    greet(&config, &web, token.as_ref())?;
    let result = founded.run(desk, parts).map_err(|error| Failure::Outside(error.into()));
    alerts.close();
    web.stop();
    result
}

fn outside(error: StoreError) -> Failure {
    Failure::Outside(error.into())
}

/// Searches differ from day to day; within one run they are told apart by the plan's number.
fn seed() -> u64 {
    Clock::Wall.now().as_millis().unsigned_abs()
}

/// A new token where there is none yet, or another was asked for. Only its hash is kept.
fn token(store: &dyn Store, is_new: bool) -> Result<Option<Token>, Failure> {
    if store.token_hash().map_err(outside)?.is_some() && !is_new {
        return Ok(None);
    }
    let token = Token::random().context("no randomness for the token").map_err(Failure::Outside)?;
    store.set_token_hash(token.hash()).map_err(outside)?;
    Ok(Some(token))
}

/// The begin of the first step that the store lacks, within what is learned from.
fn first_step(config: &Config, store: &dyn Store, now: Timestamp) -> Result<Timestamp, StoreError> {
    let earliest = (now - config.learn).floor(config.step);
    let next = store.newest_step()?.map(|newest| newest + config.step.span());
    Ok(next.map_or(earliest, |next| next.max(earliest)))
}

fn parts(config: &Config, store: &dyn Store) -> Result<Parts, Failure> {
    match &config.source {
        Source::Prometheus(metrics) => {
            let fleet = config.read_fleet().map_err(Failure::Input)?;
            let from = first_step(config, store, Clock::Wall.now()).map_err(outside)?;
            let watched =
                Watched::new(metrics, config.step, from, fleet).map_err(Failure::Input)?;
            Ok(joined(config, Clock::Wall, watched))
        }
        Source::Simulated { address } => {
            let met = Simulated::meet(address).map_err(Failure::Outside)?;
            if met.step() != config.step {
                let (expected, found) = (met.step().span(), config.step.span());
                return Err(Failure::Input(anyhow!(
                    "{}: step: expected {expected} as the simulated fleet has, found {found}",
                    config.file.display()
                )));
            }
            let clock = met.clock();
            let from = first_step(config, store, clock.now()).map_err(outside)?;
            Ok(joined(config, clock, met.following(from)))
        }
    }
}

/// What is both machines and metrics.
fn joined<T: Machines + Metrics + Clone + 'static>(
    config: &Config,
    clock: Clock,
    fleet: T,
) -> Parts {
    let read = config.clone();
    Parts {
        machines: Box::new(fleet.clone()),
        metrics: Box::new(fleet),
        clock,
        retention: config.retention,
        sources: config.signals.clone(),
        policy: Box::new(move || read.read_policy()),
    }
}

/// SIGINT and SIGTERM stop, SIGHUP reads the policy anew.
fn obey_signals(web: &Web, desk: &Desk) {
    let stopping = desk.clone();
    web.on_signal(move || {
        let _ = stopping.ask_and_wait(Ask::Stop);
    });
    let reloading = desk.clone();
    web.on_hangup(move || match reloading.ask_and_wait(Ask::ReloadPolicies) {
        Ok(done) => tracing::info!(done, "the policy was read anew"),
        Err(refusal) => tracing::error!(%refusal, "the policy stays as it was"),
    });
}

fn greet(config: &Config, web: &Web, token: Option<&Token>) -> Result<(), Failure> {
    let (address, source) = (web.address(), &config.source);
    let place = match token {
        Some(token) => format!(
            "http://{address}/#token={}\n\nThe token is shown this once; scripts take it from WEFT_TOKEN.",
            token.reveal()
        ),
        None => format!("http://{address}/"),
    };
    output::print(&format!("Weft serves {source}.\n\n  {place}\n\nStop with Ctrl-C.\n"))
}
