//! The store in one SQLite file. Write-ahead logging with a sync at every commit: what returned is
//! durable. One connection writes; others read beside it, so that no reader waits for a writer.

mod events;
mod fault;
mod journal;
mod lists;
mod samples;
mod schema;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::Connection;
use weft_control::record::Entry;
use weft_core::event::Signal;
use weft_core::id::{EventId, MoveId, PlanId, RecordId};
use weft_core::plan::Plan;
use weft_core::policy::Window;
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::{Step, Timestamp};

use crate::alert::Alert;
use crate::kept::{Approval, KeptMove, KeptSource, ScoreLine};
use crate::{Store, StoreError};
use fault::Fault;
use samples::Fresh;

/// Connections that read side by side.
const READERS: usize = 3;

/// The store in one SQLite file. See [`Store`].
#[derive(Debug)]
pub struct SqliteStore {
    /// What errors name.
    file: PathBuf,
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
        Self::opened(path, step, lock).map_err(|fault| fault.of(path))
    }

    fn opened(path: &Path, step: Step, lock: File) -> Result<Self, Fault> {
        let mut writer = Connection::open(path)?;
        configure(&writer)?;
        schema::migrate(path, &mut writer)?;
        let readers = (0..READERS).map(|_| {
            let reader = Connection::open(path)?;
            configure(&reader)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(Mutex::new(reader))
        });
        let readers = readers.collect::<Result<_, Fault>>()?;
        Self::over(path, writer, readers, step, Some(lock))
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory(step: Step) -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let made = || {
            let mut writer = Connection::open_in_memory()?;
            schema::migrate(path, &mut writer)?;
            Self::over(path, writer, Vec::new(), step, None)
        };
        made().map_err(|fault: Fault| fault.of(path))
    }

    fn over(
        path: &Path,
        writer: Connection,
        readers: Vec<Mutex<Connection>>,
        step: Step,
        lock: Option<File>,
    ) -> Result<Self, Fault> {
        samples::keep_step(&writer, step)?;
        let fresh = RwLock::new(Fresh::load(&writer, step)?);
        let (file, writer) = (path.to_owned(), Mutex::new(writer));
        Ok(Self { file, writer, readers, fresh, step, _lock: lock })
    }

    /// Runs what writes; errors name the file.
    fn writing<T>(
        &self,
        write: impl FnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        write(&mut self.write()).map_err(|fault| fault.of(&self.file))
    }

    /// Runs what reads; errors name the file.
    fn reading<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        read(&self.read()).map_err(|fault| fault.of(&self.file))
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
    // The same file under another name is the same file.
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = file.into_os_string();
    name.push(".lock");
    let file = File::create(PathBuf::from(name)).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(at(source)),
    }
}

fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Sixteen megabytes a connection: the inner pages of the chunks of a large fleet stay in memory.
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(())
}

