//! The processes under test: a simulated fleet, and a loop that can be killed. Both end with their value.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest wait for anything that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

const FLEET: &str = r#"
regions: [{name: eu, energy_price_per_kwh: 0.2}]
zones: [{name: eu-1, region: eu}, {name: eu-2, region: eu}]
hosts:
  - {name: "a-{}", count: 4, zone: eu-1, cores: 16, memory: 128GiB, network: 10Gbit/s, power: {measured: g5}}
  - {name: "b-{}", count: 4, zone: eu-2, cores: 16, memory: 128GiB, network: 10Gbit/s, power: {measured: g5}}
workloads:
  - {name: "shop-{}", count: 32, vcpus: 4, memory: 4GiB, dirty_rate: 20MB/s}
generator: {seed: 3, start: 2026-03-02T00:00:00Z, days: 30}
"#;

const POLICY: &str = "name: rehearsal\nmode: auto\nhorizon: 6h\ncool_down: 10m\n";

/// Writes the files of a loop: one that moves where `config` has something that moves.
pub(crate) fn configured(folder: &Path, config: &str) -> PathBuf {
    let moves = config.contains("[simulated]");
    let policy = if moves { POLICY.to_owned() } else { POLICY.replace("auto", "advise") };
    std::fs::write(folder.join("policy.yaml"), policy).expect("written");
    let file = folder.join("weft.toml");
    let head = "listen = \"127.0.0.1:0\"\npolicy = \"policy.yaml\"\n";
    std::fs::write(&file, format!("{head}{config}")).expect("written");
    file
}

pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ended {
    fn start(command: &mut Command) -> (Self, BufReader<impl Read + use<>>) {
        let command =
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()).env("WEFT_LOG", "error");
        let mut child = command.spawn().expect("the binary starts");
        let out = child.stdout.take().expect("its output is piped");
        (Self(child), BufReader::new(out))
    }
}

pub(crate) fn weft() -> Command {
    Command::new(env!("CARGO_BIN_EXE_weft"))
}

/// The first address in the output that is as wanted.
fn shown_address(out: &mut impl BufRead, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut line = String::new();
    while out.read_line(&mut line).expect("its output is text") > 0 {
        let found =
            line.split_whitespace().find(|word| word.starts_with("http://") && is_wanted(word));
        if let Some(found) = found {
            return found.to_owned();
        }
        line.clear();
    }
    panic!("expected an address in the output, found its end");
}

/// A simulated fleet, as `weft simulate` plays it.
pub(crate) struct Fleet {
    _process: Ended,
    pub(crate) address: String,
}

impl Fleet {
    /// One that runs `speed` times as fast; its files lie in `folder`.
    pub(crate) fn start(folder: &Path, speed: u32) -> Self {
        let file = folder.join("fleet.yaml");
        std::fs::write(&file, FLEET).expect("written");
        let speed = speed.to_string();
        let (process, mut out) = Ended::start(
            weft()
                .args(["simulate", "--listen", "127.0.0.1:0", "--past", "1d", "--speed", &speed])
                .arg("--fleet")
                .arg(file),
        );
        let address = shown_address(&mut out, |_| true);
        Self { _process: process, address }
    }

    /// A configuration of a loop over it.
    pub(crate) fn config(&self) -> String {
        let address = &self.address;
        format!("learn = \"2d\"\n[simulated]\naddress = \"{address}\"\n")
    }

    /// Loses a host, or brings it back.
    pub(crate) fn upset(&self, host: &str, how: &str) {
        let answer = ureq::post(format!("{}/hosts/{host}/{how}", self.address)).send_empty();
        answer.expect("the fleet answers");
    }

    /// What it was told to do.
    pub(crate) fn told(&self) -> Value {
        read(ureq::get(format!("{}/moves", self.address)).call())
    }
}

pub(crate) fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    answer.expect("an answer").body_mut().read_json().expect("JSON")
}

/// A loop, as `weft serve` runs it.
pub(crate) struct Server {
    process: Ended,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Server {
    /// One of this configuration with its store in `folder`; it shows its token at the first start only.
    pub(crate) fn start(folder: &Path, config: &str, token: Option<String>) -> Self {
        let file = configured(folder, config);
        let (process, mut out) = Ended::start(weft().args(["serve", "--config"]).arg(file));
        // The address of the fleet, which is shown too, has no path.
        let place = shown_address(&mut out, |word| word["http://".len()..].contains('/'));
        let (address, path) = place.rsplit_once('/').expect("it has a path");
        let shown = path.split_once("token=").map(|(_, token)| token.to_owned());
        assert_eq!(shown.is_some(), token.is_none(), "the first start shows the token, once");
        let token = shown.or(token).expect("one of the two");
        Self { process, address: address.to_owned(), token }
    }

    /// Kills it after a while, whatever it is doing then.
    pub(crate) fn killed_after(&self, life: Duration) -> JoinHandle<()> {
        let id = self.process.0.id().to_string();
        std::thread::spawn(move || {
            let end = Instant::now() + life;
            while let Some(rest) = end.checked_duration_since(Instant::now()) {
                std::thread::park_timeout(rest);
            }
            let killed = Command::new("kill").args(["-KILL", &id]).status();
            assert!(killed.expect("kill is there").success());
        })
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.process.0.try_wait().expect("it can be asked").is_none()
    }

    /// Kills it in the midst of whatever it is doing.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().expect("it can be killed");
        self.process.0.wait().expect("it ends");
    }

    /// Whether it ends by itself when told so.
    pub(crate) fn stops_gracefully(&mut self) -> bool {
        let id = self.process.0.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("kill is there").success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.0.try_wait().expect("it can be asked") {
                return status.success();
            }
            assert!(Instant::now() < deadline, "expected it to end");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// What the API answers.
    pub(crate) fn get(&self, path: &str) -> Value {
        read(ureq::get(format!("{}/api/v1/{path}", self.address)).call())
    }

    /// What a Prometheus scrapes.
    pub(crate) fn metrics(&self) -> String {
        let answer = ureq::get(format!("{}/metrics", self.address)).call();
        answer.expect("an answer").body_mut().read_to_string().expect("text")
    }

    /// What the API answers, or nothing where it says that there is none.
    pub(crate) fn get_or_missing(&self, path: &str) -> Option<Value> {
        let answer = ureq::get(format!("{}/api/v1/{path}", self.address)).call();
        if matches!(answer, Err(ureq::Error::StatusCode(404))) { None } else { Some(read(answer)) }
    }

    /// Whether a request was acknowledged.
    pub(crate) fn post(&self, path: &str, body: &Value) -> bool {
        let request = ureq::post(format!("{}/api/v1/{path}", self.address))
            .header("Authorization", format!("Bearer {}", self.token));
        request.send_json(body).is_ok()
    }

    /// Whether a request of the owner to take something back was acknowledged.
    pub(crate) fn take_back(&self, path: &str) -> bool {
        let request = ureq::delete(format!("{}/api/v1/{path}", self.address))
            .header("Authorization", format!("Bearer {}", self.token));
        request.call().is_ok()
    }

    /// How a request to take something back was answered.
    pub(crate) fn delete(&self, path: &str, token: &str) -> Result<(), u16> {
        let request = ureq::delete(format!("{}/api/v1/{path}", self.address))
            .header("Authorization", format!("Bearer {token}"));
        match request.call() {
            Ok(_) => Ok(()),
            Err(ureq::Error::StatusCode(status)) => Err(status),
            Err(error) => panic!("expected an answer, found {error}"),
        }
    }

    pub(crate) fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            let ended = self.process.0.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "expected it to run, found {ended:?}");
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}
