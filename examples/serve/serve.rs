//! Answers requests over HTTP at a socket that it is given: `GET /` with a greeting, `GET /quit` by ending.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;

/// Where the first socket is if no folders are given.
const SOCKET: i32 = 3;

fn main() -> io::Result<()> {
    // SAFETY: nobody else in this program uses the descriptor.
    let listener = unsafe { TcpListener::from_raw_fd(SOCKET) };
    loop {
        let (connection, _) = listener.accept()?;
        match answer(&connection) {
            Ok(path) if path == "/quit" => return Ok(()),
            Ok(path) => println!("{path}"),
            // Whoever asked may have gone away; the next one is served all the same.
            Err(error) => eprintln!("serve: {error}"),
        }
    }
}

/// Reads a request, answers it, and gives the path that it asked for.
fn answer(mut connection: &TcpStream) -> io::Result<String> {
    let mut request = BufReader::new(connection);
    let mut line = String::new();
    request.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut header = String::new();
    while request.read_line(&mut header)? > 2 {
        header.clear();
    }
    let (status, body) = match path.as_str() {
        "/" => ("200 OK", "Hello from a sandbox!\n"),
        "/quit" => ("200 OK", "Bye!\n"),
        _ => ("404 Not Found", "Nothing here.\n"),
    };
    let length = body.len();
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(path)
}
