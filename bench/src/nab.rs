//! `weft-bench nab`: the anomaly detector of `weft-forecast` on files of the Numenta Anomaly Benchmark, scored as that
//! benchmark scores (Lavin & Ahmad 2015, section II; the standard profile). The detector sees each file once, sample by
//! sample, and never its windows; only the threshold is chosen on the corpus, one for all files, as the benchmark does
//! for every detector. What that choice flatters is told too: the score at the default threshold, and with a threshold
//! for each file that is chosen on all others.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use weft::cli::Failure;
use weft_core::time::{Span, Step, Timestamp};
use weft_forecast::detect::{Detector, DetectorConfig};

use crate::data;

/// Weights of the standard profile: a window found at its left edge, a false alarm far from any window, a window
/// missed.
const TRUE_POSITIVE: f64 = 1.0;
const FALSE_POSITIVE: f64 = 0.11;
const FALSE_NEGATIVE: f64 = 1.0;
/// The part of each file that is not scored, and the longest file of which all of that part counts.
const PROBATION: f64 = 0.15;
const PROBATION_ROWS: f64 = 5_000.0;

/// What Numenta's own detector got on the files of `realAWSCloudwatch` (its repository, results/numenta, standard
/// profile, one threshold for all 58 files of the corpus): to be printed beside ours.
const NUMENTA: [(&str, f64); 17] = [
    ("ec2_cpu_utilization_24ae8d", 1.386),
    ("ec2_cpu_utilization_53ea38", 1.304),
    ("ec2_cpu_utilization_5f5533", 1.716),
    ("ec2_cpu_utilization_77c1ca", 0.807),
    ("ec2_cpu_utilization_825cc2", 0.956),
    ("ec2_cpu_utilization_ac20cd", 0.876),
    ("ec2_cpu_utilization_c6585a", -0.440),
    ("ec2_cpu_utilization_fe7f93", -1.123),
    ("ec2_disk_write_bytes_1ef3de", 0.812),
    ("ec2_disk_write_bytes_c0d644", 0.501),
    ("ec2_network_in_257a54", 0.855),
    ("ec2_network_in_5abac7", -0.320),
    ("elb_request_count_8c0756", 1.705),
    ("grok_asg_anomaly", 2.090),
    ("iio_us-east-1_i-a2eb1cd9_NetworkIn", -2.110),
    ("rds_cpu_utilization_cc0c53", -0.142),
    ("rds_cpu_utilization_e47b3b", 1.712),
];

/// A file with its windows as rows, first and last inclusive.
struct Labelled {
    name: String,
    rows: Vec<(Timestamp, Option<f64>)>,
    windows: Vec<(usize, usize)>,
}

/// How a file did at the corpus's threshold.
#[derive(Debug, Clone, PartialEq)]
struct FileScore {
    name: String,
    score: f64,
    windows: usize,
    found: usize,
    false_positives: usize,
}

/// How a corpus did.
#[derive(Debug, Clone, PartialEq)]
struct CorpusScore {
    /// Alarms are the rows that score at least this.
    threshold: f64,
    /// 0 for a detector that never alarms, 100 for one that finds each window at its left edge and nothing else.
    normalised: f64,
    files: Vec<FileScore>,
}

/// Prints how the default detector does on all files that nab/windows.json of `data` names.
pub(crate) fn run(data: &Path) -> Result<(), Failure> {
    let windows = data::file(data, "nab/windows.json")?;
    let files = load(windows.parent().unwrap_or(data)).map_err(Failure::Input)?;
    let scored: Vec<Scored> = files.iter().map(|file| Scored::new(file, &detect(file))).collect();
    println!("{}", score_corpus(&scored));
    let default = DetectorConfig::new(Step::FIVE_MINUTES).alarm_score;
    let at_default: Vec<FileScore> = scored.iter().map(|file| file.at(default)).collect();
    println!("normalised {:.1} at the default threshold {default}", normalised(&at_default));
    println!(
        "normalised {:.1} with thresholds of the other files",
        normalised(&by_others(&scored))
    );
    Ok(())
}

