//! Moves that went wrong or take too long. One matter a workload: a move that is planned anew after every failure
//! is one trouble, not many.

use std::collections::BTreeMap;

use weft_control::control::TrackedMove;
use weft_core::id::WorkloadId;
use weft_core::observation::HostState;
use weft_core::plan::{MoveState, Purpose};
use weft_core::time::{Span, Timestamp};
use weft_store::alert::Severity;

use super::{Findings, Matter, Rule};
use crate::api::reasons;
use crate::run::view::View;

/// How long the end of a move stays a matter, unless a later move of the workload ends well. The loop plans such a
/// workload again within a cool-down of half an hour: an hour later it has, or the shortage itself is told.
pub(super) const REMEMBERED: Span = Span::from_hours(1);

/// A move that takes this many times its prediction is slow: more than the scatter of a mean, and well before the
/// loop gives it up (at three times, unless the policy says otherwise).
const SLOW: f64 = 1.5;

/// And it must be late by at least this: some seconds in a move of ten are nobody's matter.
const LATE: Span = Span::from_minutes(1);

/// The newest end of a move of each workload, within the time that is remembered.
pub(super) fn ended(view: &View, remembered: &[TrackedMove], findings: &mut Findings) {
    let mut newest: BTreeMap<&WorkloadId, (Timestamp, &TrackedMove)> = BTreeMap::new();
    let forgotten = remembered.iter().filter(|m| !view.moves.contains_key(&m.planned.id));
    for tracked in forgotten.chain(view.moves.values()) {
        let Some(ended) = tracked.ended.filter(|at| view.now - *at < REMEMBERED) else { continue };
        // What a newer plan or a person took back says nothing of how moves go.
        if rule(view, tracked).is_none() && tracked.state != MoveState::Succeeded {
            continue;
        }
        let last = newest.entry(&tracked.planned.workload).or_insert((ended, tracked));
        if (last.0, last.1.planned.id) < (ended, tracked.planned.id) {
            *last = (ended, tracked);
        }
    }
    for (_, tracked) in newest.into_values() {
        if let Some(rule) = rule(view, tracked) {
            findings.add(matter(view, rule, tracked));
        }
    }
}

fn rule(view: &View, tracked: &TrackedMove) -> Option<Rule> {
    match tracked.state {
        MoveState::Failed => Some(Rule::MigrationFailed),
        MoveState::Cancelled if was_given_up(view, tracked) => Some(Rule::MigrationFailed),
        MoveState::Refused => Some(Rule::MigrationRefused),
        _ => None,
    }
}

/// Whether it had taken so long that the loop told it to stop.
fn was_given_up(view: &View, tracked: &TrackedMove) -> bool {
    let (Some(started), Some(ended)) = (tracked.started, tracked.ended) else { return false };
    let predicted = tracked.planned.prediction.duration.as_seconds_f64();
    (ended - started).as_seconds_f64() >= predicted * view.policy.give_up_factor
}

fn matter(view: &View, rule: Rule, tracked: &TrackedMove) -> Matter {
    let severity = match (rule, &tracked.planned.purpose) {
        (Rule::MigrationFailed, Purpose::Recover(_)) => Severity::Critical,
        (Rule::MigrationFailed, _) | (_, Purpose::Recover(_) | Purpose::Shortage(_)) => {
            Severity::Warning
        }
        _ => Severity::Info,
    };
    let why = tracked.why_not.clone().unwrap_or_else(|| match tracked.state {
        MoveState::Cancelled => "it took too long and was stopped".to_owned(),
        _ => "no reason was given".to_owned(),
    });
    let found =
        if rule == Rule::MigrationFailed { "failed" } else { "was refused before its start" };
    let ended = tracked.ended.map_or_else(String::new, |at| format!(" at {at}"));
    let summary = format!("{} {found}{ended}: {why}", named(tracked));
    // What a lost host takes with it is told by its loss.
    let is_lost = |host| view.state(host) == Some(HostState::Lost);
    let covered = is_lost(&tracked.planned.to) || is_lost(&tracked.planned.from);
    let is_covered = covered && !matches!(tracked.planned.purpose, Purpose::Recover(_));
    of_workload(rule, severity, tracked, summary).covered(is_covered)
}

fn named(tracked: &TrackedMove) -> String {
    let planned = &tracked.planned;
    let strategy = planned.strategy.name();
    format!(
        "{} of {} ({strategy}, {} to {})",
        planned.id, planned.workload, planned.from, planned.to
    )
}

fn of_workload(rule: Rule, severity: Severity, tracked: &TrackedMove, summary: String) -> Matter {
    let workload = [("workload", tracked.planned.workload.as_str())];
    let mut matter = Matter::new(rule, severity, &workload, summary);
    let ends = [("from", &tracked.planned.from), ("to", &tracked.planned.to)];
    matter.labels.extend(ends.map(|(name, host)| (name.to_owned(), host.to_string())));
    matter
}

/// Moves under way for longer than predicted.
pub(super) fn slow(view: &View, findings: &mut Findings) {
    for tracked in view.moves_in(MoveState::Running) {
        let Some(started) = tracked.started else { continue };
        let (taken, predicted) = (view.now - started, tracked.planned.prediction.duration);
        let allowed = Span::from_seconds_f64(predicted.as_seconds_f64() * SLOW);
        if taken <= allowed.max(predicted + LATE) {
            continue;
        }
        let (expected, found) = (reasons::span(predicted), reasons::span(taken));
        let end = predicted.as_seconds_f64() * view.policy.give_up_factor;
        let end = reasons::span(Span::from_seconds_f64(end));
        let name = named(tracked);
        let summary = format!(
            "{name} is slow: expected it to take {expected}, found it under way for {found}; it is stopped after {end}"
        );
        findings.add(of_workload(Rule::MigrationSlow, Severity::Warning, tracked, summary));
    }
}
