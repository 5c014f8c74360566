//! What Weft keeps: the journal, plans, moves, approvals, policies, scores of forecasts, events, alerts
//! and samples. A database that survives anything; it must never lose what it acknowledged.
//!
//! [`Store`] is what the shell relies on, [`conformance`] is how a database proves that it keeps that,
//! [`SqliteStore`] is the one there is.

pub mod alert;
pub mod column;
pub mod conformance;
pub mod kept;
mod sqlite;

pub use sqlite::SqliteStore;

use std::path::PathBuf;

use thiserror::Error;
use weft_control::record::Entry;
use weft_core::event::Signal;
use weft_core::id::{EventId, MoveId, PlanId, RecordId};
use weft_core::plan::Plan;
use weft_core::policy::Window;
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::Timestamp;

use alert::Alert;
use kept::{Approval, KeptMove, KeptSource, ScoreLine};

/// Why the store could not do what was asked. Nothing of the request is kept then, unless its
/// description says so.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database said no.
    #[error("{file}: {source}")]
    Database {
        /// The file.
        file: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
    /// Something kept is not what it was when it was written.
    #[error("{file}: expected {expected} in {place}, found something else; restore a backup")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What should be there.
        expected: &'static str,
        /// Where.
        place: String,
    },
    /// Something that could not be read again as it was, like a cost without an end.
    #[error("expected {place} to read back as it was written, found that it does not: {source}")]
    Unwritable {
        /// What.
        place: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// Another process has the file.
    #[error("{0}: expected to be the only Weft on this file, found another at work; stop it first")]
    InUse(PathBuf),
    /// The file was written by a newer Weft.
    #[error(
        "{file}: expected a schema of at most version {known}, found version {found}; use a newer Weft"
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// What this program knows.
        known: u32,
        /// What the file says.
        found: u32,
    },
    /// The file has samples of another grid.
    #[error("expected samples every {expected} seconds as in the store, found {found}")]
    Step {
        /// Seconds between samples in the file.
        expected: i64,
        /// Seconds between the samples that are to come.
        found: i64,
    },
    /// A step from so far ahead that a clock must be wrong.
    #[error(
        "expected a step at most {days} days after the newest, {newest}, found {found}; \
         after a pause as long as that, back-fill what came since"
    )]
    TooFar {
        /// How far it may be ahead.
        days: i64,
        /// The newest step in the store.
        newest: Timestamp,
        /// The step that was to come.
        found: Timestamp,
    },
    /// The file cannot be opened.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Records out of order, or one that says something else than before.
    #[error("expected {expected}, found {found}")]
    Order {
        /// What had to come next.
        expected: String,
        /// What came.
        found: String,
    },
}

/// What the shell relies on. Whatever returns `Ok` is durable: a kill at the next instruction loses
/// nothing of it.
pub trait Store: Send + Sync {
    /// Keeps journal entries and what follows from them: plans, moves, approvals, policies. Entries are
    /// numbered without gaps; one that is there already with the same content changes nothing.
    fn append(&self, entries: &[Entry]) -> Result<(), StoreError>;

