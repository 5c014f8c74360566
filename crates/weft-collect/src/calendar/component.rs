//! The outer shape of iCalendar (RFC 5545, section 3): folded lines, properties with parameters,
//! components in components. Nothing is understood here, and nothing nests without end.

use super::CalendarError;
use crate::signal::Problems;
use crate::signal::text::cleaned;

/// How deep components may nest; a calendar uses three levels.
const DEPTH: usize = 8;

/// A property: a line once it is unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its name in capitals.
    pub name: String,
    /// Its parameters, names in capitals.
    pub parameters: Vec<(String, String)>,
    /// Its value as written.
    pub value: String,
}

impl Property {
    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of a list: parts between commas.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.value.split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// The value as text: the escapes of section 3.3.11 undone.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut signs = self.value.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => match signs.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                _ => text.push(sign),
            }
        }
        text
    }
}

/// A component: what stands between `BEGIN` and `END`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// The line of its `BEGIN`.
    pub line: usize,
    /// Its kind in capitals, like `VEVENT`.
    pub kind: String,
    /// Its properties, in order.
    pub properties: Vec<Property>,
    /// The components inside, in order.
    pub parts: Vec<Component>,
}

impl Component {
    /// The first property of this name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.all(name).next()
    }

    /// Every property of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }
}

/// Reads the calendars of a stream. A line that is no property is left out and named; a stream whose
/// components do not close is refused, because what is missing cannot be known.
pub(super) fn components(
    bytes: &[u8],
    problems: &mut Problems,
) -> Result<Vec<Component>, CalendarError> {
    let mut done = Vec::new();
    let mut open: Vec<Component> = Vec::new();
    for (line, text) in unfolded(bytes).filter(|(_, text)| !text.trim().is_empty()) {
        let Some(property) = property(line, &text) else {
            let found = cleaned(&text, 40);
            if open.is_empty() {
                return Err(CalendarError::NoCalendar { line, found });
            }
            problems.push(format!("line {line}: expected `NAME:value`, found `{found}`"));
            continue;
        };
        match (property.name.as_str(), open.last_mut()) {
            ("BEGIN", _) => begin(&mut open, &property)?,
            ("END", _) => end(&mut open, &mut done, &property)?,
            (_, Some(component)) => component.properties.push(property),
            (_, None) => return Err(CalendarError::NoCalendar { line, found: cleaned(&text, 40) }),
        }
    }
    match open.pop() {
        Some(Component { line, kind, .. }) => Err(CalendarError::Open { line, kind }),
        None => Ok(done),
    }
}

fn begin(open: &mut Vec<Component>, property: &Property) -> Result<(), CalendarError> {
    let line = property.line;
    let kind = kind(property);
    if open.is_empty() && kind != "VCALENDAR" {
        return Err(CalendarError::NoCalendar { line, found: format!("BEGIN:{kind}") });
    }
    if open.len() == DEPTH {
        return Err(CalendarError::TooDeep { line, limit: DEPTH });
    }
    open.push(Component { line, kind, properties: Vec::new(), parts: Vec::new() });
    Ok(())
}

fn end(
    open: &mut Vec<Component>,
    done: &mut Vec<Component>,
    property: &Property,
) -> Result<(), CalendarError> {
    let found = kind(property);
    let Some(component) = open.pop_if(|component| component.kind == found) else {
        let expected =
            open.last().map_or("BEGIN:VCALENDAR".to_owned(), |c| format!("END:{}", c.kind));
        return Err(CalendarError::Unmatched { line: property.line, expected, found });
    };
    match open.last_mut() {
        Some(parent) => parent.parts.push(component),
        None => done.push(component),
    }
    Ok(())
}

fn kind(property: &Property) -> String {
    cleaned(&property.value, 40).to_ascii_uppercase()
}

