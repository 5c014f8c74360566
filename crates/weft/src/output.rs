//! Results on their way out: a page that replaces an old one whole or not at all, and text for a
//! reader who may stop reading.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use crate::cli::Failure;

/// A file that will be written when the work is done. What stood there before stays until then; that
/// it can be written is known before the work begins.
#[derive(Debug)]
pub(crate) struct Page {
    path: PathBuf,
    draft: PathBuf,
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
        let draft = format!(".{}.{}.draft", name.to_string_lossy(), std::process::id());
        let draft = path.with_file_name(draft);
        File::create(&draft)
            .with_context(|| format!("cannot write the report to {}", path.display()))
            .map_err(Failure::Outside)?;
        Ok(Self { path: path.to_owned(), draft })
    }

    /// Puts the page in its place.
    pub(crate) fn finish(self, content: &str) -> Result<(), Failure> {
        fs::write(&self.draft, content)
            .and_then(|()| fs::rename(&self.draft, &self.path))
            .with_context(|| format!("cannot write the report to {}", self.path.display()))
            .map_err(Failure::Outside)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // After `finish` there is nothing to remove, and a draft that cannot be removed harms nobody.
        let _ = fs::remove_file(&self.draft);
    }
}

/// Prints to standard output. A reader who has stopped reading has what they wanted.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = anyhow::Error::new(error).context("cannot write to standard output");
            Err(Failure::Outside(error))
        }
        _ => Ok(()),
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
        assert!(Page::prepare(&page, &[&folder, &page]).is_err(), "an input is not overwritten");
        assert!(Page::prepare(&folder, &[]).is_err(), "a folder is no file");
        assert!(Page::prepare(&folder.join("none/page.html"), &[]).is_err(), "no such folder");
        let left = fs::read_dir(&folder).expect("the folder").count();
        assert_eq!(left, 1, "no draft stays behind");
        fs::remove_dir_all(&folder).expect("the test's own folder");
    }
}
