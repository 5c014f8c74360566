//! A source of any kind, as whoever reads all of them in turn sees it. What each kind means by its bytes is
//! the matter of its own module.

use std::path::Path;

use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};

use super::origin::{Fetched, Origin, Request};
use super::{Reading, SignalError};
use crate::calendar::CalendarSource;
use crate::campaign::CampaignSource;
use crate::news::NewsSource;

/// A source of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalSource {
    /// A calendar.
    Calendar(CalendarSource),
    /// A table of campaigns.
    Campaigns(CampaignSource),
    /// A feed of news.
    Feed(NewsSource),
}

impl SignalSource {
    /// Its name, the first part of its events' names.
    pub fn name(&self) -> &str {
        match self {
            Self::Calendar(source) => &source.name,
            Self::Campaigns(source) => &source.name,
            Self::Feed(source) => &source.name,
        }
    }

    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Calendar(_) => "calendar",
            Self::Campaigns(_) => "campaigns",
            Self::Feed(_) => "feed",
        }
    }

    /// Where it lies.
    pub const fn origin(&self) -> &Origin {
        match self {
            Self::Calendar(source) => &source.origin,
            Self::Campaigns(source) => &source.origin,
            Self::Feed(source) => &source.origin,
        }
    }

    /// How often it is read.
    pub const fn every(&self) -> Span {
        match self {
            Self::Calendar(source) => source.every,
            Self::Campaigns(source) => source.every,
            Self::Feed(source) => source.every,
        }
    }

    /// Whether moves may rest on it; never on a feed.
    pub const fn is_trusted(&self) -> bool {
        match self {
            Self::Calendar(source) => source.is_trusted,
            Self::Campaigns(source) => source.is_trusted,
            Self::Feed(_) => false,
        }
    }

    /// The same source, where a path that is not absolute counts from `folder`.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        let origin = match &mut self {
            Self::Calendar(source) => &mut source.origin,
            Self::Campaigns(source) => &mut source.origin,
            Self::Feed(source) => &mut source.origin,
        };
        *origin = origin.clone().within(folder);
        self
    }

    /// Loads the source, by `fetch` where it lies at an address, and gives the signals that overlap `horizon`,
    /// as of `now`.
    pub fn read(
        &self,
        now: Timestamp,
        horizon: Window,
        fetch: impl FnOnce(Request<'_>) -> Fetched,
    ) -> Result<Reading, SignalError> {
        match self {
            Self::Calendar(source) => source.read(horizon, fetch),
            Self::Campaigns(source) => source.read(horizon, fetch),
            Self::Feed(source) => source.read(now, horizon, fetch),
        }
    }
}
