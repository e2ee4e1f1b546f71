/* Null, objects of the wrong kind and of other stores: errors, and nothing worse. */
#include "check.h"

static wasm_trap_t *nothing(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args;
    (void)results;
    return NULL;
}

static int finalized = 0;

static void finalize(void *data) {
    finalized += (int)(intptr_t)data;
}

static void nulls(wasm_engine_t *engine, wasm_store_t *store) {
    wasm_byte_vec_t bytes;
    wasm_engine_delete(NULL);
    wasm_store_delete(NULL);
    wasm_ref_delete(NULL);
    wasm_func_delete(NULL);
    wasm_byte_vec_delete(NULL);
    wasm_val_delete(NULL);
    dunlin_error_delete(NULL);
    CHECK(!wasm_store_new(NULL) && !wasm_engine_new_with_config(NULL) && !wasm_foreign_new(NULL));
    CHECK(!wasm_functype_params(NULL) && !wasm_functype_copy(NULL) && !wasm_ref_copy(NULL) && wasm_ref_same(NULL, NULL));
    CHECK(!wasm_module_new(store, NULL) && !wasm_module_new(NULL, NULL) && !wasm_func_new(store, NULL, nothing));
    CHECK(!wasm_memory_new(store, NULL) && !wasm_memory_data(NULL) && wasm_memory_size(NULL) == 0);
    CHECK(!wasm_table_grow(NULL, 1, NULL) && !wasm_global_new(store, NULL, NULL) && !wasm_valtype_new(77));
    CHECK(wasm_externtype_kind(NULL) == 0 && wasm_extern_kind(NULL) == 0 && !wasm_extern_type(NULL));
    wasm_instance_exports(NULL, NULL);
    wasm_trap_message(NULL, &bytes);
    CHECK(bytes.size == 0);
    wasm_trap_t *trap = wasm_func_call(NULL, NULL, NULL);
    FAILS(dunlin_trap_error(trap), DUNLIN_ERROR_ARGUMENT, "null");
    wasm_trap_delete(trap);
    trap = NULL;
    CHECK(!wasm_instance_new(store, NULL, NULL, &trap) && trap);
    wasm_trap_delete(trap);
    wasm_functype_t *type = wasm_functype_new(NULL, NULL);
    CHECK(type);
    CHECK(!wasm_func_new(store, type, NULL));
    CHECK(!wasm_func_new_with_env(store, type, NULL, (void *)1, finalize) && finalized == 1);
    wasm_functype_delete(type);

    wasm_module_t *module;
    FAILS(dunlin_module_new(engine, NULL, 8, &module), DUNLIN_ERROR_ARGUMENT, "null");
    FAILS(dunlin_module_new(engine, "", 0, NULL), DUNLIN_ERROR_ARGUMENT, "null");
    FAILS(dunlin_module_new(NULL, "", 0, &module), DUNLIN_ERROR_ARGUMENT, "null");
    FAILS(dunlin_module_new(engine, "", 0, &module), DUNLIN_ERROR_INVALID, "");
    FAILS(dunlin_module_stream_finish(NULL, &module), DUNLIN_ERROR_ARGUMENT, "null");
    FAILS(dunlin_module_from_file(engine, "\xff\xfe", false, &module), DUNLIN_ERROR_ARGUMENT, "UTF-8");
    FAILS(dunlin_store_set_fuel(store, 1), DUNLIN_ERROR_OTHER, "fuel");
    FAILS(dunlin_error_new_trap(1000), DUNLIN_ERROR_ARGUMENT, "1000");
    CHECK(dunlin_error_code(NULL) == DUNLIN_ERROR_ARGUMENT && !dunlin_trap_error(NULL) && !dunlin_error_into_trap(NULL));
    FAILS(dunlin_store_set_deadline(NULL, 1), DUNLIN_ERROR_ARGUMENT, "null");
    OK(dunlin_store_set_deadline(store, UINT64_MAX)); /* 500 million years */
    dunlin_store_clear_deadline(store);
    dunlin_store_clear_deadline(store);
    FAILS(dunlin_linker_define_wasi(NULL), DUNLIN_ERROR_ARGUMENT, "null");
}

static void wrong_objects(wasm_engine_t *engine, wasm_store_t *store) {
    wasm_store_t *other = wasm_store_new(engine);
    wasm_limits_t limits = {1, 2};
    wasm_memorytype_t *memory_type = wasm_memorytype_new(&limits);
    wasm_memory_t *memory = wasm_memory_new(other, memory_type);
    /* A cast that C allows itself and that wasm.h doesn't. */
    wasm_func_t *no_func = (wasm_func_t *)memory;
    FAILS(dunlin_func_call(no_func, NULL, 0, NULL, 0), DUNLIN_ERROR_ARGUMENT, "no function");
    CHECK(!wasm_func_type(no_func) && wasm_func_param_arity(no_func) == 0 && !wasm_table_get((wasm_table_t *)memory, 0));
    CHECK(!wasm_functype_params((wasm_functype_t *)memory_type) && !wasm_globaltype_content((wasm_globaltype_t *)memory_type));
    wasm_memorytype_delete(memory_type);

    dunlin_linker_t *linker;
    OK(dunlin_linker_new(engine, &linker));
    wasm_extern_t *item = wasm_memory_as_extern(memory);
    FAILS(dunlin_linker_define(linker, store, "m", "n", item), DUNLIN_ERROR_ARGUMENT, "another store");
    OK(dunlin_linker_define(linker, other, "m", "n", item));
    FAILS(dunlin_linker_define(linker, other, "m", "n", item), DUNLIN_ERROR_LINK, "twice");
    const char *text = "(module (import \"m\" \"n\" (memory 1)))";
    wasm_module_t *module;
    OK(dunlin_module_new(engine, text, strlen(text), &module));
    wasm_instance_t *instance;
    FAILS(dunlin_linker_instantiate(linker, store, module, &instance), DUNLIN_ERROR_ARGUMENT, "another store");
    CHECK(!instance);
    FAILS(dunlin_instance_new(store, module, &item, 1, &instance), DUNLIN_ERROR_ARGUMENT, "another store");
    FAILS(dunlin_instance_new(store, module, NULL, 0, &instance), DUNLIN_ERROR_LINK, "m.n");
    wasm_engine_t *stranger = wasm_engine_new();
    wasm_store_t *strangers = wasm_store_new(stranger);
    FAILS(dunlin_instance_new(strangers, module, NULL, 0, &instance), DUNLIN_ERROR_LINK, "");
    wasm_store_delete(strangers);
    wasm_engine_delete(stranger);
    wasm_module_delete(module);

    wasm_tabletype_t *table_type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_table_t *table = wasm_table_new(store, table_type, NULL);
    wasm_tabletype_delete(table_type);
    FAILS(dunlin_table_set(table, 0, wasm_memory_as_ref(memory)), DUNLIN_ERROR_ARGUMENT, "another store");
    FAILS(dunlin_table_set(table, 7, NULL), DUNLIN_ERROR_TRAP, "out of bounds");
    FAILS(dunlin_table_grow(table, 7, NULL, NULL), DUNLIN_ERROR_OTHER, "can't grow");
    CHECK(!wasm_ref_as_extern(wasm_foreign_as_ref((wasm_foreign_t *)NULL)));
    wasm_table_delete(table);
    wasm_memory_delete(memory);
    dunlin_linker_delete(linker);
    wasm_store_delete(other);
}

int main(void) {
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    nulls(engine, store);
    wrong_objects(engine, store);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
