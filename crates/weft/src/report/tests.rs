//! Tests of the whole page: whatever the outcome, it is well-formed, shows every policy, draws
//! numbers only and keeps strangers' text from becoming markup.

use super::*;
use weft_sim::backtest::outcome::{PolicyRow, Verdict};

/// Checks that every element is closed in order and every attribute is quoted; returns how many
/// elements there are. Style and script hold text that is no markup.
fn count_elements(html: &str) -> usize {
    let mut open: Vec<String> = Vec::new();
    let mut count = 0;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("an element ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            continue;
        }
        count += 1;
        check_attributes(tag);
        let name = tag.split([' ', '/', '\n']).next().expect("an element has a name").to_owned();
        if ["style", "script"].contains(&name.as_str()) {
            rest = &rest[rest.find("</").expect("style and script end")..];
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, [] as [String; 0], "never closed");
    count
}

fn check_attributes(tag: &str) {
    let quotes = tag.matches('"').count();
    assert_eq!(quotes % 2, 0, "quotes in <{tag}>");
    let attributes: String = tag.split('"').step_by(2).collect();
    let assigned = attributes.matches('=').count();
    assert_eq!(assigned * 2, quotes, "unquoted attribute in <{tag}>");
}

/// The page of an outcome that must be sound.
fn page(outcome: &Outcome) -> String {
    let html = html(outcome);
    count_elements(&html);
    let body =
        &html[html.find("<body>").expect("a body")..html.find("<script>").expect("a script")];
    for broken in ["NaN", "inf", "Infinity", "undefined"] {
        let found = body.find(&format!("{broken}\"")).or(body.find(&format!("{broken} ")));
        assert_eq!(found, None, "{broken} in {:?}", &body[found.unwrap_or(0)..][..80]);
    }
    html
}

fn with_rows(policies: Vec<PolicyRow>, predictive: Option<usize>) -> Outcome {
    let outcome = example::day();
    let verdict = Verdict { predictive, against: None, ..outcome.verdict };
    Outcome { policies, verdict, ..outcome }
}

#[test]
fn the_page_shows_every_policy_everywhere() {
    for outcome in [example::day(), example::four_weeks()] {
        let html = page(&outcome);
        let (frontier, course) = (html.find("id=\"frontier\""), html.find("id=\"course\""));
        let (frontier, course) = (frontier.expect("a frontier"), course.expect("a course"));
        let meaning = html.find("id=\"meaning\"").expect("definitions");
        for part in [&html[..frontier], &html[frontier..course], &html[course..meaning]] {
            for row in &outcome.policies {
                assert!(
                    part.contains(&format!("data-policy=\"{}\"", row.policy)),
                    "{}",
                    row.policy
                );
            }
        }
    }
}

#[test]
fn the_page_says_what_was_run_and_what_came_out() {
    let html = page(&example::day());
    for expected in ["<dd>20110303</dd>", "<dd>planetlab</dd>", "<dd>7</dd>", "288 of 5m"] {
        assert!(html.contains(expected), "{expected}");
    }
    assert!(html.contains("Weft would have saved 41.7 (between 29.3 and 55.1)"));
}

#[test]
fn the_page_stands_alone() {
    let html = page(&example::day());
    let namespace = "xmlns='http://www.w3.org/2000/svg'";
    let rest = html.replace(namespace, "");
    for loaded in ["http:", "https:", "src=", "url(http", "@import", "fetch("] {
        assert!(!rest.contains(loaded), "{loaded}");
    }
}

#[test]
fn strangers_text_is_only_text() {
    let evil = "</title></style><script>alert(\"1\")</script>'&";
    let mut outcome = example::day();
    (outcome.trace, outcome.fleet) = (evil.to_owned(), evil.to_owned());
    outcome.verdict.sentence = evil.to_owned();
    outcome.policies[0].policy = evil.to_owned();
    outcome.policies[4].policy = evil.to_owned();
    let html = page(&outcome);
    assert!(!html.contains("alert(\""), "a stranger's script");
    assert_eq!(count_elements(&html), count_elements(&page(&renamed(&outcome))));
}

/// The same outcome with harmless names of the same number of characters.
fn renamed(outcome: &Outcome) -> Outcome {
    let mut harmless = outcome.clone();
    let letters = |text: &str| "x".repeat(text.chars().count());
    (harmless.trace, harmless.fleet) = (letters(&outcome.trace), letters(&outcome.fleet));
    harmless.verdict.sentence = letters(&outcome.verdict.sentence);
    for index in [0, 4] {
        harmless.policies[index].policy = letters(&outcome.policies[index].policy);
    }
    harmless
}

#[test]
fn odd_outcomes_are_pages_too() {
    page(&example::empty());
    let rows = example::day().policies;
    for row in &rows {
        page(&with_rows(vec![row.clone()], Some(0)));
    }
    page(&with_rows(vec![PolicyRow { course: Vec::new(), ..rows[0].clone() }], None));
    page(&with_rows(vec![rows[5].clone(), rows[5].clone()], Some(9)));
    let mut short = rows.clone();
    short.iter_mut().for_each(|row| row.course.truncate(1));
    page(&with_rows(short, Some(7)));
}

#[test]
fn what_is_no_number_is_not_drawn() {
    let mut outcome = example::day();
    for (row, value) in outcome.policies.iter_mut().zip([f64::NAN, f64::INFINITY, -1.0]) {
        (row.energy_kwh, row.unserved_core_hours, row.slatah) = (value, value, value);
        (row.cost, row.esv, row.downtime_seconds) = (value, value, value);
        for step in &mut row.course {
            (step.watts, step.unserved_cores, step.requested_cores) = (value, value, value);
        }
    }
    outcome.verdict.interval = (f64::NAN, f64::INFINITY);
    page(&outcome);
    outcome.policies.truncate(2);
    outcome.verdict.predictive = Some(0);
    outcome.verdict.against = Some(1);
    page(&outcome);
}

#[test]
fn nothing_unserved_anywhere_is_drawn() {
    let mut rows = example::day().policies;
    for row in &mut rows {
        row.unserved_core_hours = 0.0;
        row.course.iter_mut().for_each(|step| step.unserved_cores = 0.0);
    }
    page(&with_rows(rows, Some(7)));
}

#[test]
fn the_same_outcome_is_the_same_page() {
    assert_eq!(html(&example::day()), html(&example::day()));
}
