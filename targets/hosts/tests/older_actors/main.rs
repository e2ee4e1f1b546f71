//! Actors of wasmCloud's first versions and of waSCC: one of ours, and a public one, if `WASCAP_FIXTURES` names its folder.

#[path = "../common/mod.rs"]
mod common;

use common::Running;
use dunlin::{Budget, Config, Engine};
use dunlin_hosts::actors::{
    Actor, ActorHost, Claims, HostOptions, HttpActor, KeyKind, KeyPair, ModuleClaims, sign,
};
use dunlin_hosts::services::log::{KeptLog, Level};
use dunlin_hosts::wapc::{CallError, Task};
use std::sync::Arc;

fn signed(number: u8, capabilities: &[&str]) -> Vec<u8> {
    let module = wat::parse_str(include_str!("guest.wat")).unwrap();
    let claims = Claims {
        wascap: ModuleClaims {
            name: Some("older".into()),
            capabilities: Some(capabilities.iter().map(|contract| contract.to_string()).collect()),
            ..ModuleClaims::default()
        },
        ..Claims::default()
    };
    let account = KeyPair::new(KeyKind::Account, [1; 32]);
    sign(&module, claims, &account, &KeyPair::new(KeyKind::Module, [number; 32]).public()).unwrap()
}

fn host(log: &KeptLog) -> (ActorHost, Engine) {
    let mut config = Config::new();
    config.budget(Budget::new(256 << 20)).consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let mut options = HostOptions::new(&engine);
    options.log = Arc::new(log.clone());
    (ActorHost::new(&engine, options), engine)
}

fn ask(actor: &Actor, operation: &str, message: &[u8]) -> Result<Vec<u8>, String> {
    match actor.call(operation, message, &mut Task::new(Some(1_000_000))) {
        Ok(answer) => Ok(answer),
        Err(CallError::Guest(text)) => Err(text),
        Err(error) => panic!("{operation}: {error}"),
    }
}

/// Each operation with a message, and its answer: MessagePack, as those actors wrote it.
const KEYS: [(&str, &[u8], &[u8]); 16] = [
    ("Add", b"\x82\xa3key\xa1n\xa5value\x05", b"\x81\xa5value\x05"),
    ("Add", b"\x82\xa3key\xa1n\xa5value\x02", b"\x81\xa5value\x07"),
    ("Get", b"\x81\xa3key\xa1n", b"\x82\xa5value\xa17\xa6exists\xc3"),
    ("Get", b"\x81\xa3key\xa1m", b"\x82\xa5value\xa0\xa6exists\xc2"),
    ("Set", b"\x83\xa3key\xa1m\xa5value\xa3new\xa7expires\x00", b"\x81\xa5value\xa3new"),
    ("KeyExists", b"\x81\xa3key\xa1m", b"\x82\xa5value\xa0\xa6exists\xc3"),
    ("Del", b"\x81\xa3key\xa1m", b"\x81\xa3key\xa1m"),
    ("KeyExists", b"\x81\xa3key\xa1m", b"\x82\xa5value\xa0\xa6exists\xc2"),
    ("Push", b"\x82\xa3key\xa1l\xa5value\xa1a", b"\x82\xa8newCount\x01\xa9new_count\x01"),
    ("Push", b"\x82\xa3key\xa1l\xa5value\xa1b", b"\x82\xa8newCount\x02\xa9new_count\x02"),
    ("Range", b"\x83\xa3key\xa1l\xa5start\x00\xa4stop\x0a", b"\x81\xa6values\x92\xa1a\xa1b"),
    ("ListItemDelete", b"\x82\xa3key\xa1l\xa5value\xa1a", b"\x82\xa8newCount\x01\xa9new_count\x01"),
    ("Clear", b"\x81\xa3key\xa1l", b"\x81\xa3key\xa1l"),
    ("SetAdd", b"\x82\xa3key\xa1s\xa5value\xa1a", b"\x82\xa8newCount\x01\xa9new_count\x01"),
    ("SetUnion", b"\x81\xa4keys\x92\xa1s\xa1t", b"\x81\xa6values\x91\xa1a"),
    ("SetQuery", b"\x81\xa3key\xa1s", b"\x81\xa6values\x91\xa1a"),
];

