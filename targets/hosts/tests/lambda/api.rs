//! Lambda's API on loopback.

// Each test file uses some of this.
#![allow(dead_code)]

use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Something that was sent to the API.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn error(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Headers and a body.
type Event = (String, Vec<u8>);

/// Answers with these events, and then with 500.
#[derive(Clone)]
pub(crate) struct Api {
    address: SocketAddr,
    pub(crate) events: Arc<Mutex<VecDeque<Event>>>,
    pub(crate) posted: Arc<Mutex<Vec<Posted>>>,
    /// The status for what is posted.
    pub(crate) status: Arc<Mutex<u16>>,
}

impl Api {
    pub(crate) fn with(events: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let events = events.iter().map(|(headers, body)| ((*headers).to_owned(), body.to_vec())).collect();
        let api = Self {
            address: listener.local_addr().unwrap(),
            events: Arc::new(Mutex::new(events)),
            posted: Arc::default(),
            status: Arc::new(Mutex::new(202)),
        };
        let serving = api.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let api = serving.clone();
                std::thread::spawn(move || api.serve(&stream));
            }
        });
        api
    }

    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((method, posted)) = read(&mut reader) {
            let path = posted.path.strip_prefix("/api/2018-06-01/runtime/").unwrap_or_default();
            let answer = match (&*method, path) {
                ("GET", "invocation/next") => match self.events.lock().unwrap().pop_front() {
                    Some((headers, body)) => {
                        let head =
                            format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
                        [head.as_bytes(), &body].concat()
                    }
                    None => b"HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n".to_vec(),
                },
                ("POST", path) => {
                    self.posted.lock().unwrap().push(Posted { path: path.into(), ..posted });
                    let status = self.status.lock().unwrap();
                    format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes()
                }
                _ => b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n".to_vec(),
            };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub(crate) fn root(&self) -> String {
        format!("{}/api/", self.address)
    }
}

/// Reads a request. One whose chunks don't end has no more than came.
fn read(reader: &mut impl BufRead) -> Option<(String, Posted)> {
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        if reader.read_line(&mut headers).ok()? == 0 {
            return None;
        }
    }
    let mut words = headers.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut body = Vec::new();
    if headers.contains("transfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                headers.push_str("broken off");
                break;
            }
            let length = u64::from_str_radix(line.trim(), 16).unwrap();
            reader.by_ref().take(length).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body).ok()?;
    }
    Some((method, Posted { path, headers, body }))
}

pub(crate) fn id(id: &str) -> String {
    format!("Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: 600000\r\n")
}
