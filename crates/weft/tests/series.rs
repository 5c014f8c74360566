//! `weft forecast`, `weft detect` and `weft cluster` as their user meets them: the binary, a CSV on a disk or in a pipe, exit
//! codes and sentences.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const HEADER: &str = "series,timestamp,value\n";
/// A Monday at midnight.
const START_SECONDS: i64 = 1_704_067_200;

fn weft(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

fn run(folder: &TempDir, arguments: &str) -> Output {
    weft(folder.path(), arguments).output().expect("weft runs")
}

fn piped(arguments: &str, input: &str) -> Output {
    let mut command = weft(Path::new("."), arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut weft = command.spawn().expect("weft runs");
    let mut stdin = weft.stdin.take().expect("its input is piped");
    // What refuses its arguments does not read.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    weft.wait_with_output().expect("weft ends")
}

fn holding(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.csv"), text).expect("a file for the test");
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// A number between −1 and 1 that looks random.
fn noise(seed: u64) -> f64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed ^ (mixed >> 32)) % 2_000) as f64 / 1_000.0 - 1.0
}

/// Hourly samples of four weeks: series named `day-…` are busy by day, `night-…` by night, each on a scale of its own.
fn busy(days: i64) -> String {
    let mut text = HEADER.to_owned();
    for series in 0..8_u64 {
        let name = if series.is_multiple_of(2) { "day" } else { "night" };
        for step in 0..days * 24 {
            let is_day = (8..18).contains(&(step % 24));
            let level = if is_day == (name == "day") { 50.0 } else { 10.0 };
            let value = (level + noise(series * 100_000 + step as u64)) * (series + 1) as f64;
            let at = START_SECONDS + step * 3_600;
            writeln!(text, "{name}-{series},{at},{value:.3}").expect("text grows");
        }
    }
    text
}

#[test]
fn a_dirty_file_is_answered_with_its_line_and_nothing_is_printed() {
    let check = |lines: &str, expected: &str| {
        let folder = holding(lines);
        for command in ["forecast --horizon 2 -o csv", "detect -o csv", "cluster"] {
            let Output { status, stdout, stderr } =
                run(&folder, &format!("{command} --input a.csv"));
            let said = text(&stderr);
            assert_eq!((status.code(), said), (Some(2), format!("weft: {expected}\n").as_str()));
            assert_eq!(text(&stdout), "", "{command}");
        }
    };
    let of_header =
        "a.csv: expected the header `series,timestamp,value`, covariates after it, found";
    check("1,2,3\n", &format!("{of_header} `1,2,3`"));
    check("", &format!("{of_header} ``"));
    check(HEADER, "a.csv: expected a sample a line, found a header only");
    check(
        &format!("{HEADER}web,1704067200,1\nweb,yesterday,1\n"),
        "a.csv, line 3, timestamp: expected a timestamp in RFC 3339, Unix seconds or milliseconds, from 1970 to 5138, \
         found `yesterday`",
    );
    let number = "expected a number, or nothing for a gap, found";
    for wrong in ["much", "NaN", "-inf", "1e39"] {
        let lines = format!("{HEADER}web,1704067200,{wrong}\n");
        check(&lines, &format!("a.csv, line 2, value: {number} `{wrong}`"));
    }
    check(
        &format!("{HEADER}web,1704067200,1,5\n"),
        "a.csv, line 2, series: expected as many fields as the header has, found `web,1704067200,1,5`",
    );
    check(
        &format!("{HEADER}web,1704067200\n"),
        &format!("a.csv, line 2, value: {number} `no such field`"),
    );
    check(&format!("{HEADER},1704067200,1\n"), "a.csv, line 2, series: expected a name, found ``");
}

