//! What is told of a request when it is over.

use hyper::{Method, StatusCode};
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::time::Duration;

/// A request that is over. It is shown as a line of text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// Its number.
    pub id: u64,
    /// Who asked.
    pub peer: SocketAddr,
    /// How it asked.
    pub method: Method,
    /// What it asked for: the path, without the query.
    pub path: String,
    /// What the client was told; 499 if it had gone away.
    pub status: StatusCode,
    /// The length of the answer's body.
    pub bytes: u64,
    /// From when its headers had arrived until its answer was handed to the system.
    pub time: Duration,
    /// The fuel that it took, if that is counted.
    pub fuel: u64,
    /// What went wrong, in a word.
    pub failure: Option<&'static str>,
}

impl Served {
    /// The same as an object of JSON.
    pub fn json(&self) -> String {
        let failure = self.failure.map_or("null".into(), quoted);
        format!(
            "{{\"id\":{},\"peer\":{},\"method\":{},\"path\":{},\"status\":{},\"bytes\":{},\"seconds\":{:.6},\
             \"fuel\":{},\"failure\":{failure}}}",
            self.id,
            quoted(&self.peer.to_string()),
            quoted(self.method.as_str()),
            quoted(&self.path),
            self.status.as_u16(),
            self.bytes,
            self.time.as_secs_f64(),
            self.fuel,
        )
    }
}

impl Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, method, path, bytes, time, .. } = self;
        let (status, path) = (self.status.as_u16(), path.escape_debug());
        write!(f, "{peer} {method} {path} {status} {bytes} B {:.1} ms", time.as_secs_f64() * 1e3)?;
        self.failure.map_or(Ok(()), |failure| write!(f, " {failure}"))
    }
}

/// A text of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_safe_to_read() {
        let served = Served {
            id: 7,
            peer: "127.0.0.1:9".parse().unwrap(),
            method: Method::GET,
            path: "/a\"\\\u{1b}ü".into(),
            status: StatusCode::OK,
            bytes: 12,
            time: Duration::from_micros(1500),
            fuel: 3,
            failure: Some("trap"),
        };
        assert_eq!(served.to_string(), "127.0.0.1:9 GET /a\\\"\\\\\\u{1b}ü 200 12 B 1.5 ms trap");
        assert_eq!(
            served.json(),
            r#"{"id":7,"peer":"127.0.0.1:9","method":"GET","path":"/a\"\\\u001bü","status":200,"bytes":12,"seconds":0.001500,"fuel":3,"failure":"trap"}"#
        );
    }
}
