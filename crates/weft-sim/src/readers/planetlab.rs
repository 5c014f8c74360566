//! PlanetLab traces: a folder of files, one workload each, one CPU percentage a line, five minutes
//! apart. The order of the files is kept, because the field's set-ups give sizes by it.

use std::collections::BTreeMap;

use weft_core::resource::Resource;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

use super::{KnownAllocation, ReadError, Trace, TraceRow, amount, text};

/// Reads the files of a folder, given as (name, bytes), in the order given.
///
/// An empty line is a gap, empty lines at the end are nothing; files may differ in length. The
/// files carry no time, so `start` says when their first line was taken (see [`day`]).
pub fn read<N, B>(
    folder: &str,
    start: Timestamp,
    files: impl IntoIterator<Item = (N, B)>,
) -> Result<Trace, ReadError>
where
    N: Into<String>,
    B: AsRef<[u8]>,
{
    let rows = files
        .into_iter()
        .map(|(name, bytes)| row(name.into(), start, bytes.as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Err(ReadError::File {
            file: folder.to_owned(),
            expected: "a folder with one file for each workload".to_owned(),
            found: "no file".to_owned(),
        });
    }
    let start = Trace::earliest(&rows);
    Ok(Trace { step: Step::FIVE_MINUTES, start, rows, percent: true })
}

/// Midnight (UTC) of the day that names a folder, such as `20110303`; none for any other name.
pub fn day(folder: &str) -> Option<Timestamp> {
    if folder.len() != 8 || !folder.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (&folder[..4], &folder[4..6], &folder[6..]);
    format!("{year}-{month}-{day}T00:00:00Z").parse().ok()
}

fn row(name: String, start: Timestamp, bytes: &[u8]) -> Result<TraceRow, ReadError> {
    let mut series = Series::new(start, Step::FIVE_MINUTES);
    for (index, line) in text(&name, bytes)?.trim_end().lines().enumerate() {
        let percentage = percentage(line.trim()).ok_or_else(|| ReadError::Field {
            file: name.clone(),
            line: index as u64 + 1,
            field: "cpu".to_owned(),
            expected: "a percentage from 0 to 100",
            found: line.trim().to_owned(),
        })?;
        series.push(percentage, false);
    }
    if series.is_empty() {
        return Err(ReadError::File {
            file: name,
            expected: "one percentage a line".to_owned(),
            found: "an empty file".to_owned(),
        });
    }
    let series = BTreeMap::from([(Resource::Cpu, series)]);
    Ok(TraceRow { name, series, allocation: KnownAllocation::default() })
}

/// `Some(None)` is a gap, `None` is no percentage.
fn percentage(line: &str) -> Option<Option<f32>> {
    if line.is_empty() {
        return Some(None);
    }
    amount(line).filter(|value| *value <= 100.0).map(|value| Some(value as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_rows_in_its_order() {
        let files = [("b", "1\n\n 3\r\n\n"), ("a", "100\n0")];
        let start = day("20110303").expect("a day");
        let trace = read("20110303", start, files).expect("clean files");
        assert_eq!(trace.start.to_string(), "2011-03-03T00:00:00Z");
        assert!(trace.percent);
        assert_eq!(trace.steps(), 3);
        assert_eq!(trace.rows.iter().map(|row| &*row.name).collect::<Vec<_>>(), ["b", "a"]);
        let values: Vec<_> = trace.rows[0].cpu().expect("cpu").iter().collect();
        assert_eq!(values, [Some(1.0), None, Some(3.0)]);
    }

    #[test]
    fn a_dirty_file_is_answered_with_its_line() {
        let check = |bytes: &[u8], expected: &str| {
            let error = read("day", Timestamp::default(), [("vm", bytes)]).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        };
        let wanted = "expected a percentage from 0 to 100";
        check(b"1\nx\n", &format!("vm, line 2, cpu: {wanted}, found `x`"));
        check(b"101", &format!("vm, line 1, cpu: {wanted}, found `101`"));
        check(b"1\n2\n-3", &format!("vm, line 3, cpu: {wanted}, found `-3`"));
        check(b"NaN", &format!("vm, line 1, cpu: {wanted}, found `NaN`"));
        check(b"\n\n", "vm: expected one percentage a line, found an empty file");
        check(b"1\n\xff", "vm, line 2, text: expected UTF-8, found `byte 0xff`");
        let none: [(&str, &str); 0] = [];
        let error = read("day", Timestamp::default(), none).expect_err("nothing to read");
        let expected = "day: expected a folder with one file for each workload, found no file";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn only_a_date_is_a_day() {
        assert!(
            day("20110230").is_none() && day("2011-303").is_none() && day("planets1").is_none()
        );
    }
}