#[test]
fn what_cannot_be_asked_is_said() {
    let folder = holding(&format!("{HEADER}web,1704067200,1\nweb,1704067500,1\n"));
    let check = |arguments: &str, expected: &str| {
        let Output { status, stdout, stderr } = run(&folder, arguments);
        let said = text(&stderr);
        assert_eq!(status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(expected), "{arguments}: {expected} in {said}");
        assert_eq!(text(&stdout), "", "{arguments}");
    };
    check("forecast --horizon 1h", "--input");
    check("forecast --input a.csv", "--horizon");
    check("forecast --input none.csv --horizon 1h", "weft: cannot read none.csv: No such file");
    let horizon = "expected a span like 6h or a number of steps of at least 1, found";
    check("forecast --input a.csv --horizon 0", &format!("{horizon} `0`"));
    check("forecast --input a.csv --horizon soon", &format!("{horizon} `soon`"));
    check(
        "forecast --input a.csv --horizon 1000d",
        "weft: --horizon: expected at most 44640 steps of 5m each, found more\n",
    );
    check(
        "forecast --input a.csv --horizon 1h --levels 0.5,1",
        "expected a level above 0 and below 1, found `1`",
    );
    check(
        "forecast --input a.csv --horizon 1h --levels 0.5,.5",
        "weft: --levels: expected each level once, found 0.5 twice\n",
    );
    check(
        "forecast --input a.csv --horizon 1h --model best",
        "[possible values: auto, naive, ets, theta, mstl, arima, prophet, lstm, ensemble]",
    );
    check(
        "forecast --input a.csv --horizon 1h --events sale.yaml",
        "weft: cannot read sale.yaml: No such file",
    );
    check(
        "forecast --input a.csv --horizon 1h --events sale.ods",
        "weft: --events: expected a file that ends in .yaml, .json, .ics, .csv or .toml, found sale.ods\n",
    );
    check(
        "forecast --input a.csv --horizon 1h --step 1s",
        "weft: a.csv, series `web`: expected samples in at least one of 100 steps of their time, found 2 steps",
    );
    check("forecast --input a.csv --horizon 1h --query up", "--query");
    check("forecast --prometheus http://127.0.0.1:1 --horizon 1h", "--query");
    check(
        "forecast --prometheus localhost:9090 --query up --horizon 1h",
        "weft: --prometheus: expected an address that begins with http:// or https://, found another\n",
    );
    check("detect --input a.csv --alarm-score 2", "expected a score of 0 to 1, found `2`");
    check(
        "cluster --input a.csv --clusters 0",
        "expected a number of clusters of at least 1, or auto, found `0`",
    );
}

