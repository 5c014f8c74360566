//! Draws the pictures of `docs/forecasting.md` into `docs/images`, from generated series with fixed seeds: a forecast as a
//! fan, one that knows of an event, how often intervals cover by distance, how reliable the probability of a shortage is, and
//! what the conformal correction does. The same code gives the same bytes; it must never draw what was not computed.
//!
//! `cargo run --release -p weft-forecast --example pictures`; it takes some minutes

use std::io::{self, Write};
use std::path::Path;

#[path = "pictures/conformal.rs"]
mod conformal;
#[path = "pictures/coverage.rs"]
mod coverage;
#[path = "pictures/event.rs"]
mod event;
#[path = "pictures/fan.rs"]
mod fan;
#[path = "pictures/reliability.rs"]
mod reliability;
#[path = "pictures/svg.rs"]
mod svg;
#[path = "pictures/world.rs"]
mod world;

/// A picture: its file and what draws it.
type Picture = (&'static str, fn() -> String);

const PICTURES: [Picture; 5] = [
    ("forecast-fan.svg", fan::draw),
    ("forecast-event.svg", event::draw),
    ("coverage-by-step.svg", coverage::draw),
    ("reliability.svg", reliability::draw),
    ("conformal.svg", conformal::draw),
];

#[allow(clippy::disallowed_methods, reason = "an example that writes, outside the pure library")]
fn main() -> io::Result<()> {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    for (name, draw) in PICTURES {
        let picture = draw();
        std::fs::write(images.join(name), &picture)?;
        writeln!(io::stdout(), "docs/images/{name}: {} bytes", picture.len())?;
    }
    Ok(())
}
