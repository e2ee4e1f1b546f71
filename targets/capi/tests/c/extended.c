/* What dunlin.h adds, one part after the other. The argument is the folder with modules. */
#include "check.h"

#include <pthread.h>

static int finalized = 0;

static void count_finalized(void *data) {
    finalized += (int)(intptr_t)data;
}

typedef struct {
    char text[64];
    int calls;
} log_t;

static wasm_trap_t *log_text(void *env, dunlin_caller_t *caller, const wasm_val_t *args, size_t arg_count,
                             wasm_val_t *results, size_t result_count) {
    log_t *log = env;
    CHECK(arg_count == 2 && result_count == 0);
    (void)results;
    log->calls++;
    wasm_extern_t *memory = dunlin_caller_get_export(caller, "memory");
    CHECK(memory && !dunlin_caller_get_export(caller, "nothing"));
    CHECK(dunlin_caller_data(caller) == &finalized && dunlin_store_data(dunlin_caller_store(caller)) == &finalized);
    size_t len = (size_t)args[1].of.i32;
    CHECK(len < sizeof log->text);
    OK(dunlin_memory_read(wasm_extern_as_memory(memory), (uint64_t)args[0].of.i32, log->text, len));
    log->text[len] = 0;
    wasm_extern_delete(memory);
    /* A host function may call the guest, on the same store. */
    wasm_instance_t *instance = dunlin_caller_instance(caller);
    wasm_extern_t *divide = dunlin_instance_get_export(instance, "divide");
    wasm_val_t numbers[] = {WASM_I32_VAL(7), WASM_I32_VAL(2)}, quotient[1];
    OK(dunlin_func_call(wasm_extern_as_func(divide), numbers, 2, quotient, 1));
    CHECK(quotient[0].of.i32 == 3);
    /* Results may take the arguments' place. */
    OK(dunlin_func_call(wasm_extern_as_func(divide), numbers, 2, numbers, 1));
    CHECK(numbers[0].of.i32 == 3);
    wasm_extern_delete(divide);
    wasm_instance_delete(instance);
    return NULL;
}

static wasm_trap_t *scale(void *env, dunlin_caller_t *caller, dunlin_slot_t *slots) {
    (void)env;
    CHECK(dunlin_caller_store(caller));
    if (slots[1].i32 < 0)
        return dunlin_error_into_trap(dunlin_error_new("a negative scale"));
    if (slots[1].i32 == 0)
        return dunlin_error_into_trap(dunlin_error_new_trap(DUNLIN_TRAP_INTEGER_DIVISION_BY_ZERO));
    slots[0].f64 *= slots[1].i32;
    return NULL;
}

/* An engine with fuel and a budget, its module loaded in pieces, and a linker with the host's functions. */
typedef struct {
    dunlin_budget_t *budget;
    wasm_engine_t *engine;
    wasm_module_t *module;
    dunlin_linker_t *linker;
    log_t log;
} world_t;

static void make(world_t *world, const char *folder, bool fuel) {
    memset(world, 0, sizeof *world);
    world->budget = dunlin_budget_new(16 << 20);
    wasm_config_t *config = wasm_config_new();
    dunlin_config_budget_set(config, world->budget);
    dunlin_config_consume_fuel_set(config, fuel);
    FAILS(dunlin_config_wasm_feature_set(config, "teleportation", true), DUNLIN_ERROR_ARGUMENT, "teleportation");
    OK(dunlin_config_wasm_feature_set(config, "threads", false));
    OK(dunlin_engine_new(config, &world->engine));

    wasm_byte_vec_t binary;
    read_file(folder, "extended.wasm", &binary);
    dunlin_module_stream_t *stream;
    OK(dunlin_module_stream_new(world->engine, &stream));
    for (size_t at = 0; at < binary.size; at += 7)
        OK(dunlin_module_stream_push(stream, binary.data + at, binary.size - at < 7 ? binary.size - at : 7));
    OK(dunlin_module_stream_finish(stream, &world->module));
    OK(dunlin_module_validate(world->engine, binary.data, binary.size));
    wasm_byte_vec_delete(&binary);

    OK(dunlin_linker_new(world->engine, &world->linker));
    wasm_functype_t *log_type = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    OK(dunlin_linker_define_func(world->linker, "host", "log", log_type, log_text, &world->log, NULL));
    FAILS(dunlin_linker_define_func(world->linker, "host", "log", log_type, log_text, (void *)1, count_finalized),
          DUNLIN_ERROR_LINK, "defined twice");
    CHECK(finalized == 1);
    finalized = 0;
    wasm_functype_delete(log_type);
    wasm_functype_t *scale_type = wasm_functype_new_2_1(wasm_valtype_new_f64(), wasm_valtype_new_i32(), wasm_valtype_new_f64());
    OK(dunlin_linker_define_numeric_func(world->linker, "host", "scale", scale_type, scale, (void *)10, count_finalized));
    wasm_functype_delete(scale_type);
}

