"""Calls a guest through cffi. The argument is the library; what the headers declare, preprocessed, is on standard input."""

import re
import sys

from cffi import FFI

ffi = FFI()
# It reads declarations, and no functions with a body.
ffi.cdef(re.sub(r"static inline [^;{]*\{.*?\n\}", "", sys.stdin.read(), flags=re.DOTALL))
lib = ffi.dlopen(sys.argv[1])


def check(error):
    if error:
        message = ffi.new("wasm_byte_vec_t *")
        lib.dunlin_error_message(error, message)
        text = ffi.unpack(message.data, message.size).decode()
        lib.wasm_byte_vec_delete(message)
        lib.dunlin_error_delete(error)
        raise RuntimeError(text)


engine = lib.wasm_engine_new()
store = lib.wasm_store_new(engine)
text = b"""(module (import "host" "scale" (func $scale (param i32) (result i32)))
    (func (export "run") (param i32) (result i32) (call $scale (i32.add (local.get 0) (i32.const 1)))))"""
module = ffi.new("wasm_module_t **")
check(lib.dunlin_module_new(engine, text, len(text), module))


@ffi.callback("wasm_trap_t *(void *, dunlin_caller_t *, const wasm_val_t *, size_t, wasm_val_t *, size_t)")
def scale(_env, _caller, args, _arg_count, results, _result_count):
    if args[0].of.i32 < 0:
        return lib.dunlin_error_into_trap(lib.dunlin_error_new(b"a negative number"))
    results[0].kind = lib.WASM_I32
    results[0].of.i32 = args[0].of.i32 * 2
    return ffi.NULL


def types(*kinds):
    out = ffi.new("wasm_valtype_vec_t *")
    made = [lib.wasm_valtype_new(kind) for kind in kinds]
    lib.wasm_valtype_vec_new(out, len(made), ffi.new("wasm_valtype_t *[]", made))
    return out


i32_to_i32 = lib.wasm_functype_new(types(lib.WASM_I32), types(lib.WASM_I32))
func = ffi.new("wasm_func_t **")
check(lib.dunlin_func_new(store, i32_to_i32, scale, ffi.NULL, ffi.NULL, func))
imports = ffi.new("wasm_extern_t *[]", [lib.wasm_func_as_extern(func[0])])
instance = ffi.new("wasm_instance_t **")
check(lib.dunlin_instance_new(store, module[0], imports, 1, instance))
export = lib.dunlin_instance_get_export(instance[0], b"run")


def run(number):
    args, results = ffi.new("wasm_val_t[1]"), ffi.new("wasm_val_t[1]")
    args[0].kind, args[0].of.i32 = lib.WASM_I32, number
    check(lib.dunlin_func_call(lib.wasm_extern_as_func(export), args, 1, results, 1))
    return results[0].of.i32


print(run(20))
try:
    run(-5)
except RuntimeError as error:
    print(error)
lib.wasm_extern_delete(export)
lib.wasm_instance_delete(instance[0])
lib.wasm_func_delete(func[0])
lib.wasm_functype_delete(i32_to_i32)
lib.wasm_module_delete(module[0])
lib.wasm_store_delete(store)
lib.wasm_engine_delete(engine)
