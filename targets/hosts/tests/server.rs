//! The server, on sockets, with handlers of the tests' own: what has no guest in it.
#![cfg(feature = "serve")]

mod common;

use common::Running;
use dunlin_hosts::server::{Failure, Handler, HeaderMap, Request, Responder, StatusCode, header};
use std::io::Write;
use std::time::Duration;

/// Does what the path says.
struct ByPath;

impl Handler for ByPath {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        match request.head.uri.path() {
            "/echo" => responder.send(StatusCode::OK, "text/plain", &request.body),
            "/fail" => return Err(Failure::guest("trap", "secret")),
            "/panic" => panic!("a fault of the test's"),
            "/late" => {
                let mut writer = responder.start(StatusCode::OK, HeaderMap::new())?;
                writer.write_all(b"first").unwrap();
                std::thread::sleep(Duration::from_millis(50));
                writer.write_all(b"second").unwrap();
            }
            "/half" => {
                let mut writer = responder.start(StatusCode::OK, HeaderMap::new())?;
                writer.write_all(&[b'x'; 100_000]).unwrap();
                return Err(Failure::guest("trap", "in the middle"));
            }
            "/wrong" => {
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_LENGTH, 7.into());
                headers.insert(header::TRANSFER_ENCODING, "chunked".parse().unwrap());
                responder.start(StatusCode::OK, headers)?.write_all(b"four").unwrap();
            }
            "/nothing" => {}
            path => return Err(Failure::not_found(path)),
        }
        Ok(())
    }
}

#[test]
fn what_is_asked_is_answered() {
    let server = Running::start(ByPath, |_| {});
    let mut client = server.client();
    // One connection serves one request after another.
    for _ in 0..3 {
        client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        let reply = client.reply();
        assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
        assert_eq!(reply.header("content-length"), Some("5"));
        assert_eq!(reply.header("content-type"), Some("text/plain"));
    }
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), "hello");
    client.send("HEAD /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    let reply = client.head();
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("5")));
    client.send("HEAD /late HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((client.head().status, client.get("/missing").status), (200, 404));
    assert_eq!(server.get("/missing").status, 404);
}

#[test]
fn what_takes_long_is_streamed() {
    let server = Running::start(ByPath, |_| {});
    let reply = server.get("/late");
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.text(), "firstsecond");
}

#[test]
fn failures_are_told_to_the_log_only() {
    let server = Running::start(ByPath, |_| {});
    for (path, sentence) in [("/fail", "secret"), ("/panic", "panicked"), ("/nothing", "no answer")] {
        let reply = server.get(path);
        assert_eq!((reply.status, reply.text().as_str()), (500, "500 Internal Server Error\n"), "{path}");
        let lines = server.log.lines();
        assert!(lines.iter().any(|(_, from, line)| from == path && line.contains(sentence)), "{lines:?}");
    }
    // What was begun can't become another status, but its end is missing.
    let reply = server.get("/half");
    assert!(reply.status == 200 && reply.is_cut_short);
}

#[test]
fn a_wrong_length_is_corrected() {
    let reply = Running::start(ByPath, |_| {}).get("/wrong");
    assert_eq!((reply.header("content-length"), reply.text().as_str()), (Some("4"), "four"));
    assert_eq!(reply.header("transfer-encoding"), None);
}
