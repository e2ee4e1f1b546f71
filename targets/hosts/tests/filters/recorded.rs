//! Exchanges that `record.py` recorded with Envoy: the same filters make the same of them here.
//!
//! `DUNLIN_FILTERS=FILE` replays another recording too, as of modules that aren't ours.

use crate::connections::connect;
use dunlin::{Engine, Module};
use dunlin_hosts::proxy_wasm::{
    Attributes, Chain, Headers, HttpAnswer, HttpCall, Level, Output, Plugin, PluginOptions, Stream,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[test]
fn our_filter_does_what_it_does_in_envoy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filters");
    assert_eq!(replay(&folder.join("recorded.json")), Vec::<String>::new());
}

/// Those of `examples/hosts/filters`, whose library isn't ours: they are built where they are tested.
#[test]
fn filters_with_their_usual_library_do_what_they_do_in_envoy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mark = root.join("../../examples/hosts/filters/build/mark.wasm");
    if std::env::var_os("DUNLIN_BUILT_FILTERS").is_none() && !mark.exists() {
        return println!("NOT RUN: examples/hosts/filters/build.sh has built no filters");
    }
    assert_eq!(replay(&root.join("tests/filters/crate-recorded.json")), Vec::<String>::new());
}

#[test]
fn other_filters_do_what_they_do_in_envoy() {
    match std::env::var_os("DUNLIN_FILTERS") {
        None => println!("NOT RUN: DUNLIN_FILTERS names no recording of other filters"),
        Some(file) => {
            let differences = replay(Path::new(&file));
            assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
        }
    }
}

/// Replays a recording, and gives what differs.
fn replay(file: &Path) -> Vec<String> {
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut differences = Vec::new();
    for case in cases.as_array().unwrap() {
        let name = format!("{} {}", case["module"], case["configuration"]);
        let log = Arc::new(Mutex::new(Vec::new()));
        let module = file.parent().unwrap().join(case["module"].as_str().unwrap());
        let module = Module::from_file(&Engine::default(), module).unwrap();
        let said = log.clone();
        let options = PluginOptions::default().name("f").vm_id("");
        let options = options.configuration(case["configuration"].as_str().unwrap()).upstream("up");
        let options =
            options.log(Level::Trace, move |message| said.lock().unwrap().push(message.text.to_owned()));
        let mut chain = Chain::new(&[Plugin::new(&module, options).unwrap()]).unwrap();
        log.lock().unwrap().clear();
        let list = |name: &str| case[name].as_array().map_or(&[][..], Vec::as_slice);
        for (number, (steps, seen)) in list("connections").iter().zip(list("seen")).enumerate() {
            let here = connect(&mut chain, steps.as_array().unwrap());
            if here != *seen {
                differences.push(format!("{name} connection {number}:\n  envoy {seen}\n  here  {here}"));
            }
        }
        for (number, exchange) in list("exchanges").iter().enumerate() {
            let (sent, received, called) = run(&mut chain, exchange);
            for (what, here) in [("sent", sent), ("received", received), ("called", called)] {
                if here != *exchange.get(what).unwrap_or(&json!([])) {
                    differences.push(format!(
                        "{name} exchange {number}, {what}:\n  envoy {}\n  here  {here}",
                        exchange.get(what).unwrap_or(&Value::Null)
                    ));
                }
            }
        }
        // A trap is told in other words.
        let log: Vec<_> = log
            .lock()
            .unwrap()
            .iter()
            .filter(|text| !text.starts_with("the filter trapped"))
            .cloned()
            .collect();
        let lines = |log: Vec<String>| -> Vec<String> {
            log.iter().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect()
        };
        let envoy: Vec<String> = serde_json::from_value(case["log"].clone()).unwrap();
        let (log, envoy) = (lines(log), envoy);
        if log != envoy {
            let at = log.iter().zip(&envoy).position(|(here, envoy)| here != envoy);
            let at = at.unwrap_or(log.len().min(envoy.len()));
            differences.push(format!(
                "{name} log line {at}:\n  envoy {:?}\n  here  {:?}",
                envoy.get(at),
                log.get(at)
            ));
        }
    }
    differences
}

fn fields(message: &Value) -> Headers {
    let field =
        |field: &Value| (field[0].as_str().unwrap().to_owned(), field[1].as_str().unwrap().to_owned());
    message.as_array().unwrap().iter().map(field).collect()
}

fn listed<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<Value> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    headers.map(|(name, value)| json!([text(name), text(value)])).collect()
}

/// A message as a proxy would write it.
#[derive(Default)]
struct Written {
    headers: Option<Headers>,
    body: Vec<u8>,
    trailers: Headers,
    ended: bool,
}

impl Written {
    fn to_json(&self, order: &[&str]) -> Value {
        let Some(headers) = &self.headers else { return Value::Null };
        let mut fields: Vec<_> = order
            .iter()
            .flat_map(|name| listed(headers.iter().filter(|field| field.0 == name.as_bytes())))
            .collect();
        fields.extend(listed(
            headers.iter().filter(|field| !field.0.starts_with(b":") && field.0 != b"transfer-encoding"),
        ));
        json!({
            "headers": fields,
            "body": String::from_utf8_lossy(&self.body),
            "trailers": listed(self.trailers.iter()),
        })
    }
}

