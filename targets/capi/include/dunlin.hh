// Dunlin for C++17: owners of what dunlin.h gives, errors as exceptions, and typed calls. All that isn't here is done with the C
// functions on what `get()` gives. Callbacks that C++ code gives to C functions must not throw; those given to `Linker::func` may.

#ifndef DUNLIN_HH
#define DUNLIN_HH

#include "dunlin.h"

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace dunlin {

/// What a call failed with.
class Error : public std::runtime_error {
public:
    explicit Error(dunlin_error_t *error) : std::runtime_error(text(error)), code_(dunlin_error_code(error)) {
        is_trap_ = dunlin_error_trap_code(error, &trap_);
        dunlin_error_delete(error);
    }

    /// One of `dunlin_error_code_enum`.
    dunlin_error_code_t code() const noexcept { return code_; }

    /// Whether the guest trapped, and how: one of `dunlin_trap_code_enum`.
    bool is_trap() const noexcept { return is_trap_; }
    dunlin_trap_code_t trap() const noexcept { return trap_; }

private:
    static std::string text(const dunlin_error_t *error) {
        wasm_name_t message;
        dunlin_error_message(error, &message);
        std::string copy(message.data, message.size);
        wasm_name_delete(&message);
        return copy;
    }

    dunlin_error_code_t code_;
    bool is_trap_ = false;
    dunlin_trap_code_t trap_ = -1;
};

/// Throws an error, if there is one.
inline void check(dunlin_error_t *error) {
    if (error)
        throw Error(error);
}

/// An owner of one of C's objects.
template <typename T, void (*Delete)(T *)>
class Owned {
public:
    explicit Owned(T *object) noexcept : object_(object) {}

    T *get() const noexcept { return object_.get(); }
    T *release() noexcept { return object_.release(); }

protected:
    /// What a function leaves at the pointer that it is given.
    template <typename Make>
    static T *made(Make make) {
        T *object = nullptr;
        check(make(&object));
        return object;
    }

private:
    struct Deleter {
        void operator()(T *object) const noexcept { Delete(object); }
    };
    std::unique_ptr<T, Deleter> object_;
};

using Budget = Owned<dunlin_budget_t, dunlin_budget_delete>;
using Config = Owned<wasm_config_t, wasm_config_delete>;
using Extern = Owned<wasm_extern_t, wasm_extern_delete>;
using InterruptHandle = Owned<dunlin_interrupt_handle_t, dunlin_interrupt_handle_delete>;

class Engine : public Owned<wasm_engine_t, wasm_engine_delete> {
public:
    Engine() : Engine(Config(nullptr)) {}
    explicit Engine(Config config)
        : Owned(made([&](auto out) { return dunlin_engine_new(config.release(), out); })) {}
};

class Module : public Owned<wasm_module_t, wasm_module_delete> {
public:
    Module(const Engine &engine, std::string_view bytes)
        : Owned(made([&](auto out) { return dunlin_module_new(engine.get(), bytes.data(), bytes.size(), out); })) {}

    static Module from_file(const Engine &engine, const std::string &path) {
        return Module(made([&](auto out) { return dunlin_module_from_file(engine.get(), path.c_str(), false, out); }));
    }

private:
    explicit Module(wasm_module_t *module) : Owned(module) {}
};

class Store : public Owned<wasm_store_t, wasm_store_delete> {
public:
    explicit Store(const Engine &engine, const Budget *budget = nullptr)
        : Owned(made([&](auto out) {
              return dunlin_store_new(engine.get(), budget ? budget->get() : nullptr, nullptr, nullptr, out);
          })) {}

    void set_fuel(uint64_t fuel) { check(dunlin_store_set_fuel(get(), fuel)); }
    uint64_t fuel() const {
        uint64_t left = 0;
        check(dunlin_store_get_fuel(get(), &left));
        return left;
    }
};

namespace detail {

template <typename T>
struct Number;
#define DUNLIN_NUMBER(type, wasm_kind, field)                                                                         \
    template <>                                                                                                       \
    struct Number<type> {                                                                                             \
        static constexpr wasm_valkind_t kind = wasm_kind;                                                             \
        static type load(const dunlin_slot_t &slot) { return static_cast<type>(slot.field); }                         \
        static void store(dunlin_slot_t &slot, type value) { slot.field = value; }                                    \
    };
DUNLIN_NUMBER(int32_t, WASM_I32, i32)
DUNLIN_NUMBER(int64_t, WASM_I64, i64)
DUNLIN_NUMBER(float, WASM_F32, f32)
DUNLIN_NUMBER(double, WASM_F64, f64)
#undef DUNLIN_NUMBER

template <typename R, typename... P>
wasm_functype_t *functype() {
    wasm_valtype_t *types[] = {wasm_valtype_new(Number<P>::kind)..., nullptr};
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new(&params, sizeof...(P), types);
    if constexpr (std::is_void_v<R>) {
        wasm_valtype_vec_new_empty(&results);
    } else {
        wasm_valtype_t *result = wasm_valtype_new(Number<R>::kind);
        wasm_valtype_vec_new(&results, 1, &result);
    }
    return wasm_functype_new(&params, &results);
}

} // namespace detail

/// A guest's function of this type: numbers, and one result or none.
template <typename Signature>
class Func;

template <typename R, typename... P>
class Func<R(P...)> : public Owned<dunlin_numeric_func_t, dunlin_numeric_func_delete> {
public:
    explicit Func(const wasm_func_t *func)
        : Owned(made([&](auto out) { return dunlin_numeric_func_new(func, out); })) {
        if (!has_type(func))
            throw std::invalid_argument("a function has another type");
    }

    R operator()(P... params) const {
        dunlin_slot_t slots[sizeof...(P) + 1];
        size_t at = 0;
        (detail::Number<P>::store(slots[at++], params), ...);
        check(dunlin_numeric_func_call(get(), slots, sizeof...(P) + 1));
        if constexpr (!std::is_void_v<R>)
            return detail::Number<R>::load(slots[0]);
    }

private:
    static bool has_type(const wasm_func_t *func) {
        auto owner = [](wasm_functype_t *type) {
            return std::unique_ptr<wasm_functype_t, void (*)(wasm_functype_t *)>(type, wasm_functype_delete);
        };
        auto found = owner(wasm_func_type(func)), wanted = owner(detail::functype<R, P...>());
        return same(wasm_functype_params(found.get()), wasm_functype_params(wanted.get())) &&
               same(wasm_functype_results(found.get()), wasm_functype_results(wanted.get()));
    }

    static bool same(const wasm_valtype_vec_t *a, const wasm_valtype_vec_t *b) {
        if (a->size != b->size)
            return false;
        for (size_t i = 0; i < a->size; i++)
            if (wasm_valtype_kind(a->data[i]) != wasm_valtype_kind(b->data[i]))
                return false;
        return true;
    }
};

class Instance : public Owned<wasm_instance_t, wasm_instance_delete> {
public:
    using Owned::Owned;

    /// What is exported by this name; `get()` is null if nothing is.
    Extern get_export(const char *name) const { return Extern(dunlin_instance_get_export(get(), name)); }

    template <typename Signature>
    Func<Signature> func(const char *name) const {
        Extern found = get_export(name);
        wasm_func_t *func = wasm_extern_as_func(found.get());
        if (!func)
            throw std::out_of_range(std::string("no function is exported as ") + name);
        return Func<Signature>(func);
    }
};

class Linker : public Owned<dunlin_linker_t, dunlin_linker_delete> {
public:
    explicit Linker(const Engine &engine)
        : Owned(made([&](auto out) { return dunlin_linker_new(engine.get(), out); })) {}

    void wasi() { check(dunlin_linker_define_wasi(get())); }

    /// Defines a host function of numbers. An exception that it throws becomes an error of the call, with its text.
    template <typename R, typename... P>
    void func(const char *module, const char *name, std::function<R(P...)> call) {
        auto *env = new std::function<R(P...)>(std::move(call));
        wasm_functype_t *type = detail::functype<R, P...>();
        dunlin_error_t *error = dunlin_linker_define_numeric_func(
            get(), module, name, type, &invoke<R, P...>, env,
            [](void *env) { delete static_cast<std::function<R(P...)> *>(env); });
        wasm_functype_delete(type);
        check(error);
    }

    Instance instantiate(const Store &store, const Module &module) const {
        return Instance(made_instance(store, module));
    }

private:
    wasm_instance_t *made_instance(const Store &store, const Module &module) const {
        wasm_instance_t *instance = nullptr;
        check(dunlin_linker_instantiate(get(), store.get(), module.get(), &instance));
        return instance;
    }

    template <typename R, typename... P>
    static wasm_trap_t *invoke(void *env, dunlin_caller_t *, dunlin_slot_t *slots) noexcept {
        try {
            invoke_with<R, P...>(*static_cast<std::function<R(P...)> *>(env), slots, std::index_sequence_for<P...>());
            return nullptr;
        } catch (const std::exception &error) {
            return dunlin_error_into_trap(dunlin_error_new(error.what()));
        } catch (...) {
            return dunlin_error_into_trap(dunlin_error_new("an exception"));
        }
    }

    template <typename R, typename... P, size_t... I>
    static void invoke_with(const std::function<R(P...)> &call, dunlin_slot_t *slots, std::index_sequence<I...>) {
        (void)slots;
        if constexpr (std::is_void_v<R>)
            call(detail::Number<P>::load(slots[I])...);
        else
            detail::Number<R>::store(slots[0], call(detail::Number<P>::load(slots[I])...));
    }
};

} // namespace dunlin

#endif
