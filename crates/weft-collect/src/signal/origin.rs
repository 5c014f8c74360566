//! Where a source lies, a file or an address, how often it is read, and its bytes. Never more bytes than are
//! asked for, and never an address inside the operator's network unless the operator says so.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use weft_core::time::Span;

use super::SignalError;
use super::text::identifier;
use crate::fetch::{check_address, shown};

/// Names of sources that are no configured ones: campaigns of the API, and of the demo.
pub const TAKEN_NAMES: [&str; 2] = ["api", "demo"];

/// Where a source lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    Path(PathBuf),
    /// At an address.
    Url {
        /// The address.
        url: String,
        /// Whether it may lie inside the operator's network.
        allow_private: bool,
    },
}

impl Origin {
    /// The largest source that is read: some 100,000 calendar entries.
    pub const LIMIT_BYTES: u64 = 32 << 20;

    /// Takes what a configuration says; an error, a sentence, unless it is one of the two.
    pub fn new(
        path: Option<PathBuf>,
        url: Option<String>,
        allow_private: bool,
    ) -> Result<Self, String> {
        match (path, url) {
            (Some(path), None) if !allow_private => Ok(Self::Path(path)),
            (Some(_), None) => {
                Err("expected `allow_private` with a `url`, found a `path`".to_owned())
            }
            (None, Some(url)) => {
                check_address(&url).map_err(|error| error.to_string())?;
                Ok(Self::Url { url, allow_private })
            }
            (Some(_), Some(_)) => Err("expected `path` or `url`, found both".to_owned()),
            (None, None) => Err("expected `path` or `url`, found neither".to_owned()),
        }
    }

    /// How often it is read where `asked` does not say; an error, a sentence, where it says too much.
    pub fn rhythm(&self, asked: Option<Span>) -> Result<Span, String> {
        let (usual, least) = match self {
            Self::Path(_) => (Self::EVERY_FILE, Self::LEAST_FILE),
            Self::Url { .. } => (Self::EVERY_ADDRESS, Self::LEAST_ADDRESS),
        };
        let every = asked.unwrap_or(usual);
        if (least..=Self::SELDOM).contains(&every) {
            return Ok(every);
        }
        Err(format!("every: expected {least} to {}, found {every}", Self::SELDOM))
    }

    /// The same place, where a path that is not absolute counts from `folder`.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Path(path) => Self::Path(folder.join(path)),
            address @ Self::Url { .. } => address,
        }
    }

    /// The place as it may be shown: an address without its query, which may hold a secret.
    pub fn shown(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Url { url, .. } => shown(url),
        }
    }

    /// A file of this host costs little to read, and who edits it looks for the outcome at once.
    const EVERY_FILE: Span = Span::from_minutes(1);
    const LEAST_FILE: Span = Span::from_seconds(10);

    /// Calendars and feeds change some times a day; their servers are other people's.
    const EVERY_ADDRESS: Span = Span::from_minutes(15);
    const LEAST_ADDRESS: Span = Span::from_minutes(1);

    /// What is read less often than this is out of date when the next reading comes.
    const SELDOM: Span = Span::from_days(7);
}

/// What a configuration says of the place of a source, before it is judged.
#[derive(Debug)]
pub(crate) struct Placement<'a> {
    /// What the source is, like `calendar`.
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
    pub(crate) path: Option<PathBuf>,
    pub(crate) url: Option<String>,
    pub(crate) allow_private: bool,
    pub(crate) every: Option<Span>,
}

impl Placement<'_> {
    /// Where the source lies and how often it is read; an error names the source.
    pub(crate) fn judged(self) -> Result<(Origin, Span), String> {
        let Self { kind, name, path, url, allow_private, every } = self;
        let judge = || {
            if name.is_empty() || name.contains('/') || identifier(name) != name {
                return Err("name: expected a short one without `/`, found another".to_owned());
            }
            if TAKEN_NAMES.contains(&name) {
                let sentence = "name: expected one that Weft does not use itself, found this";
                return Err(sentence.to_owned());
            }
            let origin = Origin::new(path, url, allow_private)?;
            let every = origin.rhythm(every)?;
            Ok((origin, every))
        };
        judge().map_err(|sentence| format!("{kind} `{name}`: {sentence}"))
    }
}

/// What is asked of whoever fetches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// Whether it may lie inside the operator's network; elsewhere only public addresses are reached.
    pub allow_private: bool,
    /// The longest answer that is wanted.
    pub limit_bytes: u64,
}

/// What fetching gave: the body, or why there is none.
pub type Fetched = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

