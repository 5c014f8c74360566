//! Long CSV: `series,timestamp,value[,known covariates…]`, one line a sample, in any order.
//!
//! Timestamps are RFC 3339 or Unix seconds, from 1e11 on milliseconds; an empty value is a gap, never
//! a zero. It must accept any series name: what a name means is decided only where a trace is made of
//! the series.

use std::collections::{BTreeMap, BTreeSet};

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use weft_core::resource::Resource;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use super::bins::Bins;
use super::{KnownAllocation, LARGEST_SECONDS, ReadError, Trace, TraceRow, check_span, text};

/// The first three columns; the names of further ones are the names of covariates.
const COLUMNS: [&str; 3] = ["series", "timestamp", "value"];

/// One series of a file, with what is known beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct LongSeries {
    /// Its name, as in the file.
    pub name: String,
    /// Its values, from its first to its last timestamp; lines without a value at the end are
    /// gaps, so that a file can say how far its covariates are known.
    pub values: Series,
    /// The least value of a line, before any were averaged; infinite where there is none.
    pub least: f64,
    /// The known covariates by name, on the same grid.
    pub covariates: BTreeMap<String, Series>,
}

/// How the instants of a series are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339 with this distance from UTC: `Z`, or as `+02:00`.
    Rfc3339(String),
    /// Seconds since the epoch.
    UnixSeconds,
    /// Milliseconds since the epoch.
    UnixMillis,
}

impl TimeForm {
    /// The form of a text that is an instant.
    fn of(text: &str) -> Self {
        if let Ok(number) = text.parse::<i64>() {
            let is_millis = number as f64 > LARGEST_SECONDS;
            return if is_millis { Self::UnixMillis } else { Self::UnixSeconds };
        }
        let offset = text.len().checked_sub("+00:00".len()).and_then(|from| text.get(from..));
        let offset = offset.filter(|offset| offset.starts_with(['+', '-']));
        Self::Rfc3339(offset.unwrap_or("Z").to_owned())
    }

    /// `at` in this form.
    pub fn written(&self, at: Timestamp) -> String {
        match self {
            Self::UnixSeconds => at.as_millis().div_euclid(1_000).to_string(),
            Self::UnixMillis => at.as_millis().to_string(),
            Self::Rfc3339(offset) => {
                let local = (at + distance(offset)).to_string();
                local
                    .strip_suffix('Z')
                    .map_or_else(|| local.clone(), |text| text.to_owned() + offset)
            }
        }
    }
}

/// How far a clock with this `offset` is ahead of UTC.
fn distance(offset: &str) -> Span {
    let (sign, clock) = match offset.split_at_checked(1) {
        Some(("+", clock)) => (1, clock),
        Some(("-", clock)) => (-1, clock),
        _ => return Span::ZERO,
    };
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().unwrap_or_default());
    let (hours, minutes) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (Span::from_hours(hours) + Span::from_minutes(minutes)) * sign
}

/// One series of a file, its samples at the instants that were written.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledSeries {
    /// Its name, as in the file.
    pub name: String,
    /// How its first line writes its instant.
    pub form: TimeForm,
    /// What was given for each instant; `None` for a gap.
    pub samples: BTreeMap<Timestamp, Option<f64>>,
}

/// A file of series that are on no grid yet.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledCsv {
    /// The distance most often found between two lines of a series, as [`read`] takes it; `None` where no series has two
    /// lines.
    pub usual: Option<Step>,
    /// The names of the known covariates.
    pub covariates: Vec<String>,
    /// The series, in the order in which they first appear.
    pub series: Vec<SampledSeries>,
}

/// A file of series.
#[derive(Debug, Clone, PartialEq)]
pub struct LongCsv {
    /// Distance of two values.
    pub step: Step,
    /// The series, in the order in which they first appear.
    pub series: Vec<LongSeries>,
}

/// Reads a file. Without `step` it is the distance most often found between two lines of a series
/// (the smaller where two are equally often; five minutes where no series has two lines). Samples
/// that fall into one step are averaged.
pub fn read(file: &str, bytes: &[u8], step: Option<Step>) -> Result<LongCsv, ReadError> {
    let (header, series) = gathered(file, bytes, Repeats::Refused)?;
    let step = step.or_else(|| usual_step(&series)).unwrap_or_default();
    let instants = series.iter().flat_map(|raw| raw.values.keys().copied());
    check_span(file, instants, step)?;
    let series = series.into_iter().map(|raw| raw.on_grid(step, &header)).collect();
    Ok(LongCsv { step, series })
}

