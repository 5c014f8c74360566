//! A simulated fleet in another process, `weft simulate`, as machines and metrics of the loop: what there is in
//! the place of real machines when `weft serve` itself is rehearsed, killed and started again. The fleet
//! lives on while the loop is gone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_core::fleet::{Host, Link, Region, Topology, Zone};
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus, Observation};
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_driver::{Capabilities, Driver, DriverError};

use super::clock::Clock;
use super::serve::intake::{Metrics, Steps};
use super::serve::machines::Machines;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer that is taken: a few steps of a large fleet.
const BODY_LIMIT_BYTES: u64 = 256 << 20;

/// What a simulated fleet says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Introduction {
    /// Its time.
    pub now: Timestamp,
    /// Its seconds a second.
    pub speed: f64,
    /// Distance between two samples.
    pub step: Step,
    /// Its regions.
    pub regions: Vec<Region>,
    /// Its zones.
    pub zones: Vec<Zone>,
    /// Its hosts.
    pub hosts: Vec<Host>,
    /// Its links.
    pub links: Vec<Link>,
}

/// What it was told, for those who check that nothing was told twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The order.
    pub order: MoveOrder,
    /// When it came first.
    pub at: Timestamp,
    /// How often it came.
    pub times: u32,
    /// Whether one that came again said something else.
    pub is_contradicted: bool,
    /// What became of it.
    pub status: MoveStatus,
}

/// The way to a simulated fleet.
#[derive(Debug, Clone)]
pub struct Simulated {
    agent: ureq::Agent,
    address: String,
    topology: Arc<Topology>,
    step: Step,
    clock: Clock,
    /// End of the last step that was given.
    given: Timestamp,
}

impl Simulated {
    /// Meets the fleet at `address`.
    pub fn meet(address: &str) -> anyhow::Result<Self> {
        let configuration = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .http_status_as_error(true);
        let agent: ureq::Agent = configuration.build().into();
        let address = address.trim_end_matches('/').to_owned();
        let met: Introduction = get(&agent, &address, "introduction")?;
        let topology = Topology::new(met.regions, met.zones, met.hosts, met.links)?;
        let clock = Clock::scaled(met.now, met.speed);
        let (step, given) = (met.step, met.now.floor(met.step));
        Ok(Self { agent, address, topology: Arc::new(topology), step, clock, given })
    }

    /// The fleet's clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Distance between two samples.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The same, whose first step begins at or after `from`.
    #[must_use]
    pub const fn following(mut self, from: Timestamp) -> Self {
        self.given = from;
        self
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, DriverError> {
        get(&self.agent, &self.address, path).map_err(|error| self.silent(&error))
    }

    fn tell(&self, path: &str, body: impl Serialize) -> Result<(), DriverError> {
        let told = self.agent.post(format!("{}/{path}", self.address)).send_json(body);
        told.map(|_| ()).map_err(|error| self.silent(&error.into()))
    }

    fn silent(&self, error: &anyhow::Error) -> DriverError {
        let what = format!("the simulated fleet at {}", self.address);
        DriverError::Unreachable { what, why: format!("{error:#}") }
    }
}

fn get<T: DeserializeOwned>(agent: &ureq::Agent, address: &str, path: &str) -> anyhow::Result<T> {
    let asked = || -> Result<T, ureq::Error> {
        let mut answer = agent.get(format!("{address}/{path}")).call()?;
        answer.body_mut().with_config().limit(BODY_LIMIT_BYTES).read_json()
    };
    asked().with_context(|| format!("expected a simulated fleet (weft simulate) at {address}"))
}

impl Metrics for Simulated {
    fn poll(&mut self, _: Timestamp) -> anyhow::Result<Steps> {
        let from = self.given.as_millis();
        let steps: Vec<(Timestamp, Vec<Sample>)> =
            get(&self.agent, &self.address, &format!("steps?from={from}"))?;
        if let Some((newest, _)) = steps.last() {
            self.given = *newest + self.step.span();
        }
        Ok(steps)
    }

    fn given(&self) -> Timestamp {
        self.given
    }
}

impl Machines for Simulated {
    fn topology(&self) -> Arc<Topology> {
        self.topology.clone()
    }
}

impl Driver for Simulated {
    fn capabilities(&self) -> Capabilities {
        Capabilities { live: true, preemptive: true, split: true, recover: true, cancel: true }
    }

    fn observe(&mut self) -> Result<Observation, DriverError> {
        self.ask("observation")
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        self.tell("moves", order)
    }

    fn poll(&mut self, id: MoveId) -> Result<MoveStatus, DriverError> {
        self.ask(&format!("moves/{}", id.0))
    }

    fn cancel(&mut self, id: MoveId) -> Result<(), DriverError> {
        self.tell(&format!("moves/{}/cancel", id.0), ())
    }
}
