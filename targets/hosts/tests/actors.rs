//! wasmCloud's actors: one of ours, made of `examples/hosts/actor.rs` and signed here, on sockets; and public ones, if
//! `WASMCLOUD_ACTORS` names a folder.

mod common;

use common::Running;
use common::client::Reply;
use dunlin::{Budget, Config, Engine};
use dunlin_hosts::actors::{
    ActorError, ActorHost, Claims, HostOptions, HttpActor, KeyKind, KeyPair, ModuleClaims, Provider,
    TokenError, read_claims, sign,
};
use dunlin_hosts::server::Limits;
use dunlin_hosts::services::clock::FixedClock;
use dunlin_hosts::services::log::KeptLog;
use dunlin_hosts::wapc::{HostCall, Task};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, thread};

const MODULE: &[u8] = include_bytes!("guests/actor.wasm");

const HTTP: &str = "wasmcloud:httpserver";
const KEYS: &str = "wasmcloud:keyvalue";
const MESSAGES: &str = "wasmcloud:messaging";
const NUMBERS: &str = "wasmcloud:builtin:numbergen";
const LOGGING: &str = "wasmcloud:builtin:logging";

/// The actor, signed, with these capabilities. The number is part of its key.
fn actor(number: u8, alias: Option<&str>, capabilities: &[&str]) -> Vec<u8> {
    let claims = Claims {
        wascap: ModuleClaims {
            name: Some(format!("actor {number}")),
            call_alias: alias.map(str::to_owned),
            capabilities: Some(capabilities.iter().map(|contract| contract.to_string()).collect()),
            ..ModuleClaims::default()
        },
        ..Claims::default()
    };
    signed(number, claims)
}

fn signed(number: u8, claims: Claims) -> Vec<u8> {
    let account = KeyPair::new(KeyKind::Account, [1; 32]);
    sign(MODULE, claims, &account, &KeyPair::new(KeyKind::Module, [number; 32]).public()).unwrap()
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.budget(Budget::new(256 << 20)).consume_fuel(true);
    Engine::new(&config).unwrap()
}

/// A server of the first of these actors.
fn serve(actors: &[Vec<u8>], change: impl FnOnce(&mut HostOptions)) -> Running {
    let engine = engine();
    let mut options = HostOptions::new(&engine);
    change(&mut options);
    let host = ActorHost::new(&engine, options);
    let actors: Vec<_> = actors.iter().map(|bytes| host.add(bytes).unwrap()).collect();
    Running::start(HttpActor::new(actors[0].clone(), &host).unwrap(), |options| {
        options.limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
        options.budget = engine.budget().clone();
    })
}

fn post(server: &Running, path: &str, body: impl AsRef<[u8]>) -> Reply {
    let (mut client, body) = (server.client(), body.as_ref());
    client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.send(body);
    client.reply()
}

#[test]
fn an_actor_answers_with_what_it_may_use() {
    let log = KeptLog::default();
    let kept = Arc::new(log.clone());
    let server = serve(&[actor(2, None, &[HTTP, KEYS, NUMBERS, LOGGING])], |options| options.log = kept);
    for count in 1..=3 {
        let reply = server.get("/count/visits");
        assert_eq!((reply.status, reply.header("x-actor")), (200, Some("dunlin")));
        assert_eq!(reply.text(), format!("{{\"counter\":{count}}}"));
    }
    assert_eq!(server.get("/count/others").text(), "{\"counter\":1}");
    let guids = [server.get("/guid").text(), server.get("/guid").text()];
    assert!(guids[0] != guids[1] && guids.iter().all(|guid| guid.len() == 36), "{guids:?}");
    assert_eq!(server.get("/log/hello").status, 200);
    assert!(log.lines().iter().any(|(_, source, line)| (&**source, &**line) == ("actor 2", "hello")));
    // Of the other capabilities it has none.
    let reply = server.get("/publish/news");
    assert_eq!(
        (reply.status, &*reply.text()),
        (403, "actor 2 doesn't claim the capability wasmcloud:messaging")
    );
    assert_eq!(server.get("/count/visits").text(), "{\"counter\":4}");
}