impl Origin {
    /// The bytes of the source `name`: of its file, or what `fetch` gets from its address. An error
    /// where there are none, or more than [`Origin::LIMIT_BYTES`].
    pub fn load(
        &self,
        name: &str,
        fetch: impl FnOnce(Request<'_>) -> Fetched,
    ) -> Result<Vec<u8>, SignalError> {
        let limit_bytes = Self::LIMIT_BYTES;
        let name = || name.to_owned();
        let bytes =
            match self {
                Self::Path(path) => contents(path, limit_bytes).map_err(|cause| {
                    SignalError::File { name: name(), path: path.display().to_string(), cause }
                })?,
                Self::Url { url, allow_private } => {
                    let request = Request { url, allow_private: *allow_private, limit_bytes };
                    fetch(request).map_err(|cause| SignalError::Fetch { name: name(), cause })?
                }
            };
        if bytes.len() as u64 > limit_bytes {
            return Err(SignalError::TooLarge { name: name(), limit_bytes });
        }
        Ok(bytes)
    }
}

/// The bytes of a file, up to one more than `limit_bytes`. A device or a pipe could give bytes for
/// ever, or none.
fn contents(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("expected a regular file, found something else"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a lift where it stands: a finite multiple of usual demand, at least 0.
pub(crate) fn lift<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let lift = Option::<f64>::deserialize(deserializer)?;
    match lift.filter(|lift| !is_lift(*lift)) {
        None => Ok(lift),
        Some(wrong) => {
            let sentence = format!("expected a lift of at least 0, found {wrong}");
            Err(serde::de::Error::custom(sentence))
        }
    }
}

/// Whether a number can be a lift.
pub(crate) fn is_lift(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: Request<'_>) -> Fetched {
        panic!("a file is not fetched")
    }

    #[test]
    fn files_are_read_within_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("team.ics");
        std::fs::write(&path, "text").expect("written");
        let origin = |path: &Path| Origin::Path(path.to_owned());
        assert_eq!(origin(&path).load("team", never).expect("read"), b"text");
        File::create(&path)
            .and_then(|file| file.set_len(Origin::LIMIT_BYTES + 1))
            .expect("written");
        let error = origin(&path).load("team", never).expect_err("too large").to_string();
        assert_eq!(error, "source `team`: expected at most 33554432 bytes, found more");
        for other in [folder.path().to_owned(), folder.path().join("gone"), "/dev/zero".into()] {
            let error = origin(&other).load("team", never).expect_err("no file").to_string();
            assert!(error.starts_with("source `team`: expected to read the file `"), "{error}");
        }
    }

    #[test]
    fn addresses_are_fetched_and_stay_public_unless_allowed() {
        let check = |allow_private: bool| {
            let url = "https://wire.example/rss".to_owned();
            let origin = Origin::new(None, Some(url), allow_private).expect("an origin");
            let fetch = |request: Request<'_>| {
                assert_eq!(request.allow_private, allow_private);
                Ok(request.url.as_bytes().to_vec())
            };
            assert_eq!(origin.load("wire", fetch).expect("fetched"), b"https://wire.example/rss");
        };
        check(false);
        check(true);
        let origin = Origin::Url { url: "x".to_owned(), allow_private: false };
        let error = origin.load("wire", |_| Err("expected an answer".into())).expect_err("none");
        assert_eq!(error.to_string(), "expected to fetch source `wire`");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("expected an answer"));
        let long = |request: Request<'_>| Ok(vec![0; request.limit_bytes as usize + 1]);
        assert!(matches!(origin.load("wire", long), Err(SignalError::TooLarge { .. })));
    }

    #[test]
    fn an_origin_is_one_place() {
        let check = |path: Option<&str>, url: Option<&str>, private: bool, found: &str| {
            let error = Origin::new(path.map(PathBuf::from), url.map(str::to_owned), private);
            assert!(error.expect_err(found).contains(found));
        };
        check(None, None, false, "found neither");
        check(Some("a"), Some("b"), false, "found both");
        check(Some("a"), None, true, "found a `path`");
        check(None, Some("ftp://files.example/x"), false, "expected an http or https address");
    }

    #[test]
    fn a_source_is_read_neither_all_the_time_nor_never() {
        let file = Origin::Path("team.ics".into());
        let address = Origin::Url { url: "https://wire.example".to_owned(), allow_private: false };
        let check = |origin: &Origin, asked: Option<Span>, expected: Result<Span, &str>| {
            assert_eq!(origin.rhythm(asked), expected.map_err(str::to_owned));
        };
        check(&file, None, Ok(Span::from_minutes(1)));
        check(&address, None, Ok(Span::from_minutes(15)));
        check(&file, Some(Span::from_seconds(10)), Ok(Span::from_seconds(10)));
        let wrong = Err("every: expected 1m to 7d, found 10s");
        check(&address, Some(Span::from_seconds(10)), wrong);
        let wrong = Err("every: expected 10s to 7d, found 8d");
        check(&file, Some(Span::from_days(8)), wrong);
    }

    #[test]
    fn names_are_short_and_free() {
        let check = |name: &str, is_good: bool| {
            let placement = Placement {
                kind: "calendar",
                name,
                path: Some("team.ics".into()),
                url: None,
                allow_private: false,
                every: None,
            };
            let judged = placement.judged();
            assert_eq!(judged.is_ok(), is_good, "{name}: {judged:?}");
        };
        check("team", true);
        for name in ["", "api", "demo", "a/b", " a", "a\nb", &"x".repeat(200)] {
            check(name, false);
        }
    }

    #[test]
    fn paths_count_from_a_folder() {
        let within = |path: &str| Origin::Path(path.into()).within(Path::new("/etc/weft")).shown();
        assert_eq!(within("team.ics"), "/etc/weft/team.ics");
        assert_eq!(within("/srv/team.ics"), "/srv/team.ics");
        let address = Origin::Url { url: "https://x.example/a?key=b".into(), allow_private: true };
        assert_eq!(address.within(Path::new("/etc")).shown(), "https://x.example/a");
    }
}
