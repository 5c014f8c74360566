//! A made-up fleet as an exporter would tell it: OpenMetrics text of a libvirt exporter and node_exporter
//! on every host, and the truth behind it. It is for rehearsals and tests against a real Prometheus, filled
//! by `promtool tsdb create-blocks-from openmetrics`.
//!
//! Six hosts carry 24 workloads, and what happens in a fleet happens here once: a workload moves (and both
//! hosts report it for a sample), one is restarted so that its counters begin anew, one starts late, one
//! stops early, one runs into its cap, one waits for its host, and one host's exporters are silent for an
//! hour.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fmt::Write;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_core::id::{HostId, WorkloadId};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

/// The step of the samples, in seconds.
const STEP_SECONDS: u64 = 300;

/// Samples of what hardly changes are written once in so many steps.
const SIZE_PACE: usize = 12;

const HOSTS: usize = 6;
const WORKLOADS: usize = 24;
const HOST_CORES: u32 = 16;
const HOST_MEMORY_BYTES: u64 = 64 << 30;
const NETWORK_BYTES_PER_SECOND: u64 = 1_250_000_000;

/// A made-up fleet: what exporters would have told, and what is true.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// OpenMetrics text with timestamps, up to its `# EOF`.
    pub text: String,
    /// What is true.
    pub truth: Truth,
}

/// What is true of a made-up fleet.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The first instant that has samples.
    pub start: Timestamp,
    /// The last instant that has samples: the end of the last step.
    pub end: Timestamp,
    /// The hosts: zone, cores and memory in bytes.
    pub hosts: BTreeMap<HostId, (String, u32, u64)>,
    /// The workloads: vCPUs, memory and disk in bytes.
    pub workloads: BTreeMap<WorkloadId, (u32, u64, u64)>,
    /// For every workload the start of the first step on each host.
    pub placements: BTreeMap<WorkloadId, Vec<(Timestamp, HostId)>>,
    /// The workload that stops early, so that it runs nowhere in the end.
    pub stopped: WorkloadId,
    /// Demand, with gaps where nothing could have been measured.
    pub series: BTreeMap<SeriesKey, Series>,
}

/// Makes up a fleet of `days` days from `start` (put on the grid of 5 minutes) from `seed`.
pub fn rehearse(start: Timestamp, days: u32, seed: u64) -> Rehearsal {
    let start = start.floor(Step::FIVE_MINUTES);
    let steps = days as usize * 288;
    let script = Script::new(steps);
    let workloads: Vec<_> =
        (0..WORKLOADS).map(|number| MadeUp::new(number, steps, seed, &script)).collect();
    let mut text = Text { out: String::new(), start };
    text.hosts(steps, &script);
    text.sizes(&workloads, steps, &script);
    for counter in COUNTERS {
        text.counter(&workloads, counter, &script);
    }
    text.out.push_str("# EOF\n");
    Rehearsal { text: text.out, truth: truth(start, steps, &workloads, &script) }
}

/// When what happens, in steps.
struct Script {
    steps: usize,
    /// The step that begins when a workload has moved.
    moved: usize,
    /// The step within which a workload is restarted.
    restarted: usize,
    /// The step that begins when the late workload starts.
    begins: usize,
    /// The step that begins when the early workload is gone.
    ends: usize,
    /// The steps at whose ends a host's exporters are silent.
    silent: std::ops::Range<usize>,
}

const MOVES: usize = 9;
const RESTARTS: usize = 6;
const BEGINS: usize = 22;
const ENDS: usize = 23;
const CAPPED: usize = 2;
const WAITS: usize = 4;
const SILENT_HOST: usize = 3;
const TARGET_HOST: usize = 4;

impl Script {
    fn new(steps: usize) -> Self {
        let silent = steps * 2 / 5;
        Self {
            steps,
            moved: steps / 2,
            restarted: steps / 3,
            begins: steps / 10,
            ends: steps * 9 / 10,
            silent: silent..silent + 12,
        }
    }

    /// The steps in which a workload runs.
    fn life(&self, number: usize) -> std::ops::Range<usize> {
        match number {
            BEGINS => self.begins..self.steps,
            ENDS => 0..self.ends,
            _ => 0..self.steps,
        }
    }