static void take_apart(world_t *world) {
    dunlin_linker_delete(world->linker);
    wasm_module_delete(world->module);
    wasm_engine_delete(world->engine);
    CHECK(finalized == 10);
    finalized = 0;
    CHECK(dunlin_budget_used(world->budget) == 0 && dunlin_budget_peak(world->budget) > 0);
    dunlin_budget_delete(world->budget);
}

static wasm_instance_t *instantiate(world_t *world, wasm_store_t **store) {
    OK(dunlin_store_new(world->engine, NULL, &finalized, NULL, store));
    wasm_instance_t *instance;
    OK(dunlin_linker_instantiate(world->linker, *store, world->module, &instance));
    return instance;
}

static wasm_func_t *func(wasm_instance_t *instance, const char *name) {
    wasm_extern_t *found = dunlin_instance_get_export(instance, name);
    CHECK(found && wasm_extern_as_func(found));
    return wasm_extern_as_func(found);
}

static void calls(const char *folder) {
    world_t world;
    make(&world, folder, false);
    wasm_store_t *store;
    wasm_instance_t *instance = instantiate(&world, &store);
    wasm_func_t *greet = func(instance, "greet");
    OK(dunlin_func_call(greet, NULL, 0, NULL, 0));
    CHECK(world.log.calls == 1 && strcmp(world.log.text, "hello") == 0);

    wasm_func_t *scale_func = func(instance, "scale");
    dunlin_numeric_func_t *fast;
    OK(dunlin_numeric_func_new(scale_func, &fast));
    CHECK(dunlin_numeric_func_slots(fast) == 2);
    dunlin_slot_t slots[2] = {{.f64 = 1.5}, {.bits = 0xffffffff00000003}};
    OK(dunlin_numeric_func_call(fast, slots, 2));
    CHECK(slots[0].f64 == 4.5);
    slots[1].i32 = -1;
    FAILS(dunlin_numeric_func_call(fast, slots, 2), DUNLIN_ERROR_HOST, "a negative scale");
    slots[1].i32 = 0;
    dunlin_error_t *error = dunlin_numeric_func_call(fast, slots, 2);
    dunlin_trap_code_t code;
    CHECK(dunlin_error_is_trap(error) && dunlin_error_trap_code(error, &code) && code == DUNLIN_TRAP_INTEGER_DIVISION_BY_ZERO);
    dunlin_error_delete(error);
    FAILS(dunlin_numeric_func_call(fast, slots, 1), DUNLIN_ERROR_OTHER, "2 slots");
    dunlin_numeric_func_delete(fast);

    wasm_func_t *vector = func(instance, "vector");
    OK(dunlin_numeric_func_new(vector, &fast));
    slots[0].bits = 1 | (uint64_t)2 << 32;
    slots[1].bits = 3 | (uint64_t)4 << 32;
    OK(dunlin_numeric_func_call(fast, slots, 2));
    CHECK(slots[0].bits == (2 | (uint64_t)4 << 32) && slots[1].bits == (6 | (uint64_t)8 << 32));
    dunlin_numeric_func_delete(fast);
    wasm_val_t vals[1] = {WASM_I64_VAL(1)};
    FAILS(dunlin_func_call(vector, vals, 1, vals, 1), DUNLIN_ERROR_ARGUMENT, "v128");

    wasm_func_t *divide = func(instance, "divide");
    wasm_val_t numbers[] = {WASM_I32_VAL(1), WASM_I32_VAL(0)}, quotient[1];
    error = dunlin_func_call(divide, numbers, 2, quotient, 1);
    wasm_frame_vec_t trace;
    dunlin_error_trace(error, &trace);
    size_t len;
    const char *name = dunlin_frame_func_name(trace.data[0], &len);
    CHECK(trace.size == 1 && len == 6 && memcmp(name, "divide", 6) == 0);
    /* An error belongs to no store. */
    CHECK(!wasm_frame_instance(trace.data[0]));
    CHECK(!dunlin_frame_module_name(trace.data[0], &len) && len == 0);
    wasm_frame_vec_delete(&trace);
    wasm_trap_t *trap = dunlin_error_into_trap(error);
    error = dunlin_trap_error(trap);
    wasm_trap_delete(trap);
    FAILS(error, DUNLIN_ERROR_TRAP, "integer divide by zero");

    wasm_extern_t *memory = dunlin_instance_get_export(instance, "memory");
    uint64_t former;
    OK(dunlin_memory_grow(wasm_extern_as_memory(memory), 1, &former));
    CHECK(former == 1);
    FAILS(dunlin_memory_grow(wasm_extern_as_memory(memory), 1, NULL), DUNLIN_ERROR_OTHER, "can't grow");
    FAILS(dunlin_memory_write(wasm_extern_as_memory(memory), 131071, "ab", 2), DUNLIN_ERROR_TRAP, "out of bounds");
    wasm_extern_delete(memory);

    wasm_func_delete(greet);
    wasm_func_delete(scale_func);
    wasm_func_delete(vector);
    wasm_func_delete(divide);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    take_apart(&world);
}

