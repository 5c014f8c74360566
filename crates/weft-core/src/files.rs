//! The files that operators write: fleet, policy and events as YAML, read into validated values.
//!
//! Text comes in and values go out; the shell opens files. An error is one sentence with file,
//! line and column. An unknown key must never be ignored: a misspelt budget would be no budget.

pub mod events;
pub mod fleet;
pub mod policy;
pub mod power;
pub mod quantity;

use std::fmt;

use serde::de::DeserializeOwned;
use serde_saphyr::{Location, UserMessageFormatter};
use thiserror::Error;

/// A file that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {sentence}")]
pub struct FileError {
    /// Where.
    pub place: Place,
    /// What was expected and what was found.
    pub sentence: String,
}

/// A place in a file, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Line and column, from 1.
    pub position: Option<(u64, u64)>,
}

impl Place {
    fn new(file: &str, location: Option<Location>) -> Self {
        let position = location.filter(|at| at.line() > 0).map(|at| (at.line(), at.column()));
        Self { file: file.to_owned(), position }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => {
                write!(formatter, "{}, line {line}, column {column}", self.file)
            }
            None => formatter.write_str(&self.file),
        }
    }
}

impl FileError {
    fn new(file: &str, location: Option<Location>, sentence: impl fmt::Display) -> Self {
        Self { place: Place::new(file, location), sentence: sentence.to_string() }
    }
}

/// Reads a document; the parser's own sentences are kept, its source excerpts are not.
fn document<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, FileError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        let sentence = error.without_snippet().render_with_formatter(&UserMessageFormatter);
        let place = location.map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        let sentence = sentence.replace(&place.unwrap_or_default(), "").replace('\n', " ");
        FileError::new(file, location, sentence)
    })
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    #[test]
    fn the_place_is_said_once() {
        let error = document::<u32>("n.yaml", "[1, 2").expect_err("no number").to_string();
        assert_eq!(error.matches("line").count(), 1, "{error}");
    }

    #[test]
    fn the_examples_of_the_reference_are_read() {
        let check = |page: &str, read: &dyn Fn(&str) -> Result<(), FileError>| {
            let examples: Vec<&str> = page.split("```yaml\n").skip(1).collect();
            assert!(!examples.is_empty(), "a page without an example");
            for example in examples {
                let text = example.split("```").next().expect("a fence that ends");
                read(text).expect("every example is valid");
            }
        };
        check(include_str!("../../../docs/reference/fleet.md"), &|text| {
            let file = fleet::read::<IgnoredAny>("fleet.md", text)?;
            assert!(file.topology.hosts().len() > 0, "an example with hosts");
            Ok(())
        });
        check(include_str!("../../../docs/reference/policy.md"), &|text| {
            policy::read("policy.md", text).map(drop)
        });
        check(include_str!("../../../docs/reference/events.md"), &|text| {
            let events = events::read("events.md", text)?;
            assert!(!events.is_empty(), "an example with events");
            Ok(())
        });
    }
}
