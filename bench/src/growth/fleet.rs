//! Fleets of growing size: copies of the generator's made-up company side by side in the same three
//! regions. All that could bind grows in proportion (links, budgets, peaks a week), so that a workload
//! is worth the same work at each size; the problem is one, since any copy may move to any host.

use std::sync::Arc;

use weft_core::fleet::{Host, Link, Placement, Topology, Workload, Workloads};
use weft_core::forecast::Confidence;
use weft_core::policy::{Budgets, Policy};
use weft_core::time::{Span, Timestamp};
use weft_sim::backtest::Setup;
use weft_sim::fault::FaultPlan;
use weft_sim::generator::{GeneratorSpec, MadeFleet, three_regions};
use weft_sim::world::Physics;

const SEED: u64 = 1;

/// 2026-01-05, a Monday: demand of working days.
const START_SECONDS: i64 = 1_767_571_200;

const CONFIDENCE: f64 = 0.95;

/// What a backtest of `copies` companies for `hours` hours replays. The company's rules are left out:
/// in a real fleet they do not grow with its size in any one way.
pub(crate) fn setup(copies: u32, hours: u32) -> Setup {
    let fleet = fleet(copies, hours.div_ceil(24));
    let confidence = Confidence::new(CONFIDENCE).expect("0.95 is a confidence");
    Setup {
        trace: "generated".to_owned(),
        fleet: format!("{copies} companies"),
        world: fleet.world(Physics::default(), FaultPlan::none(), SEED),
        world_of_reactive: None,
        recorded: None,
        policy: Policy { budgets: budgets(copies), ..Policy::default() },
        confidences: vec![confidence],
        end: fleet.start + Span::from_hours(i64::from(hours)),
        seed: SEED,
        missing: Vec::new(),
        assumed: Vec::new(),
    }
}

fn fleet(copies: u32, days: u32) -> MadeFleet {
    let company = three_regions(SEED, Timestamp::from_seconds(START_SECONDS), days);
    let topology = topology(&company.topology, copies);
    let workloads = workloads(&company.workloads, copies);
    let placement = placement(&company.placement, copies);
    let spec = generator(copies);
    let generated = spec.generate(SEED, &workloads, company.start, company.step, days);
    let rules = Vec::new();
    MadeFleet { topology, workloads, placement, generated, rules, ..company }
}

/// The name of something in one of the copies. The copy stands in front, so that those who peak
/// together, consecutive by name, are of one company.
fn name(copy: u32, name: &str) -> String {
    format!("{copy:02}-{name}")
}

fn topology(company: &Topology, copies: u32) -> Arc<Topology> {
    let regions = company.regions().cloned().collect();
    let zones = company.zones().cloned().collect();
    let copied = |copy: u32| {
        let host =
            move |host: &Host| Host { id: name(copy, host.id.as_str()).into(), ..host.clone() };
        company.hosts().map(host)
    };
    let wider = |link: &Link| Link {
        bandwidth_bytes_per_second: link.bandwidth_bytes_per_second * u64::from(copies),
        ..link.clone()
    };
    let hosts = (0..copies).flat_map(copied).collect();
    let links = company.links().iter().map(wider).collect();
    Topology::new(regions, zones, hosts, links)
        .expect("copies of a sound topology under names of their own are sound")
        .into()
}

fn workloads(company: &Workloads, copies: u32) -> Workloads {
    let copied = |copy: u32| {
        let workload = move |workload: &Arc<Workload>| {
            let id = name(copy, workload.id.as_str());
            Workload { id: id.into(), ..workload.as_ref().clone() }
        };
        company.values().map(workload)
    };
    let all = (0..copies).flat_map(copied);
    all.map(|workload| (workload.id.clone(), Arc::new(workload))).collect()
}

fn placement(company: &Placement, copies: u32) -> Placement {
    let mut placement = Placement::default();
    for copy in 0..copies {
        for workload in company.0.keys() {
            let host = company.sole_host(workload).expect("at first no workload is split");
            let host = name(copy, host.as_str());
            placement.put(name(copy, workload.as_str()).into(), host.into());
        }
    }
    placement
}

/// Peaks are counted for the whole fleet. Without churn: a day is too short for it to mean the same
/// at each size.
fn generator(copies: u32) -> GeneratorSpec {
    let spec = GeneratorSpec::default();
    let copies = f64::from(copies);
    GeneratorSpec {
        shocks_per_week: spec.shocks_per_week * copies,
        campaigns_per_week: spec.campaigns_per_week * copies,
        news_per_week: spec.news_per_week * copies,
        ..spec
    }
}

fn budgets(copies: u32) -> Budgets {
    let budgets = Budgets::default();
    Budgets {
        in_flight_per_host: budgets.in_flight_per_host,
        in_flight_per_link: budgets.in_flight_per_link * copies,
        in_flight: budgets.in_flight * copies,
        starts_per_hour: budgets.starts_per_hour * copies,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_sim::world::World;

    #[test]
    fn everything_grows_in_proportion() {
        let (one, four) = (setup(1, 6), setup(4, 6));
        let size = |setup: &Setup| {
            let world = &setup.world;
            (world.topology.hosts().len(), world.workloads.len(), world.placement.0.len())
        };
        assert_eq!(size(&one), (24, 120, 120));
        assert_eq!(size(&four), (96, 480, 480));
        assert_eq!(four.policy.budgets.in_flight, 4 * one.policy.budgets.in_flight);
        assert_eq!(four.end, one.end);
        World::new(four.world).expect("every copy is on hosts that exist");
    }
}
