//! A connection to a server, from the first words on.

use super::address::{Credentials, NatsAddress};
use super::decoder::{Decoder, Info, Said};
use super::error::NatsError;
use serde::Serialize;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long it may take until both sides have said who they are.
const GREETING: Duration = Duration::from_secs(5);

/// How long sending a message may take.
const SENDING: Duration = Duration::from_secs(5);

/// How long a server may say nothing before it is asked whether it is there, and again before it is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// How much is read at a time.
const PART: usize = 16 << 10;

/// The side of a connection that is listened to.
pub(super) struct Incoming {
    stream: TcpStream,
    decoder: Decoder,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
}

/// The side of a connection that is spoken to.
pub(super) struct Outgoing {
    stream: TcpStream,
    pub(super) info: Info,
}

/// What a server is told first.
#[derive(Serialize)]
struct Introduction<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    lang: &'static str,
    version: &'static str,
    name: &'static str,
    protocol: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
}

impl Introduction<'_> {
    fn of(credentials: &Credentials) -> String {
        let (user, pass, auth_token) = match credentials {
            Credentials::None => (None, None, None),
            Credentials::Token(token) => (None, None, Some(&**token)),
            Credentials::User(user, password) => (Some(&**user), Some(&**password), None),
        };
        let introduction = Introduction {
            verbose: false,
            pedantic: false,
            tls_required: false,
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            name: "dunlin",
            protocol: 1,
            user,
            pass,
            auth_token,
        };
        serde_json::to_string(&introduction).unwrap_or_default()
    }
}

/// Connects to a server, and waits until it takes commands.
pub(super) fn open(address: &NatsAddress, decoder: Decoder) -> Result<(Incoming, Outgoing), NatsError> {
    let failed = |error: io::Error| NatsError::Connection(address.to_string(), reason(&error));
    let refused = |why: &str| NatsError::Refused(address.to_string(), why.to_owned());
    let until = Instant::now() + GREETING;
    let stream = connect(address).map_err(failed)?;
    // Where it can't be had, messages take a little longer.
    let _ = stream.set_nodelay(true);
    let speaking = stream.try_clone().map_err(failed)?;
    let buffer = vec![0; PART].into();
    let mut incoming = Incoming { stream, decoder, buffer, at: 0, end: 0 };
    let Said::Info(info) = incoming.next_until(until).map_err(failed)? else {
        return Err(failed(no_nats("it doesn't say who it is first")));
    };
    if info.tls_required {
        return Err(failed(io::Error::other("it wants TLS, which isn't spoken here")));
    }
    let mut outgoing = Outgoing { stream: speaking, info };
    let introduction = Introduction::of(&address.credentials);
    outgoing.write(&[b"CONNECT ", introduction.as_bytes(), b"\r\nPING\r\n"]).map_err(failed)?;
    loop {
        match incoming.next_until(until).map_err(failed)? {
            Said::Pong => break,
            Said::Error(why) => return Err(refused(&why)),
            Said::Info(info) => outgoing.info = info,
            Said::Ping => outgoing.write(&[b"PONG\r\n"]).map_err(failed)?,
            _ => {}
        }
    }
    incoming.stream.set_read_timeout(Some(SILENCE)).map_err(failed)?;
    Ok((incoming, outgoing))
}

fn connect(address: &NatsAddress) -> io::Result<TcpStream> {
    let mut last = io::Error::other("there is no such host");
    let places = (&*address.host, address.port).to_socket_addrs();
    for place in places.map_err(|_| io::Error::other("there is no such host"))? {
        match TcpStream::connect_timeout(&place, GREETING) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What is wrong, without the system's number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it takes too long".into(),
        io::ErrorKind::UnexpectedEof => "it ended the connection".into(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error ").map_or(text.clone(), |(reason, _)| reason.to_owned())
        }
    }
}

fn no_nats(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this isn't a NATS server: {why}"))
}

impl Incoming {
    /// The next thing that the server says. If that takes longer than the connection allows, it can be asked for again.
    pub(super) fn next(&mut self) -> io::Result<Said> {
        self.next_within(None)
    }

    fn next_until(&mut self, until: Instant) -> io::Result<Said> {
        self.next_within(Some(until))
    }

    fn next_within(&mut self, until: Option<Instant>) -> io::Result<Said> {
        loop {
            let mut rest = &self.buffer[self.at..self.end];
            let said = self.decoder.next(&mut rest).map_err(no_nats)?;
            self.at = self.end - rest.len();
            if let Some(said) = said {
                return Ok(said);
            }
            if let Some(until) = until {
                self.stream.set_read_timeout(Some(time_left(until)?))?;
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => (self.at, self.end) = (0, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// How much time there is until then, if any.
fn time_left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left).ok_or_else(|| io::ErrorKind::TimedOut.into())
}

impl Outgoing {
    /// Says all of these, one after the other.
    pub(super) fn write(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        let until = Instant::now() + SENDING;
        while !left.is_empty() {
            self.stream.set_write_timeout(Some(time_left(until)?))?;
            match self.stream.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends both sides of the connection.
    pub(super) fn end(&self) {
        // It may have ended by itself.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}
