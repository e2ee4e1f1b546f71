//! What a program is told of its request: CGI's variables and arguments.

use super::route::Route;
use crate::server::{Request, header};

/// The variables that describe a request. Some are there and empty when there is nothing to tell.
pub(super) fn variables(request: &Request, route: &Route) -> Vec<(String, String)> {
    let head = &request.head;
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let path = head.uri.path();
    let raw = route.rest(path).unwrap_or("");
    let decoded = decoded(raw);
    let query = head.uri.query().unwrap_or("");
    let (host, port) = host(text(header::HOST), request);
    let whole = head.uri.path_and_query().map_or(path, |both| both.as_str());
    let peer = request.peer.ip().to_string();
    let known = [
        ("AUTH_TYPE", String::new()),
        ("CONTENT_LENGTH", request.body.len().to_string()),
        ("CONTENT_TYPE", text(header::CONTENT_TYPE).to_owned()),
        ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
        ("PATH_INFO", decoded.clone()),
        ("PATH_TRANSLATED", decoded),
        ("QUERY_STRING", query.to_owned()),
        ("REMOTE_ADDR", peer.clone()),
        ("REMOTE_HOST", peer),
        ("REMOTE_USER", String::new()),
        ("REQUEST_METHOD", head.method.to_string()),
        ("SCRIPT_NAME", route.script_name().to_owned()),
        ("SERVER_PROTOCOL", format!("{:?}", head.version)),
        ("SERVER_SOFTWARE", concat!("Dunlin/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("X_FULL_URL", format!("http://{host}:{port}{whole}")),
        ("X_MATCHED_ROUTE", route.to_string()),
        ("X_RAW_PATH_INFO", raw.to_owned()),
        ("SERVER_NAME", host),
        ("SERVER_PORT", port),
    ];
    let known = known.into_iter().map(|(name, value)| (name.to_owned(), value));
    known.chain(headers(request)).collect()
}

/// The request's headers, several of a name in one. Credentials aren't the program's business, nor is what is about the
/// connection; and a header `Proxy` would set a variable that HTTP clients obey.
fn headers(request: &Request) -> impl Iterator<Item = (String, String)> + use<'_> {
    const KEPT: [&str; 4] = ["authorization", "proxy-authorization", "connection", "proxy"];
    let headers = &request.head.headers;
    let names = headers.keys().filter(|name| !KEPT.contains(&name.as_str()));
    names.map(|name| {
        let mut value = String::new();
        for one in headers.get_all(name) {
            if !value.is_empty() {
                value.push_str(if name == header::COOKIE { "; " } else { ", " });
            }
            value.push_str(&String::from_utf8_lossy(one.as_bytes()));
        }
        (format!("HTTP_{}", name.as_str().to_ascii_uppercase().replace('-', "_")), value)
    })
}

/// The name and the port that the client asked at, or else those of the server.
fn host(header: &str, request: &Request) -> (String, String) {
    let own = || (request.local.ip().to_string(), request.local.port().to_string());
    match header.rsplit_once(':') {
        _ if header.is_empty() => own(),
        Some((name, port)) if !port.ends_with(']') => (name.to_owned(), port.to_owned()),
        _ => (header.to_owned(), own().1),
    }
}

/// The arguments: the path, and what is between the query's ampersands; or as `template` says.
pub(super) fn arguments(request: &Request, template: Option<&str>) -> Vec<String> {
    let uri = &request.head.uri;
    let items = || uri.query().into_iter().flat_map(|query| query.split('&'));
    let Some(template) = template else {
        return [uri.path()].into_iter().chain(items()).map(str::to_owned).collect();
    };
    let mut arguments = Vec::new();
    for word in template.split_whitespace() {
        match word {
            "${ARGS}" => arguments.extend(items().map(str::to_owned)),
            word => arguments.push(word.replace("${SCRIPT_NAME}", uri.path())),
        }
    }
    arguments
}

/// The text without its percent signs, where they stand for bytes of UTF-8. A program's environment is text without NUL.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| (*bytes.get(at + offset)? as char).to_digit(16);
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) if high + low > 0 => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded_where_they_can_be() {
        for (text, plain) in [
            ("/a%20b%2Fc", "/a b/c"),
            ("/%C3%BC", "/ü"),
            ("/%C3", "/%C3"),
            ("/%00%", "/%00%"),
            ("/%zz%4", "/%zz%4"),
        ] {
            assert_eq!(decoded(text), plain);
        }
    }
}
