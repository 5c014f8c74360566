//! What a backtest found: one row per policy and confidence, and the verdict on them.

use serde::Serialize;
use weft_core::time::Timestamp;

/// The result of a backtest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The trace's name.
    pub trace: String,
    /// The fleet's name.
    pub fleet: String,
    /// The seed of everything random.
    pub seed: u64,
    /// One row per policy and setting.
    pub policies: Vec<PolicyRow>,
    /// Whether Weft would have gained anything.
    pub verdict: Verdict,
    /// What is not known of the fleet and what that costs, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What was taken to be so because nobody said, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}

/// How one policy did. Definitions: `docs/reference/metrics.md`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyRow {
    /// Its name, as on the command line; reactive ones by their detector.
    pub policy: String,
    /// The confidence it was run at, where it has one.
    pub confidence: Option<f64>,
    /// The share of a host that it fills, where it has one: `pack-once` is swept by it.
    pub fill: Option<f64>,
    /// Energy used.
    pub energy_kwh: f64,
    /// Demand not served, in hours of a reference core.
    pub unserved_core_hours: f64,
    /// The part of it that hosts could not serve because they were full.
    pub unserved_overload_core_hours: f64,
    /// The part of it that running moves took from the workloads moved.
    pub unserved_migration_core_hours: f64,
    /// The part of it in which workloads stood still for planned moves.
    pub unserved_downtime_core_hours: f64,
    /// The part of it of workloads whose host was lost, or that had none. The four parts add up.
    pub unserved_lost_core_hours: f64,
    /// Host-minutes in which demand exceeded capacity.
    pub overload_minutes: f64,
    /// Share of active host time in which a host served less than was requested.
    pub slatah: f64,
    /// Share of requested processor time lost to migrations.
    pub pdm: f64,
    /// SLATAH × PDM.
    pub slav: f64,
    /// Energy × SLAV.
    pub esv: f64,
    /// Moves started.
    pub migrations: u64,
    /// Bytes that moves sent.
    pub moved_bytes: u64,
    /// Seconds in which workloads stood still because of moves.
    pub downtime_seconds: f64,
    /// The bill: energy, hosts, egress.
    pub cost: f64,
    /// The bill plus unserved demand and downtime at the policy's prices, less the least of all
    /// rows.
    pub regret: f64,
    /// How it went, step by step; for charts.
    #[serde(skip)]
    pub course: Vec<CourseStep>,
}

impl PolicyRow {
    /// What the row was swept by, if it was: confidence or fill, in 0..=1.
    pub fn setting(&self) -> Option<f64> {
        self.confidence.or(self.fill)
    }
}

/// One step of a row's course.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CourseStep {
    /// Start of the step.
    pub at: Timestamp,
    /// Mean power of the fleet.
    pub watts: f64,
    /// Mean demand, in reference cores.
    pub requested_cores: f64,
    /// Mean demand not served, in reference cores.
    pub unserved_cores: f64,
    /// Mean number of hosts that carried workloads.
    pub active_hosts: f64,
    /// Moves started in the step.
    pub migrations: u64,
}

/// Whether Weft would have gained anything over the best policy without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The row of Weft that is compared, by its position.
    pub predictive: Option<usize>,
    /// The row it is compared with, by its position: the recorded placement where there is one,
    /// else the cheapest other policy.
    pub against: Option<usize>,
    /// What Weft would have saved: bill, unserved demand and downtime, in the fleet's currency.
    pub saving: f64,
    /// The saving as a share of what the other policy cost.
    pub share: f64,
    /// The 95 % interval of the saving, by block bootstrap.
    pub interval: (f64, f64),
    /// What the blocks were: days, or hosts where there are too few days.
    pub blocks: &'static str,
    /// The answer in one sentence.
    pub sentence: String,
}
