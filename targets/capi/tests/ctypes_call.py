"""Loads the library (the argument) through ctypes and calls a guest with it."""

import ctypes
import sys
from ctypes import POINTER, byref, c_char, c_int32, c_int64, c_size_t, c_uint8, c_void_p


class Of(ctypes.Union):
    _fields_ = [("i32", c_int32), ("i64", c_int64), ("ref", c_void_p)]


class Val(ctypes.Structure):
    _fields_ = [("kind", c_uint8), ("of", Of)]


class Bytes(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("data", POINTER(c_char))]


lib = ctypes.CDLL(sys.argv[1])
for name in ["wasm_engine_new", "wasm_store_new", "dunlin_instance_get_export", "dunlin_module_new", "dunlin_instance_new",
             "dunlin_func_call", "wasm_extern_as_func"]:
    getattr(lib, name).restype = c_void_p


def check(error):
    if error:
        message = Bytes()
        lib.dunlin_error_message(c_void_p(error), byref(message))
        text = ctypes.string_at(message.data, message.size).decode()
        lib.wasm_byte_vec_delete(byref(message))
        lib.dunlin_error_delete(c_void_p(error))
        raise RuntimeError(text)


engine = c_void_p(lib.wasm_engine_new())
store = c_void_p(lib.wasm_store_new(engine))
text = b"""(module (func (export "div") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1))))"""
module, instance = c_void_p(), c_void_p()
check(lib.dunlin_module_new(engine, text, c_size_t(len(text)), byref(module)))
check(lib.dunlin_instance_new(store, module, None, c_size_t(0), byref(instance)))
export = c_void_p(lib.dunlin_instance_get_export(instance, b"div"))


def div(a, b):
    args, results = (Val * 2)(Val(0, Of(i32=a)), Val(0, Of(i32=b))), (Val * 1)()
    func = c_void_p(lib.wasm_extern_as_func(export))
    check(lib.dunlin_func_call(func, args, c_size_t(2), results, c_size_t(1)))
    return results[0].of.i32


print(div(84, 2))
try:
    div(1, 0)
except RuntimeError as error:
    print(error)
lib.wasm_extern_delete(export)
lib.wasm_instance_delete(instance)
lib.wasm_module_delete(module)
lib.wasm_store_delete(store)
lib.wasm_engine_delete(engine)
