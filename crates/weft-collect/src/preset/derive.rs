//! Derives a fleet and its history from the metrics of a preset: hosts, workloads with their sizes, where
//! each workload was and when, and what it demanded. It invents nothing: what is not known is a gap, or a
//! sentence in `missing`.

use std::collections::BTreeMap;

use weft_core::fleet::{Placement, Topology, Workloads};
use weft_core::id::{HostId, WorkloadId};
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

use super::gather::{Gathered, gather};
use super::{Missing, Preset, PresetError, PresetOptions, Yields, history, size};
use crate::prometheus::Client;

/// A workload that waited for more than this share of the time in which it wanted to run was kept from
/// running: a busy host costs every guest a percent or two, and changes nothing.
const WAITING_SHARE: f32 = 0.05;

/// Waiting below this, in millicores, is noise: a hundredth of a core.
const LEAST_WAITING: f32 = 10.0;

/// At this share of its vCPUs a workload is at its cap. Scrapes are up to a second early or late, which
/// moves a rate over five minutes by half a percent.
const AT_CAP: f32 = 0.98;

/// More than this share of its host's cores is no demand, but a counter that jumped.
const IMPOSSIBLE_SHARE: f32 = 1.05;

/// The time that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Where it begins; the grid's last instant at or before it.
    pub start: Timestamp,
    /// Where it ends; the grid's last instant at or before it.
    pub end: Timestamp,
    /// The fleet's step.
    pub step: Step,
}

/// A fleet and its history, as its metrics tell them.
#[derive(Debug, Clone)]
pub struct Derived {
    /// The whole steps that were read.
    pub period: Period,
    /// Every host that reported in the period, or on which a workload was.
    pub topology: Topology,
    /// Every workload that ran in the period, with its newest sizes.
    pub workloads: Workloads,
    /// Where workloads run at the end of the period. What a silent host carried is still there; what a
    /// host that reports does not report any more runs nowhere.
    pub placement: Placement,
    /// For every workload the steps in which it came to a host, the first step included. Silence is no
    /// change.
    pub placements: BTreeMap<WorkloadId, Vec<(Timestamp, HostId)>>,
    /// For every workload the start of the first step and the end of the last in which it ran.
    pub lifetimes: BTreeMap<WorkloadId, (Timestamp, Timestamp)>,
    /// For every host the end of the last step in which it reported anything of its workloads.
    pub reported: BTreeMap<HostId, Timestamp>,
    /// The demand of every workload, all from the start of the period to its end.
    pub series: BTreeMap<SeriesKey, Series>,
    /// What is missing, and what that costs.
    pub missing: Vec<Missing>,
    /// What no metric tells and is taken to be so, a sentence each.
    pub assumed: Vec<String>,
    /// What the server warned of, and series that could not be placed.
    pub warnings: Vec<String>,
}

/// Derives a fleet and its history over `period`. An error where the server does not answer, the preset's
/// required metrics have no series, or the period has no whole step.
pub fn derive(
    client: &Client,
    preset: &Preset,
    options: &PresetOptions,
    period: Period,
) -> Result<Derived, PresetError> {
    let gathered = gather(client, preset, options, period)?;
    let missing = preset.missing(|metric| gathered.seen.contains(&metric.id()));
    let required: Vec<_> = missing.iter().filter(|missing| missing.is_required).cloned().collect();
    if !required.is_empty() {
        let Period { start, end, .. } = period;
        let exporters = preset.exporters;
        return Err(PresetError::Required { exporters, start, end, missing: required });
    }
    derived(gathered, preset, options, missing)
}

