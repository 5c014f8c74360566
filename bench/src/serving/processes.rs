//! The processes that are measured: a simulated fleet and the loop over it, from their binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(900);

/// A process of `weft`; it ends with its value.
pub(super) struct Weft {
    child: Child,
    /// The address that it shows.
    pub(super) address: String,
    began: Instant,
}

impl Drop for Weft {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Weft {
    /// Starts the `weft` that was built beside this program, and waits for the address that it shows.
    pub(super) fn start(arguments: &[&str], config: &Path) -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("weft");
        let began = Instant::now();
        let mut child = Command::new(&binary)
            .args(arguments)
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut shown = None;
        for line in out.lines() {
            let line = line?;
            // The address of the fleet that is served stands in a sentence; its own stands alone, or last.
            let word = line.split_whitespace().last().unwrap_or_default();
            let is_own = line.starts_with("  http://") || line.starts_with("A simulated fleet");
            if is_own && word.starts_with("http://") {
                let bare = word.split("/#").next().unwrap_or(word);
                shown = Some(bare.trim_end_matches('/').to_owned());
                break;
            }
        }
        let address = shown.ok_or_else(|| anyhow!("expected an address, found none"))?;
        Ok(Self { child, address, began })
    }

    /// The seconds from its start until `path` is answered.
    pub(super) fn answers(&self, agent: &ureq::Agent, path: &str) -> anyhow::Result<f64> {
        while agent.get(format!("{}{path}", self.address)).call().is_err() {
            if self.began.elapsed() > PATIENCE {
                return Err(anyhow!("expected {path} to be answered, found that it is not"));
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(self.began.elapsed().as_secs_f64())
    }

    /// Its resident memory in GiB: now, and the most so far.
    pub(super) fn resident(&self) -> anyhow::Result<(f64, f64)> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let kibibytes = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            let number = number.and_then(|number| number.parse::<f64>().ok());
            number.ok_or_else(|| anyhow!("expected {key} in {path}, found none"))
        };
        let gibibytes = f64::from(1 << 20);
        Ok((kibibytes("VmRSS:")? / gibibytes, kibibytes("VmHWM:")? / gibibytes))
    }
}
