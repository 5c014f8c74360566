//! Bitbrains GWA-T-12: one file a VM, semicolons and tabs, CPU in MHz, memory in KB.
//!
//! Two quirks of the published files are answered here: timestamps are headed `[ms]` and are
//! seconds, and samples do not come at even distances. It must never guess a size: what a file
//! does not hold stays unknown.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord, Trim};
use weft_core::resource::Resource;
use weft_core::time::{Step, Timestamp};

use super::bins::Bins;
use super::{
    KnownAllocation, LARGEST_SECONDS, ReadError, Trace, TraceRow, amount, check_span, text,
};

/// The columns that are read, by their names in the published headers.
const COLUMNS: [&str; 9] = [
    "Timestamp [ms]",
    "CPU cores",
    "CPU capacity provisioned [MHZ]",
    "CPU usage [MHZ]",
    "Memory capacity provisioned [KB]",
    "Disk read throughput [KB/s]",
    "Disk write throughput [KB/s]",
    "Network received throughput [KB/s]",
    "Network transmitted throughput [KB/s]",
];
const MEMORY_USE: &str = "Memory usage [KB]";

/// Sizes come as powers of two in KB (67,108,864 is 64 GiB), so a KB is 1,024 bytes.
const BYTES_PER_KILOBYTE: f64 = 1_024.0;

/// Reads the files of a folder, given as (name, bytes), in the order given. CPU is in millicores,
/// one for each MHz. Several samples in one step are averaged; an empty field is a gap.
pub fn read<N, B>(folder: &str, files: impl IntoIterator<Item = (N, B)>) -> Result<Trace, ReadError>
where
    N: Into<String>,
    B: AsRef<[u8]>,
{
    let rows = files
        .into_iter()
        .map(|(name, bytes)| row(name.into(), bytes.as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Err(ReadError::File {
            file: folder.to_owned(),
            expected: "a folder with one CSV for each workload".to_owned(),
            found: "no file".to_owned(),
        });
    }
    Ok(Trace { step: Step::FIVE_MINUTES, start: Trace::earliest(&rows), rows, percent: false })
}

/// Where the columns stand in one file.
struct Columns {
    positions: [usize; COLUMNS.len()],
    memory_use: Option<usize>,
}

impl Columns {
    fn find(file: &str, header: &StringRecord) -> Result<Self, ReadError> {
        let position = |name: &str| header.iter().position(|found| same_column(found, name));
        let mut positions = [0; COLUMNS.len()];
        for (slot, name) in positions.iter_mut().zip(COLUMNS) {
            *slot = position(name).ok_or_else(|| ReadError::File {
                file: file.to_owned(),
                expected: format!("a header with the column `{name}`, separated by `;`"),
                found: format!("`{}`", header.iter().collect::<Vec<_>>().join(";")),
            })?;
        }
        Ok(Self { positions, memory_use: position(MEMORY_USE) })
    }
}

/// Headers differ in blanks and in the case of units from one folder to the other.
fn same_column(found: &str, name: &str) -> bool {
    let letters = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
    letters(found) == letters(name)
}

fn row(name: String, bytes: &[u8]) -> Result<TraceRow, ReadError> {
    let text = text(&name, bytes)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(b';')
        .trim(Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| broken(&name, &error))?.clone();
    let columns = Columns::find(&name, &header)?;
    let mut samples = Samples::default();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&name, &error))?;
        samples.add(&Line { file: &name, header: &header, record: &record }, &columns)?;
    }
    samples.into_row(name)
}

fn broken(file: &str, error: &csv::Error) -> ReadError {
    ReadError::File {
        file: file.to_owned(),
        expected: "fields separated by `;`".to_owned(),
        found: error.to_string(),
    }
}

/// One line with what is needed to complain about it.
struct Line<'a> {
    file: &'a str,
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Line<'_> {
    /// The amount in a column; `None` where the field is empty.
    fn amount(&self, column: usize) -> Result<Option<f64>, ReadError> {
        let found = self.record.get(column);
        let field = match found {
            Some("") => return Ok(None),
            Some(field) => field,
            None => "no such field",
        };
        match found.and_then(amount) {
            Some(value) => Ok(Some(value)),
            None => Err(ReadError::Field {
                file: self.file.to_owned(),
                line: self.record.position().map_or(0, csv::Position::line),
                field: self.header.get(column).unwrap_or_default().to_owned(),
                expected: "a number of at least 0",
                found: field.to_owned(),
            }),
        }
    }
}

#[derive(Default)]
struct Samples {
    bins: BTreeMap<Resource, Bins>,
    allocation: Largest,
}

/// The largest size seen: a VM that is off is provisioned with 0 for that time, and one that grew
/// must hold what it used later.
#[derive(Default)]
struct Largest {
    cores: f64,
    megahertz: f64,
    memory: f64,
}

impl Samples {
    fn add(&mut self, line: &Line<'_>, columns: &Columns) -> Result<(), ReadError> {
        let mut fields = [None; COLUMNS.len()];
        for (field, column) in fields.iter_mut().zip(columns.positions) {
            *field = line.amount(column)?;
        }
        let [time, cores, capacity, cpu, memory_size, read, written, received, sent] = fields;
        let Some(time) = time else { return Ok(()) };
        let seconds = if time > LARGEST_SECONDS { time / 1_000.0 } else { time };
        let at = Timestamp::from_seconds(seconds as i64);
        let memory = columns.memory_use.map_or(Ok(None), |column| line.amount(column))?;
        self.allocation.cores = self.allocation.cores.max(cores.unwrap_or(0.0));
        self.allocation.megahertz = self.allocation.megahertz.max(capacity.unwrap_or(0.0));
        self.allocation.memory = self.allocation.memory.max(memory_size.unwrap_or(0.0));
        let bytes = |kilobytes: f64| kilobytes * BYTES_PER_KILOBYTE;
        let both = |a: Option<f64>, b: Option<f64>| Some(bytes(a? + b?));
        let values = [
            (Resource::Cpu, cpu),
            (Resource::Memory, memory.map(bytes)),
            (Resource::StorageThroughput, both(read, written)),
            (Resource::Network, both(received, sent)),
        ];
        for (resource, value) in values {
            if let Some(value) = value {
                self.bins.entry(resource).or_default().add(at, value);
            }
        }
        Ok(())
    }

