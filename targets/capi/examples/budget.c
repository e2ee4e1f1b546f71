/* A guest that wants too much: time, then memory. */
#include <dunlin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *what, dunlin_error_t *error) {
    wasm_name_t message;
    dunlin_error_message(error, &message);
    printf("%s: %.*s\n", what, (int)message.size, message.data);
    wasm_name_delete(&message);
    dunlin_error_delete(error);
}

static void check(dunlin_error_t *error) {
    if (error) {
        say("error", error);
        exit(1);
    }
}

int main(void) {
    const char *text = "(module (memory 16) (func (export \"spin\") (loop $l (br $l))))";
    dunlin_budget_t *all = dunlin_budget_new(4 << 20), *tenant = dunlin_budget_new_sub(all, 512 << 10);
    wasm_config_t *config = wasm_config_new();
    dunlin_config_budget_set(config, all);
    dunlin_config_consume_fuel_set(config, true);
    wasm_engine_t *engine;
    check(dunlin_engine_new(config, &engine));
    wasm_module_t *module;
    check(dunlin_module_new(engine, text, strlen(text), &module));

    wasm_store_t *store;
    wasm_instance_t *instance;
    check(dunlin_store_new(engine, NULL, NULL, NULL, &store));
    check(dunlin_instance_new(store, module, NULL, 0, &instance));
    check(dunlin_store_set_fuel(store, 1000000));
    wasm_extern_t *spin = dunlin_instance_get_export(instance, "spin");
    say("stopped", dunlin_func_call(wasm_extern_as_func(spin), NULL, 0, NULL, 0));
    wasm_extern_delete(spin);
    wasm_instance_delete(instance);
    wasm_store_delete(store);

    /* The memory of 1 MiB doesn't fit the tenant's part. */
    check(dunlin_store_new(engine, tenant, NULL, NULL, &store));
    say("refused", dunlin_instance_new(store, module, NULL, 0, &instance));
    wasm_store_delete(store);

    wasm_module_delete(module);
    wasm_engine_delete(engine);
    dunlin_budget_delete(tenant);
    dunlin_budget_delete(all);
    return 0;
}
