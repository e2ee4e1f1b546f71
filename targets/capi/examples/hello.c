/* A module that calls the host, with the standard API and a linker.
 *
 *     cc hello.c $(pkg-config --cflags --libs dunlin) -o hello */
#include <dunlin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(dunlin_error_t *error) {
    if (error) {
        wasm_name_t message;
        dunlin_error_message(error, &message);
        fprintf(stderr, "error: %.*s\n", (int)message.size, message.data);
        exit(1);
    }
}

static wasm_trap_t *hello(void *env, dunlin_caller_t *caller, const wasm_val_t *args, size_t arg_count, wasm_val_t *results,
                          size_t result_count) {
    (void)env, (void)caller, (void)arg_count, (void)results, (void)result_count;
    printf("Hello from the host: %d\n", args[0].of.i32);
    return NULL;
}

int main(void) {
    const char *text = "(module (import \"host\" \"hello\" (func $hello (param i32)))"
                       "        (func (export \"run\") (call $hello (i32.const 42))))";
    wasm_engine_t *engine = wasm_engine_new();
    wasm_module_t *module;
    check(dunlin_module_new(engine, text, strlen(text), &module));

    dunlin_linker_t *linker;
    check(dunlin_linker_new(engine, &linker));
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    check(dunlin_linker_define_func(linker, "host", "hello", type, hello, NULL, NULL));
    wasm_functype_delete(type);

    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance;
    check(dunlin_linker_instantiate(linker, store, module, &instance));
    wasm_extern_t *run = dunlin_instance_get_export(instance, "run");
    check(dunlin_func_call(wasm_extern_as_func(run), NULL, 0, NULL, 0));

    wasm_extern_delete(run);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    dunlin_linker_delete(linker);
    wasm_module_delete(module);
    wasm_engine_delete(engine);
    return 0;
}
