//! A client that says what it is told to, and reads answers without leniency.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What has been read and isn't part of an answer yet.
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What followed a body in chunks.
    pub(crate) trailers: Vec<String>,
    /// Whether the connection ended before the body did.
    pub(crate) is_cut_short: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; that nobody takes them shows when the answer is read.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        self.reply()
    }

    /// Reads more; false at the end.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer).unwrap_or(0);
        self.read.extend_from_slice(&buffer[..count]);
        count > 0
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        self.read.drain(..len.min(self.read.len())).collect()
    }

    /// Up to and with the first `end`.
    fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|bytes| bytes == end.as_bytes()) {
                return Some(String::from_utf8_lossy(&self.take(at + end.len())).into_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// A status and headers; status 0 if the connection ends without.
    pub(crate) fn head(&mut self) -> Reply {
        let mut reply = Reply {
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
            is_cut_short: false,
        };
        let Some(head) = self.until("\r\n\r\n") else { return reply };
        let mut lines = head.lines();
        reply.status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        reply.headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        reply
    }

    /// A whole answer.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut reply = self.head();
        while reply.status == 100 {
            reply = self.head();
        }
        if reply.header("transfer-encoding") == Some("chunked") {
            match self.chunks(&mut reply.body) {
                Some(trailers) => reply.trailers = trailers,
                None => reply.is_cut_short = true,
            }
        } else if let Some(len) = reply.header("content-length").map(|len| len.parse().unwrap()) {
            while self.read.len() < len && self.more() {}
            reply.body = self.take(len);
            reply.is_cut_short = reply.body.len() < len;
        }
        reply
    }

    /// The body of an answer in chunks whose head has been read.
    pub(crate) fn rest(&mut self) -> String {
        let mut body = Vec::new();
        self.chunks(&mut body);
        String::from_utf8_lossy(&body).into_owned()
    }

    /// Whether the server hasn't ended the connection; waits until it says anything.
    pub(crate) fn is_open(&mut self) -> bool {
        !self.read.is_empty() || self.more()
    }

    /// Reads a body, and gives its trailers; `None` if it is cut short.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Option<Vec<String>> {
        loop {
            let len = self.until("\r\n")?;
            let len = usize::from_str_radix(len.trim_end(), 16).unwrap();
            if len == 0 {
                let mut trailers = Vec::new();
                loop {
                    match self.until("\r\n")?.trim_end() {
                        "" => return Some(trailers),
                        line => trailers.push(line.to_owned()),
                    }
                }
            }
            while self.read.len() < len + 2 && self.more() {}
            if self.read.len() < len + 2 {
                return None;
            }
            body.extend(self.take(len));
            self.take(2);
        }
    }
}