/// The body's chunks with what follows each, as `record.py` sends them.
fn feed(message: &Value, mut headers: Headers, (respond, head): (bool, bool), mut put: impl FnMut(Output)) {
    let body: Vec<_> = message["body"].as_array().map_or(&[][..], Vec::as_slice).iter().collect();
    let trailers = message.get("trailers").map(fields).unwrap_or_default();
    let chunked = body.len() > 1 || !trailers.is_empty();
    let status = headers.get(":status") != Some(b"204") && respond;
    if !chunked && (!body.is_empty() || status) {
        let len: usize = body.iter().map(|chunk| chunk.as_str().unwrap().len()).sum();
        headers.append("content-length", len.to_string());
    }
    if respond && chunked {
        headers.append("transfer-encoding", "chunked");
    }
    if !respond {
        headers.append("x-forwarded-proto", "http");
    }
    // Nobody reads a body where a `HEAD` is answered.
    let body = if respond && head { Vec::new() } else { body };
    put(Output::RequestHeaders { headers, end: body.is_empty() });
    for chunk in &body {
        put(Output::RequestBody { bytes: chunk.as_str().unwrap().into(), end: false });
    }
    // Envoy tells of the end of HTTP/1's bodies apart.
    if !body.is_empty() && trailers.is_empty() {
        put(Output::RequestBody { bytes: Vec::new(), end: true });
    }
    if !trailers.is_empty() {
        put(Output::RequestTrailers(trailers));
    }
}

/// Sends one request, and gives what the upstream and the client got, and what was called.
fn run(chain: &mut Chain, exchange: &Value) -> (Value, Value, Value) {
    let mut called = Vec::new();
    let mut stream = Stream::new(chain, Attributes::default());
    let (mut sent, mut received) = (Written::default(), Written::default());
    let given = fields(&exchange["request"]["headers"]);
    let pseudo = |name: &str| given.get(name).unwrap().to_vec();
    let head = pseudo(":method") == b"HEAD";
    // Envoy's order.
    let mut headers: Headers =
        [":authority", ":path", ":method"].into_iter().map(|name| (name, pseudo(name))).collect();
    headers.append(":scheme", "http");
    headers.extend(given.iter().filter(|field| !field.0.starts_with(b":")));
    feed(&exchange["request"], headers, (false, head), |output| {
        match output {
            Output::RequestHeaders { headers, end } => stream.request_headers(chain, headers, end),
            Output::RequestBody { bytes, end } => stream.request_body(chain, bytes, end),
            Output::RequestTrailers(trailers) => stream.request_trailers(chain, trailers),
            other => unreachable!("{other:?}"),
        }
        take(chain, &mut stream, &mut sent, &mut received);
        while let Some(call) = chain.next_call() {
            called.push(asked(&call));
            let message = &exchange["call"];
            let body = message["body"].as_array().map_or(&[][..], Vec::as_slice);
            let body = body.iter().flat_map(|chunk| chunk.as_str().unwrap().bytes()).collect();
            let answer = HttpAnswer { headers: fields(&message["headers"]), body, ..HttpAnswer::default() };
            chain.answer(call.id, Ok(answer));
            take(chain, &mut stream, &mut sent, &mut received);
        }
    });
    if sent.ended {
        let headers = fields(&exchange["response"]["headers"]);
        feed(&exchange["response"], headers, (true, head), |output| {
            match output {
                Output::RequestHeaders { headers, end } => stream.response_headers(chain, headers, end),
                Output::RequestBody { bytes, end } => stream.response_body(chain, bytes, end),
                Output::RequestTrailers(trailers) => stream.response_trailers(chain, trailers),
                other => unreachable!("{other:?}"),
            }
            take(chain, &mut stream, &mut sent, &mut received);
        });
    }
    stream.close(chain);
    // What Envoy's codec adds to a response that has no body.
    if let Some(headers) = &mut received.headers {
        let framed = headers.get("content-length").is_some()
            || !received.body.is_empty()
            || !received.trailers.is_empty();
        if !framed && !head && headers.get(":status") != Some(b"204") {
            headers.append("content-length", "0");
        }
    }
    let received = if received.ended { received } else { Written::default() };
    (sent.to_json(&REQUEST), received.to_json(&[":status"]), called.into())
}

/// The order in which requests' first fields are recorded.
const REQUEST: [&str; 3] = [":method", ":path", ":authority"];

/// A filter's call as it is recorded.
fn asked(call: &HttpCall) -> Value {
    let written = Written {
        headers: Some(call.headers.clone()),
        body: call.body.clone(),
        trailers: call.trailers.clone(),
        ended: true,
    };
    written.to_json(&REQUEST)
}

fn take(chain: &mut Chain, stream: &mut Stream, sent: &mut Written, received: &mut Written) {
    while let Some(output) = stream.next(chain) {
        match output {
            Output::RequestHeaders { headers, end } => (sent.headers, sent.ended) = (Some(headers), end),
            Output::RequestBody { bytes, end } => {
                sent.body.extend(bytes);
                sent.ended = end;
            }
            Output::RequestTrailers(trailers) => (sent.trailers, sent.ended) = (trailers, true),
            Output::ResponseHeaders { headers, end } => {
                (received.headers, received.ended) = (Some(headers), end)
            }
            Output::ResponseBody { bytes, end } => {
                received.body.extend(bytes);
                received.ended = end;
            }
            Output::ResponseTrailers(trailers) => (received.trailers, received.ended) = (trailers, true),
            Output::Answered { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
