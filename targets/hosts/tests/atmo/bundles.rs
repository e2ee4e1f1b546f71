//! Bundles: what is wrong with some is said before anybody asks.

use super::common::zip::{Packed, archive};
use super::guests::{bundle, directive, echo};
use dunlin::{Budget, Config, Engine};
use dunlin_hosts::atmo::Bundle;
use std::time::{Duration, Instant};

fn wrong(archive: &[u8]) -> String {
    Bundle::read(&Engine::default(), archive).unwrap_err().to_string()
}

#[test]
fn mistakes_in_a_directive_are_told() {
    let mistakes = |rest: &str| wrong(&bundle(&[("a", echo())], rest, &[]));
    let handler =
        |what: &str| mistakes(&format!("handlers: [{{type: request, method: GET, resource: /x, {what}}}]"));
    let schedule = |what: &str| mistakes(&format!("schedules: [{{name: s, {what}}}]"));
    for (told, why) in [
        (
            handler("steps: [{fn: b}]"),
            "the handler GET /x calls a function 'b' at step 1 that isn't there (is its namespace missing?)",
        ),
        (handler("steps: [{fn: 'other::a'}]"), "calls a function 'other::a'"),
        (
            handler("steps: [{fn: 'com.other#default::a@v0.1.0'}]"),
            "calls a function 'com.other#default::a@v0.1.0'",
        ),
        (handler("steps: [{fn: 'a@v0.2.0'}]"), "calls a function 'a@v0.2.0'"),
        (handler("steps: []"), "the handler GET /x has no steps"),
        (handler("steps: [{}]"), "isn't one of fn, group or forEach at step 1"),
        (handler("steps: [{fn: a, group: [{fn: a}]}]"), "isn't one of fn, group or forEach"),
        (
            handler("steps: [{group: [{fn: a}]}]"),
            "ends with a group, and doesn't say what of it is the response",
        ),
        (handler("steps: [{group: [{fn: a}, {fn: a}]}], response: a"), "has two results 'a' at step 1"),
        (handler("steps: [{fn: a}], response: b"), "answers with 'b', which no step makes"),
        (handler("steps: [{fn: a, with: {x: z}}]"), "needs 'z' at step 1, which no step before makes"),
        (handler("steps: [{fn: a, with: {x: a}}]"), "needs 'a' at step 1, which no step before makes"),
        (
            handler("steps: [{fn: a, onErr: {any: stop}}]"),
            "has 'stop' in onErr at step 1: it should be continue or return",
        ),
        (
            handler("steps: [{fn: a, onErr: {code: {x: return}}}]"),
            "has a code 'x' at step 1 that is no number",
        ),
        (
            handler("steps: [{fn: a, onErr: {code: {1: return}, any: return}}]"),
            "onErr.any at step 1 beside codes",
        ),
        (handler("steps: [{fn: a, onErr: {other: return}}]"), "onErr.other at step 1 without codes"),
        (handler("steps: [{fn: a}, {forEach: {fn: a, as: b}}]"), "doesn't say 'in' of the forEach at step 2"),
        (handler("steps: [{fn: a}, {forEach: {in: a, fn: a}}]"), "doesn't say 'as' of the forEach at step 2"),
        (handler("steps: [{forEach: {in: z, fn: a, as: b}}]"), "needs 'z' at step 1"),
        (
            mistakes("handlers: [{type: stream, method: GET, resource: /x, steps: [{fn: a}]}]"),
            "is of type 'stream', and not request",
        ),
        (
            mistakes("handlers: [{type: request, method: get, resource: /x, steps: [{fn: a}]}]"),
            "has no method that is one of GET,",
        ),
        (
            mistakes("handlers: [{type: request, method: GET, resource: x, steps: [{fn: a}]}]"),
            "has a wrong resource: it doesn't begin with /",
        ),
        (
            mistakes(
                "handlers:\n- {type: request, method: GET, resource: '/:a', steps: [{fn: a}]}\n- {type: request, method: GET, resource: '/:b', steps: [{fn: a}]}",
            ),
            "the handler GET /:b answers the same paths as /:a",
        ),
        (schedule("steps: [{fn: a}]"), "the schedule s doesn't say how often it is"),
        (schedule("every: {seconds: 1}"), "the schedule s has no steps"),
        (
            schedule("every: {seconds: 1}, state: {x: []}, steps: [{fn: a}]"),
            "begins with 'x', which is no text",
        ),
        (mistakes("schedules: [{every: {days: 1}, steps: [{fn: a}]}]"), "a schedule has no name"),
        (
            mistakes("queries: [{name: q, type: merge, query: x}]"),
            "'q' is none of insert, select, update, delete",
        ),
        (mistakes("queries: [{name: q, type: select}]"), "'q' has no name or no text"),
        (
            mistakes("capabilities: {http: {rules: {}}}"),
            "'rules' of the capability 'http' isn't understood here",
        ),
        (
            mistakes("capabilities: {mail: {enabled: false}}"),
            "'enabled' of the capability 'mail' isn't understood here",
        ),
        (mistakes("handlers: 5"), "the bundle's Directive is wrong: invalid type"),
        (mistakes("handlers: [[]"), "the bundle's Directive is wrong: "),
        (mistakes("x: &x [*x]"), "the bundle's Directive is wrong: "),
        (
            handler("steps: [{fn: b}, {fn: c}]"),
            "2 mistakes: the handler GET /x calls a function 'b' at step 1 that isn't there (is its namespace missing?); the handler",
        ),
    ] {
        assert!(told.contains(why), "{told} should say {why}");
    }
    let of = |text: &str| wrong(&archive(&[Packed::new("Directive.yaml", text.as_bytes())]));
    for (text, why) in [
        ("", "invalid type: null"),
        ("identifier: x\nappVersion: v1.0.0\natmoVersion: v0.1.0\n", "it lists no runnables"),
        (
            "identifier: x\nappVersion: 1.0.0\natmoVersion: v0.1.0\nrunnables: [{name: a}]",
            "its appVersion isn't a semantic version",
        ),
        ("identifier: x\nappVersion: v1\natmoVersion: v01\nrunnables: [{name: a}]", "its atmoVersion isn't"),
        ("appVersion: v1\natmoVersion: v1\nrunnables: [{name: a}]", "it has no identifier"),
        (
            "identifier: x\nappVersion: v1\natmoVersion: v1\nrunnables: [{name: a}, {name: a}]",
            "default::a is there twice",
        ),
        (
            "identifier: x\nappVersion: v1\natmoVersion: v1\nrunnables: [{name: a}]",
            "it has no module for \"a\"",
        ),
    ] {
        let told = of(text);
        assert!(told.contains(why), "{told} should say {why}");
    }
    // Aliases that multiply, and depth.
    let lines: String =
        (1..20).map(|n| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 9].join(", "))).collect();
    assert!(of(&format!("l0: &l0 [x]\n{lines}")).contains("aliases stand for more"));
    assert!(of(&"[".repeat(100_000)).contains("Directive is wrong"));
    assert!(of(&" ".repeat((1 << 20) + 1)).contains("larger than 1048576 bytes"));
}