/// The lines of a stream with the number of their first, folded ones joined: a line that begins with a
/// space or a tab goes on with the one before. Joined as bytes, for a fold may cut a character.
fn unfolded(bytes: &[u8]) -> impl Iterator<Item = (usize, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = bytes.split(|byte| *byte == b'\n').enumerate().peekable();
    std::iter::from_fn(move || {
        let (row, first) = rows.next()?;
        let mut line = first.strip_suffix(b"\r").unwrap_or(first).to_vec();
        while let Some((_, more)) =
            rows.next_if(|(_, row)| row.starts_with(b" ") || row.starts_with(b"\t"))
        {
            line.extend_from_slice(more[1..].strip_suffix(b"\r").unwrap_or(&more[1..]));
        }
        Some((row + 1, String::from_utf8_lossy(&line).into_owned()))
    })
}

/// `NAME;PARAMETER=value;OTHER="quoted":value`.
fn property(line: usize, text: &str) -> Option<Property> {
    let text = text.trim_start();
    let length = text.find(|sign: char| !(sign.is_ascii_alphanumeric() || "-_.".contains(sign)))?;
    let (name, mut rest) = text.split_at(length);
    let mut parameters = Vec::new();
    while let Some(written) = rest.strip_prefix(';') {
        let (key, value) = written.split_once('=')?;
        let length = outside_quotes(value, |sign| sign == ';' || sign == ':')?;
        parameters.push((key.trim().to_ascii_uppercase(), value[..length].replace('"', "")));
        rest = &value[length..];
    }
    let value = rest.strip_prefix(':')?.to_owned();
    (length > 0).then(|| Property { line, name: name.to_ascii_uppercase(), parameters, value })
}

/// Where the first such character outside quotes stands.
fn outside_quotes(text: &str, is_end: impl Fn(char) -> bool) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, sign)| {
        quoted ^= sign == '"';
        (!quoted && is_end(sign)).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Component>, CalendarError> {
        components(text.as_bytes(), &mut Problems::default())
    }

    #[test]
    fn properties_are_taken_apart() {
        let check = |text: &str, name: &str, parameters: &[(&str, &str)], value: &str| {
            let found = property(1, text).expect(text);
            let found_parameters: Vec<_> =
                found.parameters.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!((found.name.as_str(), found_parameters.as_slice()), (name, parameters));
            assert_eq!(found.text(), value);
        };
        check("summary:Sale: all\\, day\\;\\n", "SUMMARY", &[], "Sale: all, day;\n");
        check("DTSTART;TZID=Europe/Berlin:1", "DTSTART", &[("TZID", "Europe/Berlin")], "1");
        check("X;a=\"b;c:d\";E=f:g", "X", &[("A", "b;c:d"), ("E", "f")], "g");
        for broken in ["", ":", "no colon", "A;B:c", "A;B=\"c:d", "Ä:b"] {
            assert_eq!(property(1, broken), None, "{broken}");
        }
    }

    #[test]
    fn folded_lines_are_joined_even_inside_a_character() {
        let text = b"BEGIN:VCALENDAR\r\nX:gr\xc3\r\n \xb6\xc3\x9fe\r\n\tr\r\nEND:VCALENDAR\r\n";
        let found = components(text, &mut Problems::default()).expect("valid");
        assert_eq!(found[0].property("X").map(Property::text).as_deref(), Some("größer"));
        assert_eq!(found[0].property("X").map(|x| x.line), Some(2));
    }

    #[test]
    fn broken_shapes_are_refused_with_their_line() {
        let check = |text: &str, part: &str| {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(part), "expected {part:?} in {error:?}");
        };
        check("<html>\n", "line 1");
        check("VERSION:2.0\n", "line 1: expected BEGIN:VCALENDAR, found `VERSION:2.0`");
        check("BEGIN:VEVENT\n", "found `BEGIN:VEVENT`");
        check("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", "line 3: expected END:VEVENT");
        check("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "line 2: expected END:VEVENT");
        check(&format!("BEGIN:VCALENDAR\n{}", "BEGIN:X\n".repeat(50)), "at most 8");
    }
}
