//! Alerts as they are kept: enough to tell a matter once, over restarts, and to say when it is over.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weft_core::time::Timestamp;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// The severity's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One matter, from its begin to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The same for the same matter, over restarts.
    pub fingerprint: String,
    /// The rule that raised it.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub summary: String,
    /// What it is about, name by name, for receivers that sort by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Since when.
    pub begins: Timestamp,
    /// When it was over; none while it is open.
    pub ends: Option<Timestamp>,
    /// When every receiver had been told of its present state; none while one has not.
    pub told: Option<Timestamp>,
    /// The receivers that have been told of its present state, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told_by: BTreeSet<String>,
}
