//! Tests of feeds: literal texts, good, odd and hostile.

use super::*;

fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>"
    )
}

fn one(text: &str) -> Item {
    let (mut items, _) = items(text.as_bytes()).expect(text);
    assert_eq!(items.len(), 1, "{text}");
    items.remove(0)
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().expect(text))
}

#[test]
fn rss_is_read() {
    let item = one(&rss(
        "<item><title>Big &amp; <![CDATA[<b>sale</b>]]></title><link>https://a.example/1?x=1&amp;y=2</link>\
         <description>&lt;p&gt;All&nbsp;day&lt;/p&gt;</description><guid isPermaLink=\"false\">g1</guid>\
         <pubDate>Tue, 24 Nov 2026 10:00:00 +0100</pubDate><media:title>other</media:title></item>",
    ));
    assert_eq!(
        item,
        Item {
            id: "g1".to_owned(),
            title: "Big & sale".to_owned(),
            summary: "All day".to_owned(),
            link: Some("https://a.example/1?x=1&y=2".to_owned()),
            published: at("2026-11-24T09:00:00Z"),
        }
    );
}

#[test]
fn atom_is_read() {
    let item = one(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title><entry><id>urn:1</id>\
         <title type=\"xhtml\"><div>Power <b>out</b></div></title><link rel=\"self\" href=\"https://a.example/self\"/>\
         <link href=\"https://a.example/page?a=1&amp;b=2\"/><updated>2026-11-24T12:00:00Z</updated>\
         <published>2026-11-24T10:00:00+01:00</published><summary>In the east</summary>\
         <author><name>N</name><title>no title</title></author></entry></feed>",
    );
    assert_eq!((item.id.as_str(), item.title.as_str()), ("urn:1", "Power out"));
    assert_eq!(item.link.as_deref(), Some("https://a.example/page?a=1&b=2"));
    assert_eq!(
        (item.summary.as_str(), item.published),
        ("In the east", at("2026-11-24T09:00:00Z"))
    );
}

#[test]
fn dates_are_read_in_every_known_form() {
    let check = |element: &str, expected: Option<Timestamp>| {
        assert_eq!(one(&rss(&format!("<item>{element}</item>"))).published, expected, "{element}");
    };
    check("<pubDate>Tue, 24 Nov 2026 09:00:00 GMT</pubDate>", at("2026-11-24T09:00:00Z"));
    check("<pubDate>Mon, 24 Nov 2026 09:00:00 GMT</pubDate>", at("2026-11-24T09:00:00Z"));
    check("<pubDate>24 Nov 26 04:00 EST</pubDate>", at("2026-11-24T09:00:00Z"));
    check("<dc:date>2026-11-24T09:00:00Z</dc:date>", at("2026-11-24T09:00:00Z"));
    check("<updated>2026-11-24T09:00:00Z</updated>", at("2026-11-24T09:00:00Z"));
    check("<pubDate>yesterday</pubDate>", None);
    check("<title>none</title>", None);
}

#[test]
fn declared_encodings_are_read() {
    let text = b"<?xml version='1.0' encoding='ISO-8859-1'?><rss><channel><item><title>Gr\xf6\xdfe</title></item></channel></rss>";
    assert_eq!(items(text).expect("a feed").0[0].title, "Größe");
    let unknown =
        "<?xml version=\"1.0\" encoding=\"x-none\"?><rss><item><title>Größe</title></item></rss>";
    assert_eq!(one(unknown).title, "Größe");
}

#[test]
fn entities_of_the_document_are_never_expanded() {
    let laughs = "<!DOCTYPE rss [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
        <rss><channel><item><title>x &b; &f; y</title><guid>&a;</guid></item></channel></rss>";
    let item = one(laughs);
    assert_eq!((item.title.as_str(), item.id.as_str()), ("x y", "x y"));
}

#[test]
fn hostile_texts_are_bounded() {
    let deep = format!("<rss>{}", "<a>".repeat(1_000_000));
    assert!(matches!(items(deep.as_bytes()), Err(NewsError::TooDeep { limit: DEPTH })));
    let long = one(&rss(&format!("<item><title>{}</title></item>", "é".repeat(1_000_000))));
    assert!(long.title.len() <= FIELD_BYTES);
    let (many, has_more) = items(rss(&"<item></item>".repeat(5_000)).as_bytes()).expect("a feed");
    assert_eq!((many.len(), has_more), (ITEMS, true));
    let control = one(&rss(
        "<item><title>a&#27;[31m&#x202e;b&#0;&#xFFFFFFFF;c</title><link>javascript:x</link></item>",
    ));
    assert_eq!((control.title.as_str(), control.link), ("a[31mb c", None));
}

#[test]
fn what_is_no_feed_is_refused() {
    let check = |text: &str, part: &str| {
        let error = items(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(part), "expected {part:?} in {error:?}");
    };
    check("", "found `nothing`");
    check("plain text", "found `nothing`");
    check("<html><body/></html>", "found `html`");
    check("<rss><channel><item></channel></rss>", "expected well-formed XML");
    check("<rss><channel><item>", "inside 3 of them");
    check("<rss", "expected well-formed XML");
}
