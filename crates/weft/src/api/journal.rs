//! The journal as people read it: one sentence a line. Nothing here decides anything.

use weft_control::record::{Entry, Freeze, Record, Switch};
use weft_core::id::HostId;

use super::reasons;
use super::shapes::signals::JournalLine;

/// A journal entry as a line for people.
pub(super) fn line(entry: &Entry) -> JournalLine {
    let (kind, sentence) = told(&entry.record);
    let (move_id, workload) = about(&entry.record);
    JournalLine {
        id: entry.id.0,
        at: entry.at.into(),
        kind: kind.to_owned(),
        sentence,
        move_id,
        workload,
    }
}

/// Why nothing is started, in one sentence.
pub(super) fn freeze(freeze: &Freeze) -> String {
    match freeze {
        Freeze::StaleMetrics => "the newest metrics are too old, so nothing is started".to_owned(),
        Freeze::Unobserved => "the driver does not answer, so nothing is started".to_owned(),
        Freeze::ForeignChange { workload, from, to } => format!(
            "another hand moved {workload} from {} to {}, so nothing is started until it is quiet",
            names(from),
            names(to)
        ),
    }
}

fn names(hosts: &[HostId]) -> String {
    hosts.iter().map(HostId::as_str).collect::<Vec<_>>().join(", ")
}

fn about(record: &Record) -> (Option<u64>, Option<String>) {
    match record {
        Record::Approved { move_id, workload, .. }
        | Record::Rejected { move_id, workload }
        | Record::Ended { move_id, workload, .. } => (Some(move_id.0), Some(workload.to_string())),
        Record::Starting { order, .. } => (Some(order.id.0), Some(order.workload.to_string())),
        Record::Frozen { why } | Record::Thawed { why } => match why {
            Freeze::ForeignChange { workload, .. } => (None, Some(workload.to_string())),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

fn told(record: &Record) -> (&'static str, String) {
    match record {
        Record::PlanAdopted { plan } => (
            "plan_adopted",
            format!(
                "{} was adopted: {} shortages foreseen, {} moves, {} left",
                plan.id,
                plan.shortages.len(),
                plan.moves.len(),
                plan.unanswered.len()
            ),
        ),
        Record::MovesDropped { plan, violations } => (
            "moves_dropped",
            format!("the checker refused moves of {plan}: {}", violations.join("; ")),
        ),
        Record::Approved { move_id, workload, .. } => {
            ("approved", format!("{move_id} of {workload} was approved"))
        }
        Record::Rejected { move_id, workload } => {
            ("rejected", format!("{move_id} of {workload} was rejected"))
        }
        Record::Starting { order, planned } => (
            "starting",
            format!(
                "{} starts: {} {} from {} to {}, {}",
                order.id,
                order.strategy,
                order.workload,
                order.from,
                order.to,
                reasons::purpose(&planned.purpose).sentence
            ),
        ),
        Record::Ended { move_id, workload, state, failure, refusal, .. } => {
            let why = failure.as_ref().map(ToString::to_string).or_else(|| refusal.clone());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            ("ended", format!("{move_id} of {workload} ended: {}{why}", state.name()))
        }
        Record::Frozen { why } => ("frozen", freeze(why)),
        Record::Thawed { why } => ("thawed", format!("the freeze `{}` ended", why.kind())),
        Record::Switched { to } => ("switched", format!("switched {}", switch(*to))),
        Record::Draining { hosts } if hosts.is_empty() => {
            ("draining", "no host is drained any more".to_owned())
        }
        Record::Draining { hosts } => {
            let hosts: Vec<_> = hosts.iter().cloned().collect();
            ("draining", format!("being drained: {}", names(&hosts)))
        }
        Record::PolicySet { policy } => (
            "policy_set",
            format!(
                "policy `{}` is in force: mode {}, confidence {}",
                policy.name,
                policy.mode.name(),
                policy.confidence.get()
            ),
        ),
    }
}

/// The switch's word.
pub(super) const fn switch(switch: Switch) -> &'static str {
    match switch {
        Switch::On => "on",
        Switch::Paused => "paused",
        Switch::Killed => "killed",
    }
}
