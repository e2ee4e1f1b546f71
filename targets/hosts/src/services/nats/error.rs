//! What can go wrong with messages.

use std::fmt;
use std::time::Duration;

/// Why a message isn't sent, or there is no connection.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NatsError {
    /// This is no address of a server.
    Address,
    /// No connection can be had: to where, and why.
    Connection(String, String),
    /// The server doesn't want to be spoken to: which, and its words.
    Refused(String, String),
    /// There is no connection to this server at the moment.
    Disconnected(String),
    /// The message has so many bytes, more than the second number.
    TooLarge(usize, usize),
    /// This is no subject, or no name of a group.
    Subject(String),
    /// Nobody answered a request in this time.
    Unanswered(Duration),
    /// The system lacks something, such as a thread.
    System(String),
}

impl fmt::Display for NatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The address isn't repeated: there may be a password in it.
            NatsError::Address => {
                f.write_str("a NATS server's address should be nats://HOST[:PORT], with USER:PASSWORD@ or TOKEN@ before the host if it wants that")
            }
            NatsError::Connection(server, why) => write!(f, "{server}: {why}"),
            NatsError::Refused(server, why) => {
                write!(f, "{server} refuses the connection: {}", why.escape_debug())
            }
            NatsError::Disconnected(server) => write!(f, "there is no connection to {server} at the moment"),
            NatsError::TooLarge(size, most) => {
                write!(f, "the message has {size} bytes, and may have {most}")
            }
            NatsError::Subject(subject) => {
                write!(f, "'{}' is no subject for this", subject.escape_debug())
            }
            NatsError::Unanswered(time) => write!(f, "nobody answered within {} ms", time.as_millis()),
            NatsError::System(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NatsError {}