/// Reads all files that `data`/windows.json names.
fn load(data: &Path) -> anyhow::Result<Vec<Labelled>> {
    let path = data.join("windows.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let windows: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    windows.iter().map(|(name, spans)| load_file(data, name, spans)).collect()
}

fn load_file(data: &Path, name: &str, spans: &[(String, String)]) -> anyhow::Result<Labelled> {
    let path = data.join(name);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = text.lines().skip(1).enumerate();
    let rows = rows.map(|(row, line)| {
        parse_row(line).with_context(|| format!("{}, line {}", path.display(), row + 2))
    });
    let rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
    let row_of = |text: &str| {
        let at = parse_time(text)?;
        rows.iter().position(|row| row.0 == at).with_context(|| format!("no row at {at} in {name}"))
    };
    let windows = spans.iter().map(|(from, to)| Ok((row_of(from)?, row_of(to)?)));
    let windows = windows.collect::<anyhow::Result<Vec<_>>>()?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Labelled { name: stem, rows, windows })
}

fn parse_row(line: &str) -> anyhow::Result<(Timestamp, Option<f64>)> {
    let Some((at, value)) = line.split_once(',') else {
        bail!("expected a time and a value, found `{line}`");
    };
    let value: f64 =
        value.trim().parse().with_context(|| format!("expected a number, found `{value}`"))?;
    Ok((parse_time(at)?, Some(value).filter(|value| value.is_finite())))
}

fn parse_time(text: &str) -> anyhow::Result<Timestamp> {
    Ok(format!("{}Z", text.trim().replace(' ', "T")).parse()?)
}

/// One pass over the file. The step is what most of its first rows are apart.
fn detect(file: &Labelled) -> Vec<f64> {
    let mut detector = Detector::new(DetectorConfig::new(step_of(file)));
    file.rows.iter().map(|(at, value)| detector.observe(*at, *value).score).collect()
}

fn step_of(file: &Labelled) -> Step {
    let pairs = file.rows.windows(2).take(100);
    let mut apart: Vec<Span> = pairs.map(|pair| pair[1].0 - pair[0].0).collect();
    apart.sort_unstable();
    apart.get(apart.len() / 2).and_then(|span| Step::new(*span).ok()).unwrap_or_default()
}

/// A row that counts: its score, what an alarm there is worth, and the window it is in.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    score: f64,
    worth: f64,
    window: Option<usize>,
}

/// The rows of a file that count, highest score first, and how many windows it has.
struct Scored {
    name: String,
    windows: usize,
    rows: Vec<Row>,
}

impl Scored {
    fn new(file: &Labelled, scores: &[f64]) -> Self {
        let probation = probation_rows(scores.len());
        let row = |(index, score): (usize, &f64)| {
            let (window, worth) = worth(&file.windows, index);
            Row { score: *score, worth, window }
        };
        let mut rows: Vec<Row> = scores.iter().enumerate().skip(probation).map(row).collect();
        rows.sort_by(|left, right| right.score.total_cmp(&left.score));
        Self { name: file.name.clone(), windows: file.windows.len(), rows }
    }

    /// The score where the rows of at least `threshold` are alarms: each window counts once, by its best alarm.
    fn at(&self, threshold: f64) -> FileScore {
        let mut best = vec![-FALSE_NEGATIVE; self.windows];
        let (mut false_alarms, mut false_positives) = (0.0, 0);
        for row in self.rows.iter().take_while(|row| row.score >= threshold) {
            match row.window {
                Some(window) => best[window] = best[window].max(row.worth),
                None => {
                    false_alarms += row.worth;
                    false_positives += 1;
                }
            }
        }
        FileScore {
            name: self.name.clone(),
            score: best.iter().sum::<f64>() + false_alarms,
            windows: self.windows,
            found: best.iter().filter(|worth| **worth > -FALSE_NEGATIVE).count(),
            false_positives,
        }
    }
}

fn probation_rows(rows: usize) -> usize {
    (PROBATION * (rows as f64).min(PROBATION_ROWS)).floor() as usize
}