/// The steps of `period` alone: demand per step, the caps of workloads being `known`. Nothing is
/// required: a step in which every exporter was silent is a step without samples.
pub(crate) fn courses(
    client: &Client,
    preset: &Preset,
    options: &PresetOptions,
    period: Period,
    known: &Workloads,
) -> Result<BTreeMap<SeriesKey, Series>, PresetError> {
    let gathered = gather(client, preset, options, period)?;
    let homes = Homes::new(&gathered);
    let series = demand(&gathered, &homes);
    let (mut workloads, _) = size::workloads(&gathered, preset, options, &series);
    let told = |id: &WorkloadId| {
        gathered
            .sizes
            .keys()
            .any(|(yields, (workload, _))| *yields == Yields::Vcpus && workload == id)
    };
    // A size that is only guessed from the demand of these few steps would always be reached.
    workloads.retain(|id, _| preset.workload_labels.is_empty() || told(id));
    workloads.extend(known.iter().map(|(id, workload)| (id.clone(), workload.clone())));
    Ok(censored(series, &gathered, &homes, &workloads))
}

fn derived(
    gathered: Gathered,
    preset: &Preset,
    options: &PresetOptions,
    mut missing: Vec<Missing>,
) -> Result<Derived, PresetError> {
    let homes = Homes::new(&gathered);
    let series = demand(&gathered, &homes);
    let (workloads, lacking) = size::workloads(&gathered, preset, options, &series);
    missing.extend(lacking);
    let vcpus = homes.vcpus(&workloads);
    let (topology, lacking) = size::topology(&gathered, preset, options, &vcpus)?;
    missing.extend(lacking);
    let series = censored(series, &gathered, &homes, &workloads);
    let grid = gathered.grid;
    let period = Period { start: grid.start(), end: grid.at(gathered.steps()), step: grid.step() };
    Ok(Derived {
        period,
        topology,
        placement: homes.placement(&gathered),
        placements: homes.placements(&gathered),
        lifetimes: lifetimes(&gathered, &series),
        reported: homes.reported(&gathered),
        workloads,
        series,
        missing,
        assumed: size::assumed(options),
        warnings: gathered.warnings,
    })
}

/// Where each workload was.
struct Homes<'a> {
    /// Per workload its hosts, and per step which of them had it.
    of: BTreeMap<&'a WorkloadId, (Vec<&'a HostId>, Vec<Option<usize>>)>,
    /// The last step in which each host reported a workload, or said that it works.
    reported: BTreeMap<&'a HostId, usize>,
}

impl<'a> Homes<'a> {
    fn new(gathered: &'a Gathered) -> Self {
        let mut of = BTreeMap::new();
        let mut reported: BTreeMap<&HostId, usize> = BTreeMap::new();
        for (workload, hosts) in &gathered.reports {
            // Completed pods are told of for long; only what has processors runs.
            let Some(alive) = gathered.alive.get(workload) else { continue };
            let reports: Vec<_> = hosts.values().map(Vec::as_slice).collect();
            let names: Vec<_> = hosts.keys().collect();
            let holders = history::holders(&reports, gathered.steps());
            if let Some(host) = holders.iter().flatten().last() {
                let last = reported.entry(names[*host]).or_default();
                *last = (*last).max(*alive);
            }
            of.insert(workload, (names, holders));
        }
        for (host, step) in &gathered.exporters {
            let last = reported.entry(host).or_default();
            *last = (*last).max(*step);
        }
        Self { of, reported }
    }

