//! Requests that aren't HTTP: each is refused or its connection ended, and the server goes on.
#![cfg(feature = "serve")]

mod common;

use common::Running;
use dunlin_hosts::server::{Failure, Handler, Request, Responder, StatusCode};
use std::time::Duration;

struct Echo;

impl Handler for Echo {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        responder.send(StatusCode::OK, "text/plain", &request.body);
        Ok(())
    }
}

/// Begins, or is, something that no request is.
const CORPUS: [&str; 50] = [
    "\0\0\0\0\r\n\r\n",
    "\r\n\r\n\r\n\r\nnothing\r\n\r\n",
    "GET\r\n\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP\r\n\r\n",
    "GET / HTTP/\r\n\r\n",
    "GET / HTTP/1\r\n\r\n",
    "GET / HTTP/1.2\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET / http/1.1\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    "GET / / HTTP/1.1\r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "G\u{e9}T / HTTP/1.1\r\n\r\n",
    "G\0T / HTTP/1.1\r\n\r\n",
    "G(T / HTTP/1.1\r\n\r\n",
    "GET /\u{1} HTTP/1.1\r\n\r\n",
    "GET /\u{7f} HTTP/1.1\r\n\r\n",
    "GET nowhere HTTP/1.1:x\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\n: no name\r\n\r\n",
    "GET / HTTP/1.1\r\nname : space\r\n\r\n",
    "GET / HTTP/1.1\r\n folded: first\r\n\r\n",
    "GET / HTTP/1.1\r\nx: y\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nn\0me: x\r\n\r\n",
    "GET / HTTP/1.1\r\nn\u{e9}me: x\r\n\r\n",
    "GET / HTTP/1.1\r\nname: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nname: \u{7f}\r\n\r\n",
    "GET / HTTP/1.1\r\nname: a\rb\r\n\r\n",
    "GET / HTTP/1.1\r\nna me: x\r\n\r\n",
    "GET / HTTP/1.1\r\n\"name\": x\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
    "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\nx",
    "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\nx",
    "POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\nxx",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nx",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n",
];

#[test]
fn what_is_no_http_is_refused() {
    let server = Running::start(Echo, |options| options.patience = Duration::from_millis(300));
    for text in CORPUS {
        let mut client = server.client();
        client.send(text);
        let status = client.head().status;
        assert!(matches!(status, 0 | 400 | 408 | 413 | 414 | 431 | 501 | 505), "{status} for {text:?}");
        let mut client = server.client();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(client.reply().text(), "ok", "after {text:?}");
    }
}
