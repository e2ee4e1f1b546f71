//! What a program prints: headers, an empty line, and the body of its answer.

use crate::server::{BodyWriter, Failure, HeaderMap, Responder, StatusCode, header};
use hyper::header::{HeaderName, HeaderValue};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much a program may print before the empty line.
pub(super) const MOST: usize = 64 << 10;

/// An answer, from what its program prints. Clones are the same.
#[derive(Clone)]
pub(super) struct Output(Arc<Mutex<State>>);

enum State {
    /// Of the headers, what is there so far.
    Head(Vec<u8>, Responder),
    Body(BodyWriter),
    Failed(Failure),
}

impl Output {
    pub(super) fn new(responder: Responder) -> Self {
        Self(Arc::new(Mutex::new(State::Head(Vec::new(), responder))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why what was printed is no answer.
    pub(super) fn failed(&self) -> Option<Failure> {
        match &*self.state() {
            State::Failed(failure) => Some(failure.clone()),
            State::Head(..) | State::Body(_) => None,
        }
    }

    /// What was printed, if nothing of the answer has begun.
    pub(super) fn printed(&self) -> Option<Vec<u8>> {
        match &*self.state() {
            State::Head(head, _) => Some(head.clone()),
            State::Body(_) | State::Failed(_) => None,
        }
    }

    /// Nothing more is printed, and something else is to be answered; `None` if the answer has begun.
    pub(super) fn divert(&self) -> Option<Responder> {
        let mut state = self.state();
        let taken = std::mem::replace(&mut *state, State::Failed(missing()));
        match taken {
            State::Head(_, responder) => Some(responder),
            begun => {
                *state = begun;
                None
            }
        }
    }

    /// What became of the answer, now that the program is over.
    pub(super) fn end(&self) -> Result<BodyWriter, Failure> {
        match std::mem::replace(&mut *self.state(), State::Failed(missing())) {
            State::Head(..) => Err(missing()),
            State::Body(body) => Ok(body),
            State::Failed(failure) => Err(failure),
        }
    }
}

fn missing() -> Failure {
    Failure::guest("bad answer", "it printed no headers with an empty line behind them")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        match &mut *state {
            State::Body(body) => body.write(bytes),
            State::Failed(failure) => Err(io::Error::other(failure.clone())),
            State::Head(head, _) => {
                let from = head.len();
                head.extend_from_slice(&bytes[..bytes.len().min(MOST + 1 - from)]);
                let Some(end) = end_of_headers(head, from) else {
                    if head.len() > MOST {
                        let message = format_args!("its headers have more than {MOST} bytes");
                        *state = State::Failed(Failure::guest("bad answer", message));
                    }
                    return Ok(bytes.len());
                };
                // As much of the body as came with it is for the next write.
                let taken = end - from;
                head.truncate(end);
                begin(&mut state).map(|()| taken).map_err(io::Error::other)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the body begins, if the empty line ends behind `from`.
fn end_of_headers(head: &[u8], from: usize) -> Option<usize> {
    let mut newlines = (from..head.len()).filter(|at| head[*at] == b'\n');
    newlines.find_map(|at| match head[..at] {
        // A line, and then nothing.
        [.., b'\n'] | [.., b'\n', b'\r'] | [] | [b'\r'] => Some(at + 1),
        _ => None,
    })
}

/// All headers are there.
fn begin(state: &mut State) -> Result<(), Failure> {
    let taken = std::mem::replace(state, State::Failed(Failure::guest("bad answer", "it has none")));
    let State::Head(head, responder) = taken else { return Ok(()) };
    let begun = headers(&head).and_then(|(status, headers)| responder.start(status, headers));
    match begun {
        Ok(body) => {
            *state = State::Body(body);
            Ok(())
        }
        Err(failure) => {
            *state = State::Failed(failure.clone());
            Err(failure)
        }
    }
}

/// The status and the headers that a program printed.
fn headers(head: &[u8]) -> Result<(StatusCode, HeaderMap), Failure> {
    let bad = |message: String| Failure::guest("bad answer", message);
    let mut headers = HeaderMap::new();
    let mut status = None;
    for line in head.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let shown = || String::from_utf8_lossy(line).escape_debug().to_string();
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) =
            colon.map(|at| line.split_at(at)).ok_or_else(|| bad(format!("'{}' is no header", shown())))?;
        let (name, value) = (name.trim_ascii(), value[1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"status") {
            // The reason behind the number is for people.
            let code = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            let code = StatusCode::from_bytes(code).ok().filter(|code| !code.is_informational());
            let message = || format!("'{}' is no status", shown());
            status =
                Some(code.ok_or_else(|| Failure::new(StatusCode::BAD_GATEWAY, "bad answer", message()))?);
            continue;
        }
        let header = HeaderName::from_bytes(name).ok().zip(HeaderValue::from_bytes(value).ok());
        let (name, value) = header.ok_or_else(|| bad(format!("'{}' is no header", shown())))?;
        headers.append(name, value);
    }
    let is_moved = headers.contains_key(header::LOCATION);
    if status.is_none() && !is_moved && !headers.contains_key(header::CONTENT_TYPE) {
        return Err(bad("it has neither content-type nor location nor status".into()));
    }
    let otherwise = if is_moved { StatusCode::FOUND } else { StatusCode::OK };
    Ok((status.unwrap_or(otherwise), headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<(u16, String), u16> {
        match headers(head.as_bytes()) {
            Ok((status, headers)) => {
                let text = headers.iter().map(|(name, value)| format!("{name}={};", value.to_str().unwrap()));
                Ok((status.as_u16(), text.collect()))
            }
            Err(failure) => Err(failure.status.as_u16()),
        }
    }

    #[test]
    fn headers_are_read() {
        let ok = |status: u16, text: &str| Ok((status, text.to_owned()));
        for (head, expected) in [
            ("Content-Type: text/plain\n\n", ok(200, "content-type=text/plain;")),
            (
                "content-type:text/html;charset=UTF-8\r\n\r\n",
                ok(200, "content-type=text/html;charset=UTF-8;"),
            ),
            ("Location: /there\n\n", ok(302, "location=/there;")),
            ("Location: /there\nStatus: 301 Moved\n\n", ok(301, "location=/there;")),
            ("status: 404 Not Found\n\n", ok(404, "")),
            ("Status: 200\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n", ok(200, "set-cookie=a=1;set-cookie=b=2;")),
            ("Status: 99\n\n", Err(502)),
            ("Status: 101\n\n", Err(502)),
            ("Status: teapot\n\n", Err(502)),
            ("x-other: 1\n\n", Err(500)),
            ("\n", Err(500)),
            ("Content-Type: text/plain\nno header\n\n", Err(500)),
            ("Content-Type: text/plain\nbad name: 1\n\n", Err(500)),
            ("Content-Type: text/plain\nx: \u{1}\n\n", Err(500)),
        ] {
            assert_eq!(read(head), expected, "{head:?}");
        }
    }

    #[test]
    fn the_empty_line_is_found_wherever_it_is_cut() {
        for (text, end) in [
            ("a: 1\n\nbody\n\n", Some(6)),
            ("a: 1\r\n\r\nbody", Some(8)),
            ("a: 1\n\r\nbody", Some(7)),
            ("\nbody", Some(1)),
            ("\r\nbody", Some(2)),
            ("a: 1\nb: 2\n", None),
        ] {
            let text = text.as_bytes();
            for cut in 0..=text.len() {
                let first = end_of_headers(&text[..cut], 0);
                let found = first.or_else(|| end_of_headers(text, cut));
                assert_eq!(found, end, "{cut} of {:?}", String::from_utf8_lossy(text));
            }
        }
    }
}