    /// The host that has `workload` in the end, or had it last.
    fn last(&self, workload: &WorkloadId) -> Option<&'a HostId> {
        let (names, holders) = self.of.get(workload)?;
        holders.iter().flatten().last().map(|host| names[*host])
    }

    fn at(&self, workload: &WorkloadId, step: usize) -> Option<&'a HostId> {
        let (names, holders) = self.of.get(workload)?;
        holders[step].map(|host| names[host])
    }

    /// A workload is where it was last, unless its host has reported since without it. One step of
    /// grace, because not all of a host is scraped at one instant.
    fn placement(&self, gathered: &Gathered) -> Placement {
        let mut placement = Placement::default();
        for workload in self.of.keys() {
            let Some(host) = self.last(workload) else { continue };
            let seen = gathered.alive[*workload];
            if seen + 1 >= self.reported.get(host).copied().unwrap_or(0) {
                placement.put((*workload).clone(), host.clone());
            }
        }
        placement
    }

    fn placements(&self, gathered: &Gathered) -> BTreeMap<WorkloadId, Vec<(Timestamp, HostId)>> {
        let history = |(names, holders): &(Vec<&HostId>, Vec<Option<usize>>)| {
            let arrivals = history::arrivals(holders, names).into_iter();
            arrivals.map(|(step, host)| (gathered.grid.at(step), host)).collect()
        };
        self.of.iter().map(|(workload, home)| ((*workload).clone(), history(home))).collect()
    }

    fn reported(&self, gathered: &Gathered) -> BTreeMap<HostId, Timestamp> {
        let end = |step: &usize| gathered.grid.at(step + 1);
        self.reported.iter().map(|(host, step)| ((*host).clone(), end(step))).collect()
    }

    /// The vCPUs that were last on each host that ever had a workload.
    fn vcpus(&self, workloads: &Workloads) -> BTreeMap<HostId, u32> {
        let mut vcpus: BTreeMap<HostId, u32> = BTreeMap::new();
        for (workload, (names, _)) in &self.of {
            for name in names {
                vcpus.entry((*name).clone()).or_default();
            }
            let count = workloads.get(*workload).map_or(0, |workload| workload.vcpus);
            if let Some(sum) = self.last(workload).and_then(|host| vcpus.get_mut(host)) {
                *sum = sum.saturating_add(count);
            }
        }
        vcpus
    }
}

/// The demand of every workload: of each step what the host says that has the workload, or else what
/// another says.
fn demand(gathered: &Gathered, homes: &Homes<'_>) -> BTreeMap<SeriesKey, Series> {
    let mut series = BTreeMap::new();
    for (yields, workload, lanes) in by_workload(gathered) {
        let Yields::Demand(resource) = yields else { continue };
        let most = |step| match resource {
            Resource::Cpu => most_millicores(gathered, homes.at(workload, step)),
            _ => f32::INFINITY,
        };
        let values = (0..gathered.steps()).map(|step| {
            joined(&lanes, homes.at(workload, step), step).filter(|value| *value <= most(step))
        });
        let values = Series::from_values(gathered.grid.start(), gathered.grid.step(), values);
        series.insert(SeriesKey::resource(workload.clone(), resource), values);
    }
    series
}

fn most_millicores(gathered: &Gathered, host: Option<&HostId>) -> f32 {
    let facts = host.and_then(|host| gathered.hosts.get(host));
    let cores = facts.and_then(|facts| facts.sizes.get(&Yields::HostCores));
    cores.map_or(f32::MAX, |cores| cores.value as f32 * 1_000.0 * IMPOSSIBLE_SHARE)
}

type Lanes<'a> = Vec<(Option<&'a HostId>, &'a [f32])>;

