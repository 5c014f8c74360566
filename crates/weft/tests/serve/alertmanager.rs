//! A real Alertmanager that notifies nobody, for as long as its value lives.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::processes::{Ended, PATIENCE, read};

const CONFIG: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";

pub(crate) struct Alertmanager {
    _process: Ended,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Alertmanager {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(&config, CONFIG).expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        // The port is free now; should another take it, Alertmanager ends and the poll says so.
        drop(listener);
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--cluster.listen-address=", "--log.level=error"])
            .stdout(Stdio::null())
            .spawn()
            .expect("expected prometheus-alertmanager on the PATH: run scripts/setup test");
        let mut process = Ended(child);
        let url = format!("http://{address}");
        let deadline = Instant::now() + PATIENCE;
        while ureq::get(format!("{url}/-/ready")).call().is_err() {
            let ended = process.0.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "expected Alertmanager to run, found {ended:?}");
            assert!(Instant::now() < deadline, "expected Alertmanager to be ready");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Self { _process: process, url, _folder: folder }
    }

    /// The alerts of a name that hold there now.
    pub(crate) fn holding(&self, alertname: &str) -> Vec<Value> {
        let url = format!("{}/api/v2/alerts?filter=alertname%3D{alertname}", self.url);
        let Value::Array(found) = read(ureq::get(url).call()) else { panic!("expected a list") };
        found
    }
}
