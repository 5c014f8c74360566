//! `weft-bench ucr`: clusters of labelled sets. It reads every sktime `.ts` file of a folder and prints the adjusted Rand index with the true
//! number of classes and with the number that Weft chooses. Where a set comes as NAME_TRAIN and NAME_TEST, both together
//! are a row too. Labels are only ever compared with what was found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use weft::cli::Failure;
use weft_forecast::cluster::{Clusters, Count, Profile, adjusted_rand_index};

/// Seeds of the runs whose median is reported.
const SEEDS: [u64; 3] = [1, 2, 3];

/// What was found in one set.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    set: String,
    series: usize,
    classes: usize,
    /// With the true number of classes.
    fixed: f64,
    /// With the number chosen, and that number.
    auto: f64,
    chosen: usize,
    seconds: f64,
}

/// A labelled set.
#[derive(Debug, Clone, Default, PartialEq)]
struct Set {
    series: Vec<Vec<f32>>,
    labels: Vec<String>,
}

/// Prints a row for each set in the folder `ucr` of `data`, in the order of their names.
pub(crate) fn run(data: &Path) -> Result<(), Failure> {
    let sets = sets(&data.join("ucr")).map_err(Failure::Input)?;
    println!("{:<34} series classes  fixed   auto  chosen  seconds", "set");
    for (name, set) in sets {
        let Row { set, series, classes, fixed, auto, chosen, seconds } =
            measure(name, &set).map_err(Failure::Input)?;
        println!(
            "{set:<34} {series:>6} {classes:>7} {fixed:>6.3} {auto:>6.3} {chosen:>7} {seconds:>8.2}"
        );
    }
    Ok(())
}

fn sets(data: &Path) -> anyhow::Result<Vec<(String, Set)>> {
    let folder = data.display();
    let entries = fs::read_dir(data)
        .with_context(|| format!("expected a folder of .ts files, found none at {folder}"))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ts"));
    paths.sort();
    if paths.is_empty() {
        bail!("expected at least one .ts file in {folder}, found none");
    }
    let mut sets: Vec<(String, Set)> = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}.ts"))?;
        sets.push((name.clone(), parse(&text).with_context(|| format!("in {name}.ts"))?));
    }
    let mut joined = joined(&sets);
    sets.append(&mut joined);
    sets.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(sets)
}

/// NAME_TRAIN and NAME_TEST together as NAME.
fn joined(sets: &[(String, Set)]) -> Vec<(String, Set)> {
    let with_test = |(name, train): &(String, Set)| {
        let name = name.strip_suffix("_TRAIN")?;
        let (_, test) = sets.iter().find(|(other, _)| *other == format!("{name}_TEST"))?;
        let mut both = train.clone();
        both.series.extend(test.series.iter().cloned());
        both.labels.extend(test.labels.iter().cloned());
        Some((name.to_owned(), both))
    };
    sets.iter().filter_map(with_test).collect()
}

/// Lines after `@data`: values by commas, dimensions by colons (the first one counts), the label last; `?` is a gap.
fn parse(text: &str) -> anyhow::Result<Set> {
    let mut set = Set::default();
    let lines = text.lines().enumerate();
    let after = lines.skip_while(|(_, line)| !line.trim().eq_ignore_ascii_case("@data")).skip(1);
    for (number, line) in after.filter(|(_, line)| !line.trim().is_empty()) {
        let at = || format!("line {}", number + 1);
        let (dimensions, label) =
            line.rsplit_once(':').with_context(|| format!("{}: expected `values:label`", at()))?;
        let first = dimensions.split(':').next().unwrap_or_default();
        let value = |text: &str| match text.trim() {
            "?" | "NaN" => Ok(f32::NAN),
            text => {
                text.parse().with_context(|| format!("{}: expected a number, found `{text}`", at()))
            }
        };
        set.series.push(first.split(',').map(value).collect::<anyhow::Result<_>>()?);
        set.labels.push(label.trim().to_owned());
    }
    if set.series.is_empty() {
        bail!("expected series after a line `@data`, found none");
    }
    Ok(set)
}

fn measure(name: String, set: &Set) -> anyhow::Result<Row> {
    let began = Instant::now();
    let profiles: Vec<Profile> = set.series.iter().map(|values| Profile::new(values)).collect();
    let mut labels = set.labels.clone();
    labels.sort();
    labels.dedup();
    let (mut fixed, mut auto) = (Vec::new(), Vec::new());
    for seed in SEEDS {
        let found = Clusters::find(&profiles, Count::Fixed(labels.len()), seed)?;
        fixed.push((adjusted_rand_index(found.assignment(), &set.labels), labels.len()));
        let found = Clusters::find(&profiles, Count::Auto, seed)?;
        auto.push((adjusted_rand_index(found.assignment(), &set.labels), found.count()));
    }
    let ((fixed, _), (auto, chosen)) = (median(&mut fixed), median(&mut auto));
    let seconds = began.elapsed().as_secs_f64();
    Ok(Row {
        set: name,
        series: set.series.len(),
        classes: labels.len(),
        fixed,
        auto,
        chosen,
        seconds,
    })
}

fn median(runs: &mut [(f64, usize)]) -> (f64, usize) {
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    runs[runs.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_gaps_and_labels_are_read() {
        let set = parse("# text\n@classLabel true a b\n@data\n1,?,2.5:9,9,9:a\n-1e2,0:b\n")
            .expect("a set");
        assert_eq!(set.labels, ["a", "b"]);
        assert!(set.series[0][1].is_nan());
        assert_eq!((set.series[0][2], &set.series[1]), (2.5, &vec![-100.0, 0.0]));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let sentence = |text: &str| parse(text).expect_err("wrong").to_string();
        assert_eq!(sentence("1,2:a"), "expected series after a line `@data`, found none");
        assert_eq!(sentence("@data\n1,x:a"), "line 2: expected a number, found `x`");
        assert_eq!(sentence("@data\n1,2"), "line 2: expected `values:label`");
    }
}
