//! `weft demo`: a simulated fleet of three regions on an accelerated clock, with the dashboard.

use std::sync::Arc;
use std::sync::mpsc;

use anyhow::Context;
use weft_store::{SqliteStore, Store};

use crate::alert::Alerts;
use crate::api::{App, Gate, Token};
use crate::cli::{DemoArguments, Failure};
use crate::output;
use crate::run::clock::Clock;
use crate::run::demo::{DemoError, Founded};
use crate::run::desk::{Ask, Desk};
use crate::run::web::Web;

/// Carries `weft demo` out: until SIGINT or SIGTERM.
pub fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    let (web, listener) = Web::listen(arguments.listen)?;
    let outside = |error: anyhow::Error| Failure::Outside(error);
    let store = SqliteStore::in_memory(weft_core::time::Step::FIVE_MINUTES)
        .context("the demo's store")
        .map_err(outside)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let founded = Founded::new(arguments.seed, arguments.speed);
    let token = Token::random().context("no randomness for the token").map_err(outside)?;
    let (sender, letters) = mpsc::channel();
    let desk =
        Desk::new(founded.view(), move |letter| sender.send(letter).map_err(|back| back.0), store);
    let gate = Gate::new(token.hash(), web.address().ip().is_loopback());
    web.serve(listener, App { desk: desk.clone(), gate: Arc::new(gate) });
    let stopping = desk.clone();
    web.on_signal(move || {
        let _ = stopping.ask_and_wait(Ask::Stop);
    });
    let address = web.address();
    output::print(&format!(
        "Weft demo: 3 regions, {} hosts, a day in {:.0} minutes. Nothing real is touched.\n\n  \
         http://{address}/#token={}\n\nStop with Ctrl-C.\n",
        desk.view().topology.hosts().len(),
        86_400.0 / arguments.speed / 60.0,
        token.reveal()
    ))?;
    let demo = founded.learn(desk.store()).map_err(failure)?;
    // Nobody is told; what the rules find is shown.
    let alerts = Alerts::start(&desk, Vec::new(), Clock::Wall).map_err(|e| outside(e.into()))?;
    let result = demo.run(&desk, &letters).map_err(failure);
    alerts.close();
    web.stop();
    result
}

fn failure(error: DemoError) -> Failure {
    Failure::Outside(error.into())
}
