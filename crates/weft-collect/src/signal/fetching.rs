//! How addresses of sources are fetched: public ones only unless the operator says otherwise, within half a
//! minute an attempt, and not again where the server says that nothing has changed. It must never keep more
//! of an answer in memory than a small source needs.

use std::time::Duration;

use super::origin::{Fetched, Origin, Request};
use crate::fetch::{FetchError, FetchSettings, Fetcher, Reach, Validators};

/// One attempt: a calendar of 32 MiB at some 10 Mbit/s.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// A source comes again in its rhythm; what fails twice waits for that.
const ATTEMPTS: u32 = 2;

/// The largest answer that is kept to spare the next: the calendars and feeds of most are some 100 KB.
const KEPT_BYTES: usize = 4 << 20;

/// Fetches the address of one source, again and again.
#[derive(Debug)]
pub struct Fetching {
    public: Fetcher,
    anywhere: Fetcher,
    last: Option<Answer>,
}

/// The last answer, where the server gave it a mark to know it by.
#[derive(Debug)]
struct Answer {
    url: String,
    validators: Validators,
    body: Vec<u8>,
}

impl Fetching {
    /// Makes the two fetchers.
    pub fn new() -> Result<Self, FetchError> {
        let fetcher = |reach| {
            Fetcher::new(FetchSettings {
                reach,
                total_timeout: TOTAL_TIMEOUT,
                attempts: ATTEMPTS,
                body_limit_bytes: Origin::LIMIT_BYTES,
                ..FetchSettings::default()
            })
        };
        let (public, anywhere) = (fetcher(Reach::PublicOnly)?, fetcher(Reach::Anywhere)?);
        Ok(Self { public, anywhere, last: None })
    }

    /// What lies at the address of `request`. Where the server says that it is what it was, the bytes of the last
    /// answer.
    pub fn fetch(&mut self, request: Request<'_>) -> Fetched {
        let fetcher = if request.allow_private { &self.anywhere } else { &self.public };
        let known = self.last.as_ref().filter(|last| last.url == request.url);
        let fetched = match known {
            Some(last) => match fetcher.get_if_changed(request.url, &last.validators)? {
                Some(fetched) => fetched,
                None => return Ok(last.body.clone()),
            },
            None => fetcher.get(request.url)?,
        };
        let is_kept =
            fetched.validators != Validators::default() && fetched.body.len() <= KEPT_BYTES;
        self.last = is_kept.then(|| Answer {
            url: request.url.to_owned(),
            validators: fetched.validators,
            body: fetched.body.clone(),
        });
        Ok(fetched.body)
    }
}
