//! What runnables are told of the request that they are called for.

use crate::server::Bytes;
use std::collections::BTreeMap;

/// A request as a runnable sees it. Its body is the runnable's input.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Request {
    /// Such as `GET`; `SCHED` for a schedule.
    pub method: String,
    /// Path and query, such as `/hello?to=x`; the name of a schedule.
    pub url: String,
    /// Its number.
    pub id: String,
    /// Its body.
    pub body: Bytes,
    /// Headers, by names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Parameters of the path.
    pub params: BTreeMap<String, String>,
    /// What steps before have left.
    pub state: BTreeMap<String, Bytes>,
}

impl Request {
    /// One that has a body and nothing else.
    pub fn of_body(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// The first value of a name in the URL's query; empty if there is none.
    pub(super) fn query(&self, name: &str) -> String {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(key, _)| unescaped(key, true) == name)
            .map_or_else(String::new, |(_, value)| unescaped(value, true))
    }
}

/// What a runnable gives back.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Response {
    /// Its result.
    pub output: Bytes,
    /// Headers that it sets of the response.
    pub headers: BTreeMap<String, String>,
}

/// A part of a URL without its escapes; in a query, a `+` is a space. What isn't an escape stays as it is.
pub(super) fn unescaped(text: &str, in_query: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escape = after.first_chunk().filter(|_| *byte == b'%').and_then(|digits: &[u8; 2]| hex(*digits));
        match escape {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(if *byte == b'+' && in_query { b' ' } else { *byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_unescaped() {
        let asks = |url: &str, name| Request { url: url.into(), ..Request::default() }.query(name);
        assert_eq!(asks("/a?message=what+s%20up&x", "message"), "what s up");
        for (url, value) in [("/a?x", ""), ("/a", ""), ("/a?x=1&x=2#y=3", "1"), ("/a?y=2#x=3", "")] {
            assert_eq!(asks(url, "x"), value, "{url}");
        }
        assert_eq!(asks("/a?%6dessage=%zz%", "message"), "%zz%");
    }
}
