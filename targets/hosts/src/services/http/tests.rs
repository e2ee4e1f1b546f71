//! The client against a server of the tests' own, which answers as it is told.

use super::*;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Answers one connection after the other, each with the next of these, and tells what it was sent.
fn server(answers: Vec<Vec<u8>>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = tell.send(request(&stream));
            let _ = stream.write_all(&answer);
        }
    });
    (address, told)
}

/// Reads a request: its headers, and a body if one is announced.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    if text.contains("transfer-encoding: chunked") {
        while !text.ends_with("\r\n0\r\n\r\n") {
            assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
        }
    }
    text + str::from_utf8(&body).unwrap()
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        .into()
}

/// A client that may go to these hosts on any port.
fn client(hosts: &[&str]) -> Client {
    let mut allowed = AllowList::none();
    hosts.iter().for_each(|host| allowed.allow(&format!("http://{host}:*")).unwrap());
    Client::new(allowed)
}

fn get(url: &str) -> Request<'static> {
    Request::new("GET", url)
}

#[test]
fn a_request_goes_out_and_its_response_comes_back() {
    let (address, told) = server(vec![
        answer("200 OK", "x-a: 1\r\nX-A: 2\r\n", "hello"),
        answer("404 Not Found", "", "no"),
        answer("200 OK", "", ""),
    ]);
    let client = client(&["127.0.0.1"]);
    let url = format!("http://{address}/a?b=c");
    let mut request = get(&url);
    request.headers =
        [("x-mine", "yes"), ("Content-Length", "77"), ("connection", "upgrade")].into_iter().collect();
    let response = client.send(request).unwrap();
    assert_eq!((response.status, response.headers.get("x-A")), (200, Some(&b"1"[..])));
    assert_eq!(response.headers.iter().filter(|(name, _)| *name == "x-a").count(), 2);
    assert_eq!(response.bytes().unwrap(), b"hello");
    let sent = told.recv().unwrap();
    assert!(sent.starts_with("GET /a?b=c HTTP/1.1\r\n") && sent.contains("\r\nx-mine: yes\r\n"), "{sent}");
    assert!(sent.contains(&format!("host: {address}")) && sent.contains("user-agent: dunlin/"), "{sent}");
    assert!(
        !sent.contains("content-length") && !sent.contains("upgrade") && !sent.contains("accept"),
        "{sent}"
    );

    let mut body = &b"a body"[..];
    let sized = Request { body: RequestBody::Sized(&mut body, 6), ..Request::new("PURGE", &*url) };
    assert_eq!(client.send(sized).unwrap().status, 404);
    let sent = told.recv().unwrap();
    assert!(
        sent.starts_with("PURGE ") && sent.contains("content-length: 6\r\n") && sent.ends_with("a body"),
        "{sent}"
    );

    let mut body = &b"a body"[..];
    let chunked = Request { body: RequestBody::Chunked(&mut body), ..Request::new("POST", &*url) };
    assert_eq!(client.send(chunked).unwrap().bytes().unwrap(), b"");
    let sent = told.recv().unwrap();
    assert!(sent.contains("transfer-encoding: chunked\r\n") && sent.contains("6\r\na body\r\n"), "{sent}");
}

#[test]
fn only_allowed_places_are_spoken_to() {
    let (address, told) = server(vec![answer("200 OK", "", "")]);
    let refused = |client: &Client, request: Request<'_>| client.send(request).unwrap_err().to_string();
    let nobody = client(&[]);
    let url = format!("http://{address}/");
    assert_eq!(refused(&nobody, get(&url)), format!("requests to {address} aren't allowed"));
    assert!(Nowhere.send(get(&url)).unwrap_err().to_string().ends_with("aren't allowed"));
    let client = client(&["127.0.0.1"]);
    let mut elsewhere = get(&url);
    elsewhere.headers.push("Host", "example.com");
    assert_eq!(refused(&client, elsewhere), "requests to example.com:80 aren't allowed");
    for (url, why) in [
        ("ftp://127.0.0.1/", "should begin with http:// or https://"),
        ("/a", "should begin with http:// or https://"),
        ("http://127.0.0.1@example.com/", "user's name"),
        ("http://a b/", "invalid uri character"),
    ] {
        let said = refused(&client, get(url));
        assert!(said.starts_with("the request can't be sent: ") && said.contains(why), "{said}");
    }
    let injected = Request { method: "GET / HTTP/1.1\r\n".into(), ..get(&url) };
    assert!(matches!(client.send(injected), Err(HttpError::Invalid(_))));
    let mut injected = get(&url);
    injected.headers.push("x", "a\r\nb: c");
    assert!(matches!(client.send(injected), Err(HttpError::Invalid(_))));
    assert!(told.try_recv().is_err(), "nothing was sent");
}

