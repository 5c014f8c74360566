//! Reasons in words: every reason of the planner is an enum with data; here it gets its code and its one
//! sentence. Nothing here decides anything.

use serde_json::{Value, json};
use weft_core::id::HostId;
use weft_core::plan::{Lack, Purpose, RejectedTarget, Standstill, Strategy};
use weft_core::policy::{Domain, Policy, Rule, Selector};
use weft_core::resource::Resource;
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Timestamp};
use weft_plan::{WhyStays, WorkloadReason};

use super::shapes::plans::Reason;

/// A reason from its parts.
pub fn reason(code: &str, sentence: String, data: Value) -> Reason {
    Reason { code: code.to_owned(), sentence, data }
}

/// An amount in a unit that people read: cores, GiB, MB/s.
pub fn amount(resource: Resource, value: f64) -> String {
    match resource {
        Resource::Cpu => format!("{:.1} cores", value / 1_000.0),
        Resource::Memory | Resource::StorageSpace => {
            format!("{:.1} GiB", value / f64::from(1 << 30))
        }
        Resource::Network | Resource::StorageThroughput => format!("{:.1} MB/s", value / 1e6),
        Resource::StorageOperations => format!("{value:.0} operations/s"),
    }
}

/// A span as people say it: `45 s`, `12 min`, `3.5 h`.
pub fn span(span: Span) -> String {
    let seconds = span.as_seconds_f64();
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// What a resource is called in a sentence.
pub const fn word(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "processor time",
        Resource::Memory => "memory",
        Resource::Network => "network",
        Resource::StorageThroughput => "storage throughput",
        Resource::StorageOperations => "storage operations",
        Resource::StorageSpace => "storage space",
    }
}

/// What a move is for.
pub fn purpose(purpose: &Purpose) -> Reason {
    let of = |key: &ShortageKey| json!({ "host": key.host, "resource": key.resource });
    match purpose {
        Purpose::Shortage(key) => reason(
            "shortage",
            format!("to keep {} from running short of {}", key.host, word(key.resource)),
            of(key),
        ),
        Purpose::MakeRoom(key) => reason(
            "make_room",
            format!("to make room for a move that keeps {} from running short", key.host),
            of(key),
        ),
        Purpose::Empty(host) => reason(
            "empty",
            format!("to empty {host}, so that it need not run"),
            json!({ "host": host }),
        ),
        Purpose::Drain(host) => reason(
            "drain",
            format!("to clear {host}, which is drained or about to be maintained"),
            json!({ "host": host }),
        ),
        Purpose::Recover(host) => reason(
            "recover",
            format!("to restart what {host} carried when it was lost"),
            json!({ "host": host }),
        ),
        Purpose::Merge => {
            reason("merge", "to end a split whose peak has passed".to_owned(), json!({}))
        }
        Purpose::Rule => {
            reason("rule", "to mend a placement that breaks a rule".to_owned(), json!({}))
        }
    }
}

/// What a target lacked.
pub fn lack(lack: &Lack, policy: &Policy) -> Reason {
    match lack {
        Lack::NotReady => reason(
            "not_ready",
            "takes no workloads now: lost, draining or out of scope".to_owned(),
            json!({}),
        ),
        Lack::CoreSpeed { needed, found } => reason(
            "core_speed",
            format!("its cores deliver {found} millicores, the vCPUs need {needed}"),
            json!({ "needed": needed, "found": found }),
        ),
        Lack::Room { resource, needed, free } => reason(
            "room",
            format!(
                "{} of {} free, {} needed",
                amount(*resource, *free as f64),
                word(*resource),
                amount(*resource, *needed as f64)
            ),
            json!({ "resource": resource, "needed": needed, "free": free }),
        ),
        Lack::Overload { resource, quantile, limit } => reason(
            "overload",
            format!(
                "would run short of {} itself: {} against a limit of {}",
                word(*resource),
                amount(*resource, *quantile),
                amount(*resource, *limit)
            ),
            json!({ "resource": resource, "quantile": quantile, "limit": limit }),
        ),
        Lack::Rule { position } => {
            let stated = policy.rules.get(*position).map_or_else(
                || "a rule of an earlier policy forbids it".to_owned(),
                |stated| format!("a rule forbids it: {}", rule(stated)),
            );
            reason("rule", stated, json!({ "position": position }))
        }
        Lack::Time { needed, left } => reason(
            "time",
            format!("the move would take {}, there are {}", span(*needed), span(*left)),
            json!({ "needed_seconds": needed.as_seconds_f64(), "left_seconds": left.as_seconds_f64() }),
        ),
        Lack::Convergence { downtime } => reason(
            "convergence",
            format!("it would not converge: a stop of {} is foreseen", span(*downtime)),
            json!({ "downtime_seconds": downtime.as_seconds_f64() }),
        ),
        Lack::Costlier { by } => {
            let sentence = if *by < 0.00005 {
                "would do as well".to_owned()
            } else {
                format!("would do, but costs {by:.4} more")
            };
            reason("costlier", sentence, json!({ "by": by }))
        }
    }
}

