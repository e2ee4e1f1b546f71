/* The standard API, one part after the other. The argument is the folder with modules. */
#include "check.h"

static int finalized = 0;

static void count_finalized(void *data) {
    finalized += (int)(intptr_t)data;
}

static wasm_trap_t *add(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    CHECK(args->size == 2 && results->size == 1 && args->data[0].kind == WASM_I32);
    if (args->data[0].of.i32 == 99) {
        wasm_message_t message;
        wasm_name_new_from_string_nt(&message, "99 is refused");
        wasm_trap_t *trap = wasm_trap_new((wasm_store_t *)env, &message);
        wasm_name_delete(&message);
        wasm_trap_set_host_info(trap, &finalized);
        return trap;
    }
    results->data[0].kind = WASM_I32;
    results->data[0].of.i32 = args->data[0].of.i32 + args->data[1].of.i32;
    return NULL;
}

static wasm_trap_t *pass(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    wasm_val_copy(&results->data[0], &args->data[0]);
    return NULL;
}

static void vectors_and_types(void) {
    wasm_byte_vec_t bytes, copy;
    wasm_byte_vec_new(&bytes, 3, "abc");
    wasm_byte_vec_copy(&copy, &bytes);
    CHECK(copy.size == 3 && memcmp(copy.data, "abc", 3) == 0 && copy.data != bytes.data);
    wasm_byte_vec_delete(&bytes);
    wasm_byte_vec_delete(&copy);
    wasm_byte_vec_new_uninitialized(&bytes, SIZE_MAX);
    CHECK(bytes.size == 0);

    wasm_functype_t *type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_f64(), wasm_valtype_new_externref());
    CHECK(wasm_functype_params(type)->size == 2 && wasm_functype_results(type)->size == 1);
    CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[1]) == WASM_F64);
    wasm_externtype_t *external = wasm_functype_as_externtype(type);
    CHECK(wasm_externtype_kind(external) == WASM_EXTERN_FUNC);
    CHECK(wasm_externtype_as_functype(external) == type && !wasm_externtype_as_globaltype(external));
    wasm_externtype_t *again = wasm_externtype_copy(external);
    wasm_functype_delete(type);
    CHECK(wasm_valtype_is_ref(wasm_functype_results(wasm_externtype_as_functype(again))->data[0]));

    wasm_limits_t limits = {2, wasm_limits_max_default};
    wasm_tabletype_t *table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    CHECK(wasm_tabletype_limits(table)->max == wasm_limits_max_default && wasm_tabletype_limits(table)->min == 2);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);
    CHECK(!wasm_tabletype_new(wasm_valtype_new_i32(), &limits));
    wasm_memorytype_t *memory = wasm_memorytype_new(&limits);
    CHECK(wasm_memorytype_limits(memory)->min == 2);
    wasm_globaltype_t *global = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
    CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_I64);

    wasm_externtype_t *all[] = {again, wasm_tabletype_as_externtype(table), wasm_memorytype_as_externtype(memory),
                                wasm_globaltype_as_externtype(global)};
    wasm_externtype_vec_t externals, copies;
    wasm_externtype_vec_new(&externals, 4, all);
    wasm_externtype_vec_copy(&copies, &externals);
    CHECK(wasm_externtype_kind(copies.data[3]) == WASM_EXTERN_GLOBAL);
    wasm_externtype_vec_delete(&externals);
    wasm_externtype_vec_delete(&copies);

    wasm_name_t module, name;
    wasm_name_new_from_string(&module, "m");
    wasm_name_new_from_string(&name, "name");
    wasm_importtype_t *import = wasm_importtype_new(&module, &name, wasm_functype_as_externtype(wasm_functype_new_0_0()));
    wasm_importtype_t *import_copy = wasm_importtype_copy(import);
    wasm_importtype_delete(import);
    CHECK(wasm_importtype_name(import_copy)->size == 4 && wasm_importtype_module(import_copy)->data[0] == 'm');
    wasm_importtype_delete(import_copy);
}

static wasm_trap_t *call(const wasm_func_t *func, wasm_val_t *args, size_t arg_count, wasm_val_t *results, size_t result_count) {
    wasm_val_vec_t arg_vec = {arg_count, args}, result_vec = {result_count, results};
    return wasm_func_call(func, &arg_vec, &result_vec);
}

