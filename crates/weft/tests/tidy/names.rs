//! What things may be called: no word that names a role instead of a thing, one file name per module, one
//! path per item.

use crate::Finding;
use crate::source::{Source, Tree, identifier};

/// Words that fit any code and so tell nothing about this one, with their plurals.
const EMPTY_WORDS: &[&str] = &[
    "manager",
    "managers",
    "helper",
    "helpers",
    "util",
    "utils",
    "utility",
    "utilities",
    "service",
    "services",
    "engine",
    "engines",
    "misc",
    "common",
];
const DEFINITIONS: &[&str] =
    &["struct", "enum", "trait", "type", "union", "mod", "class", "interface"];

const WHY_WORD: &str = "that word fits any code, so it does not tell a reader what this code is";
const WHY_MODULE: &str = "ten open files called mod.rs cannot be told apart; use foo.rs with foo/";
const WHY_GLOB: &str = "a reader must see where a name comes from, and a thing has one path";

pub(crate) fn empty_words(tree: &Tree) -> Vec<Finding> {
    let code = || tree.rust().chain(tree.web());
    let mut findings: Vec<Finding> = code().flat_map(definitions).collect();
    findings.extend(code().filter_map(file_name));
    findings
}

fn file_name(source: &Source) -> Option<Finding> {
    let word = empty_word(&source.path)?;
    let expected = format!("expected a path that says what is inside, found the word \"{word}\"");
    Some(Finding::new(source, 0, expected, WHY_WORD))
}

fn definitions(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for keyword in DEFINITIONS {
        for start in source.words(keyword) {
            let name = identifier(source.code[start + keyword.len()..].trim_start());
            if let Some(word) = empty_word(name) {
                let expected =
                    format!("expected a name that says what `{name}` is, found \"{word}\"");
                findings.push(Finding::new(source, source.line_at(start), expected, WHY_WORD));
            }
        }
    }
    findings
}

/// The first empty word in a name in camel or snake case, or in a path.
fn empty_word(name: &str) -> Option<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
        before = character;
    }
    words.into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str()))
}

pub(crate) fn module_files(tree: &Tree) -> Vec<Finding> {
    let files = tree.rust().filter(|source| source.file_name() == "mod.rs");
    let expected = "expected the module in a file of its own name, found mod.rs";
    files.map(|source| Finding::new(source, 0, expected, WHY_MODULE)).collect()
}

/// Globs are for tests: of the module they test, and of a crate's prelude made for it.
pub(crate) fn globs(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        for start in source.words("use") {
            let rest = &source.code[start..];
            let statement = &rest[..rest.find(';').unwrap_or(rest.len())];
            let is_allowed = source.is_test_at(start)
                && (statement == "use super::*" || statement.ends_with("::prelude::*"));
            if statement.contains('*') && !is_allowed {
                let expected = format!("expected names instead of `{statement}`");
                findings.push(Finding::new(source, source.line_at(start), expected, WHY_GLOB));
            }
        }
    }
    findings
}

#[test]
fn an_empty_word_is_found_in_every_case() {
    let cases = [
        ("MoveManager", true),
        ("HTTPService", false),
        ("move_helpers", true),
        ("Utilisation", false),
        ("ServiceLevel", true),
        ("Engineering", false),
    ];
    for (name, expected) in cases {
        let tree = Tree::of("crates/x/src/lib.rs", &format!("//! X.\npub struct {name};\n"));
        assert_eq!(!empty_words(&tree).is_empty(), expected, "struct {name}");
    }
    assert_eq!(empty_words(&Tree::of("crates/x/src/lib.rs", "mod utils;\n")).len(), 1);
    assert_eq!(empty_words(&Tree::of("crates/x/src/move_util.rs", "")).len(), 1);
    assert_eq!(empty_words(&Tree::of("web/src/app.ts", "class MoveManager {}")).len(), 1);
    assert_eq!(empty_words(&Tree::of("crates/x/src/lib.rs", "// struct Manager\n")).len(), 0);
}

#[test]
fn a_mod_rs_is_found() {
    assert_eq!(module_files(&Tree::of("crates/x/src/plan/mod.rs", "//! X.\n")).len(), 1);
    assert_eq!(module_files(&Tree::of("crates/x/src/plan.rs", "//! X.\n")).len(), 0);
}

#[test]
fn a_glob_is_found() {
    let cases = [
        ("pub use plan::*;\n", 1),
        ("use a::{b, c::*};\n", 1),
        ("use a::{b, c};\nlet x = 2 * 3;\n", 0),
        ("#[cfg(test)]\nmod tests {\n    use super::*;\n    use proptest::prelude::*;\n}\n", 0),
        ("#[cfg(test)]\nmod tests {\n    use crate::plan::*;\n}\n", 1),
        ("use super::*;\n", 1),
    ];
    for (text, expected) in cases {
        assert_eq!(globs(&Tree::of("crates/x/src/lib.rs", text)).len(), expected, "in {text}");
    }
}
