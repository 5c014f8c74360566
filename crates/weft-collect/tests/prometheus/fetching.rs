//! What a fetcher does with servers that are slow, large, broken, or lead elsewhere.

use std::sync::Arc;
use std::time::Duration;

use weft_collect::fetch::{Credentials, FetchError, FetchSettings, Fetcher, Reach};
use weft_collect::signal::fetching::Fetching;
use weft_collect::signal::origin::Origin;

use crate::fake::{Fake, Noted, Reply};

fn settings() -> FetchSettings {
    FetchSettings { reach: Reach::Anywhere, ..FetchSettings::default() }
}

fn fetcher(settings: FetchSettings) -> (Fetcher, Arc<Noted>) {
    let noted = Arc::new(Noted::default());
    (Fetcher::with_waiting(settings, noted.clone()).unwrap(), noted)
}

fn get(settings: FetchSettings, url: &str) -> Result<String, String> {
    let fetched = fetcher(settings).0.get(url);
    let text = |body| String::from_utf8(body).unwrap();
    fetched.map(|fetched| text(fetched.body)).map_err(|error| error.to_string())
}

#[test]
fn bodies_and_identity_arrive() {
    let fake = Fake::start(|_, seen| Reply::ok(seen.headers["user-agent"].clone()));
    let said = get(settings(), &fake.url("/x")).unwrap();
    assert!(said.starts_with("weft/"), "{said}");
    let check = |credentials, expected: &str| {
        get(FetchSettings { credentials: Some(credentials), ..settings() }, &fake.url("/"))
            .unwrap();
        assert_eq!(fake.seen().last().unwrap().headers["authorization"], expected);
    };
    check(Credentials::Bearer("t0ken\n".into()), "Bearer t0ken");
    check(Credentials::Basic { user: "me".into(), password: "pass".into() }, "Basic bWU6cGFzcw==");
}

#[test]
fn passing_errors_are_tried_again_with_longer_waits() {
    let fake = Fake::start(|before, _| match before {
        0 => Reply::status(503, "busy"),
        1 => Reply::Cut,
        2 => Reply::Status(429, vec![("retry-after", "7".into())], Vec::new()),
        _ => Reply::ok("at last"),
    });
    let (fetcher, noted) = fetcher(FetchSettings { attempts: 4, ..settings() });
    assert_eq!(fetcher.get(&fake.url("/")).unwrap().body, b"at last");
    // Three quarters of 250 and 500 ms, as half of each is drawn; then what the server asked for.
    assert_eq!(noted.millis(), [187, 375, 7_000]);
}

#[test]
fn attempts_end() {
    let fake = Fake::start(|_, _| Reply::status(502, "bad\ngateway"));
    let (fetcher, noted) = fetcher(FetchSettings { attempts: 3, ..settings() });
    let error = fetcher.get(&fake.url("/x?key=secret")).unwrap_err();
    let address = fake.url("/x");
    let expected = format!("asked {address}: expected status 200, found 502 (bad gateway)");
    assert_eq!((error.to_string(), noted.millis().len(), fake.seen().len()), (expected, 2, 3));
}

#[test]
fn lasting_errors_are_not_tried_again() {
    for status in [400, 401, 403, 404, 422] {
        let fake = Fake::start(move |_, _| Reply::status(status, ""));
        let error = get(settings(), &fake.url("/")).unwrap_err();
        assert!(error.ends_with(&format!("found {status}")), "{error}");
        assert_eq!(fake.seen().len(), 1, "{status}");
    }
}

#[test]
fn silence_ends() {
    let fake = Fake::start(|_, _| Reply::Silence);
    let short =
        FetchSettings { total_timeout: Duration::from_millis(80), attempts: 2, ..settings() };
    let error = get(short, &fake.url("/")).unwrap_err();
    assert!(error.contains("expected an answer within 0.08 s, found none"), "{error}");
    assert_eq!(fake.seen().len(), 2);
}

#[test]
fn large_bodies_are_refused() {
    let fake = Fake::start(|_, _| Reply::ok(vec![b'x'; 1_001]));
    let limited = |body_limit_bytes| FetchSettings { body_limit_bytes, ..settings() };
    assert_eq!(get(limited(1_001), &fake.url("/")).unwrap().len(), 1_001);
    let expected = format!("asked {}: expected at most 1000 bytes, found more", fake.url("/"));
    assert_eq!(get(limited(1_000), &fake.url("/")).unwrap_err(), expected);
}