impl Store for SqliteStore {
    fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.writing(|store| journal::append(store, entries))
    }

    fn journal(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reading(|store| journal::after(store, after, limit))
    }

    fn newest_entries(
        &self,
        limit: usize,
        before: Option<RecordId>,
    ) -> Result<Vec<Entry>, StoreError> {
        self.reading(|store| journal::newest(store, limit, before))
    }

    fn resume_journal(&self) -> Result<Vec<Entry>, StoreError> {
        self.reading(|store| journal::after(store, None, usize::MAX))
    }

    fn plan(&self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        self.reading(|store| journal::plan(store, id))
    }

    fn plans(&self, before: Option<PlanId>, limit: usize) -> Result<Vec<Plan>, StoreError> {
        self.reading(|store| journal::plans(store, before, limit))
    }

    fn moved(&self, id: MoveId) -> Result<Option<KeptMove>, StoreError> {
        self.reading(|store| journal::moved(store, id))
    }

    fn moves(&self, before: Option<MoveId>, limit: usize) -> Result<Vec<KeptMove>, StoreError> {
        self.reading(|store| journal::moves(store, before, limit))
    }

    fn approvals(&self) -> Result<Vec<Approval>, StoreError> {
        self.reading(journal::approvals)
    }

    fn write_step(&self, at: Timestamp, samples: &[Sample]) -> Result<(), StoreError> {
        self.writing(|store| samples::write_step(store, &self.fresh, at, samples))
    }

    fn back_fill(&self, key: &SeriesKey, series: &Series) -> Result<(), StoreError> {
        self.writing(|store| samples::back_fill(store, &self.fresh, &[(key, series)]))
    }

    fn back_fill_all(&self, series: &[(SeriesKey, Series)]) -> Result<(), StoreError> {
        let all: Vec<_> = series.iter().map(|(key, series)| (key, series)).collect();
        let mut rest = all.as_slice();
        // The writer is free between two batches: a step need not wait for all of them.
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(samples::batch_len(rest));
            self.writing(|store| samples::back_fill(store, &self.fresh, batch))?;
            rest = after;
        }
        Ok(())
    }

    fn compact(&self) -> Result<(), StoreError> {
        // Here too a step may come between two rounds.
        while self.writing(|store| samples::compact(store, &self.fresh))? {}
        Ok(())
    }

    fn history(
        &self,
        key: &SeriesKey,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Series, StoreError> {
        self.reading(|store| samples::history(store, &self.fresh, key, (from, until)))
    }

    fn series(&self) -> Result<Vec<SeriesKey>, StoreError> {
        Ok(self.fresh.read().unwrap_or_else(PoisonError::into_inner).keys())
    }

    fn newest_step(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.fresh.read().unwrap_or_else(PoisonError::into_inner).newest())
    }

    fn forget_before(&self, before: Timestamp) -> Result<(), StoreError> {
        self.writing(|store| samples::forget_before(store, self.step, before))
    }

    fn write_scores(&self, at: Timestamp, scores: &[ScoreLine]) -> Result<(), StoreError> {
        self.writing(|store| lists::write_scores(store, at, scores))
    }

    fn scores(
        &self,
        key: &SeriesKey,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ScoreLine)>, StoreError> {
        self.reading(|store| lists::scores(store, key, limit))
    }

    fn put_events(&self, source: &str, events: &[Signal]) -> Result<(), StoreError> {
        self.writing(|store| events::put_all(store, source, events))
    }

    fn put_event(&self, event: &Signal) -> Result<(), StoreError> {
        self.writing(|store| events::put(store, event))
    }

    fn forget_event(&self, source: &str, id: &EventId) -> Result<bool, StoreError> {
        self.writing(|store| events::forget(store, source, id))
    }

    fn event_count(&self, source: &str) -> Result<usize, StoreError> {
        self.reading(|store| events::count(store, source))
    }

    fn events(&self, overlapping: Window) -> Result<Vec<Signal>, StoreError> {
        self.reading(|store| events::overlapping(store, overlapping))
    }

    fn put_source(&self, source: &KeptSource) -> Result<(), StoreError> {
        self.writing(|store| events::put_source(store, source))
    }

    fn sources(&self) -> Result<Vec<KeptSource>, StoreError> {
        self.reading(events::sources)
    }

    fn keep_sources(&self, names: &[&str]) -> Result<(), StoreError> {
        self.writing(|store| events::keep_sources(store, names))
    }

    fn put_alert(&self, alert: &Alert) -> Result<(), StoreError> {
        self.writing(|store| lists::put_alert(store, alert))
    }

    fn open_alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.reading(lists::open_alerts)
    }

    fn alerts(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        self.reading(|store| lists::alerts(store, before, limit))
    }

    fn token_hash(&self) -> Result<Option<[u8; 32]>, StoreError> {
        self.reading(lists::token_hash)
    }

    fn set_token_hash(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        self.writing(|store| lists::set_token_hash(store, hash))
    }

    fn check(&self) -> Result<(), StoreError> {
        self.reading(|store| {
            let found: String = store.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
            if found == "ok" { Ok(()) } else { Err(Fault::damaged("a sound database", &found)) }
        })
    }
}