static void fuel_and_resumption(const char *folder) {
    world_t world;
    make(&world, folder, true);
    wasm_store_t *store;
    wasm_instance_t *instance = instantiate(&world, &store);
    wasm_func_t *count = func(instance, "count"), *spin = func(instance, "spin"), *scale_func = func(instance, "scale");
    wasm_val_t thousand[] = {WASM_I32_VAL(1000)}, result[] = {WASM_INIT_VAL};
    FAILS(dunlin_func_call(count, thousand, 1, result, 1), DUNLIN_ERROR_TRAP, "fuel");

    OK(dunlin_store_set_fuel(store, 100));
    dunlin_suspended_t *suspended;
    OK(dunlin_func_call_resumable(count, thousand, 1, result, 1, &suspended));
    int slices = 0;
    dunlin_trap_code_t code;
    while (suspended) {
        CHECK(dunlin_suspended_trap_code(suspended, &code) && code == DUNLIN_TRAP_OUT_OF_FUEL);
        CHECK(!dunlin_suspended_host_func(suspended));
        OK(dunlin_store_set_fuel(store, 100));
        OK(dunlin_suspended_resume(suspended, NULL, 0, result, 1, &suspended));
        slices++;
    }
    CHECK(slices > 30 && result[0].of.i32 == 2000);
    uint64_t left;
    OK(dunlin_store_get_fuel(store, &left));
    CHECK(left < 100);

    /* A host function that fails, and later has a result all the same. */
    OK(dunlin_store_set_fuel(store, 1000));
    wasm_val_t args[] = {WASM_F64_VAL(2), WASM_I32_VAL(-1)}, host_result[] = {WASM_F64_VAL(0.5)};
    OK(dunlin_func_call_resumable(scale_func, args, 2, result, 1, &suspended));
    CHECK(suspended && !dunlin_suspended_trap_code(suspended, &code));
    wasm_name_t message;
    dunlin_suspended_message(suspended, &message);
    CHECK(message.size == strlen("a negative scale"));
    wasm_name_delete(&message);
    wasm_func_t *failed = dunlin_suspended_host_func(suspended);
    CHECK(wasm_func_param_arity(failed) == 2);
    wasm_func_delete(failed);
    OK(dunlin_suspended_resume(suspended, host_result, 1, result, 1, &suspended));
    CHECK(!suspended && result[0].of.f64 == 0.5);
    OK(dunlin_func_call_resumable(scale_func, args, 2, result, 1, &suspended));
    dunlin_suspended_delete(suspended);

    OK(dunlin_store_set_fuel(store, UINT64_MAX));
    OK(dunlin_store_set_deadline(store, 10));
    FAILS(dunlin_func_call(spin, NULL, 0, NULL, 0), DUNLIN_ERROR_TRAP, "interrupted");
    OK(dunlin_store_set_deadline(store, 100000));
    OK(dunlin_func_call(count, thousand, 1, result, 1));
    dunlin_store_clear_deadline(store);
    OK(dunlin_store_set_deadline(store, 100000)); /* It goes with the store. */

    wasm_func_delete(count);
    wasm_func_delete(spin);
    wasm_func_delete(scale_func);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    take_apart(&world);
}

