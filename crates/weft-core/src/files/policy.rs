//! Policy files: the fields of [`Policy`] by their names, all of them optional. A number out of
//! range must never reach the control loop.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::{FileError, document};
use crate::fleet::{Topology, Workloads};
use crate::id::{HostId, WorkloadId};
use crate::policy::{Blackout, Policy, Rule, Selector, Window};
use crate::time::Span;

/// Reads a policy file.
pub fn read(file: &str, text: &str) -> Result<Policy, FileError> {
    let policy: Policy = document(file, text)?;
    check(&policy).map_err(|wrong| {
        let keys: BTreeMap<String, Spanned<Anything>> = document(file, text).unwrap_or_default();
        wrong.at(file, &keys)
    })?;
    Ok(policy)
}

/// Any value; only its place matters.
#[derive(Debug)]
pub(super) struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A field whose value is out of range.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    field: &'static str,
    expected: &'static str,
    found: String,
}

impl Wrong {
    /// The error at the place of the field's first word among `keys`.
    pub(super) fn at(&self, file: &str, keys: &BTreeMap<String, Spanned<Anything>>) -> FileError {
        let key = self.field.split('.').next().unwrap_or_default();
        let location: Option<Location> = keys.get(key).map(|value| value.referenced);
        let Self { field, expected, found } = self;
        FileError::new(file, location, format_args!("{field}: expected {expected}, found {found}"))
    }
}

/// The first field of `policy` that is out of range.
pub(super) fn check(policy: &Policy) -> Result<(), Wrong> {
    let Policy { margins, prices, .. } = policy;
    for (field, value) in [
        ("prices.unserved_core_hour", prices.unserved_core_hour),
        ("prices.downtime_hour", prices.downtime_hour),
        ("prices.per_move", prices.per_move),
    ] {
        within(field, "a price of at least 0", &value, (0.0..f64::INFINITY).contains(&value))?;
    }
    let reserve = margins.reserve;
    within("margins.reserve", "a share in 0..1", &reserve, (0.0..1.0).contains(&reserve))?;
    for (field, value) in [
        ("margins.memory_overcommit", margins.memory_overcommit),
        ("margins.storage_overcommit", margins.storage_overcommit),
    ] {
        within(field, "more than 0", &value, value > 0.0 && value.is_finite())?;
    }
    let factor = policy.give_up_factor;
    within("give_up_factor", "at least 1", &factor, factor >= 1.0 && factor.is_finite())?;
    let steps = policy.consecutive_steps;
    within("consecutive_steps", "at least 1", &steps, steps >= 1)?;
    let horizon = policy.horizon;
    let holds = horizon > Span::ZERO && horizon <= Policy::LONGEST_HORIZON;
    within("horizon", "more than 0s and at most 31d", &horizon, holds)?;
    within("stale_after", "more than 0s", &policy.stale_after, policy.stale_after > Span::ZERO)?;
    let once = policy.blackouts.iter().filter_map(|blackout| match blackout {
        Blackout::Once(window) => Some(("blackouts", window)),
        Blackout::Daily { .. } => None,
    });
    let maintenance = policy.rules.iter().filter_map(|rule| match rule {
        Rule::Maintenance { window, .. } => Some(("rules", window)),
        _ => None,
    });
    for (field, Window { begins, ends }) in once.chain(maintenance) {
        let found = format!("{begins} to {ends}");
        within(field, "a window that begins before it ends", &found, begins < ends)?;
    }
    for blackout in &policy.blackouts {
        if let Blackout::Daily { from, until } = blackout {
            let day = Span::ZERO..=Span::from_hours(24);
            let found = format!("{from} to {until}");
            let holds = day.contains(from) && day.contains(until);
            within("blackouts", "a daily window within 0h to 24h", &found, holds)?;
        }
    }
    for (field, span) in [
        ("cool_down", policy.cool_down),
        ("start_margin", policy.start_margin),
        ("downtime_limit", policy.downtime_limit),
    ] {
        within(field, "at least 0s", &span, span >= Span::ZERO)?;
    }
    Ok(())
}

/// A sentence about the first name or tag of `policy` that nothing in the fleet has; none where every one
/// is found.
pub fn unknown_name(policy: &Policy, topology: &Topology, workloads: &Workloads) -> Option<String> {
    let wrong = check_names(policy, topology, workloads).err()?;
    let Wrong { field, expected, found } = wrong;
    Some(format!("{field}: expected {expected}, found {found}"))
}

