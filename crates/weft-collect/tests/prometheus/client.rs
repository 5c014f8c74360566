//! What a client of Prometheus does with answers that are large, partial, late or nonsense.

use std::sync::Arc;

use weft_collect::fetch::FetchSettings;
use weft_collect::prometheus::{Client, Grid, MOST_POINTS};
use weft_core::time::{Step, Timestamp};

use crate::fake::{Fake, Noted, Reply, Seen};

fn client(fake: &Fake, settings: FetchSettings) -> Client {
    Client::with_waiting(&fake.url("/prefix/"), settings, Arc::new(Noted::default())).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn grid(count: i64) -> Grid {
    Grid::new(at(0), at(300 * (count - 1)), Step::FIVE_MINUTES)
}

/// How many instants a request asks for.
fn asked(seen: &Seen) -> i64 {
    (seen.seconds("end") - seen.seconds("start")) / seen.seconds("step") + 1
}

/// One series whose value is the instant.
fn matrix(seen: &Seen) -> Reply {
    let instants = (seen.seconds("start")..=seen.seconds("end")).step_by(300);
    let values: Vec<_> = instants.map(|second| format!("[{second},\"{second}\"]")).collect();
    let values = values.join(",");
    Reply::ok(format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"a":"b"}},"values":[{values}]}}]}}}}"#
    ))
}

fn check_whole(client: &Client, count: i64) {
    let range = client.query_range("up", grid(count)).unwrap().value;
    let expected: Vec<_> = (0..count).map(|step| Some((step * 300) as f64)).collect();
    assert_eq!(range.tracks.len(), 1);
    assert_eq!(range.tracks[0].values, expected, "nothing is lost between parts");
}

#[test]
fn ranges_come_in_parts_below_the_servers_limit() {
    for concurrency in [1, 2] {
        let fake = Fake::start(|_, seen| match asked(seen) {
            11_001.. => Reply::status(
                400,
                r#"{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries"}"#,
            ),
            _ => matrix(seen),
        });
        check_whole(&client(&fake, Client::settings()).with_concurrency(concurrency), 30_000);
        let seen = fake.seen();
        assert!(seen.iter().all(|seen| asked(seen) <= MOST_POINTS as i64));
        let paths: Vec<_> = seen.iter().map(|seen| (&*seen.method, &*seen.path)).collect();
        assert!(paths.iter().all(|path| *path == ("POST", "/prefix/api/v1/query_range")));
        assert!(seen.len() < 20, "parts grow: {}", seen.len());
    }
}

