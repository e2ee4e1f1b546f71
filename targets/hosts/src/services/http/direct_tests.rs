//! The client for upstreams, against servers that answer as they are told.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Answers requests without bodies one after the other, on as many connections as it takes; an answer that isn't followed by
/// another on its connection ends it. Tells the head of each request, and on which connection it came.
fn server(connections: Vec<Vec<&'static str>>) -> (SocketAddr, Receiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (number, answers) in connections.into_iter().enumerate() {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            for answer in answers {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                let _ = tell.send((number, head));
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    (address, told)
}

fn get(address: SocketAddr) -> Request<'static> {
    Request::new("GET", format!("http://{address}/a?b"))
}

/// A response's status, body and trailers, or what went wrong.
fn all(response: Result<Response, HttpError>) -> Result<(u16, String, Headers), String> {
    let mut response = response.map_err(|error| error.to_string())?;
    let mut body = String::new();
    response.body.read_to_string(&mut body).map_err(|error| error.to_string())?;
    Ok((response.status, body, response.trailers.take()))
}

#[test]
fn headers_keep_their_order_and_connections_are_used_again() {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n02\r\nde\r\n0\r\nX-End: 1\r\nx-end: 2\r\n\r\n";
    let (address, told) = server(vec![vec![
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\ncontent-length: 2\r\n\r\nhi",
        chunks,
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end",
    ]]);
    let client = Direct::new();
    let mut request = get(address);
    request.headers =
        [("x-z", "1"), ("content-length", "9"), ("te", "trailers"), ("Connection", "x"), ("x-a", "2")]
            .into_iter()
            .collect();
    let response = client.send(request).unwrap();
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["x-b", "x-a", "x-b", "content-length"]);
    assert_eq!(response.bytes().unwrap(), b"hi");
    let host = format!("host: {address}");
    let sent = format!(
        "GET /a?b HTTP/1.1\r\n{host}\r\nx-z: 1\r\ncontent-length: 0\r\nte: trailers\r\nx-a: 2\r\n\r\n"
    );
    assert_eq!(told.recv().unwrap(), (0, sent));

    let trailers: Headers = [("x-end", "1"), ("x-end", "2")].into_iter().collect();
    assert_eq!(all(client.send(get(address))), Ok((200, "abcde".into(), trailers)));
    assert_eq!(all(client.send(get(address))), Ok((204, String::new(), Headers::new())));
    assert_eq!(all(client.send(get(address))), Ok((200, "to the end".into(), Headers::new())));
    assert!((0..3).all(|_| told.recv().unwrap().0 == 0));
}

#[test]
fn a_connection_that_is_not_at_a_beginning_is_not_used_again() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (address, told) = server(vec![
        vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and something that nobody asked for"],
        vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"],
        vec![ok],
        // It has gone by then.
        vec![ok],
        vec![ok],
    ]);
    let client = Direct::new();
    for number in 0..4 {
        assert_eq!(all(client.send(get(address))).unwrap().1, "ok");
        assert_eq!(told.recv().unwrap().0, number);
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(client.send(get(address)).unwrap());
    assert_eq!(told.recv().unwrap().0, 4);
}

#[test]
fn what_is_wrong_is_an_error() {
    let answers = [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nbad trailer\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
        "HTTP/1.1 200 OK\r\nx-a: ",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ];
    let (address, _) = server(answers.iter().map(|answer| vec![*answer]).collect());
    let client = Direct::new();
    for answer in answers {
        assert!(all(client.send(get(address))).is_err(), "{answer:?}");
    }
    assert!(matches!(client.send(Request::new("GET", "http://127.0.0.1:1/")), Err(HttpError::Connection(_))));
    for (method, name) in [("G T", "a"), ("GET\r\n", "a"), ("GET", "a b"), ("GET", "a:")] {
        let mut request = Request::new(method, format!("http://{address}/"));
        request.headers.push(name, "1");
        assert!(matches!(client.send(request), Err(HttpError::Invalid(_))), "{method:?} {name:?}");
    }
}

#[test]
fn whoever_answers_early_is_heard_and_whoever_is_silent_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut part = [0; 1000];
        let _ = stream.read(&mut part);
        let _ = stream.write_all(b"HTTP/1.1 413 Too Much\r\ncontent-length: 0\r\n\r\n");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // What is read no more would make the system forget the answer.
        while stream.read(&mut part).is_ok_and(|count| count > 0) {}
        let (_silent, _) = listener.accept().unwrap();
        std::thread::sleep(Duration::from_secs(60));
    });
    let client = Direct::new();
    let large = vec![0; 8 << 20];
    let mut body = &large[..];
    let request = Request {
        body: RequestBody::Trailed(&mut body, [("x-a", "1")].into_iter().collect()),
        ..Request::new("POST", format!("http://{address}/"))
    };
    assert_eq!(client.send(request).unwrap().status, 413);
    let began = Instant::now();
    let mut request = get(address);
    request.limits.total = Some(Duration::from_millis(100));
    assert!(matches!(client.send(request), Err(HttpError::TimedOut(_))));
    assert!(began.elapsed() < Duration::from_secs(30));
}
