//! The one binary: reads the command line, runs it, and says with its exit code how it went.

use std::process::ExitCode;

fn main() -> ExitCode {
    weft::cli::run()
}
