//! The client against servers that say what they are told to, and the decoder against whatever may come.

use super::decoder::{Decoder, Said};
use super::*;
use crate::services::log::KeptLog;
use dunlin::Budget;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const INFO: &str = "INFO {\"server_id\":\"x\",\"max_payload\":1000,\"connect_urls\":[\"a:1\"]}\r\n";

/// A connection that a client has made, whose greeting is over.
struct Met {
    reader: BufReader<TcpStream>,
    introduction: String,
}

impl Met {
    fn accept(listener: &TcpListener) -> Self {
        let mut met = Self::begin(listener, INFO);
        met.introduction = met.line();
        assert_eq!(met.line(), "PING");
        met.say("PONG\r\n");
        met
    }

    fn begin(listener: &TcpListener, greeting: &str) -> Self {
        let stream = listener.accept().unwrap().0;
        let mut met = Self { reader: BufReader::new(stream), introduction: String::new() };
        met.say(greeting);
        met
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.reader.read_line(&mut line).unwrap() > 0, "the client has gone");
        line.trim_end().to_owned()
    }

    fn say(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
    }
}

fn listener() -> (TcpListener, NatsAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = NatsAddress::parse(&format!("nats://ann:secret@{}", listener.local_addr().unwrap()));
    (listener, address.unwrap())
}

fn options() -> NatsOptions {
    NatsOptions::new(&Budget::new(1 << 20))
}

/// A client with a server's end of its connection.
fn connected(listener: &TcpListener, address: &NatsAddress, options: NatsOptions) -> (Nats, Met) {
    thread::scope(|scope| {
        let met = scope.spawn(|| Met::accept(listener));
        (Nats::connect(address, options).unwrap(), met.join().unwrap())
    })
}

/// A subscriber that passes on what he gets, and waits for each to be taken.
fn passing_on(sender: &Sender<(String, Vec<u8>)>) -> impl FnMut(NatsMessage) + Send + use<> {
    let sender = sender.clone();
    move |message| drop(sender.send((message.subject, message.body)))
}

#[test]
fn messages_go_both_ways() {
    let (listener, address) = listener();
    let (nats, mut server) = connected(&listener, &address, options());
    assert!(server.introduction.starts_with("CONNECT {\"verbose\":false"), "{}", server.introduction);
    assert!(server.introduction.contains("\"user\":\"ann\",\"pass\":\"secret\""), "{}", server.introduction);
    nats.publish("a.b", None, b"hello").unwrap();
    nats.publish("a.b", Some("c"), b"").unwrap();
    assert_eq!([server.line(), server.line()], ["PUB a.b 5", "hello"]);
    assert_eq!([server.line(), server.line()], ["PUB a.b c 0", ""]);
    let (sender, got) = channel();
    let first = nats.subscribe("a.*", None, passing_on(&sender)).unwrap();
    let _second = nats.subscribe("b.>", Some("us"), passing_on(&sender)).unwrap();
    assert_eq!([server.line(), server.line()], ["SUB a.* 1", "SUB b.> us 2"]);
    server.say("MSG a.x 1 2\r\nhi\r\nMSG b.y 2 reply 0\r\n\r\nMSG c 7 1\r\nx\r\nPING\r\n");
    let mut all = [got.recv().unwrap(), got.recv().unwrap()];
    all.sort();
    assert_eq!(all, [("a.x".to_owned(), b"hi".to_vec()), ("b.y".to_owned(), Vec::new())]);
    assert_eq!(server.line(), "PONG");
    drop(first);
    assert_eq!(server.line(), "UNSUB 1");
    drop(nats);
    let mut rest = String::new();
    assert_eq!(server.reader.read_line(&mut rest).unwrap(), 0);
}

#[test]
fn a_request_gets_the_first_answer() {
    let (listener, address) = listener();
    let (nats, mut server) = connected(&listener, &address, options());
    let answering = thread::spawn(move || {
        let subscribed = server.line();
        let [_, inbox, number] = subscribed.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{subscribed}")
        };
        assert!(inbox.starts_with("_INBOX."));
        assert_eq!(server.line(), format!("PUB ask {inbox} 3"));
        assert_eq!(server.line(), "why");
        server.say(&format!("MSG {inbox} {number} 5\r\nfirst\r\nMSG {inbox} {number} 6\r\nsecond\r\n"));
        assert_eq!(server.line(), format!("UNSUB {number}"));
        server
    });
    assert_eq!(nats.request("ask", b"why", Duration::from_secs(60)).unwrap().body, b"first");
    let _server = answering.join().unwrap();
    let time = Duration::from_millis(20);
    assert_eq!(nats.request("ask", b"", time).unwrap_err(), NatsError::Unanswered(time));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let (listener, address) = listener();
    let (nats, mut server) = connected(&listener, &address, options());
    assert_eq!(nats.publish("a", None, &[0; 1001]), Err(NatsError::TooLarge(1001, 1000)));
    let long = "x".repeat(2000);
    for wrong in ["", ".", "a.", "a b", "a\r\nPUB b 0\r\n\r\n", "a\0", "*", "a.>", "a..b", &long] {
        assert_eq!(nats.publish(wrong, None, b""), Err(NatsError::Subject(wrong.into())));
        assert_eq!(nats.publish("a", Some(wrong), b""), Err(NatsError::Subject(wrong.into())));
    }
    for wrong in ["", "a.>.b", "a*b c"] {
        assert!(nats.subscribe(wrong, None, drop).is_err());
    }
    assert!(nats.subscribe("a", Some("b c"), drop).is_err());
    // Nothing of that was sent.
    nats.publish("a.b*", None, b"x").unwrap();
    assert_eq!(server.line(), "PUB a.b* 1");
}

