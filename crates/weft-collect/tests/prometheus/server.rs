//! A real Prometheus that holds a text of metrics, for as long as its value lives.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weft_collect::fetch::FetchSettings;
use weft_collect::prometheus::Client;

/// A running Prometheus; it ends with the value, and its data with it.
pub(crate) struct Prometheus {
    child: Child,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// One that holds `text`.
    pub(crate) fn holding(text: &str) -> Self {
        // The port is free now; should another take it, Prometheus ends and the poll says so.
        Self::holding_at(text, free_port())
    }

    /// One that holds `text` and listens on this port.
    pub(crate) fn holding_at(text: &str, port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name| folder.path().join(name);
        std::fs::write(path("metrics.txt"), text).expect("written");
        std::fs::write(path("prometheus.yml"), "global: {}\n").expect("written");
        back_fill(&path("metrics.txt"), &path("data"));
        let child = started(
            Command::new("prometheus")
                .arg(format!("--config.file={}", path("prometheus.yml").display()))
                .arg(format!("--storage.tsdb.path={}", path("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--storage.tsdb.retention.time=10y", "--log.level=error"]),
        );
        let url = format!("http://127.0.0.1:{port}");
        let mut prometheus = Self { child, url, _folder: folder };
        prometheus.wait_until_ready();
        prometheus
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let fetcher =
            weft_collect::fetch::Fetcher::new(FetchSettings { attempts: 1, ..Client::settings() })
                .expect("sound settings");
        while fetcher.get(&format!("{}/-/ready", self.url)).is_err() {
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "expected Prometheus to run, found that it ended: {ended:?}");
            assert!(Instant::now() < deadline, "expected Prometheus to be ready within a minute");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn started(command: &mut Command) -> Child {
    let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
    child.expect(
        "expected `prometheus` and `promtool` on the PATH, found none: run scripts/setup test",
    )
}

/// One long block instead of one for every two hours: promtool reads all of the text for each.
fn back_fill(text: &Path, data: &Path) {
    let mut command = Command::new("promtool");
    command.args(["tsdb", "create-blocks-from", "--max-block-duration=1000h", "openmetrics"]);
    let status = started(command.arg(text).arg(data)).wait().expect("it ends");
    assert!(status.success(), "expected promtool to take the made-up text, found {status}");
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}
