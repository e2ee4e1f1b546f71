//! What a registry asks for before it answers, and how tokens are had.

use super::OciError;
use super::credentials::{Secret, basic};
use crate::services::http::{HttpError, OutboundHttp, Request, RequestBody, Response};
use serde::Deserialize;

/// What a registry asks for: a header `WWW-Authenticate`.
#[derive(Debug, PartialEq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The challenge of a response that can be met: a token rather than a password.
    pub(super) fn of(response: &Response) -> Option<Self> {
        let mut challenges: Vec<_> = response
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
            .filter_map(|(_, value)| Self::parse(str::from_utf8(value).ok()?))
            .collect();
        challenges.sort_by_key(|challenge| *challenge == Self::Basic);
        challenges.into_iter().next()
    }

    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        for (name, value) in parameters(rest) {
            match &*name.to_ascii_lowercase() {
                "realm" => realm = Some(value),
                "service" => service = Some(value),
                "scope" => scope = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer { realm: realm?, service, scope })
    }
}

/// `name="value", name=value`: commas and spaces may stand in quotes.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let mut value = String::new();
        let mut chars = after.char_indices();
        let mut end = after.len();
        let quoted = after.starts_with('"');
        if quoted {
            chars.next();
        }
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if quoted => {
                    end = at + 1;
                    break;
                }
                '\\' if quoted => value.extend(chars.next().map(|(_, c)| c)),
                ',' if !quoted => {
                    end = at;
                    break;
                }
                c => value.push(c),
            }
        }
        found.push((name.trim_matches([' ', ',', '\t']), value));
        rest = &after[end..];
    }
    found
}

/// What meets a challenge: the value of `Authorization`. `scope` is asked for where the challenge names none.
pub(super) fn meet(
    challenge: &Challenge,
    secret: Option<&Secret>,
    scope: &str,
    http: &dyn OutboundHttp,
    registry: &str,
) -> Result<Option<String>, OciError> {
    match (challenge, secret) {
        (Challenge::Basic, Some(Secret::Password { user, password })) => Ok(Some(basic(user, password))),
        (Challenge::Basic, _) => Ok(None),
        (_, Some(Secret::RegistryToken(token))) => Ok(Some(format!("Bearer {token}"))),
        (Challenge::Bearer { realm, service, scope: asked }, secret) => {
            let scope = asked.as_deref().unwrap_or(scope);
            token(realm, service.as_deref().unwrap_or_default(), scope, secret, http, registry)
        }
    }
}

/// Asks the realm for a token; `None` if it gives none to whom that is.
fn token(
    realm: &str,
    service: &str,
    scope: &str,
    secret: Option<&Secret>,
    http: &dyn OutboundHttp,
    registry: &str,
) -> Result<Option<String>, OciError> {
    let query = format!("service={}&scope={}", encoded(service), encoded(scope));
    let form;
    let mut body;
    let mut request = match secret {
        Some(Secret::IdentityToken(token)) => {
            let token = encoded(token);
            form = format!("grant_type=refresh_token&client_id=dunlin&{query}&refresh_token={token}");
            body = form.as_bytes();
            let size = body.len() as u64;
            let mut request =
                Request { body: RequestBody::Sized(&mut body, size), ..Request::new("POST", realm) };
            request.headers.push("content-type", "application/x-www-form-urlencoded");
            request
        }
        _ => {
            let separator = if realm.contains('?') { '&' } else { '?' };
            Request::new("GET", format!("{realm}{separator}{query}"))
        }
    };
    if let Some(Secret::Password { user, password }) = secret {
        request.headers.push("authorization", basic(user, password));
    }
    request.limits.response_body = 1 << 20;
    let asked = || format!("{realm}, which gives tokens for {registry}");
    let failed = |error: HttpError| OciError::Http { registry: asked(), error };
    let response = http.send(request).map_err(failed)?;
    match response.status {
        200 => {}
        400 | 401 | 403 => return Ok(None),
        status => {
            return Err(OciError::Status { registry: asked(), status, why: "no token was given".into() });
        }
    }
    let bytes = response.bytes()?;
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| OciError::Malformed {
        what: registry.into(),
        why: format!("{realm} answers without a token"),
    })?;
    // A line's end in it would be another header.
    let token =
        answer.token.or(answer.access_token).filter(|token| token.bytes().all(|c| c.is_ascii_graphic()));
    Ok(token.map(|token| format!("Bearer {token}")))
}

/// As a part of a query or a form.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.into(),
            service: service.map(Into::into),
            scope: scope.map(Into::into),
        };
        for (header, challenge) in [
            (r#"Basic realm="x""#, Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                r#"Bearer realm="https://a/t?x=1",service="a",scope="repository:b/c:pull,push""#,
                Some(bearer("https://a/t?x=1", Some("a"), Some("repository:b/c:pull,push"))),
            ),
            (r#"bearer Service=a , Realm="b \"c\"""#, Some(bearer(r#"b "c""#, Some("a "), None))),
            ("Bearer service=a", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(header), challenge, "{header}");
        }
    }
}
