//! Which crate may know which. The table below is the direction of DESIGN.md, the lists under it are what
//! pure crates may stand on; every line of a manifest that adds a dependency says why.

use crate::Finding;
use crate::source::{PURE_CRATES, Source, Tree};
use serde_json::Value;
use std::process::Command;

/// Each crate of the workspace with the crates of the workspace it may depend on:
/// core ← forecast, plan, driver, collect; forecast, plan ← control ← store; control, driver ← sim;
/// sim, store, collect ← weft ← bench.
/// A crate that is not in the table is not in the design.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("weft-core", &[]),
    ("weft-forecast", &["weft-core"]),
    ("weft-plan", &["weft-core"]),
    ("weft-driver", &["weft-core"]),
    ("weft-control", &["weft-core", "weft-forecast", "weft-plan"]),
    ("weft-store", &["weft-core", "weft-control"]),
    ("weft-collect", &["weft-core"]),
    ("weft-sim", &["weft-core", "weft-forecast", "weft-plan", "weft-control", "weft-driver"]),
    (
        "weft",
        &[
            "weft-core",
            "weft-forecast",
            "weft-plan",
            "weft-control",
            "weft-driver",
            "weft-sim",
            "weft-store",
            "weft-collect",
        ],
    ),
    (
        "weft-bench",
        &[
            "weft-core",
            "weft-forecast",
            "weft-plan",
            "weft-control",
            "weft-driver",
            "weft-sim",
            "weft-store",
            "weft-collect",
            "weft",
        ],
    ),
];

/// What pure crates may use from outside: values, formats, errors, arithmetic, and parallelism that does
/// not show in the result. None of them reads a clock, a file or the machine's randomness by itself,
/// but candle, in no default build: it looks at the kind of processor, and is never asked for randomness.
const PURE_DEPENDENCIES: &[&str] = &[
    "candle-core",
    "half",
    "jiff",
    "rand",
    "rand_chacha",
    "rayon",
    "safetensors",
    "serde",
    "serde-saphyr",
    "serde_json",
    "thiserror",
];

/// Features that would let a pure dependency reach a clock's zone, the machine's randomness or threads.
const IMPURE_FEATURES: &[(&str, &[&str])] = &[
    ("rand", &["std", "std_rng", "sys_rng", "os_rng", "thread_rng", "default"]),
    ("rand_chacha", &["os_rng", "getrandom", "default"]),
    ("jiff", &["tz-system", "tzdb-zoneinfo", "js", "default"]),
];

const MANIFEST_SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
/// "fast" is no reason; "keeps the journal in order" is one.
const REASON_WORDS: usize = 3;

const WHY_DIRECTION: &str =
    "a dependency against the direction ties the rooms of the house into one";
const WHY_UNKNOWN: &str =
    "a crate is a set of dependencies, and this one has none stated in tidy's table";
const WHY_PURE: &str =
    "a pure crate must give the same values for the same inputs on every machine";
const WHY_REASON: &str = "a dependency is a debt to its author, so it says what it is for";
const WHY_LINTS: &str = "a crate without the workspace's lints is a crate without rules";

/// A dependency of a workspace crate, as `cargo metadata` tells it.
pub(crate) struct Dependency {
    package: String,
    manifest: String,
    name: String,
    is_local: bool,
    is_dev: bool,
    features: Vec<String>,
    default_features: bool,
}

/// Every dependency of every crate in the workspace at `root`.
pub(crate) fn metadata(root: &str) -> Vec<Dependency> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dependencies(&serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON"))
}

fn dependencies(metadata: &Value) -> Vec<Dependency> {
    let root = text(&metadata["workspace_root"]);
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let of_package = |package: &Value| {
        let manifest = text(&package["manifest_path"]);
        let manifest =
            manifest.trim_start_matches(root.as_str()).trim_start_matches('/').to_owned();
        let list = package["dependencies"].as_array().cloned().unwrap_or_default();
        let package = text(&package["name"]);
        list.into_iter()
            .map(move |value| dependency(&package, &manifest, &value))
            .collect::<Vec<_>>()
    };
    packages.iter().flat_map(of_package).collect()
}

