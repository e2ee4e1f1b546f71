/* What Dunlin has beyond wasm.h: errors with messages and codes, memory budgets, modules that arrive in pieces, fuel, interruptions,
 * deadlines, calls that stop and go on, WASI, the compiled tier, and calls without boxed values. It works on wasm.h's objects, whose
 * rules of ownership, threads and null hold here too.
 *
 * A function that can fail gives null, or an error that the caller owns. Then what it would leave at `out` is null. Texts
 * that are passed as `const char *` end with a zero byte and are UTF-8.
 *
 * In a build without a part (WASI, the tier, the text format), its functions are there, and fail with a sentence about it. */

#ifndef DUNLIN_H
#define DUNLIN_H

#include "wasm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define own

/* The version of this header. */
#define DUNLIN_VERSION "0.1.0"

/* Kinds that wasm.h doesn't have. A v128 doesn't fit in a wasm_val_t: see dunlin_numeric_func_t. */
enum dunlin_valkind_enum { DUNLIN_V128 = 4, DUNLIN_EXNREF = 130 };
enum dunlin_externkind_enum { DUNLIN_EXTERN_TAG = 4 };

/* ---- Errors ---- */

typedef struct dunlin_error_t dunlin_error_t;

/* New codes may come in later versions. */
typedef int32_t dunlin_error_code_t;
enum dunlin_error_code_enum {
    DUNLIN_ERROR_OTHER,
    DUNLIN_ERROR_TRAP,          /* the guest trapped: dunlin_error_trap_code says how */
    DUNLIN_ERROR_EXCEPTION,     /* the guest threw an exception that nobody caught */
    DUNLIN_ERROR_INVALID,       /* no valid module, or one that uses a feature that is off */
    DUNLIN_ERROR_LIMIT,         /* a valid module that exceeds a limit */
    DUNLIN_ERROR_OUT_OF_BUDGET, /* the memory budget has no room */
    DUNLIN_ERROR_OUT_OF_MEMORY, /* the machine has no room, though the budget had */
    DUNLIN_ERROR_LINK,          /* imports are missing, or have other types */
    DUNLIN_ERROR_HOST,          /* a host function failed */
    DUNLIN_ERROR_IO,            /* the system refused something */
    DUNLIN_ERROR_EXIT,          /* the guest ended by WASI's proc_exit: dunlin_error_exit_status has the status */
    DUNLIN_ERROR_ARGUMENT,      /* the call is wrong: null, another store, another type or count */
    DUNLIN_ERROR_MISTAKE        /* Dunlin has a bug; please report it */
};

typedef int32_t dunlin_trap_code_t;
enum dunlin_trap_code_enum {
    DUNLIN_TRAP_STACK_OVERFLOW,
    DUNLIN_TRAP_MEMORY_OUT_OF_BOUNDS,
    DUNLIN_TRAP_TABLE_OUT_OF_BOUNDS,
    DUNLIN_TRAP_UNDEFINED_ELEMENT,
    DUNLIN_TRAP_INDIRECT_CALL_TO_NULL,
    DUNLIN_TRAP_BAD_SIGNATURE,
    DUNLIN_TRAP_INTEGER_OVERFLOW,
    DUNLIN_TRAP_INTEGER_DIVISION_BY_ZERO,
    DUNLIN_TRAP_BAD_CONVERSION_TO_INTEGER,
    DUNLIN_TRAP_UNREACHABLE_CODE_REACHED,
    DUNLIN_TRAP_INTERRUPT,
    DUNLIN_TRAP_OUT_OF_FUEL,
    DUNLIN_TRAP_OUT_OF_BUDGET,
    DUNLIN_TRAP_HEAP_MISALIGNED,
    DUNLIN_TRAP_ATOMIC_WAIT_NON_SHARED_MEMORY,
    DUNLIN_TRAP_NULL_EXCEPTION_REFERENCE,
    DUNLIN_TRAP_MODULE_CHANGED,
    DUNLIN_TRAP_NULL_REFERENCE
};

