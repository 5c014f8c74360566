//! The real data: where its files lie and how they are unpacked. What is missing is answered in one
//! sentence; nothing is ever written into the data's folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use weft::cli::Failure;
use weft_sim::readers::{Trace, planetlab};

/// The days of PlanetLab that results are reported on.
pub(crate) const DAYS: [&str; 2] = ["20110303", "20110306"];

/// The Azure machines, relative to the data's folder.
pub(crate) const AZURE: &str = "azure/microsoft_avg_100.csv.gz";

/// Whether everything is there that all commands together read.
pub(crate) fn check(data: &Path) -> Result<(), Failure> {
    for day in DAYS {
        archive(data, day)?;
    }
    file(data, AZURE).map(|_| ())
}

pub(crate) fn input(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Input(error.into())
}

/// A file of the data, or a sentence on where it was expected.
pub(crate) fn file(data: &Path, name: &str) -> Result<PathBuf, Failure> {
    if !data.is_dir() {
        let sentence = "expected the folder of the real data (--data DIR), found none at";
        return Err(input(anyhow!("{sentence} {}", data.display())));
    }
    let path = data.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(input(anyhow!("expected the file {name} in {}, found none", data.display())))
}

/// The archive of a day, or a sentence on the days that there are.
pub(crate) fn archive(data: &Path, day: &str) -> Result<PathBuf, Failure> {
    let name = format!("planetlab/{day}.tar.gz");
    if planetlab::day(day).is_some() && data.join(&name).is_file() {
        return Ok(data.join(name));
    }
    file(data, "planetlab/20110303.tar.gz")?; // says so where the whole folder is missing
    let folder = data.join("planetlab");
    let known = known_days(&folder).join(", ");
    let folder = folder.display();
    Err(input(anyhow!(
        "expected one of the days {known}, whose archives are in {folder}, found `{day}`"
    )))
}

fn known_days(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut days: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(".tar.gz")?.to_owned())).collect();
    days.sort();
    days
}

/// A day of PlanetLab, its files in the order in which the archive unpacks: CloudSim took them so.
pub(crate) fn planetlab_day(data: &Path, day: &str) -> Result<Trace, Failure> {
    let archive = archive(data, day)?;
    let unpacked = Unpacked::new(&archive, day)?;
    let listing = output("tar", &["-tzf".as_ref(), archive.as_os_str()])?;
    let names = listing.lines().filter(|name| !name.ends_with('/'));
    let files = names.map(|name| {
        let bytes = fs::read(unpacked.0.join(name));
        let bytes = bytes.with_context(|| format!("cannot read {name} of {}", archive.display()));
        let name = name.rsplit('/').next().unwrap_or(name);
        Ok((name.to_owned(), bytes.map_err(Failure::Outside)?))
    });
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    let start = planetlab::day(day).unwrap_or_default();
    planetlab::read(day, start, files).map_err(input)
}

/// The text of a compressed file.
pub(crate) fn gunzipped(path: &Path) -> Result<String, Failure> {
    output("gzip", &["-dc".as_ref(), path.as_os_str()])
}

/// What a program prints.
fn output(program: &str, arguments: &[&OsStr]) -> Result<String, Failure> {
    let printed = || {
        let output = Command::new(program)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("expected the program {program}, found none that runs"))?;
        if !output.status.success() {
            let file = arguments.last().copied().unwrap_or_default().display();
            return Err(anyhow!("{program} cannot read {file}: {}", output.status));
        }
        String::from_utf8(output.stdout).with_context(|| format!("{program} printed no UTF-8"))
    };
    printed().map_err(Failure::Outside)
}

/// An archive unpacked into a temporary folder of this process, which goes with the value.
struct Unpacked(PathBuf);

impl Unpacked {
    fn new(archive: &Path, name: &str) -> Result<Self, Failure> {
        let folder = format!("weft-bench-{}-{name}", std::process::id());
        let unpacked = Self(std::env::temp_dir().join(folder));
        fs::create_dir_all(&unpacked.0)
            .with_context(|| format!("cannot make the folder {}", unpacked.0.display()))
            .map_err(Failure::Outside)?;
        let into = unpacked.0.as_os_str();
        output("tar", &["-C".as_ref(), into, "-xzf".as_ref(), archive.as_os_str()])?;
        Ok(unpacked)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files, where it harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Input(error)) => error.to_string(),
            Err(Failure::No(error) | Failure::Outside(error)) => {
                panic!("expected a wrong input, found {error}")
            }
            Ok(_) => panic!("expected an error"),
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let nowhere = Path::new("/nowhere/data");
        let expected =
            "expected the folder of the real data (--data DIR), found none at /nowhere/data";
        assert_eq!(sentence(file(nowhere, AZURE)), expected);
        assert_eq!(sentence(planetlab_day(nowhere, "20110303")), expected);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = sentence(file(here, AZURE));
        assert_eq!(found, format!("expected the file {AZURE} in {}, found none", here.display()));
    }
}