#[test]
fn parts_are_halved_until_the_server_can() {
    for sentence in [
        "query processing would load too many samples into memory in query execution",
        "query timed out in expression evaluation",
        "cannot select more than -search.maxSamplesPerQuery=100 samples",
        "the query exceeded the maximum number of chunks",
    ] {
        let body = format!(r#"{{"status":"error","errorType":"execution","error":"{sentence}"}}"#);
        let fake = Fake::start(move |_, seen| match asked(seen) {
            101.. => Reply::status(422, &body),
            _ => matrix(seen),
        });
        check_whole(&client(&fake, Client::settings()).with_concurrency(2), 400);
        // 288 and 144 are too much, each asked for with its neighbour; 72 is not.
        assert!(fake.seen().len() <= 4 + 6, "{}", fake.seen().len());
    }
}

#[test]
fn parts_are_halved_until_the_body_fits() {
    let fake = Fake::start(|_, seen| matrix(seen));
    check_whole(
        &client(&fake, FetchSettings { body_limit_bytes: 1_000, ..Client::settings() }),
        300,
    );
    assert!(fake.seen().len() > 5);
}

#[test]
fn what_does_not_fit_for_one_step_is_told() {
    let fake = Fake::start(|_, seen| matrix(seen));
    let tiny = FetchSettings { body_limit_bytes: 50, ..Client::settings() };
    let error = client(&fake, tiny).query_range("up", grid(300)).unwrap_err().to_string();
    let expected = "expected `up` to be answered within the limits for one step at least, found that it is too much; ask for fewer series";
    assert_eq!(error, expected);
    assert!(fake.seen().len() < 12);
}

#[test]
fn gaps_are_what_is_no_number() {
    let body = r#"{"status":"success","warnings":["one store was silent","one store was silent"],"isPartial":true,"stats":{"x":1},"data":{"resultType":"matrix","result":[
        {"metric":{"b":"2"},"values":[[0,"1"],[300.0,"NaN"],[600,"+Inf"],[1200,"-Inf"]]},{"metric":{"a":"1"},"histograms":[]}]}}"#;
    let fake = Fake::start(move |_, _| Reply::ok(body));
    let answered = client(&fake, Client::settings()).query_range("x", grid(5)).unwrap();
    let values: Vec<_> = answered.value.tracks.iter().map(|track| track.values.clone()).collect();
    assert_eq!(values, [vec![None; 5], vec![Some(1.0), None, None, None, None]]);
    let partial = "the answer is partial: a part of the storage did not answer";
    assert_eq!(answered.warnings, ["one store was silent", partial]);
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let check = |body: &'static str, expected: &str| {
        let fake = Fake::start(move |_, _| Reply::ok(body));
        let error = client(&fake, Client::settings()).query_range("up", grid(3)).unwrap_err();
        let address = fake.url("/prefix/api/v1/query_range");
        let expected = format!("asked {address} for `up`: expected {expected}");
        assert!(error.to_string().starts_with(&expected), "{error}\n{expected}");
    };
    let api = "an answer of the API of Prometheus, found";
    check("<html>login</html>", &format!("{api} expected value"));
    check("", &format!("{api} EOF while parsing"));
    check(r#"{"status":"success"}"#, "`data`, found none");
    check(r#"{"status":"maybe","data":{}}"#, &format!("{api} unknown variant `maybe`"));
    check(
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
        &format!("{api} unknown variant `vector`"),
    );
    let values = |values: &str| -> &'static str {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":{values}}}]}}}}"#).leak()
    };
    check(
        values(r#"[[0,"abc"]]"#),
        &format!("{api} invalid value: string \"abc\", expected a number in quotes"),
    );
    check(values(r#"[[0,1]]"#), &format!("{api} invalid type: integer `1`"));
    check(values(r#"[[1e300,"1"]]"#), &format!("{api} invalid value: floating point"));
    let instants = "points at the instants asked for, in order, found one at";
    check(values(r#"[[900,"1"]]"#), instants);
    check(values(r#"[[-300,"1"]]"#), instants);
    check(values(r#"[[299,"1"]]"#), instants);
    check(values(r#"[[300,"1"],[0,"1"]]"#), instants);
    check(values(r#"[[300,"1"],[300,"2"]]"#), instants);
    check(
        r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
        "an answer, found bad_data: parse error",
    );
}

#[test]
fn refusals_are_told_in_the_servers_words() {
    let check = |status, body: &'static str, expected: &str| {
        let fake = Fake::start(move |_, _| Reply::status(status, body));
        let error = client(&fake, Client::settings()).query("up", at(5)).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    };
    let json = r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#;
    check(400, json, "for `up`: expected an answer, found status 400, bad_data: 1:3: parse error");
    check(401, "Unauthorized\n", "for `up`: expected an answer, found status 401: Unauthorized");
    check(404, "", "expected status 200, found 404");
}

#[test]
fn busy_servers_are_asked_again() {
    let fake = Fake::start(|before, seen| match before {
        0 => Reply::status(503, "no backend"),
        1 => Reply::status(429, "slow down"),
        _ => matrix(seen),
    });
    check_whole(&client(&fake, Client::settings()), 10);
    assert_eq!(fake.seen().len(), 3);
}

#[test]
fn the_other_questions_are_answered() {
    let fake = Fake::start(|_, seen| {
        let data = match seen.path.split('?').next().unwrap() {
            "/prefix/api/v1/query" if seen.field("query") == "1" => {
                r#"{"resultType":"scalar","result":[5,"1"]}"#
            }
            "/prefix/api/v1/query" => {
                r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[5.5,"2"]}]}"#
            }
            "/prefix/api/v1/series" => r#"[{"__name__":"up","a":"b"}]"#,
            "/prefix/api/v1/label/zone/values" => r#"["a","b"]"#,
            "/prefix/api/v1/status/buildinfo" => r#"{"version":"2.42.0","goVersion":"x"}"#,
            other => panic!("{other}"),
        };
        Reply::ok(format!(r#"{{"status":"success","data":{data}}}"#))
    });
    let client = client(&fake, Client::settings());
    let scalar = client.query("1", at(5)).unwrap().value;
    assert_eq!((scalar[0].point.value, scalar[0].point.at), (Some(1.0), at(5)));
    let vector = client.query("up", at(5)).unwrap().value;
    assert_eq!((vector[0].labels["a"].as_str(), vector[0].point.at.as_millis()), ("b", 5_500));
    let series = client.series(&["up{a=\"b\"}", "down"], at(0), at(5)).unwrap().value;
    assert_eq!(series[0]["__name__"], "up");
    assert_eq!(client.label_values("zone", at(0), at(5)).unwrap().value, ["a", "b"]);
    assert_eq!(client.build_info().unwrap().version, "2.42.0");
    let error = client.label_values("a/../b", at(0), at(5)).unwrap_err().to_string();
    assert!(error.contains("expected a label's name"), "{error}");
}
