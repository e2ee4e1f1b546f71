//! A backend for tests: it answers as the path says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A backend that runs until the test ends.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let paths = Arc::<Mutex<Vec<String>>>::default();
        let seen = paths.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                // Whoever hangs up has what he wanted.
                std::thread::spawn(move || while serve(&stream, &seen).is_some() {});
            }
        });
        Self { address, paths }
    }

    /// What it was asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

/// Answers one request; `None` at the connection's end.
fn serve(stream: &TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        lines.iter().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let path = lines[0].split(' ').nth(1)?.to_owned();
    seen.lock().unwrap().push(path.clone());
    let mut trailers = Vec::new();
    let body = match (header("content-length"), header("transfer-encoding")) {
        (Some((_, len)), _) => {
            let mut body = vec![0; len.parse().ok()?];
            reader.read_exact(&mut body).ok()?;
            body
        }
        (_, Some(_)) => {
            let (body, behind) = chunks(&mut reader)?;
            trailers = behind;
            body
        }
        _ => Vec::new(),
    };
    let mut out = stream;
    let whole = |status: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let reply = match path.rsplit('/').next()? {
        "quick" => {
            let text = format!("quick for {}", header("host").map_or("", |(_, host)| host));
            format!("HTTP/1.1 200 OK\r\nX-Kind: origin\r\ncontent-length: {}\r\n\r\n{text}", text.len())
                .into()
        }
        "slow" => {
            std::thread::sleep(Duration::from_millis(200));
            whole("200 OK", b"slow")
        }
        "silent" => {
            std::thread::sleep(Duration::from_secs(5));
            return None;
        }
        "cut" => {
            out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut").ok()?;
            return None;
        }
        "headers" | "rewritten" => whole("200 OK", (lines[1..].join("\n") + "\n").as_bytes()),
        "echo" => whole("200 OK", &body),
        "count" => whole("200 OK", body.len().to_string().as_bytes()),
        "trailers" => format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n{:x}\r\n{}\r\n0\r\nx-end: 1\r\nx-more: 2\r\n\r\n",
            trailers.join("\n").len(),
            trailers.join("\n")
        )
        .into(),
        "many" => (0..1_000_000).fold(b"HTTP/1.1 200 OK\r\n".to_vec(), |mut head, at| {
            head.extend(format!("x-{at}: 1\r\n").bytes());
            head
        }),
        "bomb" => format!("HTTP/1.1 200 OK\r\nx-bomb: {}\r\n\r\n", "x".repeat(10 << 20)).into(),
        "large" => whole("200 OK", &(0..3_000_000).map(|at| at as u8).collect::<Vec<_>>()),
        _ => whole("404 Not Found", b""),
    };
    out.write_all(&reply).ok()
}

/// A body in chunks, and the trailers behind it.
fn chunks(reader: &mut impl BufRead) -> Option<(Vec<u8>, Vec<String>)> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let len = usize::from_str_radix(line.trim_end(), 16).ok()?;
        if len == 0 {
            let lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            return Some((body, lines.collect()));
        }
        let from = body.len();
        body.resize(from + len + 2, 0);
        reader.read_exact(&mut body[from..]).ok()?;
        body.truncate(from + len);
    }
}
