//! Reads the metrics of a preset, part after part, and keeps of them only what a fleet is derived from:
//! the newest sizes, and sums on the fleet's grid.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::id::{HostId, WorkloadId};
use weft_core::resource::Resource;
use weft_core::time::{Span, Step};

use super::counter::Counters;
use super::derive::Period;
use super::{Form, Metric, MetricKey, Preset, PresetError, PresetOptions, Yields};
use crate::prometheus::{Client, Grid, Labels, keep_once};

/// Sizes change rarely: they are read once an hour, each reading looking back as far.
const SIZE_PACE: Span = Span::from_hours(1);

/// Controllers whose pods belong to their node: they cannot be put elsewhere.
const BOUND_CONTROLLERS: [&str; 2] = ["DaemonSet", "Node"];

/// A size as it was said last, and when.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Newest {
    position: usize,
    pub(super) value: f64,
}

impl Newest {
    /// Takes a further reading; those of one instant are joined by `join`.
    fn take(&mut self, position: usize, value: f64, join: impl Fn(f64, f64) -> f64) {
        if position == self.position {
            self.value = join(self.value, value);
        } else if position > self.position {
            *self = Self { position, value };
        }
    }

    /// The later, or the larger of one instant.
    pub(super) fn or(self, other: Self) -> Self {
        let key = |newest: &Self| (newest.position, newest.value);
        if key(&self) >= key(&other) { self } else { other }
    }
}

/// What is known of a host.
#[derive(Debug, Clone, Default)]
pub(super) struct HostFacts {
    pub(super) sizes: BTreeMap<Yields, Newest>,
    pub(super) zone: Option<String>,
    pub(super) region: Option<String>,
}

/// A workload on a host; no host where the metric does not say.
pub(super) type Spot = (WorkloadId, Option<HostId>);

/// What was read.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The instants between which the steps lie: one more than steps.
    pub(super) grid: Grid,
    pub(super) hosts: BTreeMap<HostId, HostFacts>,
    pub(super) sizes: BTreeMap<(Yields, Spot), Newest>,
    /// Per step the sum over a workload's series; NaN is a gap, infinity "not known".
    pub(super) lanes: BTreeMap<(Yields, Spot), Vec<f32>>,
    /// In which steps a host reported a workload.
    pub(super) reports: BTreeMap<WorkloadId, BTreeMap<HostId, Vec<bool>>>,
    /// The last step in which a workload's processors were reported.
    pub(super) alive: BTreeMap<WorkloadId, usize>,
    /// The last step in which a host's exporter worked.
    pub(super) exporters: BTreeMap<HostId, usize>,
    /// Workloads that belong to their host.
    pub(super) bound: BTreeSet<WorkloadId>,
    /// The metrics that have series.
    pub(super) seen: BTreeSet<MetricKey>,
    pub(super) warnings: Vec<String>,
}

/// The labels by which things are named.
struct Naming<'a> {
    host: &'a str,
    workload: Vec<&'a str>,
    zone: &'a str,
    region: &'a str,
    /// Whether placement has a metric of its own: pods have one; domains are where their host says.
    is_told_apart: bool,
}

impl<'a> Naming<'a> {
    fn new(preset: &Preset, options: &'a PresetOptions) -> Self {
        let or = |own: &'a Option<String>, usual| own.as_deref().unwrap_or(usual);
        let own = options.workload_labels.as_ref();
        Self {
            host: or(&options.host_label, preset.host_label),
            workload: match own {
                Some(labels) => labels.iter().map(String::as_str).collect(),
                None => preset.workload_labels.to_vec(),
            },
            zone: or(&options.zone_label, preset.zone_label),
            region: or(&options.region_label, preset.region_label),
            is_told_apart: preset.metrics.iter().any(|m| m.yields == Yields::Presence),
        }
    }

    fn host(&self, labels: &Labels) -> Option<HostId> {
        Some(without_port(label(labels, self.host)?).into())
    }

    fn workload(&self, labels: &Labels) -> Option<WorkloadId> {
        if self.workload.is_empty() {
            return self.host(labels).map(|host| host.as_str().into());
        }
        let parts: Option<Vec<_>> = self.workload.iter().map(|name| label(labels, name)).collect();
        Some(parts?.join("/").into())
    }
}

fn label<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// `host:9100` is the host `host`; an IPv6 address loses its brackets.
fn without_port(instance: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let host = match instance.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => host,
        _ => instance,
    };
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Reads every metric of `preset` in `period`. A metric without series is no error here.
pub(super) fn gather(
    client: &Client,
    preset: &Preset,
    options: &PresetOptions,
    period: Period,
) -> Result<Gathered, PresetError> {
    let grid = Grid::new(period.start, period.end, period.step);
    if grid.len() < 2 {
        return Err(PresetError::Empty { start: period.start, end: period.end });
    }
    let naming = Naming::new(preset, options);
    let mut gathered = Gathered::new(grid);
    for metric in preset.metrics {
        gathered.read(client, metric, &options.matchers, &naming)?;
    }
    Ok(gathered)
}