#[test]
fn names_may_have_namespaces() {
    let text = "identifier: x\nappVersion: v1.2.3-rc.1\natmoVersion: v0\nrunnables: [{name: a}, {name: b, namespace: other}]\nhandlers:
- {type: request, method: GET, resource: /, steps: [{fn: 'other::b', as: b}, {fn: 'x#default::a@v1.2.3-rc.1'}]}\n";
    let files = [("Directive.yaml", text.to_owned()), ("a.wasm", echo()), ("b.wasm", echo())];
    Bundle::read(&Engine::default(), &archive(&files.map(|(name, text)| Packed::new(name, text.as_bytes()))))
        .unwrap();
    let files = [("Directive.yaml", text.to_owned()), ("a.wasm", echo()), ("c.wasm", echo())];
    let told = wrong(&archive(&files.map(|(name, text)| Packed::new(name, text.as_bytes()))));
    assert!(told.contains("its Directive doesn't list \"c\""), "{told}");
}

/// Archives that say something else than they are.
#[test]
fn archives_that_lie_are_refused() {
    let directive = Packed::new("Directive.yaml", directive(&["a"], "").as_bytes());
    let module = Packed::new("a.wasm", echo().as_bytes());
    let with = |change: &dyn Fn(&mut Packed)| {
        let mut file = Packed::new("static/x", b"content");
        change(&mut file);
        archive(&[directive.clone(), module.clone(), file])
    };
    Bundle::read(&Engine::default(), &with(&|_| {})).unwrap();
    Bundle::read(&Engine::default(), &with(&|file| (file.name, file.size) = (b"static/".to_vec(), 0)))
        .unwrap();
    let named = |name: &'static str| with(&move |file| file.name = name.into());
    for (archive, why) in [
        (named("../x"), "is no path in it"),
        (named("static/../../x"), "is no path in it"),
        (named("/etc/x"), "is no path in it"),
        (named("static//x"), "is no path in it"),
        (named("static\\x"), "is no path in it"),
        (named("c:x"), "is no path in it"),
        (named("a.wasm"), "is in it twice"),
        (with(&|file| file.name = vec![0xff]), "no ZIP archive of the plain kind"),
        (with(&|file| file.flags = 1), "is encrypted"),
        (with(&|file| file.method = 9), "is compressed in another way"),
        (with(&|file| file.mode = 0o120_777), "is no file"),
        (with(&|file| file.crc ^= 1), "a file in it is damaged"),
        (with(&|file| file.size += 1), "a file in it is damaged"),
        (with(&|file| file.size -= 1), "a file in it is damaged"),
        (with(&|file| file.size = 100_000), "can't be as large"),
        (with(&|file| file.size = u32::MAX), "larger than 134217728 bytes"),
        (with(&|file| file.method = 0), "a file in it is damaged"),
        (with(&|file| (file.method, file.size) = (0, 99)), "can't be as large"),
        (archive(std::slice::from_ref(&module)), "it has no Directive.yaml"),
        (Vec::new(), "no ZIP archive"),
        (b"PK\x05\x06".to_vec(), "no ZIP archive"),
    ] {
        let told = wrong(&archive);
        assert!(told.contains(why), "{told} should say {why}");
    }
    let whole = with(&|_| {});
    for cut in 0..whole.len() {
        wrong(&whole[..cut]);
        wrong(&whole[whole.len() - cut..]);
    }
    wrong(&[b"before", &whole[..]].concat());
    wrong(&[&whole[..], b"behind"].concat());
    // Two entries for the same bytes.
    let mut twice = archive(&[
        directive.clone(),
        module.clone(),
        Packed::new("static/x", b"1"),
        Packed::new("static/y", b"1"),
    ]);
    let of_y = twice.windows(8).rposition(|bytes| bytes == b"static/y").unwrap();
    let at_x = twice.windows(8).position(|bytes| bytes == b"static/x").unwrap() - 30;
    twice[of_y..of_y + 8].copy_from_slice(b"static/x");
    twice[of_y - 4..of_y].copy_from_slice(&(at_x as u32).to_le_bytes());
    assert!(!wrong(&twice).is_empty());
}