/// Reads a file and leaves its samples where they are. Of lines with the same series and timestamp the last one counts.
pub fn samples(file: &str, bytes: &[u8]) -> Result<SampledCsv, ReadError> {
    let (header, series) = gathered(file, bytes, Repeats::LastCounts)?;
    let usual = usual_step(&series);
    let covariates = header.iter().skip(COLUMNS.len()).map(str::to_owned).collect();
    let sampled =
        |raw: RawSeries| SampledSeries { name: raw.name, form: raw.form, samples: raw.values };
    Ok(SampledCsv { usual, covariates, series: series.into_iter().map(sampled).collect() })
}

/// What a second line for a series and timestamp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeats {
    Refused,
    LastCounts,
}

/// The header of a file and all its lines by series.
fn gathered(
    file: &str,
    bytes: &[u8],
    repeats: Repeats,
) -> Result<(StringRecord, Vec<RawSeries>), ReadError> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_reader(text(file, bytes)?.as_bytes());
    let header = reader.headers().map_err(|error| broken(file, &error))?.clone();
    check_header(file, &header)?;
    let mut gathered =
        Gathered { repeats, series: Vec::new(), positions: BTreeMap::new(), last: 0 };
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| broken(file, &error))? {
        gathered.add(&Line { file, header: &header, record: &record })?;
    }
    if gathered.series.is_empty() {
        return Err(ReadError::File {
            file: file.to_owned(),
            expected: "a sample a line".to_owned(),
            found: "a header only".to_owned(),
        });
    }
    Ok((header, gathered.series))
}

/// Makes a trace of the series. `name/resource` is a resource of a workload in the resource's
/// unit, and a bare name is the CPU of a workload; a name that is a workload's with something else
/// behind a `/` is an error, as are values below zero. CPU under bare names is taken as a percentage
/// of the allocation where no value exceeds 100, as millicores otherwise: a whole trace that never
/// uses a tenth of a core in one workload is not worth moving.
pub fn trace(file: &str, csv: LongCsv) -> Result<Trace, ReadError> {
    let mut rows: Vec<TraceRow> = Vec::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    let mut percent = true;
    check_names(file, &csv)?;
    for series in csv.series {
        if series.least < 0.0 {
            return Err(ReadError::File {
                file: file.to_owned(),
                expected: "values of at least 0".to_owned(),
                found: format!("{} in `{}`", series.least, series.name),
            });
        }
        let (workload, resource, in_unit) = meaning(&series.name);
        if resource == Resource::Cpu {
            percent &= !in_unit && series.values.iter().flatten().all(|value| value <= 100.0);
        }
        let position = *positions.entry(workload.to_owned()).or_insert(rows.len());
        if position == rows.len() {
            rows.push(TraceRow {
                name: workload.to_owned(),
                series: BTreeMap::new(),
                allocation: KnownAllocation::default(),
            });
        }
        if rows[position].series.insert(resource, series.values).is_some() {
            return Err(ReadError::File {
                file: file.to_owned(),
                expected: format!("one series of {resource} for `{workload}`"),
                found: format!("`{workload}` and `{workload}/{resource}`"),
            });
        }
    }
    Ok(Trace { step: csv.step, start: Trace::earliest(&rows), rows, percent })
}

/// Refuses a slip in the name of a resource, which would make a workload of its own.
fn check_names(file: &str, csv: &LongCsv) -> Result<(), ReadError> {
    let workloads: BTreeSet<&str> = csv.series.iter().map(|s| meaning(&s.name).0).collect();
    let slip = csv.series.iter().find_map(|series| {
        let (workload, suffix) = series.name.rsplit_once('/')?;
        let is_slip = !meaning(&series.name).2 && workloads.contains(workload);
        is_slip.then_some((&series.name, suffix))
    });
    let Some((name, suffix)) = slip else { return Ok(()) };
    let names: Vec<_> = Resource::ALL.into_iter().map(Resource::name).collect();
    Err(ReadError::File {
        file: file.to_owned(),
        expected: format!("one of {} behind the `/` of `{name}`", names.join(", ")),
        found: format!("`{suffix}`"),
    })
}

