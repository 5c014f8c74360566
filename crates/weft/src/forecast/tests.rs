//! How forecasts are printed, with made-up ones; `tests/series.rs` runs the command whole.

use super::*;
use weft_core::forecast::ModelName;
use weft_forecast::batch::BatchForecast;
use weft_sim::readers::long_csv;

fn panel() -> Panel {
    let text = "series,timestamp,value\n\"a,b\",2024-01-01T00:02:00+01:00,5\n\"a,b\",2024-01-01T00:07:00+01:00,7\n\
                c,1704067200,1\n";
    let csv = long_csv::samples("a.csv", text.as_bytes()).expect("a clean file");
    samples::on_grid("a.csv", csv, None).expect("samples near each other")
}

fn asked(levels: &str) -> Result<Asked, Failure> {
    let levels: Vec<Level> = levels.split(',').map(|level| level.parse().expect(level)).collect();
    Asked::new(&levels)
}

fn results() -> Vec<Result<LiftedForecast, ModelError>> {
    let model = ModelName::SeasonalNaive;
    let quantiles = vec![1.0, 2.0, 3.5, 2.0, 9.0, 9.5];
    let scores = vec![(model, 0.25), (ModelName::LastValue, 0.5)];
    let error = ModelError::TooShort { model: ModelName::Ets, needed: 3, found: 1 };
    vec![Ok(BatchForecast { model, quantiles, scores }.into()), Err(error)]
}

#[test]
fn columns_are_those_that_were_asked_for() {
    let panel = panel();
    let answer = Answer::new(asked("0.90,0.1").expect("levels"), &panel, None, results());
    assert_eq!(answer.asked.levels.as_slice(), [0.1, 0.5, 0.9]);
    assert_eq!(answer.header(), ["series", "timestamp", "model", "q0.90", "q0.1"]);
    let rows: Vec<_> = answer.rows().collect();
    assert_eq!(rows[0], ["a,b", "2024-01-01T00:12:00+01:00", "seasonal-naive", "3.5", "1"]);
    assert_eq!(rows[1], ["a,b", "2024-01-01T00:17:00+01:00", "seasonal-naive", "9.5", "2"]);
    assert_eq!(rows.len(), 2);
    let Err(Failure::Input(error)) = asked("0.5,0.9,0.50") else { panic!("a level twice") };
    assert_eq!(error.to_string(), "--levels: expected each level once, found 0.5 twice");
}

#[test]
fn the_document_names_what_was_refused() {
    let panel = panel();
    let answer = Answer::new(asked("0.5,0.9,0.95").expect("levels"), &panel, None, results());
    let document = serde_json::to_value(answer.document()).expect("plain values");
    let expected = serde_json::json!({
        "step_seconds": 300,
        "levels": [0.5, 0.9, 0.95],
        "forecasts": [{
            "series": "a,b",
            "model": "seasonal-naive",
            "scores": [
                {"model": "seasonal-naive", "pinball": 0.25},
                {"model": "last-value", "pinball": 0.5},
            ],
            "steps": [
                {"at": "2023-12-31T23:12:00Z", "quantiles": [1.0, 2.0, 3.5]},
                {"at": "2023-12-31T23:17:00Z", "quantiles": [2.0, 9.0, 9.5]},
            ],
        }],
        "refused": [{"series": "c", "reason": "expected at least 3 samples to fit ets, found 1"}],
    });
    assert_eq!(document, expected);
}

#[test]
fn the_table_says_when_the_peak_is() {
    let panel = panel();
    let answer = Answer::new(asked("0.1,0.5,0.9").expect("levels"), &panel, None, results());
    let expected = "\
1 series forecast, 1 refused; steps of 5m; next and peak are medians

series  model           last  next  peak  peak at                    q0.9 then  steps
a,b     seasonal-naive  7.00  2.00  9.00  2024-01-01T00:17:00+01:00       9.50      2
";
    assert_eq!(answer.table(), expected);
}
