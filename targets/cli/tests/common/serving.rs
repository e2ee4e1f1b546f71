//! `dunlin serve`, as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A server, which is killed when a test fails.
pub(crate) struct Serving {
    process: Child,
    pub(crate) address: String,
    messages: BufReader<std::process::ChildStderr>,
    /// What it has said so far.
    pub(crate) said: String,
}

impl Serving {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(Stdio::null(), args)
    }

    pub(crate) fn start_with(input: Stdio, args: &[&str]) -> Self {
        // It ignores what this process was started to ignore, as nohup has it of SIGHUP, which tests send.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_dunlin"), "serve"])
            .args(args)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
            .stdin(input);
        Self::start_command(command)
    }

    /// A command that serves, and lacks only an address.
    pub(crate) fn start_command(mut command: Command) -> Self {
        let command = command.args(["--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let messages = BufReader::new(process.stderr.take().unwrap());
        let mut serving = Self { process, address: String::new(), messages, said: String::new() };
        serving.address = serving.message("listening at http://");
        serving
    }

    /// What follows `words` in the next message that has them.
    pub(crate) fn message(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.messages.read_line(&mut line).unwrap() > 0, "'{words}' was never said");
            self.said.push_str(&line);
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim_end().to_owned();
            }
        }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends it, and gives its exit code and what it printed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut printed = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.process.wait().unwrap().code(), printed)
    }
}

pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    whole(&text)
}

/// An answer with its body in one piece: what takes longer than usual, on a busy machine, arrives in chunks.
pub(crate) fn whole(answer: &str) -> String {
    let Some((head, mut rest)) = answer.split_once("\r\n\r\n") else { return answer.into() };
    if !head.contains("transfer-encoding: chunked") {
        return answer.into();
    }
    let mut whole = format!("{head}\r\n\r\n");
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &chunk[..size];
        rest = chunk[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