/// Counts how often it is asked.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Provider for Counting {
    fn call(&self, actor: &Claims, call: HostCall<'_>, _: &mut Task) -> Result<Vec<u8>, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{} asks for {} of {}", actor.name(), call.operation, call.binding).into_bytes())
    }
}

#[test]
fn what_is_not_claimed_reaches_nobody() {
    let provider = Arc::new(Counting::default());
    let given = provider.clone();
    let provide = |options: &mut HostOptions| {
        options.providers.insert("example:counting".into(), given.clone());
    };
    let server = serve(&[actor(2, None, &[HTTP])], provide);
    let refusal = "actor 2 doesn't claim the capability example:counting";
    assert_eq!(server.get("/ask/example:counting/Count").text(), refusal);
    assert_eq!(provider.0.load(Ordering::Relaxed), 0);
    let server = serve(&[actor(2, None, &[HTTP, "example:counting", "example:other"])], provide);
    assert_eq!(server.get("/ask/example:counting/Count").text(), "actor 2 asks for Count of default");
    assert_eq!(provider.0.load(Ordering::Relaxed), 1);
    assert_eq!(server.get("/ask/example:other/Count").text(), "nobody provides example:other here");
}

#[test]
fn actors_call_each_other() {
    let actors = [actor(2, None, &[HTTP]), actor(3, Some("example"), &[]), actor(4, None, &[])];
    let server = serve(&actors, |options| options.depth = 4);
    assert_eq!(post(&server, "/ask/example/Echo", "hello").text(), "hello");
    let key = read_claims(&actors[2]).unwrap().subject;
    assert_eq!(post(&server, &format!("/ask/{key}/Echo"), "by key").text(), "by key");
    let reply = post(&server, "/ask/example/Jump", "");
    assert_eq!((reply.status, &*reply.text()), (403, "this actor doesn't Jump"));
    // One that calls itself ends somewhere, and so does the request.
    let reply = post(&server, "/ask/example/Deeper", "example");
    assert_eq!((reply.status, &*reply.text()), (403, "more than 4 actors wait for each other"));
    assert_eq!(post(&server, "/ask/example/Echo", "still").text(), "still");
}

#[test]
fn messages_reach_those_who_want_them() {
    let engine = engine();
    let host = ActorHost::new(&engine, HostOptions::new(&engine));
    let sender = host.add(&actor(2, None, &[HTTP, MESSAGES, KEYS])).unwrap();
    let reader = host.add(&actor(3, None, &[MESSAGES, KEYS])).unwrap();
    let deaf = host.add(&actor(4, None, &[KEYS])).unwrap();
    host.subscribe(&reader, "news.*").unwrap();
    assert!(host.subscribe(&deaf, "news.*").unwrap_err().contains("doesn't claim"));
    let server = Running::start(HttpActor::new(sender, &host).unwrap(), |_| {});
    for path in ["/publish/news.one", "/publish/news.one", "/publish/other"] {
        assert_eq!(post(&server, path, "text").status, 200);
    }
    // Whoever asks gets the answer of the one that is subscribed.
    assert_eq!(post(&server, "/request/news.why", "because").text(), "because");
    let reply = post(&server, "/request/other", "why?");
    assert_eq!((reply.status, &*reply.text()), (403, "nobody answered"));
    // The reader has counted them, and both have the same issuer and so the same keys.
    assert_eq!(server.get("/count/news.one").text(), "{\"counter\":3}");
    assert_eq!(server.get("/count/other").text(), "{\"counter\":1}");
}

#[test]
fn an_actor_that_fails_is_made_anew() {
    let server = serve(&[actor(2, Some("example"), &[HTTP, KEYS])], |options| options.instances = 2);
    for _ in 0..5 {
        let reply = server.get("/trap");
        assert_eq!((reply.status, reply.text().contains("asked to")), (500, false));
        assert_eq!(server.get("/spin").status, 504);
    }
    assert_eq!(server.get("/count/after").text(), "{\"counter\":1}");
    // Those that wait for each other are instances as well.
    let reply = post(&server, "/ask/example/Deeper", "example");
    assert_eq!((reply.status, &*reply.text()), (403, "all 2 instances of actor 2 are at work"));
}