/* An error of the host's (DUNLIN_ERROR_HOST), and one as if the guest had trapped. */
WASM_API_EXTERN own dunlin_error_t *dunlin_error_new(const char *message);
WASM_API_EXTERN own dunlin_error_t *dunlin_error_new_trap(dunlin_trap_code_t);
WASM_API_EXTERN void dunlin_error_delete(own dunlin_error_t *);

/* One sentence, without a zero byte. */
WASM_API_EXTERN void dunlin_error_message(const dunlin_error_t *, own wasm_name_t *out);
WASM_API_EXTERN dunlin_error_code_t dunlin_error_code(const dunlin_error_t *);
WASM_API_EXTERN bool dunlin_error_is_trap(const dunlin_error_t *);

/* These say whether there is such a thing, and leave it at `out` if so. The code of a trap that this header has no name for is -1.
 * The offset is where in a module's bytes an error is. */
WASM_API_EXTERN bool dunlin_error_trap_code(const dunlin_error_t *, dunlin_trap_code_t *out);
WASM_API_EXTERN bool dunlin_error_exit_status(const dunlin_error_t *, int32_t *out);
WASM_API_EXTERN bool dunlin_error_offset(const dunlin_error_t *, uint64_t *out);

/* The guest's functions that were executing, innermost first. */
WASM_API_EXTERN void dunlin_error_trace(const dunlin_error_t *, own wasm_frame_vec_t *out);

/* Names in a frame's module: `*len` bytes without a zero at their end, as long as the frame lives; null if there is none. */
WASM_API_EXTERN const char *dunlin_frame_func_name(const wasm_frame_t *, size_t *len);
WASM_API_EXTERN const char *dunlin_frame_module_name(const wasm_frame_t *, size_t *len);

/* Traps of wasm.h are errors, too. A callback fails by returning a trap made of any error. */
WASM_API_EXTERN own dunlin_error_t *dunlin_trap_error(const wasm_trap_t *);
WASM_API_EXTERN own wasm_trap_t *dunlin_error_into_trap(own dunlin_error_t *);

/* ---- Budgets ---- */

/* A bound on memory in bytes. An engine's pays for its modules and, unless they have one of their own, its stores. A sub-budget is
 * a part of another one: what it pays for, both do. Handles share the budget; it lives as long as anything that it pays for. Any
 * thread may use it. */
typedef struct dunlin_budget_t dunlin_budget_t;

WASM_API_EXTERN own dunlin_budget_t *dunlin_budget_new(uint64_t limit);
WASM_API_EXTERN own dunlin_budget_t *dunlin_budget_new_sub(const dunlin_budget_t *parent, uint64_t limit);
WASM_API_EXTERN own dunlin_budget_t *dunlin_budget_copy(const dunlin_budget_t *);
WASM_API_EXTERN void dunlin_budget_delete(own dunlin_budget_t *);

/* UINT64_MAX if there is no limit. */
WASM_API_EXTERN uint64_t dunlin_budget_limit(const dunlin_budget_t *);
WASM_API_EXTERN uint64_t dunlin_budget_available(const dunlin_budget_t *);
WASM_API_EXTERN uint64_t dunlin_budget_used(const dunlin_budget_t *);
WASM_API_EXTERN uint64_t dunlin_budget_peak(const dunlin_budget_t *);

/* Has the budget pay for memory that the host holds for a guest, until the charge is deleted. */
typedef struct dunlin_charge_t dunlin_charge_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_budget_charge(const dunlin_budget_t *, uint64_t bytes,
                                                         own dunlin_charge_t **out);
WASM_API_EXTERN void dunlin_charge_delete(own dunlin_charge_t *);

/* ---- Configuration and engine ---- */