/// A bomb costs no more than its bound says, and an archive no more than the budget has.
#[test]
fn bombs_are_refused_or_paid_for() {
    let zeros = vec![0; 120 << 20];
    let files = [
        Packed::new("Directive.yaml", directive(&["a"], "").as_bytes()),
        Packed::new("a.wasm", echo().as_bytes()),
        Packed::new("static/zeros", &zeros),
    ];
    let bomb = archive(&files);
    assert!(bomb.len() < 200_000);
    let mut config = Config::new();
    config.budget(Budget::new(64 << 20));
    let engine = Engine::new(&config).unwrap();
    let read = || {
        let told = Bundle::read(&engine, &bomb).unwrap_err().to_string();
        assert!(told.contains("no room for the bundle"), "{told}");
        engine.budget().used()
    };
    // The engine knows the types of modules from the first time on.
    assert_eq!(read(), read());
    let more = Packed::new("static/more", &zeros[..20 << 20]);
    let told = wrong(&archive(&[&files[..], &[more]].concat()));
    assert!(told.contains("larger than 134217728 bytes"), "{told}");
    let many: Vec<_> = (0..10_001).map(|n| Packed::new(&format!("static/{n}"), b"")).collect();
    assert!(wrong(&archive(&many)).contains("more than 10000 files"));
}

/// Whatever bytes a bundle consists of, it is read or refused: for a second, or as many as `FUZZ_SECONDS` says.
#[test]
fn changed_bundles_do_no_harm() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(1, |text| text.parse().expect("a number"));
    let rest = "handlers:\n- {type: request, method: GET, resource: '/:a/*b', steps: [{fn: a, as: x}, {group: [{fn: a, with: {y: x}}, {fn: a, as: z}]}, {forEach: {in: x, fn: a, as: l, onErr: {code: {404: continue}}}}], response: z}\nschedules: [{name: s, every: {hours: 9}, state: {k: v}, steps: [{fn: a}]}]\n";
    let whole = bundle(&[("a", echo())], rest, &[("static/x", "content")]);
    // The Directive as it is, so that it is changed as well.
    let text = directive(&["a"], rest);
    let (engine, end) = (Engine::default(), Instant::now() + Duration::from_secs(seconds));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut change = |bytes: &mut Vec<u8>| {
        for _ in 0..=random(4) {
            let at = random(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match random(5) {
                0 => bytes[at] = random(256) as u8,
                1 => bytes[at] ^= 1 << random(8),
                2 => drop(bytes.drain(at..(at + random(9)).min(bytes.len()))),
                3 => bytes.insert(at, b" :-{}[]*&/0"[random(11)]),
                _ => {
                    let from = random(bytes.len());
                    let part = bytes[from..(from + random(40)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    };
    let (mut read, mut refused) = (0, 0);
    while Instant::now() < end {
        for is_archive in [true, false] {
            let archive = if is_archive {
                let mut bytes = whole.clone();
                change(&mut bytes);
                bytes
            } else {
                let mut bytes = text.clone().into_bytes();
                change(&mut bytes);
                archive(&[Packed::new("Directive.yaml", &bytes), Packed::new("a.wasm", echo().as_bytes())])
            };
            match Bundle::read(&engine, &archive) {
                Ok(_) => read += 1,
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    println!("{read} changed bundles were read, {refused} refused");
    assert!(refused > 10);
}
