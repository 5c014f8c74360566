//! What goes wrong inside: faults do not know the file yet, the edge of the store names it.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// An error before the file is named.
#[derive(Debug)]
pub(crate) enum Fault {
    Database(rusqlite::Error),
    Damaged { expected: &'static str, place: String },
    Refused(StoreError),
}

impl Fault {
    pub(crate) fn damaged(expected: &'static str, place: &str) -> Self {
        Self::Damaged { expected, place: place.to_owned() }
    }

    /// The error for people: with the file that it is about.
    pub(crate) fn of(self, file: &Path) -> StoreError {
        let file = file.to_owned();
        match self {
            Self::Database(source) => StoreError::Database { file, source },
            Self::Damaged { expected, place } => StoreError::Damaged { file, expected, place },
            Self::Refused(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// A value as it is kept in a column of text. What could not be read again is refused before anybody
/// relies on it: JSON has no infinity and writes null instead.
pub(crate) fn written<T: Serialize + DeserializeOwned>(
    value: &T,
    place: &str,
) -> Result<String, Fault> {
    let refused = |source| StoreError::Unwritable { place: place.to_owned(), source };
    let text = serde_json::to_string(value).map_err(refused)?;
    serde_json::from_str::<T>(&text).map_err(refused)?;
    Ok(text)
}

/// A value from a column of text.
pub(crate) fn parsed<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::damaged("a value as it was written", place))
}
