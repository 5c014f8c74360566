//! Writes the metrics of a made-up fleet, for a Prometheus to try Weft on:
//! `cargo run -p weft-collect --example rehearse -- 2026-01-05T00:00:00Z 15 > metrics.txt`, then
//! `promtool tsdb create-blocks-from --max-block-duration=1000h openmetrics metrics.txt data`.

use std::error::Error;

use weft_collect::prometheus::rehearsal::rehearse;
use weft_core::time::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [start, days] = arguments.as_slice() else {
        return Err("expected two arguments, a start and a number of days".into());
    };
    let start: Timestamp = start.parse()?;
    print!("{}", rehearse(start, days.parse()?, 7).text);
    Ok(())
}
