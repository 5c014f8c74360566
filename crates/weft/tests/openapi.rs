//! The OpenAPI document is a golden: a change of the API is seen in review, and the dashboard's types
//! are made from the file.

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/openapi.json");

#[test]
fn the_openapi_document_is_the_golden() {
    let document = weft::api::openapi().to_pretty_json().expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(GOLDEN, &document).expect("written");
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let differs = golden.lines().zip(document.lines()).position(|(a, b)| a != b);
    assert!(
        golden == document,
        "expected web/openapi.json as the handlers say, found a difference at line {}; \
         UPDATE_GOLDENS=1 cargo test -p weft --test openapi writes it anew",
        differs.map_or(golden.lines().count().min(document.lines().count()), |line| line) + 1
    );
}
