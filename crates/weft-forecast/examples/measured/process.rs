//! What examples measure of their own process. It stands outside the pure library; no test may depend on it, since it
//! measures the machine too.

use std::io::Write;

/// Ticks of the kernel's clock in a second (`getconf CLK_TCK` on every common Linux).
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time, which others on the machine hardly change.
#[allow(clippy::disallowed_methods, reason = "an example that measures, outside the pure library")]
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells its processes");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("proc(5): utime and stime");
    (ticks(12) + ticks(13)) / CLOCK_TICKS_PER_SECOND
}

/// Prints a line.
#[allow(clippy::disallowed_methods, reason = "an example that measures, outside the pure library")]
pub(crate) fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output is open");
}
