//! Messages by subject, through a NATS server.
//!
//! A [`Nats`] is one connection: it publishes, asks, and hands what it has subscribed to to whoever wanted it. When the
//! connection is lost it is made again, after a tenth of a second at first and five at most, and the server is told of all
//! subscriptions anew. Messages are delivered at most once, as NATS itself has it: what is published while there is no
//! connection is refused, and nothing is kept for later.
//!
//! There is no TLS, no headers and no JetStream, and the other servers of a cluster aren't looked for.
//!
//! | Limit | |
//! |---|---|
//! | A message's body | [`NatsOptions::largest`], and what the server allows |
//! | A subject | 1 KiB |
//! | A line of the server's | 32 KiB |
//! | Messages that wait for one subscriber | [`NatsOptions::waiting`], and the budget |
//! | Connecting, with all that is said first | 5 s |
//! | Sending a message | 5 s |
//! | A server's silence | 30 s, then it is asked; 30 s more, and it is given up |

mod address;
mod client;
mod connection;
mod decoder;
mod error;
#[cfg(test)]
mod tests;

pub use address::NatsAddress;
pub use client::{Nats, NatsOptions, Subscription};
pub use decoder::NatsMessage;
pub use error::NatsError;