/// A thousand bytes are a kilobyte of zeros a hundredfold: what counts is what they become.
#[test]
fn packed_bodies_count_unpacked() {
    // `head -c 100000 /dev/zero | gzip -9n | base64`, without the run of `A`s in its middle.
    let zeros = {
        let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
        // One stored block of 1,000 zero bytes, its length and its complement, then checksum and size.
        let mut body = head.to_vec();
        body.extend([1, 0xe8, 0x03, 0x17, 0xfc]);
        body.extend([0; 1_000]);
        body.extend(crc32(&[0; 1_000]).to_le_bytes());
        body.extend(1_000_u32.to_le_bytes());
        body
    };
    let packed = move |_, _: &_| {
        Reply::Status(200, vec![("content-encoding", "gzip".into())], zeros.clone())
    };
    let fake = Fake::start(packed);
    let limited = |body_limit_bytes| FetchSettings { body_limit_bytes, ..settings() };
    assert_eq!(get(limited(1_000), &fake.url("/")).unwrap().len(), 1_000);
    assert!(get(limited(999), &fake.url("/")).unwrap_err().contains("at most 999 bytes"));
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, byte)
}

#[test]
fn three_redirects_are_followed_and_no_more() {
    let fake = Fake::start(|_, seen| match seen.path.strip_prefix("/").unwrap().parse::<u32>() {
        Ok(0) => Reply::ok("here"),
        Ok(left) => Reply::redirect(302, format!("/{}", left - 1)),
        Err(_) => Reply::status(400, "no number"),
    });
    assert_eq!(get(settings(), &fake.url("/3")).unwrap(), "here");
    let error = get(settings(), &fake.url("/4")).unwrap_err();
    assert!(error.ends_with("expected at most 3 redirects, found more"), "{error}");
}

#[test]
fn secrets_do_not_follow_redirects() {
    let target = Fake::start(|_, _| Reply::ok("here"));
    let to = target.url("/y");
    let fake = Fake::start(move |_, _| Reply::redirect(302, to.clone()));
    let credentials = Some(Credentials::Bearer("t0ken".into()));
    get(FetchSettings { credentials, ..settings() }, &fake.url("/x")).unwrap();
    assert!(fake.seen()[0].headers.contains_key("authorization"));
    assert!(!target.seen()[0].headers.contains_key("authorization"));
}

#[test]
fn a_body_does_not_follow_redirects() {
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::start(move |_, _| Reply::redirect(status, "/elsewhere"));
        let error =
            fetcher(settings()).0.post_form(&fake.url("/x"), &[("a", "b c&d")]).unwrap_err();
        assert!(matches!(error, FetchError::Redirects { limit: 0, .. }), "{status}: {error}");
        let seen = fake.seen();
        assert_eq!((seen.len(), seen[0].field("a").as_str()), (1, "b c&d"));
    }
}

#[test]
fn private_addresses_are_not_reached() {
    let fake = Fake::start(|_, _| Reply::ok("secret"));
    let public = || FetchSettings { reach: Reach::PublicOnly, ..settings() };
    let port = fake.port();
    // Names too: what counts is where they lead.
    for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]"] {
        let error = fetcher(public()).0.get(&format!("http://{host}:{port}/")).unwrap_err();
        let is_refused = match &error {
            FetchError::Private { .. } => true,
            // Where the resolver knows no such notation, nothing is reached either.
            FetchError::Broken { .. } => host == "127.1",
            _ => false,
        };
        assert!(is_refused, "{host}: {error}");
    }
    assert_eq!(fake.seen().len(), 0, "nothing was connected to");
    let error = get(public(), &format!("http://localhost:{port}/")).unwrap_err();
    assert!(error.contains("expected a public address, found "), "{error}");
}

#[test]
fn authorities_are_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let settings =
        |path: &std::path::Path| FetchSettings { ca_file: Some(path.to_owned()), ..settings() };
    let error = Fetcher::new(settings(&path)).unwrap_err().to_string();
    assert!(error.starts_with("expected certificates in ") && error.contains("ca.pem"), "{error}");
    std::fs::write(&path, "no certificate").unwrap();
    assert!(matches!(Fetcher::new(settings(&path)), Err(FetchError::Authorities { .. })));
}

