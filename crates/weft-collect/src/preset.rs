//! Presets: tables that say which metrics of which exporters tell what of a fleet, and what is not known
//! where one of them is missing. A preset is data; reading it is `preset::derive`'s work.

use std::fmt;

use serde::Deserialize;
use thiserror::Error;
use weft_core::fleet::{FleetError, Storage};
use weft_core::resource::Resource;
use weft_core::time::Timestamp;

use crate::prometheus::PrometheusError;

pub use choose::choose;
pub(crate) use derive::courses;
pub use derive::{Derived, Period, derive};

mod choose;
mod counter;
mod derive;
mod gather;
mod history;
mod kubernetes;
mod libvirt;
mod node;
mod size;

/// Every preset.
pub const ALL: [&Preset; 3] = [&libvirt::PRESET, &kubernetes::PRESET, &node::PRESET];

/// The preset of this name; an error names those that there are.
pub fn named(name: &str) -> Result<&'static Preset, PresetError> {
    let found = ALL.into_iter().find(|preset| preset.name == name);
    found.ok_or_else(|| PresetError::Unknown { found: name.to_owned() })
}

/// What is read from the metrics of some exporters.
#[derive(Debug)]
pub struct Preset {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The exporters that it reads.
    pub exporters: &'static str,
    /// The label that names a host; a port at its end is cut off.
    pub host_label: &'static str,
    /// The labels that together name a workload, joined by `/`; none where every host as a whole is one.
    pub workload_labels: &'static [&'static str],
    /// The label of host metrics that names a zone.
    pub zone_label: &'static str,
    /// The label of host metrics that names a region.
    pub region_label: &'static str,
    /// Whether its workloads move live.
    pub moves_live: bool,
    /// Whether its workloads move at all.
    pub moves: bool,
    /// The metrics.
    pub metrics: &'static [Metric],
}

/// One metric of a preset.
#[derive(Debug)]
pub struct Metric {
    /// Its name, and the names that other versions of the exporter give it; the first that has series
    /// is read.
    pub names: &'static [&'static str],
    /// Matchers that choose among its series, such as `mode="idle"`.
    pub matchers: &'static str,
    /// The query around it; `{}` stands for the metric over a step.
    pub query: &'static str,
    /// What it tells.
    pub yields: Yields,
    /// What its samples are.
    pub form: Form,
    /// From its unit to Weft's: 1,000 from cores to millicores.
    pub scale: f64,
    /// Whether nothing can be derived without it.
    pub is_required: bool,
    /// What is not known where it is missing, as the end of a sentence.
    pub costs: &'static str,
}

/// What a metric tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Yields {
    /// The cores of a host.
    HostCores,
    /// The memory of a host, in bytes.
    HostMemory,
    /// The speed of a host's network, in bytes per second.
    HostNetwork,
    /// Labels of a host, the zone's and the region's among them.
    HostLabels,
    /// That a host's exporter of workloads works: without this, silence is not absence.
    Exporter,
    /// That a workload is on a host.
    Presence,
    /// The virtual CPUs of a workload (or the cores that it may use at most).
    Vcpus,
    /// The cores of a workload where [`Yields::Vcpus`] does not say.
    VcpusAtLeast,
    /// The memory allocated to a workload, in bytes.
    Memory,
    /// The memory of a workload where [`Yields::Memory`] does not say.
    MemoryAtMost,
    /// The disk space allocated to a workload, in bytes.
    Space,
    /// The demand of a workload. CPU also tells where the workload is.
    Demand(Resource),
    /// How long a workload's processors waited for the host's, in millicores.
    Delay,
}

impl Yields {
    /// Whether it tells of every step, not only of sizes.
    pub(crate) const fn is_course(self) -> bool {
        matches!(self, Self::Exporter | Self::Presence | Self::Demand(_) | Self::Delay)
    }
}

/// What the samples of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A value of its own.
    Gauge,
    /// A count that grows, and begins anew now and then.
    Counter,
}

impl Preset {
    /// What is missing where only those metrics have series that `is_there` knows.
    pub fn missing(&self, is_there: impl Fn(&Metric) -> bool) -> Vec<Missing> {
        self.metrics.iter().filter(|metric| !is_there(metric)).map(Missing::of).collect()
    }
}

