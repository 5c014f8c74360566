//! What a person decides: approve, reject, cancel, drain, pause, resume, kill. Each is durable when it is answered; of
//! several each is asked for, also where one before was refused; the first refusal is the command's.

use super::{Client, segment};
use crate::cli::{Connection, Failure};
use crate::output;

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// About moves: `approve`, `reject` or `cancel`.
    Moves(&'static str, Vec<u64>),
    /// About hosts: `drain` or `undrain`.
    Hosts(&'static str, Vec<String>),
    /// About everything: `pause`, `resume`, `kill`, `policies/reload`.
    All(&'static str),
}

/// Carries a decision out.
pub(crate) fn decide(connection: &Connection, decision: &Decision) -> Result<(), Failure> {
    let client = Client::new(connection);
    let paths: Vec<String> = match decision {
        Decision::Moves(verb, ids) => ids.iter().map(|id| format!("moves/{id}/{verb}")).collect(),
        Decision::Hosts(verb, hosts) => {
            hosts.iter().map(|host| format!("hosts/{}/{verb}", segment(host))).collect()
        }
        Decision::All(verb) => vec![(*verb).to_owned()],
    };
    let (mut first, asked, mut refused) = (None, paths.len(), 0);
    for path in paths {
        match client.write(&path) {
            Ok(done) => output::print(&format!("{done}\n"))?,
            Err(failure) => {
                refused += 1;
                if first.is_some() {
                    output::print(&format!("not done: {:#}\n", failure.error()))?;
                }
                first = first.or(Some(failure));
            }
        }
    }
    match first {
        None => Ok(()),
        Some(failure) if asked == 1 => Err(failure),
        Some(failure) => Err(failure.within(format!("{refused} of {asked} not done"))),
    }
}