WASM_API_EXTERN void dunlin_config_budget_set(wasm_config_t *, const dunlin_budget_t *);
/* Off by default: see dunlin_store_set_fuel. */
WASM_API_EXTERN void dunlin_config_consume_fuel_set(wasm_config_t *, bool);
/* How deep guests may recurse, in bytes of stack: 1 MiB by default, at least 4 KiB, at most 1 GiB. */
WASM_API_EXTERN void dunlin_config_max_wasm_stack_set(wasm_config_t *, size_t bytes);
/* The most that one memory may have, in bytes. */
WASM_API_EXTERN void dunlin_config_max_memory_size_set(wasm_config_t *, uint64_t bytes);
/* Off by default: all NaNs that result are the same one. */
WASM_API_EXTERN void dunlin_config_canonical_nans_set(wasm_config_t *, bool);
/* On by default: results of relaxed vector instructions don't depend on the machine. */
WASM_API_EXTERN void dunlin_config_relaxed_simd_deterministic_set(wasm_config_t *, bool);
/* Off by default: memories that several stores share. */
WASM_API_EXTERN void dunlin_config_shared_memory_set(wasm_config_t *, bool);
/* Off by default: resumable calls execute compiled code. */
WASM_API_EXTERN void dunlin_config_suspend_compiled_set(wasm_config_t *, bool);
/* Off by default: tighter limits on what a module may consist of, for modules from anywhere. */
WASM_API_EXTERN void dunlin_config_strict_limits_set(wasm_config_t *, bool);
/* On by default: wasm_module_new keeps the bytes for wasm_module_serialize. Modules of this header never do. */
WASM_API_EXTERN void dunlin_config_keep_binary_set(wasm_config_t *, bool);
/* Switches a part of WebAssembly by its proposal's name: "simd", "threads", "memory64", "tail-calls", "exceptions", ... */
WASM_API_EXTERN own dunlin_error_t *dunlin_config_wasm_feature_set(wasm_config_t *, const char *name, bool);

/* When functions are compiled to machine code. */
typedef int32_t dunlin_tier_t;
enum dunlin_tier_enum {
    DUNLIN_TIER_NONE,       /* never: the default */
    DUNLIN_TIER_BACKGROUND, /* when they are hot, on another thread */
    DUNLIN_TIER_SYNC,       /* when they are hot, while the guest waits */
    DUNLIN_TIER_EAGER,      /* all, before the first instruction */
    DUNLIN_TIER_PRECOMPILED /* never, but precompiled files are executed as machine code */
};
WASM_API_EXTERN own dunlin_error_t *dunlin_config_tier_set(wasm_config_t *, dunlin_tier_t);

/* The configuration may be null. It is the engine's also if this fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_engine_new(own wasm_config_t *, own wasm_engine_t **out);
WASM_API_EXTERN own wasm_engine_t *dunlin_engine_copy(const wasm_engine_t *);
WASM_API_EXTERN own dunlin_budget_t *dunlin_engine_budget(const wasm_engine_t *);

/* ---- Modules ---- */

/* From bytes in the binary format, or the text format. */
WASM_API_EXTERN own dunlin_error_t *dunlin_module_new(wasm_engine_t *, const char *bytes, size_t len,
                                                      own wasm_module_t **out);
WASM_API_EXTERN own dunlin_error_t *dunlin_module_validate(wasm_engine_t *, const char *bytes, size_t len);
/* From a file, of which no more than a part is in memory at a time. With `bodies_on_disk`, functions are read again when they are
 * first called; the file must not change. */
WASM_API_EXTERN own dunlin_error_t *dunlin_module_from_file(wasm_engine_t *, const char *path, bool bodies_on_disk,
                                                            own wasm_module_t **out);
/* The binary format of a text; empty if it fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_wat2wasm(const char *text, size_t len, own wasm_byte_vec_t *out);
/* Translates all functions now, rather than each when it is first called. */
WASM_API_EXTERN own dunlin_error_t *dunlin_module_translate(const wasm_module_t *);

/* In bytes: with what budget the module loads and starts; the instance's part of that; and what one instance may come to
 * (UINT64_MAX if nothing bounds that). */
typedef struct dunlin_plan_t {
    uint64_t least;
    uint64_t instance;
    uint64_t most;
} dunlin_plan_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_module_plan(const wasm_module_t *, dunlin_plan_t *out);

