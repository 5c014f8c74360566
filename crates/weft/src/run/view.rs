//! What readers see of the loop: one immutable value, replaced whole after every change, so that no
//! reader ever waits for the loop or sees half of a step.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_control::control::{Control, TrackedMove};
use weft_control::record::{Freeze, Switch};
use weft_core::book::ForecastBook;
use weft_core::fleet::{Replica, Topology};
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::{HostState, Observation};
use weft_core::outlook::Outlook;
use weft_core::plan::{MoveState, Plan};
use weft_core::policy::Policy;
use weft_core::time::{Step, Timestamp};
use weft_plan::situation::Situation;
use weft_sim::twin::Avoided;

use super::load::HostLoads;
use crate::api::shapes::signals::DemoPlace;

/// The loop at one instant.
#[derive(Debug, Clone)]
pub struct View {
    /// The loop's instant.
    pub now: Timestamp,
    /// Distance between two samples.
    pub step: Step,
    /// Regions, zones, hosts, links.
    pub topology: Arc<Topology>,
    /// The fleet as last seen; none before the first observation.
    pub observation: Option<Arc<Observation>>,
    /// Which workloads are on each host, by name: the observation turned round.
    pub residents: Arc<BTreeMap<HostId, Vec<WorkloadId>>>,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// The operator's switch.
    pub switch: Switch,
    /// Whether moves may be started.
    pub may_start: bool,
    /// Why not, each with the instant since when.
    pub freezes: Vec<(Freeze, Timestamp)>,
    /// Why the journal cannot be stored; nothing is started until it is. None while it can.
    pub unstored: Option<String>,
    /// End of the newest step that half of the workloads delivered.
    pub sampled_until: Option<Timestamp>,
    /// What hosts carried in the newest step; none before the first.
    pub load: Option<Arc<HostLoads>>,
    /// The plan in force.
    pub plan: Option<Arc<Plan>>,
    /// Moves that have not ended, and those of the last day that have.
    pub moves: Arc<BTreeMap<MoveId, TrackedMove>>,
    /// Forecasts of all series.
    pub book: Option<Arc<ForecastBook>>,
    /// How hosts look ahead.
    pub outlook: Option<Arc<Outlook>>,
    /// What a plan made now would depend on: for explanations.
    pub situation: Option<Arc<Situation>>,
    /// The demo's clock and twin; none when serving a real fleet.
    pub demo: Option<Arc<DemoView>>,
}

/// The demo's clock and twin.
#[derive(Debug, Clone, Default)]
pub struct DemoView {
    /// Simulated seconds a second.
    pub speed: f64,
    /// When the simulation began.
    pub began: Timestamp,
    /// Host-minutes of overload since then.
    pub overload_minutes: f64,
    /// The same in the twin that never moves.
    pub twin_overload_minutes: f64,
    /// Core-hours not served.
    pub unserved_core_hours: f64,
    /// The same in the twin.
    pub twin_unserved_core_hours: f64,
    /// Shortages that came in the twin only, newest first.
    pub avoided: Vec<Avoided>,
    /// What a button has lost.
    pub lost: Vec<DemoPlace>,
}

impl View {
    /// The loop as it stands.
    pub fn of(now: Timestamp, step: Step, topology: Arc<Topology>, control: &Control) -> Self {
        let observation = control.observation().cloned();
        let residents = observation.as_deref().map(residents).unwrap_or_default();
        let moves = control.moves().map(|tracked| (tracked.planned.id, tracked.clone())).collect();
        let frozen = control.frozen_since().map(|(freeze, since)| (freeze.clone(), since));
        Self {
            now,
            step,
            topology,
            residents: Arc::new(residents),
            policy: control.policy().clone(),
            switch: control.switch(),
            may_start: control.may_start(),
            freezes: frozen.collect(),
            unstored: None,
            sampled_until: control.sampled_until(),
            load: None,
            plan: control.plan().cloned(),
            moves: Arc::new(moves),
            book: control.book().cloned(),
            outlook: control.outlook().cloned(),
            situation: control.situation_now(now).map(Arc::new),
            demo: None,
            observation,
        }
    }

    /// How a host is; none before it was observed.
    pub fn state(&self, host: &HostId) -> Option<HostState> {
        self.observation.as_ref()?.hosts.get(host).copied()
    }

    /// The replicas of a workload.
    pub fn replicas(&self, workload: &WorkloadId) -> &[Replica] {
        self.observation.as_ref().map_or(&[], |seen| seen.placement.replicas(workload))
    }

    /// Whether a workload has a host that is not lost.
    pub fn is_running(&self, workload: &WorkloadId) -> bool {
        let is_up = |replica: &Replica| self.state(&replica.host) != Some(HostState::Lost);
        self.replicas(workload).iter().any(is_up)
    }

    /// Who is on a host, by name.
    pub fn residents(&self, host: &HostId) -> &[WorkloadId] {
        self.residents.get(host).map_or(&[], Vec::as_slice)
    }

    /// The moves in a state.
    pub fn moves_in(&self, state: MoveState) -> impl Iterator<Item = &TrackedMove> {
        self.moves.values().filter(move |tracked| tracked.state == state)
    }
}

fn residents(seen: &Observation) -> BTreeMap<HostId, Vec<WorkloadId>> {
    let mut residents = BTreeMap::new();
    for (workload, replicas) in &seen.placement.0 {
        for replica in replicas {
            let list: &mut Vec<_> = residents.entry(replica.host.clone()).or_default();
            list.push(workload.clone());
        }
    }
    residents
}
