//! A file of the tree as the rules read it: its text, the text without what is no code (strings and
//! comments blanked, every byte in its place), and which lines only tests see. It is a reader for rules
//! about lines, not a parser: it knows tokens and braces and nothing more.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The root of the workspace.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Crates that must not touch the world; their bans stand in crates/weft-core/clippy.toml.
pub(crate) const PURE_CRATES: &[&str] =
    &["weft-core", "weft-forecast", "weft-plan", "weft-control"];

/// Folders that hold what others wrote or a tool made.
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "node_modules", "dist"];

/// Every text file of the work tree.
pub(crate) struct Tree(Vec<Source>);

impl Tree {
    pub(crate) fn read() -> Self {
        let mut sources = Vec::new();
        read_folder(Path::new(ROOT), &mut sources);
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(sources.iter().any(|source| source.is_rust()), "no Rust file found under {ROOT}");
        Tree(sources)
    }

    /// A tree of one file, for the tests of the rules.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Tree(vec![Source::new(path, text)])
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources().filter(|source| source.is_rust())
    }

    /// The web's files: TypeScript and JavaScript.
    pub(crate) fn web(&self) -> impl Iterator<Item = &Source> {
        self.sources().filter(|source| source.has_extension(&["ts", "js", "mjs", "svelte"]))
    }

    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Source> {
        self.sources().filter(|source| source.file_name() == "Cargo.toml")
    }
}

fn read_folder(folder: &Path, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).expect("a folder of the work tree can be listed");
    for entry in entries {
        let path = entry.expect("an entry of the work tree can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                read_folder(&path, sources);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(ROOT).expect("the walk began at the root");
            let mut source = Source::new(&relative.to_string_lossy(), &text);
            let mode = fs::metadata(&path).map_or(0, |data| data.permissions().mode());
            source.is_executable = mode & 0o100 != 0;
            sources.push(source);
        }
    }
}

pub(crate) struct Source {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// `text` with strings and comments blanked; the same bytes in the same places otherwise.
    pub(crate) code: String,
    /// `text` with all but comments blanked.
    pub(crate) comments: String,
    pub(crate) is_executable: bool,
    /// The byte ranges that only tests see.
    tests: Vec<Range<usize>>,
}

/// A function's name, its first line (from 0) and how many of its lines hold code.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) code_lines: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let tests = test_ranges(&code);
        let is_executable = false;
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            comments,
            is_executable,
            tests,
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension(&["rs"])
    }

    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The crate whose folder this file is in: "weft-core" of "crates/weft-core/src/lib.rs".
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether all of the file is a test: it lies in a folder `tests`, or is the `tests.rs` of a module.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "tests.rs")
    }

    /// Whether only tests see the byte at `offset`.
    pub(crate) fn is_test_at(&self, offset: usize) -> bool {
        self.is_test() || self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The line (from 0) of the byte at `offset`.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count()
    }

    /// The lines of `code`, each with the offset of its first byte.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let start = self.code.as_ptr() as usize;
        self.code.lines().map(move |line| (line.as_ptr() as usize - start, line))
    }

    /// The offsets at which `word` stands in the code as a word of its own.
    pub(crate) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        words(&self.code, word)
    }

    /// The functions with a body, in order.
    pub(crate) fn functions(&self) -> Vec<(usize, Function)> {
        let found = self.words("fn").filter_map(|start| Some((start, self.function(start)?)));
        found.collect()
    }

    fn function(&self, start: usize) -> Option<Function> {
        let rest = &self.code[start + "fn".len()..];
        let name = identifier(rest.trim_start());
        if name.is_empty() {
            return None; // the type of a function pointer
        }
        let end = item_end(&self.code, start);
        let body = &self.code[start..end];
        body.ends_with('}').then(|| Function {
            name: name.to_owned(),
            line: self.line_at(start),
            code_lines: body.lines().filter(|line| !line.trim().is_empty()).count(),
        })
    }
}

/// The name at the start of `text`; empty if none stands there.
pub(crate) fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = code.as_bytes();
        let before = at.checked_sub(1).and_then(|index| bytes.get(index));
        !is_part(before) && !is_part(bytes.get(at + word.len()))
    })
}

/// The end of the item that starts at `start`: after its block, or after its semicolon if none opens
/// before it.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return offset + 1;
                }
            }
            b';' if depth == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// What stands under `#[cfg(test)]` or `#[test]`: the attribute and the item after it.
fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let attributes = ["#[cfg(test)]", "#[test]"];
    let starts = attributes.iter().flat_map(|attribute| code.match_indices(attribute));
    let ends = starts.map(|(start, attribute)| start..item_end(code, start + attribute.len()));
    ends.collect()
}