    fn into_row(self, name: String) -> Result<TraceRow, ReadError> {
        if self.bins.values().all(Bins::is_empty) {
            return Err(ReadError::File {
                file: name,
                expected: "a sample a line".to_owned(),
                found: "a header only".to_owned(),
            });
        }
        let instants = self.bins.values().flat_map(Bins::instants);
        check_span(&name, instants, Step::FIVE_MINUTES)?;
        let on_grid =
            |(resource, bins): (_, Bins)| (resource, bins.series(None, Step::FIVE_MINUTES));
        let series = self.bins.into_iter().map(on_grid).collect();
        Ok(TraceRow { name, series, allocation: self.allocation.known() })
    }
}

impl Largest {
    fn known(&self) -> KnownAllocation {
        let cores = (self.cores >= 1.0).then_some(self.cores as u32);
        let speed = cores.map(|cores| (self.megahertz / f64::from(cores)).round() as u32);
        let memory = (self.memory * BYTES_PER_KILOBYTE) as u64;
        KnownAllocation {
            vcpus: cores,
            vcpu_speed_millicores: speed.filter(|speed| *speed > 0),
            memory_bytes: (memory > 0).then_some(memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage \
        [MHZ];\tCPU usage [%];\tMemory capacity provisioned [KB];\tMemory usage [KB];\tDisk read \
        throughput [KB/s];\tDisk write throughput [KB/s];\tNetwork received throughput [KB/s];\t\
        Network transmitted throughput [KB/s]";

    fn read_lines(lines: &str) -> Result<Trace, ReadError> {
        read("fastStorage", [("1.csv", format!("{HEADER}\n{lines}"))])
    }

    #[test]
    fn seconds_under_a_header_of_milliseconds() {
        let lines = "1376314846;\t4;\t11703.99;\t10912.0;\t93.23;\t67108864.0;\t6129274.4;\t0.1;\t\
            19.9;\t0.5;\t1.5\n1376315746;\t4;\t11703.99;\t10890.5;\t93.0;\t67108864.0;\t;\t0;\t0;\t0;\t0\n";
        for text in [lines.to_owned(), lines.replace("1376314846", "1376314846000")] {
            let trace = read_lines(&text).expect("clean lines");
            assert_eq!(trace.start.to_string(), "2013-08-12T13:40:00Z");
            let row = &trace.rows[0];
            let cpu: Vec<_> = row.cpu().expect("cpu").iter().collect();
            assert_eq!(cpu, [Some(10_912.0), None, None, Some(10_890.5)]);
            assert_eq!(row.series[&Resource::StorageThroughput].get(0), Some(20_480.0));
            assert_eq!(row.series[&Resource::Network].get(0), Some(2_048.0));
            assert_eq!(row.series[&Resource::Memory].len(), 1, "an empty field is a gap");
            let known = row.allocation;
            assert_eq!(known.vcpus, Some(4));
            assert_eq!(known.vcpu_speed_millicores, Some(2_926));
            assert_eq!(known.memory_bytes, Some(64 << 30));
        }
    }

    #[test]
    fn uneven_and_unordered_samples_are_averaged_per_step() {
        let line = |second: u64, cpu: f64| format!("{second};1;2000;{cpu};0;1024;0;0;0;0;0\n");
        let text = [line(610, 30.0), line(5, 10.0), line(299, 20.0), line(605, 10.0)].concat();
        let cpu = read_lines(&text).expect("clean lines").rows[0].series[&Resource::Cpu].clone();
        assert_eq!(cpu.iter().collect::<Vec<_>>(), [Some(15.0), None, Some(20.0)]);
    }

    #[test]
    fn a_vm_that_is_off_has_no_size() {
        let known = read_lines("5;0;0;0;0;0;0;0;0;0;0").expect("clean").rows[0].allocation;
        assert_eq!(known, KnownAllocation::default());
    }

    #[test]
    fn a_dirty_file_is_answered_with_its_line() {
        let check = |lines: &str, expected: &str| {
            assert_eq!(read_lines(lines).expect_err(expected).to_string(), expected);
        };
        let good = "5;1;2000;1;0;1024;0;0;0;0;0\n";
        check(
            &format!("{good}305;1;2000;fast;0;1024;0;0;0;0;0"),
            "1.csv, line 3, CPU usage [MHZ]: expected a number of at least 0, found `fast`",
        );
        check(
            &format!("{good}305;1;2000;-1;0;1024;0;0;0;0;0"),
            "1.csv, line 3, CPU usage [MHZ]: expected a number of at least 0, found `-1`",
        );
        check(
            &format!("{good}305;1;2000;1"),
            "1.csv, line 3, Memory capacity provisioned [KB]: expected a number of at least 0, \
             found `no such field`",
        );
        check("", "1.csv: expected a sample a line, found a header only");
        let error = read("x", [("a", "time;cpu\n1;2\n")]).expect_err("another header");
        let expected = "a: expected a header with the column `Timestamp [ms]`, separated by `;`, \
                        found `time;cpu`";
        assert_eq!(error.to_string(), expected);
    }
}
