//! The facts that stay the same while a plan is judged: hosts, their states, workloads, policy. It
//! only answers questions about single things; what is broken is said elsewhere.

use std::collections::BTreeMap;

use weft_core::fleet::{Host, Topology, Workload, Workloads};
use weft_core::id::{HostId, RegionId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::policy::{Domain, Policy};

/// What is looked up all the time.
#[derive(Clone, Copy)]
pub(super) struct Fleet<'a> {
    pub(super) topology: &'a Topology,
    pub(super) policy: &'a Policy,
    pub(super) workloads: &'a Workloads,
    pub(super) states: &'a BTreeMap<HostId, HostState>,
}

impl<'a> Fleet<'a> {
    pub(super) fn workload(&self, id: &WorkloadId) -> Option<&'a Workload> {
        self.workloads.get(id).map(AsRef::as_ref)
    }

    pub(super) fn host(&self, id: &HostId) -> Option<&'a Host> {
        self.topology.host(id)
    }

    pub(super) fn state(&self, host: &HostId) -> Option<HostState> {
        self.states.get(host).copied()
    }

    pub(super) fn is_lost(&self, host: &HostId) -> bool {
        self.state(host) == Some(HostState::Lost)
    }

    /// The region of a host; none where the host is unknown.
    pub(super) fn region(&self, host: &HostId) -> Option<&'a RegionId> {
        self.topology.region_of(host).map(|region| &region.id)
    }

    /// The name of the domain in which a host stands; none where the host is unknown.
    pub(super) fn domain(&self, host: &HostId, domain: Domain) -> Option<&'a str> {
        match domain {
            Domain::Host => self.host(host).map(|host| host.id.as_str()),
            Domain::Zone => self.host(host).map(|host| host.zone.as_str()),
            Domain::Region => self.region(host).map(RegionId::as_str),
        }
    }
}
