//! Results on their way out: a page that replaces an old one whole or not at all, and text for a
//! reader who may stop reading.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;

use crate::cli::Failure;

/// A file that will be written when the work is done. What stood there before stays until then; that
/// it can be written is known before the work begins.
#[derive(Debug)]
pub(crate) struct Page {
    path: PathBuf,
    /// Where the page stands until it is done; none for a device or a pipe, which is written as it is.
    draft: Option<PathBuf>,
}

impl Page {
    /// Prepares to write `path`, which must be none of the `inputs`.
    pub(crate) fn prepare(path: &Path, inputs: &[&Path]) -> Result<Self, Failure> {
        let same = |input: &Path| fs::canonicalize(input).ok() == fs::canonicalize(path).ok();
        if path.exists() && inputs.iter().any(|input| same(input)) {
            let found = path.display();
            let error = anyhow!("--html: expected a file of its own, found the input {found}");
            return Err(Failure::Input(error));
        }
        let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
            let found = path.display();
            return Err(Failure::Input(anyhow!(
                "--html: expected a file, found the folder {found}"
            )));
        };
        if path.exists() && !path.is_file() {
            return Ok(Self { path: path.to_owned(), draft: None });
        }
        let draft = format!(".{}.{}.draft", name.to_string_lossy(), std::process::id());
        // A link stays a link: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let draft = path.with_file_name(draft);
        File::create(&draft)
            .with_context(|| format!("cannot write the report to {}", path.display()))
            .map_err(Failure::Outside)?;
        Ok(Self { path, draft: Some(draft) })
    }

    /// Puts the page in its place.
    pub(crate) fn finish(self, content: &str) -> Result<(), Failure> {
        let written = match &self.draft {
            Some(draft) => fs::write(draft, content).and_then(|()| fs::rename(draft, &self.path)),
            None => fs::write(&self.path, content),
        };
        written
            .with_context(|| format!("cannot write the report to {}", self.path.display()))
            .map_err(Failure::Outside)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            // After `finish` there is nothing to remove, and a draft that stays harms nobody.
            let _ = fs::remove_file(draft);
        }
    }
}

/// Prints to standard output. A reader who has stopped reading has what they wanted.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader who has stopped reading is no error.
fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = anyhow::Error::new(error).context("cannot write to standard output");
            Err(Failure::Outside(error))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json =
        serde_json::to_string_pretty(value).map_err(|error| Failure::Outside(error.into()))?;
    print(&format!("{json}\n"))
}

/// Prints rows as CSV, with quotes where a field needs them.
pub(crate) fn print_csv(
    header: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(io::stdout().lock());
    let mut written = writer.write_record(header);
    for row in rows {
        written = written.and_then(|()| writer.write_record(row));
        if written.is_err() {
            break;
        }
    }
    let written = written.map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    });
    printed(written.and_then(|()| writer.flush()))
}

/// Says how far the work is to a person who watches, and nothing in a pipe.
pub(crate) fn tell(what: &str) {
    if io::stderr().is_terminal() {
        eprintln!("{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_replaces_the_old_one_when_it_is_done_and_never_an_input() {
        let folder = std::env::temp_dir().join(format!("weft-output-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let page = folder.join("page.html");
        fs::write(&page, "old").expect("the old page");
        let says = |path: &Path| fs::read_to_string(path).expect("a page");

        drop(Page::prepare(&page, &[]).expect("it can be written"));
        assert_eq!(says(&page), "old", "work that was not done leaves it alone");
        Page::prepare(&page, &[]).expect("as before").finish("new").expect("it is written");
        assert_eq!(says(&page), "new");
        let link = folder.join("link.html");
        std::os::unix::fs::symlink(&page, &link).expect("a link");
        Page::prepare(&link, &[]).expect("as before").finish("newer").expect("it is written");
        assert_eq!(says(&page), "newer", "a link leads to the page still");
        fs::remove_file(&link).expect("it is a link");
        let sink = Page::prepare(Path::new("/dev/null"), &[]).expect("a device takes anything");
        assert!(sink.draft.is_none(), "a device is never replaced");
        sink.finish("gone").expect("it is written");
        assert!(Page::prepare(&page, &[&folder, &page]).is_err(), "an input is not overwritten");
        assert!(Page::prepare(&folder, &[]).is_err(), "a folder is no file");
        assert!(Page::prepare(&folder.join("none/page.html"), &[]).is_err(), "no such folder");
        let left = fs::read_dir(&folder).expect("the folder").count();
        assert_eq!(left, 1, "no draft stays behind");
        fs::remove_dir_all(&folder).expect("the test's own folder");
    }
}