/// The workload and resource that a name means, and whether it says so itself.
fn meaning(name: &str) -> (&str, Resource, bool) {
    let named = name.rsplit_once('/').and_then(|(workload, suffix)| {
        let resource = Resource::ALL.into_iter().find(|resource| resource.name() == suffix)?;
        Some((workload, resource, true))
    });
    named.unwrap_or((name, Resource::Cpu, false))
}

fn broken(file: &str, error: &csv::Error) -> ReadError {
    ReadError::File {
        file: file.to_owned(),
        expected: "fields separated by `,`".to_owned(),
        found: error.to_string(),
    }
}

fn check_header(file: &str, header: &StringRecord) -> Result<(), ReadError> {
    if header.iter().zip(COLUMNS).filter(|(found, wanted)| found == wanted).count() == 3 {
        return Ok(());
    }
    Err(ReadError::File {
        file: file.to_owned(),
        expected: "the header `series,timestamp,value`, covariates after it".to_owned(),
        found: format!("`{}`", header.iter().collect::<Vec<_>>().join(",")),
    })
}

/// The lines of one series, with the covariates by column.
struct RawSeries {
    name: String,
    form: TimeForm,
    /// What was given for each instant; `None` for a gap.
    values: BTreeMap<Timestamp, Option<f64>>,
    covariates: Vec<Bins>,
}

impl RawSeries {
    fn on_grid(self, step: Step, header: &StringRecord) -> LongSeries {
        let start = self.values.keys().next().copied();
        let end = self.values.keys().next_back().copied().unwrap_or_default();
        let mut bins = Bins::default();
        for (at, value) in &self.values {
            if let Some(value) = value {
                bins.add(*at, *value);
            }
        }
        let mut values = bins.series(start, step);
        while values.end() <= end {
            values.push(None, false);
        }
        let names = header.iter().skip(COLUMNS.len()).map(str::to_owned);
        let on_grid = |(name, bins): (String, Bins)| (name, bins.series(start, step));
        let covariates = names.zip(self.covariates).map(on_grid).collect();
        let least = self.values.values().flatten().copied().fold(f64::INFINITY, f64::min);
        LongSeries { name: self.name, values, least, covariates }
    }
}

/// The series so far; lines of one series mostly stand together, so the last one is tried first.
struct Gathered {
    repeats: Repeats,
    series: Vec<RawSeries>,
    positions: BTreeMap<String, usize>,
    last: usize,
}

impl Gathered {
    fn add(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        line.check_shape()?;
        let at = line.timestamp()?;
        let value = line.number(2, "a number, or nothing for a gap")?;
        let covariates = line.header.len() - COLUMNS.len();
        let repeats = self.repeats;
        let series = self.of(line, covariates);
        let is_repeated = series.values.insert(at, value).is_some();
        if is_repeated && repeats == Repeats::Refused {
            let expected = "one line for each series and timestamp";
            return Err(line.wrong(1, expected, line.field(1)));
        }
        for column in 0..covariates {
            let value = line.number(COLUMNS.len() + column, "a number, or nothing")?;
            if let Some(value) = value {
                series.covariates[column].add(at, value);
            }
        }
        Ok(())
    }

    fn of(&mut self, line: &Line<'_>, covariates: usize) -> &mut RawSeries {
        let name = line.field(0);
        if self.series.get(self.last).is_none_or(|series| series.name != name) {
            let next = self.series.len();
            self.last = *self.positions.entry(name.to_owned()).or_insert(next);
            if self.last == next {
                self.series.push(RawSeries {
                    name: name.to_owned(),
                    form: TimeForm::of(line.field(1)),
                    values: BTreeMap::new(),
                    covariates: (0..covariates).map(|_| Bins::default()).collect(),
                });
            }
        }
        &mut self.series[self.last]
    }
}

