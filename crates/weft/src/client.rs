//! The commands that speak to a running Weft: `get`, `describe`, `explain`, `plan`, and what a person decides. They are
//! clients of the REST API and nothing else: what they show, any program can read.

mod columns;
mod decide;
mod describe;
mod get;

use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::Value;

use crate::cli::{Connection, Failure, Format};
use crate::output;

pub(crate) use decide::{Decision, decide};
pub(crate) use describe::{describe, explain, plan};
pub(crate) use get::get;

/// The longest wait for an answer: what is asked is durable by then, or something is wrong.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is taken.
const BODY_LIMIT_BYTES: u64 = 256 << 20;

/// Items that are asked for at once: the most that the API gives.
const PAGE: usize = 1_000;

/// A server that is asked.
pub(crate) struct Client {
    agent: ureq::Agent,
    server: String,
    token: Option<String>,
}

impl Client {
    /// The server that the arguments name; the token comes from the environment, never from arguments, which
    /// every user of the machine can read.
    pub(crate) fn new(connection: &Connection) -> Self {
        let configuration = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .http_status_as_error(false);
        let token = std::env::var("WEFT_TOKEN").ok().filter(|token| !token.trim().is_empty());
        Self {
            agent: configuration.build().into(),
            server: connection.server.trim_end_matches('/').to_owned(),
            token,
        }
    }

    /// What the API answers to a read.
    fn read(&self, path: &str) -> Result<Value, Failure> {
        let mut request = self.agent.get(self.address(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.trim()));
        }
        self.answer(request.call())
    }

    /// All items of a list, or the first `limit`.
    fn list(&self, path: &str, limit: usize) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut after = String::new();
        while items.len() < limit {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = (limit - items.len()).min(PAGE);
            let answer = self.read(&format!("{path}{mark}limit={page}{after}"))?;
            let found = answer["items"].as_array().cloned().unwrap_or_default();
            items.extend(found);
            match answer["next"].as_str() {
                Some(next) => after = format!("&after={}", segment(next)),
                None => break,
            }
        }
        Ok(items)
    }

    /// What the API answers to a write: a sentence.
    fn write(&self, path: &str) -> Result<String, Failure> {
        let Some(token) = &self.token else {
            return Err(Failure::Input(anyhow!(
                "expected the token in WEFT_TOKEN, found none; it stands after #token= in the link that the first start of Weft showed"
            )));
        };
        let request = self
            .agent
            .post(self.address(path))
            .header("Authorization", format!("Bearer {}", token.trim()));
        let answer = self.answer(request.send_empty())?;
        Ok(answer["done"].as_str().unwrap_or("done").to_owned())
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.server)
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let server = &self.server;
        let mut answer = answer
            .with_context(|| format!("expected a running Weft at {server}, found none"))
            .map_err(Failure::Outside)?;
        let status = answer.status().as_u16();
        let body: Option<Value> =
            answer.body_mut().with_config().limit(BODY_LIMIT_BYTES).read_json().ok();
        match (status, body) {
            (200..300, Some(body)) => Ok(body),
            (_, Some(problem)) if problem["detail"].is_string() => {
                let sentence = problem["detail"].as_str().unwrap_or_default().to_owned();
                Err(refused(status, anyhow!(sentence)))
            }
            _ => Err(Failure::Outside(anyhow!(
                "expected the API of Weft at {server}, found an answer of another kind (status {status})"
            ))),
        }
    }
}

/// Who can mend it: whoever gave the command, nobody because the answer is no, or whoever runs the server.
fn refused(status: u16, error: anyhow::Error) -> Failure {
    match status {
        404 | 409 => Failure::No(error),
        400..500 => Failure::Input(error),
        _ => Failure::Outside(error),
    }
}

/// A name as a part of an address: all but letters, digits and `-._~` is escaped (RFC 3986, 2.3).
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Prints a value as JSON or YAML.
fn print_value(value: &Value, format: Format) -> Result<(), Failure> {
    let text = match format {
        Format::Yaml => serde_saphyr::to_string(value).map_err(anyhow::Error::new),
        _ => {
            serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(anyhow::Error::new)
        }
    };
    output::print(&text.map_err(Failure::Outside)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_addresses() {
        let check = |name: &str, expected: &str| assert_eq!(segment(name), expected);
        check("shop-01", "shop-01");
        check("default/web 1", "default%2Fweb%201");
        check("größe", "gr%C3%B6%C3%9Fe");
    }

    #[test]
    fn who_can_mend_it_decides_the_exit_code() {
        let kind = |status| match refused(status, anyhow!("x")) {
            Failure::No(_) => 1,
            Failure::Input(_) => 2,
            Failure::Outside(_) => 3,
        };
        assert_eq!([404, 409, 401, 422, 503].map(kind), [1, 1, 2, 2, 3]);
    }
}
