//! What may lie about while one works and must not be kept: unfinished code, tests that do not run, and
//! failures nobody thought about.

use crate::Finding;
use crate::source::{PURE_CRATES, Source, Tree};

/// Marks of unfinished work in code; blanked strings keep this list from finding itself.
const UNFINISHED_CODE: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];
const UNFINISHED_TESTS: &[&str] =
    &["test.skip(", "test.only(", "test.todo(", "it.skip(", "it.only("];
const UNFINISHED_COMMENTS: &[&str] = &["TODO", "FIXME", "XXX"];
const PRINTS: &[&str] = &["println!", "print!", "eprintln!", "eprint!"];

/// "no host here" states an invariant; "host" does not.
const INVARIANT_WORDS: usize = 3;

const WHY_UNFINISHED: &str = "what is kept works and is tested; the rest is an issue";
const WHY_UNWRAP: &str = "a panic without a stated invariant is a failure nobody thought about";
const WHY_PRINT: &str = "a pure crate returns values, and its reader is a program";

pub(crate) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let rust = tree.rust().flat_map(|source| marks(source, &source.code, UNFINISHED_CODE));
    let comments =
        tree.rust().flat_map(|source| marks(source, &source.comments, UNFINISHED_COMMENTS));
    let web = tree.web().flat_map(|source| marks(source, &source.text, UNFINISHED_TESTS));
    rust.chain(comments).chain(web).collect()
}

fn marks(source: &Source, text: &str, marks: &[&str]) -> Vec<Finding> {
    let found = marks.iter().flat_map(|mark| text.match_indices(mark));
    let finding = |(offset, mark)| {
        let expected = format!("expected finished work, found `{mark}`");
        Finding::new(source, source.line_at(offset), expected, WHY_UNFINISHED)
    };
    found.map(finding).collect()
}

pub(crate) fn unwraps(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        let calls =
            [".unwrap()", ".expect("].iter().flat_map(|call| source.code.match_indices(call));
        for (offset, call) in calls.filter(|(offset, _)| !source.is_test_at(*offset)) {
            if call == ".unwrap()" || !states_invariant(&source.text[offset + call.len()..]) {
                let expected =
                    format!("expected `?` or `expect` with the invariant in words, found `{call}`");
                findings.push(Finding::new(source, source.line_at(offset), expected, WHY_UNWRAP));
            }
        }
    }
    findings
}

/// Whether an argument is not a literal (a parser's own `expect`) or is a literal of several words.
fn states_invariant(argument: &str) -> bool {
    let Some(literal) = argument.trim_start().strip_prefix('"') else {
        return true;
    };
    let sentence = literal.split('"').next().unwrap_or_default();
    sentence.split_whitespace().count() >= INVARIANT_WORDS
}

pub(crate) fn prints(tree: &Tree) -> Vec<Finding> {
    let is_pure =
        |source: &&Source| source.crate_name().is_some_and(|name| PURE_CRATES.contains(&name));
    let mut findings = Vec::new();
    for source in tree.rust().filter(is_pure) {
        for print in PRINTS {
            for start in source.words(print).filter(|start| !source.is_test_at(*start)) {
                let expected = format!("expected a returned value, found `{print}`");
                findings.push(Finding::new(source, source.line_at(start), expected, WHY_PRINT));
            }
        }
    }
    findings
}

#[test]
fn unfinished_work_is_found() {
    let cases = [
        ("crates/x/src/lib.rs", "fn f() { todo!() }\n", 1),
        ("crates/x/tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n", 1),
        ("crates/x/src/lib.rs", "// TODO: the rest\n", 1),
        ("crates/x/src/lib.rs", "const S: &str = \"TODO: todo!()\";\n", 0),
        ("tests/browser/a.test.mjs", "test.skip(\"later\");\n", 1),
    ];
    for (path, text, expected) in cases {
        assert_eq!(unfinished(&Tree::of(path, text)).len(), expected, "in {text}");
    }
}

#[test]
fn an_unwrap_is_found() {
    let cases = [
        ("fn f() { g().unwrap(); }\n", 1),
        ("fn f() { g().expect(\"host\"); }\n", 1),
        ("fn f() { g().expect(\"every move names a host\"); }\n", 0),
        ("fn f() { self.expect(Token::Comma); }\n", 0),
        ("/// `g().unwrap()`\nfn f() { g().unwrap_or(1); }\n", 0),
        ("#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap(); }\n}\n", 0),
    ];
    for (text, expected) in cases {
        assert_eq!(unwraps(&Tree::of("crates/x/src/lib.rs", text)).len(), expected, "in {text}");
    }
}

#[test]
fn a_print_in_a_pure_crate_is_found() {
    let text = "fn f() { println!(\"x\"); }\n";
    assert_eq!(prints(&Tree::of("crates/weft-core/src/lib.rs", text)).len(), 1);
    assert_eq!(prints(&Tree::of("crates/weft/src/cli.rs", text)).len(), 0);
    assert_eq!(prints(&Tree::of("crates/weft-core/tests/a.rs", text)).len(), 0);
}
