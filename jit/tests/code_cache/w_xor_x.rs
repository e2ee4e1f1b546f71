//! Tests of W^X: no page is both writable and executable.

use crate::{WORK, run, wanted};
use dunlin::{Config, Engine, Module};
use dunlin_jit::{Jit, Mode};
use std::thread;

/// The process's mappings: whether any anonymous one is executable, and those that are also writable.
fn executable() -> (bool, Vec<String>) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut code = false;
    let mut wrong = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let permissions = fields.nth(1).unwrap();
        let anonymous = fields.nth(2) == Some("0");
        if permissions.contains('x') {
            code |= anonymous && !line.ends_with(']');
            if permissions.contains('w') {
                wrong.push(line.to_owned());
            }
        }
    }
    (code, wrong)
}

#[test]
fn nothing_is_writable_and_executable() {
    let wanted = wanted(60);
    let mut seen_code = false;
    thread::scope(|scope| {
        let workers = [Mode::Background, Mode::Sync, Mode::Eager].map(|mode| {
            scope.spawn(move || {
                for _ in 0..40 {
                    let jit = Jit::new(Jit::options().mode(mode).threshold(1).sample_every(20)).unwrap();
                    let engine = Engine::new(Config::new().tier(jit)).unwrap();
                    let module = Module::new(&engine, WORK).unwrap();
                    for _ in 0..3 {
                        assert_eq!(run(&engine, &module, 60).unwrap(), wanted);
                    }
                }
            })
        });
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let (code, wrong) = executable();
            seen_code |= code;
            assert!(wrong.is_empty(), "{wrong:#?}");
        }
    });
    assert!(seen_code);
}