static void check_trap(wasm_trap_t *trap, const char *text, size_t frames) {
    CHECK(trap);
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK(message.data[message.size - 1] == 0 && strstr(message.data, text));
    wasm_name_delete(&message);
    wasm_frame_vec_t trace;
    wasm_trap_trace(trap, &trace);
    CHECK(trace.size == frames);
    wasm_frame_t *origin = wasm_trap_origin(trap);
    CHECK(!origin == !frames);
    if (frames) {
        CHECK(wasm_frame_func_index(origin) == wasm_frame_func_index(trace.data[0]));
        CHECK(wasm_frame_module_offset(origin) > 8 && wasm_frame_module_offset(origin) != SIZE_MAX);
        CHECK(wasm_frame_func_offset(origin) > 0 &&
              wasm_frame_func_offset(origin) < wasm_frame_module_offset(origin));
        /* The instance whose function it is, which may be asked for it. */
        wasm_frame_t *copied = wasm_frame_copy(origin);
        wasm_instance_t *instance = wasm_frame_instance(copied);
        CHECK(instance && wasm_instance_same(instance, wasm_frame_instance(trace.data[0])));
        wasm_extern_vec_t exports;
        wasm_instance_exports(instance, &exports);
        CHECK(exports.size > 0);
        wasm_extern_vec_delete(&exports);
        wasm_frame_delete(copied);
        wasm_frame_delete(origin);
    }
    wasm_frame_vec_delete(&trace);
    wasm_trap_t *copy = wasm_trap_copy(trap);
    CHECK(wasm_trap_same(copy, trap));
    wasm_trap_delete(trap);
    wasm_trap_delete(copy);
}

static wasm_module_t *load(wasm_store_t *store, const char *folder) {
    wasm_byte_vec_t binary;
    read_file(folder, "standard.wasm", &binary);
    CHECK(wasm_module_validate(store, &binary));
    wasm_module_t *module = wasm_module_new(store, &binary);
    CHECK(module);
    wasm_byte_vec_t serialized;
    wasm_module_serialize(module, &serialized);
    wasm_module_delete(module);
    binary.data[4] = 9;
    CHECK(!wasm_module_validate(store, &binary) && !wasm_module_new(store, &binary));
    wasm_byte_vec_delete(&binary);
    module = wasm_module_deserialize(store, &serialized);
    wasm_byte_vec_delete(&serialized);

    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    CHECK(imports.size == 3 && wasm_importtype_name(imports.data[1])->size == 4);
    CHECK(wasm_externtype_kind(wasm_importtype_type(imports.data[2])) == WASM_EXTERN_GLOBAL);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_t exports;
    wasm_module_exports(module, &exports);
    CHECK(exports.size == 11);
    CHECK(memcmp(wasm_exporttype_name(exports.data[0])->data, "memory", 6) == 0);
    wasm_exporttype_vec_delete(&exports);

    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    module = wasm_module_obtain(store, shared);
    wasm_shared_module_delete(shared);
    return module;
}

static void functions(wasm_store_t *store, wasm_extern_vec_t *exports) {
    wasm_func_t *func = wasm_extern_as_func(exports->data[5]);
    CHECK(func && wasm_func_param_arity(func) == 2 && wasm_func_result_arity(func) == 1);
    wasm_val_t args[] = {WASM_I32_VAL(40), WASM_I32_VAL(2)}, results[] = {WASM_INIT_VAL, WASM_INIT_VAL};
    CHECK(!call(func, args, 2, results, 1) && results[0].of.i32 == 42);
    check_trap(call(func, args, 1, results, 1), "expected 2 arguments, not 1", 0);
    wasm_val_t wrong[] = {WASM_I64_VAL(1), WASM_I32_VAL(2)};
    check_trap(call(func, wrong, 2, results, 1), "expected a value of type i32", 0);
    args[0].of.i32 = 99;
    wasm_trap_t *refused = call(func, args, 2, results, 1);
    CHECK(wasm_trap_get_host_info(refused) == &finalized);
    check_trap(refused, "99 is refused", 1);

    wasm_val_t mixed[] = {WASM_I64_VAL(21), WASM_F64_VAL(1.25)};
    CHECK(!call(wasm_extern_as_func(exports->data[6]), mixed, 2, results, 2));
    CHECK(results[0].kind == WASM_F64 && results[0].of.f64 == 2.5 && results[1].of.i64 == 42);
    check_trap(call(wasm_extern_as_func(exports->data[10]), NULL, 0, NULL, 0), "unreachable", 2);

    wasm_functype_t *type = wasm_func_type(func);
    CHECK(wasm_functype_params(type)->size == 2);
    wasm_functype_delete(type);
    wasm_externtype_t *external = wasm_extern_type(exports->data[5]);
    CHECK(wasm_externtype_as_functype_const(external));
    wasm_externtype_delete(external);
    (void)store;
}

