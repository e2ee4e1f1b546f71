//! `dunlin serve --drain`, as processes. `cargo test -p dunlin-cli --features hosts --test drain`
#![cfg(all(feature = "hosts", feature = "text"))]

#[path = "../common/mod.rs"]
mod common;
mod edges;

use common::folder;
use common::serving::{Serving, whole};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Reads a number of rounds, 8 bytes, from the request's body, computes for so many, and prints what that came to and the rest of the
/// body. A part of the head is printed before; all of it, if the number is negative.
const ROUNDS: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 3)
    (data (i32.const 128) "content-type: text/rounds\n\n")
    (func $print (param $at i32) (param $len i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $len))
        (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable)))
    (func $take (param $at i32) (param $len i32) (result i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $len))
        (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
        (i32.load (i32.const 16)))
    (func (export "_start") (local $n i64) (local $x i64) (local $i i32)
        (drop (call $take (i32.const 64) (i32.const 8)))
        (local.set $n (i64.load (i32.const 64)))
        (if (i64.lt_s (local.get $n) (i64.const 0))
            (then
                (local.set $n (i64.sub (i64.const 0) (local.get $n)))
                (call $print (i32.const 128) (i32.const 27)))
            (else (call $print (i32.const 128) (i32.const 10))))
        (loop $round
            (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (local.get $n)))
            (i64.store (i32.add (i32.const 65536) (i32.and (i32.wrap_i64 (local.get $n)) (i32.const 0xfff8)))
                (local.get $x))
            (br_if $round (i32.eqz (i64.eqz (local.tee $n (i64.sub (local.get $n) (i64.const 1)))))))
        ;; Of all that was computed, a byte each.
        (loop $sum
            (local.set $x (i64.add (i64.rotl (local.get $x) (i64.const 7))
                (i64.load (i32.add (i32.const 65536) (local.get $i)))))
            (br_if $sum (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 0xfff8))))
        (if (i64.ge_s (i64.load (i32.const 64)) (i64.const 0))
            (then (call $print (i32.const 138) (i32.const 17))))
        (local.set $i (i32.const 0))
        (loop $digit
            (i32.store8 (i32.add (i32.const 256) (local.get $i))
                (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $x) (i64.const 15)))))
            (local.set $x (i64.shr_u (local.get $x) (i64.const 4)))
            (br_if $digit (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
        (call $print (i32.const 256) (i32.const 16))
        (loop $rest
            (local.set $i (call $take (i32.const 1024) (i32.const 1000)))
            (if (local.get $i)
                (then (call $print (i32.const 1024) (local.get $i)) (br $rest))))))"#;

/// A folder with the program, and a name for one where requests are kept.
struct Case {
    folder: PathBuf,
    module: String,
    drain: String,
}

impl Case {
    fn new(test: &str) -> Self {
        let folder = folder(test);
        let module = folder.join("rounds.wat");
        fs::write(&module, ROUNDS).unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        Self { module: text(module), drain: text(folder.join("drain")), folder }
    }

    fn serve(&self, options: &[&str]) -> Serving {
        let all = ["--access-log", "off", "--timeout", "5min", "--drain", &self.drain];
        Serving::start(&[&all[..], options, &[&self.module]].concat())
    }

    /// The names of what is kept.
    fn kept(&self) -> Vec<String> {
        let files = fs::read_dir(&self.drain).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }
}

fn post(address: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    whole(&text)
}

/// What a request of so many rounds sends.
fn body(rounds: i64, rest: &str) -> Vec<u8> {
    [&rounds.to_le_bytes(), rest.as_bytes()].concat()
}

fn later(serving: &Serving, body: Vec<u8>) -> JoinHandle<String> {
    let address = serving.address.clone();
    std::thread::spawn(move || post(&address, &body))
}

/// How many rounds take about three seconds.
fn long(serving: &Serving) -> i64 {
    let mut rounds = 1_000_000;
    loop {
        let began = Instant::now();
        post(&serving.address, &body(rounds, ""));
        let took = began.elapsed();
        if took > Duration::from_millis(300) {
            return rounds * 3000 / took.as_millis() as i64;
        }
        rounds *= 2;
    }
}

/// Where a request is that was drained.
#[track_caller]
fn location(answer: &str) -> String {
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    let (_, rest) = answer.split_once("\r\nlocation: ").unwrap();
    let location = rest.split_once("\r\n").unwrap().0.to_owned();
    let id = location.strip_prefix("/.well-known/dunlin/drained/").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{location}");
    location
}

