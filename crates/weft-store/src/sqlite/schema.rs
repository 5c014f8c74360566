//! The schema and its migrations, one transaction each. A migration that was released never changes.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;
use crate::StoreError;

/// Each brings a file from the version of its position to the next.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Brings a file to the newest schema.
pub(super) fn migrate(file: &Path, connection: &mut Connection) -> Result<(), Fault> {
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(StoreError::Newer { file: file.to_owned(), known, found }.into());
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version as u32 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_weft_is_refused() {
        let mut connection = Connection::open_in_memory().expect("opened");
        migrate(Path::new("w.db"), &mut connection).expect("made");
        migrate(Path::new("w.db"), &mut connection).expect("nothing is left to do");
        connection.pragma_update(None, "user_version", 99).expect("set");
        let error = migrate(Path::new("w.db"), &mut connection)
            .expect_err("newer")
            .of(Path::new("w.db"))
            .to_string();
        let known = MIGRATIONS.len();
        let expected =
            format!("w.db: expected a schema of at most version {known}, found version 99");
        assert!(error.starts_with(&expected), "{error}");
    }
}