/// The lanes of each workload and measure, of whichever host.
fn by_workload(gathered: &Gathered) -> Vec<(Yields, &WorkloadId, Lanes<'_>)> {
    let mut grouped: Vec<(Yields, &WorkloadId, Lanes<'_>)> = Vec::new();
    for ((yields, (workload, host)), lane) in &gathered.lanes {
        let lane = (host.as_ref(), lane.as_slice());
        match grouped.last_mut() {
            Some((last, whose, lanes)) if last == yields && *whose == workload => lanes.push(lane),
            _ => grouped.push((*yields, workload, vec![lane])),
        }
    }
    grouped
}

fn joined(lanes: &Lanes<'_>, holder: Option<&HostId>, step: usize) -> Option<f32> {
    let value = |(_, lane): &(_, &[f32])| Some(lane[step]).filter(|value| !value.is_nan());
    let of_holder = lanes.iter().find(|(host, _)| *host == holder).and_then(value);
    of_holder.or_else(|| lanes.iter().find_map(value)).filter(|value| value.is_finite())
}

/// `series` with the marks of CPU samples behind which more demand may stand.
fn censored(
    mut series: BTreeMap<SeriesKey, Series>,
    gathered: &Gathered,
    homes: &Homes<'_>,
    workloads: &Workloads,
) -> BTreeMap<SeriesKey, Series> {
    let waited: BTreeMap<&WorkloadId, Lanes<'_>> = by_workload(gathered)
        .into_iter()
        .filter(|(yields, ..)| *yields == Yields::Delay)
        .map(|(_, workload, lanes)| (workload, lanes))
        .collect();
    for (key, series) in &mut series {
        if key.measure != Measure::Resource(Resource::Cpu) {
            continue;
        }
        let cap = workloads.get(&key.workload).map(|workload| workload.cpu_millicores() as f32);
        let lanes = waited.get(&key.workload);
        let mut marked = Series::new(series.start(), series.step());
        for (step, value) in series.iter().enumerate() {
            let holder = homes.at(&key.workload, step);
            let waiting = lanes.and_then(|lanes| joined(lanes, holder, step)).unwrap_or(0.0);
            marked.push(value, value.is_some_and(|used| is_censored(used, waiting, cap)));
        }
        *series = marked;
    }
    series
}

fn is_censored(used: f32, waiting: f32, cap: Option<f32>) -> bool {
    let waited = waiting >= LEAST_WAITING && waiting > WAITING_SHARE * (used + waiting);
    waited || cap.is_some_and(|cap| used >= AT_CAP * cap)
}

/// From the first sample of any kind to the last sign of life.
fn lifetimes(
    gathered: &Gathered,
    series: &BTreeMap<SeriesKey, Series>,
) -> BTreeMap<WorkloadId, (Timestamp, Timestamp)> {
    let lifetime = |(workload, last): (&WorkloadId, &usize)| {
        let cpu = series.get(&SeriesKey::resource(workload.clone(), Resource::Cpu));
        let sampled = cpu.and_then(|cpu| cpu.iter().position(|value| value.is_some()));
        let reports = gathered.reports.get(workload).into_iter().flat_map(BTreeMap::values);
        let reported =
            reports.filter_map(|steps| steps.iter().position(|is_there| *is_there)).min();
        let first = reported.into_iter().chain(sampled).min().unwrap_or(*last);
        (workload.clone(), (gathered.grid.at(first), gathered.grid.at(last + 1)))
    };
    gathered.alive.iter().map(lifetime).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_and_the_cap_censor() {
        let check = |used, waiting, cap, expected| {
            assert_eq!(is_censored(used, waiting, cap), expected, "{used} {waiting} {cap:?}");
        };
        check(500.0, 0.0, Some(1_000.0), false);
        check(985.0, 0.0, Some(1_000.0), true);
        check(985.0, 0.0, None, false);
        check(500.0, 20.0, Some(1_000.0), false);
        check(500.0, 30.0, Some(1_000.0), true);
        check(5.0, 3.0, Some(1_000.0), false);
    }

    #[test]
    fn the_holder_is_believed_and_others_fill_in() {
        let (a, b): (HostId, HostId) = ("a".into(), "b".into());
        let (of_a, of_b) = ([1.0, f32::NAN, f32::INFINITY], [5.0, 6.0, 7.0]);
        let lanes: Lanes<'_> = vec![(Some(&a), &of_a), (Some(&b), &of_b)];
        assert_eq!(joined(&lanes, Some(&a), 0), Some(1.0));
        assert_eq!(joined(&lanes, Some(&b), 0), Some(5.0));
        assert_eq!(joined(&lanes, Some(&a), 1), Some(6.0));
        assert_eq!(joined(&lanes, Some(&a), 2), None, "a reset is not papered over");
    }
}
