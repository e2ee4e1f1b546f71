/* What an application of WAMR's does, with the call that it had there above each. */
#include <dunlin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(dunlin_error_t *error) { /* error_buf; wasm_runtime_get_exception */
    if (error) {
        wasm_name_t message;
        dunlin_error_message(error, &message);
        fprintf(stderr, "error: %.*s\n", (int)message.size, message.data);
        exit(1);
    }
}

/* A native function with the signature "(*~)": a pointer and a length, whose range WAMR checks. Here dunlin_memory_read does. */
static wasm_trap_t *say(void *env, dunlin_caller_t *caller, const wasm_val_t *args, size_t arg_count, wasm_val_t *results,
                        size_t result_count) {
    (void)env, (void)arg_count, (void)results, (void)result_count; /* wasm_runtime_get_function_attachment: env */
    char text[64];
    size_t len = (uint32_t)args[1].of.i32;
    wasm_extern_t *memory = dunlin_caller_get_export(caller, "memory");
    dunlin_error_t *error = len <= sizeof text ? NULL : dunlin_error_new("the text is too long");
    if (!error) /* wasm_runtime_validate_app_addr, wasm_runtime_addr_app_to_native */
        error = dunlin_memory_read(wasm_extern_as_memory(memory), (uint32_t)args[0].of.i32, text, len);
    wasm_extern_delete(memory);
    if (error) /* wasm_runtime_set_exception */
        return dunlin_error_into_trap(error);
    printf("the guest said: %.*s\n", (int)len, text);
    return NULL;
}

int main(void) {
    const char *text = "(module (import \"env\" \"say\" (func $say (param i32 i32))) (memory (export \"memory\") 1)"
                       "  (data (i32.const 8) \"hello, native\")"
                       "  (func (export \"sum\") (param i32 i32) (result i32)"
                       "    (call $say (i32.const 8) (i32.const 13)) (i32.add (local.get 0) (local.get 1))))";
    /* wasm_runtime_full_init with Alloc_With_Pool: a budget bounds the memory, and the system's allocator gives it */
    dunlin_budget_t *budget = dunlin_budget_new(512 * 1024);
    wasm_config_t *config = wasm_config_new();
    dunlin_config_budget_set(config, budget);
    dunlin_budget_delete(budget);
    wasm_engine_t *engine;
    check(dunlin_engine_new(config, &engine));
    /* wasm_runtime_register_natives */
    dunlin_linker_t *linker;
    check(dunlin_linker_new(engine, &linker));
    wasm_functype_t *type = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    check(dunlin_linker_define_func(linker, "env", "say", type, say, NULL, NULL));
    wasm_functype_delete(type);
    /* wasm_runtime_load: the buffer need not stay, and isn't written to */
    wasm_module_t *module;
    check(dunlin_module_new(engine, text, strlen(text), &module));
    /* wasm_runtime_instantiate, wasm_runtime_create_exec_env: the stack grows as it is needed */
    wasm_store_t *store;
    check(dunlin_store_new(engine, NULL, NULL, NULL, &store)); /* wasm_runtime_set_custom_data: the third argument */
    wasm_instance_t *instance;
    check(dunlin_linker_instantiate(linker, store, module, &instance));
    /* wasm_runtime_lookup_function */
    wasm_extern_t *sum = dunlin_instance_get_export(instance, "sum");
    /* wasm_runtime_call_wasm_a */
    wasm_val_t args[2] = {WASM_I32_VAL(40), WASM_I32_VAL(2)}, results[1];
    check(dunlin_func_call(wasm_extern_as_func(sum), args, 2, results, 1));
    printf("sum = %d\n", results[0].of.i32);

    wasm_extern_delete(sum);
    wasm_instance_delete(instance); /* wasm_runtime_deinstantiate: memory is freed with the store */
    wasm_store_delete(store);       /* wasm_runtime_destroy_exec_env */
    wasm_module_delete(module);     /* wasm_runtime_unload */
    dunlin_linker_delete(linker);
    wasm_engine_delete(engine); /* wasm_runtime_destroy */
    return 0;
}
