//! What isn't kept, or can't go on.

use super::common::serving::{Serving, get};
use super::common::{dunlin, example, folder};
use super::{Case, ROUNDS, body, drained, fetch, later, location, long};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn an_answer_that_has_begun_is_ended_here() {
    let case = Case::new("drain_begun");
    let serving = case.serve(&[]);
    let rounds = long(&serving);
    let answers = drained(serving, &[body(-rounds, "rest")]);
    assert!(answers[0].starts_with("HTTP/1.1 200 ") && answers[0].ends_with("rest"), "{}", answers[0]);
    assert_eq!(case.kept(), [""; 0]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let case = Case::new("drain_twice");
    let serving = case.serve(&["--grace", "5min"]);
    let asked = later(&serving, body(-1000 * long(&serving), "rest"));
    std::thread::sleep(Duration::from_millis(200));
    serving.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    assert_eq!(serving.end().0, Some(128 + 15));
    assert!(began.elapsed() < Duration::from_secs(10));
    let answer = asked.join().unwrap();
    assert!(!answer.contains("rest"), "{answer}");
    assert_eq!(case.kept(), [""; 0]);
}

#[test]
fn quick_requests_are_answered() {
    let case = Case::new("drain_quick");
    let serving = case.serve(&[]);
    let asked: Vec<_> = (0..8).map(|_| later(&serving, body(1000, ""))).collect();
    for asked in asked {
        assert!(asked.join().unwrap().starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(serving.end().0, Some(0));
    assert_eq!(case.kept(), [""; 0]);
}

#[test]
fn what_cannot_go_on_is_set_aside() {
    let case = Case::new("drain_set_aside");
    let serving = case.serve(&[]);
    let body = body(long(&serving), "");
    let answers = drained(serving, &[body.clone(), body.clone(), body]);
    let locations: Vec<_> = answers.iter().map(|answer| location(answer)).collect();
    let names = case.kept();
    let file = |n: usize| Path::new(&case.drain).join(&names[n]);
    // One is cut off, one is damaged, and the program of the third has changed.
    let whole = fs::read(file(0)).unwrap();
    fs::write(file(0), &whole[..whole.len() / 2]).unwrap();
    let mut bytes = fs::read(file(1)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file(1), bytes).unwrap();
    fs::write(&case.module, ROUNDS.replace("text/rounds", "text/others")).unwrap();
    for round in 0..2 {
        let mut serving = case.serve(&[]);
        if round == 0 {
            for _ in 0..3 {
                serving.message("is set aside: ");
            }
        }
        for location in &locations {
            let answer = serving.get(location);
            assert!(answer.starts_with("HTTP/1.1 410 ") && answer.ends_with("Ask anew.\n"), "{answer}");
        }
        assert_eq!(serving.end().0, Some(0));
    }
    assert!(case.kept().iter().all(|name| name.ends_with(".refused")), "{:?}", case.kept());
    // Whoever has found the reason can have it go on.
    fs::write(&case.module, ROUNDS).unwrap();
    fs::rename(file(2).with_extension("refused"), file(2)).unwrap();
    let id = names[2].strip_suffix(".snap").unwrap();
    let location = locations.iter().find(|location| location.ends_with(id)).unwrap();
    assert!(fetch(&case.serve(&[]), location).starts_with("HTTP/1.1 200 "));
}

#[test]
fn without_room_a_request_is_answered_here() {
    let case = Case::new("drain_room");
    let mut serving = case.serve(&["--drain-size", "4KiB"]);
    let asked = later(&serving, body(long(&serving), "rest"));
    std::thread::sleep(Duration::from_millis(200));
    serving.signal("-TERM");
    let why = serving.message("a request isn't kept, and goes on: ");
    assert!(why.contains("4096 bytes"), "{why}");
    let answer = asked.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("rest"), "{answer}");
    assert_eq!(case.kept(), [""; 0]);
}

/// The time that a request may take goes along; and what waits is woken for it.
#[test]
fn time_goes_on_in_the_next_server() {
    let drain = folder("drain_time").join("drain");
    let options = ["--access-log", "off", "--drain", drain.to_str().unwrap()];
    let trials = example("hosts/trials.wasm");
    let serve = |time| Serving::start(&[&options[..], &["--timeout", time, &trials]].concat());
    let serving = serve("2s");
    let asked: Vec<_> = ["/sleep", "/loop"]
        .map(|path| {
            let address = serving.address.clone();
            std::thread::spawn(move || get(&address, path))
        })
        .into_iter()
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(serving.end().0, Some(0));
    let locations = asked.into_iter().map(|asked| location(&asked.join().unwrap()));
    // More than was left isn't given.
    let (serving, began) = (serve("1h"), Instant::now());
    for location in locations {
        let answer = fetch(&serving, &location);
        assert!(answer.starts_with("HTTP/1.1 504 ") && answer.ends_with("504 Gateway Timeout\n"), "{answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_cannot_be_had_is_said() {
    let case = Case::new("drain_refused");
    let policy = example("hosts/policy.wasm");
    let app = example("hosts/edge.wasm");
    for other in [&policy, &app] {
        dunlin(&["serve", "--drain", &case.drain, other]).code(2).one_sentence().says("WASI programs");
    }
    dunlin(&["serve", "--drain-size", "1MiB", &case.module]).code(2).one_sentence().says("--drain");
    let serving = case.serve(&[]);
    dunlin(&["serve", "--drain", &case.drain, &case.module])
        .code(1)
        .one_sentence()
        .says("another process has it open");
    assert_eq!(serving.end().0, Some(0));
    fs::set_permissions(&case.drain, fs::Permissions::from_mode(0o750)).unwrap();
    dunlin(&["serve", "--drain", &case.drain, &case.module]).code(1).one_sentence().says("chmod 700");
    let nowhere = case.folder.join("a/b");
    dunlin(&["serve", "--drain", nowhere.to_str().unwrap(), &case.module]).code(1).one_sentence();
}
