//! Which alerts begin and end, from what the rules find turn by turn: a matter must hold before it is raised and be
//! gone before it is over. It remembers only that; what is open is told to it, so that after a restart an alert
//! that still holds goes on and none is raised twice. An alert has one severity from its begin to its end: where the
//! matter gets worse or better, one ends and the next begins, so that whoever sorts alerts by severity never has to
//! guess which of them an end belongs to.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::time::{Span, Step, Timestamp};
use weft_store::alert::Alert;

use super::rules::{Findings, Matter, Rule};

/// A sentence is written anew no more often: its numbers change with every turn, and each writing is a row in the
/// store and news for everybody who looks.
const REWRITTEN_AFTER: Span = Span::from_minutes(15);

/// What is remembered of a matter.
#[derive(Debug, Clone, Copy)]
struct Memory {
    /// Since when it holds, without a turn in which it did not.
    since: Timestamp,
    /// When it held last.
    held: Timestamp,
    /// When it was last as bad as the alert says.
    as_bad: Timestamp,
    /// When its sentence was written.
    written: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Book {
    memories: BTreeMap<String, Memory>,
}

impl Book {
    /// The alerts that change by what was found at `now`, as they are from now on. Ends come before begins.
    pub(super) fn turn(
        &mut self,
        now: Timestamp,
        step: Step,
        findings: &Findings,
        open: &[Alert],
    ) -> Vec<Alert> {
        let mut changed = Vec::new();
        for alert in open {
            changed.extend(self.follow(now, step, findings, alert));
        }
        let known: BTreeSet<&str> = open.iter().map(|alert| alert.fingerprint.as_str()).collect();
        let of = |matter: &&Matter| !known.contains(matter.fingerprint.as_str());
        for matter in findings.matters.values().filter(of) {
            let memory = self.remember(now, &matter.fingerprint);
            let has_held = now - memory.since >= matter.rule.patience(step).raised;
            if has_held && !matter.is_covered {
                changed.push(begun(matter, memory.since));
            }
        }
        // Over are also those whose alert was ended just now.
        let ended: BTreeSet<&str> = changed
            .iter()
            .filter(|alert| alert.ends.is_some())
            .map(|alert| alert.fingerprint.as_str())
            .collect();
        self.memories.retain(|fingerprint, _| {
            let name = fingerprint.as_str();
            findings.matters.contains_key(name) || (known.contains(name) && !ended.contains(name))
        });
        changed
    }

    fn remember(&mut self, now: Timestamp, fingerprint: &str) -> &mut Memory {
        let fresh = Memory { since: now, held: now, as_bad: now, written: now };
        let memory = self.memories.entry(fingerprint.to_owned()).or_insert(fresh);
        memory.held = now;
        memory
    }

    /// What becomes of an alert that is open.
    fn follow(
        &mut self,
        now: Timestamp,
        step: Step,
        findings: &Findings,
        alert: &Alert,
    ) -> Vec<Alert> {
        let Some(rule) = Rule::named(&alert.rule) else {
            // A rule of another version: nobody here can tell whether it still holds.
            return vec![ended(alert, now)];
        };
        let patience = rule.patience(step);
        let Some(matter) = findings.matters.get(&alert.fingerprint) else {
            return match self.memories.get(&alert.fingerprint) {
                Some(memory) if !findings.unjudged.contains(&rule) => {
                    let is_over = now - memory.held >= patience.over;
                    if is_over { vec![ended(alert, now)] } else { Vec::new() }
                }
                // For all that is known it holds until now: after a restart, and where nobody can judge it.
                _ => {
                    self.remember(now, &alert.fingerprint);
                    Vec::new()
                }
            };
        };
        let memory = self.remember(now, &alert.fingerprint);
        if matter.severity >= alert.severity {
            memory.as_bad = now;
        }
        let is_worse = matter.severity > alert.severity;
        let is_better = now - memory.as_bad >= patience.over.max(Span::from_minutes(1));
        if (is_worse || is_better) && now > alert.begins {
            *memory = Memory { since: now, held: now, as_bad: now, written: now };
            return vec![ended(alert, now), begun(matter, now)];
        }
        if matter.summary != alert.summary && now - memory.written >= REWRITTEN_AFTER {
            memory.written = now;
            return vec![Alert { summary: matter.summary.clone(), ..alert.clone() }];
        }
        Vec::new()
    }
}

fn begun(matter: &Matter, since: Timestamp) -> Alert {
    Alert {
        fingerprint: matter.fingerprint.clone(),
        rule: matter.rule.name().to_owned(),
        severity: matter.severity,
        subject: matter.subject.clone(),
        summary: matter.summary.clone(),
        labels: matter.labels.clone(),
        begins: since,
        ends: None,
        told: None,
        told_by: BTreeSet::new(),
    }
}

fn ended(alert: &Alert, now: Timestamp) -> Alert {
    Alert { ends: Some(now), told: None, told_by: BTreeSet::new(), ..alert.clone() }
}

#[cfg(test)]
mod tests {
    use weft_store::alert::Severity;

    use super::*;
    use crate::alert::fixture::NOW;

    const STEP: Step = Step::FIVE_MINUTES;

    fn matter(rule: Rule, severity: Severity, is_covered: bool) -> Matter {
        Matter {
            rule,
            severity,
            fingerprint: format!("{}/x", rule.name()),
            subject: "x".to_owned(),
            summary: format!("x is {}", severity.name()),
            labels: BTreeMap::new(),
            is_covered,
        }
    }