#[test]
fn a_lost_connection_is_made_again() {
    let (listener, address) = listener();
    let log = KeptLog::default();
    let logged = NatsOptions { log: Arc::new(log.clone()), ..options() };
    let (nats, mut server) = connected(&listener, &address, logged);
    let (sender, got) = channel();
    let _subscription = nats.subscribe("a", Some("us"), passing_on(&sender)).unwrap();
    let gone = nats.subscribe("b", None, passing_on(&sender)).unwrap();
    assert_eq!([server.line(), server.line()], ["SUB a us 1", "SUB b 2"]);
    server.say("-ERR 'Stale Connection'\r\n");
    drop(server);
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(nats.publish("c", None, b""), Err(NatsError::Disconnected(_))) {
        assert!(Instant::now() < until);
    }
    drop(gone);
    // The first that answers isn't what it should be.
    drop(Met::begin(&listener, "HTTP/1.1 400 Bad Request\r\n"));
    let mut server = Met::accept(&listener);
    assert_eq!(server.line(), "SUB a us 1");
    server.say("MSG a 1 2\r\nhi\r\n");
    assert_eq!(got.recv().unwrap().1, b"hi");
    let place = listener.local_addr().unwrap();
    let lines: Vec<_> = log.lines().into_iter().map(|(_, _, line)| line).collect();
    let expected = [
        format!("nats://{place} says: Stale Connection"),
        format!("the connection to nats://{place} is lost, and tried again: it ended the connection"),
        format!("nats://{place}: this isn't a NATS server: it says what no NATS server says"),
        format!("there is a connection to nats://{place} again"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn who_is_slow_loses_messages_and_holds_up_nobody() {
    let (listener, address) = listener();
    let log = KeptLog::default();
    let few = NatsOptions { waiting: 2, largest: 10, log: Arc::new(log.clone()), ..options() };
    let (nats, mut server) = connected(&listener, &address, few);
    let (sender, got) = channel();
    let (go, gate): (Sender<()>, Receiver<()>) = channel();
    let mut pass = passing_on(&sender);
    let _slow = nats.subscribe("slow", None, move |message| {
        pass(message);
        let _ = gate.recv();
    });
    let _quick = nats.subscribe("quick", None, passing_on(&sender)).unwrap();
    server.say("MSG slow 1 1\r\n0\r\n");
    assert_eq!(got.recv().unwrap().1, b"0");
    // It is busy: two wait, and there is no room for the others, or for one that is too large.
    for number in 1..=5 {
        server.say(&format!("MSG slow 1 1\r\n{number}\r\n"));
    }
    server.say("MSG slow 1 11\r\n01234567890\r\nMSG quick 2 1\r\nq\r\n");
    assert_eq!(got.recv().unwrap().0, "quick");
    drop(go);
    assert_eq!([got.recv().unwrap().1, got.recv().unwrap().1], [b"1", b"2"]);
    let until = Instant::now() + Duration::from_secs(60);
    while log.lines().is_empty() && Instant::now() < until {
        thread::yield_now();
    }
    assert_eq!(log.lines()[0].2, "4 messages to slow were dropped: there was no room for them");
}

#[test]
fn who_does_not_want_us_is_heard() {
    let refusal = |greeting: &'static str, after: &'static str| {
        let (listener, address) = listener();
        let place: SocketAddr = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let mut met = Met::begin(&listener, greeting);
            // All that it says first, where it gets so far: what is left unread would make the system forget the rest.
            let mut said = String::new();
            while !said.ends_with("PING\r\n") && met.reader.read_line(&mut said).unwrap_or(0) > 0 {}
            let _ = met.reader.get_mut().write_all(after.as_bytes());
        });
        let error = Nats::connect(&address, options()).unwrap_err().to_string();
        serving.join().unwrap();
        assert!(!error.contains("secret"), "{error}");
        error.replace(&place.to_string(), "PLACE")
    };
    assert_eq!(
        refusal(INFO, "-ERR 'Authorization Violation'\r\n"),
        "nats://PLACE refuses the connection: Authorization Violation"
    );
    assert_eq!(
        refusal("INFO {\"tls_required\":true}\r\n", ""),
        "nats://PLACE: it wants TLS, which isn't spoken here"
    );
    for (greeting, after, why) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", "", "it says what no NATS server says"),
        ("+OK\r\n", "", "it doesn't say who it is first"),
        ("INFO nobody\r\n", "", "what it says of itself can't be read"),
        (INFO, "MSG a\r\n", "a message of its can't be read"),
        (INFO, "\u{fffd}", ""),
    ] {
        let said = refusal(greeting, after);
        match why {
            "" => assert_eq!(said, "nats://PLACE: it ended the connection"),
            why => assert_eq!(said, format!("nats://PLACE: this isn't a NATS server: {why}")),
        }
    }
    let (closed, address) = listener();
    let place = closed.local_addr().unwrap();
    drop(closed);
    let error = Nats::connect(&address, options()).unwrap_err().to_string();
    assert_eq!(error, format!("nats://{place}: Connection refused"));
}

