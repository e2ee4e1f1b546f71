//! An upstream for measurements: answers every request with the same few bytes, as fast as it can.
//!
//!     cargo run --release -p dunlin-hosts --example origin -- 127.0.0.1:9000 [BYTES]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9000".into());
    let length = arguments.next().and_then(|bytes| bytes.parse().ok()).unwrap_or(13);
    let body: Vec<u8> = b"Hello, world\n".iter().copied().cycle().take(length).collect();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n");
    let answer = [head.into_bytes(), body].concat();
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, answer) = (stream?, answer.clone());
        // Whoever hangs up has what he wanted.
        std::thread::Builder::new().stack_size(64 << 10).spawn(move || serve(&stream, &answer))?;
    }
    Ok(())
}

fn serve(mut stream: &TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let (mut length, mut chunked) = (0_u64, false);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                Some(("transfer-encoding", _)) => chunked = true,
                Some(_) => {}
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        while chunked {
            line.clear();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            chunked = size > 0;
            io::copy(&mut reader.by_ref().take(size + 2), &mut io::sink())?;
        }
        stream.write_all(answer)?;
    }
}
