//! The loop over a simulated fleet in another process, killed at any moment, again and again: it loses nothing
//! that it acknowledged and starts nothing twice.

use std::time::Duration;

use crate::processes::{Fleet, Server};
use crate::witness::Witness;

/// How often the loop is killed; `make bench-service` asks for a hundred.
fn rounds() -> usize {
    let asked = std::env::var("WEFT_KILL_ROUNDS").ok();
    asked.map_or(10, |text| text.parse().expect("WEFT_KILL_ROUNDS: expected a number"))
}

/// Lives of many lengths, the shortest ending while the loop is starting.
fn life(round: usize) -> Duration {
    Duration::from_millis(150 + (round as u64 * 7_919) % 6_000)
}

#[test]
fn a_loop_that_is_killed_loses_nothing_and_starts_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = Fleet::start(folder.path(), 288);
    let config = fleet.config();
    let mut witness = Witness::default();
    let mut token = None;
    for round in 0..rounds() {
        let mut server = Server::start(folder.path(), &config, token.take());
        token = Some(server.token.clone());
        witness.look_back(&server);
        let killer = server.killed_after(life(round));
        while server.is_alive() {
            witness.ask_something(&server);
        }
        killer.join().expect("it kills");
        witness.was_killed();
    }
    let mut server = Server::start(folder.path(), &config, token);
    witness.look_back(&server);
    server.wait_until("a move has succeeded", |server| {
        server.get("moves?state=succeeded")["items"].as_array().is_some_and(|all| !all.is_empty())
    });
    witness.settle_account(&server, &fleet);
    assert!(server.stops_gracefully(), "expected exit code 0 after SIGTERM");
    println!("{witness}");
}
