//! A bundle that others made.

use super::common::Running;
use dunlin::Engine;
use dunlin_hosts::atmo::{App, AppOptions, Bundle};
use dunlin_hosts::services::http::{Headers, HttpError, OutboundHttp, Trailers};
use dunlin_hosts::services::http::{Request as HttpRequest, Response as HttpResponse};
use std::sync::{Arc, Mutex};

/// What Reddit and Hacker News answer, and how often they were asked.
#[derive(Default)]
struct News(Mutex<Vec<String>>);

impl OutboundHttp for News {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        self.0.lock().unwrap().push(request.url.clone());
        let (status, answer) = match request.url.as_str() {
            "https://www.reddit.com/r/rust/comments/x.json" => {
                (200, r#"[{"data": {"children": [{"data": {"num_comments": 42}}]}}]"#)
            }
            "https://hacker-news.firebaseio.com/v0/item/8863.json" => (200, r#"{"descendants": 71}"#),
            _ => (404, "not here"),
        };
        let body = Box::new(std::io::Cursor::new(answer.as_bytes().to_vec()));
        Ok(HttpResponse { status, headers: Headers::new(), body, trailers: Trailers::default() })
    }
}

/// A bundle that others made: the repository calebschoepp/comment-server. It counts comments to what a URL in base64 leads to.
#[test]
fn a_public_bundle_answers() {
    let Some(file) = std::env::var_os("ATMO_BUNDLE") else {
        eprintln!("SKIPPED: ATMO_BUNDLE doesn't name the runnables.wasm.zip of calebschoepp/comment-server");
        return;
    };
    let bundle = Bundle::read(&Engine::default(), &std::fs::read(file).unwrap()).unwrap();
    let news = Arc::new(News::default());
    let options = AppOptions { http: Some(news.clone()), ..AppOptions::default() };
    let server = Running::start(App::new(bundle, &options).unwrap(), |_| {});
    for (path, status, text) in [
        // https://www.reddit.com/r/rust/comments/x
        ("/platform/reddit/url/aHR0cHM6Ly93d3cucmVkZGl0LmNvbS9yL3J1c3QvY29tbWVudHMveA==", 200, "42"),
        ("/platform/reddit/url/aHR0cHM6Ly93d3cucmVkZGl0LmNvbS9yL3J1c3QvY29tbWVudHMveA==", 200, "42"),
        // https://news.ycombinator.com/item?id=8863
        ("/platform/hackernews/url/aHR0cHM6Ly9uZXdzLnljb21iaW5hdG9yLmNvbS9pdGVtP2lkPTg4NjM=", 200, "71"),
        (
            "/platform/hackernews/url/aHR0cHM6Ly93d3cucmVkZGl0LmNvbS9yL3J1c3QvY29tbWVudHMveA==",
            400,
            "Provided url is invalid or does not match platform",
        ),
        // https://example.com/
        (
            "/platform/reddit/url/aHR0cHM6Ly9leGFtcGxlLmNvbS8=",
            400,
            "Provided url is invalid or does not match platform",
        ),
        ("/platform/nowhere/url/aHR0cHM6Ly93d3cucmVkZGl0LmNvbS9yL3J1c3QvY29tbWVudHMveA==", 400, "Provided"),
        ("/platform/reddit/url/x", 400, "Error base64 decoding"),
        ("/platform/reddit", 404, ""),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(reply.text().contains(text), "{path}: {}", reply.text());
        let origin = reply.header("access-control-allow-origin");
        assert_eq!(origin, (status == 200).then_some("*"), "{path}");
    }
    // The second time, the cache knew.
    assert_eq!(news.0.lock().unwrap().len(), 2);
}