static void *interrupt(void *handle) {
    dunlin_interrupt_handle_interrupt(handle);
    return NULL;
}

static void interruption(const char *folder) {
    world_t world;
    make(&world, folder, false);
    wasm_store_t *store;
    wasm_instance_t *instance = instantiate(&world, &store);
    wasm_func_t *spin = func(instance, "spin");
    dunlin_interrupt_handle_t *handle;
    OK(dunlin_interrupt_handle_new(store, &handle));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, interrupt, handle) == 0);
    FAILS(dunlin_func_call(spin, NULL, 0, NULL, 0), DUNLIN_ERROR_TRAP, "interrupted");
    pthread_join(thread, NULL);
    wasm_func_delete(spin);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    dunlin_interrupt_handle_interrupt(handle);
    dunlin_interrupt_handle_delete(handle);
    take_apart(&world);
}

static void budgets(const char *folder) {
    world_t world;
    make(&world, folder, false);
    dunlin_plan_t plan;
    OK(dunlin_module_plan(world.module, &plan));
    CHECK(plan.least > 65536 && plan.instance < plan.least && plan.most > plan.least && plan.most != UINT64_MAX);
    dunlin_budget_t *small = dunlin_budget_new_sub(world.budget, 50000), *enough = dunlin_budget_new_sub(world.budget, 200000);
    wasm_store_t *store;
    wasm_instance_t *instance;
    OK(dunlin_store_new(world.engine, small, (void *)1, count_finalized, &store));
    FAILS(dunlin_linker_instantiate(world.linker, store, world.module, &instance), DUNLIN_ERROR_OUT_OF_BUDGET, "budget");
    CHECK(!instance);
    wasm_store_delete(store);
    CHECK(finalized == 1);
    finalized = 0;
    OK(dunlin_store_new(world.engine, enough, NULL, NULL, &store));
    dunlin_instance_pre_t *pre;
    OK(dunlin_linker_instantiate_pre(world.linker, world.module, &pre));
    OK(dunlin_instance_pre_instantiate(pre, store, &instance));
    dunlin_instance_pre_delete(pre);
    CHECK(dunlin_budget_used(enough) > 65536 && dunlin_budget_used(small) == 0);
    CHECK(dunlin_budget_available(enough) + dunlin_budget_used(enough) == 200000 && dunlin_budget_limit(enough) == 200000);
    dunlin_charge_t *charge;
    FAILS(dunlin_budget_charge(enough, 200000, &charge), DUNLIN_ERROR_OUT_OF_BUDGET, "budget");
    CHECK(!charge);
    OK(dunlin_budget_charge(enough, 1000, &charge));
    dunlin_charge_delete(charge);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    dunlin_budget_delete(small);
    dunlin_budget_delete(enough);
    take_apart(&world);
}

static ptrdiff_t collect(void *env, const char *bytes, size_t len) {
    strncat(env, bytes, len);
    return (ptrdiff_t)len;
}

