//! Which places may be spoken to.

use std::fmt;

/// Places that requests may go to; none by default.
///
/// A pattern is `[SCHEME://]HOST[:PORT]`. The scheme is `http`, `https` or `*`, which is also what none means. The host
/// is a name, an address, `*.example.com` for all names below `example.com` (but not itself), or `*` for all. The port
/// is a number or `*`; without one it is the scheme's own, 80 or 443.
///
/// It is the name that is compared, not the address that it leads to. The patterns are those of
/// `allowed_outbound_hosts` in Spin; a `/` at the end is allowed, as in WAGI's `allowed_hosts`.
///
/// ```
/// use dunlin_hosts::services::http::AllowList;
/// let mut list = AllowList::none();
/// list.allow("*.example.com")?;
/// list.allow("http://localhost:8080")?;
/// assert!(list.allows("https", "api.example.com", 443) && !list.allows("https", "example.com", 443));
/// assert!(list.allows("http", "localhost", 8080) && !list.allows("http", "localhost", 80));
/// # Ok::<(), dunlin_hosts::services::http::InvalidPattern>(())
/// ```
#[derive(Clone, Default, Debug)]
pub struct AllowList(Vec<Pattern>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Pattern {
    scheme: Option<&'static str>,
    host: Host,
    port: Port,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Host {
    Any,
    /// Below this name: it begins with a dot.
    Below(String),
    Named(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Port {
    Any,
    OfScheme,
    Number(u16),
}

/// It is no pattern of an [`AllowList`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidPattern(String);

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "'{}' should be a host such as example.com, *.example.com:8080 or https://example.com",
            self.0
        )
    }
}

impl std::error::Error for InvalidPattern {}

impl AllowList {
    /// Nowhere.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everywhere: for what the host itself asks for.
    pub fn everywhere() -> Self {
        Self(vec![Pattern { scheme: None, host: Host::Any, port: Port::Any }])
    }

    /// Adds the places of a pattern.
    ///
    /// # Errors
    ///
    /// If it isn't one.
    pub fn allow(&mut self, pattern: &str) -> Result<(), InvalidPattern> {
        self.0.push(Pattern::parse(pattern).ok_or_else(|| InvalidPattern(pattern.into()))?);
        Ok(())
    }

    /// Whether there is no such place.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether requests may go there. The host of an IPv6 address may stand in brackets.
    pub fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host = bare(host).to_ascii_lowercase();
        self.0.iter().any(|pattern| pattern.fits(scheme, &host, port))
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, place) = match text.split_once("://") {
            None | Some(("*", _)) => (None, text.split_once("://").map_or(text, |(_, place)| place)),
            Some(("http", place)) => (Some("http"), place),
            Some(("https", place)) => (Some("https"), place),
            Some(_) => return None,
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        // The colons in brackets are an address's.
        let after_address = place.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match place[after_address..].rfind(':').map(|colon| after_address + colon) {
            None => (place, Port::OfScheme),
            Some(colon) => match &place[colon + 1..] {
                "*" => (&place[..colon], Port::Any),
                number => (&place[..colon], Port::Number(number.parse().ok()?)),
            },
        };
        let name = |name: &str| {
            let of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let address = host.starts_with('[') && name.parse::<std::net::Ipv6Addr>().is_ok();
            (address || !name.is_empty() && name.chars().all(of_a_name)).then(|| name.to_ascii_lowercase())
        };
        let host = match host.strip_prefix('*') {
            Some("") => Host::Any,
            Some(below) => Host::Below(format!(".{}", name(below.strip_prefix('.')?)?)),
            None => Host::Named(name(bare(host))?),
        };
        Some(Self { scheme, host, port })
    }

    fn fits(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host_fits = match &self.host {
            Host::Any => true,
            Host::Below(end) => host.len() > end.len() && host.ends_with(end),
            Host::Named(name) => name == host,
        };
        let port_fits = match self.port {
            Port::Any => true,
            Port::OfScheme => port == default_port(scheme),
            Port::Number(number) => port == number,
        };
        host_fits && port_fits && self.scheme.is_none_or(|wanted| wanted == scheme)
    }
}

/// Without brackets, and without the dot that ends a name of the root.
fn bare(host: &str) -> &str {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host)
}

pub(super) fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, places: &[(&str, &str, u16, bool)]) {
        let mut list = AllowList::none();
        list.allow(pattern).unwrap();
        for (scheme, host, port, allowed) in places {
            assert_eq!(list.allows(scheme, host, *port), *allowed, "{pattern}: {scheme}://{host}:{port}");
        }
    }

    #[test]
    fn patterns_are_for_places() {
        check(
            "example.com",
            &[
                ("http", "example.com", 80, true),
                ("https", "EXAMPLE.com.", 443, true),
                ("https", "example.com", 80, false),
                ("http", "example.com", 8080, false),
                ("http", "www.example.com", 80, false),
                ("http", "notexample.com", 80, false),
            ],
        );
        check(
            "*.Example.com:*",
            &[
                ("http", "a.example.com", 1, true),
                ("https", "a.b.example.com", 65535, true),
                ("http", "example.com", 80, false),
                ("http", ".example.com", 80, false),
                ("http", "aexample.com", 80, false),
            ],
        );
        check("https://*:443/", &[("https", "x", 443, true), ("http", "x", 443, false)]);
        check("*://*:*", &[("http", "x", 1, true), ("https", "y", 2, true)]);
        check("http://[::1]:5000", &[("http", "[::1]", 5000, true), ("http", "::1", 5000, true)]);
        check("[::1]", &[("http", "[::1]", 80, true), ("http", "[::2]", 80, false)]);
        assert!(!AllowList::none().allows("http", "localhost", 80));
        assert!(AllowList::everywhere().allows("https", "localhost", 5000));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in [
            "", ":80", "ftp://x", "x:y", "x:65536", "x/y", "a b", "x*", "*x", "*.*", "*.", "http://", "::1",
            "[::1", "x@y",
        ] {
            let refused = AllowList::none().allow(wrong).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("'{wrong}' should be a host")));
        }
    }
}
