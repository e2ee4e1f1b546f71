//! The embedding API where guest code is executed, by both ways of dispatch.
#![allow(clippy::duplicate_mod, reason = "the same cases, once for each way")]

use dunlin::{Config, Dispatch, Engine, Module};

#[path = "api/segments.rs"]
mod segments;

fn config(way: &str) -> Config {
    let mut config = Config::new();
    if way == "by_loop" {
        config.dispatch(Dispatch::Loop);
    }
    config
}

/// By the way that an engine chooses by itself.
#[path = "api/cases.rs"]
mod chosen;

#[path = "api/cases.rs"]
mod by_loop;

fn engines() -> [Engine; 2] {
    ["chosen", "by_loop"].map(|way| Engine::new(&config(way)).unwrap())
}

#[test]
fn segments_are_dropped() {
    engines().iter().for_each(segments::segments_are_dropped);
}

#[test]
fn large_tables_are_copied() {
    engines().iter().for_each(segments::large_tables_are_copied);
}

#[test]
fn all_functions_can_be_translated_at_once() {
    let engine = Engine::default();
    let text = r#"(module (import "" "" (func)) (func) (func) (func))"#;
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    assert_eq!((module.translated_functions(), module.translated_bytes()), (0, 0));
    module.translate().unwrap();
    assert_eq!(module.translated_functions(), 3);
    let bytes = module.translated_bytes();
    assert!(bytes > 0);
    module.translate().unwrap();
    assert_eq!((module.translated_functions(), module.translated_bytes()), (3, bytes));
}
