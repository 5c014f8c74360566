//! The rules of the house, held by a test: which crate may know which, how long things may grow, which
//! words say nothing, what a release must not contain. Each rule is a function from files to findings, so
//! each has a small test of its own that shows it can fail. It reads the tree and changes nothing.

mod dependencies;
mod files;
mod names;
mod shortcuts;
mod sizes;
mod source;

use source::{Source, Tree};
use std::fmt;

/// One broken rule: where, what was expected there, and why the rule is worth keeping.
struct Finding {
    path: String,
    line: usize,
    expected: String,
    why: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}, because {}", self.path, self.line, self.expected, self.why)
    }
}

impl Finding {
    /// `line` counts from 0 here and from 1 in the message, as editors do.
    fn new(source: &Source, line: usize, expected: impl Into<String>, why: &'static str) -> Self {
        Finding { path: source.path.clone(), line: line + 1, expected: expected.into(), why }
    }
}

fn demand_none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn dependencies_run_one_way() {
    demand_none(&dependencies::directions(&dependencies::metadata(source::ROOT)));
}

#[test]
fn pure_crates_depend_on_nothing_impure() {
    demand_none(&dependencies::purity(&dependencies::metadata(source::ROOT)));
}

#[test]
fn pure_crates_have_their_bans() {
    demand_none(&files::bans(source::PURE_CRATES));
}

#[test]
fn every_dependency_has_a_reason() {
    demand_none(&dependencies::reasons(&Tree::read()));
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    demand_none(&dependencies::lints(&Tree::read()));
}

#[test]
fn files_stay_short() {
    demand_none(&sizes::files(&Tree::read()));
}

#[test]
fn functions_stay_short() {
    demand_none(&sizes::functions(&Tree::read(), sizes::ALLOWANCES));
}

#[test]
fn names_say_something() {
    demand_none(&names::empty_words(&Tree::read()));
}

#[test]
fn modules_stand_in_files_of_their_name() {
    demand_none(&names::module_files(&Tree::read()));
}

#[test]
fn a_thing_has_one_name() {
    demand_none(&names::globs(&Tree::read()));
}

#[test]
fn files_open_with_what_they_are_for() {
    demand_none(&files::openings(&Tree::read()));
}

#[test]
fn scripts_can_be_run() {
    demand_none(&files::executables(&Tree::read()));
}

#[test]
fn no_code_names_a_host_of_the_internet() {
    demand_none(&files::hosts(&Tree::read()));
}

#[test]
fn nothing_is_left_unfinished() {
    demand_none(&shortcuts::unfinished(&Tree::read()));
}

#[test]
fn nothing_unwraps_without_an_invariant() {
    demand_none(&shortcuts::unwraps(&Tree::read()));
}

#[test]
fn pure_crates_print_nothing() {
    demand_none(&shortcuts::prints(&Tree::read()));
}

#[test]
fn a_finding_names_its_line_and_its_reason() {
    let source = Source::new("crates/x/src/lib.rs", "//! X.\n");
    let finding = Finding::new(&source, 0, "expected a poem", "prose is dull");
    assert_eq!(
        finding.to_string(),
        "crates/x/src/lib.rs:1: expected a poem, because prose is dull"
    );
}
