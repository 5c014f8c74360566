//! A small fleet for the tests of alerts, and the loop over it as it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_control::control::{Config, Control};
use weft_core::files::fleet::{self, FleetFile};
use weft_core::fleet::{Placement, Topology};
use weft_core::id::WorkloadId;
use weft_core::observation::{HostState, Observation};
use weft_core::policy::{Mode, Policy};
use weft_core::time::{Step, Timestamp};
use weft_sim::setup::GeneratorSection;

use crate::run::view::View;

const FLEET: &str = "
regions: [{name: eu, energy_price_per_kwh: 0.2}, {name: us, energy_price_per_kwh: 0.1}]
zones: [{name: eu-1, region: eu}, {name: eu-2, region: eu}, {name: us-1, region: us}]
hosts:
  - {name: 'a-{}', count: 2, zone: eu-1, cores: 4, memory: 64GiB, network: 10Gbit/s, power: {measured: g5}}
  - {name: 'b-{}', count: 2, zone: eu-2, cores: 4, memory: 64GiB, network: 10Gbit/s, power: {measured: g5}}
  - {name: c-1, zone: us-1, cores: 4, memory: 64GiB, network: 10Gbit/s, power: {measured: g5}}
workloads: []
";

/// When the tests play.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_772_438_400);

/// Two hosts in each zone of eu, one in us, of four cores each.
pub(crate) fn fleet() -> Topology {
    let file: FleetFile<GeneratorSection> =
        fleet::read("fleet.yaml", FLEET).expect("the fleet above is sound");
    file.topology
}

/// The loop over it, in mode auto, where all is well. Workload `w-a-1` runs on `a-1`, and so on.
pub(crate) fn view() -> View {
    let topology = Arc::new(fleet());
    let policy = Arc::new(Policy { mode: Mode::Auto, ..Policy::default() });
    let config = Config::new(topology.clone(), policy, Step::FIVE_MINUTES, 1);
    let mut view = View::of(NOW, Step::FIVE_MINUTES, topology.clone(), &Control::new(config));
    let mut seen = Observation { at: NOW, ..Observation::default() };
    let mut placement = Placement::default();
    let mut residents = BTreeMap::new();
    for host in topology.hosts() {
        let workload = WorkloadId::from(format!("w-{}", host.id));
        seen.hosts.insert(host.id.clone(), HostState::Ready);
        placement.put(workload.clone(), host.id.clone());
        residents.insert(host.id.clone(), vec![workload]);
    }
    seen.placement = placement;
    view.observation = Some(Arc::new(seen));
    view.residents = Arc::new(residents);
    view.sampled_until = Some(NOW);
    view.may_start = true;
    view
}

/// The same with these hosts lost.
pub(crate) fn without(view: &mut View, lost: &[&str]) {
    let mut seen = (**view.observation.as_ref().expect("the view has an observation")).clone();
    for (host, state) in &mut seen.hosts {
        *state = if lost.contains(&host.as_str()) { HostState::Lost } else { HostState::Ready };
    }
    view.observation = Some(Arc::new(seen));
}
