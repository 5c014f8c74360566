//! What alerts are about: from the loop as it stands to the matters that hold now. Values only: no clock, no
//! memory of the turn before. It must never call a matter gone that it cannot judge.

mod ahead;
mod lost;
mod moving;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use weft_control::control::TrackedMove;
use weft_control::record::Freeze;
use weft_core::id::HostId;
use weft_core::policy::Mode;
use weft_core::time::{Span, Step};
use weft_store::alert::Severity;

use crate::api::reasons;
use crate::run::view::View;

/// A rule: one kind of matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A host will run short.
    ForeseenShortage,
    /// A host has nothing left now.
    Overload,
    /// A move failed, or was stopped because it took too long.
    MigrationFailed,
    /// A move takes longer than predicted.
    MigrationSlow,
    /// The last check before a start said no.
    MigrationRefused,
    /// The newest samples are too old.
    StaleMetrics,
    /// The fleet does not answer, so nothing is started.
    Unobserved,
    /// Another hand moves workloads, so nothing is started.
    ForeignChange,
    /// A host is lost.
    HostLost,
    /// Every host of a zone is lost.
    ZoneLost,
    /// Every host of a region is lost.
    RegionLost,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ForeseenShortage,
        Self::Overload,
        Self::MigrationFailed,
        Self::MigrationSlow,
        Self::MigrationRefused,
        Self::StaleMetrics,
        Self::Unobserved,
        Self::ForeignChange,
        Self::HostLost,
        Self::ZoneLost,
        Self::RegionLost,
    ];

    /// The rule's word, as kept and as in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForeseenShortage => "foreseen_shortage",
            Self::Overload => "overload",
            Self::MigrationFailed => "migration_failed",
            Self::MigrationSlow => "migration_slow",
            Self::MigrationRefused => "migration_refused",
            Self::StaleMetrics => "stale_metrics",
            Self::Unobserved => "unobserved",
            Self::ForeignChange => "foreign_change",
            Self::HostLost => "host_lost",
            Self::ZoneLost => "zone_lost",
            Self::RegionLost => "region_lost",
        }
    }

    /// The rule of a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// How long a matter must hold before it is raised, and be gone before it is over, so that nothing
    /// flaps. Each time is of the fleet's clock.
    ///
    /// - A shortage comes and goes with the plans, one a step: two plans in a row must find it, and three in a
    ///   row must not, which costs a step of lead time out of hours.
    /// - An overload is the mean of a whole step already, so it is raised at once; two further steps must be
    ///   without it.
    /// - Metrics are stale only after a time that the policy states, and a foreign change holds for a cool-down:
    ///   both are raised at once. That nothing is seen may be one lost answer of a fleet that is asked every
    ///   minute, and a lost host one that restarts: two minutes and one.
    /// - What became of a move is final. It is remembered for an hour by the rule itself.
    pub fn patience(self, step: Step) -> Patience {
        let minutes = Span::from_minutes;
        let (raised, over) = match self {
            Self::ForeseenShortage => (step.span(), step.span() * 3),
            Self::Overload => (Span::ZERO, step.span() * 2),
            Self::MigrationFailed | Self::MigrationRefused => (Span::ZERO, Span::ZERO),
            Self::MigrationSlow => (Span::ZERO, minutes(1)),
            Self::StaleMetrics => (Span::ZERO, minutes(2)),
            Self::Unobserved => (minutes(2), minutes(2)),
            Self::ForeignChange => (Span::ZERO, Span::ZERO),
            Self::HostLost | Self::ZoneLost | Self::RegionLost => (minutes(1), minutes(2)),
        };
        Patience { raised, over }
    }
}

/// See [`Rule::patience`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Raised after this long.
    pub raised: Span,
    /// Over after this long.
    pub over: Span,
}

/// Something that holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Matter {
    /// The rule that found it.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// The same for the same matter, over restarts.
    pub fingerprint: String,
    /// What it is about.
    pub subject: String,
    /// What was expected and what was found, in one sentence.
    pub summary: String,
    /// What it is about, name by name.
    pub labels: BTreeMap<String, String>,
    /// Whether a wider matter tells of it: then it is not raised, but one that is open stays so.
    pub is_covered: bool,
}

impl Matter {
    fn new(rule: Rule, severity: Severity, labels: &[(&str, &str)], summary: String) -> Self {
        let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
        let (subject, name) = match values.as_slice() {
            [] => ("fleet".to_owned(), rule.name().to_owned()),
            values => (values.join(" "), format!("{}/{}", rule.name(), values.join("/"))),
        };
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            rule,
            severity,
            fingerprint: name,
            subject,
            summary,
            labels: labels.iter().map(owned).collect(),
            is_covered: false,
        }
    }

    fn covered(self, is_covered: bool) -> Self {
        Self { is_covered, ..self }
    }
}

/// What the rules found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// The matters that hold now, by fingerprint.
    pub matters: BTreeMap<String, Matter>,
    /// The rules that could not be judged: what is open of them stays so.
    pub unjudged: BTreeSet<Rule>,
}

impl Findings {
    fn add(&mut self, matter: Matter) {
        self.matters.insert(matter.fingerprint.clone(), matter);
    }
}

/// Judges the loop as it stands. `remembered` are moves from before a restart, which the loop has forgotten.
pub fn judged(view: &View, remembered: &[TrackedMove]) -> Findings {
    let mut findings = Findings::default();
    ahead::shortages(view, &mut findings);
    ahead::overloads(view, &mut findings);
    moving::ended(view, remembered, &mut findings);
    moving::slow(view, &mut findings);
    standing(view, &mut findings);
    lost::places(view, &mut findings);
    findings
}

/// What keeps every move from starting.
fn standing(view: &View, findings: &mut Findings) {
    for (freeze, since) in &view.freezes {
        findings.add(match freeze {
            Freeze::StaleMetrics => {
                Matter::new(Rule::StaleMetrics, Severity::Warning, &[], stale(view))
            }
            Freeze::Unobserved => {
                let severity = if acts(view) { Severity::Critical } else { Severity::Warning };
                let found = format!("expected an answer of the fleet, found none since {since}");
                let summary = format!("{found}; nothing starts until it answers");
                Matter::new(Rule::Unobserved, severity, &[], summary)
            }
            Freeze::ForeignChange { workload, from, to } => {
                // Where Weft moves nothing, that somebody else does is no conflict.
                let severity = if acts(view) { Severity::Warning } else { Severity::Info };
                let (from, to) = (named(from), named(to));
                let found = format!("expected {workload} on {from}, found it on {to}");
                let summary =
                    format!("{found} by another hand; nothing starts until that hand rests");
                Matter::new(Rule::ForeignChange, severity, &[], summary)
            }
        });
    }
}

fn named(hosts: &[HostId]) -> String {
    let names: Vec<&str> = hosts.iter().map(HostId::as_str).collect();
    if names.is_empty() { "no host".to_owned() } else { names.join(" and ") }
}

fn acts(view: &View) -> bool {
    matches!(view.policy.mode, Mode::Approve | Mode::Auto)
}

fn stale(view: &View) -> String {
    let limit = reasons::span(view.policy.stale_after);
    let found = match view.sampled_until {
        Some(until) => format!("the newest of {until}, {} old", reasons::span(view.now - until)),
        None => "none so far".to_owned(),
    };
    format!(
        "expected samples no older than {limit}, found {found}; nothing starts until newer ones come"
    )
}