/// The first name or tag of `policy` that nothing in the fleet has: a rule that binds nobody is a slip.
/// Workloads are judged where any are known.
pub(super) fn check_names(
    policy: &Policy,
    topology: &Topology,
    workloads: &Workloads,
) -> Result<(), Wrong> {
    let workload = |field, selector: &Selector| {
        let unknown =
            selector.names.iter().find(|n| !workloads.contains_key(&WorkloadId::from(n.as_str())));
        if let Some(name) = unknown.filter(|_| !workloads.is_empty()) {
            within(field, "the name of a workload", &format!("`{name}`"), false)?;
        }
        let unused =
            selector.tags.iter().find(|tag| !workloads.values().any(|w| w.tags.contains(*tag)));
        match unused.filter(|_| !workloads.is_empty()) {
            Some(tag) => within(field, "a tag that a workload has", &format!("`{tag}`"), false),
            None => Ok(()),
        }
    };
    let host = |field, selector: &Selector| {
        let unknown =
            selector.names.iter().find(|n| topology.host(&HostId::from(n.as_str())).is_none());
        if let Some(name) = unknown {
            within(field, "the name of a host", &format!("`{name}`"), false)?;
        }
        match selector.tags.iter().find(|tag| !topology.hosts().any(|h| h.tags.contains(*tag))) {
            Some(tag) => within(field, "a tag that a host has", &format!("`{tag}`"), false),
            None => Ok(()),
        }
    };
    host("scope", &policy.scope)?;
    for rule in &policy.rules {
        match rule {
            Rule::Affinity { workloads, .. }
            | Rule::AntiAffinity { workloads, .. }
            | Rule::Spread { workloads, .. }
            | Rule::Immovable { workloads } => workload("rules", workloads)?,
            Rule::Pin { workloads, hosts } | Rule::Exclude { workloads, hosts } => {
                workload("rules", workloads)?;
                host("rules", hosts)?;
            }
            Rule::Residency { workloads, regions } => {
                workload("rules", workloads)?;
                if let Some(region) = regions.iter().find(|id| topology.region(id).is_none()) {
                    within("rules", "the name of a region", &format!("`{region}`"), false)?;
                }
            }
            Rule::Maintenance { hosts, .. } => host("rules", hosts)?,
        }
    }
    Ok(())
}

fn within(
    field: &'static str,
    expected: &'static str,
    found: &impl ToString,
    holds: bool,
) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(Wrong { field, expected, found: found.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Domain, Mode, Rule, Selector};

    #[test]
    fn what_is_not_said_is_the_default() {
        let policy = read("p.yaml", "mode: auto\nbudgets: {in_flight: 3}\n").expect("valid");
        assert_eq!(policy.mode, Mode::Auto);
        assert_eq!(policy.budgets.in_flight, 3);
        assert_eq!(policy.budgets.starts_per_hour, Policy::default().budgets.starts_per_hour);
        assert_eq!(policy.horizon, Span::from_hours(6));
    }

    #[test]
    fn rules_are_read_by_their_names() {
        let text = "rules:\n- anti_affinity:\n    workloads: {names: [a, b]}\n    domain: zone\n";
        let policy = read("p.yaml", text).expect("valid");
        let workloads = Selector::names(["a", "b"]);
        assert_eq!(policy.rules, [Rule::AntiAffinity { workloads, domain: Domain::Zone }]);
    }

    #[test]
    fn a_wrong_policy_is_answered_with_its_line() {
        let check = |text: &str, parts: &[&str]| {
            let error = read("p.yaml", text).expect_err(text).to_string();
            for part in parts {
                assert!(error.contains(part), "expected {part:?} in {error:?}");
            }
            assert!(!error.contains('\n'), "one sentence: {error:?}");
        };
        check("mode: auto\nhorizons: 6h\n", &["p.yaml, line 2", "horizons", "expected"]);
        check("horizon: 6 hours\n", &["line 1", "expected a span like", "found `6 hours`"]);
        check("confidence: 1.5\n", &["line 1", "1.5"]);
        check("mode: auto\ngive_up_factor: 0.5\n", &["line 2", "at least 1, found 0.5"]);
        check(
            "mode: auto\nmargins:\n  reserve: 1\n",
            &["line 3", "margins.reserve: expected a share in 0..1, found 1"],
        );
        check("prices: {per_move: -1}\n", &["prices.per_move", "found -1"]);
        check("consecutive_steps: 0\n", &["line 1", "at least 1, found 0"]);
        check("rules:\n- pin: {workload: {}}\n", &["line 2", "workload"]);
        check("rules:\n- immovable: {workloads: {}, hosts: {}}\n", &["line 2", "hosts"]);
        check("mode: [auto\n", &["p.yaml, line"]);
    }
}
