//! The dashboard, embedded in the binary. A build without Node has none, and the page then says so.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::No;

include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// One file of the dashboard.
struct Asset {
    /// Its path under the root, with a leading slash.
    path: &'static str,
    /// Its media type.
    kind: &'static str,
    /// Its bytes, compressed with gzip.
    gzipped: &'static [u8],
}

/// Only what the page itself brings may run or be loaded; only its own server may be asked.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const WITHOUT_DASHBOARD: &str = "<!doctype html><html lang=\"en\" style=\"color-scheme:light dark\"><meta charset=\"utf-8\">\
     <meta name=\"viewport\" content=\"width=device-width\"><title>Weft</title>\
     <body style=\"font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem\">\
     <h1>Weft runs, without its dashboard</h1><p>This binary was built without Node, so the dashboard is not in it. \
     Install Node 20 or later, run <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, and build again. \
     Everything else works: the API is at <a href=\"/api/v1/openapi.json\">/api/v1</a>, and \
     <code>weft get status</code> asks it.</p></body></html>";

/// Serves a file of the dashboard; everything that is no file is the page itself, which has its own
/// routes behind `#`.
pub(super) async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") {
        return No::not_found(format!("there is no {path}; see /api/v1/openapi.json"))
            .into_response();
    }
    let wanted = if path == "/" { "/index.html" } else { path };
    match ASSETS.iter().find(|asset| asset.path == wanted) {
        Some(asset) => file(asset, &headers),
        None if wanted == "/index.html" => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], WITHOUT_DASHBOARD)
                .into_response()
        }
        None => No::not_found(format!("there is no {path}")).into_response(),
    }
}

fn file(asset: &Asset, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    if !accepts.is_some_and(|list| list.contains("gzip")) {
        let detail = "expected a client that takes gzip: the dashboard is kept compressed";
        return (StatusCode::NOT_ACCEPTABLE, detail).into_response();
    }
    // Names under /assets carry a hash of their content, so they never change.
    let caching = if asset.path.starts_with("/assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let head = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CONTENT_ENCODING, "gzip"),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (head, asset.gzipped).into_response()
}
