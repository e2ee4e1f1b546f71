//! Runnables for tests: a few lines each.

use super::common::zip::{Packed, archive};

/// A runnable whose `run_e` is this, with `data` from address 16 on. A local `$n` is free; results are fetched to 32768.
pub(crate) fn runnable(data: &str, body: &str) -> String {
    runnable_with(data, body, "")
}

/// The same, beside other fields of the module.
pub(crate) fn runnable_with(data: &str, body: &str, more: &str) -> String {
    let data = data.replace('\\', "\\5c").replace('"', "\\22");
    format!(
        r#"(module
            (import "env" "return_result" (func $result (param i32 i32 i32)))
            (import "env" "return_error" (func $error (param i32 i32 i32 i32)))
            (import "env" "return_abort" (func $abort (param i32 i32 i32 i32 i32 i32 i32)))
            (import "env" "log_msg" (func $log (param i32 i32 i32 i32)))
            (import "env" "resp_set_header" (func $header (param i32 i32 i32 i32 i32)))
            (import "env" "get_ffi_result" (func $fetch (param i32 i32) (result i32)))
            (import "env" "add_ffi_var" (func $var (param i32 i32 i32 i32 i32) (result i32)))
            (import "env" "request_get_field" (func $get (param i32 i32 i32 i32) (result i32)))
            (import "env" "request_set_field" (func $set (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "fetch_url" (func $url (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "cache_get" (func $cached (param i32 i32 i32) (result i32)))
            (import "env" "cache_set" (func $cache (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "get_static_file" (func $file (param i32 i32 i32) (result i32)))
            (import "env" "db_exec" (func $db (param i32 i32 i32 i32) (result i32)))
            (import "env" "cache_get_swift" (func $cached_swift (param i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 16) "{data}")
            {more}
            (func (export "allocate") (param $len i32) (result i32)
                (drop (memory.grow (i32.div_u (i32.add (local.get $len) (i32.const 65535)) (i32.const 65536))))
                (i32.const 65536))
            (func (export "deallocate") (param i32 i32))
            (func (export "run_e") (param $at i32) (param $len i32) (param $ident i32) (local $n i32) {body}))"#
    )
}

/// Its result is its input.
pub(crate) fn echo() -> String {
    runnable("", "(call $result (local.get $at) (local.get $len) (local.get $ident))")
}

/// Its result is this text.
pub(crate) fn constant(text: &str) -> String {
    runnable(text, &format!("(call $result (i32.const 16) (i32.const {}) (local.get $ident))", text.len()))
}

/// Its result is a part of the request: 0 of it itself, 2 a header, 3 a parameter, 4 state, 5 of the query.
pub(crate) fn field(kind: u32, key: &str) -> String {
    let len = key.len();
    runnable(
        key,
        &format!(
            "(local.set $n (call $get (i32.const {kind}) (i32.const 16) (i32.const {len}) (local.get $ident)))
            (drop (call $fetch (i32.const 32768) (local.get $ident)))
            (call $result (i32.const 32768) (local.get $n) (local.get $ident))"
        ),
    )
}

/// It fails so.
pub(crate) fn failing(code: i32, text: &str) -> String {
    let len = text.len();
    runnable(
        text,
        &format!("(call $error (i32.const {code}) (i32.const 16) (i32.const {len}) (local.get $ident))"),
    )
}

/// It sets a header of the response.
pub(crate) fn header(name: &str, value: &str) -> String {
    let (len, value_len) = (name.len(), value.len());
    runnable(
        &format!("{name}{value}"),
        &format!(
            "(call $header (i32.const 16) (i32.const {len}) (i32.const {}) (i32.const {value_len}) (local.get $ident))
            (call $result (local.get $at) (local.get $len) (local.get $ident))",
            16 + len
        ),
    )
}

pub(crate) fn looping() -> String {
    runnable("", "(loop (br 0))")
}

pub(crate) fn trapping() -> String {
    runnable("", "unreachable")
}

/// It takes all memory that it can get, and traps.
pub(crate) fn growing() -> String {
    runnable("", "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable")
}

/// What a Directive begins with that has these runnables.
pub(crate) fn directive(names: &[&str], rest: &str) -> String {
    let names: String = names.iter().map(|name| format!("- name: {name}\n  namespace: default\n")).collect();
    format!(
        "identifier: com.example.test\nappVersion: v0.1.0\natmoVersion: v0.4.0\nrunnables:\n{names}{rest}"
    )
}

/// A bundle of a Directive, runnables and files.
pub(crate) fn bundle(runnables: &[(&str, String)], rest: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let names: Vec<_> = runnables.iter().map(|(name, _)| *name).collect();
    let mut packed = vec![Packed::new("Directive.yaml", directive(&names, rest).as_bytes())];
    for (name, text) in runnables {
        packed.push(Packed::new(&format!("{name}.wasm"), text.as_bytes()));
    }
    packed.extend(files.iter().map(|(name, text)| Packed::new(name, text.as_bytes())));
    archive(&packed)
}
