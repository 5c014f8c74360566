//! The log: lines on stderr, so that results have stdout for themselves. It must never hold a token or another secret.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Logs from now on: what `WEFT_LOG` says, or `usual` where it says nothing that makes sense.
pub(crate) fn begin(usual: &str) {
    let filter = EnvFilter::try_from_env("WEFT_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