/// One line with what is needed to complain about it.
struct Line<'a> {
    file: &'a str,
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Line<'_> {
    fn field(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// Refuses a line without a name, and one with more fields than the header: a decimal comma, or a name with commas
    /// and no quotes, would pass for something else.
    fn check_shape(&self) -> Result<(), ReadError> {
        if self.record.len() > self.header.len() {
            let found = self.record.iter().collect::<Vec<_>>().join(",");
            return Err(self.wrong(0, "as many fields as the header has", &found));
        }
        if self.field(0).is_empty() {
            return Err(self.wrong(0, "a name", ""));
        }
        Ok(())
    }

    fn timestamp(&self) -> Result<Timestamp, ReadError> {
        let text = self.field(1);
        let expected = "a timestamp in RFC 3339, Unix seconds or milliseconds, from 1970 to 5138";
        let at = match text.parse::<i64>() {
            Ok(number) if number as f64 > LARGEST_SECONDS => Ok(Timestamp::from_millis(number)),
            _ => text.parse(),
        };
        let is_likely = |at: &Timestamp| {
            *at >= Timestamp::default() && *at <= Timestamp::from_seconds(LARGEST_SECONDS as i64)
        };
        at.ok().filter(is_likely).ok_or_else(|| self.wrong(1, expected, text))
    }

    fn number(&self, column: usize, expected: &'static str) -> Result<Option<f64>, ReadError> {
        let Some(text) = self.record.get(column) else {
            return Err(self.wrong(column, expected, "no such field"));
        };
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            // Series are of f32: what is no finite number there would become a gap.
            Ok(value) if (value as f32).is_finite() => Ok(Some(value)),
            _ => Err(self.wrong(column, expected, text)),
        }
    }

    fn wrong(&self, column: usize, expected: &'static str, found: &str) -> ReadError {
        ReadError::Field {
            file: self.file.to_owned(),
            line: self.record.position().map_or(0, Position::line),
            field: self.header.get(column).unwrap_or_default().to_owned(),
            expected,
            found: found.to_owned(),
        }
    }
}