/// The lines of a CSV as fields, its header aside; none of them has a comma in it.
fn fields(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

#[test]
fn each_sample_has_a_score_and_a_burst_a_verdict() {
    let mut lines = busy(28).replace("day-0,1706346000,", "day-0,1706346000,9");
    lines += "night-1,1706486400,\n";
    let folder = holding(&lines);
    let Output { status, stdout, stderr } = run(&folder, "detect --input a.csv -o csv");
    assert_eq!((status.code(), text(&stderr)), (Some(0), ""), "quiet in a pipe");
    let csv = text(&stdout);
    assert_eq!(csv.lines().next(), Some("series,timestamp,value,score,anomaly"));
    let rows = fields(csv);
    assert_eq!(rows.len(), lines.lines().count() - 1, "a row for each line");
    for row in &rows {
        let score: f64 = row[3].parse().expect("a score");
        assert!((0.0..=1.0).contains(&score) && ["true", "false"].contains(&row[4]), "{row:?}");
    }
    let anomalies: Vec<_> = rows.iter().filter(|row| row[4] == "true").collect();
    assert!(anomalies.iter().any(|row| row[..2] == ["day-0", "1706346000"]), "{anomalies:?}");
    let gap = rows.iter().find(|row| row[1] == "1706486400").expect("the gap");
    assert_eq!(gap[2..], ["", "0", "false"]);

    let Output { stdout, .. } = run(&folder, "detect --input a.csv -o json");
    let document: Value = serde_json::from_slice(&stdout).expect("JSON");
    assert_eq!(document["step_seconds"], 3_600);
    assert_eq!(document["anomalies"], anomalies.len());
    let samples = document["series"][0]["samples"].as_array().expect("samples");
    let burst = samples.iter().find(|sample| sample["at"] == "2024-01-27T09:00:00Z");
    let burst = burst.expect("the burst");
    assert_eq!((&burst["anomaly"], &burst["kind"]), (&Value::Bool(true), &Value::from("spike")));

    let Output { stdout, .. } = run(&folder, "detect --input a.csv");
    let table = text(&stdout);
    assert!(table.contains("spike: expected"), "{table}");
    let summary = format!("in {} samples of 8 series\n", "5,377");
    assert!(table.ends_with(&summary), "{table}");
    assert_eq!(table.lines().count(), anomalies.len() + 3, "a line for each anomaly: {table}");
}

#[test]
fn a_score_never_uses_later_samples() {
    let whole = busy(28).replace("day-0,1706346000,", "day-0,1706346000,9");
    let first = |line: &&str| {
        let at = line.split(',').nth(1).and_then(|at| at.parse::<i64>().ok());
        at.is_none_or(|at| at <= 1_706_346_000)
    };
    let prefix: String = whole.lines().filter(first).map(|line| line.to_owned() + "\n").collect();
    let of_whole = piped("detect --input - -o csv", &whole);
    let of_prefix = piped("detect --input - -o csv", &prefix);
    let expected: Vec<&str> = text(&of_whole.stdout).lines().filter(first).collect();
    assert_eq!(text(&of_prefix.stdout).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn order_repeats_and_line_ends_change_nothing() {
    let plain = busy(3);
    let mut lines: Vec<&str> = plain.lines().skip(1).collect();
    // Sorted by the hash-like end of the line, so that the order is wild; names keep their first appearance.
    lines[8..].sort_by_key(|line| line.chars().rev().collect::<String>());
    let wild = format!(
        "\u{feff}series,timestamp,value\r\nday-0,{START_SECONDS},777\r\n{}\r\n",
        lines.join("\r\n")
    );
    let sorted = |output: &Output| {
        let mut lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let of_plain = piped("detect --input - -o csv", &plain);
    let of_wild = piped("detect --input - -o csv", &wild);
    assert_eq!(sorted(&of_plain), sorted(&of_wild), "the later 777 is no sample");
}

#[test]
fn the_busy_by_day_and_by_night_are_parted() {
    let mut lines = busy(7);
    for hour in 0..7 * 24 {
        writeln!(lines, "\"still, here\",{},5", START_SECONDS + hour * 3_600).expect("text grows");
    }
    let folder = holding(&lines);
    for clusters in ["auto", "2"] {
        let arguments = format!("cluster --input a.csv --clusters {clusters} -o csv");
        let Output { status, stdout, stderr } = run(&folder, &arguments);
        assert_eq!((status.code(), text(&stderr)), (Some(0), ""));
        let csv = text(&stdout);
        assert_eq!(csv.lines().next(), Some("series,cluster"));
        assert_eq!(csv.lines().last(), Some("\"still, here\",0"), "what is flat is cluster 0");
        let rows = fields(csv);
        let of = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1]);
        for even in [2, 4, 6] {
            assert_eq!(of(&format!("day-{even}")), of("day-0"), "{csv}");
            assert_eq!(of(&format!("night-{}", even + 1)), of("night-1"), "{csv}");
        }
        assert_ne!(of("day-0"), of("night-1"), "{csv}");
    }
    let Output { stdout, .. } = run(&folder, "cluster --input a.csv -o json");
    let document: Value = serde_json::from_slice(&stdout).expect("JSON");
    assert_eq!(document["compared"], "course");
    let flat = serde_json::json!({"cluster": 0, "series": 1, "flat": true});
    assert_eq!(document["clusters"][0], flat);
    assert_eq!(document["series"].as_array().map(Vec::len), Some(9));
    assert!(document["tried"][0]["modularity"].is_number(), "{document}");

    let Output { stdout, .. } = run(&folder, "cluster --input a.csv");
    let table = text(&stdout);
    assert!(
        table.starts_with("9 series, whole courses compared\n\ncluster   series  names\n"),
        "{table}"
    );
    assert!(table.contains("\n0 (flat)       1  still, here\n"), "{table}");
}

#[test]
fn where_nothing_can_be_forecast_the_answer_is_no() {
    let folder = holding(&format!("{HEADER}web,1704067200,\nweb,1704067500,\n"));
    let check = |output: &str, expected: &str| {
        let arguments = format!("forecast --input a.csv --horizon 2 --model naive -o {output}");
        let Output { status, stdout, stderr } = run(&folder, &arguments);
        assert_eq!(status.code(), Some(1), "{output}");
        let said: Vec<&str> = text(&stderr).lines().collect();
        assert!(said[0].starts_with("weft: series `web`: expected at least"), "{said:?}");
        let no = "weft: expected a series that can be forecast, found none among 1";
        assert_eq!(said[1..], [no]);
        assert_eq!(text(&stdout), expected);
    };
    check("table", "");
    check("csv", "series,timestamp,model,q0.05,q0.5,q0.95\n");
    let arguments = "forecast --input a.csv --horizon 2 --model naive -o json";
    let document: Value = serde_json::from_slice(&run(&folder, arguments).stdout).expect("JSON");
    assert_eq!(document["forecasts"], serde_json::json!([]));
    assert_eq!(document["refused"][0]["series"], "web");
}

#[test]
fn a_reader_who_stops_reading_is_no_error() {
    let folder = holding(&busy(28));
    let mut command = weft(folder.path(), "detect --input a.csv -o csv");
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut weft = command.spawn().expect("weft runs");
    drop(weft.stdout.take());
    let Output { status, stderr, .. } = weft.wait_with_output().expect("weft ends");
    assert_eq!((status.code(), text(&stderr)), (Some(0), ""));
}

#[test]
fn a_busy_series_is_forecast_and_one_without_samples_is_named() {
    let folder = holding(&format!("{}empty,1704067200,\n", busy(14)));
    let arguments = "forecast --input a.csv --horizon 6h --levels 0.05,0.50,0.95 -o";
    let Output { status, stdout, stderr } = run(&folder, &format!("{arguments} csv"));
    let said = text(&stderr);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("weft: series `empty`: expected") && said.lines().count() == 1,
        "{said}"
    );
    let csv = text(&stdout);
    assert_eq!(csv.lines().next(), Some("series,timestamp,model,q0.05,q0.50,q0.95"));
    let rows = fields(csv);
    assert_eq!(rows.len(), 8 * 6);
    for (index, row) in rows.iter().enumerate() {
        let at = START_SECONDS + (14 * 24 + index as i64 % 6) * 3_600;
        assert_eq!(row[1], at.to_string(), "{row:?}");
        let quantiles: Vec<f64> = row[3..].iter().map(|q| q.parse().expect("a number")).collect();
        assert!(quantiles.is_sorted() && quantiles[0] >= 0.0, "{row:?}");
    }
    // From midnight to six, day-0 is at 10 and night-1 at 100, give or take the noise of 1 and 2.
    let median = |row: usize| rows[row][4].parse::<f64>().expect("a number");
    assert!((median(0) - 10.0).abs() < 3.0 && (median(6) - 100.0).abs() < 6.0, "{csv}");

    let Output { stdout, .. } = run(&folder, &format!("{arguments} json"));
    let document: Value = serde_json::from_slice(&stdout).expect("JSON");
    assert_eq!(document["step_seconds"], 3_600);
    assert_eq!(document["levels"], serde_json::json!([0.05, 0.5, 0.95]));
    assert_eq!(document["refused"][0]["series"], "empty");
    let first = &document["forecasts"][0];
    assert_eq!(first["steps"][0]["at"], "2024-01-15T00:00:00Z");
    assert!(first["scores"].as_array().is_some_and(|scores| scores.len() >= 2), "{first}");

    let Output { stdout, .. } = run(&folder, &format!("{arguments} table"));
    let table = text(&stdout);
    let head = "8 series forecast, 1 refused; steps of 1h; next and peak are medians\n\nseries";
    assert!(table.starts_with(head), "{table}");
    assert_eq!(table.lines().count(), 3 + 8, "{table}");
}

/// `busy`, with what `factor` says for each hour of all series.
fn lifted(days: i64, factor: impl Fn(i64) -> f64) -> String {
    let mut text = HEADER.to_owned();
    for line in busy(days).lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (at, value): (i64, f64) =
            (fields[1].parse().expect("seconds"), fields[2].parse().expect("a value"));
        writeln!(text, "{},{at},{:.3}", fields[0], value * factor((at - START_SECONDS) / 3_600))
            .expect("text grows");
    }
    text
}