static void wasi(const char *folder) {
    wasm_engine_t *engine;
    OK(dunlin_engine_new(NULL, &engine));
    char path[4096], output[64] = "";
    snprintf(path, sizeof path, "%s/wasi.wasm", folder);
    wasm_module_t *module;
    FAILS(dunlin_module_from_file(engine, "/nowhere.wasm", false, &module), DUNLIN_ERROR_IO, "nowhere.wasm");
    OK(dunlin_module_from_file(engine, path, true, &module));
    dunlin_linker_t *linker;
    OK(dunlin_linker_new(engine, &linker));
    OK(dunlin_linker_define_wasi(linker));
    dunlin_wasi_config_t *config = dunlin_wasi_config_new();
    OK(dunlin_wasi_config_arg(config, "program"));
    OK(dunlin_wasi_config_arg(config, "argument"));
    OK(dunlin_wasi_config_env(config, "NAME", "value"));
    OK(dunlin_wasi_config_stdin_bytes(config, "some input", 10));
    OK(dunlin_wasi_config_stdout(config, collect, output, NULL));
    OK(dunlin_wasi_config_preopen_dir(config, folder, "/modules", false));
    FAILS(dunlin_wasi_config_preopen_dir(config, "/nowhere", "/", false), DUNLIN_ERROR_IO, "");
    wasm_store_t *store;
    OK(dunlin_store_new(engine, NULL, NULL, NULL, &store));
    OK(dunlin_store_set_wasi(store, config));
    wasm_instance_t *instance;
    OK(dunlin_linker_instantiate(linker, store, module, &instance));
    wasm_func_t *start = func(instance, "_start");
    dunlin_error_t *error = dunlin_func_call(start, NULL, 0, NULL, 0);
    int32_t status;
    CHECK(error && dunlin_error_exit_status(error, &status) && status == 121);
    FAILS(error, DUNLIN_ERROR_EXIT, "121");
    CHECK(strcmp(output, "some input") == 0);
    wasm_func_delete(start);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_module_delete(module);
    dunlin_linker_delete(linker);
    wasm_engine_delete(engine);
}

static void tier(const char *folder) {
    wasm_byte_vec_t binary, file;
    read_file(folder, "extended.wasm", &binary);
    wasm_config_t *config = wasm_config_new();
    FAILS(dunlin_config_tier_set(config, 17), DUNLIN_ERROR_ARGUMENT, "17");
    OK(dunlin_config_tier_set(config, DUNLIN_TIER_PRECOMPILED));
    wasm_engine_t *engine;
    OK(dunlin_engine_new(config, &engine));
    FAILS(dunlin_module_precompile(engine, binary.data, binary.size, "vax-vms", &file), DUNLIN_ERROR_ARGUMENT, "target");
    OK(dunlin_module_precompile(engine, binary.data, binary.size, NULL, &file));
    wasm_module_t *module;
    FAILS(dunlin_module_new_precompiled(engine, binary.data, binary.size, &module), DUNLIN_ERROR_ARGUMENT, "precompiled");
    OK(dunlin_module_new_precompiled(engine, file.data, file.size, &module));
    dunlin_linker_t *linker;
    OK(dunlin_linker_new(engine, &linker));
    OK(dunlin_linker_define_unknown_imports_as_traps(linker, module));
    wasm_store_t *store;
    OK(dunlin_store_new(engine, NULL, NULL, NULL, &store));
    wasm_instance_t *instance;
    OK(dunlin_linker_instantiate(linker, store, module, &instance));
    wasm_func_t *count = func(instance, "count"), *greet = func(instance, "greet");
    wasm_val_t args[] = {WASM_I32_VAL(100)}, results[] = {WASM_INIT_VAL};
    OK(dunlin_func_call(count, args, 1, results, 1));
    CHECK(results[0].of.i32 == 200);
    FAILS(dunlin_func_call(greet, NULL, 0, NULL, 0), DUNLIN_ERROR_TRAP, "host.log");
    wasm_func_delete(count);
    wasm_func_delete(greet);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    dunlin_linker_delete(linker);
    wasm_module_delete(module);
    wasm_engine_delete(engine);
    wasm_byte_vec_delete(&binary);
    wasm_byte_vec_delete(&file);
}