/// A metric's first name, and what is read from it.
pub(crate) type MetricKey = (&'static str, Yields);

impl Metric {
    /// What tells it from the others of its preset: one metric may tell two things.
    pub(crate) fn id(&self) -> MetricKey {
        (self.names[0], self.yields)
    }
}

/// A metric that is not there, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The metric.
    pub metric: String,
    /// Whose it is, where others have it: how many, and one of them.
    pub whose: Option<(usize, String)>,
    /// What is not known without it.
    pub costs: String,
    /// Whether nothing can be derived without it.
    pub is_required: bool,
}

impl Missing {
    fn of(metric: &Metric) -> Self {
        Self {
            metric: metric.names.join("` or `"),
            whose: None,
            costs: metric.costs.to_owned(),
            is_required: metric.is_required,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no `{}`", self.metric)?;
        if let Some((count, example)) = &self.whose {
            write!(formatter, " of {count}, such as `{example}`")?;
        }
        write!(formatter, ": {}", self.costs)
    }
}

/// How a preset is read in a certain place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresetOptions {
    /// Matchers added to every metric, such as `cluster="east"`.
    pub matchers: String,
    /// In the place of the preset's label for hosts.
    pub host_label: Option<String>,
    /// In the place of the preset's labels for workloads.
    pub workload_labels: Option<Vec<String>>,
    /// In the place of the preset's label for zones.
    pub zone_label: Option<String>,
    /// In the place of the preset's label for regions.
    pub region_label: Option<String>,
    /// Where disks are: metrics do not tell.
    pub storage: Storage,
    /// The price of energy: metrics do not tell.
    pub energy_price_per_kwh: f64,
    /// Whether hosts are switched off while they are empty: metrics do not tell.
    pub empty_hosts_off: bool,
}

impl Default for PresetOptions {
    fn default() -> Self {
        Self {
            matchers: String::new(),
            host_label: None,
            workload_labels: None,
            zone_label: None,
            region_label: None,
            storage: Storage::Shared,
            energy_price_per_kwh: 0.2,
            empty_hosts_off: false,
        }
    }
}

/// Why no fleet could be derived.
#[derive(Debug, Error)]
pub enum PresetError {
    /// The metrics could not be read.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// What was derived contradicts itself.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// No preset has this name.
    #[error("expected a preset ({}), found `{found}`", names())]
    Unknown {
        /// What was asked for.
        found: String,
    },
    /// Metrics without which nothing can be said are not there.
    #[error(
        "expected the metrics of {exporters} between {start} and {end}, found {}", sentences(.missing)
    )]
    Required {
        /// Where the time begins.
        start: Timestamp,
        /// Where it ends.
        end: Timestamp,
        /// The exporters.
        exporters: &'static str,
        /// What is missing, all of it required.
        missing: Vec<Missing>,
    },
    /// No preset finds all that it requires.
    #[error("expected metrics that a preset fits between {start} and {end}, found {}", lacking(.tried))]
    Fitting {
        /// Where the time begins.
        start: Timestamp,
        /// Where it ends.
        end: Timestamp,
        /// Every preset, with what it requires and did not find.
        tried: Vec<(&'static Preset, Vec<Missing>)>,
    },
    /// There is no whole step in the time asked for.
    #[error("expected at least one whole step between {start} and {end}, found none")]
    Empty {
        /// Where the time begins.
        start: Timestamp,
        /// Where it ends.
        end: Timestamp,
    },
}

fn names() -> String {
    ALL.map(|preset| preset.name).join(", ")
}

fn sentences(missing: &[Missing]) -> String {
    missing.iter().map(Missing::to_string).collect::<Vec<_>>().join("; ")
}

fn lacking(tried: &[(&'static Preset, Vec<Missing>)]) -> String {
    let of_preset = |(preset, missing): &(&Preset, Vec<Missing>)| {
        let metrics: Vec<_> = missing.iter().map(|missing| &*missing.metric).collect();
        format!("for `{}` no `{}`", preset.name, metrics.join("`, no `"))
    };
    tried.iter().map(of_preset).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
