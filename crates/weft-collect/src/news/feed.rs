//! Feeds: RSS 2.0 (and 1.0) and Atom (RFC 4287) to items. A feed is written by strangers: entities of
//! its own are never expanded, nesting and lengths are bounded, nothing is fetched.

use jiff::fmt::rfc2822::DateTimeParser;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use weft_core::time::Timestamp;

use super::NewsError;
use crate::signal::text::{cleaned, link, without_tags};

/// How deep elements may nest; feeds with pages in them use some twenty levels.
const DEPTH: usize = 64;

/// How many items of a feed are read at most.
pub(super) const ITEMS: usize = 2_000;

/// How many bytes of one field are read; the rest of a longer one is passed over.
const FIELD_BYTES: usize = 16 << 10;

/// An item of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Item {
    /// What it is called there; its link or its title where it has no name.
    pub id: String,
    /// Its title, as text.
    pub title: String,
    /// What it says, as text.
    pub summary: String,
    /// Its page.
    pub link: Option<String>,
    /// When it was published; none where it does not say or says it in no known way.
    pub published: Option<Timestamp>,
}

/// The items of a feed, in its order, and whether there were more than are read.
pub(super) fn items(bytes: &[u8]) -> Result<(Vec<Item>, bool), NewsError> {
    let text = decoded(bytes);
    let mut reader = Reader::from_str(&text);
    // `AT&T` is wrong and everywhere.
    reader.config_mut().allow_dangling_amp = true;
    let mut feed = Feed::default();
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(cause) => return Err(NewsError::Xml { byte: reader.error_position(), cause }),
        };
        match event {
            Event::Start(start) => feed.open(&start)?,
            Event::Empty(start) => {
                feed.open(&start)?;
                feed.close();
            }
            Event::End(_) => feed.close(),
            Event::Text(text) => feed.write(&text),
            Event::CData(text) => feed.write(&text),
            Event::GeneralRef(reference) => feed.write(&resolved(&reference)),
            Event::Eof => return feed.finished(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        if feed.items.len() > ITEMS {
            feed.items.truncate(ITEMS);
            return Ok((feed.items, true));
        }
    }
}

/// The text of a feed, in the encoding that it declares; what does not fit is replaced.
fn decoded(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declared = head.split_once("encoding=").and_then(|(_, rest)| {
        let quote = rest.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
        rest[1..].split_once(quote).map(|(label, _)| label)
    });
    let encoding = declared
        .filter(|_| head.trim_start_matches('\u{feff}').starts_with("<?xml"))
        .and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()))
        .unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// What a reference stands for: a character or one of the five names of XML. Every other is a space,
/// those that the document defines itself above all: so do "billion laughs" end before they begin.
fn resolved(reference: &BytesRef<'_>) -> String {
    let sign = match &**reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => reference.resolve_char_ref().ok().flatten().unwrap_or(' '),
    };
    sign.to_string()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Id,
    Title,
    Summary,
    Link,
    Published,
    Updated,
}

/// A feed while it is read.
#[derive(Default)]
struct Feed {
    depth: usize,
    has_root: bool,
    item: Option<Draft>,
    items: Vec<Item>,
}

/// An item while it is read.
#[derive(Default)]
struct Draft {
    depth: usize,
    fields: std::collections::BTreeMap<Field, String>,
    /// The field that is open, its depth and its text up to here.
    open: Option<(Field, usize, String)>,
}

impl Feed {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), NewsError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(NewsError::TooDeep { limit: DEPTH });
        }
        let name = start.name();
        let name: &str = name.as_ref();
        let name = name.strip_prefix("atom:").unwrap_or(name);
        if self.depth == 1 {
            self.has_root = matches!(name, "rss" | "feed" | "rdf:RDF");
            return if self.has_root { Ok(()) } else { Err(no_feed(name)) };
        }
        match &mut self.item {
            None if matches!(name, "item" | "entry") => {
                self.item = Some(Draft { depth: self.depth, ..Draft::default() });
            }
            Some(draft) if self.depth == draft.depth + 1 => draft.open(name, start, self.depth),
            Some(Draft { open: Some((_, _, text)), .. }) => text.push(' '),
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, more: &str) {
        if let Some(Draft { open: Some((_, _, text)), .. }) = &mut self.item {
            let room = FIELD_BYTES.saturating_sub(text.len());
            text.push_str(&more[..more.floor_char_boundary(room)]);
        }
    }

    fn close(&mut self) {
        if let Some(draft) = &mut self.item {
            draft.close(self.depth);
        }
        if let Some(draft) = self.item.take_if(|draft| draft.depth == self.depth) {
            self.items.push(draft.item());
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn finished(self) -> Result<(Vec<Item>, bool), NewsError> {
        match (self.has_root, self.depth) {
            (false, _) => Err(no_feed("nothing")),
            (true, 0) => Ok((self.items, false)),
            (true, open) => Err(NewsError::Open { open }),
        }
    }
}

fn no_feed(found: &str) -> NewsError {
    NewsError::NoFeed { found: cleaned(found, 40) }
}

impl Draft {
    fn open(&mut self, name: &str, start: &BytesStart<'_>, depth: usize) {
        let field = match name {
            "guid" | "id" => Field::Id,
            "title" => Field::Title,
            "description" | "summary" | "content" => Field::Summary,
            "link" => Field::Link,
            "pubDate" | "published" | "dc:date" => Field::Published,
            "updated" => Field::Updated,
            _ => return,
        };
        match attribute(start, "href") {
            Some(address) if field == Field::Link => {
                if attribute(start, "rel").is_none_or(|rel| rel == "alternate") {
                    self.fields.entry(field).or_insert(address);
                }
            }
            _ => self.open = Some((field, depth, String::new())),
        }
    }

    fn close(&mut self, depth: usize) {
        if let Some((field, _, text)) = self.open.take_if(|(_, opened, _)| *opened == depth) {
            let kept = self.fields.entry(field).or_default();
            if kept.trim().is_empty() {
                *kept = text;
            }
        }
    }

    fn item(self) -> Item {
        let field = |field| self.fields.get(&field).map_or("", |text| text.trim());
        let plain = |name| cleaned(&without_tags(field(name)), FIELD_BYTES);
        let (title, page) = (plain(Field::Title), field(Field::Link));
        let names = [field(Field::Id), page, &title];
        let id = names
            .iter()
            .find(|name| !name.is_empty())
            .map_or_else(String::new, |n| (*n).to_owned());
        Item {
            id,
            summary: plain(Field::Summary),
            // A `guid` is the page where there is no other; often it is no address at all.
            link: link(page).or_else(|| link(field(Field::Id))),
            published: instant(field(Field::Published)).or_else(|| instant(field(Field::Updated))),
            title,
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok()??;
    let raw: &str = attribute.value.as_ref();
    Some(raw.replace("&amp;", "&"))
}

/// RFC 3339 as in Atom, or RFC 2822 as in RSS.
fn instant(text: &str) -> Option<Timestamp> {
    static MAIL: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    let instant = text.parse::<jiff::Timestamp>().or_else(|_| MAIL.parse_timestamp(text)).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

#[cfg(test)]
mod tests;
