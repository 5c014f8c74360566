//! Shortages that are foreseen, and those that have come.

use weft_core::plan::{MoveState, Plan, Standstill};
use weft_core::policy::Mode;
use weft_core::shortage::Shortage;
use weft_core::time::{Span, Timestamp};
use weft_store::alert::Severity;

use super::{Findings, Matter, Rule};
use crate::api::reasons;
use crate::run::load::HostLoad;
use crate::run::view::View;

/// A shortage that nothing answers is critical from this long before it: a person needs some minutes to look and a
/// migration some to run.
const SHORT_LEAD: Span = Span::from_minutes(30);

/// And only where it is more likely than not. The trigger is a quantile: at a confidence of 0.95 it goes off at
/// 5 %, which is worth a look, not a night.
const LIKELY: f64 = 0.5;

/// A host of which this share is used has nothing left: monitors see what was served, never what was asked for, and a
/// mean over a step hides its shortest pauses.
const FULL: f64 = 0.99;

/// What is done about a shortage.
enum Answer {
    /// So many moves, and nobody needs to do anything.
    Moves(usize),
    /// So many moves, which wait for a person.
    Waiting(usize),
    /// Nothing, on purpose: whatever could be done costs more than the shortage.
    Borne(String),
    /// Nothing, and why.
    Nothing(String),
}

pub(super) fn shortages(view: &View, findings: &mut Findings) {
    let Some(plan) = &view.plan else {
        findings.unjudged.insert(Rule::ForeseenShortage);
        return;
    };
    for shortage in plan.shortages.iter().filter(|shortage| shortage.ends > view.now) {
        let Some(answer) = answer(view, plan, shortage) else { continue };
        let lead = (shortage.begins - view.now).max(Span::ZERO);
        let is_likely = shortage.probability >= LIKELY;
        let severity = match answer {
            Answer::Moves(_) => Severity::Info,
            Answer::Borne(_) if !is_likely => Severity::Info,
            _ if lead <= SHORT_LEAD && is_likely => Severity::Critical,
            _ => Severity::Warning,
        };
        let key = &shortage.key;
        let labels = [("host", key.host.as_str()), ("resource", key.resource.name())];
        let summary = foretold(view, shortage, lead, &answer);
        findings.add(Matter::new(Rule::ForeseenShortage, severity, &labels, summary));
    }
}

/// None where there is nothing to tell yet: a later plan decides, in time, on a better forecast.
fn answer(view: &View, plan: &Plan, shortage: &Shortage) -> Option<Answer> {
    let left = plan.unanswered.iter().find(|left| left.shortage == shortage.key);
    if let Some(left) = left {
        let sentence = || reasons::standstill(&left.why, &view.policy).sentence;
        return match &left.why {
            Standstill::Later { .. } => None,
            Standstill::CheaperToBear { .. } => Some(Answer::Borne(sentence())),
            _ => Some(Answer::Nothing(sentence())),
        };
    }
    Some(answer_by_moves(view, plan, shortage))
}

fn answer_by_moves(view: &View, plan: &Plan, shortage: &Shortage) -> Answer {
    let answers = plan.moves.iter().filter(|m| m.purpose.shortage() == Some(&shortage.key));
    let states = answers.map(|planned| view.moves.get(&planned.id).map(|tracked| tracked.state));
    let states: Vec<_> = states.collect();
    let open = states.iter().flatten().filter(|state| !state.is_final()).count();
    if states.is_empty() {
        return Answer::Nothing("nothing has been planned yet".to_owned());
    }
    if !matches!(view.policy.mode, Mode::Approve | Mode::Auto) {
        let mode = view.policy.mode.name();
        return Answer::Nothing(format!(
            "{} planned and not made in mode {mode}",
            moves(states.len())
        ));
    }
    if open > 0 && !view.may_start {
        return Answer::Nothing(format!("{} planned, and nothing may start now", moves(open)));
    }
    if states.contains(&Some(MoveState::Proposed)) {
        return Answer::Waiting(open);
    }
    Answer::Moves(states.len())
}

fn moves(count: usize) -> String {
    if count == 1 { "1 move is".to_owned() } else { format!("{count} moves are") }
}

fn foretold(view: &View, shortage: &Shortage, lead: Span, answer: &Answer) -> String {
    let (host, resource) = (&shortage.key.host, shortage.key.resource);
    let (word, limit) = (reasons::word(resource), reasons::amount(resource, shortage.limit));
    let quantile = reasons::amount(resource, shortage.quantile);
    let when = if lead > Span::ZERO {
        format!("from {}, in {}", shortage.begins, reasons::span(lead))
    } else {
        format!("since {}", shortage.begins)
    };
    let (chance, confidence) = (shortage.probability * 100.0, view.policy.confidence.get());
    let answer = match answer {
        Answer::Moves(1) => "1 move answers it".to_owned(),
        Answer::Moves(count) => format!("{count} moves answer it"),
        Answer::Waiting(count) => format!("{} waiting for approval", moves(*count)),
        Answer::Borne(why) | Answer::Nothing(why) => format!("not answered: {why}"),
    };
    format!(
        "{host} is foreseen to run short of {word} {when}: expected at most {limit}, found {quantile} at \
         confidence {confidence}, with a chance of {chance:.0} % of more than there is; {answer}"
    )
}

pub(super) fn overloads(view: &View, findings: &mut Findings) {
    let Some(loads) = view.load.as_ref().filter(|l| view.now - l.until <= view.policy.stale_after)
    else {
        findings.unjudged.insert(Rule::Overload);
        return;
    };
    let is_ruled = |load: &&HostLoad| {
        view.topology.host(&load.host).is_some_and(|host| view.policy.rules_host(host))
    };
    for load in loads.hosts.iter().filter(|load| load.ratio() >= FULL).filter(is_ruled) {
        let labels = [("host", load.host.as_str()), ("resource", load.resource.name())];
        let summary = told(load, loads.until);
        findings.add(Matter::new(Rule::Overload, Severity::Critical, &labels, summary));
    }
}

fn told(load: &HostLoad, until: Timestamp) -> String {
    let amount = |value| reasons::amount(load.resource, value);
    let (host, word) = (&load.host, reasons::word(load.resource));
    format!(
        "{host} has no {word} left: expected less than its {}, found {} used ({:.0} %) in the step to {until}",
        amount(load.capacity),
        amount(load.used),
        load.ratio() * 100.0
    )
}