impl Gathered {
    fn new(grid: Grid) -> Self {
        Self {
            grid,
            hosts: BTreeMap::new(),
            sizes: BTreeMap::new(),
            lanes: BTreeMap::new(),
            reports: BTreeMap::new(),
            alive: BTreeMap::new(),
            exporters: BTreeMap::new(),
            bound: BTreeSet::new(),
            seen: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// How many steps there are.
    pub(super) const fn steps(&self) -> usize {
        self.grid.len() - 1
    }

    fn read(
        &mut self,
        client: &Client,
        metric: &Metric,
        matchers: &str,
        naming: &Naming<'_>,
    ) -> Result<(), PresetError> {
        let grid = if metric.yields.is_course() { self.grid } else { self.size_grid() };
        for name in metric.names {
            let query = query(metric, name, matchers, grid.step());
            let mut counters = Counters::default();
            let warnings = client.query_parts(&query, grid, |part| {
                for (labels, points) in part {
                    self.take(metric, naming, &labels, &points, &mut counters);
                }
            })?;
            keep_once(&mut self.warnings, warnings);
            if self.seen.contains(&metric.id()) {
                break;
            }
        }
        Ok(())
    }

    fn size_grid(&self) -> Grid {
        let end = self.grid.at(self.steps());
        let pace = Step::new(SIZE_PACE.max(self.grid.step().span()));
        Grid::ending(self.grid.start(), end, pace.expect("an hour, and steps, are whole seconds"))
    }

    fn take(
        &mut self,
        metric: &Metric,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
        counters: &mut Counters,
    ) {
        if points.is_empty() {
            return;
        }
        let is_named = match metric.yields {
            Yields::HostCores | Yields::HostMemory | Yields::HostNetwork | Yields::HostLabels => {
                self.take_host(metric, naming, labels, points)
            }
            Yields::Exporter => self.take_exporter(naming, labels, points),
            Yields::Presence => self.take_presence(naming, labels, points),
            Yields::Demand(_) | Yields::Delay => {
                self.take_course(metric, naming, labels, points, counters)
            }
            _ => self.take_size(metric, naming, labels, points),
        };
        match is_named {
            Some(()) => {
                self.seen.insert(metric.id());
            }
            None => {
                let name = metric.names[0];
                let wanted = [&naming.workload[..], &[naming.host]].concat().join("`, `");
                let sentence =
                    format!("series of `{name}` without a label of `{wanted}` are left out");
                keep_once(&mut self.warnings, vec![sentence]);
            }
        }
    }

    fn take_host(
        &mut self,
        metric: &Metric,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
    ) -> Option<()> {
        let facts = self.hosts.entry(naming.host(labels)?).or_default();
        let newest = facts.sizes.entry(metric.yields).or_default();
        for (position, value) in points {
            newest.take(*position, value * metric.scale, f64::max);
        }
        let told = |name| label(labels, name).map(str::to_owned);
        facts.zone = told(naming.zone).or(facts.zone.take());
        facts.region = told(naming.region).or(facts.region.take());
        Some(())
    }

    /// Sizes of one instant add up: disks, containers.
    fn take_size(
        &mut self,
        metric: &Metric,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
    ) -> Option<()> {
        let spot = (naming.workload(labels)?, naming.host(labels));
        let newest = self.sizes.entry((metric.yields, spot)).or_default();
        for (position, value) in points {
            newest.take(*position, value * metric.scale, |a, b| a + b);
        }
        Some(())
    }

    /// A value at position `p` tells of the step before it, `p - 1`; the first tells of none.
    fn take_exporter(
        &mut self,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
    ) -> Option<()> {
        let host = naming.host(labels)?;
        let works = points.iter().rev().find(|(position, up)| *position > 0 && *up > 0.0);
        if let Some((position, _)) = works {
            let last = self.exporters.entry(host).or_default();
            *last = (*last).max(position - 1);
        }
        Some(())
    }

    fn take_presence(
        &mut self,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
    ) -> Option<()> {
        let (workload, host) = (naming.workload(labels)?, naming.host(labels)?);
        let controller = label(labels, "created_by_kind");
        if controller.is_some_and(|kind| BOUND_CONTROLLERS.contains(&kind)) {
            self.bound.insert(workload.clone());
        }
        self.report(&workload, host, points);
        Some(())
    }

    fn report(&mut self, workload: &WorkloadId, host: HostId, points: &[(usize, f64)]) {
        let steps = self.steps();
        let hosts = self.reports.entry(workload.clone()).or_default();
        let reports = hosts.entry(host).or_insert_with(|| vec![false; steps]);
        for position in points.iter().filter_map(|(position, _)| position.checked_sub(1)) {
            reports[position] = true;
        }
    }

    fn take_course(
        &mut self,
        metric: &Metric,
        naming: &Naming<'_>,
        labels: &Labels,
        points: &[(usize, f64)],
        counters: &mut Counters,
    ) -> Option<()> {
        let workload = naming.workload(labels)?;
        // Containers name their node too, but a pod is where kube-state-metrics says.
        let host = naming.host(labels).filter(|_| !naming.is_told_apart);
        if metric.yields == Yields::Demand(Resource::Cpu) {
            let last = points.last().map_or(0, |(position, _)| position.saturating_sub(1));
            let alive = self.alive.entry(workload.clone()).or_default();
            *alive = (*alive).max(last);
            if let Some(host) = host.clone() {
                self.report(&workload, host, points);
            }
        }
        let steps = self.steps();
        let lane = self.lanes.entry((metric.yields, (workload, host)));
        let lane = lane.or_insert_with(|| vec![f32::NAN; steps]);
        match metric.form {
            Form::Gauge => points.iter().for_each(|(p, value)| add(lane, *p, value * metric.scale)),
            Form::Counter => {
                let scale = metric.scale / self.grid.step().span().as_seconds_f64();
                counters.rises(labels, points).for_each(|(p, rise)| add(lane, p, rise * scale));
            }
        }
        Some(())
    }
}

/// Adds to the step that ends at `position`.
fn add(lane: &mut [f32], position: usize, value: f64) {
    let Some(sum) = position.checked_sub(1).and_then(|step| lane.get_mut(step)) else { return };
    *sum = if sum.is_nan() { value as f32 } else { *sum + value as f32 };
}

/// The query for `name`. The window is a millisecond short of the step, so that a sample stands in one
/// step only; it reads samples themselves, so a series that fell silent gives no repeated value.
fn query(metric: &Metric, name: &str, matchers: &str, step: Step) -> String {
    let selector = selector(metric, name, matchers, step.span().as_millis() - 1);
    let over = match (metric.form, metric.yields) {
        (Form::Gauge, Yields::Demand(_)) => "avg_over_time",
        _ => "last_over_time",
    };
    metric.query.replace("{}", &format!("{over}({selector})"))
}

/// The samples of `name` in the time before an instant.
pub(super) fn selector(metric: &Metric, name: &str, matchers: &str, window_millis: i64) -> String {
    let own = [metric.matchers, matchers].into_iter().filter(|text| !text.is_empty());
    let matchers = own.collect::<Vec<_>>().join(",");
    format!("{name}{{{matchers}}}[{window_millis}ms]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_no_part_of_a_host() {
        let check = |instance, expected| assert_eq!(without_port(instance), expected);
        check("host-1:9100", "host-1");
        check("host-1", "host-1");
        check("10.0.0.1:9177", "10.0.0.1");
        check("[fd00::1]:9100", "fd00::1");
        check("fd00::1", "fd00::1");
        check("host:metrics", "host:metrics");
    }

    #[test]
    fn queries_hold_the_metric_once_and_a_sample_in_one_step() {
        let check = |metric: &Metric, matchers, expected| {
            assert_eq!(query(metric, metric.names[0], matchers, Step::FIVE_MINUTES), expected);
        };
        check(
            &super::super::node::CORES,
            "",
            r#"count without (cpu) (last_over_time(node_cpu_seconds_total{mode="idle"}[299999ms]))"#,
        );
        check(
            &super::super::node::MEMORY,
            r#"cluster="a""#,
            r#"last_over_time(node_memory_MemTotal_bytes{cluster="a"}[299999ms])"#,
        );
    }

    #[test]
    fn unknown_stays_unknown() {
        let mut lane = [f32::NAN; 2];
        add(&mut lane, 0, 7.0);
        add(&mut lane, 1, 1.0);
        add(&mut lane, 1, 2.0);
        add(&mut lane, 2, super::super::counter::UNKNOWN);
        add(&mut lane, 2, 5.0);
        assert_eq!(lane, [3.0, f32::INFINITY]);
    }

    #[test]
    fn the_newest_size_counts() {
        let mut newest = Newest::default();
        newest.take(2, 4.0, |a, b| a + b);
        newest.take(1, 9.0, |a, b| a + b);
        newest.take(2, 3.0, |a, b| a + b);
        assert_eq!(newest.value, 7.0);
        newest.take(3, 5.0, |a, b| a + b);
        assert_eq!(newest.or(Newest { position: 3, value: 6.0 }).value, 6.0);
    }
}
