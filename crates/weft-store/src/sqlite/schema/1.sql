-- Version 1. Instants are milliseconds since 1970 in UTC; bodies are JSON as the types of Weft write it.
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE journal (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE plans (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE moves (
  id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, workload TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX moves_by_workload ON moves (workload, id);
-- SQLite takes this index only for a query with the very same condition.
CREATE INDEX moves_waiting ON moves (state) WHERE state IN ('proposed', 'scheduled');
CREATE TABLE approvals (
  workload TEXT NOT NULL, purpose TEXT NOT NULL, move INTEGER NOT NULL, cost REAL NOT NULL, at INTEGER NOT NULL,
  expires INTEGER NOT NULL, PRIMARY KEY (workload, purpose)
) WITHOUT ROWID;
CREATE TABLE policies (record INTEGER PRIMARY KEY, at INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL);

-- Fresh samples: one row a step, all series in one packed column, and late ones beside them, which count more;
-- then chunks: one row a series and day.
CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE steps (at INTEGER PRIMARY KEY, ids BLOB NOT NULL, body BLOB NOT NULL, censored BLOB);
CREATE TABLE late (
  at INTEGER NOT NULL, series INTEGER NOT NULL, value REAL NOT NULL, censored INTEGER NOT NULL, PRIMARY KEY (at, series)
) WITHOUT ROWID;
CREATE TABLE chunks (
  series INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL, present BLOB, censored BLOB,
  PRIMARY KEY (series, start)
) WITHOUT ROWID;

CREATE TABLE scores (series TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (series, at)) WITHOUT ROWID;
CREATE TABLE events (
  source TEXT NOT NULL, id TEXT NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (ends, begins);
CREATE TABLE alerts (
  fingerprint TEXT NOT NULL, begins INTEGER NOT NULL, ends INTEGER, body TEXT NOT NULL, PRIMARY KEY (fingerprint, begins)
) WITHOUT ROWID;
CREATE INDEX alerts_open ON alerts (begins) WHERE ends IS NULL;
CREATE INDEX alerts_by_time ON alerts (begins);
