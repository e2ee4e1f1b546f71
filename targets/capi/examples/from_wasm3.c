/* What an application of wasm3's does, with the call that it had there above each. */
#include <dunlin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(dunlin_error_t *error) { /* M3Result result = ...; if (result) */
    if (error) {
        wasm_name_t message;
        dunlin_error_message(error, &message);
        fprintf(stderr, "error: %.*s\n", (int)message.size, message.data);
        exit(1);
    }
}

/* m3ApiRawFunction(print) */
static wasm_trap_t *print(void *env, dunlin_caller_t *caller, dunlin_slot_t *slots) {
    (void)env, (void)caller;
    printf("fib(20) = %d\n", slots[0].i32); /* m3ApiGetArg */
    return NULL;                            /* m3ApiSuccess */
}

int main(void) {
    const char *text =
        "(module (import \"env\" \"print\" (func $print (param i32)))"
        "  (func $fib (export \"fib\") (param i32) (result i32)"
        "    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))"
        "      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))"
        "                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"
        "  (func (export \"run\") (param i32) (call $print (call $fib (local.get 0)))))";
    /* m3_NewEnvironment */
    wasm_engine_t *engine = wasm_engine_new();
    /* m3_NewRuntime: the stack's size is the configuration's (dunlin_config_max_wasm_stack_set) */
    wasm_store_t *store;
    check(dunlin_store_new(engine, NULL, NULL, NULL, &store));
    /* m3_ParseModule: the bytes need not stay */
    wasm_module_t *module;
    check(dunlin_module_new(engine, text, strlen(text), &module));
    /* m3_LinkRawFunction(module, "env", "print", "v(i)", &print) */
    dunlin_linker_t *linker;
    check(dunlin_linker_new(engine, &linker));
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    check(dunlin_linker_define_numeric_func(linker, "env", "print", type, print, NULL, NULL));
    wasm_functype_delete(type);
    /* m3_LoadModule, m3_RunStart */
    wasm_instance_t *instance;
    check(dunlin_linker_instantiate(linker, store, module, &instance));
    /* m3_FindFunction */
    wasm_extern_t *run = dunlin_instance_get_export(instance, "run");
    dunlin_numeric_func_t *call;
    check(dunlin_numeric_func_new(wasm_extern_as_func(run), &call));
    /* m3_CallV(run, 20), m3_GetResultsV */
    dunlin_slot_t slots[1] = {{.i32 = 20}};
    check(dunlin_numeric_func_call(call, slots, 1));

    dunlin_numeric_func_delete(call);
    wasm_extern_delete(run);
    wasm_instance_delete(instance);
    dunlin_linker_delete(linker);
    wasm_module_delete(module);
    wasm_store_delete(store);   /* m3_FreeRuntime */
    wasm_engine_delete(engine); /* m3_FreeEnvironment */
    return 0;
}