/// Asks until there is an answer.
fn fetch(serving: &Serving, location: &str) -> String {
    loop {
        let answer = serving.get(location);
        if !answer.starts_with("HTTP/1.1 202 ") {
            return answer;
        }
        assert!(answer.contains("\r\nretry-after: "), "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The type and the body of an answer.
fn contents(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (_, ty) = head.split_once("\r\ncontent-type: ").unwrap();
    (ty.lines().next().unwrap(), body)
}

/// Has requests begin, and the server end while they are at it.
fn drained(serving: Serving, bodies: &[Vec<u8>]) -> Vec<String> {
    let asked: Vec<_> = bodies.iter().map(|body| later(&serving, body.clone())).collect();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(serving.end(), (Some(0), String::new()));
    asked.into_iter().map(|asked| asked.join().unwrap()).collect()
}

#[test]
fn requests_go_on_in_the_next_server() {
    for jit in ["off", "sync"] {
        let case = Case::new("drain_goes_on");
        let options = ["--jit", jit];
        let serving = case.serve(&options);
        let rounds = long(&serving);
        let bodies = [body(rounds, "the rest of the first"), body(rounds + 1, &"two ".repeat(1000))];
        let undisturbed = bodies.each_ref().map(|body| post(&serving.address, body));
        assert_eq!(serving.end().0, Some(0));
        assert!(undisturbed[0].starts_with("HTTP/1.1 200 "), "{}", undisturbed[0]);
        assert!(undisturbed[0].ends_with("the rest of the first"));
        let locations: Vec<_> =
            drained(case.serve(&options), &bodies).iter().map(|answer| location(answer)).collect();
        assert_eq!(case.kept().len(), 2);
        for name in case.kept() {
            let mode = fs::metadata(Path::new(&case.drain).join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(&case.drain).unwrap().permissions().mode() & 0o777, 0o700);
        let serving = case.serve(&options);
        assert!(locations.iter().all(|location| serving.get(location).starts_with("HTTP/1.1 202 ")));
        for (location, undisturbed) in locations.iter().zip(&undisturbed) {
            let answer = fetch(&serving, location);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert_eq!(contents(&answer), contents(undisturbed));
            assert!(serving.get(location).starts_with("HTTP/1.1 404 "), "it was fetched");
        }
        assert_eq!(case.kept(), [""; 0]);
        assert_eq!(serving.end().0, Some(0));
    }
}

#[test]
fn what_was_taken_up_is_drained_again_and_survives_a_kill() {
    let case = Case::new("drain_again");
    let serving = case.serve(&[]);
    let body = body(long(&serving), "rest");
    let undisturbed = post(&serving.address, &body);
    assert_eq!(serving.end().0, Some(0));
    let location = location(&drained(case.serve(&[]), &[body])[0]);
    let whole = fs::read(Path::new(&case.drain).join(&case.kept()[0])).unwrap();
    let mut serving = case.serve(&[]);
    serving.message(" goes on");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(serving.end().0, Some(0));
    let later = fs::read(Path::new(&case.drain).join(&case.kept()[0])).unwrap();
    assert_ne!(whole, later, "it is further");
    for _ in 0..3 {
        let mut serving = case.serve(&[]);
        serving.message(" goes on");
        std::thread::sleep(Duration::from_millis(100));
        serving.signal("-KILL");
    }
    // The process before may not be gone yet.
    std::thread::sleep(Duration::from_millis(200));
    assert!(case.kept().iter().any(|name| name.starts_with(".new-")), "{:?}", case.kept());
    let serving = case.serve(&[]);
    assert_eq!(contents(&fetch(&serving, &location)), contents(&undisturbed));
    assert_eq!(serving.end().0, Some(0));
    assert_eq!(case.kept(), [""; 0]);
}

#[test]
fn an_answer_waits_for_the_server_after_the_next() {
    let case = Case::new("drain_waits");
    let serving = case.serve(&[]);
    let body = body(long(&serving), "");
    assert_eq!(serving.end().0, Some(0));
    let location = location(&drained(case.serve(&[]), &[body])[0]);
    let serving = case.serve(&[]);
    while !case.kept().iter().any(|name| name.ends_with(".answer") && !name.starts_with(".new-")) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let head = |serving: &Serving| {
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        write!(stream, "HEAD {location} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(head(&serving).starts_with("HTTP/1.1 200 "));
    assert_eq!(serving.end().0, Some(0));
    let serving = case.serve(&[]);
    let answer = serving.get(&location);
    assert_eq!((contents(&answer).0, contents(&answer).1.len()), ("text/rounds", 16));
    assert!(head(&serving).starts_with("HTTP/1.1 404 "));
    assert!(serving.get("/.well-known/dunlin/drained/none").starts_with("HTTP/1.1 404 "));
}

/// Requests that wait for a guest are kept, too.
#[test]
fn more_than_can_run_are_kept() {
    let case = Case::new("drain_many");
    let serving = case.serve(&["--guests", "2"]);
    let rounds = long(&serving);
    let processors = std::thread::available_parallelism().unwrap().get();
    let bodies: Vec<_> = (0..processors as i64 + 3).map(|n| body(rounds / 4, &format!("rest {n}"))).collect();
    // They can't all be over within the time that quick ones have.
    let answers = drained(serving, &bodies);
    let kept = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 503 ")).count();
    assert!(kept >= 2, "{kept}");
    let serving = case.serve(&[]);
    for (n, answer) in answers.iter().enumerate() {
        let answer = match answer.starts_with("HTTP/1.1 503 ") {
            true => fetch(&serving, &location(answer)),
            false => answer.clone(),
        };
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&format!("rest {n}")), "{answer}");
    }
}