/// Distances are compared in whole seconds: clocks that write fractions of them jitter.
fn usual_step(series: &[RawSeries]) -> Option<Step> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for raw in series {
        for (earlier, later) in raw.values.keys().zip(raw.values.keys().skip(1)) {
            let seconds = (*later - *earlier).as_seconds_f64().round() as i64;
            *counts.entry(seconds.max(1)).or_default() += 1;
        }
    }
    let usual = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    usual.and_then(|(seconds, _)| Step::new(Span::from_seconds(seconds)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(series: &Series) -> Vec<Option<f32>> {
        series.iter().collect()
    }

    #[test]
    fn both_forms_of_time_any_order_and_gaps() {
        let text = "series,timestamp,value,holiday\n\
                    web,2024-01-01T00:10:00Z,3,0\n\
                    \"db, main\",1704067200,7,1\n\
                    web,1704067200,1,0\n\
                    web,1704067500,,1\n\
                    web,1704068100,,1\n";
        let csv = read("a.csv", text.as_bytes(), None).expect("a clean file");
        assert_eq!(csv.step, Step::FIVE_MINUTES);
        let names: Vec<_> = csv.series.iter().map(|series| &*series.name).collect();
        assert_eq!(names, ["web", "db, main"]);
        let web = &csv.series[0];
        assert_eq!(values(&web.values), [Some(1.0), None, Some(3.0), None]);
        let holiday = values(&web.covariates["holiday"]);
        assert_eq!(holiday, [Some(0.0), Some(1.0), Some(0.0), Some(1.0)]);
    }

    #[test]
    fn samples_stay_where_they_are_and_the_last_line_counts() {
        let text = "\u{feff}series,timestamp,value\r\n\"a,b\",1000,1\r\n\"a,b\",700,-2.5\r\n\"a,b\",1000,3\r\n\
                    c,2024-01-01T02:00:07+02:00,\r\n";
        let csv = samples("a.csv", text.as_bytes()).expect("a clean file");
        assert_eq!(csv.usual, Some(Step::FIVE_MINUTES));
        let at = Timestamp::from_seconds;
        let first = &csv.series[0];
        assert_eq!((&*first.name, &first.form), ("a,b", &TimeForm::UnixSeconds));
        let expected = [(at(700), Some(-2.5)), (at(1_000), Some(3.0))];
        assert!(first.samples.clone().into_iter().eq(expected), "{:?}", first.samples);
        assert_eq!(csv.series[1].samples.values().next(), Some(&None), "a gap");
    }

    #[test]
    fn instants_are_written_as_they_were_read() {
        for text in [
            "1704067200",
            "1704067200000",
            "2024-01-01T00:05:00Z",
            "2024-01-01T02:05:00+02:00",
            "2023-12-31T18:35:00-05:30",
            "2024-01-01T00:05:00.25+00:00",
        ] {
            let csv = format!("series,timestamp,value\na,{text},1\n");
            let csv = samples("a.csv", csv.as_bytes()).expect("a clean file");
            let at = csv.series[0].samples.keys().next().copied().expect("a sample");
            assert_eq!(csv.series[0].form.written(at), text);
        }
    }

    #[test]
    fn a_coarser_step_averages() {
        let text = "series,timestamp,value\na,0,1\na,300,3\na,3600,5\n";
        let hour = Step::new(Span::from_hours(1)).ok();
        let csv = read("a.csv", text.as_bytes(), hour).expect("a clean file");
        assert_eq!(values(&csv.series[0].values), [Some(2.0), Some(5.0)]);
    }

    #[test]
    fn names_decide_workload_resource_and_unit() {
        let check = |lines: &str, percent: bool, resources: &[(&str, &[Resource])]| {
            let text = format!("series,timestamp,value\n{lines}");
            let csv = read("a.csv", text.as_bytes(), None).expect("a clean file");
            let trace = trace("a.csv", csv).expect("one series for each resource");
            let found: Vec<(&str, Vec<Resource>)> = trace
                .rows
                .iter()
                .map(|row| (&*row.name, row.series.keys().copied().collect()))
                .collect();
            let wanted: Vec<_> = resources.iter().map(|(n, r)| (*n, r.to_vec())).collect();
            assert_eq!((found, trace.percent), (wanted, percent), "{lines}");
        };
        let cpu: &[Resource] = &[Resource::Cpu];
        check("a,0,5\nb,0,100\n", true, &[("a", cpu), ("b", cpu)]);
        check("a,0,5\nb,0,101\n", false, &[("a", cpu), ("b", cpu)]);
        check("a/cpu,0,5\n", false, &[("a", cpu)]);
        let both = &[Resource::Cpu, Resource::Memory];
        check("n/a/memory,0,5\nn/a,0,6\n", true, &[("n/a", both)]);
    }

    #[test]
    fn a_dirty_file_is_answered_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = read("a.csv", text.as_bytes(), None)
                .and_then(|csv| trace("a.csv", csv))
                .expect_err(expected);
            assert_eq!(error.to_string(), expected);
        };
        check(
            "time,value\n1,2\n",
            "a.csv: expected the header `series,timestamp,value`, covariates after it, found \
             `time,value`",
        );
        let head = "series,timestamp,value,sale\n";
        check(head, "a.csv: expected a sample a line, found a header only");
        check(
            &format!("{head}a,1,2,0\na,soon,2,0\n"),
            "a.csv, line 3, timestamp: expected a timestamp in RFC 3339, Unix seconds or \
             milliseconds, from 1970 to 5138, found `soon`",
        );
        check(
            &format!("{head}a,1,much,0\n"),
            "a.csv, line 2, value: expected a number, or nothing for a gap, found `much`",
        );
        check(
            &format!("{head}a,1,inf,0\n"),
            "a.csv, line 2, value: expected a number, or nothing for a gap, found `inf`",
        );
        check(
            &format!("{head}a,1,1e39,0\n"),
            "a.csv, line 2, value: expected a number, or nothing for a gap, found `1e39`",
        );
        check(
            &format!("{head}a,1,2,0\n,2,2,0\n"),
            "a.csv, line 3, series: expected a name, found ``",
        );
        check(
            "series,timestamp,value\na,1,2,5\n",
            "a.csv, line 2, series: expected as many fields as the header has, found `a,1,2,5`",
        );
        check(
            &format!("{head}a,1,2\n"),
            "a.csv, line 2, sale: expected a number, or nothing, found `no such field`",
        );
        check(
            &format!("{head}a,1,2,0\na,1,3,0\n"),
            "a.csv, line 3, timestamp: expected one line for each series and timestamp, found `1`",
        );
        check(
            "series,timestamp,value\na,1,2\na/cpu,1,2\n",
            "a.csv: expected one series of cpu for `a`, found `a` and `a/cpu`",
        );
    }
}
