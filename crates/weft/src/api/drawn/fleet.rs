//! Hosts, workloads and the map as the API shows them.

use weft_core::fleet::{Host, Storage, Workload};
use weft_core::id::{HostId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::plan::MoveState;
use weft_core::resource::{Resource, SeriesKey};

use super::{ahead, moves};
use crate::api::reasons;
use crate::api::shapes::fleet::{
    HostDetail, HostRow, LinkShape, MapShape, RegionShape, ReplicaShape, WorkloadDetail,
    WorkloadRow, Worst, ZoneShape,
};
use crate::api::shapes::plans::{MoveShape, Reason};
use crate::api::shapes::seconds;
use crate::run::view::View;

/// The word of a host's state; `unknown` before it was observed.
pub(crate) fn state(view: &View, host: &HostId) -> &'static str {
    match view.state(host) {
        Some(HostState::Ready) => "ready",
        Some(HostState::Draining) => "draining",
        Some(HostState::Lost) => "lost",
        None => "unknown",
    }
}

/// A host as a row.
pub(crate) fn host_row(view: &View, host: &Host) -> HostRow {
    let residents = view.residents(&host.id);
    let expected = residents.iter().filter_map(|id| {
        let replica = view.replicas(id).iter().find(|replica| replica.host == host.id)?;
        Some(cpu_expected(view, id)? * replica.share())
    });
    let expected = view.book.is_some().then(|| expected.sum());
    HostRow {
        id: host.id.to_string(),
        zone: host.zone.to_string(),
        region: moves::region(view, &host.id),
        state: state(view, &host.id).to_owned(),
        in_scope: view.policy.rules_host(host),
        cores: host.cores,
        cpu_millicores: host.cpu_millicores(),
        memory_bytes: host.offers(Resource::Memory),
        memory_allocated_bytes: memory_allocated(view, residents),
        workloads: residents.len(),
        cpu_expected_millicores: expected,
        worst: worst(view, &host.id),
        tags: host.tags.iter().map(ToString::to_string).collect(),
    }
}

fn memory_allocated(view: &View, residents: &[WorkloadId]) -> u64 {
    let Some(seen) = &view.observation else { return 0 };
    let sizes = residents.iter().filter_map(|id| seen.workloads.get(id));
    sizes.map(|workload| workload.allocation(Resource::Memory)).sum()
}

fn worst(view: &View, host: &HostId) -> Option<Worst> {
    let outlook = view.outlook.as_ref()?;
    let rows = outlook.hosts.iter().filter(|row| row.host == *host);
    let peak = |values: &[f32]| values.iter().copied().fold(0.0_f32, f32::max);
    let row =
        rows.max_by(|a, b| peak(&a.overload_without).total_cmp(&peak(&b.overload_without)))?;
    let mut at = 0;
    for (index, value) in row.overload_without.iter().enumerate() {
        if *value > row.overload_without[at] {
            at = index;
        }
    }
    Some(Worst {
        resource: row.resource.name().to_owned(),
        without: f64::from(peak(&row.overload_without)),
        with: f64::from(peak(&row.overload_with)),
        begins: outlook.buckets.get(at)?.begins.into(),
    })
}

/// A host with what is on it and what lies ahead.
pub(crate) fn host_detail(view: &View, host: &Host) -> HostDetail {
    let residents = view.residents(&host.id);
    let touches = |id: &HostId| *id == host.id;
    let touching = view
        .moves
        .values()
        .rev()
        .filter(|tracked| touches(&tracked.planned.from) || touches(&tracked.planned.to));
    HostDetail {
        host: host_row(view, host),
        ahead: ahead::of_host(view, &host.id),
        residents: residents.iter().filter_map(|id| workload_row_of(view, id)).collect(),
        moves: touching.take(MOST_MOVES).map(|tracked| moves::tracked(view, tracked)).collect(),
    }
}

/// Moves shown beside a host or a workload.
const MOST_MOVES: usize = 100;

fn workload_row_of(view: &View, id: &WorkloadId) -> Option<WorkloadRow> {
    let workload = view.observation.as_ref()?.workloads.get(id)?;
    Some(workload_row(view, workload))
}

/// The expected processor demand of a workload in the next step.
fn cpu_expected(view: &View, id: &WorkloadId) -> Option<f64> {
    let key = SeriesKey::resource(id.clone(), Resource::Cpu);
    view.book.as_ref()?.next_median(&key).map(f64::from)
}