/* A module that arrives in pieces of any size, validated as it does. An error of `push` is final. `finish` frees the stream, also if
 * it fails. */
typedef struct dunlin_module_stream_t dunlin_module_stream_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_module_stream_new(wasm_engine_t *, own dunlin_module_stream_t **out);
WASM_API_EXTERN own dunlin_error_t *dunlin_module_stream_push(dunlin_module_stream_t *, const char *bytes, size_t len);
WASM_API_EXTERN own dunlin_error_t *dunlin_module_stream_finish(own dunlin_module_stream_t *, own wasm_module_t **out);
WASM_API_EXTERN void dunlin_module_stream_delete(own dunlin_module_stream_t *);

/* A file with the module and machine code, for this machine (null) or a target such as "aarch64-linux". Loading it trusts whoever
 * made it; the engine needs a tier, and the configuration that it was made with. */
WASM_API_EXTERN own dunlin_error_t *dunlin_module_precompile(wasm_engine_t *, const char *bytes, size_t len,
                                                             const char *target, own wasm_byte_vec_t *out);
WASM_API_EXTERN own dunlin_error_t *dunlin_module_new_precompiled(wasm_engine_t *, const char *bytes, size_t len,
                                                                  own wasm_module_t **out);

/* ---- Stores ---- */

/* The budget may be null: the engine's. `data` is found by callbacks, and finalised with the store, or at once if this fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_store_new(wasm_engine_t *, const dunlin_budget_t *, void *data,
                                                     void (*finalizer)(void *), own wasm_store_t **out);
WASM_API_EXTERN void *dunlin_store_data(const wasm_store_t *);
WASM_API_EXTERN own dunlin_budget_t *dunlin_store_budget(const wasm_store_t *);

/* How much guests may execute, about an instruction a unit, before they trap with DUNLIN_TRAP_OUT_OF_FUEL. A new store has none. It is
 * an error if the engine doesn't count fuel. */
WASM_API_EXTERN own dunlin_error_t *dunlin_store_set_fuel(wasm_store_t *, uint64_t fuel);
WASM_API_EXTERN own dunlin_error_t *dunlin_store_get_fuel(const wasm_store_t *, uint64_t *out);

/* Makes the guest trap with DUNLIN_TRAP_INTERRUPT, from any thread: what the store executes, or what it executes next. A handle doesn't
 * keep the store. */
typedef struct dunlin_interrupt_handle_t dunlin_interrupt_handle_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_interrupt_handle_new(wasm_store_t *, own dunlin_interrupt_handle_t **out);
WASM_API_EXTERN void dunlin_interrupt_handle_interrupt(const dunlin_interrupt_handle_t *);
WASM_API_EXTERN void dunlin_interrupt_handle_delete(own dunlin_interrupt_handle_t *);

/* Interrupts the store after so many milliseconds, in place of its deadline before. A thread waits while there are deadlines. One
 * that passes while nothing executes interrupts what executes next, so clear it when a call is over. */
WASM_API_EXTERN own dunlin_error_t *dunlin_store_set_deadline(wasm_store_t *, uint64_t milliseconds);
WASM_API_EXTERN void dunlin_store_clear_deadline(wasm_store_t *);

/* ---- Functions ---- */

/* The store that a callback is called in, and the instance that called it, until the callback returns. */
typedef struct dunlin_caller_t dunlin_caller_t;
WASM_API_EXTERN wasm_store_t *dunlin_caller_store(dunlin_caller_t *);
WASM_API_EXTERN void *dunlin_caller_data(dunlin_caller_t *);
/* Null if the embedder called the function. */
WASM_API_EXTERN own wasm_instance_t *dunlin_caller_instance(dunlin_caller_t *);
WASM_API_EXTERN own wasm_extern_t *dunlin_caller_get_export(dunlin_caller_t *, const char *name);

typedef own wasm_trap_t *(*dunlin_func_callback_t)(void *env, dunlin_caller_t *, const wasm_val_t *args, size_t arg_count,
                                                   wasm_val_t *results, size_t result_count);