/// The window that a row is in, and what an alarm there is worth: positive within a window, falling from 1 at its left
/// edge to about 0 at its right, negative after it and the more so the farther (in widths of the window).
fn worth(windows: &[(usize, usize)], row: usize) -> (Option<usize>, f64) {
    if let Some(index) = windows.iter().position(|(first, last)| (*first..=*last).contains(&row)) {
        let (first, last) = windows[index];
        let position = -((last + 1 - row) as f64) / (last + 1 - first) as f64;
        return (Some(index), TRUE_POSITIVE * scaled_sigmoid(position) / scaled_sigmoid(-1.0));
    }
    let before = windows.iter().rfind(|(_, last)| *last < row);
    let position = before.map_or(3.0, |(first, last)| (row - last) as f64 / (last - first) as f64);
    (None, FALSE_POSITIVE * scaled_sigmoid(position))
}

/// 0.987 at −1, 0 at 0, −0.987 at 1, and −1 from 3 on.
fn scaled_sigmoid(position: f64) -> f64 {
    if position >= 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// Chooses the threshold that is best for the whole corpus and scores it there.
fn score_corpus(files: &[Scored]) -> CorpusScore {
    let threshold = best_threshold(&files.iter().collect::<Vec<_>>());
    let at_threshold: Vec<FileScore> = files.iter().map(|file| file.at(threshold)).collect();
    CorpusScore { threshold, normalised: normalised(&at_threshold), files: at_threshold }
}

/// 0 for no alarm at all, 100 for perfect ones.
fn normalised(files: &[FileScore]) -> f64 {
    let windows: usize = files.iter().map(|file| file.windows).sum();
    let null = -FALSE_NEGATIVE * windows as f64;
    let perfect = TRUE_POSITIVE * windows as f64;
    let raw: f64 = files.iter().map(|file| file.score).sum();
    100.0 * (raw - null) / (perfect - null)
}

/// Each file at the threshold that is best for all others.
fn by_others(files: &[Scored]) -> Vec<FileScore> {
    let of_file = |(index, file): (usize, &Scored)| {
        let others = files.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<&Scored> = others.map(|(_, other)| other).collect();
        file.at(best_threshold(&others))
    };
    files.iter().enumerate().map(of_file).collect()
}

/// Lowers the threshold row by row and keeps the sum of worths, so that a corpus costs its sorting.
fn best_threshold(files: &[&Scored]) -> f64 {
    let numbered = files.iter().enumerate();
    let mut rows: Vec<(usize, Row)> = numbered
        .flat_map(|(file, scored)| scored.rows.iter().map(move |row| (file, *row)))
        .collect();
    rows.sort_by(|left, right| right.1.score.total_cmp(&left.1.score));
    let mut found: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let (mut gain, mut best) = (0.0, (0.0, f64::INFINITY));
    for (index, (file, row)) in rows.iter().enumerate() {
        gain += match row.window {
            Some(window) => {
                let known = found.entry((*file, window)).or_insert(-FALSE_NEGATIVE);
                let better = (row.worth - *known).max(0.0);
                *known += better;
                better
            }
            None => row.worth,
        };
        let is_last_of_its_score = rows.get(index + 1).is_none_or(|next| next.1.score < row.score);
        if is_last_of_its_score && gain > best.0 {
            best = (gain, row.score);
        }
    }
    best.1
}

impl fmt::Display for CorpusScore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<36} {:>7} {:>8} {:>6} {:>7}",
            "file", "score", "numenta", "found", "false"
        )?;
        for file in &self.files {
            let published = NUMENTA.iter().find(|(name, _)| *name == file.name);
            let published = published.map_or_else(String::new, |(_, score)| format!("{score:.3}"));
            let found = format!("{}/{}", file.found, file.windows);
            let (name, score, wrong) = (&file.name, file.score, file.false_positives);
            writeln!(formatter, "{name:<36} {score:>7.3} {published:>8} {found:>6} {wrong:>7}")?;
        }
        write!(formatter, "normalised {:.1} at threshold {:.4}", self.normalised, self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of `rows` rows with alarms (score 1) at some, and nothing (score 0) elsewhere.
    fn scored(rows: usize, windows: &[(usize, usize)], alarms: &[usize]) -> Scored {
        let row = |row: usize| (Timestamp::from_seconds(300 * row as i64), Some(0.0));
        let rows: Vec<_> = (0..rows).map(row).collect();
        let scores: Vec<f64> =
            (0..rows.len()).map(|row| f64::from(alarms.contains(&row))).collect();
        Scored::new(&Labelled { name: "made".into(), rows, windows: windows.to_vec() }, &scores)
    }

    #[test]
    fn alarms_are_worth_what_hand_computation_says() {
        let check = |alarms: &[usize], expected: f64| {
            let score = scored(1_000, &[(400, 499)], alarms).at(0.5).score;
            assert!((score - expected).abs() < 1e-4, "{alarms:?}: {score}, not {expected}");
        };
        check(&[], -1.0);
        check(&[400], 1.0);
        // Half-way in: 2/(1 + e^−2.5) − 1 = 0.84828 over 0.98661.
        check(&[450], 0.85979);
        // The last row of the window: 2/(1 + e^−0.05) − 1 = 0.02499 over 0.98661.
        check(&[499], 0.02533);
        // The earliest counts, later ones in the window neither harm nor help.
        check(&[450, 400, 499], 1.0);
        // Before any window a false alarm costs its full weight, also in the sum with the miss.
        check(&[200], -1.11);
        // One row after the window: 5·1/99 in the exponent, −0.02525·0.11; far after it the full weight.
        check(&[400, 500], 1.0 - 0.002777);
        check(&[400, 598], 1.0 - 0.108527);
        check(&[400, 900], 1.0 - 0.11);
        // Rows of the probation are not scored.
        check(&[0, 100, 149, 400], 1.0);
        check(&[150, 400], 0.89);
    }

    #[test]
    fn probation_is_capped_at_that_of_five_thousand_rows() {
        assert_eq!(probation_rows(4_032), 604);
        assert_eq!(probation_rows(1_243), 186);
        assert_eq!(probation_rows(22_695), 750);
    }

    /// Files of Numenta's published results with one alarm, in a window of 403 rows, and no false one: their scores
    /// must be the worth of some row, to all published digits.
    #[test]
    fn published_scores_lie_on_the_curve() {
        for published in [0.875_727_409_493, 0.855_326_299_622] {
            let of_row = |row: usize| worth(&[(1_000, 1_402)], row).1;
            let nearest = (1_000..=1_402).map(|row| (of_row(row) - published).abs());
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            assert!(nearest < 1e-11, "{published} is {nearest} off");
        }
    }

    /// Numenta's published result for the file `iio…NetworkIn`: one false alarm before both windows are missed, −2.11.
    #[test]
    fn a_published_file_scores_as_published() {
        let file = scored(1_243, &[(218, 280), (308, 370)], &[204]);
        assert!((file.at(0.5).score + 2.11).abs() < 1e-12);
    }

    #[test]
    fn a_threshold_of_others_never_saw_the_file() {
        // The only alarm of the first is false: it calls for no threshold. That of the second is right.
        let files = [scored(1_000, &[(400, 499)], &[200]), scored(1_000, &[(400, 499)], &[400])];
        let found: Vec<usize> = by_others(&files).iter().map(|file| file.found).collect();
        assert_eq!(found, [0, 0], "the first takes the threshold of the second, the second none");
    }

    #[test]
    fn one_threshold_serves_all_files_and_is_the_best() {
        let rows = |scores: &[(usize, f64)], windows: &[(usize, usize)]| {
            let mut all = vec![0.0; 1_000];
            scores.iter().for_each(|(row, score)| all[*row] = *score);
            let row = |row: usize| (Timestamp::from_seconds(300 * row as i64), Some(0.0));
            let file = Labelled {
                name: "made".into(),
                rows: (0..1_000).map(row).collect(),
                windows: windows.to_vec(),
            };
            Scored::new(&file, &all)
        };
        // At 0.9: one window found, one missed, one false alarm: 1 − 1 − 0.11. At 0.7 both found, three false alarms.
        let first = rows(&[(400, 0.9), (200, 0.95)], &[(400, 499)]);
        let second = rows(&[(600, 0.7), (300, 0.8), (310, 0.7), (320, 0.1)], &[(600, 699)]);
        let score = score_corpus(&[first, second]);
        assert_eq!(score.threshold, 0.7);
        assert!((score.normalised - 100.0 * (2.0 - 0.33 + 2.0) / 4.0).abs() < 1e-9);
        let quiet = score_corpus(&[scored(1_000, &[(400, 499)], &[])]);
        assert_eq!((quiet.normalised, quiet.files[0].found), (0.0, 0));
    }
}
