//! Where a server is, and as whom it is spoken to.

use super::error::NatsError;
use std::fmt;

/// A server's address: `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]`, in which `%` and two hexadecimal digits stand for any
/// byte of a name, a password or a token. The port is 4222 if it isn't given. It is shown without the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsAddress {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Credentials,
}

/// What a server is told of who speaks.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    None,
    Token(String),
    User(String, String),
}

impl NatsAddress {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// If it isn't one.
    pub fn parse(text: &str) -> Result<Self, NatsError> {
        Self::read(text).ok_or(NatsError::Address)
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("nats://")?;
        let text = text.strip_suffix('/').unwrap_or(text);
        let (credentials, place) = match text.rsplit_once('@') {
            None => (Credentials::None, text),
            Some((who, place)) => match who.split_once(':') {
                None => (Credentials::Token(decoded(who)?), place),
                Some((user, password)) => (Credentials::User(decoded(user)?, decoded(password)?), place),
            },
        };
        // The colons in brackets are an address's.
        let after_address = place.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match place[after_address..].split_once(':') {
            None => (place, 4222),
            Some((_, port)) => (&place[..place.len() - port.len() - 1], port.parse().ok()?),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let of_a_host = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
        let is_host = !host.is_empty() && host.chars().all(of_a_host) && (is_address || !host.contains(':'));
        is_host.then(|| Self { host: host.to_owned(), port, credentials })
    }
}

/// What a text with escapes stands for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? << 4 | digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

impl fmt::Display for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "nats://[{}]:{}", self.host, self.port),
            false => write!(f, "nats://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_secrets() {
        let user = |user: &str, password: &str| Credentials::User(user.into(), password.into());
        for (text, shown, credentials) in [
            ("nats://localhost", "nats://localhost:4222", Credentials::None),
            ("nats://10.0.0.1:1/", "nats://10.0.0.1:1", Credentials::None),
            ("nats://[::1]", "nats://[::1]:4222", Credentials::None),
            ("nats://[::1]:5", "nats://[::1]:5", Credentials::None),
            ("nats://secret@a.b", "nats://a.b:4222", Credentials::Token("secret".into())),
            ("nats://ann:a%40b%c3%a9@a:9", "nats://a:9", user("ann", "a@b\u{e9}")),
            ("nats://ann:a:b@c@a:9", "nats://a:9", user("ann", "a:b@c")),
        ] {
            let address = NatsAddress::parse(text).unwrap();
            assert_eq!((&*address.to_string(), address.credentials == credentials), (shown, true), "{text}");
            assert_eq!(format!("{address:?}"), shown);
        }
        for wrong in [
            "",
            "localhost",
            "tls://a",
            "nats://",
            "nats://a:x",
            "nats://a:65536",
            "nats://a b",
            "nats://::1",
            "nats://@a",
            "nats://ann:@a",
            "nats://:secret@a",
            "nats://%@a",
            "nats://%ff@a",
            "nats://a,b",
            "nats://a/b",
            "nats://[::1",
            "nats://[::1]x",
        ] {
            let error = NatsAddress::parse(wrong).unwrap_err();
            assert!(error == NatsError::Address && !error.to_string().contains("secret"), "{wrong}");
        }
    }
}