/* `env` is finalised with the store, or at once if this fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_func_new(wasm_store_t *, const wasm_functype_t *, dunlin_func_callback_t,
                                                    void *env, void (*finalizer)(void *), own wasm_func_t **out);

/* Sets the results only if there is no error. */
WASM_API_EXTERN own dunlin_error_t *dunlin_func_call(const wasm_func_t *, const wasm_val_t *args, size_t arg_count,
                                                     wasm_val_t *results, size_t result_count);

/* A number, or half a vector (the lower one first). An i32 or f32 leaves the upper half of `bits` alone. */
typedef union dunlin_slot_t {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    uint64_t bits;
} dunlin_slot_t;

/* A function of numbers and vectors, at most 64 slots of them, whose type was looked at once. A call finds its arguments in the slots and
 * leaves its results there. There must be room for the larger of both. */
typedef struct dunlin_numeric_func_t dunlin_numeric_func_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_numeric_func_new(const wasm_func_t *, own dunlin_numeric_func_t **out);
WASM_API_EXTERN void dunlin_numeric_func_delete(own dunlin_numeric_func_t *);
WASM_API_EXTERN size_t dunlin_numeric_func_slots(const dunlin_numeric_func_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_numeric_func_call(const dunlin_numeric_func_t *, dunlin_slot_t *slots,
                                                             size_t count);

/* A callback that finds its arguments in slots and leaves its results there. */
typedef own wasm_trap_t *(*dunlin_numeric_callback_t)(void *env, dunlin_caller_t *, dunlin_slot_t *slots);
WASM_API_EXTERN own dunlin_error_t *dunlin_func_new_numeric(wasm_store_t *, const wasm_functype_t *,
                                                            dunlin_numeric_callback_t, void *env,
                                                            void (*finalizer)(void *), own wasm_func_t **out);

/* A call that stopped for want of fuel, by an interruption, or because a host function failed, and that can go on. It keeps its
 * stack, and its store. */
typedef struct dunlin_suspended_t dunlin_suspended_t;

/* `*out` is null if the call ended; then its results are set. */
WASM_API_EXTERN own dunlin_error_t *dunlin_func_call_resumable(const wasm_func_t *, const wasm_val_t *args,
                                                               size_t arg_count, wasm_val_t *results,
                                                               size_t result_count, own dunlin_suspended_t **out);
/* Goes on. If a host function failed, `host_results` are what it should have returned; otherwise there are none. */
WASM_API_EXTERN own dunlin_error_t *dunlin_suspended_resume(own dunlin_suspended_t *, const wasm_val_t *host_results,
                                                            size_t host_result_count, wasm_val_t *results,
                                                            size_t result_count, own dunlin_suspended_t **out);
/* Why it stopped, and the host function that failed, if that is why. */
WASM_API_EXTERN bool dunlin_suspended_trap_code(const dunlin_suspended_t *, dunlin_trap_code_t *out);
WASM_API_EXTERN void dunlin_suspended_message(const dunlin_suspended_t *, own wasm_name_t *out);
WASM_API_EXTERN own wasm_func_t *dunlin_suspended_host_func(const dunlin_suspended_t *);
WASM_API_EXTERN void dunlin_suspended_delete(own dunlin_suspended_t *);

/* ---- Globals, tables, memories, with errors and 64-bit sizes ---- */

WASM_API_EXTERN own dunlin_error_t *dunlin_global_new(wasm_store_t *, const wasm_globaltype_t *, const wasm_val_t *,
                                                      own wasm_global_t **out);
WASM_API_EXTERN own dunlin_error_t *dunlin_global_set(wasm_global_t *, const wasm_val_t *);

/* `former_size` may be null. */
WASM_API_EXTERN own dunlin_error_t *dunlin_table_set(wasm_table_t *, uint64_t index, wasm_ref_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_table_grow(wasm_table_t *, uint64_t delta, wasm_ref_t *init,
                                                      uint64_t *former_size);

/* A maximum of UINT64_MAX is none. A shared memory needs dunlin_config_shared_memory_set; it belongs to all stores of the engine. */
WASM_API_EXTERN own wasm_memorytype_t *dunlin_memorytype_new64(uint64_t min, uint64_t max);
WASM_API_EXTERN own wasm_memorytype_t *dunlin_memorytype_new_shared(uint32_t min, uint32_t max);
WASM_API_EXTERN bool dunlin_memorytype_is64(const wasm_memorytype_t *);
WASM_API_EXTERN bool dunlin_memorytype_is_shared(const wasm_memorytype_t *);
WASM_API_EXTERN uint64_t dunlin_memorytype_minimum(const wasm_memorytype_t *);
WASM_API_EXTERN uint64_t dunlin_memorytype_maximum(const wasm_memorytype_t *);

WASM_API_EXTERN own dunlin_error_t *dunlin_memory_new(wasm_store_t *, const wasm_memorytype_t *, own wasm_memory_t **out);
WASM_API_EXTERN own dunlin_error_t *dunlin_memory_grow(wasm_memory_t *, uint64_t delta, uint64_t *former_size);
/* If some of the bytes are beyond the end, none is copied. */
WASM_API_EXTERN own dunlin_error_t *dunlin_memory_read(const wasm_memory_t *, uint64_t offset, char *into, size_t len);
WASM_API_EXTERN own dunlin_error_t *dunlin_memory_write(wasm_memory_t *, uint64_t offset, const char *from, size_t len);

/* ---- Tags and exceptions ---- */

/* A tag is a wasm_extern_t whose kind is DUNLIN_EXTERN_TAG; an exception is a wasm_ref_t, and values of the kind DUNLIN_EXNREF refer to
 * one. The type's parameters are what exceptions with the tag carry; it has no results. */
WASM_API_EXTERN own dunlin_error_t *dunlin_tag_new(wasm_store_t *, const wasm_functype_t *, own wasm_extern_t **out);
/* Null if it is no tag. */
WASM_API_EXTERN own wasm_functype_t *dunlin_tag_type(const wasm_extern_t *tag);
WASM_API_EXTERN own dunlin_error_t *dunlin_exception_new(const wasm_extern_t *tag, const wasm_val_t *fields, size_t count,
                                                         own wasm_ref_t **out);
/* Null if it is no exception. */
WASM_API_EXTERN own wasm_extern_t *dunlin_exception_tag(const wasm_ref_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_exception_fields(const wasm_ref_t *, own wasm_val_vec_t *out);
/* Throws an exception in the guest that called: `return dunlin_exception_throw(exception);` in a callback. */
WASM_API_EXTERN own wasm_trap_t *dunlin_exception_throw(const wasm_ref_t *);
/* The exception that a call failed with, as its error's code says: DUNLIN_ERROR_EXCEPTION. Null if there is none, or it was taken. */
WASM_API_EXTERN own wasm_ref_t *dunlin_store_take_exception(wasm_store_t *);

/* ---- Instances and linkers ---- */

WASM_API_EXTERN own dunlin_error_t *dunlin_instance_new(wasm_store_t *, const wasm_module_t *,
                                                        wasm_extern_t *const imports[], size_t import_count,
                                                        own wasm_instance_t **out);
/* Null if nothing is exported by this name. */
WASM_API_EXTERN own wasm_extern_t *dunlin_instance_get_export(const wasm_instance_t *, const char *name);

/* Finds imports by their names. Functions that are defined here belong to no store; with anything else, the linker is for that store, and
 * keeps it. */
typedef struct dunlin_linker_t dunlin_linker_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_new(wasm_engine_t *, own dunlin_linker_t **out);
WASM_API_EXTERN void dunlin_linker_delete(own dunlin_linker_t *);
/* Off by default: a definition may replace another one. */
WASM_API_EXTERN void dunlin_linker_allow_shadowing(dunlin_linker_t *, bool);
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define(dunlin_linker_t *, wasm_store_t *, const char *module,
                                                         const char *name, const wasm_extern_t *);
/* `env` is finalised when neither the linker nor a store needs it, or at once if this fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define_func(dunlin_linker_t *, const char *module, const char *name,
                                                              const wasm_functype_t *, dunlin_func_callback_t, void *env,
                                                              void (*finalizer)(void *));
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define_numeric_func(dunlin_linker_t *, const char *module,
                                                                      const char *name, const wasm_functype_t *,
                                                                      dunlin_numeric_callback_t, void *env,
                                                                      void (*finalizer)(void *));
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define_instance(dunlin_linker_t *, const char *module,
                                                                  const wasm_instance_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_alias(dunlin_linker_t *, const char *module, const char *name,
                                                        const char *as_module, const char *as_name);
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define_unknown_imports_as_traps(dunlin_linker_t *,
                                                                                  const wasm_module_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_define_wasi(dunlin_linker_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_instantiate(const dunlin_linker_t *, wasm_store_t *,
                                                              const wasm_module_t *, own wasm_instance_t **out);

/* A module whose imports were found once, to be instantiated often. */
typedef struct dunlin_instance_pre_t dunlin_instance_pre_t;
WASM_API_EXTERN own dunlin_error_t *dunlin_linker_instantiate_pre(const dunlin_linker_t *, const wasm_module_t *,
                                                                  own dunlin_instance_pre_t **out);
WASM_API_EXTERN own dunlin_error_t *dunlin_instance_pre_instantiate(const dunlin_instance_pre_t *, wasm_store_t *,
                                                                    own wasm_instance_t **out);
WASM_API_EXTERN void dunlin_instance_pre_delete(own dunlin_instance_pre_t *);

/* ---- WASI preview 1 ---- */

/* What the guest of a store is given: nothing but this. */
typedef struct dunlin_wasi_config_t dunlin_wasi_config_t;

/* Streams of the host's, as functions that say how many bytes they took or gave: less than zero is an error, and 0 the end of input. They
 * must not use the store. `env` is finalised with the store. */
typedef ptrdiff_t (*dunlin_write_callback_t)(void *env, const char *bytes, size_t len);
typedef ptrdiff_t (*dunlin_read_callback_t)(void *env, char *into, size_t len);

/* Null if there is no memory, or no WASI in this build. */
WASM_API_EXTERN own dunlin_wasi_config_t *dunlin_wasi_config_new(void);
WASM_API_EXTERN void dunlin_wasi_config_delete(own dunlin_wasi_config_t *);
/* The first argument is the program's name. */
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_arg(dunlin_wasi_config_t *, const char *arg);
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_env(dunlin_wasi_config_t *, const char *name, const char *value);
WASM_API_EXTERN void dunlin_wasi_config_inherit_env(dunlin_wasi_config_t *);
WASM_API_EXTERN void dunlin_wasi_config_inherit_stdio(dunlin_wasi_config_t *);
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_stdin_bytes(dunlin_wasi_config_t *, const char *bytes, size_t len);
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_stdin(dunlin_wasi_config_t *, dunlin_read_callback_t, void *env,
                                                             void (*finalizer)(void *));
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_stdout(dunlin_wasi_config_t *, dunlin_write_callback_t, void *env,
                                                              void (*finalizer)(void *));
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_stderr(dunlin_wasi_config_t *, dunlin_write_callback_t, void *env,
                                                              void (*finalizer)(void *));
/* A directory of the host's, under the guest's name for it. */
WASM_API_EXTERN own dunlin_error_t *dunlin_wasi_config_preopen_dir(dunlin_wasi_config_t *, const char *host_path,
                                                                   const char *guest_path, bool writable);
/* Time and chance are the same in every run with this seed. */
WASM_API_EXTERN void dunlin_wasi_config_deterministic(dunlin_wasi_config_t *, uint64_t seed);
/* The configuration is the store's also if this fails. */
WASM_API_EXTERN own dunlin_error_t *dunlin_store_set_wasi(wasm_store_t *, own dunlin_wasi_config_t *);

#undef own

#ifdef __cplusplus
}
#endif

#endif