#[test]
fn requests_share_a_pool() {
    let server = serve(&[actor(2, None, &[HTTP, KEYS])], |_| {});
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = server.client();
                for _ in 0..50 {
                    assert_eq!(client.get("/count/all").status, 200);
                }
            });
        }
    });
    assert_eq!(server.get("/count/all").text(), "{\"counter\":401}");
}

#[test]
fn only_actors_whose_tokens_hold_are_taken() {
    let engine = engine();
    let mut options = HostOptions::new(&engine);
    options.clock = Arc::new(FixedClock(Duration::from_secs(1000)));
    let host = ActorHost::new(&engine, options);
    let refused = |bytes: &[u8]| match host.add(bytes).unwrap_err() {
        ActorError::Token(error) => error,
        error => panic!("{error}"),
    };
    assert_eq!(refused(MODULE), TokenError::Missing);
    let good = actor(2, Some("alias"), &[]);
    let mut changed = good.clone();
    changed[20] ^= 1;
    assert_eq!(refused(&changed), TokenError::OtherModule);
    assert_eq!(
        refused(&signed(2, Claims { expires: Some(1000), ..Claims::default() })),
        TokenError::Expired(1000)
    );
    assert_eq!(
        refused(&signed(2, Claims { not_before: Some(1001), ..Claims::default() })),
        TokenError::NotYet(1001)
    );
    host.add(&good).unwrap();
    for taken in [actor(2, None, &[]), actor(3, Some("alias"), &[])] {
        assert!(matches!(host.add(&taken), Err(ActorError::Taken(_))));
    }
    let silent = host.add(&actor(4, None, &[KEYS])).unwrap();
    assert!(
        HttpActor::new(silent, &host)
            .unwrap_err()
            .contains("doesn't claim the capability wasmcloud:httpserver")
    );
}

/// Messages that claim to be larger or deeper than they are.
#[test]
fn messages_that_lie_are_refused() {
    let server = serve(&[actor(2, None, &[HTTP, KEYS])], |_| {});
    let deep = [vec![0x91; 60_000], vec![0xc0]].concat();
    let lies = [&[0xdf, 0xff, 0xff, 0xff, 0xff][..], &[0xdb, 0xff, 0xff, 0xff, 0xff], &[0xc1], &[], &deep];
    for payload in lies {
        let reply = post(&server, "/ask/wasmcloud:keyvalue/KeyValue.Set", payload);
        let text = reply.text();
        assert!(reply.status == 403 && text.starts_with("the message can't be read"), "{text}");
    }
    assert_eq!(server.get("/count/after").text(), "{\"counter\":1}");
}

/// Public actors, with what they are known to answer: of the repository wasmCloud/wasmcloud-otp.
#[test]
fn public_actors_answer() {
    let Some(folder) = std::env::var_os("WASMCLOUD_ACTORS") else {
        eprintln!(
            "SKIPPED: WASMCLOUD_ACTORS doesn't name a folder with the actors of wasmCloud/wasmcloud-otp"
        );
        return;
    };
    let read = |name: &str| fs::read(std::path::Path::new(&folder).join(name)).unwrap();
    let counter = serve(&[read("kvcounter.wasm")], |_| {});
    for count in 1..=3 {
        assert_eq!(counter.get("/x").text(), format!("{{\"counter\":{count}}}"));
    }
    let denied = serve(&[read("kvcounter_unpriv_s.wasm")], |_| {}).get("/x").text();
    assert!(denied.contains("doesn't claim the capability wasmcloud:keyvalue"), "{denied}");
    let echo = serve(&[read("echo.wasm")], |_| {}).get("/x?a=1").text();
    assert_eq!(echo, r#"{"body":[],"method":"GET","path":"/x","query_string":"a=1"}"#);
    let pinger = serve(&[read("pinger_s.wasm"), read("ponger_s.wasm")], |_| {});
    assert_eq!(pinger.get("/").text(), "Ping pong");
}
