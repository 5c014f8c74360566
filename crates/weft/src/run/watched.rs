//! A fleet that is watched through its metrics: who is where and how large, and what each demands. Metrics
//! cannot tell a dead host from a dead exporter, so no host is ever called lost here; and they
//! move nothing, so every order is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use weft_collect::preset::Derived;
use weft_collect::prometheus::{FollowSettings, Follower};
use weft_core::files::fleet::FleetFile;
use weft_core::fleet::{Topology, Workloads};
use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveOrder, MoveStatus, Observation};
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_driver::{Capabilities, Driver, DriverError};
use weft_sim::setup::GeneratorSection;

use super::clock::Clock;
use super::serve::intake::Metrics;
use super::serve::machines::Machines;
use crate::config::MetricsSettings;
use crate::known::Known;

/// The fleet as a metrics server tells it. Clones share the server's follower, so that samples are judged
/// by the sizes that were observed last.
#[derive(Debug, Clone)]
pub struct Watched {
    follower: Arc<Mutex<Follower>>,
    address: String,
    clock: Clock,
    /// What the operator knows better than metrics.
    known: Arc<Known>,
    topology: Arc<Topology>,
}

impl Watched {
    /// The fleet behind these settings, whose first step begins at `from`.
    pub fn new(
        settings: &MetricsSettings,
        step: Step,
        from: Timestamp,
        fleet: Option<FleetFile<GeneratorSection>>,
    ) -> anyhow::Result<Self> {
        let follow = FollowSettings { step, settle: settings.settle, ..FollowSettings::default() };
        let (preset, options) = (settings.preset, settings.options.clone());
        let follower = Follower::new(settings.server.client()?, preset, options, follow, from);
        let known = fleet.map_or_else(Known::default, Known::of);
        Ok(Self {
            follower: Arc::new(Mutex::new(follower)),
            address: settings.server.address.clone(),
            clock: Clock::Wall,
            topology: Arc::new(known.topology().clone()),
            known: Arc::new(known),
        })
    }

    fn follower(&self) -> MutexGuard<'_, Follower> {
        // A call that broke off gives the same steps again.
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, why: &dyn std::error::Error) -> DriverError {
        let mut sentence = why.to_string();
        let mut cause = why.source();
        while let Some(error) = cause {
            sentence = format!("{sentence}: {error}");
            cause = error.source();
        }
        DriverError::Unreachable { what: self.address.clone(), why: sentence }
    }
}

impl Metrics for Watched {
    fn poll(&mut self, now: Timestamp) -> anyhow::Result<Vec<(Timestamp, Vec<Sample>)>> {
        self.follower().poll(now).context(self.address.clone())
    }

    fn given(&self) -> Timestamp {
        self.follower().given()
    }
}

impl Machines for Watched {
    fn topology(&self) -> Arc<Topology> {
        self.topology.clone()
    }
}

impl Driver for Watched {
    fn capabilities(&self) -> Capabilities {
        Capabilities { live: false, preemptive: false, split: false, recover: false, cancel: false }
    }

    fn observe(&mut self) -> Result<Observation, DriverError> {
        let now = self.clock.now();
        let derived = self.follower().observe(now).map_err(|error| self.unreachable(&error))?;
        // A host that fell silent for long stays charted, since plans of the last day name it.
        let merged = self.known.joined(&[&self.topology, &derived.topology]);
        self.topology = Arc::new(merged.map_err(|error| self.unreachable(&error))?);
        Ok(observation(now, derived, &self.known))
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        let what = format!("{} of {}", order.id, order.workload);
        Err(DriverError::Unreachable { what, why: "metrics move nothing".to_owned() })
    }

    fn poll(&mut self, _: MoveId) -> Result<MoveStatus, DriverError> {
        Ok(MoveStatus::Unknown)
    }

    fn cancel(&mut self, _: MoveId) -> Result<(), DriverError> {
        Ok(())
    }
}

fn observation(now: Timestamp, derived: Derived, known: &Known) -> Observation {
    let hosts: BTreeMap<_, _> =
        derived.topology.hosts().map(|host| (host.id.clone(), HostState::Ready)).collect();
    let mut workloads: Workloads = derived.workloads;
    // One that runs nowhere has ended: nobody wants it back.
    workloads.retain(|id, _| !derived.placement.replicas(id).is_empty());
    known.correct(&mut workloads);
    let (placement, moves) = (derived.placement, BTreeMap::new());
    Observation { at: now, hosts, workloads, placement, moves }
}