fn dependency(package: &str, manifest: &str, value: &Value) -> Dependency {
    Dependency {
        package: package.to_owned(),
        manifest: manifest.to_owned(),
        name: text(&value["name"]),
        is_local: value["path"].is_string(),
        is_dev: value["kind"] == "dev",
        features: value["features"].as_array().into_iter().flatten().map(text).collect(),
        default_features: value["uses_default_features"] == true,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Dependency {
    fn finding(&self, expected: String, why: &'static str) -> Finding {
        Finding { path: self.manifest.clone(), line: 1, expected, why }
    }
}

pub(crate) fn directions(dependencies: &[Dependency]) -> Vec<Finding> {
    let local = dependencies.iter().filter(|dependency| dependency.is_local);
    local.filter_map(against_direction).collect()
}

fn against_direction(dependency: &Dependency) -> Option<Finding> {
    let Dependency { package, name, .. } = dependency;
    let Some((_, allowed)) = DIRECTIONS.iter().find(|(from, _)| from == package) else {
        return Some(dependency.finding(format!("expected a row for {package}"), WHY_UNKNOWN));
    };
    let expected =
        || format!("expected {package} to know only [{}], found {name}", allowed.join(", "));
    (!allowed.contains(&name.as_str())).then(|| dependency.finding(expected(), WHY_DIRECTION))
}

pub(crate) fn purity(dependencies: &[Dependency]) -> Vec<Finding> {
    let is_pure = |dependency: &&Dependency| PURE_CRATES.contains(&dependency.package.as_str());
    let outside =
        dependencies.iter().filter(|dependency| !dependency.is_local && !dependency.is_dev);
    outside.filter(is_pure).filter_map(impure).collect()
}

fn impure(dependency: &Dependency) -> Option<Finding> {
    let Dependency { package, name, .. } = dependency;
    if !PURE_DEPENDENCIES.contains(&name.as_str()) {
        let expected =
            format!("expected {package} to use only tidy's PURE_DEPENDENCIES, found {name}");
        return Some(dependency.finding(expected, WHY_PURE));
    }
    let (_, forbidden) = IMPURE_FEATURES.iter().find(|(of, _)| of == name)?;
    let default = dependency.default_features.then(|| "default".to_owned());
    let mut features = dependency.features.iter().chain(&default);
    let feature = features.find(|feature| forbidden.contains(&feature.as_str()))?;
    let expected = format!("expected {package} to use {name} without its feature `{feature}`");
    Some(dependency.finding(expected, WHY_PURE))
}

/// A dependency needs a reason where its version stands: a comment on its line or on the line above.
/// Paths are our own crates; `workspace = true` has its reason in the root's manifest.
pub(crate) fn reasons(tree: &Tree) -> Vec<Finding> {
    tree.manifests().flat_map(unexplained).collect()
}

fn unexplained(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    let mut section = Section::Other;
    let mut open_brackets = 0;
    for (index, line) in lines.iter().enumerate() {
        let (value, comment) = line.split_once('#').unwrap_or((line, ""));
        if value.starts_with('[') {
            section = Section::of(value);
        }
        let is_entry = match section {
            Section::Other => false,
            Section::Table => value.starts_with('['),
            Section::List => open_brackets == 0 && value.contains('=') && !value.starts_with('['),
        };
        open_brackets += balance(value);
        let above = index.checked_sub(1).map_or("", |above| lines[above]);
        let has_reason = is_reason(comment) || above.strip_prefix('#').is_some_and(is_reason);
        if is_entry && !is_ours(value) && !has_reason {
            let name = value.trim().split(['=', ' ']).next().unwrap_or_default();
            let expected = format!("expected a comment that says why `{name}` is here");
            findings.push(Finding::new(source, index, expected, WHY_REASON));
        }
    }
    findings
}

#[derive(Clone, Copy)]
enum Section {
    /// `[dependencies]`: one dependency a line.
    List,
    /// `[dependencies.name]`: the section is one dependency.
    Table,
    Other,
}

impl Section {
    fn of(heading: &str) -> Section {
        let path = heading.trim().trim_matches(['[', ']']);
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let parent = parent.rsplit('.').next().unwrap_or_default();
        if MANIFEST_SECTIONS.contains(&name) {
            Section::List
        } else if MANIFEST_SECTIONS.contains(&parent) {
            Section::Table
        } else {
            Section::Other
        }
    }
}

fn is_reason(comment: &str) -> bool {
    comment.split_whitespace().count() >= REASON_WORDS
}

fn is_ours(value: &str) -> bool {
    let value = value.replace(' ', "");
    value.contains("path=") || value.contains("workspace=true")
}

/// How many more brackets a line opens than it closes, so that a list over several lines is one entry.
fn balance(value: &str) -> i32 {
    let weight = |c| match c {
        '[' | '{' => 1,
        ']' | '}' => -1,
        _ => 0,
    };
    value.chars().map(weight).sum()
}

pub(crate) fn lints(tree: &Tree) -> Vec<Finding> {
    let crates = tree.manifests().filter(|source| source.text.contains("[package]"));
    let lawless = crates.filter(|source| !source.text.contains("[lints]\nworkspace = true"));
    let expected = "expected `[lints]` with `workspace = true`";
    lawless.map(|source| Finding::new(source, 0, expected, WHY_LINTS)).collect()
}

#[cfg(test)]
fn example(package: &str, name: &str, is_local: bool) -> Dependency {
    Dependency {
        package: package.to_owned(),
        manifest: format!("crates/{package}/Cargo.toml"),
        name: name.to_owned(),
        is_local,
        is_dev: false,
        features: Vec::new(),
        default_features: false,
    }
}

#[test]
fn a_dependency_against_the_direction_is_found() {
    let cases = [
        ("weft-forecast", "weft-core", 0),
        ("weft-forecast", "weft-plan", 1),
        ("weft-core", "weft-forecast", 1),
        ("weft-control", "weft-driver", 1),
        ("weft-sim", "weft", 1),
        ("weft-unknown", "weft-core", 1),
    ];
    for (package, name, expected) in cases {
        let found = directions(&[example(package, name, true)]).len();
        assert_eq!(found, expected, "{package} → {name}");
    }
}

#[test]
fn an_impure_dependency_is_found() {
    assert_eq!(purity(&[example("weft-core", "tokio", false)]).len(), 1);
    assert_eq!(purity(&[example("weft-sim", "tokio", false)]).len(), 0);
    assert_eq!(purity(&[example("weft-plan", "rand", false)]).len(), 0);
    let with_default = Dependency { default_features: true, ..example("weft-plan", "rand", false) };
    assert_eq!(purity(&[with_default]).len(), 1);
    let features = vec!["thread_rng".to_owned()];
    assert_eq!(purity(&[Dependency { features, ..example("weft-plan", "rand", false) }]).len(), 1);
    assert_eq!(
        purity(&[Dependency { is_dev: true, ..example("weft-core", "proptest", false) }]).len(),
        0
    );
}

#[test]
fn metadata_is_read() {
    let found = metadata(crate::source::ROOT);
    let is_known =
        |package: &str, name: &str| found.iter().any(|d| d.package == package && d.name == name);
    assert!(is_known("weft-control", "weft-plan") && is_known("weft-core", "serde"));
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let cases = [
        ("[dependencies]\nserde = \"1\"\n", 1),
        ("[dependencies]\n# writes the journal in order\nserde = \"1\"\n", 0),
        ("[dependencies]\nserde = \"1\" # writes the journal in order\n", 0),
        ("[dependencies]\n# why\nserde = \"1\"\n", 1),
        ("[workspace.dependencies]\nserde = { version = \"1\", features = [\n  \"rc\",\n] }\n", 1),
        ("[dependencies]\nweft-core = { path = \"../weft-core\" }\nserde.workspace = true\n", 0),
        ("[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n", 1),
        ("[dependencies.serde]\nversion = \"1\"\n", 1),
        ("[package]\nname = \"x\"\n", 0),
    ];
    for (text, expected) in cases {
        assert_eq!(reasons(&Tree::of("crates/x/Cargo.toml", text)).len(), expected, "in {text}");
    }
}

#[test]
fn a_crate_without_lints_is_found() {
    let lawful = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n";
    assert_eq!(lints(&Tree::of("crates/x/Cargo.toml", lawful)).len(), 0);
    assert_eq!(lints(&Tree::of("crates/x/Cargo.toml", "[package]\nname = \"x\"\n")).len(), 1);
}