    /// The journal after an entry (from the beginning where none is given), at most `limit` entries.
    fn journal(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The newest entries, newest first, before an entry where one is given.
    fn newest_entries(
        &self,
        limit: usize,
        before: Option<RecordId>,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The entries from which a loop resumes, in order.
    fn resume_journal(&self) -> Result<Vec<Entry>, StoreError>;

    /// One plan.
    fn plan(&self, id: PlanId) -> Result<Option<Plan>, StoreError>;

    /// Plans, newest first, before a plan where one is given.
    fn plans(&self, before: Option<PlanId>, limit: usize) -> Result<Vec<Plan>, StoreError>;

    /// What became of a move. Kept moves follow the journal as the loop does, see [`KeptMove`].
    fn moved(&self, id: MoveId) -> Result<Option<KeptMove>, StoreError>;

    /// Moves, newest first, before a move where one is given.
    fn moves(&self, before: Option<MoveId>, limit: usize) -> Result<Vec<KeptMove>, StoreError>;

    /// The approvals that hold, or held until the newest plan, by workload.
    fn approvals(&self) -> Result<Vec<Approval>, StoreError>;

    /// Keeps the samples of the step that begins at `at`, and those of other steps that came with them,
    /// late or early. A second sample of a step replaces the first. Values are rounded as
    /// [`column::rounded`] says; what is not finite is no sample. Errs on a step or sample more than 31
    /// days after the newest step.
    fn write_step(&self, at: Timestamp, samples: &[Sample]) -> Result<(), StoreError>;

    /// Keeps a past that was never delivered step by step. What is there in the same steps is replaced;
    /// a gap leaves what is there. The newest step is then no earlier than the last of the series, gap or
    /// not.
    fn back_fill(&self, key: &SeriesKey, series: &Series) -> Result<(), StoreError>;

    /// Back-fills many series, many in one transaction. Where it errs the first may be kept; the whole
    /// can be given again.
    fn back_fill_all(&self, series: &[(SeriesKey, Series)]) -> Result<(), StoreError>;

    /// Packs older steps for their long rest, for the shell to call once an hour. Nothing that can be
    /// read changes; where it errs nothing is lost and the next call does it.
    fn compact(&self) -> Result<(), StoreError>;

    /// The samples of one series in `from..until`; gaps where there are none. It begins at `from`: a
    /// `from` long before the first sample is answered with as many gaps.
    fn history(
        &self,
        key: &SeriesKey,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Series, StoreError>;

    /// Every series of which there ever was a sample.
    fn series(&self) -> Result<Vec<SeriesKey>, StoreError>;

    /// Start of the newest step that was written or back-filled.
    fn newest_step(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets samples and scores from before an instant, in whole chunks only, and events and alerts that had
    /// ended by then.
    fn forget_before(&self, before: Timestamp) -> Result<(), StoreError>;

    /// Keeps how forecasts have held.
    fn write_scores(&self, at: Timestamp, scores: &[ScoreLine]) -> Result<(), StoreError>;

    /// How the forecasts of a series have held, newest first.
    fn scores(
        &self,
        key: &SeriesKey,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ScoreLine)>, StoreError>;

    /// Replaces all events of a source. Errs on one that is of another.
    fn put_events(&self, source: &str, events: &[Signal]) -> Result<(), StoreError>;

    /// Adds or replaces one event of its source.
    fn put_event(&self, event: &Signal) -> Result<(), StoreError>;

    /// Forgets an event of a source; whether there was one.
    fn forget_event(&self, source: &str, id: &EventId) -> Result<bool, StoreError>;

    /// How many events a source has.
    fn event_count(&self, source: &str) -> Result<usize, StoreError>;

    /// The events that overlap a window, by begin. What must not lead to moves stays so.
    fn events(&self, overlapping: Window) -> Result<Vec<Signal>, StoreError>;

    /// Adds or replaces how the readings of a source went.
    fn put_source(&self, source: &KeptSource) -> Result<(), StoreError>;

    /// How the readings of every source went, by name.
    fn sources(&self) -> Result<Vec<KeptSource>, StoreError>;

    /// Forgets the events and readings of all sources but these.
    fn keep_sources(&self, names: &[&str]) -> Result<(), StoreError>;

    /// Adds or replaces an alert, by its fingerprint and begin.
    fn put_alert(&self, alert: &Alert) -> Result<(), StoreError>;

    /// Alerts without an end, oldest first.
    fn open_alerts(&self) -> Result<Vec<Alert>, StoreError>;

    /// Alerts, newest first, that began before an instant where one is given: at most `limit`, and
    /// beyond that those which began in the same instant as the last, so that a page which begins before
    /// it misses none.
    fn alerts(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<Alert>, StoreError>;

    /// The hash of the token that opens for writes.
    fn token_hash(&self) -> Result<Option<[u8; 32]>, StoreError>;

    /// Keeps the hash of the token.
    fn set_token_hash(&self, hash: [u8; 32]) -> Result<(), StoreError>;

    /// Looks the whole store through for damage.
    fn check(&self) -> Result<(), StoreError>;
}