static void references(wasm_store_t *store, wasm_extern_vec_t *exports) {
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, (void *)1, count_finalized);
    wasm_foreign_set_host_info_with_finalizer(foreign, (void *)10, count_finalized);
    CHECK(finalized == 1);
    wasm_ref_t *reference = wasm_foreign_as_ref(foreign);
    CHECK(wasm_ref_as_foreign(reference) == foreign && !wasm_ref_as_func(reference) && !wasm_ref_as_extern(reference));
    wasm_val_t args[] = {WASM_REF_VAL(reference)}, results[] = {WASM_INIT_VAL};
    for (int i = 0; i < 3; i++) {
        CHECK(!call(wasm_extern_as_func(exports->data[7]), args, 1, results, 1));
        CHECK(results[0].kind == WASM_EXTERNREF && wasm_ref_same(results[0].of.ref, reference));
        CHECK(wasm_ref_get_host_info(results[0].of.ref) == (void *)10);
        wasm_val_delete(&results[0]);
    }
    wasm_table_t *externs = wasm_extern_as_table(exports->data[2]);
    CHECK(wasm_table_set(externs, 1, reference) && !wasm_table_set(externs, 2, reference));
    wasm_ref_delete(reference);
    CHECK(finalized == 1);
    wasm_ref_t *found = wasm_table_get(externs, 1);
    CHECK(wasm_ref_get_host_info(found) == (void *)10);
    wasm_ref_delete(found);
    CHECK(!wasm_table_get(externs, 0) && !wasm_table_get(externs, 9));

    /* Any object can be an externref, and is the same one when it comes back. */
    wasm_val_t memory[] = {WASM_REF_VAL(wasm_extern_as_ref(exports->data[0]))};
    CHECK(!call(wasm_extern_as_func(exports->data[7]), memory, 1, results, 1));
    CHECK(wasm_ref_as_memory(results[0].of.ref) && wasm_ref_same(results[0].of.ref, memory[0].of.ref));
    wasm_val_delete(&results[0]);

    wasm_ref_t *func = wasm_extern_as_ref(exports->data[6]);
    wasm_val_t funcs[] = {{.kind = WASM_FUNCREF, .of = {.ref = func}}};
    CHECK(!call(wasm_extern_as_func(exports->data[9]), funcs, 1, results, 1));
    CHECK(results[0].kind == WASM_FUNCREF && wasm_ref_same(results[0].of.ref, func));
    wasm_val_t copy;
    wasm_val_copy(&copy, &results[0]);
    wasm_val_delete(&results[0]);
    CHECK(wasm_ref_as_func(copy.of.ref));
    wasm_val_delete(&copy);
    wasm_val_t null[] = {WASM_INIT_VAL};
    CHECK(!call(wasm_extern_as_func(exports->data[9]), null, 1, results, 1) && !results[0].of.ref);
    wasm_func_t *func_handle = wasm_ref_as_func(func);
    wasm_func_set_host_info_with_finalizer(func_handle, (void *)100, count_finalized);
    wasm_func_t *func_copy = wasm_func_copy(func_handle);
    CHECK(wasm_func_get_host_info(func_copy) == (void *)100);
    wasm_func_delete(func_copy);
}

