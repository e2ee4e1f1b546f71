//! Filters in the text format, and what tests do with them.

use dunlin::{Config, Engine, Module};
use dunlin_hosts::proxy_wasm::{Attributes, Chain, Headers, Level, Output, Plugin, PluginOptions, Stream};
use std::sync::{Arc, Mutex};

/// What filters have said.
pub(crate) type Said = Arc<Mutex<Vec<String>>>;

/// A module of these imports, functions and data, with a memory and an allocator from 64 KiB on.
pub(crate) fn module(engine: &Engine, imports: &str, body: &str) -> Module {
    let text = format!(
        r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        {imports}
        (memory (export "memory") 4)
        (global $heap (mut i32) (i32.const 65536))
        (func (export "proxy_abi_version_0_2_0"))
        (func $say (param i32 i32) (drop (call $log (i32.const 2) (local.get 0) (local.get 1))))
        (func $digit (param i32)
            (i32.store8 (i32.const 60000) (i32.add (i32.const 48) (local.get 0)))
            (call $say (i32.const 60000) (i32.const 1)))
        {body})"#
    );
    Module::new(engine, text).unwrap()
}

/// An allocator that never frees.
pub(crate) const ALLOCATOR: &str = r#"(func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (global.get $heap) (global.set $heap (i32.add (global.get $heap) (local.get 0))))"#;

pub(crate) fn said(options: PluginOptions) -> (PluginOptions, Said) {
    let said = Said::default();
    let kept = said.clone();
    (options.log(Level::Trace, move |message| kept.lock().unwrap().push(message.text.to_owned())), said)
}

/// A chain of one filter, and what it says.
pub(crate) fn chain(imports: &str, body: &str, options: PluginOptions) -> (Chain, Said) {
    let (options, said) = said(options);
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let plugin = Plugin::new(&module(&engine, imports, body), options).unwrap();
    let chain = Chain::new(&[plugin]).unwrap();
    said.lock().unwrap().clear();
    (chain, said)
}

pub(crate) fn request(path: &str) -> Headers {
    [(":authority", "a"), (":path", path), (":method", "POST"), (":scheme", "http")].into_iter().collect()
}

pub(crate) fn open(chain: &mut Chain) -> Stream {
    Stream::new(chain, Attributes::default())
}

pub(crate) fn outputs(chain: &mut Chain, stream: &mut Stream) -> Vec<Output> {
    std::iter::from_fn(|| stream.next(chain)).collect()
}

/// The status of a filter's answer, where that is all there is.
#[track_caller]
pub(crate) fn answered(outputs: &[Output]) -> String {
    match outputs {
        [Output::Answered { .. }, Output::ResponseHeaders { headers, .. }, ..] => {
            String::from_utf8_lossy(headers.get(":status").unwrap()).into_owned()
        }
        other => panic!("{other:?}"),
    }
}
