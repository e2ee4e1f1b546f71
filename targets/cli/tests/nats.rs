//! Actors of several processes that speak through a real NATS server, if there is a program `nats-server`.
//! `cargo test -p dunlin-cli --features hosts --test nats`
#![cfg(feature = "hosts")]

mod common;

use common::serving::{Serving, whole};
use common::{dunlin, example, folder};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server of messages on a port of its own, which ends with the test.
struct Broker {
    process: Child,
    port: u16,
    more: Vec<&'static str>,
}

impl Broker {
    /// `None` if there is no such program.
    fn start(more: &[&'static str]) -> Option<Self> {
        // Somebody else could take the port, but hardly in that time.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        match Self::run(port, more) {
            Ok(process) => Some(Self { process, port, more: more.to_vec() }),
            Err(_) => {
                eprintln!("SKIPPED: there is no nats-server; targets/nats.sh installs it");
                None
            }
        }
    }

    fn run(port: u16, more: &[&str]) -> std::io::Result<Child> {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(more);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Ok(process)
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn restart(&mut self) {
        self.process = Self::run(self.port, &self.more).unwrap();
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for something that takes as long as it takes.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to that");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The example's actor, signed: its file.
fn actor(folder: &std::path::Path, name: &str) -> String {
    let path = |name: String| folder.join(name).to_str().unwrap().to_owned();
    let (signed, account, key) =
        (path(format!("{name}.wasm")), path("account.nk".into()), path(format!("{name}.nk")));
    let module = example("hosts/actor.wasm");
    let keys = ["--account", &account, "--module-key", &key, "--new-keys"];
    let may = ["httpserver", "keyvalue", "messaging"].map(|what| format!("--cap=wasmcloud:{what}"));
    let may: Vec<&str> = may.iter().map(String::as_str).collect();
    dunlin(
        &[&["sign", "-o", &signed, &module, "--name", name, "--call-alias", name], &keys[..], &may].concat(),
    )
    .code(0);
    signed
}

/// How many messages to a subject the actor of a process has counted; asking counts as well, so that each is asked for once.
fn counted(server: &Serving, subject: &str) -> u64 {
    let text = server.get(&format!("/count/{subject}"));
    let (_, number) = text.rsplit_once("{\"counter\":").unwrap_or_else(|| panic!("{text}"));
    number.trim_end_matches('}').parse::<u64>().unwrap() - 1
}

fn post(server: &Serving, path: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // Not all of it is text.
    let text = answer.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' });
    whole(&text.collect::<String>()).split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn workplace(name: &str) -> (PathBuf, String) {
    let folder = folder(name);
    let signed = actor(&folder, "actor");
    (folder, signed)
}

#[test]
fn messages_pass_between_processes_also_after_the_server_was_away() {
    let (_, signed) = workplace("messages_pass_between_processes");
    let Some(mut broker) = Broker::start(&[]) else { return };
    let url = broker.url();
    let mut reader =
        Serving::start(&["--nats", &url, "--subscribe", "news.*", "--subscribe", "ask", &signed]);
    let mut writer = Serving::start(&["--nats", &url, &signed]);
    // The answer comes from the other process, after it has handled what was published before.
    assert_eq!(post(&writer, "/request/ask", b"are you there?"), "are you there?");
    for _ in 0..3 {
        post(&writer, "/publish/news.one", b"text");
    }
    post(&writer, "/publish/other", b"text");
    // It comes by the same subscription as the messages before it.
    assert_eq!(post(&writer, "/request/news.last", b"and now?"), "and now?");
    assert_eq!(counted(&reader, "news.one"), 3);
    assert_eq!(counted(&reader, "other"), 0);
    assert_eq!(counted(&writer, "news.one"), 0);

    broker.stop();
    writer.message(&format!("the connection to {url} is lost"));
    let refused = post(&writer, "/publish/news.two", b"text");
    assert_eq!(refused, format!("there is no connection to {url} at the moment"));
    broker.restart();
    reader.message("there is a connection to");
    writer.message("there is a connection to");
    assert_eq!(post(&writer, "/request/news.two", b"again"), "again");
    assert_eq!(counted(&reader, "news.two"), 1);
}

#[test]
fn one_of_a_group_gets_each_message() {
    let (_, signed) = workplace("one_of_a_group");
    let Some(broker) = Broker::start(&[]) else { return };
    let url = broker.url();
    let member = ["--nats", &url, "--nats-group", "us", "--subscribe", "work", &signed];
    let (one, other) = (Serving::start(&member), Serving::start(&member));
    for _ in 0..20 {
        assert_eq!(post(&one, "/request/work", b"done"), "done");
    }
    let shares = [counted(&one, "work"), counted(&other, "work")];
    assert_eq!(shares.iter().sum::<u64>(), 20, "{shares:?}");
}

#[test]
fn what_the_server_does_not_take_is_said() {
    let (_, signed) = workplace("what_the_server_does_not_take");
    let Some(broker) = Broker::start(&["--user", "ann", "--pass", "a:b"]) else { return };
    let place = format!("127.0.0.1:{}", broker.port);
    let refused = format!("nats://{place} refuses the connection: Authorization Violation");
    for who in ["", "ann:secret@", "secret@"] {
        let done = dunlin(&["serve", "--nats", &format!("nats://{who}{place}"), &signed]);
        let done = done.code(1).one_sentence().says(&refused);
        assert!(!done.err.contains("secret"), "{}", done.err);
    }
    let url = format!("nats://ann:a%3Ab@{place}");
    let limits = ["--max-body", "4MiB", "--memory", "16MiB"];
    let server = Serving::start(&[&["--nats", &url, "--subscribe", "a", &signed], &limits[..]].concat());
    let large = vec![b'x'; (1 << 20) + 1];
    let said = post(&server, "/publish/a", &large);
    assert_eq!(said, "the message has 1048577 bytes, and may have 1048576");
    assert_eq!(post(&server, "/request/a", &large[..1 << 20]).len(), 1 << 20);
    assert_eq!(post(&server, "/publish/a.*", b"x"), "'a.*' is no subject for this");
    assert_eq!(post(&server, "/request/nobody", b"x"), "nobody answered within 3000 ms");
}

/// Without a server, messages stay in the process; actors are named by file, alias or key.
#[test]
fn messages_stay_in_the_process_without_a_server() {
    let (folder, signed) = workplace("messages_stay_in_the_process");
    let other = actor(&folder, "other");
    let wanted = format!("b={other}");
    let subscribe =
        ["--actor", &other, "--subscribe", "a.>", "--subscribe", &wanted, "--subscribe", "c=other"];
    let server = Serving::start(&[&[&*signed], &subscribe[..]].concat());
    for path in ["/publish/a.b", "/publish/b", "/publish/c", "/publish/d"] {
        post(&server, path, b"x");
    }
    for (subject, count) in [("a.b", 1), ("b", 1), ("c", 1), ("d", 0)] {
        assert_eq!(counted(&server, subject), count, "{subject}");
    }
    assert_eq!(post(&server, "/request/c", b"say it"), "say it");
    assert_eq!(post(&server, "/request/d", b"say it"), "nobody answered");
}

#[test]
fn what_cannot_be_subscribed_is_said() {
    let (_, signed) = workplace("what_cannot_be_subscribed");
    let says = |options: &[&str], code: i32, words: &str| {
        dunlin(&[&["serve", &signed], options].concat()).code(code).one_sentence().says(words);
    };
    says(&["--subscribe", "a=nobody"], 1, "--subscribe a=nobody: no actor is called nobody");
    says(&["--subscribe", "=a"], 2, "SUBJECT");
    says(&["--nats", "localhost"], 2, "should be nats://HOST");
    says(&["--nats-group", "us"], 2, "--nats says which");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(&["--nats", &format!("nats://{closed}")], 1, &format!("nats://{closed}: Connection refused"));
    let quiet = signed.replace("actor.wasm", "quiet.wasm");
    let keys = signed.replace("actor.wasm", "");
    dunlin(&[
        "sign",
        "-o",
        &quiet,
        &signed,
        "--account",
        &format!("{keys}account.nk"),
        "--module-key",
        &format!("{keys}actor.nk"),
        "--cap",
        "wasmcloud:httpserver",
    ])
    .code(0);
    let done = dunlin(&["serve", &quiet, "--subscribe", "a"]);
    done.code(1).one_sentence().says("doesn't claim the capability wasmcloud:messaging");
}