#[test]
fn redirects_are_given_back_or_followed_to_allowed_places() {
    let (second, told_second) = server(vec![answer("200 OK", "", "there")]);
    let elsewhere = format!("location: http://localhost:{}/x\r\n", second.port());
    let (first, told) = server(vec![
        answer("302 Found", &elsewhere, ""),
        answer("302 Found", &elsewhere, ""),
        answer("307 Temporary Redirect", "location: /y\r\n", ""),
        answer("302 Found", &elsewhere, ""),
        answer("308 Permanent Redirect", "location: /z\r\n", ""),
        answer("303 See Other", "location: /z\r\n", ""),
        answer("301 Moved Permanently", "location: /z\r\n", ""),
    ]);
    let url = format!("http://{first}/");
    let with_token = |redirects| {
        let mut request = Request { redirects, ..get(&url) };
        request.headers.push("authorization", "Bearer secret");
        request
    };
    let narrow = client(&["127.0.0.1"]);
    assert_eq!(narrow.send(with_token(Redirects::GivenBack)).unwrap().status, 302);
    let refused = narrow.send(with_token(Redirects::Followed(5))).unwrap_err().to_string();
    assert_eq!(refused, format!("requests to localhost:{} aren't allowed", second.port()));
    let wide = client(&["127.0.0.1", "localhost"]);
    let response = wide.send(with_token(Redirects::Followed(5))).unwrap();
    assert_eq!(response.bytes().unwrap(), b"there");
    assert!(!told_second.recv().unwrap().contains("secret"));
    let sent: Vec<_> = told.try_iter().collect();
    assert!(sent.len() == 4 && sent.iter().all(|sent| sent.contains("authorization: Bearer secret")));
    assert!(sent[3].starts_with("GET /y "), "the same place: {}", sent[3]);
    // A body isn't sent twice; a form becomes a GET.
    let mut body = &b"a"[..];
    let body = RequestBody::Sized(&mut body, 1);
    let put = Request { redirects: Redirects::Followed(1), body, ..Request::new("PUT", &*url) };
    assert_eq!(wide.send(put).unwrap().status, 308);
    let mut body = &b"a"[..];
    let body = RequestBody::Sized(&mut body, 1);
    let post = Request { redirects: Redirects::Followed(1), body, ..Request::new("POST", &*url) };
    assert!(matches!(wide.send(post), Err(HttpError::TooManyRedirects)));
    assert!(told.try_iter().last().unwrap().starts_with("GET /z "));
}

#[test]
fn responses_are_bounded() {
    let long = format!("x: {}\r\n", "y".repeat(2000));
    let (address, _told) = server(vec![
        answer("200 OK", "", "12345"),
        answer("200 OK", "", "123456"),
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n123456".into(),
        answer("200 OK", &long, ""),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n123".into(),
        b"SMTP ready\r\n\r\n".into(),
        b"".into(),
    ]);
    let client = client(&["127.0.0.1"]);
    let ask = || {
        let mut request = get(&format!("http://{address}/"));
        request.limits = HttpLimits { response_body: 5, response_headers: 1000, ..HttpLimits::default() };
        client.send(request)
    };
    assert_eq!(ask().unwrap().bytes().unwrap(), b"12345");
    assert!(matches!(ask(), Err(HttpError::TooLarge(5))));
    let cut = |response: Response| response.bytes().unwrap_err();
    assert_eq!(cut(ask().unwrap()).to_string(), "there is more in the response than 5 bytes");
    assert!(matches!(ask(), Err(HttpError::TooLarge(1000))));
    assert_eq!(cut(ask().unwrap()).kind(), io::ErrorKind::UnexpectedEof);
    assert!(matches!(ask(), Err(HttpError::Protocol(_))));
    assert!(matches!(ask(), Err(HttpError::Connection(_))));
}

#[test]
fn nobody_waits_for_ever() {
    let brief = Duration::from_millis(100);
    let long = Duration::from_secs(60);
    let limits = |idle, total| HttpLimits { idle, total, ..HttpLimits::default() };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let client = client(&["127.0.0.1"]);
    let asked = Request { limits: limits(brief, None), ..get(&url) };
    assert!(matches!(client.send(asked), Err(HttpError::TimedOut(_))));
    let drip = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", drip.local_addr().unwrap());
    let begin = |stream: &mut TcpStream| {
        request(stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n1").unwrap();
    };
    // It drips all the time, but the body would take longer than it may in all.
    let dripping = std::thread::spawn(move || {
        let (mut stream, _) = drip.accept().unwrap();
        begin(&mut stream);
        while stream.write_all(b"2").is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
        drip
    });
    // Enough for the head on a busy machine, not for 100,000 drips.
    let asked = Request { limits: limits(long, Some(Duration::from_secs(2))), ..get(&url) };
    let error = client.send(asked).unwrap().bytes().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("too long in all"), "{error}");
    let drip = dripping.join().unwrap();
    // Each drip is there before it is read, so that none is waited for; in all they take longer than one of them may.
    let (ask, asked) = channel();
    let (tell, told) = channel();
    let dripping = std::thread::spawn(move || {
        let (mut stream, _) = drip.accept().unwrap();
        begin(&mut stream);
        for () in asked {
            stream.write_all(b"2").unwrap();
            tell.send(()).unwrap();
        }
    });
    let idle = Duration::from_secs(2);
    let mut response = client.send(Request { limits: limits(idle, None), ..get(&url) }).unwrap();
    let mut byte = [0];
    response.body.read_exact(&mut byte).unwrap();
    for _ in 0..5 {
        std::thread::sleep(idle / 4);
        ask.send(()).unwrap();
        told.recv().unwrap();
        response.body.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"2");
    }
    drop((response, ask));
    dripping.join().unwrap();
}

#[test]
fn what_cannot_be_reached_is_said() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client(&["127.0.0.1", "*"]);
    let said = |url: &str| client.send(get(url)).unwrap_err().to_string();
    assert_eq!(said(&format!("http://{closed}/")), format!("{closed}: Connection refused"));
    let said = said("http://nowhere.invalid/");
    assert!(said.starts_with("nowhere.invalid:80: "), "{said}");
}