static void objects(wasm_store_t *store, wasm_extern_vec_t *exports) {
    wasm_memory_t *memory = wasm_extern_as_memory(exports->data[0]);
    CHECK(wasm_memory_size(memory) == 1 && wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
    wasm_memory_data(memory)[5] = 'x';
    CHECK(wasm_memory_grow(memory, 2) && !wasm_memory_grow(memory, 1) && wasm_memory_data(memory)[5] == 'x');
    wasm_memorytype_t *memory_type = wasm_memory_type(memory);
    CHECK(wasm_memorytype_limits(memory_type)->max == 3);
    wasm_memory_t *other = wasm_memory_new(store, memory_type);
    CHECK(other && !wasm_memory_same(memory, other) && wasm_memory_same(memory, wasm_extern_as_memory(exports->data[0])));
    wasm_memorytype_delete(memory_type);
    wasm_memory_delete(other);

    wasm_table_t *table = wasm_extern_as_table(exports->data[1]);
    CHECK(wasm_table_size(table) == 4);
    wasm_ref_t *element = wasm_table_get(table, 1);
    CHECK(wasm_ref_same(element, wasm_extern_as_ref(exports->data[6])));
    CHECK(wasm_table_grow(table, 4, element) && !wasm_table_grow(table, 1, NULL) && wasm_table_size(table) == 8);
    CHECK(wasm_table_set(table, 1, NULL) && !wasm_table_get(table, 1));
    CHECK(!wasm_table_set(table, 1, wasm_memory_as_ref(memory)));
    wasm_tabletype_t *table_type = wasm_table_type(table);
    wasm_table_t *new_table = wasm_table_new(store, table_type, element);
    CHECK(new_table && wasm_tabletype_limits(table_type)->max == 8);
    wasm_tabletype_delete(table_type);
    wasm_ref_delete(element);
    wasm_table_delete(new_table);

    wasm_global_t *counter = wasm_extern_as_global(exports->data[3]), *constant = wasm_extern_as_global(exports->data[4]);
    wasm_val_t value;
    wasm_global_get(counter, &value);
    CHECK(value.kind == WASM_I32 && value.of.i32 == 7);
    value.of.i32 = 8;
    wasm_global_set(counter, &value);
    wasm_global_get(counter, &value);
    CHECK(value.of.i32 == 8);
    wasm_global_get(constant, &value);
    CHECK(value.kind == WASM_I64 && value.of.i64 == 1234);
    value.of.i64 = 1;
    wasm_global_set(constant, &value);
    wasm_global_get(constant, &value);
    CHECK(value.of.i64 == 1234);
    wasm_globaltype_t *global_type = wasm_global_type(constant);
    CHECK(wasm_globaltype_mutability(global_type) == WASM_CONST);
    wasm_globaltype_delete(global_type);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    vectors_and_types();
    wasm_engine_t *engine = wasm_engine_new_with_config(wasm_config_new());
    wasm_store_t *store = wasm_store_new(engine), *stranger = wasm_store_new(engine);
    wasm_module_t *module = load(store, argv[1]);

    wasm_functype_t *add_type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_functype_t *pass_type = wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
    wasm_func_t *add_func = wasm_func_new_with_env(store, add_type, add, store, NULL);
    wasm_func_t *pass_func = wasm_func_new(store, pass_type, pass);
    wasm_func_delete(wasm_func_new_with_env(store, pass_type, add, (void *)1000, count_finalized));
    CHECK(finalized == 0);
    wasm_globaltype_t *global_type = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_CONST);
    wasm_val_t initial = WASM_I64_VAL(1234);
    wasm_global_t *global = wasm_global_new(store, global_type, &initial);
    wasm_globaltype_delete(global_type);
    wasm_functype_delete(add_type);
    wasm_functype_delete(pass_type);

    wasm_extern_t *imports[] = {wasm_func_as_extern(add_func), wasm_func_as_extern(pass_func), wasm_global_as_extern(global)};
    wasm_extern_vec_t import_vec = WASM_ARRAY_VEC(imports), too_few = {2, imports};
    wasm_trap_t *trap = NULL;
    CHECK(!wasm_instance_new(store, module, &too_few, NULL));
    CHECK(!wasm_instance_new(store, module, &too_few, &trap));
    check_trap(trap, "host.global", 0);
    CHECK(!wasm_instance_new(stranger, module, &import_vec, &trap));
    check_trap(trap, "another store", 0);
    wasm_instance_t *instance = wasm_instance_new(store, module, &import_vec, &trap);
    CHECK(instance && !trap);
    wasm_func_delete(add_func);
    wasm_func_delete(pass_func);
    wasm_global_delete(global);
    wasm_module_delete(module);

    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 11 && wasm_extern_kind(exports.data[1]) == WASM_EXTERN_TABLE);
    wasm_instance_delete(instance);
    functions(store, &exports);
    references(store, &exports);
    objects(store, &exports);

    /* Handles keep their store. */
    wasm_store_delete(store);
    wasm_store_delete(stranger);
    wasm_engine_delete(engine);
    wasm_val_t args[] = {WASM_I64_VAL(1), WASM_F64_VAL(2)}, results[2];
    CHECK(!call(wasm_extern_as_func(exports.data[6]), args, 2, results, 2) && results[1].of.i64 == 2);
    CHECK(finalized == 1);
    wasm_extern_vec_delete(&exports);
    CHECK(finalized == 1111);
    return 0;
}
