//! What this process took, as Linux tells it (proc(5)). Only the standard library: a crate for two
//! numbers would be a debt for nothing.

use std::fs;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

/// The unit of times in `/proc/self/stat`: USER_HZ, 100 on every architecture that Linux still has.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one size took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) workloads: usize,
    pub(crate) hosts: usize,
    pub(crate) moves: u64,
    /// Processor time of all threads, user and system.
    pub(crate) cpu_seconds: f64,
    /// The most memory that was resident at once, in 10^6 bytes.
    pub(crate) peak_megabytes: f64,
}

impl Usage {
    /// In seconds.
    pub(crate) fn cpu_per_workload(&self) -> f64 {
        self.cpu_seconds / self.workloads as f64
    }

    /// In megabytes.
    pub(crate) fn memory_per_workload(&self) -> f64 {
        self.peak_megabytes / self.workloads as f64
    }
}

/// What this process took since it began.
pub(crate) fn of_this_process(workloads: usize, hosts: usize, moves: u64) -> anyhow::Result<Usage> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let cpu_seconds = cpu_seconds(&read("/proc/self/stat")?);
    let peak_megabytes = peak_megabytes(&read("/proc/self/status")?);
    let missing = |what| anyhow!("expected {what} in /proc/self, found none: is this Linux?");
    Ok(Usage {
        workloads,
        hosts,
        moves,
        cpu_seconds: cpu_seconds.ok_or_else(|| missing("utime and stime"))?,
        peak_megabytes: peak_megabytes.ok_or_else(|| missing("VmHWM"))?,
    })
}

/// Fields 14 and 15; the second is a name that may hold blanks and brackets, so counting starts
/// behind its last bracket, with field 3.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(14 - 3).map(str::parse::<f64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

/// The line `VmHWM`, in units of 1,024 bytes.
fn peak_megabytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_a_name_with_brackets() {
        let stat = "77 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("77 (a) S 1"), None);
    }

    #[test]
    fn the_peak_has_its_line() {
        let status = "Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t  125000 kB\n";
        assert_eq!(peak_megabytes(status), Some(128.0));
        assert_eq!(peak_megabytes("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_took_something() {
        let usage = of_this_process(1, 1, 0).expect("tests run on Linux");
        assert!(usage.peak_megabytes > 0.1, "{usage:?}");
    }
}