/// Splits a text into (code, comments): in each, what is the other's or a string's is blanked.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut comments = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let token = Token::at(rest, bytes[..at].last().copied());
        let end = at + token.length;
        match token.kind {
            Kind::Code => blank(&mut comments[at..end]),
            Kind::Comment => blank(&mut code[at..end]),
            Kind::Text => {
                blank(&mut code[at..end]);
                blank(&mut comments[at..end]);
            }
        }
        at = end;
    }
    let utf8 = |bytes| String::from_utf8(bytes).expect("whole characters are kept or blanked");
    (utf8(code), utf8(comments))
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Text,
}

struct Token {
    kind: Kind,
    length: usize,
}

impl Token {
    /// The token that `rest` starts with; `before` is the byte that precedes it.
    fn at(rest: &[u8], before: Option<u8>) -> Token {
        let inside_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let raw = if inside_word { None } else { raw_string(rest) };
        let (kind, length) = match rest {
            [b'/', b'/', ..] => (Kind::Comment, line_length(rest)),
            [b'/', b'*', ..] => (Kind::Comment, block_comment(rest)),
            [b'"', ..] => (Kind::Text, quoted(rest)),
            [b'\'', ..] => character(rest),
            _ => raw.map_or((Kind::Code, character_length(rest)), |length| (Kind::Text, length)),
        };
        Token { kind, length: length.min(rest.len()) }
    }
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string (`r"`, `r#"`, `br##"` …) that `rest` starts with.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = rest.iter().take_while(|byte| matches!(byte, b'b' | b'c')).count();
    let hashes = rest.get(prefix + 1..)?.iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + 1 + hashes;
    if prefix > 1 || rest.get(prefix) != Some(&b'r') || rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [vec![b'"'], vec![b'#'; hashes]].concat();
    let body = &rest[open + 1..];
    let length = body.windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| open + 1 + length + close.len()))
}

/// A character literal is text; the tick of a lifetime or label is code.
fn character(rest: &[u8]) -> (Kind, usize) {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return (Kind::Text, end.map_or(rest.len(), |end| end + 4));
    }
    let length = rest.get(1..).map_or(0, character_length);
    if rest.get(1 + length) == Some(&b'\'') { (Kind::Text, length + 2) } else { (Kind::Code, 1) }
}

/// The bytes of the UTF-8 character that `rest` starts with.
fn character_length(rest: &[u8]) -> usize {
    1 + rest.iter().skip(1).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count()
}

#[test]
fn strings_and_comments_are_no_code() {
    // What is left, told without the blanks; every byte keeps its place.
    let cases = [
        ("a \"b { \\\" c\" d", "a d", ""),
        ("a // b {\nc", "a c", "// b {"),
        ("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */"),
        ("r#\"a \" b\"# c", "c", ""),
        ("br\"a\\\" b", "b", ""),
        ("var\"x // y\" bar", "var bar", ""),
        ("'{' + '\\'' + '\\u{7f}' + b", "+ + + b", ""),
        ("fn f<'a>(x: &'a str) // \"", "fn f<'a>(x: &'a str)", "// \""),
        ("'ü' é", "é", ""),
    ];
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (text, code, comments) in cases {
        let source = Source::new("x.rs", text);
        assert_eq!(words(&source.code), code, "the code of {text}");
        assert_eq!(words(&source.comments), comments, "the comments of {text}");
        assert_eq!((source.code.len(), source.comments.len()), (text.len(), text.len()), "{text}");
    }
}

#[test]
fn functions_are_measured_without_their_comments() {
    let text = "impl X {\n    fn one(a: [u8; 2]) -> u8 {\n        // why\n\n        a[0]\n    }\n}\n\
                trait Y { fn none(&self); }\ntype F = fn(u8) -> u8;\n";
    let functions: Vec<_> = Source::new("x.rs", text).functions();
    let expected = Function { name: "one".to_owned(), line: 1, code_lines: 3 };
    assert_eq!(functions.into_iter().map(|(_, function)| function).collect::<Vec<_>>(), [expected]);
}

#[test]
fn test_code_is_known() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
    let source = Source::new("crates/x/src/a.rs", text);
    let is_test = |name: &str| source.is_test_at(text.find(name).unwrap());
    assert_eq!([is_test("fn a"), is_test("fn b"), is_test("fn c")], [false, true, false]);
    assert!(Source::new("crates/x/tests/a.rs", text).is_test_at(0));
    assert!(Source::new("crates/x/src/a/tests.rs", text).is_test_at(0));
}
