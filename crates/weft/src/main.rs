//! The one binary: reads the command line, runs it, and says with its exit code how it went.

fn main() -> std::process::ExitCode {
    weft::cli::run()
}