fn lacks(lacks: &[(Strategy, Lack)], policy: &Policy) -> String {
    let one = |(strategy, found): &(Strategy, Lack)| {
        format!("{strategy}: {}", lack(found, policy).sentence)
    };
    lacks.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Why a shortage is left, or a workload stays.
pub fn standstill(why: &Standstill, policy: &Policy) -> Reason {
    match why {
        Standstill::CheaperToBear { shortage, answer } => reason(
            "cheaper_to_bear",
            format!(
                "the shortage is expected to cost {shortage:.4}, the cheapest answer {answer:.4}"
            ),
            json!({ "shortage": shortage, "answer": answer }),
        ),
        Standstill::NoTarget { rejected } => {
            let targets = rejected
                .iter()
                .map(|target| format!("{} {}", target.host, lack(&target.lack, policy).sentence));
            let targets = targets.collect::<Vec<_>>().join("; ");
            let sentence = match targets.as_str() {
                "" => "no host could take any of its workloads".to_owned(),
                _ => format!("no host could take any of its workloads: {targets}"),
            };
            reason("no_target", sentence, json!({ "rejected": rejected }))
        }
        Standstill::NothingMovable => reason(
            "nothing_movable",
            "everything on it is immovable, in motion or cooling down".to_owned(),
            json!({}),
        ),
        Standstill::Budget { until } => reason(
            "budget",
            format!("the budget of moves is spent until {until}"),
            json!({ "until": until }),
        ),
        Standstill::Blackout => reason(
            "blackout",
            "a blackout window covers every possible start".to_owned(),
            json!({}),
        ),
        Standstill::Later { decide_by } => reason(
            "later",
            format!("it is decided later, on a better forecast: by {decide_by} at the latest"),
            json!({ "decide_by": decide_by }),
        ),
        Standstill::NoStrategy { workload, lacks: found } => reason(
            "no_strategy",
            format!("no strategy carries its best candidate {workload}: {}", lacks(found, policy)),
            json!({ "workload": workload }),
        ),
    }
}

/// Why a workload moves or stays.
pub fn workload(found: &WorkloadReason, policy: &Policy) -> Reason {
    match found {
        WorkloadReason::Moves(moves) => {
            let what = purpose(&moves.purpose);
            let data = json!({ "move": moves.id.0, "purpose": what.code });
            reason("moves", format!("it is moved by {}, {}", moves.id, what.sentence), data)
        }
        WorkloadReason::Stays(stays) => why_stays(stays, policy),
    }
}

fn why_stays(stays: &WhyStays, policy: &Policy) -> Reason {
    let plain = |code: &str, sentence: &str| reason(code, sentence.to_owned(), json!({}));
    match stays {
        WhyStays::Unknown => plain("unknown", "there is no such workload"),
        WhyStays::Nowhere => plain("nowhere", "it runs nowhere"),
        WhyStays::Immovable { rule: position } => {
            let stated = policy.rules.get(*position).map(rule).unwrap_or_default();
            let sentence = format!("a rule says that it stays: {stated}");
            reason("immovable", sentence, json!({ "position": position }))
        }
        WhyStays::CoolingDown { until } => reason(
            "cooling_down",
            format!("it was moved a short while ago and rests until {until}"),
            json!({ "until": until }),
        ),
        WhyStays::InMotion { id } => {
            reason("in_motion", format!("it is being moved by {id}"), json!({ "move": id.0 }))
        }
        WhyStays::OutOfScope => plain("out_of_scope", "the policy does not rule its host"),
        WhyStays::Split => {
            plain("split", "it is split: its replicas stay until the peak has passed")
        }
        WhyStays::NoStrategy { lacks: found } => reason(
            "no_strategy",
            format!("no strategy carries it: {}", lacks(found, policy)),
            json!({}),
        ),
        WhyStays::Lost { host, rejected } => lost(host, rejected, policy),
        WhyStays::Unanswered { shortage, why } => {
            let left = standstill(why, policy);
            reason(
                "unanswered",
                format!(
                    "{} runs short, and the plan leaves that: {}",
                    shortage.host, left.sentence
                ),
                json!({ "host": shortage.host, "resource": shortage.resource, "why": left.code }),
            )
        }
        WhyStays::OthersMove { shortage } => reason(
            "others_move",
            format!("{} runs short, and moving others answers that", shortage.host),
            json!({ "host": shortage.host, "resource": shortage.resource }),
        ),
        WhyStays::NoCause { rejected } => {
            let targets = rejected.iter().map(|target| {
                json!({ "host": target.host, "lack": lack(&target.lack, policy).sentence })
            });
            reason(
                "no_cause",
                "nothing asks for a move: its host does not run short".to_owned(),
                json!({ "rejected": targets.collect::<Vec<_>>() }),
            )
        }
    }
}

/// Why what a lost host carried is not restarted.
fn lost(host: &HostId, rejected: &[RejectedTarget], policy: &Policy) -> Reason {
    let able = rejected.iter().find(|target| matches!(target.lack, Lack::Costlier { .. }));
    let why = match able {
        Some(target) => format!(
            "{} could take it; it waits for its turn within the budgets of moves",
            target.host
        ),
        None if rejected.is_empty() => "there is no other host".to_owned(),
        None => {
            let told = |target: &RejectedTarget| {
                format!("{} {}", target.host, lack(&target.lack, policy).sentence)
            };
            let all: Vec<String> = rejected.iter().map(told).collect();
            format!("no host could take it: {}", all.join("; "))
        }
    };
    reason("lost", format!("its host {host} is lost, and {why}"), json!({ "host": host }))
}

/// A rule of the policy in one sentence.
pub fn rule(rule: &Rule) -> String {
    let domain = |domain: Domain| match domain {
        Domain::Host => "host",
        Domain::Zone => "zone",
        Domain::Region => "region",
    };
    match rule {
        Rule::Affinity { workloads, domain: over } => {
            format!("{} share one {}", selector(workloads), domain(*over))
        }
        Rule::AntiAffinity { workloads, domain: over } => {
            format!("no two of {} share a {}", selector(workloads), domain(*over))
        }
        Rule::Spread { workloads, domain: over, minimum } => {
            format!("{} cover at least {minimum} {}s", selector(workloads), domain(*over))
        }
        Rule::Pin { workloads, hosts } => {
            format!("{} run only on {}", selector(workloads), selector(hosts))
        }
        Rule::Exclude { workloads, hosts } => {
            format!("{} never run on {}", selector(workloads), selector(hosts))
        }
        Rule::Residency { workloads, regions } => {
            let regions = regions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("{} stay in {regions}", selector(workloads))
        }
        Rule::Immovable { workloads } => {
            format!("{} are never moved but to be recovered", selector(workloads))
        }
        Rule::Maintenance { hosts, window } => {
            let (begins, ends) = (window.begins, window.ends);
            format!("{} are maintained from {begins} to {ends}", selector(hosts))
        }
    }
}

fn selector(selector: &Selector) -> String {
    const MOST: usize = 4;
    let tags = selector.tags.iter().map(|tag| format!("#{tag}"));
    let all: Vec<String> = selector.names.iter().cloned().chain(tags).collect();
    match all.len() {
        0 => "all".to_owned(),
        n if n > MOST => format!("{} and {} more", all[..MOST].join(", "), n - MOST),
        _ => all.join(", "),
    }
}

/// An instant a span away, for sentences: `in 12 min`, `now`.
pub fn lead(now: Timestamp, at: Timestamp) -> String {
    if at <= now { "now".to_owned() } else { format!("in {}", span(at - now)) }
}