#[test]
fn older_names_are_understood() {
    let generations: [(u8, [&str; 5]); 2] = [
        (
            2,
            [
                "wasmcloud:keyvalue",
                "wasmcloud:logging",
                "wasmcloud:messaging",
                "wasmcloud:extras",
                "HandleMessage",
            ],
        ),
        (3, ["wascc:keyvalue", "wascc:logging", "wascc:messaging", "wascc:extras", "DeliverMessage"]),
    ];
    for (number, names) in generations {
        let [keys, logging, messaging, extras, handles] = names;
        let log = KeptLog::default();
        let (host, _) = host(&log);
        let actor = host.add(&signed(number, &[keys, logging, messaging, extras])).unwrap();
        for (operation, message, answer) in KEYS {
            let answered = ask(&actor, &format!("{keys}/{operation}"), message);
            assert_eq!(answered.as_deref(), Ok(answer), "{operation}");
        }
        let line: &[u8] = match number {
            2 => b"\x83\xa6target\xa0\xa5level\xa4warn\xa4text\xa5hello",
            _ => b"\x82\xa5level\x02\xa4body\xa5hello",
        };
        ask(&actor, &format!("{logging}/WriteLog"), line).unwrap();
        assert!(log.lines().contains(&(Level::Warn, "older".into(), "hello".into())), "{:?}", log.lines());
        host.subscribe(&actor, "news").unwrap();
        let message = b"\x83\xa7subject\xa4news\xa7replyTo\xa0\xa4body\xc4\x01x";
        let published = ask(&actor, &format!("{messaging}/Publish"), message);
        assert_eq!(published.as_deref(), Ok(&b"\x81\xa9published\xc3"[..]));
        assert!(log.lines().iter().any(|(_, _, line)| line == handles), "{:?}", log.lines());
        let request = b"\x83\xa7subject\xa4none\xa4body\xc4\x01x\xa7timeout\x0a";
        let answered = ask(&actor, &format!("{messaging}/Request"), request);
        assert_eq!(answered, Err("nobody answered".into()));
        let guid = ask(&actor, &format!("{extras}/RequestGuid"), b"\x80").unwrap();
        match number {
            2 => assert_eq!(guid.len(), 38),
            _ => assert!(guid.starts_with(b"\x83\xa4guid\xd9\x24"), "{guid:?}"),
        }
        let sequence = ask(&actor, &format!("{extras}/RequestSequence"), b"\x80").unwrap_err();
        assert!(sequence.contains("has no operation"), "{sequence}");
        // Today's names are not theirs, and what they don't claim is refused by the name that they use.
        let unknown = ask(&actor, &format!("{keys}/Shuffle"), b"").unwrap_err();
        assert_eq!(unknown, "wasmcloud:keyvalue has no operation Shuffle");
        let other = ask(&actor, "wascc:blobstore/Get", b"").unwrap_err();
        assert_eq!(other, "older doesn't claim the capability wascc:blobstore");
    }
}

#[test]
fn older_actors_answer_requests() {
    for (number, contract) in [(2, "wasmcloud:httpserver"), (3, "wascc:http_server")] {
        let log = KeptLog::default();
        let (host, engine) = host(&log);
        let silent = host.add(&signed(9, &[])).unwrap();
        assert!(HttpActor::new(silent, &host).is_err());
        let capabilities = [contract, if number == 3 { "wascc:logging" } else { "wasmcloud:logging" }];
        let actor = host.add(&signed(number, &capabilities)).unwrap();
        let server = Running::start(HttpActor::new(actor, &host).unwrap(), |options| {
            options.budget = engine.budget().clone();
        });
        let mut client = server.client();
        client.send("GET /a?b HTTP/1.1\r\nHost: h\r\nx-two: 1\r\nx-two: 2\r\n\r\n");
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("x-one")), (201, Some("1")));
        let sent = reply.text();
        for part in ["\u{a6}method\u{a3}GET", "x-two\u{a4}1, 2"] {
            let part: String = part.chars().filter(char::is_ascii).collect();
            let sent: String = sent.chars().filter(char::is_ascii).collect();
            assert!(sent.contains(&part), "{sent}");
        }
    }
}

/// The public one answers each request and writes lines to the log: of crate wascap 0.16, in `fixtures`.
#[test]
fn a_public_actor_logs() {
    let Some(folder) = std::env::var_os("WASCAP_FIXTURES") else {
        eprintln!("SKIPPED: WASCAP_FIXTURES doesn't name the folder 'fixtures' of crate wascap 0.16");
        return;
    };
    let bytes = std::fs::read(std::path::Path::new(&folder).join("logger.wasm")).unwrap();
    let log = KeptLog::default();
    let (host, engine) = host(&log);
    let actor = host.add(&bytes).unwrap();
    let server = Running::start(HttpActor::new(actor, &host).unwrap(), |options| {
        options.budget = engine.budget().clone();
    });
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    let reply = client.reply();
    assert_eq!(reply.status, 200, "{:?} {:?}", reply.text(), log.lines());
    assert!(log.lines().iter().any(|(_, _, line)| line == "Received a POST request"), "{:?}", log.lines());
}
