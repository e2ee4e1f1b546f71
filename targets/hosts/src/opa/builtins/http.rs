//! `http.send`

use super::builtin::{Answer, Asked, BuiltinError, Table, failed, object, value};
use super::time::duration;
use crate::services::http::{HttpLimits, Redirects, Request, RequestBody, Response};
use crate::yaml;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) static TABLE: Table = &[("http.send", |asked, arguments| send(asked, object(arguments, 0)?))];

/// How long a request takes at most, if it doesn't say.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many redirects are followed.
const MOST_REDIRECTS: u32 = 10;

/// What a request may say. What is about caches beyond an evaluation, and about retries, has no effect.
const KNOWN: [&str; 18] = [
    "body",
    "cache",
    "cache_ignored_headers",
    "caching_mode",
    "enable_redirect",
    "force_cache",
    "force_cache_duration_seconds",
    "force_json_decode",
    "force_yaml_decode",
    "headers",
    "max_retry_attempts",
    "method",
    "raise_error",
    "raw_body",
    "timeout",
    "tls_use_system_certs",
    "tls_insecure_skip_verify",
    "url",
];

/// The same request is sent once in an evaluation.
fn send(asked: &mut Asked, request: &Map<String, Value>) -> Answer {
    let key = json!(request).to_string();
    if let Some(known) = asked.responses.get(&key) {
        return value(known.clone());
    }
    let answered = exchange(asked, request).or_else(|error| match request.get("raise_error") {
        Some(Value::Bool(false)) => {
            let error = json!({"code": "eval_http_send_network_error", "message": error.to_string()});
            Ok(json!({"status_code": 0, "error": error}))
        }
        _ => Err(error),
    })?;
    asked.responses.insert(key, answered.clone());
    value(answered)
}

fn exchange(asked: &Asked, request: &Map<String, Value>) -> Result<Value, BuiltinError> {
    if let Some(unknown) = request.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(failed(format!("a request can't have '{unknown}' here")));
    }
    let is = |name: &str| request.get(name) == Some(&Value::Bool(true));
    if is("tls_insecure_skip_verify") {
        return Err(failed("certificates are always verified"));
    }
    let text = |name: &str| {
        request.get(name).and_then(Value::as_str).ok_or_else(|| failed(format!("a request needs its {name}")))
    };
    let mut sent = Request::new(text("method")?.to_ascii_uppercase(), text("url")?);
    sent.redirects =
        if is("enable_redirect") { Redirects::Followed(MOST_REDIRECTS) } else { Redirects::GivenBack };
    sent.limits = HttpLimits { total: Some(timeout(request.get("timeout"))?), ..sent.limits };
    for (name, content) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let content = content.as_str().map_or_else(|| content.to_string(), str::to_string);
        sent.headers.push(name.as_str(), content);
    }
    let body = match (request.get("raw_body"), request.get("body")) {
        (Some(Value::String(raw)), _) => Some(raw.clone()),
        (Some(_), _) => return Err(failed("raw_body must be a string")),
        (None, body) => body.map(Value::to_string),
    };
    let mut bytes = body.as_deref().unwrap_or_default().as_bytes();
    if body.is_some() {
        let len = bytes.len() as u64;
        sent.body = RequestBody::Sized(&mut bytes, len);
    }
    let http = asked.services.http.as_ref().ok_or_else(|| failed("requests aren't allowed"))?;
    let response = http.send(sent).map_err(failed)?;
    described(response, is("force_json_decode"), is("force_yaml_decode"))
}

/// A duration in Go's notation, or nanoseconds.
fn timeout(given: Option<&Value>) -> Result<Duration, BuiltinError> {
    let nanoseconds = match given {
        None => return Ok(TIMEOUT),
        Some(Value::String(text)) => duration(text)?,
        Some(number) => number.as_i64().ok_or_else(|| failed("the timeout must be a duration"))?,
    };
    match u64::try_from(nanoseconds) {
        // As if there were none given.
        Ok(0) => Ok(TIMEOUT),
        Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
        Err(_) => Err(failed("the timeout is negative")),
    }
}

fn described(response: Response, force_json: bool, force_yaml: bool) -> Result<Value, BuiltinError> {
    let mut headers = Map::new();
    for (name, content) in response.headers.iter() {
        let all = headers.entry(name.to_ascii_lowercase()).or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(String::from_utf8_lossy(content).into());
        }
    }
    let kind = response.headers.text("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (status, is_json) = (response.status, kind == "application/json");
    let is_yaml = matches!(kind.as_str(), "application/yaml" | "application/x-yaml");
    let raw = String::from_utf8_lossy(&response.bytes().map_err(failed)?).into_owned();
    // A body that isn't what it is said to be is no body.
    let body = match () {
        _ if force_json || is_json => serde_json::from_str(&raw).unwrap_or(Value::Null),
        _ if force_yaml || is_yaml => yaml::read(&raw).unwrap_or(Value::Null),
        _ => Value::Null,
    };
    let line = match reason(status) {
        "" => status.to_string(),
        reason => format!("{status} {reason}"),
    };
    Ok(json!({"status": line, "status_code": status, "headers": headers, "raw_body": raw, "body": body}))
}

