//! Outside events, alerts, the journal, policies, and what people ask for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Instant;

/// Outside knowledge: a calendar entry, a campaign, a news item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EventShape {
    /// Its name.
    pub id: String,
    /// The title of the entry, campaign or item.
    pub title: String,
    /// `calendar`, `campaign`, `news`.
    pub kind: String,
    /// Where it came from: a configured source, `api` or `demo`.
    pub source: String,
    /// Whether moves may rest on it; one that is not trusted is only shown.
    pub is_trusted: bool,
    /// The keyword rule that chose it, if one did.
    pub rule: Option<String>,
    /// The page it points to, `http` or `https` only.
    pub link: Option<String>,
    /// When it begins to have an effect.
    pub begins: Instant,
    /// When it ends.
    pub ends: Instant,
    /// Names of the workloads it concerns; all where names and tags are empty.
    pub workloads: Vec<String>,
    /// Labels of the workloads it concerns.
    pub tags: Vec<String>,
    /// The lift its author expects, as a multiple of usual demand.
    pub expected_lift: Option<f64>,
}

/// A configured source of outside events, and how its last reading went.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceShape {
    /// Its name.
    pub name: String,
    /// `calendar`, `campaigns`, `feed`.
    pub kind: String,
    /// Its file, or its address without the query.
    pub place: String,
    /// Whether moves may rest on it; events of one that is not trusted are only shown.
    pub is_trusted: bool,
    /// How often it is read, in seconds of the fleet's clock.
    pub every_seconds: f64,
    /// When it was last tried.
    pub tried: Instant,
    /// When it was last read; null where it never was.
    pub read: Option<Instant>,
    /// How many events it gave then; they stay while it cannot be read.
    pub events: usize,
    /// Why the last try failed; null where it did not.
    pub error: Option<String>,
    /// What was left out when it was last read, one sentence each; the first of many.
    pub problems: Vec<String>,
    /// How many such sentences there were in all.
    pub problem_count: usize,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AlertShape {
    /// The same for the same matter, over restarts.
    pub fingerprint: String,
    /// The rule that raised it, such as `foreseen_shortage`.
    pub rule: String,
    /// `info`, `warning`, `critical`.
    pub severity: String,
    /// What it is about: a host and its resource, a workload, a zone, a region, or the fleet.
    pub subject: String,
    /// One sentence for people.
    pub summary: String,
    /// Since when.
    pub begins: Instant,
    /// When it was resolved; null while open.
    pub ends: Option<Instant>,
    /// What it is about, name by name: `host`, `resource`, `workload`, `from`, `to`, `zone`, `region`.
    pub labels: BTreeMap<String, String>,
    /// When every receiver whom it concerns had been told of its present state; null while one has not.
    pub told: Option<Instant>,
    /// The receivers that have been told of its present state.
    pub told_by: Vec<String>,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JournalLine {
    /// Its number, without gaps.
    pub id: u64,
    /// When.
    pub at: Instant,
    /// `plan_adopted`, `moves_dropped`, `approved`, `rejected`, `starting`, `ended`, `frozen`, `thawed`,
    /// `switched`, `draining`, `policy_set`.
    pub kind: String,
    /// One sentence for people.
    pub sentence: String,
    /// The move it is about, if any.
    #[serde(rename = "move")]
    pub move_id: Option<u64>,
    /// The workload it is about, if any.
    pub workload: Option<String>,
}

/// The policy in force, whole.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PolicyShape {
    /// Its name.
    pub name: String,
    /// Whether it is in force.
    pub is_current: bool,
    /// As in a policy file.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// Its rules, one sentence each.
    pub rules: Vec<String>,
}

/// What was done about a request that was acknowledged: it is durable.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Acknowledged {
    /// One sentence for people.
    pub done: String,
}

/// A campaign to be taken in as an event.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// Its name.
    pub id: String,
    /// When it begins.
    pub begins: Instant,
    /// When it ends.
    pub ends: Instant,
    /// Names of the workloads it concerns; all where names and tags are empty.
    #[serde(default)]
    pub workloads: Vec<String>,
    /// Labels of the workloads it concerns.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The lift that is expected, as a multiple of usual demand.
    pub expected_lift: Option<f64>,
}

/// A place for the demo to lose or to bring back.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum DemoPlace {
    /// A host.
    Host(String),
    /// Every host of a zone.
    Zone(String),
    /// Every host of a region.
    Region(String),
}

/// A campaign that the demo starts at once, on the workloads with this label.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoCampaign {
    /// The label, such as `web`.
    pub tag: String,
    /// Demand as a multiple, at least 1 and at most 4.
    pub lift: f64,
    /// How many simulated minutes it lasts, 5 to 1440.
    pub minutes: u32,
}

/// Changes of the policy that the demo's buttons make.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoPolicy {
    /// `observe`, `advise`, `approve`, `auto`.
    pub mode: Option<String>,
    /// In 0.5..1.
    pub confidence: Option<f64>,
    /// Simulated seconds a second, 1 to 3600.
    pub speed: Option<f64>,
}