/* The same results, whenever functions are compiled. */
static void tiers(const char *folder) {
    const int modes[] = {DUNLIN_TIER_NONE, DUNLIN_TIER_BACKGROUND, DUNLIN_TIER_SYNC, DUNLIN_TIER_EAGER};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        wasm_config_t *config = wasm_config_new();
        OK(dunlin_config_tier_set(config, modes[i]));
        wasm_engine_t *engine;
        OK(dunlin_engine_new(config, &engine));
        wasm_byte_vec_t binary;
        read_file(folder, "extended.wasm", &binary);
        wasm_module_t *module;
        OK(dunlin_module_new(engine, binary.data, binary.size, &module));
        wasm_byte_vec_delete(&binary);
        dunlin_linker_t *linker;
        OK(dunlin_linker_new(engine, &linker));
        OK(dunlin_linker_define_unknown_imports_as_traps(linker, module));
        wasm_store_t *store;
        OK(dunlin_store_new(engine, NULL, NULL, NULL, &store));
        wasm_instance_t *instance;
        OK(dunlin_linker_instantiate(linker, store, module, &instance));
        wasm_func_t *count = func(instance, "count"), *divide = func(instance, "divide");
        for (int turn = 1; turn <= 20; turn++) {
            wasm_val_t args[] = {WASM_I32_VAL(100000 * turn), WASM_I32_VAL(0)}, results[] = {WASM_INIT_VAL};
            OK(dunlin_func_call(count, args, 1, results, 1));
            CHECK(results[0].of.i32 == 200000 * turn);
            FAILS(dunlin_func_call(divide, args, 2, results, 1), DUNLIN_ERROR_TRAP, "divide by zero");
        }
        wasm_func_delete(count);
        wasm_func_delete(divide);
        wasm_instance_delete(instance);
        wasm_store_delete(store);
        dunlin_linker_delete(linker);
        wasm_module_delete(module);
        wasm_engine_delete(engine);
    }
}

static void text_and_errors(void) {
    wasm_engine_t *engine = wasm_engine_new();
    wasm_module_t *module;
    const char *text = "(module (memory (export \"m\") 1) (func (export \"f\")))";
    OK(dunlin_module_new(engine, text, strlen(text), &module));
    OK(dunlin_module_translate(module));
    wasm_module_delete(module);
    dunlin_error_t *error = dunlin_module_new(engine, "\0asm\x01\0\0\0\x01\x02\x01\x05", 12, &module);
    uint64_t offset;
    CHECK(error && !module && dunlin_error_offset(error, &offset) && offset > 8 && offset <= 12);
    FAILS(error, DUNLIN_ERROR_INVALID, "offset");
    wasm_engine_delete(engine);
}

/* Shared and 64-bit memories, tags, and exceptions that go through the host. */
static wasm_trap_t *call_again(void *env, dunlin_caller_t *caller, const wasm_val_t *args, size_t arg_count,
                               wasm_val_t *results, size_t result_count) {
    (void)env, (void)args, (void)arg_count, (void)results, (void)result_count;
    wasm_extern_t *raise = dunlin_caller_get_export(caller, "raise");
    dunlin_error_t *error = dunlin_func_call(wasm_extern_as_func(raise), NULL, 0, NULL, 0);
    CHECK(dunlin_error_code(error) == DUNLIN_ERROR_EXCEPTION);
    wasm_extern_delete(raise);
    return dunlin_error_into_trap(error);
}