/// What a server says, and that it comes to the same in pieces.
fn decoded(mut text: &[u8], piece: usize) -> Vec<String> {
    let budget = Budget::new(4 << 10);
    let mut decoder = Decoder::new(2000, &budget);
    let mut all = Vec::new();
    while !text.is_empty() {
        let (mut bytes, rest) = text.split_at(piece.min(text.len()));
        text = rest;
        loop {
            match decoder.next(&mut bytes) {
                Ok(Some(Said::Message(number, message))) => {
                    let NatsMessage { subject, reply, body, .. } = message;
                    all.push(format!("{number} {subject} {reply:?} {body:?}"));
                }
                Ok(Some(said)) => all.push(format!("{said:?}")),
                Ok(None) => break,
                Err(why) => {
                    all.push(why.to_owned());
                    return all;
                }
            }
            assert!(budget.used() == 0);
        }
    }
    all
}

#[test]
fn what_is_said_comes_in_pieces() {
    let long = "x".repeat(3000);
    let text = format!(
        "{INFO}MSG a 1 5\r\nab\r\nc\r\nMSG\ta.b  2   reply 0\r\n\r\n+OK\r\nPING\nmsg b 3 3000\r\n{long}\r\n-ERR 'No'\r\nPONG\r\nMSG a 1 x\r\nPING\r\n"
    );
    let whole = decoded(text.as_bytes(), usize::MAX);
    let expected = [
        "Info(Info { max_payload: 1000, tls_required: false })",
        "1 a None [97, 98, 13, 10, 99]",
        "2 a.b Some(\"reply\") []",
        "Fine",
        "Ping",
        "Skipped(3)",
        "Error(\"No\")",
        "Pong",
        "a message of its can't be read",
    ];
    assert_eq!(whole, expected);
    for piece in [1, 2, 3, 7, 100] {
        assert_eq!(decoded(text.as_bytes(), piece), expected, "{piece}");
    }
    for wrong in
        ["MSG a 1\r\n", "MSG a 1 b c 1\r\n", "MSG a -1 1\r\n", "MSG a 1 99999999999\r\n", "\u{0}\r\n"]
    {
        assert_eq!(decoded(wrong.as_bytes(), 5).len(), 1, "{wrong}");
    }
    assert_eq!(decoded(&vec![b'x'; 40 << 10], 1000), ["one of its lines doesn't end"]);
    assert_eq!(decoded(b"\xff\n", 9), ["what it says isn't UTF-8"]);
}

/// Whatever comes, in pieces of any size, the decoder says the same and takes no more than it may.
#[test]
fn nothing_that_comes_is_too_much() {
    let texts =
        [INFO, "MSG a.b 1 reply 3\r\nabc\r\n", "PING\r\n", "-ERR 'x'\r\n", "MSG a 2 2500\r\n", "+OK\r\n"];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let (mut fine, mut refused) = (0, 0);
    for _ in 0..50_000 {
        let mut text = Vec::new();
        for _ in 0..1 + random(5) {
            text.extend_from_slice(texts[random(texts.len())].as_bytes());
        }
        for _ in 0..random(4) {
            let at = random(text.len());
            match random(3) {
                0 => text[at] = random(256) as u8,
                1 => text.truncate(at + 1),
                _ => text.insert(at, random(256) as u8),
            }
        }
        let whole = decoded(&text, usize::MAX);
        assert_eq!(decoded(&text, 1 + random(9)), whole, "{text:?}");
        match whole.last().is_some_and(|last| last.contains(' ') && last.starts_with(['a', 'i', 'w', 'o'])) {
            true => refused += 1,
            false => fine += 1,
        }
    }
    assert!(fine > 1000 && refused > 1000, "{fine} {refused}");
}
