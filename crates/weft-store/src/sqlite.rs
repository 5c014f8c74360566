//! The store in one SQLite file. Write-ahead logging with a sync at every commit: what returned is
//! durable. One connection writes; others read beside it, so that no reader waits for a writer.

mod journal;
mod lists;
mod samples;
mod schema;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_control::record::Entry;
use weft_core::event::Event;
use weft_core::id::{MoveId, PlanId, RecordId};
use weft_core::plan::Plan;
use weft_core::policy::Window;
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::{Step, Timestamp};

use crate::alert::Alert;
use crate::kept::{KeptMove, ScoreLine};
use crate::{Store, StoreError};
use samples::Fresh;

/// Connections that read side by side.
const READERS: usize = 3;

/// The store in one SQLite file. See [`Store`].
#[derive(Debug)]
pub struct SqliteStore {
    writer: Mutex<Connection>,
    /// None for a store in memory, where the writer reads too.
    readers: Vec<Mutex<Connection>>,
    /// The steps that are not in chunks yet, as columns.
    fresh: RwLock<Fresh>,
    step: Step,
    /// Held as long as the store is open: the lock of its process.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the store in `path`, made if it is not there, for samples every `step`. Errs where another
    /// process has it, a newer Weft wrote it, or its samples have another step.
    pub fn open(path: &Path, step: Step) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let mut writer = Connection::open(path)?;
        configure(&writer)?;
        schema::migrate(path, &mut writer)?;
        let readers = (0..READERS).map(|_| {
            let reader = Connection::open(path)?;
            configure(&reader)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(Mutex::new(reader))
        });
        let readers = readers.collect::<Result<_, StoreError>>()?;
        Self::over(writer, readers, step, Some(lock))
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory(step: Step) -> Result<Self, StoreError> {
        let mut writer = Connection::open_in_memory()?;
        schema::migrate(Path::new(":memory:"), &mut writer)?;
        Self::over(writer, Vec::new(), step, None)
    }

    fn over(
        writer: Connection,
        readers: Vec<Mutex<Connection>>,
        step: Step,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        samples::keep_step(&writer, step)?;
        let fresh = RwLock::new(Fresh::load(&writer, step)?);
        Ok(Self { writer: Mutex::new(writer), readers, fresh, step, _lock: lock })
    }

    fn write(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held left no half transaction: SQLite rolls it back.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> MutexGuard<'_, Connection> {
        let free = self.readers.iter().find_map(|reader| reader.try_lock().ok());
        match (free, self.readers.first()) {
            (Some(free), _) => free,
            (None, Some(first)) => first.lock().unwrap_or_else(PoisonError::into_inner),
            (None, None) => self.write(),
        }
    }
}

/// Keeps every other process from this file.
fn lock(path: &Path) -> Result<File, StoreError> {
    let at = |source| StoreError::File { file: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(at)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::create(PathBuf::from(name)).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(at(source)),
    }
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Pages that nobody uses go back at once when old samples are forgotten.
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(())
}

/// A value as it is kept in a column of text.
fn written<T: Serialize>(value: &T, place: &str) -> Result<String, StoreError> {
    let damaged = |_| StoreError::Damaged {
        expected: "a value that can be written",
        place: place.to_owned(),
    };
    serde_json::to_string(value).map_err(damaged)
}

/// A value from a column of text.
fn parsed<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, StoreError> {
    let damaged =
        |_| StoreError::Damaged { expected: "a value as it was written", place: place.to_owned() };
    serde_json::from_str(text).map_err(damaged)
}

impl Store for SqliteStore {
    fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        journal::append(&mut self.write(), entries)
    }

    fn journal(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        journal::after(&self.read(), after, limit)
    }

    fn newest_entries(
        &self,
        limit: usize,
        before: Option<RecordId>,
    ) -> Result<Vec<Entry>, StoreError> {
        journal::newest(&self.read(), limit, before)
    }

    fn resume_journal(&self) -> Result<Vec<Entry>, StoreError> {
        journal::after(&self.read(), None, usize::MAX)
    }

    fn plan(&self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        journal::plan(&self.read(), id)
    }

    fn plans(&self, before: Option<PlanId>, limit: usize) -> Result<Vec<Plan>, StoreError> {
        journal::plans(&self.read(), before, limit)
    }

    fn moved(&self, id: MoveId) -> Result<Option<KeptMove>, StoreError> {
        journal::moved(&self.read(), id)
    }

    fn moves(&self, before: Option<MoveId>, limit: usize) -> Result<Vec<KeptMove>, StoreError> {
        journal::moves(&self.read(), before, limit)
    }

    fn write_step(&self, at: Timestamp, samples: &[Sample]) -> Result<(), StoreError> {
        samples::write_step(&mut self.write(), &self.fresh, at, samples)
    }

    fn back_fill(&self, key: &SeriesKey, series: &Series) -> Result<(), StoreError> {
        samples::back_fill(&mut self.write(), &self.fresh, self.step, key, series)
    }

    fn history(
        &self,
        key: &SeriesKey,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Series, StoreError> {
        samples::history(&self.read(), &self.fresh, self.step, key, (from, until))
    }

    fn series(&self) -> Result<Vec<SeriesKey>, StoreError> {
        Ok(self.fresh.read().unwrap_or_else(PoisonError::into_inner).keys())
    }

    fn newest_step(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.fresh.read().unwrap_or_else(PoisonError::into_inner).newest())
    }

    fn forget_before(&self, before: Timestamp) -> Result<(), StoreError> {
        samples::forget_before(&mut self.write(), self.step, before)
    }

    fn write_scores(&self, at: Timestamp, scores: &[ScoreLine]) -> Result<(), StoreError> {
        lists::write_scores(&mut self.write(), at, scores)
    }

    fn scores(
        &self,
        key: &SeriesKey,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ScoreLine)>, StoreError> {
        lists::scores(&self.read(), key, limit)
    }

    fn put_events(&self, source: &str, events: &[Event]) -> Result<(), StoreError> {
        lists::put_events(&mut self.write(), source, events)
    }

    fn put_event(&self, source: &str, event: &Event) -> Result<(), StoreError> {
        lists::put_event(&self.write(), source, event)
    }

    fn events(&self, overlapping: Window) -> Result<Vec<(String, Event)>, StoreError> {
        lists::events(&self.read(), overlapping)
    }

    fn put_alert(&self, alert: &Alert) -> Result<(), StoreError> {
        lists::put_alert(&self.write(), alert)
    }

    fn open_alerts(&self) -> Result<Vec<Alert>, StoreError> {
        lists::open_alerts(&self.read())
    }

    fn alerts(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        lists::alerts(&self.read(), before, limit)
    }

    fn token_hash(&self) -> Result<Option<[u8; 32]>, StoreError> {
        lists::token_hash(&self.read())
    }

    fn set_token_hash(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        lists::set_token_hash(&self.write(), hash)
    }

    fn check(&self) -> Result<(), StoreError> {
        let connection = self.read();
        let found: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
        if found == "ok" {
            return Ok(());
        }
        Err(StoreError::Damaged { expected: "a sound database", place: found })
    }
}