static void other_kinds(void) {
    wasm_config_t *config = wasm_config_new();
    dunlin_config_shared_memory_set(config, true);
    wasm_engine_t *engine;
    OK(dunlin_engine_new(config, &engine));
    wasm_store_t *store = wasm_store_new(engine), *other = wasm_store_new(engine);
    wasm_memorytype_t *shared = dunlin_memorytype_new_shared(1, 2), *large = dunlin_memorytype_new64(1, UINT64_MAX);
    CHECK(dunlin_memorytype_is_shared(shared) && !dunlin_memorytype_is_shared(large) && dunlin_memorytype_is64(large));
    CHECK(dunlin_memorytype_minimum(large) == 1 && dunlin_memorytype_maximum(large) == UINT64_MAX);
    wasm_memory_t *memory, *memory64;
    OK(dunlin_memory_new(store, shared, &memory));
    OK(dunlin_memory_new(store, large, &memory64));
    OK(dunlin_memory_write(memory, 10, "abc", 3));
    char bytes[3];
    OK(dunlin_memory_read(memory, 10, bytes, 3));
    CHECK(memcmp(bytes, "abc", 3) == 0 && wasm_memory_data(memory)[11] == 'b');
    wasm_memorytype_delete(shared);
    wasm_memorytype_delete(large);

    /* It may be imported in any store of the engine. */
    const char *text = "(module (import \"m\" \"m\" (memory 1 2 shared)) (import \"host\" \"again\" (func $again))"
                       "  (tag $t (export \"tag\") (param i32))"
                       "  (func (export \"load\") (result i32) (i32.load8_u (i32.const 12)))"
                       "  (func (export \"raise\") (throw $t (i32.const 5)))"
                       "  (func (export \"catch\") (result i32)"
                       "    (block $caught (result i32) (try_table (catch $t $caught) (call $again)) (i32.const 0))))";
    wasm_module_t *module;
    OK(dunlin_module_new(engine, text, strlen(text), &module));
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *again;
    OK(dunlin_func_new(other, type, call_again, NULL, NULL, &again));
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(memory), wasm_func_as_extern(again)};
    wasm_instance_t *instance;
    OK(dunlin_instance_new(other, module, imports, 2, &instance));
    wasm_func_t *load = func(instance, "load"), *raise = func(instance, "raise"), *catch = func(instance, "catch");
    wasm_val_t result[1];
    OK(dunlin_func_call(load, NULL, 0, result, 1));
    CHECK(result[0].of.i32 == 'c');
    FAILS(dunlin_func_call(raise, NULL, 0, NULL, 0), DUNLIN_ERROR_EXCEPTION, "");
    OK(dunlin_func_call(catch, NULL, 0, result, 1));
    CHECK(result[0].of.i32 == 5);
    wasm_extern_t *tag = dunlin_instance_get_export(instance, "tag");
    CHECK(wasm_extern_kind(tag) == DUNLIN_EXTERN_TAG && !wasm_extern_as_func(tag) && !wasm_extern_as_memory(tag));
    wasm_externtype_t *tag_type = wasm_extern_type(tag);
    CHECK(wasm_externtype_kind(tag_type) == DUNLIN_EXTERN_TAG && !wasm_externtype_as_functype(tag_type));
    wasm_externtype_delete(tag_type);
    wasm_extern_delete(tag);
    wasm_func_delete(load);
    wasm_func_delete(raise);
    wasm_func_delete(catch);
    wasm_func_delete(again);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_memory_delete(memory);
    wasm_memory_delete(memory64);
    wasm_store_delete(store);
    wasm_store_delete(other);
    wasm_engine_delete(engine);
}

/* Throws an exception with `env`'s tag, which carries the argument and a float. */
static wasm_trap_t *throw_it(void *env, dunlin_caller_t *caller, const wasm_val_t *args, size_t arg_count,
                             wasm_val_t *results, size_t result_count) {
    (void)caller, (void)results;
    CHECK(arg_count == 1 && result_count == 0);
    wasm_val_t fields[] = {args[0], WASM_F64_VAL(0.5)};
    wasm_ref_t *exception;
    OK(dunlin_exception_new(*(wasm_extern_t **)env, fields, 2, &exception));
    wasm_trap_t *thrown = dunlin_exception_throw(exception);
    wasm_ref_delete(exception);
    return thrown;
}