    /// Whether the exporters of a host give a sample at `instant`, the start of that step.
    fn speaks(&self, host: usize, instant: usize) -> bool {
        host != SILENT_HOST || instant == 0 || !self.silent.contains(&(instant - 1))
    }
}

/// Per step what a counter rises by.
type Rises = Vec<u64>;

/// A workload with its demand.
struct MadeUp {
    number: usize,
    vcpus: u32,
    /// In the order of [`COUNTERS`].
    rises: Vec<Rises>,
}

/// A counter: its name, its labels beside the workload's, what one unit of its rises is, what it tells.
#[derive(Clone, Copy)]
struct Counter {
    position: usize,
    name: &'static str,
    labels: &'static str,
    unit: f64,
    measures: Option<Resource>,
}

const fn counter(
    position: usize,
    name: &'static str,
    labels: &'static str,
    unit: f64,
    measures: Option<Resource>,
) -> Counter {
    Counter { position, name, labels, unit, measures }
}

/// Processor times are kept in milliseconds, the rest in its own unit.
const COUNTERS: [Counter; 8] = [
    counter(0, "info_cpu_time_seconds", "", 0.001, Some(Resource::Cpu)),
    counter(1, "vcpu_delay_seconds", ",vcpu=\"0\"", 0.001, None),
    counter(
        2,
        "interface_stats_receive_bytes",
        ",target_device=\"tap0\"",
        1.0,
        Some(Resource::Network),
    ),
    counter(
        3,
        "interface_stats_transmit_bytes",
        ",target_device=\"tap0\"",
        1.0,
        Some(Resource::Network),
    ),
    counter(
        4,
        "block_stats_read_bytes",
        ",target_device=\"vda\"",
        1.0,
        Some(Resource::StorageThroughput),
    ),
    counter(
        5,
        "block_stats_write_bytes",
        ",target_device=\"vda\"",
        1.0,
        Some(Resource::StorageThroughput),
    ),
    counter(
        6,
        "block_stats_read_requests",
        ",target_device=\"vda\"",
        1.0,
        Some(Resource::StorageOperations),
    ),
    counter(
        7,
        "block_stats_write_requests",
        ",target_device=\"vda\"",
        1.0,
        Some(Resource::StorageOperations),
    ),
];

impl MadeUp {
    fn new(number: usize, steps: usize, seed: u64, script: &Script) -> Self {
        let vcpus = [1, 2, 4][number % 3];
        let mut draws =
            ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number as u64));
        let phase = draws.random_range(0.0..0.25);
        let height = if number == CAPPED { 1.5 } else { draws.random_range(0.3..0.6) };
        let mut rises = vec![vec![0; steps]; COUNTERS.len()];
        for step in script.life(number) {
            let day = (TAU * (step as f64 / 288.0 + phase)).sin().max(-0.5);
            let noise = draws.random_range(0.9..1.1);
            let busy = ((0.25 + height * (day + 0.5) / 1.5) * noise).min(1.0);
            let millicores = (f64::from(vcpus) * 1_000.0 * busy).round() as u64;
            let seconds = STEP_SECONDS;
            let waits = number == WAITS && step % 288 / 12 == 10;
            let per_second = [
                millicores,
                if waits { millicores / 4 } else { 0 },
                millicores * 4_000,
                millicores * 2_500,
                millicores * 1_000,
                millicores * 3_000,
                millicores / 20,
                millicores / 8,
            ];
            for (rises, amount) in rises.iter_mut().zip(per_second) {
                rises[step] = amount * seconds;
            }
        }
        Self { number, vcpus, rises }
    }

    fn id(&self) -> String {
        format!("vm-{:02}", self.number + 1)
    }

    fn memory_bytes(&self) -> u64 {
        u64::from(self.vcpus) << 31
    }

    fn disk_bytes(&self) -> u64 {
        20_000_000_000 * u64::from(self.vcpus)
    }

    fn first_host(&self) -> usize {
        self.number % HOSTS
    }

    /// The hosts that report it, each with the first and the last instant: a target begins at the end of
    /// the step in which the workload came, and there the source reports a last time.
    fn stays(&self, script: &Script) -> Vec<(usize, usize, usize)> {
        let life = script.life(self.number);
        match self.number {
            MOVES => vec![
                (self.first_host(), life.start, script.moved + 1),
                (TARGET_HOST, script.moved + 1, life.end),
            ],
            _ => vec![(self.first_host(), life.start, life.end)],
        }
    }
}