/// The words for the statuses that are met most.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::options::PolicyOptions;
    use super::super::tests::{ask_with, asked};
    use super::super::{Reply, find};
    use crate::services::http::{Headers, HttpError, OutboundHttp, Request, RequestBody, Response, Trailers};
    use serde_json::{Value, json};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers with what it was sent.
    struct Echo(Arc<AtomicUsize>);

    impl OutboundHttp for Echo {
        fn send(&self, request: Request<'_>) -> Result<Response, HttpError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if request.url.ends_with("/nowhere") {
                return Err(HttpError::NotAllowed("nowhere:80".into()));
            }
            let mut sent = String::new();
            if let RequestBody::Sized(body, _) = request.body {
                body.read_to_string(&mut sent).unwrap();
            }
            let kind =
                request.headers.text("x-kind").unwrap_or("application/json; charset=utf-8").to_string();
            let body = json!({"method": request.method, "body": sent}).to_string().into_bytes();
            let mut headers = Headers::new();
            headers.push("Content-Type", kind);
            headers.push("X-A", "1");
            headers.push("x-a", "2");
            Ok(Response {
                status: 201,
                headers,
                body: Box::new(std::io::Cursor::new(body)),
                trailers: Trailers::default(),
            })
        }
    }

    fn options() -> (PolicyOptions, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        (PolicyOptions::default().http(Echo(count.clone())), count)
    }

    fn sent(request: &Value) -> Value {
        let Ok(Reply::Value(response)) = ask_with(&options().0, "http.send", &json!([request])) else {
            panic!("{request} fails");
        };
        response
    }

    #[test]
    fn responses_are_described() {
        let response =
            sent(&json!({"method": "post", "url": "http://a/", "body": {"x": 1}, "timeout": "1s"}));
        assert_eq!(response["status"], "201 Created");
        assert_eq!(response["status_code"], 201);
        assert_eq!(response["headers"]["x-a"], json!(["1", "2"]));
        assert_eq!(response["body"], json!({"method": "POST", "body": "{\"x\":1}"}));
        let text = sent(&json!({"method": "GET", "url": "http://a/", "headers": {"x-kind": "text/plain"}}));
        assert_eq!(text["body"], json!(null));
        // In whatever order the keys are.
        let raw: Value = serde_json::from_str(text["raw_body"].as_str().unwrap()).unwrap();
        assert_eq!(raw, json!({"body": "", "method": "GET"}));
        let forced = json!({"method": "GET", "url": "http://a/", "headers": {"x-kind": "text/plain"}, "force_json_decode": true});
        assert_eq!(sent(&forced)["body"]["method"], "GET");
        let raw = sent(&json!({"method": "PUT", "url": "http://a/", "raw_body": "plain"}));
        assert_eq!(raw["body"]["body"], "plain");
    }

    #[test]
    fn failures_are_undefined_or_described() {
        for wrong in [
            json!({"url": "http://a/"}),
            json!({"method": "GET", "url": "http://a/", "other": 1}),
            json!({"method": "GET", "url": "http://a/", "timeout": "soon"}),
            json!({"method": "GET", "url": "http://a/", "tls_insecure_skip_verify": true}),
            json!({"method": "GET", "url": "http://a/nowhere"}),
        ] {
            assert!(ask_with(&options().0, "http.send", &json!([wrong])).is_err(), "{wrong}");
        }
        let described = sent(&json!({"method": "GET", "url": "http://a/nowhere", "raise_error": false}));
        assert_eq!(described["status_code"], 0);
        assert_eq!(described["error"]["code"], "eval_http_send_network_error");
        assert_eq!(described["error"]["message"], "requests to nowhere:80 aren't allowed");
    }

    #[test]
    fn the_same_request_is_sent_once_in_an_evaluation() {
        let (options, count) = options();
        let builtin = find("http.send", &options).unwrap();
        let mut evaluation = asked();
        evaluation.services = options.services.clone();
        for url in ["http://a/", "http://a/", "http://b/"] {
            builtin.answer(&mut evaluation, &[json!({"method": "GET", "url": url})]).unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