static void exceptions(void) {
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *carries = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new_f64());
    wasm_functype_t *returns = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_functype_t *takes = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_extern_t *tag;
    FAILS(dunlin_tag_new(store, returns, &tag), DUNLIN_ERROR_ARGUMENT, "no results");
    FAILS(dunlin_tag_new(NULL, carries, &tag), DUNLIN_ERROR_ARGUMENT, "");
    OK(dunlin_tag_new(store, carries, &tag));
    CHECK(wasm_extern_kind(tag) == DUNLIN_EXTERN_TAG);
    wasm_functype_t *type = dunlin_tag_type(tag);
    CHECK(wasm_functype_params(type)->size == 2 && wasm_functype_results(type)->size == 0);
    wasm_functype_delete(type);

    const char *text = "(module (import \"host\" \"failed\" (tag $t (param i32 f64)))"
                       "  (import \"host\" \"throw\" (func $throw (param i32)))"
                       "  (func (export \"catch\") (param i32) (result i32)"
                       "    (block $caught (result i32 f64)"
                       "      (try_table (catch $t $caught) (call $throw (local.get 0))) (return (i32.const 0)))"
                       "    (drop))"
                       "  (func (export \"raise\") (param i32) (throw $t (local.get 0) (f64.const 2.5))))";
    wasm_module_t *module;
    OK(dunlin_module_new(engine, text, strlen(text), &module));
    wasm_func_t *thrower;
    OK(dunlin_func_new(store, takes, throw_it, &tag, NULL, &thrower));
    wasm_extern_t *imports[] = {tag, wasm_func_as_extern(thrower)};
    wasm_instance_t *instance;
    OK(dunlin_instance_new(store, module, imports, 2, &instance));

    /* The guest catches what the host throws. */
    wasm_func_t *catch = func(instance, "catch"), *raise = func(instance, "raise");
    wasm_val_t arg[] = {WASM_I32_VAL(7)}, result[1];
    OK(dunlin_func_call(catch, arg, 1, result, 1));
    CHECK(result[0].of.i32 == 7);
    CHECK(!dunlin_store_take_exception(store));

    /* The host catches what the guest throws. */
    FAILS(dunlin_func_call(raise, arg, 1, NULL, 0), DUNLIN_ERROR_EXCEPTION, "");
    wasm_ref_t *exception = dunlin_store_take_exception(store);
    CHECK(exception && !dunlin_store_take_exception(store));
    wasm_extern_t *its = dunlin_exception_tag(exception);
    CHECK(wasm_extern_same(its, tag));
    wasm_val_vec_t fields;
    OK(dunlin_exception_fields(exception, &fields));
    CHECK(fields.size == 2 && fields.data[0].of.i32 == 7 && fields.data[1].of.f64 == 2.5);
    wasm_val_vec_delete(&fields);

    wasm_val_t wrong[] = {WASM_I32_VAL(1), WASM_I32_VAL(1)};
    wasm_ref_t *none, *func_ref = wasm_func_as_ref(raise);
    FAILS(dunlin_exception_new(tag, wrong, 2, &none), DUNLIN_ERROR_ARGUMENT, "f64");
    FAILS(dunlin_exception_new(tag, wrong, 1, &none), DUNLIN_ERROR_ARGUMENT, "2 values");
    FAILS(dunlin_exception_new(wasm_func_as_extern(raise), wrong, 2, &none), DUNLIN_ERROR_ARGUMENT, "no tag");
    FAILS(dunlin_exception_new(NULL, wrong, 2, &none), DUNLIN_ERROR_ARGUMENT, "");
    CHECK(!none && !dunlin_tag_type(wasm_func_as_extern(raise)) && !dunlin_exception_tag(func_ref));
    FAILS(dunlin_exception_fields(func_ref, &fields), DUNLIN_ERROR_ARGUMENT, "no exception");
    wasm_trap_t *refused = dunlin_exception_throw(NULL);
    FAILS(dunlin_trap_error(refused), DUNLIN_ERROR_ARGUMENT, "");
    wasm_trap_delete(refused);
    CHECK(!dunlin_store_take_exception(NULL) && !dunlin_store_take_exception(store));

    wasm_extern_delete(its);
    wasm_ref_delete(exception);
    wasm_func_delete(catch);
    wasm_func_delete(raise);
    wasm_func_delete(thrower);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_extern_delete(tag);
    wasm_functype_delete(carries);
    wasm_functype_delete(returns);
    wasm_functype_delete(takes);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    calls(argv[1]);
    fuel_and_resumption(argv[1]);
    interruption(argv[1]);
    budgets(argv[1]);
    wasi(argv[1]);
    text_and_errors();
    other_kinds();
    exceptions();
    /* A build without the tier says so. */
    if (argc == 2) {
        tier(argv[1]);
        tiers(argv[1]);
    }
    return 0;
}