fn host_name(host: usize) -> String {
    format!("host-{}", host + 1)
}

fn zone_name(host: usize) -> String {
    format!("zone-{}", if host < HOSTS / 2 { "a" } else { "b" })
}

/// OpenMetrics text as it grows.
struct Text {
    out: String,
    start: Timestamp,
}

impl Text {
    fn family(&mut self, name: &str, kind: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, series: &str, value: f64, instant: usize) {
        let seconds = self.start.as_millis() / 1_000 + (instant as u64 * STEP_SECONDS) as i64;
        let _ = writeln!(self.out, "{series} {value} {seconds}");
    }

    /// A gauge of every host, once in `pace` steps; one series for each of `labels`.
    fn gauge_of_hosts(
        &mut self,
        name: &str,
        (port, pace): (u32, usize),
        labels: &[String],
        value: f64,
        (steps, script): (usize, &Script),
    ) {
        for host in 0..HOSTS {
            for label in labels {
                let (instance, zone) = (host_name(host), zone_name(host));
                let series = format!(
                    "{name}{{instance=\"{instance}:{port}\",zone=\"{zone}\",region=\"north\"{label}}}"
                );
                let spoken = |instant: &usize| script.speaks(host, *instant);
                for instant in (0..=steps).step_by(pace).filter(spoken) {
                    self.sample(&series, value, instant);
                }
            }
        }
    }

    fn hosts(&mut self, steps: usize, script: &Script) {
        let when = (steps, script);
        let none = [String::new()];
        let idle = |cpu: u32| format!(",cpu=\"{cpu}\",mode=\"idle\"");
        let idle: Vec<_> = (0..HOST_CORES).map(idle).collect();
        self.family("node_cpu_seconds", "counter");
        self.gauge_of_hosts("node_cpu_seconds_total", (9_100, SIZE_PACE), &idle, 1.0, when);
        self.family("node_memory_MemTotal_bytes", "gauge");
        let memory = HOST_MEMORY_BYTES as f64;
        self.gauge_of_hosts("node_memory_MemTotal_bytes", (9_100, SIZE_PACE), &none, memory, when);
        self.family("node_network_speed_bytes", "gauge");
        let speed = NETWORK_BYTES_PER_SECOND as f64;
        let device = [",device=\"eth0\"".to_owned()];
        self.gauge_of_hosts("node_network_speed_bytes", (9_100, SIZE_PACE), &device, speed, when);
        self.family("libvirt_up", "gauge");
        self.gauge_of_hosts("libvirt_up", (9_177, 1), &none, 1.0, when);
    }

    fn sizes(&mut self, workloads: &[MadeUp], steps: usize, script: &Script) {
        type Size = fn(&MadeUp) -> f64;
        let sizes: [(&str, &str, Size); 3] = [
            ("info_virtual_cpus", "", |made| f64::from(made.vcpus)),
            ("info_maximum_memory_bytes", "", |made| made.memory_bytes() as f64),
            ("block_stats_capacity_bytes", ",target_device=\"vda\"", |made| {
                made.disk_bytes() as f64
            }),
        ];
        for (name, labels, size) in sizes {
            self.family(&format!("libvirt_domain_{name}"), "gauge");
            for made in workloads {
                for (host, first, last) in made.stays(script) {
                    let series = series(name, made, host, labels);
                    let told = |instant: &usize| script.speaks(host, *instant);
                    let instants = (0..=steps).step_by(SIZE_PACE).filter(told);
                    for instant in instants.filter(|instant| (first..=last).contains(instant)) {
                        self.sample(&series, size(made), instant);
                    }
                }
            }
        }
    }

    fn counter(&mut self, workloads: &[MadeUp], counter: Counter, script: &Script) {
        self.family(&format!("libvirt_domain_{}", counter.name), "counter");
        let name = format!("{}_total", counter.name);
        for made in workloads {
            let rises = &made.rises[counter.position];
            for (host, first, last) in made.stays(script) {
                let series = series(&name, made, host, counter.labels);
                let mut level = 0_u64;
                for instant in first..=last {
                    if instant > first {
                        level += rises[instant - 1];
                    }
                    // Restarted in the middle of the step: the first half is forgotten.
                    if made.number == RESTARTS && instant == script.restarted + 1 {
                        level = rises[instant - 1] / 2;
                    }
                    if script.speaks(host, instant) {
                        self.sample(&series, level as f64 * counter.unit, instant);
                    }
                }
            }
        }
    }
}