#[test]
fn events_lift_the_forecast_and_are_named() {
    // Sales double demand; there is one on the first afternoon ahead, and a closing day that comes each second Sunday.
    let sales = [3, 8, 12, 17, 22].map(|day| day * 24 + 12);
    let is_closed = |hour: i64| hour / 24 % 14 == 13;
    let factor = |hour: i64| {
        let sale =
            if sales.iter().any(|begin| (0..6).contains(&(hour - begin))) { 2.0 } else { 1.0 };
        if is_closed(hour) { 0.5 * sale } else { sale }
    };
    let folder = holding(&lifted(34, factor));
    let mut campaigns = "id,begins,ends,workloads,tags,expected_lift\n".to_owned();
    let at = |hour: i64| {
        format!("2024-{:02}-{:02}T{:02}:00:00Z", 1 + hour / 24 / 31, 1 + hour / 24 % 31, hour % 24)
    };
    for begin in sales.into_iter().chain([34 * 24 + 12]) {
        writeln!(campaigns, "sale {begin},{},{},*,,1.5", at(begin), at(begin + 6))
            .expect("text grows");
    }
    let calendar = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:closed\nSUMMARY:Closed\n\
                    DTSTART;VALUE=DATE:20240114\nRRULE:FREQ=WEEKLY;INTERVAL=2\nEND:VEVENT\nEND:VCALENDAR\n";
    let news = "events:\n- name: later\n  kind: news\n  begins: 2024-02-05T00:00:00Z\n  decay: 2h\n  concerns: {tags: [x]}\n";
    for (file, text) in
        [("sales.csv", campaigns.as_str()), ("team.ics", calendar), ("news.yaml", news)]
    {
        fs::write(folder.path().join(file), text).expect("a file for the test");
    }
    let arguments = "forecast --input a.csv --horizon 24h --model ets --events sales.csv --events team.ics --events news.yaml";
    let Output { status, stdout, stderr } = run(&folder, &format!("{arguments} -o csv"));
    let said = text(&stderr);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(
        said.contains("news.yaml: concerning none of these series: 1 of its events, `later` first"),
        "{said}"
    );
    assert!(
        said.contains("news.yaml: not used, as not known before the samples end: 1 of its events"),
        "{said}"
    );
    let csv = text(&stdout);
    assert_eq!(csv.lines().next(), Some("series,timestamp,model,q0.05,q0.5,q0.95,lift,events"));
    let rows = fields(csv);
    assert_eq!(rows.len(), 8 * 24);
    for (hour, row) in (0..24).cycle().zip(&rows) {
        let lift: f64 = row[6].parse().expect("a lift");
        let is_sale = (12..18).contains(&hour);
        assert_eq!(row[7], if is_sale { "sales/sale 828" } else { "" }, "{row:?}");
        assert!(
            if is_sale { (1.6..2.4).contains(&lift) } else { (0.9..1.1).contains(&lift) },
            "{row:?}"
        );
    }

    let Output { stdout, .. } = run(&folder, &format!("{arguments} -o json"));
    let document: Value = serde_json::from_slice(&stdout).expect("JSON");
    let lift = &document["forecasts"][0]["lifts"][0];
    let named =
        ["event", "kind", "sort", "source"].map(|field| lift[field].as_str().unwrap_or_default());
    assert_eq!(named, ["sales/sale 828", "sale", "campaign", "own"]);
    assert_eq!(
        (&lift["from"], &lift["learned_from"]),
        (&Value::from("2024-02-04T12:00:00Z"), &Value::from(5))
    );
    assert!(
        lift["low"].as_f64() < lift["lift"].as_f64()
            && lift["lift"].as_f64() < lift["high"].as_f64()
    );
    assert!(document["forecasts"][0]["steps"][12]["lift"].as_f64() > Some(1.6));

    let Output { stdout, .. } = run(&folder, arguments);
    let table = text(&stdout);
    let line = table.lines().find(|line| line.starts_with("sale 828")).expect(table);
    assert!(line.contains("2024-02-04T12:00:00Z") && line.contains("5 of its own"), "{table}");
}

#[test]
fn what_is_wrong_in_an_event_file_is_answered_with_its_line() {
    let folder = holding(&busy(3));
    let check = |file: &str, content: &str, expected: &str| {
        fs::write(folder.path().join(file), content).expect("a file for the test");
        let arguments = format!("forecast --input a.csv --horizon 2 --model naive --events {file}");
        let Output { status, stdout, stderr } = run(&folder, &arguments);
        let said = text(&stderr);
        assert_eq!((status.code(), text(&stdout)), (Some(2), ""), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    check("e.yaml", "events:\n- name: a\n  kind: rumour\n", "weft: e.yaml, line 3, column");
    check("e.ics", "BEGIN:VEVENT\n", "line 1");
    check(
        "e.csv",
        "a,b\n1,2\n",
        "expected the columns `id,begins,ends,workloads,tags,expected_lift`, found `a,b`",
    );
    check("e.toml", "[[feeds]]\nname = \"wire\"\nrules = []\n", "weft: e.toml: ");
    check(
        "f.toml",
        "",
        "weft: f.toml: expected [[calendars]], [[campaigns]] or [[feeds]], found none\n",
    );
}
