//! What files owe their reader and their runner: a paragraph that says what they are for, the right to be
//! run for a script, the bans for a pure crate, and no address of the outside world.

use crate::Finding;
use crate::source::{ROOT, Source, Tree};
use std::fs;

/// The least an opening paragraph can say something in.
const OPENING_WORDS: usize = 6;

/// Identifiers that look like addresses and are never fetched.
const IDENTIFIER_HOSTS: &[&str] = &["www.w3.org", "json-schema.org", "spdx.org", "www.apache.org"];
const LOOPBACK_HOSTS: &[&str] = &["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
/// Names that RFC 2606 and RFC 6761 keep free of real hosts.
const RESERVED_ENDINGS: &[&str] = &[".example", ".invalid", ".test", ".localhost", "example.com"];

/// Files that a tool writes: they name their registry in their own way.
const WRITTEN_BY_TOOLS: &[&str] = &["Cargo.lock", "package-lock.json"];

const WHY_OPENING: &str = "a reader decides there whether this is the room they look for";
const WHY_EXECUTABLE: &str = "make and CI call it by its path";
const WHY_BANS: &str = "clippy enforces purity only where it finds the bans";
const WHY_HOST: &str =
    "a build or a test that reaches out fails where it may not, and changes by itself";

pub(crate) fn openings(tree: &Tree) -> Vec<Finding> {
    let rust = tree.rust().map(|source| (source, rust_opening(&source.text), "`//!`"));
    let web = tree.web().map(|source| (source, web_opening(&source.text), "a comment"));
    let scripts = tree.sources().filter(|source| source.path.starts_with("scripts/"));
    let scripts = scripts.map(|source| (source, script_opening(&source.text), "`#` under `#!`"));
    let all = rust.chain(web).chain(scripts);
    let silent = all.filter(|(_, opening, _)| opening.split_whitespace().count() < OPENING_WORDS);
    let finding = |(source, _, mark): (&Source, String, &str)| {
        let expected =
            format!("expected the file to open with {mark} and a sentence on what it is for");
        Finding::new(source, 0, expected, WHY_OPENING)
    };
    silent.map(finding).collect()
}

/// The text of the comment that the lines open with.
fn opening<'a>(lines: impl Iterator<Item = &'a str>, marks: &[&str]) -> String {
    let comment = lines.map_while(|line| marks.iter().find_map(|mark| line.strip_prefix(mark)));
    comment.collect::<Vec<_>>().join(" ")
}

fn rust_opening(text: &str) -> String {
    opening(text.lines(), &["//!"])
}

fn web_opening(text: &str) -> String {
    opening(text.lines(), &["//", "/**", "/*", " *", "<!--"])
}

fn script_opening(text: &str) -> String {
    opening(text.lines().skip_while(|line| line.starts_with("#!")), &["#"])
}

pub(crate) fn executables(tree: &Tree) -> Vec<Finding> {
    let is_script = |source: &&Source| {
        source.path == ".ci/run"
            || (source.path.starts_with("scripts/") && !source.file_name().contains('.'))
    };
    let broken = tree.sources().filter(is_script);
    let broken = broken.filter(|source| !source.is_executable || !source.text.starts_with("#!"));
    let expected = "expected an executable file that opens with `#!` (chmod +x)";
    broken.map(|source| Finding::new(source, 0, expected, WHY_EXECUTABLE)).collect()
}

/// Each of `crates` reads its bans from the one file that weft-core has.
pub(crate) fn bans(crates: &[&str]) -> Vec<Finding> {
    let bans = |name: &str| fs::canonicalize(format!("{ROOT}/crates/{name}/clippy.toml")).ok();
    let lawless = crates.iter().filter(|name| bans(name) != bans("weft-core"));
    let finding = |name: &&str| Finding {
        path: format!("crates/{name}/clippy.toml"),
        line: 1,
        expected: "expected a link to ../weft-core/clippy.toml".to_owned(),
        why: WHY_BANS,
    };
    lawless.map(finding).collect()
}

pub(crate) fn hosts(tree: &Tree) -> Vec<Finding> {
    let is_code = |source: &&Source| {
        !WRITTEN_BY_TOOLS.contains(&source.file_name())
            && !source.has_extension(&["md", "svg", "csv", "txt"])
            && source.path != "LICENSE"
    };
    tree.sources().filter(is_code).flat_map(hosts_of).collect()
}

fn hosts_of(source: &Source) -> Vec<Finding> {
    let addresses = ["http://", "https://", "ftp://", "git://"];
    let found = addresses.iter().flat_map(|scheme| source.text.match_indices(scheme));
    let mut findings = Vec::new();
    for (offset, scheme) in found {
        let host = host(&source.text[offset + scheme.len()..]);
        if !is_harmless(host) {
            let expected = format!("expected no host of the internet, found `{scheme}{host}`");
            findings.push(Finding::new(source, source.line_at(offset), expected, WHY_HOST));
        }
    }
    findings
}

/// The host at the start of the rest of an address, without its port.
fn host(rest: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || "-.[]{}$_".contains(c);
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if rest.starts_with("[::1]") { "[::1]" } else { &rest[..end] }
}

/// Loopback, reserved and one-word names, places for a value, and identifiers lead to no outside host.
fn is_harmless(host: &str) -> bool {
    let is_outside_name = host.contains('.') && !host.contains(['{', '$']);
    !is_outside_name
        || LOOPBACK_HOSTS.contains(&host)
        || IDENTIFIER_HOSTS.contains(&host)
        || RESERVED_ENDINGS.iter().any(|ending| host.ends_with(ending))
}

#[test]
fn a_silent_file_is_found() {
    let cases = [
        ("crates/x/src/lib.rs", "use std::fmt;\n", 1),
        ("crates/x/src/lib.rs", "//! Plans.\n", 1),
        ("crates/x/src/lib.rs", "//! Judges a plan and shares no\n//! code with the solver.\n", 0),
        ("scripts/x", "#!/bin/sh\necho\n", 1),
        ("scripts/x", "#!/bin/sh\n# Builds the demo and opens its report.\n", 0),
        ("web/src/app.ts", "export {};\n", 1),
    ];
    for (path, text, expected) in cases {
        assert_eq!(openings(&Tree::of(path, text)).len(), expected, "{path}: {text}");
    }
}

#[test]
fn a_script_that_cannot_run_is_found() {
    assert_eq!(executables(&Tree::of("scripts/x", "#!/bin/sh\n")).len(), 1);
    assert_eq!(executables(&Tree::of("scripts/README.md", "What the scripts do.\n")).len(), 0);
}

#[test]
fn a_crate_without_bans_is_found() {
    assert_eq!(bans(&["weft-driver"]).len(), 1);
}

#[test]
fn an_outside_host_is_found() {
    let (open, secure) = ("http://", "https://");
    let cases = [
        (format!("{secure}evil.com/x"), 1),
        (format!("{open}127.0.0.1:80 {open}localhost/ {open}[::1]:8080"), 0),
        (format!("{open}prometheus:9090 {open}{{address}}/ {open}$HOST/"), 0),
        (format!("{open}www.w3.org/2000/svg {secure}weft.example/x"), 0),
        (format!("{open}10.0.0.1/x"), 1),
    ];
    for (text, expected) in cases {
        assert_eq!(hosts(&Tree::of("crates/x/src/lib.rs", &text)).len(), expected, "in {text}");
    }
    assert_eq!(hosts(&Tree::of("docs/x.md", &format!("{secure}evil.com/x"))).len(), 0);
}
