//! Actors that don't end; and tokens, keys and messages that were changed in some places, for a second each, or as many as
//! `FUZZ_SECONDS` says.

use dunlin::{Budget, Config, Engine};
use dunlin_hosts::actors::{
    ActorHost, Claims, HostOptions, KeyKind, KeyPair, ModuleClaims, PublicKey, sign, verified_claims,
};
use dunlin_hosts::services::log::KeptLog;
use dunlin_hosts::services::nats::{Nats, NatsAddress, NatsOptions};
use dunlin_hosts::wapc::{CallError, Task};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    /// The bytes with so many changes.
    fn changed(&mut self, bytes: &[u8], changes: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..changes {
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, self.below(256) as u8),
            }
        }
        bytes
    }
}

/// Does something again and again, and gives how often.
fn repeated(mut work: impl FnMut(&mut Random)) -> u64 {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(1, |text| text.parse().expect("a number"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut count = 0;
    while Instant::now() < until {
        work(&mut random);
        count += 1;
    }
    count
}

fn actor(capabilities: &[&str]) -> Vec<u8> {
    signed(include_str!("older_actors/guest.wat"), capabilities)
}

fn signed(text: &str, capabilities: &[&str]) -> Vec<u8> {
    let module = wat::parse_str(text).unwrap();
    let capabilities = capabilities.iter().map(|contract| contract.to_string()).collect();
    let wascap = ModuleClaims { capabilities: Some(capabilities), ..ModuleClaims::default() };
    let claims = Claims { wascap, ..Claims::default() };
    let account = KeyPair::new(KeyKind::Account, [1; 32]);
    sign(&module, claims, &account, &KeyPair::new(KeyKind::Module, [2; 32]).public()).unwrap()
}

/// An actor that never ends is interrupted, and gets the next message.
#[test]
fn handling_a_message_ends() {
    let guest = r#"(module (import "wapc" "__guest_request" (func (param i32 i32))) (memory (export "memory") 1)
        (func (export "__guest_call") (param i32 i32) (result i32) (loop (br 0)) (unreachable)))"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = NatsAddress::parse(&format!("nats://{}", listener.local_addr().unwrap())).unwrap();
    let serving = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        reader.get_mut().write_all(b"INFO {}\r\n").unwrap();
        let mut read_until = |begin: &str, answer: &str| {
            let mut line = String::new();
            while !line.starts_with(begin) {
                line.clear();
                assert!(reader.read_line(&mut line).unwrap() > 0);
            }
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        };
        read_until("PING", "PONG\r\n");
        read_until("SUB", "MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n");
        reader
    });
    let engine = Engine::default();
    let log = KeptLog::default();
    let mut options = HostOptions::new(&engine);
    options.log = Arc::new(log.clone());
    options.message_time = Duration::from_millis(50);
    options.nats = Some(Arc::new(Nats::connect(&address, NatsOptions::new(engine.budget())).unwrap()));
    let host = ActorHost::new(&engine, options);
    let actor = host.add(&signed(guest, &["wasmcloud:messaging"])).unwrap();
    host.subscribe(&actor, "a").unwrap();
    let _connection = serving.join().unwrap();
    while log.lines().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    for (_, _, line) in log.lines() {
        assert!(line.starts_with("a message to a isn't handled: ") && line.contains("interrupt"), "{line}");
    }
}

#[test]
fn no_change_of_a_signed_module_goes_unseen() {
    let signed = actor(&["wasmcloud:keyvalue"]);
    let claims = verified_claims(&signed, 0).unwrap();
    let count = repeated(|random| {
        let changes = 1 + random.below(3);
        let changed = random.changed(&signed, changes);
        // A change may undo another.
        assert!(changed == signed || verified_claims(&changed, 0).is_err(), "{changed:?}");
    });
    assert!(count > 0 && verified_claims(&signed, 0) == Ok(claims));
}

#[test]
fn no_change_of_a_key_goes_unseen() {
    let key = KeyPair::new(KeyKind::Account, [7; 32]).public().to_string();
    let count = repeated(|random| {
        let changed = random.changed(key.as_bytes(), 1);
        let Ok(text) = str::from_utf8(&changed) else { return };
        let read = PublicKey::parse(text, KeyKind::Account);
        assert!(text == key || read.is_none(), "{text}");
        // Several changes are seen as often as a sum of 16 bits lets them be; whatever is taken is shown as it is.
        let changes = 2 + random.below(4);
        let changed = random.changed(key.as_bytes(), changes);
        let Ok(text) = str::from_utf8(&changed) else { return };
        if let Some(read) = PublicKey::parse(text, KeyKind::Account) {
            assert_eq!(read.to_string(), text);
        }
    });
    assert!(count > 0);
}

/// Messages of all capabilities, in both generations' forms.
#[test]
fn messages_that_were_changed_are_answered_or_refused() {
    const MESSAGES: [(&str, &[u8]); 7] = [
        ("wasmcloud:keyvalue/Add", b"\x82\xa3key\xa1n\xa5value\x05"),
        ("wasmcloud:keyvalue/Range", b"\x83\xa3key\xa1l\xa5start\x00\xa4stop\x0a"),
        ("wasmcloud:keyvalue/SetUnion", b"\x81\xa4keys\x92\xa1s\xa1t"),
        ("wasmcloud:messaging/Publish", b"\x83\xa7subject\xa1n\xa7replyTo\xa0\xa4body\xc4\x01x"),
        ("wasmcloud:messaging/Request", b"\x83\xa7subject\xa1n\xa4body\xc4\x01x\xa7timeout\x0a"),
        ("wasmcloud:logging/WriteLog", b"\x83\xa6target\xa0\xa5level\xa4warn\xa4text\xa5hello"),
        ("wasmcloud:extras/RequestRandom", b"\x82\xa3min\x01\xa3max\x09"),
    ];
    let mut config = Config::new();
    config.budget(Budget::new(64 << 20)).consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let host = ActorHost::new(&engine, HostOptions::new(&engine));
    let contracts = ["wasmcloud:keyvalue", "wasmcloud:messaging", "wasmcloud:logging", "wasmcloud:extras"];
    let actor = host.add(&actor(&contracts)).unwrap();
    host.subscribe(&actor, "n").unwrap();
    let (mut answered, mut refused) = (0_u64, 0_u64);
    repeated(|random| {
        let (operation, message) = MESSAGES[random.below(MESSAGES.len())];
        let changes = random.below(4);
        let changed = random.changed(message, changes);
        match actor.call(operation, &changed, &mut Task::new(Some(100_000))) {
            Ok(_) => answered += 1,
            Err(CallError::Guest(text)) => {
                refused += 1;
                assert!(!text.is_empty());
            }
            Err(error) => panic!("{operation} {changed:?}: {error}"),
        }
    });
    assert!(answered > 0 && refused > 0, "{answered} {refused}");
}
