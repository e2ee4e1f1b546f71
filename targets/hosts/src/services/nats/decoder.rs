//! What a server says, read as it arrives.

use dunlin::{Budget, Charge, Kind};
use serde::Deserialize;
use std::mem;

/// How long a line may be. The server's first line names the other servers of its cluster.
const LINE: usize = 32 << 10;

/// How large a message may be said to be: NATS itself has no larger ones.
const LARGEST: usize = 64 << 20;

/// What follows a message, in bytes.
const LINE_END: usize = 2;

/// A message that has arrived. Its body is charged to the budget as long as it lives.
#[derive(Debug)]
pub struct NatsMessage {
    /// What it is about.
    pub subject: String,
    /// Where an answer is waited for, if one is.
    pub reply: Option<String>,
    /// What it says.
    pub body: Vec<u8>,
    _charge: Charge,
}

/// What a server says of itself.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Info {
    #[serde(default = "usual_payload")]
    pub(super) max_payload: usize,
    #[serde(default)]
    pub(super) tls_required: bool,
}

fn usual_payload() -> usize {
    1 << 20
}

/// One of the things that a server says.
#[derive(Debug)]
pub(super) enum Said {
    Info(Info),
    /// A message for the subscription of this number.
    Message(u64, NatsMessage),
    /// A message for the subscription of this number that was too large, or for which there was no room.
    Skipped(u64),
    Ping,
    Pong,
    Fine,
    Error(String),
}

/// Reads what a server says, in pieces of any size.
pub(super) struct Decoder {
    largest: usize,
    budget: Budget,
    line: Vec<u8>,
    state: State,
}

enum State {
    Line,
    /// A message for a subscription, of which so much is missing, with the line's end behind it.
    Body {
        number: u64,
        message: NatsMessage,
        left: usize,
    },
    /// The same, which isn't kept.
    Skipping {
        number: u64,
        left: usize,
    },
}

impl Decoder {
    /// A decoder that keeps messages of at most that size, as long as they fit the budget.
    pub(super) fn new(largest: usize, budget: &Budget) -> Self {
        Self { largest, budget: budget.clone(), line: Vec::new(), state: State::Line }
    }

    /// The next thing that is said, of which the beginning may have come earlier. Takes from `bytes` what belongs to it;
    /// `None` if it isn't complete with all of them.
    ///
    /// # Errors
    ///
    /// In words, if it isn't what a NATS server says. There is no going on then.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Said>, &'static str> {
        loop {
            match &mut self.state {
                State::Line => {
                    let Some(line) = self.take_line(bytes)? else { return Ok(None) };
                    let line = str::from_utf8(&line).map_err(|_| "what it says isn't UTF-8")?;
                    if let Some(said) = self.read_line(line.trim_end_matches(['\r', '\n']))? {
                        return Ok(Some(said));
                    }
                }
                State::Body { message: NatsMessage { body, .. }, left, .. } => {
                    // The line's end isn't kept.
                    let of_body = *left - LINE_END.min(*left);
                    let taken = take(bytes, left);
                    body.extend_from_slice(&taken[..taken.len().min(of_body)]);
                    if *left > 0 {
                        return Ok(None);
                    }
                    if let State::Body { number, message, .. } = mem::replace(&mut self.state, State::Line) {
                        return Ok(Some(Said::Message(number, message)));
                    }
                }
                State::Skipping { number, left } => {
                    take(bytes, left);
                    if *left > 0 {
                        return Ok(None);
                    }
                    let number = *number;
                    self.state = State::Line;
                    return Ok(Some(Said::Skipped(number)));
                }
            }
        }
    }

    fn take_line(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (taken, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        if self.line.len() + taken.len() > LINE {
            return Err("one of its lines doesn't end");
        }
        *bytes = rest;
        self.line.extend_from_slice(taken);
        Ok(end.map(|_| mem::take(&mut self.line)))
    }

    /// Reads a line. It is all that is said, unless a message follows.
    fn read_line(&mut self, line: &str) -> Result<Option<Said>, &'static str> {
        let (verb, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        Ok(Some(match &*verb.to_ascii_uppercase() {
            "INFO" => {
                Said::Info(serde_json::from_str(rest).map_err(|_| "what it says of itself can't be read")?)
            }
            "PING" => Said::Ping,
            "PONG" => Said::Pong,
            "+OK" => Said::Fine,
            "-ERR" => Said::Error(rest.trim().trim_matches('\'').to_owned()),
            "MSG" => {
                self.begin_message(rest).ok_or("a message of its can't be read")?;
                return Ok(None);
            }
            _ => return Err("it says what no NATS server says"),
        }))
    }

    /// Begins a message: subject, subscription, where an answer goes if that is wanted, size.
    fn begin_message(&mut self, line: &str) -> Option<()> {
        let parts: Vec<&str> = line.split_ascii_whitespace().collect();
        let (subject, number, reply, size) = match parts[..] {
            [subject, number, size] => (subject, number, None, size),
            [subject, number, reply, size] => (subject, number, Some(reply), size),
            _ => return None,
        };
        let number = number.parse().ok()?;
        let size: usize = size.parse().ok().filter(|size| *size <= LARGEST)?;
        let left = size + LINE_END;
        self.state = match (size <= self.largest).then(|| self.room(size)).flatten() {
            None => State::Skipping { number, left },
            Some((body, charge)) => {
                let (subject, reply) = (subject.to_owned(), reply.map(str::to_owned));
                State::Body { number, message: NatsMessage { subject, reply, body, _charge: charge }, left }
            }
        };
        Some(())
    }

    fn room(&self, size: usize) -> Option<(Vec<u8>, Charge)> {
        // Of what a message takes besides its body, this is a bound for most.
        const BESIDES: u64 = 256;
        let charge = self.budget.charge(Kind::Host, size as u64 + BESIDES).ok()?;
        let mut body = Vec::new();
        body.try_reserve_exact(size).ok()?;
        Some((body, charge))
    }
}

/// Takes as many bytes as there are of those that are missing.
fn take<'b>(bytes: &mut &'b [u8], left: &mut usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(bytes.len().min(*left));
    *bytes = rest;
    *left -= taken.len();
    taken
}