fn load(fetching: &mut Fetching, url: String, allow_private: bool) -> Result<String, String> {
    let origin = Origin::Url { url, allow_private };
    let loaded = origin.load("wire", |request| fetching.fetch(request));
    let bytes = loaded.map_err(|error| {
        let cause = std::error::Error::source(&error).expect("why nothing was fetched");
        format!("{error}: {cause}")
    })?;
    Ok(String::from_utf8(bytes).unwrap())
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let mark = |version: &str| ("etag", format!("\"{version}\""));
    let fake = Fake::start(move |before, seen| {
        let version = if before < 3 { "one" } else { "two" };
        let known = seen.headers.get("if-none-match").map(String::as_str);
        if known == Some(mark(version).1.as_str()) {
            return Reply::Status(304, vec![mark(version)], Vec::new());
        }
        Reply::Status(200, vec![mark(version)], version.into())
    });
    let mut fetching = Fetching::new().unwrap();
    let mut read = || load(&mut fetching, fake.url("/feed"), true).unwrap();
    assert_eq!([read(), read(), read()], ["one"; 3]);
    assert_eq!([read(), read()], ["two"; 2]);
    let known: Vec<_> =
        fake.seen().iter().map(|seen| seen.headers.get("if-none-match").cloned()).collect();
    let (one, two) = (Some(mark("one").1), Some(mark("two").1));
    assert_eq!(known, [None, one.clone(), one.clone(), one, two]);
}

#[test]
fn an_answer_that_nobody_asked_for_conditionally_is_no_answer() {
    let fake = Fake::start(|_, _| Reply::status(304, ""));
    let error = load(&mut Fetching::new().unwrap(), fake.url("/feed"), true).unwrap_err();
    assert!(error.ends_with("expected status 200, found 304"), "{error}");
}

#[test]
fn a_source_inside_the_network_needs_the_operators_word() {
    let fake = Fake::start(|_, _| Reply::ok("here"));
    let mut fetching = Fetching::new().unwrap();
    let error = load(&mut fetching, fake.url("/feed"), false).unwrap_err();
    assert!(error.contains("expected a public address, found 127.0.0.1"), "{error}");
    assert_eq!(fake.seen().len(), 0, "nothing was connected to");
    assert_eq!(load(&mut fetching, fake.url("/feed"), true).unwrap(), "here");
    // The permission belongs to the source, not to who fetches for it.
    load(&mut fetching, fake.url("/feed"), false).unwrap_err();
    assert_eq!(fake.seen().len(), 1);
}

#[test]
fn json_is_sent_with_its_headers_and_not_sent_on() {
    let fake = Fake::start(|before, _| match before {
        0 => Reply::status(202, ""),
        1 => Reply::redirect(307, "/elsewhere"),
        _ => Reply::status(400, "no"),
    });
    let (fetcher, _) = fetcher(settings());
    let post = || fetcher.post_json(&fake.url("/hook"), b"[1]", &[("x-signature", "abc")]);
    assert!(post().is_ok(), "any success is one");
    let seen = fake.seen().pop().unwrap();
    let header = |name: &str| seen.headers[name].as_str();
    assert_eq!((seen.method.as_str(), seen.body.as_str()), ("POST", "[1]"));
    assert_eq!((header("content-type"), header("x-signature")), ("application/json", "abc"));
    assert!(matches!(post(), Err(FetchError::Redirects { limit: 0, .. })));
    assert!(matches!(post(), Err(FetchError::Refused { status: 400, .. })));
    assert_eq!(fake.seen().len(), 3, "neither was followed nor repeated");
}

#[test]
fn whoever_answers_a_knock_is_there() {
    let fake = Fake::start(|_, _| Reply::status(405, ""));
    let (fetcher, _) = fetcher(FetchSettings { attempts: 1, ..settings() });
    fetcher.knock(&fake.url("/hook")).unwrap();
    assert_eq!(fake.seen().pop().unwrap().method, "HEAD");
    let nobody = fake.url("/hook");
    drop(fake);
    assert!(fetcher.knock(&nobody).is_err());
}
