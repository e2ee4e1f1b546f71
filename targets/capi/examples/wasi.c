/* Runs a WASI program (the argument), and keeps what it prints. */
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

typedef struct {
    char bytes[4096];
    size_t len;
} output_t;

static ptrdiff_t keep(void *env, const char *bytes, size_t len) {
    output_t *output = env;
    if (len > sizeof output->bytes - output->len)
        return -1; /* The guest gets an error. */
    memcpy(output->bytes + output->len, bytes, len);
    output->len += len;
    return (ptrdiff_t)len;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: wasi MODULE\n");
        return 2;
    }
    wasm_engine_t *engine = wasm_engine_new();
    wasm_module_t *module;
    check(dunlin_module_from_file(engine, argv[1], false, &module));
    dunlin_linker_t *linker;
    check(dunlin_linker_new(engine, &linker));
    check(dunlin_linker_define_wasi(linker));

    output_t output = {.len = 0};
    dunlin_wasi_config_t *wasi = dunlin_wasi_config_new();
    check(dunlin_wasi_config_arg(wasi, argv[1]));
    check(dunlin_wasi_config_stdout(wasi, keep, &output, NULL));
    wasm_store_t *store = wasm_store_new(engine);
    check(dunlin_store_set_wasi(store, wasi));

    wasm_instance_t *instance;
    check(dunlin_linker_instantiate(linker, store, module, &instance));
    wasm_extern_t *start = dunlin_instance_get_export(instance, "_start");
    dunlin_error_t *error = dunlin_func_call(wasm_extern_as_func(start), NULL, 0, NULL, 0);
    int32_t status = 0;
    if (error && !dunlin_error_exit_status(error, &status))
        check(error);
    dunlin_error_delete(error);
    printf("exit status %d, captured %zu bytes: %.*s", status, output.len, (int)output.len, output.bytes);

    wasm_extern_delete(start);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    dunlin_linker_delete(linker);
    wasm_module_delete(module);
    wasm_engine_delete(engine);
    return 0;
}