    /// A book with what a store would keep.
    #[derive(Default)]
    struct Kept {
        book: Book,
        alerts: BTreeMap<(String, Timestamp), Alert>,
    }

    impl Kept {
        fn open(&self) -> Vec<Alert> {
            self.alerts.values().filter(|alert| alert.ends.is_none()).cloned().collect()
        }

        /// Plays a second of turns every ten; what changed, as `+severity` and `-severity`.
        fn play(&mut self, from: i64, until: i64, findings: &Findings) -> Vec<String> {
            let mut said = Vec::new();
            for second in (from..until).step_by(10) {
                let now = NOW + Span::from_seconds(second);
                for alert in self.book.turn(now, STEP, findings, &self.open()) {
                    let key = (alert.fingerprint.clone(), alert.begins);
                    let before = self.alerts.insert(key, alert.clone());
                    let severity = alert.severity.name();
                    said.push(match (before, alert.ends) {
                        (None, _) => format!("{second}: +{severity}"),
                        (Some(_), Some(_)) => format!("{second}: -{severity}"),
                        (Some(_), None) => format!("{second}: ~{severity}"),
                    });
                }
            }
            said
        }

        fn restart(&mut self) {
            self.book = Book::default();
        }
    }

    fn holding(matter: Matter) -> Findings {
        let matters = BTreeMap::from([(matter.fingerprint.clone(), matter)]);
        Findings { matters, ..Findings::default() }
    }

    fn lost(severity: Severity) -> Findings {
        holding(matter(Rule::HostLost, severity, false))
    }

    #[test]
    fn a_matter_is_raised_once_it_holds_and_over_once_it_is_gone() {
        let (bad, calm) = (lost(Severity::Warning), Findings::default());
        let mut kept = Kept::default();
        assert_eq!(kept.play(0, 50, &bad), [""; 0], "too short");
        assert_eq!(kept.play(50, 60, &calm), [""; 0]);
        assert_eq!(kept.play(60, 200, &bad), ["120: +warning"]);
        assert_eq!(kept.play(200, 300, &calm), [""; 0], "it may come back");
        assert_eq!(kept.play(300, 400, &bad), [""; 0]);
        assert_eq!(kept.play(400, 600, &calm), ["510: -warning"]);
        let alert = kept.alerts.values().next().expect("one");
        assert_eq!(alert.begins, NOW + Span::from_seconds(60), "since it held");
        assert_eq!(kept.play(600, 700, &bad), ["660: +warning"], "another one");
    }

    #[test]
    fn a_restart_repeats_nothing_and_ends_nothing_too_soon() {
        let (bad, calm) = (lost(Severity::Warning), Findings::default());
        let blind = Findings { unjudged: BTreeSet::from([Rule::HostLost]), ..Findings::default() };
        let mut kept = Kept::default();
        assert_eq!(kept.play(0, 100, &bad), ["60: +warning"]);
        kept.restart();
        assert_eq!(kept.play(100, 1_000, &blind), [""; 0], "not judged, so not over");
        assert_eq!(kept.play(1_000, 2_000, &bad), [""; 0]);
        kept.restart();
        assert_eq!(kept.play(2_000, 2_300, &calm), ["2120: -warning"]);
    }

    #[test]
    fn a_matter_that_gets_worse_or_better_is_another_alert() {
        let mut kept = Kept::default();
        assert_eq!(kept.play(0, 100, &lost(Severity::Warning)), ["60: +warning"]);
        let worse = kept.play(100, 200, &lost(Severity::Critical));
        assert_eq!(worse, ["100: -warning", "100: +critical"]);
        assert_eq!(
            kept.play(200, 300, &lost(Severity::Warning)),
            [""; 0],
            "it may get worse again"
        );
        assert_eq!(kept.play(300, 310, &lost(Severity::Critical)), [""; 0]);
        let better = kept.play(310, 500, &lost(Severity::Warning));
        assert_eq!(better, ["420: -critical", "420: +warning"]);
        assert_eq!(kept.open().len(), 1);
    }

    #[test]
    fn what_a_wider_matter_covers_is_not_raised_but_stays() {
        let covered = holding(matter(Rule::HostLost, Severity::Critical, true));
        let mut kept = Kept::default();
        assert_eq!(kept.play(0, 300, &covered), [""; 0]);
        assert_eq!(kept.play(300, 400, &lost(Severity::Critical)), ["300: +critical"]);
        assert_eq!(kept.play(400, 800, &covered), [""; 0]);
        assert_eq!(kept.play(800, 1_000, &Findings::default()), ["910: -critical"]);
    }

    #[test]
    fn a_sentence_is_written_anew_now_and_then() {
        let mut kept = Kept::default();
        assert_eq!(kept.play(0, 70, &lost(Severity::Info)), ["60: +info"]);
        let mut later = matter(Rule::HostLost, Severity::Info, false);
        later.summary = "x is still lost".to_owned();
        assert_eq!(kept.play(70, 1_000, &holding(later)), ["900: ~info"]);
    }

    #[test]
    fn an_alert_of_an_unknown_rule_ends() {
        let mut alert = begun(&matter(Rule::HostLost, Severity::Info, false), NOW);
        alert.rule = "no_such_rule".to_owned();
        let now = NOW + Span::from_seconds(1);
        let changed = Book::default().turn(now, STEP, &Findings::default(), &[alert.clone()]);
        assert_eq!(changed, [ended(&alert, now)]);
    }
}
