//! How long a file and a function may grow before they are two things. Tests are not counted: a table of
//! cases may be as long as it has cases.

use crate::Finding;
use crate::source::{Source, Tree};

const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 70;

const WHY_FILE: &str = "a longer one is two topics, and god modules are where codebases decay";
const WHY_FUNCTION: &str = "a reader holds no more than that in mind at once";

/// A function that may be longer, and the reason, which the next reader must believe.
pub(crate) struct Allowance {
    path: &'static str,
    function: &'static str,
    code_lines: usize,
    reason: &'static str,
}

pub(crate) const ALLOWANCES: &[Allowance] = &[];

pub(crate) fn files(tree: &Tree) -> Vec<Finding> {
    let rust = tree.rust().map(|source| (source, product_lines(source)));
    let web = tree.web().filter(|source| !source.is_test());
    let web = web.map(|source| (source, source.text.lines().count()));
    let too_long = rust.chain(web).filter(|(_, lines)| *lines > FILE_LINES);
    let finding = |(source, lines): (&Source, usize)| {
        let expected = format!("expected at most {FILE_LINES} lines outside tests, found {lines}");
        Finding::new(source, FILE_LINES, expected, WHY_FILE)
    };
    too_long.map(finding).collect()
}

fn product_lines(source: &Source) -> usize {
    source.code_lines().filter(|(offset, _)| !source.is_test_at(*offset)).count()
}

pub(crate) fn functions(tree: &Tree, allowances: &[Allowance]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unused: Vec<&Allowance> = allowances.iter().collect();
    for source in tree.rust() {
        for (start, function) in source.functions() {
            if function.code_lines <= FUNCTION_LINES || source.is_test_at(start) {
                continue;
            }
            let is_this = |a: &&Allowance| a.path == source.path && a.function == function.name;
            let limit = allowances.iter().find(is_this).map_or(FUNCTION_LINES, |a| a.code_lines);
            unused.retain(|allowance| !is_this(allowance));
            if function.code_lines > limit {
                let (name, found) = (&function.name, function.code_lines);
                let expected =
                    format!("expected at most {limit} lines of code in `{name}`, found {found}");
                findings.push(Finding::new(source, function.line, expected, WHY_FUNCTION));
            }
        }
    }
    findings.extend(unused.into_iter().map(stale));
    findings
}

fn stale(allowance: &Allowance) -> Finding {
    Finding {
        path: allowance.path.to_owned(),
        line: 1,
        expected: format!(
            "expected `{}` to need its allowance ({}), so delete the allowance",
            allowance.function, allowance.reason
        ),
        why: "an exception that nobody needs invites the next one",
    }
}

#[test]
fn a_long_file_is_found() {
    let line = "const A: u8 = 1;\n";
    let long = Tree::of("crates/x/src/lib.rs", &line.repeat(FILE_LINES + 1));
    assert_eq!(files(&long).len(), 1);

    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(FILE_LINES));
    let tested = format!("{}{tests}", line.repeat(FILE_LINES));
    assert_eq!(files(&Tree::of("crates/x/src/lib.rs", &tested)).len(), 0);
    assert_eq!(files(&Tree::of("web/src/app.ts", &line.repeat(FILE_LINES + 1))).len(), 1);
}

#[test]
fn a_long_function_is_found_unless_allowed() {
    let text = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES));
    let tree = Tree::of("crates/x/src/lib.rs", &text);
    assert_eq!(functions(&tree, &[]).len(), 1);

    let allowance = |code_lines| Allowance {
        path: "crates/x/src/lib.rs",
        function: "long",
        code_lines,
        reason: "it is a table",
    };
    assert_eq!(functions(&tree, &[allowance(FUNCTION_LINES + 2)]).len(), 0);
    assert_eq!(functions(&tree, &[allowance(FUNCTION_LINES + 1)]).len(), 1);
    let short = Tree::of("crates/x/src/lib.rs", "fn long() {}\n");
    assert_eq!(functions(&short, &[allowance(FUNCTION_LINES + 2)]).len(), 1, "a stale allowance");
}