/// A workload as a row.
pub(crate) fn workload_row(view: &View, workload: &Workload) -> WorkloadRow {
    let id = &workload.id;
    let key = SeriesKey::resource(id.clone(), Resource::Cpu);
    let report = view.book.as_ref().and_then(|book| book.report(&key));
    let is_open = |state: MoveState| !state.is_final();
    let its_move = view
        .moves
        .values()
        .find(|tracked| tracked.planned.workload == *id && is_open(tracked.state));
    let replica = |replica: &weft_core::fleet::Replica| ReplicaShape {
        host: replica.host.to_string(),
        share_permille: replica.share_permille,
    };
    WorkloadRow {
        id: id.to_string(),
        replicas: view.replicas(id).iter().map(replica).collect(),
        is_running: view.is_running(id),
        vcpus: workload.vcpus,
        cpu_millicores: workload.cpu_millicores(),
        memory_bytes: workload.allocation(Resource::Memory),
        priority: workload.priority,
        cpu_expected_millicores: cpu_expected(view, id),
        model: report.map(|report| report.model.to_string()),
        coverage: report.and_then(|report| report.coverage).map(|(share, _)| share),
        move_state: its_move.map(|tracked| tracked.state.name().to_owned()),
        tags: workload.tags.iter().map(ToString::to_string).collect(),
    }
}

/// A workload with why it moves or stays.
pub(crate) fn workload_detail(view: &View, workload: &Workload) -> WorkloadDetail {
    let id = &workload.id;
    let own = view.moves.values().rev().filter(|tracked| tracked.planned.workload == *id);
    let own: Vec<MoveShape> =
        own.take(MOST_MOVES).map(|tracked| moves::tracked(view, tracked)).collect();
    let here = view.replicas(id).iter().map(|replica| replica.host.clone());
    let open = own.iter().filter(|shape| shape.ended.is_none());
    let there = open.map(|shape| HostId::from(shape.to.as_str()));
    let mut hosts: Vec<HostId> = here.chain(there).collect();
    hosts.dedup();
    let mobility = &workload.mobility;
    let strategies = [
        ("live", mobility.live),
        ("preemptive", mobility.preemptive),
        ("split", mobility.max_replicas > 1),
        ("recover", mobility.recover),
    ];
    let known = |resource: &Resource| {
        let key = SeriesKey::resource(id.clone(), *resource);
        view.book.as_ref().is_some_and(|book| book.report(&key).is_some())
    };
    WorkloadDetail {
        workload: workload_row(view, workload),
        strategies: strategies
            .iter()
            .filter(|(_, allowed)| *allowed)
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        dirty_rate_bytes_per_second: workload.dirty_rate_bytes_per_second,
        storage: match workload.storage {
            Storage::Shared => "shared".to_owned(),
            Storage::Local => "local".to_owned(),
        },
        resources: Resource::ALL.iter().filter(|r| known(r)).map(|r| r.name().to_owned()).collect(),
        reason: reason(view, id),
        moves: own,
        hosts: hosts.iter().flat_map(|host| ahead::of_host(view, host)).collect(),
    }
}

fn reason(view: &View, id: &WorkloadId) -> Reason {
    match (&view.situation, &view.plan) {
        (Some(situation), Some(plan)) => {
            reasons::workload(&weft_plan::explain_workload(situation, plan, id), &view.policy)
        }
        _ => {
            let sentence = "no plan has been made yet".to_owned();
            reasons::reason("no_plan", sentence, serde_json::json!({}))
        }
    }
}

/// Regions, zones, hosts, links and what is on the way.
pub(crate) fn map(view: &View) -> MapShape {
    let zone = |zone: &weft_core::fleet::Zone| ZoneShape {
        id: zone.id.to_string(),
        hosts: view
            .topology
            .hosts()
            .filter(|host| host.zone == zone.id)
            .map(|host| host_row(view, host))
            .collect(),
    };
    let region = |region: &weft_core::fleet::Region| RegionShape {
        id: region.id.to_string(),
        energy_price_per_kwh: region.energy_price_per_kwh,
        zones: view.topology.zones().filter(|z| z.region == region.id).map(zone).collect(),
    };
    let link = |link: &weft_core::fleet::Link| LinkShape {
        from: link.between.0.to_string(),
        to: link.between.1.to_string(),
        round_trip_seconds: seconds(link.round_trip),
        bandwidth_bytes_per_second: link.bandwidth_bytes_per_second,
        price_per_gigabyte: link.price_per_gigabyte,
    };
    MapShape {
        regions: view.topology.regions().map(region).collect(),
        links: view.topology.links().iter().map(link).collect(),
        in_flight: view
            .moves_in(MoveState::Running)
            .map(|tracked| moves::tracked(view, tracked))
            .collect(),
    }
}