fn series(name: &str, made: &MadeUp, host: usize, labels: &str) -> String {
    let (instance, domain) = (host_name(host), made.id());
    format!("libvirt_domain_{name}{{instance=\"{instance}:9177\",domain=\"{domain}\"{labels}}}")
}

fn truth(start: Timestamp, steps: usize, workloads: &[MadeUp], script: &Script) -> Truth {
    let at = |step: usize| start + Step::FIVE_MINUTES.span() * step as i64;
    let host = |host| (host_name(host).into(), (zone_name(host), HOST_CORES, HOST_MEMORY_BYTES));
    let sizes =
        |made: &MadeUp| (made.id().into(), (made.vcpus, made.memory_bytes(), made.disk_bytes()));
    let placement = |made: &MadeUp| {
        let life = script.life(made.number);
        // A workload that starts is told of at its first instant, which ends the step before.
        let first = life.start.saturating_sub(1);
        let mut stays = vec![(at(first), host_name(made.first_host()).into())];
        if made.number == MOVES {
            stays.push((at(script.moved), host_name(TARGET_HOST).into()));
        }
        (made.id().into(), stays)
    };
    let mut series = BTreeMap::new();
    for made in workloads {
        for resource in Resource::FLOWING {
            let key = SeriesKey::resource(made.id().into(), resource);
            series.insert(key, demand(start, made, resource, script));
        }
    }
    Truth {
        start,
        end: at(steps),
        hosts: (0..HOSTS).map(host).collect(),
        workloads: workloads.iter().map(sizes).collect(),
        placements: workloads.iter().map(placement).collect(),
        stopped: workloads[ENDS].id().into(),
        series,
    }
}

fn demand(start: Timestamp, made: &MadeUp, resource: Resource, script: &Script) -> Series {
    let told: Vec<_> = COUNTERS.iter().filter(|c| c.measures == Some(resource)).collect();
    let is_known = |step: usize| {
        let is_restart = made.number == RESTARTS && step == script.restarted;
        // Where the workload moves away, the source tells of the step still.
        let host = made.stays(script).iter().find(|(_, _, last)| step < *last).map(|stay| stay.0);
        let is_told = host.is_some_and(|h| script.speaks(h, step) && script.speaks(h, step + 1));
        is_told && !is_restart && script.life(made.number).contains(&step)
    };
    let scale = if resource == Resource::Cpu { 1_000.0 } else { 1.0 } / STEP_SECONDS as f64;
    let value = |step: usize| {
        let rises = told.iter().map(|c| made.rises[c.position][step] as f64 * c.unit);
        is_known(step).then(|| (rises.sum::<f64>() * scale) as f32)
    };
    Series::from_values(start, Step::FIVE_MINUTES, (0..script.steps).map(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_decided_by_its_seed() {
        let start = Timestamp::from_seconds(1_767_600_000);
        let made = rehearse(start, 1, 7);
        assert_eq!(made.text, rehearse(start, 1, 7).text);
        assert_ne!(made.text, rehearse(start, 1, 8).text);
        assert!(made.text.ends_with("# EOF\n"));
    }

    #[test]
    fn everything_happens_once() {
        let truth = rehearse(Timestamp::from_seconds(1_767_600_000), 2, 7).truth;
        let moved: Vec<_> = truth.placements.iter().filter(|(_, stays)| stays.len() == 2).collect();
        assert_eq!(moved.len(), 1);
        let gaps = |id: &str| {
            let key = SeriesKey::resource(id.into(), Resource::Cpu);
            truth.series[&key].iter().filter(Option::is_none).count()
        };
        let found = ["vm-01", "vm-07", "vm-04", "vm-10", "vm-23", "vm-24"].map(gaps);
        // Whole, restarted, on the silent host (12 instants are 13 steps), moved, late, early.
        assert_eq!(found, [0, 1, 13, 13, 57, 58]);
    }
}
