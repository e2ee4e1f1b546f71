//! Policies by hand, that ask their host for one builtin.

/// A policy whose entrypoint `a` is what `builtin` answers to `argument`, a JSON document. A value of it is its text.
pub(crate) fn asking(builtin: &str, argument: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\5c").replace('"', "\\22");
    r#"(module
        (import "env" "opa_builtin1" (func $builtin (param i32 i32 i32) (result i32)))
        (memory (export "memory") 16)
        (global (export "opa_wasm_abi_version") i32 (i32.const 1))
        (global (export "opa_wasm_abi_minor_version") i32 (i32.const 2))
        (global $heap (mut i32) (i32.const 0x10000))
        (data (i32.const 0x10) "{\22BUILTIN\22:0}\00")
        (data (i32.const 0x80) "{\22a\22:0}\00")
        (data (i32.const 0x90) "[]\00")
        (data (i32.const 0xa0) "[{\22result\22:")
        (data (i32.const 0xb0) "}]\00")
        (data (i32.const 0x100) "ARGUMENT\00")
        (func (export "builtins") (result i32) (i32.const 0x10))
        (func (export "entrypoints") (result i32) (i32.const 0x80))
        (func (export "opa_json_dump") (param i32) (result i32) (local.get 0))
        (func $parse (param $text i32) (param $length i32) (result i32)
            (i32.store8 (i32.add (local.get $text) (local.get $length)) (i32.const 0))
            (local.get $text))
        (export "opa_json_parse" (func $parse))
        (export "opa_value_parse" (func $parse))
        (func $malloc (export "opa_malloc") (param $size i32) (result i32)
            (global.get $heap)
            (global.set $heap (i32.add (global.get $heap) (i32.add (local.get $size) (i32.const 1)))))
        (func (export "opa_heap_ptr_get") (result i32) (global.get $heap))
        (func (export "opa_heap_ptr_set") (param i32) (global.set $heap (local.get 0)))
        (func $length (param $text i32) (result i32) (local $end i32)
            (local.set $end (local.get $text))
            (block $ended
                (loop $next
                    (br_if $ended (i32.eqz (i32.load8_u (local.get $end))))
                    (local.set $end (i32.add (local.get $end) (i32.const 1)))
                    (br $next)))
            (i32.sub (local.get $end) (local.get $text)))
        (func (export "opa_eval") (param i32 i32 i32 i32 i32 i32 i32) (result i32)
            (local $value i32) (local $length i32) (local $result i32)
            (global.set $heap (local.get 5))
            (local.set $value (call $builtin (i32.const 0) (i32.const 0) (i32.const 0x100)))
            (if (i32.eqz (local.get $value)) (then (return (i32.const 0x90))))
            (local.set $length (call $length (local.get $value)))
            (local.set $result (call $malloc (i32.add (local.get $length) (i32.const 14))))
            (memory.copy (local.get $result) (i32.const 0xa0) (i32.const 11))
            (memory.copy (i32.add (local.get $result) (i32.const 11)) (local.get $value) (local.get $length))
            (memory.copy
                (i32.add (i32.add (local.get $result) (i32.const 11)) (local.get $length))
                (i32.const 0xb0) (i32.const 3))
            (local.get $result)))"#
        .replace("BUILTIN", builtin)
        .replace("ARGUMENT", &quoted(argument))
}
